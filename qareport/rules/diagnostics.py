"""Problems in rule files: `file:line:col: rule-id: what; expected …; did you mean …?`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pydantic

from qareport.errors import Problem
from qareport.strict_yaml import YamlSource

Path_ = tuple[str | int, ...]


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


class Complaints:
    """Collects the problems of one file; each names the rule or the case that it stands in."""

    def __init__(self, source: YamlSource) -> None:
        self.source = source
        self.subject = ""
        self.problems: list[Problem] = []

    def add(self, path: Path_, what: str, *, expected: str | None = None, to_do: str | None = None) -> None:
        """Note one problem at a place in the file."""
        text = f"{self.subject}: {what}" if self.subject else what
        where = self.source.locate(path)
        self.problems.append(Problem(what=text, where=where, expected=expected, to_do=to_do))

    def unknown_key(self, path: Path_, key: str, known: Iterable[str]) -> None:
        """Note a key that means nothing here, with the nearest one that does."""
        self.add((*path, key), f"unknown key {key!r}", to_do=did_you_mean(key, known) or _all_of(known))

    def explain(self, error: pydantic.ValidationError, path: Path_, known: Iterable[str]) -> None:
        """Note everything that a form refused at `path`; `known` are the keys of the form."""
        known = list(known)
        for issue in error.errors(include_url=False):
            steps = tuple(_steps(self.source, path, issue["loc"]))
            name = str(issue["loc"][-1]) if issue["loc"] else str(path[-1] if path else "file")
            if issue["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
                self.unknown_key(steps[:-1] if steps[-1:] == (name,) else steps, name, known)
            elif issue["type"] in ("missing", "missing_argument"):
                self.add(steps, f"{name!r} is missing", to_do=f"add `{name}:`")
            else:
                place = next((step for step in reversed(steps) if isinstance(step, str)), name)
                self._refused(steps, place, issue)

    def _refused(self, path: Path_, name: str, issue: Any) -> None:
        choices = re.findall(r"'([^']*)'", str(issue.get("ctx", {}).get("expected", "")))
        got = issue["input"]
        expected = re.sub(r"^(Input|Value) should be ", "", issue["msg"])
        expected = _PLAINLY.get(issue["type"], expected)
        near = did_you_mean(got, choices) if isinstance(got, str) else None
        self.add(path, f"{name}: got {_short(got)}", expected=expected, to_do=near)


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return `did you mean 'x'?` for the nearest known word, None when none is near."""
    by_form = {one.casefold(): one for one in known}
    near = difflib.get_close_matches(word.casefold(), by_form, n=1)
    near = near or [form for form in by_form if word and form.startswith(word.casefold())]
    return f"did you mean {by_form[near[0]]!r}?" if near else None


def _all_of(known: Iterable[str]) -> str:
    return "known here: " + ", ".join(known)


def _steps(source: YamlSource, path: Path_, loc: tuple[str | int, ...]) -> Iterator[str | int]:
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
