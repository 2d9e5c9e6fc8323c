"""Compose the nodes of a YAML text; where it is none, say in plain words why, and in which line.

What PyYAML notices often lies behind the mistake.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from qareport.messages import Message, say

MAX_DEPTH = 40
#: Tabs, marked keys (`? `) and a comment right behind `|`: libyaml lets some pass that `NodeLoader` names.
_ONLY_SLOWLY = re.compile(r"\t|^[ \-]*\?(?:\s|\Z)|[|>][-+0-9]*#", re.MULTILINE)

_KEY = r"\s*(?:-\s+)*[\"']?[\w$.][\w$. ]{0,40}[\"']?"
_CHINESE_COLON = re.compile(rf"{_KEY}\s*：")
_NO_SPACE = re.compile(rf"{_KEY}:[^\s:]")
_NO_SPACE_AFTER_DASH = re.compile(r"\s*-[^\s\-0-9]")
#: Spaces that only look like spaces, before the text of a line or after its key.
_WIDE_SPACE = re.compile(r"\s*?[\u3000\u00a0\u2002-\u200a]|\s*(?:-\s+)*[\w$. ]{1,40}:[ ]*[\u3000\u00a0\u2002-\u200a]")
#: Dashes that are not the dash of a list.
_WIDE_DASH = re.compile(r"\s*([－—–−•·●])\s*[\w\"'\[{]")
_DASH = re.compile(r"\s*-\s")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_KEY_START = re.compile(r"\s*(?:-\s+)*(?=[^\s#-])")
#: Braces of a placeholder where a value begins.
_BRACES = re.compile(r"[^:]*:\s+(?=\{\{)")


class TooDeepError(yaml.MarkedYAMLError):
    """The document is nested deeper than `MAX_DEPTH`."""


class NodeLoader(yaml.SafeLoader):
    """Composes nodes, and notes what nodes do not tell: explicit tags (`!name`) and anchors (`&name`).

    Its errors have the words that `diagnose` knows.
    """

    def __init__(self, text: str) -> None:
        self.tags: list[tuple[str, yaml.Mark]] = []
        self.depth = 0
        self._begin(text)

    def _begin(self, text: str) -> None:
        super().__init__(text)

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs have no types here
        tag = getattr(event, "tag", None)
        if tag is not None:
            self.tags.append((tag, event.start_mark))
        if (anchor := getattr(event, "anchor", None)) is not None and not isinstance(event, yaml.AliasEvent):
            self.tags.append((f"&{anchor}", event.start_mark))
        if self.depth > MAX_DEPTH:  # refused here, before the nesting costs time and stack
            raise TooDeepError(problem=f"nested deeper than {MAX_DEPTH} levels", problem_mark=event.start_mark)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


if yaml.__with_libyaml__:
    from yaml._yaml import CParser

    class _FastLoader(CParser, NodeLoader):
        """The same by libyaml, which scans four times as fast; only the nodes are composed here."""

        __init__ = NodeLoader.__init__
        #: Its own methods would compose all nodes out of sight.
        get_single_node = yaml.composer.Composer.get_single_node

        def _begin(self, text: str) -> None:
            CParser.__init__(self, text)
            yaml.composer.Composer.__init__(self)
            yaml.resolver.Resolver.__init__(self)


def compose_fast(text: str) -> tuple[yaml.Node | None, list[tuple[str, yaml.Mark]]] | None:
    """Parse a document by libyaml; None: it is not here, or something is wrong, which `NodeLoader` says better."""
    if not yaml.__with_libyaml__ or _ONLY_SLOWLY.search(text):
        return None
    try:
        loader = _FastLoader(text)
        return loader.get_single_node(), loader.tags
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlMistake:
    """What is wrong and what to do, and where; line and column count from 0."""

    what: Message
    to_do: Message
    line: int
    column: int


def diagnose(text: str, error: yaml.MarkedYAMLError) -> YamlMistake:
    """Explain an error of PyYAML in the text that it read."""
    lines = text.splitlines()
    problem, mark = str(error.problem), error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark is not None else (0, 0)
    start = error.context_mark
    mistake = _strange_letters(lines, line) or _bad_value(lines, line, column, error)
    if mistake is not None:
        pass
    elif problem.startswith("could not find expected ':'") and start is not None:
        mistake = _no_key(lines, start.line, start.column)
    elif problem.startswith("mapping values are not allowed"):
        mistake = _second_colon(lines, line, column)
    elif "expected <block end>" in problem:
        mistake = _out_of_line(lines, line, column, problem)
    elif start is not None and str(error.context).startswith(("while parsing a flow", "while scanning a quoted")):
        mistake = _not_closed(lines, start, line, column, problem)
    elif "'\\t'" in problem:
        what, to_do = say("a tab stands here"), say("YAML indents with spaces, not tabs")
        mistake = YamlMistake(what=what, to_do=to_do, line=line, column=column)
    elif "cannot start any token" in problem or "scanning an alias" in str(error.context):
        place = start or mark
        mistake = _bad_start(lines, place.line if place else line, place.column if place else column)
    elif problem.startswith("but found another document"):
        what, to_do = say("a second document begins here"), say("take out the line ---")
        mistake = YamlMistake(what=what, to_do=to_do, line=line, column=column)
    if mistake is not None:
        return mistake
    reason = " ".join(part for part in (error.context, error.problem) if part)
    what, to_do = say("not YAML: {reason}", reason=reason), say("check indentation, colons and quotes here")
    return YamlMistake(what=what, to_do=to_do, line=line, column=column)


def _bad_value(lines: list[str], line: int, column: int, error: yaml.MarkedYAMLError) -> YamlMistake | None:
    """Find values that begin with a sign of YAML, or hold one, and need quotes."""
    context, problem, start = str(error.context), str(error.problem), error.context_mark
    if braces := _BRACES.match(_text_of(lines, line)):
        return YamlMistake(
            what=say("a value cannot begin with {mark}", mark="{{"),
            to_do=say("put the whole text in quotes"),
            line=line,
            column=braces.end(),
        )
    if start is not None and context.endswith(("scanning an anchor", "scanning a tag", "parsing a tag")):
        return _bad_start(lines, start.line, start.column)
    if problem.startswith(("found undefined alias", "mapping keys are not allowed")):
        return _bad_start(lines, line, column)
    if start is not None and context.endswith("scanning a block scalar"):
        what = say("text stands behind {mark}", mark=_text_of(lines, start.line)[start.column : start.column + 1])
        to_do = say("write it into the next line, with more spaces before it")
        return YamlMistake(what=what, to_do=to_do, line=line, column=column)
    if problem.startswith("sequence entries are not allowed"):
        return _dash_behind_key(lines, line, column)
    if problem.startswith("found unknown escape character"):
        what = say("a backslash (\\) stands in a text in double quotes")
        to_do = say("write single quotes around it, or two backslashes")
        return YamlMistake(what=what, to_do=to_do, line=line, column=column - 1)
    return None


def _dash_behind_key(lines: list[str], line: int, column: int) -> YamlMistake:
    """Explain a dash in the line of a key: a list, or the sign of a number with a space behind it."""
    what, to_do = say("a list begins in the line of its key"), say("write each item into a line of its own below it")
    if number := re.match(r"-\s+([0-9.]+)\s*(?:#.*)?$", _text_of(lines, line)[column:]):
        what, to_do = say("a space stands behind the minus sign"), say("write {text}", text=f"-{number.group(1)}")
    return YamlMistake(what=what, to_do=to_do, line=line, column=column)


def _text_of(lines: list[str], line: int) -> str:
    return lines[line] if 0 <= line < len(lines) else ""


def _strange_letters(lines: list[str], line: int) -> YamlMistake | None:
    """Find letters that only look like YAML's, in the line where PyYAML stopped and in the one before it."""
    earlier = next((number for number in range(line - 1, -1, -1) if _text_of(lines, number).strip()), line)
    for number in (earlier, line):
        text = _text_of(lines, number)
        if _WIDE_SPACE.match(text):
            column = next(place for place, letter in enumerate(text) if letter.isspace() and letter not in " \t")
            what, to_do = say("this line has a space that is none of YAML's (full width)"), say("write plain spaces")
            return YamlMistake(what=what, to_do=to_do, line=number, column=column)
        if dash := _WIDE_DASH.match(text):
            what = say("the dash of this line is not the one of YAML ({mark})", mark=dash.group(1))
            to_do = say("write a dash and a space (- )")
            return YamlMistake(what=what, to_do=to_do, line=number, column=dash.start(1))
    return None


def _colon(lines: list[str], line: int) -> YamlMistake | None:
    """Find a Chinese colon, or one without its space, where a key ends."""
    text = _text_of(lines, line)
    if _CHINESE_COLON.match(text):
        what = say("this line has a Chinese colon (：)")
        to_do = say("write an English colon and a space (: )")
        return YamlMistake(what=what, to_do=to_do, line=line, column=text.index("："))
    if _NO_SPACE.match(text):
        what, to_do = say("there is no space after the colon"), say("write an English colon and a space (: )")
        return YamlMistake(what=what, to_do=to_do, line=line, column=text.index(":"))
    if _NO_SPACE_AFTER_DASH.match(text):
        what, to_do = say("there is no space after the dash"), say("write a dash and a space (- )")
        return YamlMistake(what=what, to_do=to_do, line=line, column=text.index("-"))
    return None


def _no_key(lines: list[str], line: int, column: int) -> YamlMistake:
    what, to_do = say("this line has no colon"), say("write a key, a colon and a space: `key: value`")
    return _colon(lines, line) or YamlMistake(what=what, to_do=to_do, line=line, column=column)


def _second_colon(lines: list[str], line: int, column: int) -> YamlMistake:
    before = _text_of(lines, line)[:column]
    if re.search(r":\s", before.strip()):
        what = say("a colon and a space stand within a text")
        to_do = say("put the whole text in quotes, or write it below `>-`")
        return YamlMistake(what=what, to_do=to_do, line=line, column=column)
    earlier = next((number for number in range(line - 1, -1, -1) if _text_of(lines, number).strip()), line)
    if (mistake := _colon(lines, earlier)) is not None:
        return mistake
    own, before_it = _key_column(lines, line), _key_column(lines, earlier)
    if own is not None and before_it is not None:
        if own == before_it and ":" not in _text_of(lines, earlier):
            return _no_key(lines, earlier, own)
        if (outlier := _outlier(lines, line, own)) is not None:
            return _indentation(lines, outlier, own)
        if own > before_it and _odd_first(lines, line, own, before_it) == earlier:
            return (
                _no_dash(earlier, before_it) if _may_be_item(lines, earlier, own) else _indentation(lines, earlier, own)
            )
    return _indentation(lines, line, before_it)


def _may_be_item(lines: list[str], line: int, deeper: int) -> bool:
    """Tell whether a dash before a line would put it into a list, level with the deeper lines that follow."""
    text = _text_of(lines, line)
    above = next((lines[number] for number in range(line - 1, -1, -1) if lines[number].strip()), "")
    return above.rstrip().endswith(":") and not text.lstrip().startswith("-") and _key_column(lines, line) == deeper - 2


def _no_dash(line: int, column: int) -> YamlMistake:
    what, to_do = say("the dash before this item of the list is missing"), say("write a dash and a space (- )")
    return YamlMistake(what=what, to_do=to_do, line=line, column=column)


def _out_of_line(lines: list[str], line: int, column: int, problem: str) -> YamlMistake | None:
    if "'<scalar>'" in problem:
        what = say("there is text after the closing quotation mark")
        to_do = say("put the whole text in quotes; inside, use Chinese ones “”")
        return YamlMistake(what=what, to_do=to_do, line=line, column=column)
    if "']'" in problem or "'}'" in problem:
        what, to_do = say("a closing bracket too many stands here"), say("take it out, or write the opening one")
        return YamlMistake(what=what, to_do=to_do, line=line, column=column)
    earlier = next((number for number in range(line - 1, -1, -1) if _text_of(lines, number).strip()), line)
    if (mistake := _colon(lines, earlier)) is not None:
        return mistake
    columns = _open_columns(lines, line)
    own = _key_column(lines, line)
    if not columns or own is None:
        return None
    if (outlier := _outlier(lines, line, own)) is not None:
        return _indentation(lines, outlier, own)
    if (first := _without_dash(lines, line, own)) is not None:
        return _no_dash(first, own)
    expected = min(columns, key=lambda place: (abs(place - own), -place))
    if (odd := _odd_first(lines, line, own, expected)) is not None:
        return _indentation(lines, odd, own)
    return _indentation(lines, line, expected)


def _without_dash(lines: list[str], line: int, own: int) -> int | None:
    """Return the first line of the items above one with a dash, where it stands as deep as they do and has none."""
    if not _text_of(lines, line).lstrip().startswith("- "):
        return None
    above = [number for number in range(line) if _key_column(lines, number) is not None]
    if above and _key_column(lines, above[-1]) == own - 2 and _may_be_item(lines, above[-1], own):
        return above[-1]
    first = None
    for number in reversed(above):
        if _key_column(lines, number) != own:
            break
        first = number
    no_dash = first is not None and not _text_of(lines, first).lstrip().startswith("-")
    return first if no_dash else None


def _odd_first(lines: list[str], line: int, own: int, expected: int) -> int | None:
    """Return the first line of a block where several below it agree with each other and not with it."""
    columns = {number: column for number in range(len(lines)) if (column := _key_column(lines, number)) is not None}
    first = next((number for number in range(line - 1, -1, -1) if columns.get(number) == expected), None)
    ends = next((number for number, column in columns.items() if number > line and column < own), len(lines))
    agree = [number for number in range(line, ends) if columns.get(number) == own]
    before = max((number for number in columns if number < line), default=None)
    return first if first is not None and first == before and len(agree) > 1 else None


def _outlier(lines: list[str], line: int, own: int) -> int | None:
    """Return the line above that is itself out of line, where a line fits all others; else None.

    A line that stands further left than those before and after it, or that belongs to the empty key before it and is
    not indented below it.
    """
    keys = [(number, column) for number in range(line) if (column := _key_column(lines, number)) is not None]
    left = next((index for index in reversed(range(len(keys))) if keys[index][1] < own), None)
    if not left:
        return None
    (before, column_before), (number, column) = keys[left - 1], keys[left]
    if column_before == column and _text_of(lines, before).rstrip().endswith(":"):
        return number
    return number if left + 1 == len(keys) and column_before == own else None


def _open_columns(lines: list[str], line: int) -> list[int]:
    """Return where the keys of the blocks begin that a line may continue."""
    columns: list[int] = []
    item = _DASH.match(_text_of(lines, line))
    for number in range(line - 1, -1, -1):
        column = _key_column(lines, number)
        goes_on = ":" in lines[number] or (item and _DASH.match(lines[number]))
        if column is not None and goes_on and (not columns or column < columns[-1]):
            columns.append(column)
    return columns


def _key_column(lines: list[str], line: int) -> int | None:
    match = _KEY_START.match(_text_of(lines, line))
    return match.end() if match else None


def _indentation(lines: list[str], line: int, expected: int | None) -> YamlMistake:
    own = _key_column(lines, line) or 0
    if expected is None or expected == own:
        what, to_do = say("this line does not fit the one above"), say("check indentation, colons and quotes here")
    else:
        what = say("this line is not aligned with those around it")
        text = _text_of(lines, line)
        spaces = len(text) - len(text.lstrip())  # of a line with a dash, those before the dash
        to_do = say("indent it by {expected} spaces, not by {own}", expected=spaces + expected - own, own=spaces)
    return YamlMistake(what=what, to_do=to_do, line=line, column=own)


def _last_bracket(lines: list[str], end: yaml.Mark) -> yaml.Mark:
    """Return where the innermost bracket that is open at the end was opened."""
    opened: list[tuple[int, int]] = []
    for number, text in enumerate(lines):
        for place, letter in enumerate(_QUOTED.sub(lambda quoted: " " * len(quoted.group()), text)):
            if letter in "[{":
                opened.append((number, place))
            elif letter in "]}" and opened:
                opened.pop()
    line, column = opened[-1] if opened else (end.line, end.column)
    return yaml.Mark(end.name, end.index, line, column, None, 0)


def _not_closed(lines: list[str], start: yaml.Mark, line: int, column: int, problem: str) -> YamlMistake:
    opened = _text_of(lines, start.line)[start.column : start.column + 1]
    if not opened:  # the file ends where a value was to come: what was opened is before it
        start = _last_bracket(lines, start)
        opened = _text_of(lines, start.line)[start.column : start.column + 1]
    inside = "\n".join([_text_of(lines, start.line)[start.column :], *lines[start.line + 1 : line + 1]])
    if opened in "'\"":
        what = say("the quotation mark {mark} is not closed", mark=opened)
        to_do = say("write it again where the text ends")
        if any(mark in _text_of(lines, start.line)[start.column :] for mark in "“”‘’"):
            to_do = say("it is closed by a Chinese one: write {mark}", mark=opened)
        return YamlMistake(what=what, to_do=to_do, line=start.line, column=start.column)
    plain = _QUOTED.sub(lambda text: " " * len(text.group()), _text_of(lines, line))
    comma = next((place for place, letter in enumerate(plain) if letter in "，、；" and place < column), None)
    if comma is not None and "','" in problem:
        what = say("a Chinese comma ({mark}) stands between the items of a list", mark=plain[comma])
        to_do = say("write an English comma and a space (, )")
        return YamlMistake(what=what, to_do=to_do, line=line, column=comma)
    if ("'<scalar>'" in problem or "got ':'" in problem) and line == start.line:
        what, to_do = (
            say("there is no comma between two items of a list"),
            say("add an English comma and a space (, )"),
        )
        return YamlMistake(what=what, to_do=to_do, line=line, column=column)
    if opened == ",":
        what, to_do = say("a comma too many stands here"), say("take it out")
        return YamlMistake(what=what, to_do=to_do, line=start.line, column=start.column)
    closing = {"[": "]", "{": "}"}.get(opened, "")
    what = say("the bracket {mark} is not closed", mark=opened)
    to_do = say("write {mark} where the list ends", mark=closing)
    if any(bracket in inside for bracket in "】］｝"):
        to_do = say("it is closed by a Chinese bracket: write {mark}", mark=closing)
    return YamlMistake(what=what, to_do=to_do, line=start.line, column=start.column)


def _bad_start(lines: list[str], line: int, column: int) -> YamlMistake:
    mark = _text_of(lines, line)[column : column + 1]
    what, to_do = say("a value cannot begin with {mark}", mark=mark), say("put the whole text in quotes")
    return YamlMistake(what=what, to_do=to_do, line=line, column=column)
