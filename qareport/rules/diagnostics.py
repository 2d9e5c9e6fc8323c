"""Problems of rule files: `file:line:col: rule-id: what; expected …; did you mean …?`, each with a stable code.

`CODES` explains every code. A comment `# qareport: ignore[code]` (or `ignore[code1, code2]`) silences warnings: those
on its own line, and on the line of a rule's `- id:` those of the rule. Errors cannot be silenced.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pydantic

from qareport.errors import Diagnostic, SourceLocation, choices_of, expected_by
from qareport.messages import Message, say
from qareport.rules.aliases import KEYS, VALUES, Choices, did_you_mean, nearest, words_of
from qareport.rules.remedies import mistyped_colon, near_key, of_choice, of_clocks, of_day, of_length, of_number
from qareport.rules.slots import Slot
from qareport.strict_yaml import NodePath, YamlSource

#: Every code with its meaning. Codes are stable: `ignore[…]` comments and the output for programs use them.
CODES: Mapping[str, Message] = {
    # Errors of the files.
    "unreadable-file": say("The file cannot be read."),
    "wrong-suffix": say("The file ends with .yml and would be overlooked; rule files end with .yaml."),
    "no-rules": say("There is no folder, no rule file, or no list of rules in the file."),
    "unknown-revision": say("There is no such folder or git revision, or git cannot be run."),
    "file-too-large": say("The file is larger than a file that people edit."),
    "not-utf8": say("The file is not UTF-8 text."),
    "invalid-yaml": say("The text is not YAML."),
    "yaml-tag": say("Explicit YAML tags (`!name`) are not used."),
    "yaml-alias": say("YAML anchors and aliases (`&`, `*`) are not used."),
    "yaml-merge-key": say("YAML merge keys (`<<`) are not used."),
    "yaml-key": say("A key of a mapping is not text."),
    "yaml-nesting": say("The document is nested too deeply."),
    "duplicate-key": say("A key is given twice in one mapping."),
    "schema-version": say("The file does not start with `schema: 1`."),
    # Errors of keys and values.
    "unknown-key": say("The key is not known here."),
    "missing-key": say("A required key is missing."),
    "invalid-value": say("The value does not have the type, the range or the form that the key requires."),
    "invalid-length": say("The value is not a length of time or an extent with its unit: 2s, 20%, 3 turns."),
    "invalid-bounds": say("The bounds are missing, or no value lies between them."),
    "conflicting-keys": say("Two keys exclude each other."),
    "invalid-regex": say("The regular expression is broken, can run away, or matches everything."),
    "unknown-list": say("`$name` is not a list of synonyms.yaml."),
    "invalid-list-name": say("The name of a list of synonyms.yaml cannot be written as `$name`."),
    # Errors of rules.
    "duplicate-id": say("Two rules have the same id."),
    "missing-condition": say("A condition, or a list of conditions, is required here."),
    "unknown-condition": say("There is no condition of this name."),
    "several-conditions": say("Several conditions are written where one belongs."),
    "impossible-count": say("`at_least` asks for more conditions than there are."),
    "sequence-length": say("A sequence has 2 to 10 steps."),
    "sequence-step": say("The step of a sequence is not possible in this place."),
    "unknown-named-condition": say("synonyms.yaml has no condition of this name."),
    "unknown-stage": say("synonyms.yaml lists no such stage."),
    "invalid-advice": say("The advice is empty or too long, or has a broken or unknown placeholder."),
    "advice-without-default": say("Advice by stage needs a `default`."),
    # Errors of rule tests.
    "unknown-rule": say("The test names a rule that does not exist."),
    "test-without-expectation": say("The test has neither `must_hit` nor `must_not_hit`."),
    "test-without-call": say("The test needs either a `conversation` or a `call`."),
    "invalid-utterance": say("The utterance does not have the form `role start-end tags: text`."),
    # Warnings of rules that load.
    "rule-without-test": say("No test has the rule in `must_hit`, or none has it in `must_not_hit`."),
    "advice-without-topic": say("The advice names {{ topic }}, which the conditions do not always find."),
    "advice-not-excused": say("What the advice says to say holds none of the words that `unless` excuses."),
    "duplicate-title": say("Two rules have the same title."),
    "ambiguous-scalar": say("Other YAML readers take the plain value for something else than text."),
    "short-silence": say("The silence is shorter than the shortest pause that counts as silence."),
    "impossible-speed": say("Nobody speaks so fast or so slowly."),
    "impossible-metric": say("The measure never has such a value."),
    "unknown-topic": say("topics.yaml has no such issue."),
    "unknown-promise": say("topics.yaml has no such promise."),
    "unknown-label": say("No key moment carries this label."),
    "unknown-category": say("The scorecard has no such category, but one that is called nearly so."),
    "chinese-punctuation": say("A mark or a space that parts words stands in a word; YAML needs English ones."),
    "inside-longer-word": say("The word also stands by chance in an everyday expression that means something else."),
    "retired-rule-tested": say("A test names a rule that is retired."),
    "never-matches": say("No text can match the regular expression: punctuation is taken out before it is searched."),
    "shadowed-word": say("The word is also in `except` and is never found."),
    "always-excused": say("`unless` names what the condition looks for: every hit is excused."),
    "contradiction": say("`all` asks for something that it also forbids."),
    "zero-within": say("`within` allows no time at all."),
    "ended-rule": say("The rule's last day of effect has passed."),
    "replaces-unknown": say("The rule replaces one that does not exist."),
    "replaces-itself": say("The rule names itself in `replaces`."),
    "replaces-active": say("The rule replaces one that still counts: one fault costs twice."),
    "shadowed-rule": say("The rule hits wherever another rule hits: one fault costs twice."),
    "never-hits": say("The rule hit none of the stored calls in 30 days (`qareport rules lint --stored`)."),
    "live-needs-end": say("The rule is `live` and rests on what only the end of a call decides."),
    "unknown-ignore": say("The code in a `# qareport: ignore[…]` comment does not exist."),
    "unused-ignore": say("The `# qareport: ignore[…]` comment silences nothing."),
}  # fmt: skip

#: Codes of what a form refuses, by the type of error; all others are `invalid-value`.
_CODE_OF_TYPE = {
    "duration": "invalid-length", "extent": "invalid-length", "bounds": "invalid-bounds", "effective": "invalid-bounds",
    "occurrence": "conflicting-keys", "regex": "invalid-regex", "synonyms": "unknown-list",
}  # fmt: skip

#: Keys, in both languages, that belong beside a condition and not into it, nor beside `when`.
_BESIDE = frozenset(
    word for key in ("first", "last", "between", "nth", "times", "unless", "within") for word in words_of(key)
)
#: Errors of pydantic that ask for a number.
_OF_NUMBERS = ("int_type", "float_type", "int_parsing", "int_from_float", "float_parsing")
_ID = say("small Latin letters, digits, points, dashes, a letter first: logistics.shipping-doubt")


class Diagnostics:
    """Collects the errors of one file; each names the rule or the test that it belongs to."""

    def __init__(self, source: YamlSource, slot: Slot) -> None:
        self.source = source
        #: What may be written in the file.
        self.slot = slot
        self.subject: str | Message = ""
        self.errors: list[Diagnostic] = []

    def add(
        self,
        code: str,
        path: NodePath,
        what: Message,
        *,
        expected: Message | None = None,
        to_do: Message | None = None,
        written_below: bool = False,
    ) -> None:
        """Note an error at a place in the file; `written_below`: at the text that stands there, not at its key."""
        text = say("{subject}: {what}", subject=self.subject, what=what) if self.subject else what
        where = self._place_of_text(path) if written_below else self.source.locate(path)
        self.errors.append(Diagnostic(code=code, what=text, where=where, expected=expected, to_do=to_do))

    def spelt(self, path: NodePath) -> str:
        """Return the key at a place, or the nearest key around it, as the file has it."""
        for end in range(len(path), 0, -1):
            if isinstance(path[end - 1], str):
                return self.source.spelt_keys.get(path[:end], str(path[end - 1]))
        return ""

    def unknown_key(self, path: NodePath, key: str, known: Collection[str]) -> None:
        """Note a key that is not known here, with the nearest one that is; `known` are in English."""
        spelt = self.source.spelt_keys.get((*path, key), key)
        to_do = mistyped_colon(spelt) or near_key(spelt, known)
        if key in _BESIDE and to_do is None:
            to_do = say("write it beside the condition, below `when`")
        to_do = to_do or say("known here: {keys}", keys=Choices.of_keys(known))
        self.add("unknown-key", (*path, key), say("unknown key {key!r}", key=spelt), to_do=to_do)

    def misplaced_key(self, path: NodePath, key: str, to_do: Message) -> None:
        """Note a key that is known, but not here, and where it belongs."""
        spelt = self.source.spelt_keys.get((*path, key), key)
        self.add("unknown-key", (*path, key), say("{key!r} does not belong here", key=spelt), to_do=to_do)

    def explain(self, error: pydantic.ValidationError, path: NodePath, beside: Collection[str] = ()) -> None:
        """Note everything that a form refused at `path`; keys of the form may be written `beside` that place."""
        issues = []
        for issue in error.errors(include_url=False):
            start = path[:-1] if issue["loc"] and issue["loc"][0] in beside else path
            steps = tuple(_steps(self.source, start, issue["loc"]))
            # What is wrong with several keys is told at the one to change.
            at = str(issue.get("ctx", {}).get("at"))
            places: tuple[NodePath, ...] = ((*steps, at), (*path[:-1], at))
            issues.append((next((place for place in places if place in self.source.locations), steps), issue))
        taken: set[NodePath] = set()  # keys that are missing because they are misspelled
        strange: list[NodePath] = []  # where a key is that is like no other
        for steps, issue in issues:
            if issue["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
                place, name = steps[:-1], str(issue["loc"][-1])
                known = list(self.slot.at(place).keys)
                near = nearest(name.split("：")[0], [word for key in known for word in words_of(key)])
                if near is not None:
                    taken.add((*place, self.slot.at(place).key(near)))
                else:
                    strange.append(place)
                self.unknown_key(place, name, known)
        missing: dict[NodePath, list[str]] = {}
        for steps, issue in issues:
            if issue["type"] in ("missing", "missing_argument"):
                name = str(issue["loc"][-1])
                if steps in strange:
                    strange.remove(steps)
                elif (*steps, name) not in taken:
                    missing.setdefault(steps, []).append(name)
            elif issue["type"] not in ("extra_forbidden", "unexpected_keyword_argument"):
                self._refuse(steps, issue)
        for steps, names in missing.items():
            if len(names) > 1:
                what = say("several keys are missing: {keys}", keys=Choices.of_keys(names))
                self.add("missing-key", steps, what, to_do=say("add them"))
            else:
                key = self._own_word(names[0])
                self.add("missing-key", steps, say("{key!r} is missing", key=key), to_do=say("add `{key}:`", key=key))

    def _own_word(self, key: str) -> str:
        """Name a key as the rest of the file would: in Chinese where its keys are."""
        chinese = bool(self.source.spelt_keys) and key in KEYS
        return KEYS[key][0] if chinese else key

    def _refuse(self, path: NodePath, issue: Any) -> None:
        details, value = issue.get("ctx", {}), issue["input"]
        expected, to_do = details.get("expected"), details.get("to_do")
        if not isinstance(expected, Message):
            choices = choices_of(issue)
            words = [word for choice in choices for word in (choice, *VALUES.get(choice, ()))]
            to_do = of_choice(value, words) if choices and isinstance(value, str) else None
            choice = say("one of {choices}", choices=Choices.of_values(choices))
            expected = choice if choices else _ID if issue["type"] == "string_pattern_mismatch" else expected_by(issue)
            if issue["type"] == "model_type":
                keys = Choices.of_keys(self.slot.at(path).keys)
                expected = say("keys with values below it: {keys}", keys=keys)
        if isinstance(value, dict) and details.get("at") in value:
            value = value[details["at"]]
        code = _CODE_OF_TYPE.get(issue["type"], "invalid-value")
        to_do = to_do or self._remedy(code, path, issue["type"], value)
        colon = isinstance(value, str) and mistyped_colon(value) is not None
        self.add(code, path, self.got(path, value), expected=expected, to_do=to_do, written_below=colon)

    def _place_of_text(self, path: NodePath) -> SourceLocation:
        """Return where the plain text begins that is written below a key."""
        where, value = self.source.locate(path), self.source.data
        for step in path:
            value = value[step] if step in (value if isinstance(value, dict) else range(len(value))) else value
        texts = (place for place, text in self.source.plain_scalars if place.line > where.line and text == value)
        return next(texts, where)

    def _remedy(self, code: str, path: NodePath, kind: str, value: Any) -> Message | None:
        """Say what to do about slips of the keyboard."""
        written = self.source.spelt_values.get(path, value)
        if code == "invalid-length":
            return of_length(written, chinese=bool(self.source.spelt_keys))
        if kind in _OF_NUMBERS:
            fatal = ("fatal", *VALUES["fatal"]) if path[-1:] == ("points",) and isinstance(written, str) else ()
            return (did_you_mean(written, fatal) if fatal else None) or of_number(written)
        if kind in ("day", "clock"):
            return of_day(written) if kind == "day" else of_clocks(written)
        if isinstance(value, str):
            return mistyped_colon(value)
        if kind == "string_type" and isinstance(value, bool | int | float):
            return say('write it with quotes: "{text}"', text=self._plain_text(path) or as_yaml(value))
        return None

    def _plain_text(self, path: NodePath) -> str | None:
        """Return the text of a value without quotes, before it was taken for a number."""
        where = self.source.locate(path)
        texts = [
            text
            for place, text in self.source.plain_scalars
            if (place.line, place.column) >= (where.line, where.column)
        ]
        # A value below a key has the place of the key.
        return next(iter(texts[isinstance(path[-1], str) :]), None) if path else None

    def got(self, path: NodePath, value: Any) -> Message:
        """Say what is written at a place."""
        name, value = self.spelt(path), self.source.spelt_values.get(path, value)
        if value is None:
            return say("{key}: nothing is written", key=name)
        if isinstance(value, str):
            return say("{key}: got {value!r}", key=name, value=_cut(value))
        plain = self._plain_text(path) if isinstance(value, float) else None
        return say("{key}: got {value}", key=name, value=_cut(plain or as_yaml(self._as_spelt(path, value))))

    def _as_spelt(self, path: NodePath, value: Any) -> Any:
        """Return a value with the keys and words that the file has."""
        if isinstance(value, dict):
            keys = {key: self.source.spelt_keys.get((*path, key), key) for key in value}
            return {keys[key]: self._as_spelt((*path, key), inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._as_spelt((*path, index), inner) for index, inner in enumerate(value)]
        return self.source.spelt_values.get(path, value)


def as_yaml(value: Any) -> str:
    """Write a value as YAML's short form has it."""
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(as_yaml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {as_yaml(inner)}" for key, inner in value.items()) + "}"
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _steps(source: YamlSource, path: NodePath, loc: tuple[str | int, ...]) -> Iterator[str | int]:
    """Walk as far down as the file goes: steps that only the form knows (`any` of a bare list) are left out."""
    yield from path
    place = path
    for step in loc:
        if (*place, step) in source.locations:
            place = (*place, step)
            yield step


def _cut(text: str) -> str:
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
            to_do = did_you_mean(ignore.code, CODES) or say("codes stand in square brackets after each warning")
            what = say("ignore: there is no code {code!r}", code=ignore.code)
            yield Diagnostic(code="unknown-ignore", severity="warning", what=what, where=ignore.where, to_do=to_do)
        elif ignore not in used and ignore.code not in unchecked:
            what, to_do = say("ignore: nothing here is silenced by {code!r}", code=ignore.code), say("take it out")
            yield Diagnostic(code="unused-ignore", severity="warning", what=what, where=ignore.where, to_do=to_do)


def _lines_of(warning: Diagnostic, starts: list[tuple[SourceLocation, SourceLocation]]) -> Iterator[tuple[str, int]]:
    """Name the lines on which a comment silences a warning: its own, and the one with the id of its rule."""
    where = warning.where
    if isinstance(where, SourceLocation):
        yield where.file, where.line
        before = [ident for start, ident in starts if start.file == where.file and start.line <= where.line]
        if before:
            yield before[-1].file, before[-1].line
