"""Problems of rule files: `file:line:col: rule-id: what; expected …; did you mean …?`, each with a stable code.

`CODES` explains every code. A comment `# qareport: ignore[code]` (or `ignore[code1, code2]`) silences warnings: on the
line of a warning that one, on the line of a rule's `- id:` those of the whole rule. Errors cannot be silenced.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pydantic

from qareport.errors import Diagnostic, SourceLocation
from qareport.strict_yaml import NodePath, YamlSource

#: Every code with its meaning. Codes are stable: they stand in `ignore[…]` comments and in the output for programs.
CODES: dict[str, str] = {
    # Errors of the files.
    "unreadable-file": "The file cannot be read.",
    "wrong-suffix": "The file ends with .yml and would be overlooked; rule files end with .yaml.",
    "no-rules": "There is no folder, no rule file, or no list of rules in the file.",
    "unknown-revision": "There is no such folder or git revision, or git cannot be run.",
    "file-too-large": "The file is larger than a file that people edit.",
    "not-utf8": "The file is not UTF-8 text.",
    "invalid-yaml": "The text is not YAML.",
    "yaml-tag": "Explicit YAML tags (`!name`) are not used.",
    "yaml-alias": "YAML anchors and aliases (`&`, `*`) are not used.",
    "yaml-merge-key": "YAML merge keys (`<<`) are not used.",
    "yaml-key": "A key of a mapping is not text.",
    "yaml-nesting": "The document is nested too deeply.",
    "duplicate-key": "A key is given twice in one mapping.",
    "schema-version": "The file does not start with `schema: 1`.",
    # Errors of keys and values.
    "unknown-key": "The key is not known here.",
    "missing-key": "A required key is missing.",
    "invalid-value": "The value does not have the type, the range or the form that the key requires.",
    "invalid-length": "The value is not a length of time or an extent with its unit, for example 2s, 20% or 3 turns.",
    "invalid-bounds": "The bounds are missing, or no value lies between them.",
    "conflicting-keys": "Two keys exclude each other.",
    "invalid-regex": "The regular expression is broken, can run away, or matches everything.",
    "unknown-list": "`$name` is not a list of synonyms.yaml.",
    "invalid-list-name": "The name of a list of synonyms.yaml cannot be written as `$name`.",
    # Errors of rules.
    "duplicate-id": "Two rules have the same id.",
    "missing-condition": "A condition, or a list of conditions, is required here.",
    "unknown-condition": "There is no condition of this name.",
    "several-conditions": "Several conditions are written where one belongs.",
    "impossible-count": "`at_least` asks for more conditions than there are.",
    "sequence-length": "A sequence has 2 to 10 steps.",
    "sequence-step": "The step of a sequence is not possible in this place.",
    "unknown-stage": "synonyms.yaml lists no such stage.",
    "invalid-advice": "The advice is empty or too long, or has a broken or unknown placeholder.",
    "advice-without-default": "Advice by stage needs a `default`.",
    # Errors of rule tests.
    "unknown-rule": "The test names a rule that does not exist.",
    "test-without-expectation": "The test has neither `must_hit` nor `must_not_hit`.",
    "test-without-call": "The test needs either a `conversation` or a `call`.",
    "invalid-utterance": "The utterance does not have the form `role start-end tags: text`.",
    # Warnings of rules that load.
    "rule-without-test": "No test has the rule in `must_hit`, or none has it in `must_not_hit`.",
    "advice-without-topic": "The advice names {{ topic }}, which the conditions do not always find.",
    "duplicate-title": "Two rules have the same title.",
    "ambiguous-scalar": "Other YAML readers take the plain value for something else than text.",
    "short-silence": "The silence is shorter than the shortest pause that counts as silence.",
    "impossible-speed": "Nobody speaks so fast or so slowly.",
    "impossible-metric": "The measure never has such a value.",
    "unknown-topic": "topics.yaml has no such issue.",
    "shadowed-word": "The word also stands in `except` and is never found.",
    "always-excused": "`unless` names what the condition looks for: every hit is excused.",
    "contradiction": "`all` asks for something that it also forbids.",
    "zero-within": "`within` allows no time at all.",
    "ended-rule": "The rule's last day of effect has passed.",
    "replaces-itself": "The rule names itself in `replaces`.",
    "replaces-active": "The rule replaces one that still counts: one fault costs twice.",
    "shadowed-rule": "The rule hits wherever another rule hits: one fault costs twice.",
    "never-hits": "The rule hit none of the stored calls in 30 days (`qareport rules lint --stored`).",
    "unknown-ignore": "The code in a `# qareport: ignore[…]` comment does not exist.",
    "unused-ignore": "The `# qareport: ignore[…]` comment silences nothing.",
}  # fmt: skip

#: Codes of what pydantic refuses, by its type of error; all others are `invalid-value`.
_CODE_OF_TYPE = {
    "duration": "invalid-length", "extent": "invalid-length", "bounds": "invalid-bounds", "effective": "invalid-bounds",
    "occurrence": "conflicting-keys", "regex": "invalid-regex", "synonyms": "unknown-list",
}  # fmt: skip

#: What pydantic says in a programmer's words, in a supervisor's.
_PLAINLY = {
    "string_pattern_mismatch": "small Latin letters, digits, points, dashes, a letter first: logistics.shipping-doubt",
    "int_type": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "dict_type": "keys with values below it, not a bare value",
    "list_type": "a list, each item after a dash",
    "string_type": "text",
}


class Diagnostics:
    """Collects the errors of one file; each names the rule or the test that it belongs to."""

    def __init__(self, source: YamlSource) -> None:
        self.source = source
        self.subject = ""
        self.errors: list[Diagnostic] = []

    def add(
        self, code: str, path: NodePath, what: str, *, expected: str | None = None, to_do: str | None = None
    ) -> None:
        """Note an error at a place in the file."""
        text = f"{self.subject}: {what}" if self.subject else what
        where = self.source.locate(path)
        self.errors.append(Diagnostic(code=code, what=text, where=where, expected=expected, to_do=to_do))

    def unknown_key(self, path: NodePath, key: str, known: Iterable[str]) -> None:
        """Note a key that is not known here, with the nearest one that is."""
        self.add("unknown-key", (*path, key), f"unknown key {key!r}", to_do=did_you_mean(key, known) or _all_of(known))

    def explain(self, error: pydantic.ValidationError, path: NodePath, known: Iterable[str]) -> None:
        """Note everything that a form refused at `path`; `known` are the keys of the form."""
        known = list(known)
        for issue in error.errors(include_url=False):
            steps = tuple(_steps(self.source, path, issue["loc"]))
            name = str(issue["loc"][-1]) if issue["loc"] else str(path[-1] if path else "file")
            if issue["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
                self.unknown_key(steps[:-1] if steps[-1:] == (name,) else steps, name, known)
            elif issue["type"] in ("missing", "missing_argument"):
                self.add("missing-key", steps, f"{name!r} is missing", to_do=f"add `{name}:`")
            else:
                place = next((step for step in reversed(steps) if isinstance(step, str)), name)
                self._refuse(steps, place, issue)

    def _refuse(self, path: NodePath, name: str, issue: Any) -> None:
        choices = re.findall(r"'([^']*)'", str(issue.get("ctx", {}).get("expected", "")))
        got = issue["input"]
        expected = re.sub(r"^(Input|Value) should be ", "", issue["msg"])
        expected = _PLAINLY.get(issue["type"], expected)
        near = did_you_mean(got, choices) if isinstance(got, str) else None
        code = _CODE_OF_TYPE.get(issue["type"], "invalid-value")
        self.add(code, path, f"{name}: got {_short(got)}", expected=expected, to_do=near)


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return `did you mean 'x'?` for the nearest known word, None when none is near."""
    by_form = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(word.casefold(), by_form, n=1)
    near = near or [form for form in by_form if word and form.startswith(word.casefold())]
    return f"did you mean {by_form[near[0]]!r}?" if near else None


def _all_of(known: Iterable[str]) -> str:
    return "known here: " + ", ".join(known)


def _steps(source: YamlSource, path: NodePath, loc: tuple[str | int, ...]) -> Iterator[str | int]:
    """Walk as far down as the file goes: steps that only the form knows (`any` of a bare list) are left out."""
    yield from path
    place = path
    for step in loc:
        if (*place, step) in source.locations:
            place = (*place, step)
            yield step


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


_IGNORE = re.compile(r"#\s*qareport:\s*ignore\s*\[([^\]]*)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore:
    """One code of a comment `# qareport: ignore[…]`."""

    code: str
    where: SourceLocation


def read_ignores(source: YamlSource) -> Iterator[Ignore]:
    """Read the `ignore` comments of a file."""
    for where, comment in source.comments:
        for match in _IGNORE.finditer(comment):
            for code in match.group(1).split(","):
                yield Ignore(code=code.strip(), where=where)


def silence(
    warnings: Iterable[Diagnostic],
    ignores: Collection[Ignore],
    rule_starts: Iterable[tuple[SourceLocation, SourceLocation]],
    unchecked: Collection[str] = (),
) -> Iterator[Diagnostic]:
    """Leave out the warnings that comments silence, and add one for each comment that names or silences nothing.

    Args:
        warnings: of rules that loaded.
        ignores: the comments of their files.
        rule_starts: where each rule starts, in order, and where its `id` is.
        unchecked: codes that were not looked for, so that an `ignore` of them is not unused.
    """
    starts = list(rule_starts)
    by_place = {(ignore.where.file, ignore.where.line, ignore.code): ignore for ignore in ignores}
    used: set[Ignore] = set()
    for warning in warnings:
        matching = [
            by_place[place, line, warning.code]
            for place, line in _lines_of(warning, starts)
            if (place, line, warning.code) in by_place
        ]
        used.update(matching)
        if not matching:
            yield warning
    for ignore in ignores:
        if ignore.code not in CODES:
            to_do = did_you_mean(ignore.code, CODES) or "codes stand in square brackets after each warning"
            what = f"ignore: there is no code {ignore.code!r}"
            yield Diagnostic(code="unknown-ignore", severity="warning", what=what, where=ignore.where, to_do=to_do)
        elif ignore not in used and ignore.code not in unchecked:
            what = f"ignore: nothing here is silenced by {ignore.code!r}"
            yield Diagnostic(
                code="unused-ignore", severity="warning", what=what, where=ignore.where, to_do="take it out"
            )


def _lines_of(warning: Diagnostic, starts: list[tuple[SourceLocation, SourceLocation]]) -> Iterator[tuple[str, int]]:
    """Name the lines on which a comment silences a warning: its own, and the one with the id of its rule."""
    where = warning.where
    if isinstance(where, SourceLocation):
        yield where.file, where.line
        before = [ident for start, ident in starts if start.file == where.file and start.line <= where.line]
        if before:
            yield before[-1].file, before[-1].line
