"""The query language of search: words, tags, fields, AND, OR, NOT; and the types of its results.

Fields of the call: agent, order, call, date, risk, score, rule. Of the sentence: its words, its tags, role, moment.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from qareport import calendar
from qareport.errors import QueryError
from qareport.model import (
    STATE_NOT_JUDGED,
    STATE_SILENCE,
    TAG_IRONY,
    AudioEvent,
    Emotion,
    MomentKind,
    Risk,
    Role,
)
from qareport.search.terms import Line, Terms, mark_of, terms_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One sentence that was found, and the call that it is from."""

    call_id: str
    order_id: str | None
    agent_id: str | None
    started_at: datetime | None
    score: int | None
    risk: Risk
    line: Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The newest hits, and how many there are in all."""

    lines: int
    calls: int
    hits: tuple[Hit, ...]


#: What a sentence may carry, as it is written in a query: ANGRY or [ANGRY].
TAGS = frozenset(
    {emotion.value for emotion in Emotion}
    | {event.upper() for event in AudioEvent if event is not AudioEvent.SPEECH}
    | {STATE_SILENCE, STATE_NOT_JUDGED, TAG_IRONY}
)
#: Fields whose value is one of a few.
_CHOICES: Mapping[str, type[Role] | type[Risk] | type[MomentKind]] = {"role": Role, "risk": Risk, "moment": MomentKind}
_NAMES = ("agent", "order", "call", "rule")
FIELDS = ("agent", "order", "call", "role", "date", "risk", "score", "rule", "moment")
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<open>[(（])|(?P<close>[)）])|
    (?P<operator>AND|OR|NOT)(?=[\s()（）]|$)|
    \[(?P<tag>[^\[\]\s]+)\]|
    ["“”](?P<phrase>[^"“”]*)["“”]|
    (?P<field>[A-Za-z_]+)[:：](?:["“”](?P<quoted>[^"“”]*)["“”]|(?P<value>[^\s()（）"“”]*))|
    (?P<word>[^\s()（）"“”]+)
    )""",
    re.VERBOSE,
)
_SCORE = re.compile(r"(?:(?P<sign><=|>=|<|>|=)?(?P<number>\d{1,4})|(?P<low>\d{1,4})\.\.(?P<high>\d{1,4}))")
_DATE = re.compile(r"(?P<sign><=|>=|<|>)?(?P<first>[\d-]+)(?:\.\.(?P<last>[\d-]+))?")
_DEEPEST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A sentence that holds these words in this order."""

    terms: Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A sentence that carries this tag, role or moment."""

    term: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A call whose agent, order, name, risk or rule is this; `prefix`: begins so."""

    name: str
    value: str
    prefix: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """A call whose score or start is in [low, high); None: no bound there."""

    name: str
    low: int | datetime | None = None
    high: int | datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """Everything for which the part does not hold."""

    part: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class And:
    """Everything for which all parts hold."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Or:
    """Everything for which any part holds."""

    parts: tuple[Node, ...]


Node = Words | Mark | Fact | Between | Not | And | Or


def phrases_of(node: Node) -> list[Terms]:
    """Return the words and phrases that a query asks for, but not those under NOT: what is to be marked in a hit."""
    if isinstance(node, And | Or):
        return [phrase for part in node.parts for phrase in phrases_of(part)]
    return [node.terms] if isinstance(node, Words) else []


class _Token(NamedTuple):
    kind: str
    text: str
    #: Counted from 1.
    place: int
    field: str = ""

    @property
    def shown(self) -> str:
        return f"{self.field}:{self.text}" if self.field else self.text


def parse(text: str, *, time_zone: str) -> Node:
    """Read a query.

    Args:
        text: the query.
        time_zone: whose midnights part the days of `date:`.

    Raises:
        QueryError: the query is invalid; says at which character and what was expected.
    """
    tokens = list(_tokens(text))
    if not tokens:
        raise QueryError("the query is empty", where="query", expected="for example: ANGRY AND 退货")
    return _Parser(tokens, len(text), ZoneInfo(time_zone)).parse()


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        place = at + 1 + len(text[at:]) - len(text[at:].lstrip())
        if match is None:  # only a quotation mark that has no other
            raise _wrong("unterminated quote", place, expected='another " after the phrase')
        kind = str(match.lastgroup)
        if kind in ("quoted", "value"):
            yield _Token("field", match[kind], place, match["field"].lower())
        else:
            yield _Token(kind, match[kind], place)
        at = match.end()


def _wrong(what: str, place: int, *, expected: str | None = None, to_do: str | None = None) -> QueryError:
    return QueryError(what, where=f"query, character {place}", expected=expected, to_do=to_do)


class _Parser:
    """Recursive descent: OR binds weakest, then AND (which may be left out), then NOT."""

    def __init__(self, tokens: list[_Token], length: int, zone: ZoneInfo) -> None:
        self._tokens = tokens
        self._length = length
        self._zone = zone
        self._at = 0
        self._depth = 0

    def parse(self) -> Node:
        node = self._either()
        token = self._next()
        if token is not None:
            raise _wrong("unmatched )", token.place, expected="a ( before it, or neither")
        return node

    def _next(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _takes(self, kind: str, text: str = "") -> bool:
        token = self._next()
        if token is None or token.kind != kind or (text and token.text != text):
            return False
        self._at += 1
        return True

    def _either(self) -> Node:
        parts = [self._all()]
        while self._takes("operator", "OR"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Or(parts=tuple(parts))

    def _all(self) -> Node:
        parts = [self._one()]
        while True:
            token = self._next()
            if self._takes("operator", "AND"):
                parts.append(self._one())
            elif token is None or token.kind == "close" or (token.kind, token.text) == ("operator", "OR"):
                return parts[0] if len(parts) == 1 else And(parts=tuple(parts))
            else:
                parts.append(self._one())

    def _one(self) -> Node:
        token = self._next()
        if token is None:
            before = self._tokens[-1].shown
            raise _wrong(f"the query ends after {before}", self._length + 1, expected="a word, a tag or a field")
        if self._takes("operator", "NOT") or self._takes("open"):
            self._depth += 1
            if self._depth > _DEEPEST:
                raise _wrong("too many parts inside each other", token.place, expected=f"{_DEEPEST} at most")
            node = self._inner(token)
            self._depth -= 1
            return node
        if token.kind in ("operator", "close"):
            raise _wrong(f"{token.text} has nothing before it", token.place, expected="a word, a tag or a field")
        self._at += 1
        return self._leaf(token)

    def _inner(self, token: _Token) -> Node:
        if token.kind == "operator":
            return Not(part=self._one())
        node = self._either()
        if not self._takes("close"):
            raise _wrong("unclosed (", token.place, expected="a ) after it")
        return node

    def _leaf(self, token: _Token) -> Node:
        if token.kind == "field":
            return self._field(token)
        if token.kind == "tag" or (token.kind == "word" and token.text in TAGS):
            name = STATE_NOT_JUDGED if token.text == "未判定" else token.text.upper()
            if name not in TAGS:
                known = ", ".join(sorted(TAGS))
                raise _wrong(f"no such tag: [{token.text}]", token.place, expected=f"one of {known}")
            return Mark(term=mark_of(name))
        terms = terms_of(token.text)
        if not terms.terms:
            raise _wrong(f"{token.text!r} holds no word", token.place, expected="letters, digits or characters")
        return Words(terms=terms)

    def _field(self, token: _Token) -> Node:
        name, value = token.field, token.text
        if name not in FIELDS:
            near = difflib.get_close_matches(name, FIELDS, n=1)
            hint = f"did you mean {near[0]}: ?" if near else "to look for these words, put them in quotation marks"
            raise _wrong(f"no such field: {name}", token.place, expected=f"one of {', '.join(FIELDS)}", to_do=hint)
        if not value:
            raise _wrong(f"{name}: has no value", token.place, expected=f"for example {_EXAMPLES[name]}")
        if name in _NAMES:
            return Fact(name=name, value=value.removesuffix("*"), prefix=value.endswith("*"))
        if name == "score":
            return self._score(token)
        if name == "date":
            return self._date(token)
        choices = [choice.value for choice in _CHOICES[name]]
        if value.lower() not in choices:
            raise _wrong(f"no such {name}: {value}", token.place, expected=f"one of {', '.join(choices)}")
        if name == "risk":
            return Fact(name=name, value=value.lower())
        return Mark(term=mark_of(name, value))

    def _score(self, token: _Token) -> Node:
        match = _SCORE.fullmatch(token.text)
        if match is None:
            raise _wrong(f"no such score: {token.text}", token.place, expected=f"for example {_EXAMPLES['score']}")
        if match["low"]:
            return Between(name="score", low=int(match["low"]), high=int(match["high"]) + 1)
        number = int(match["number"])
        bounds = {
            "<": (None, number),
            "<=": (None, number + 1),
            ">": (number + 1, None),
            ">=": (number, None),
        }
        low, high = bounds.get(match["sign"] or "", (number, number + 1))
        return Between(name="score", low=low, high=high)

    def _date(self, token: _Token) -> Node:
        match = _DATE.fullmatch(token.text)
        if match is None or (match["sign"] and match["last"]):
            raise _wrong(f"no such date: {token.text}", token.place, expected=f"for example {_EXAMPLES['date']}")
        first, after = self._days(match["first"], token)
        if match["last"]:
            after = self._days(match["last"], token)[1]
        low, high = {
            "<": (None, first),
            "<=": (None, after),
            ">": (after, None),
            ">=": (first, None),
        }.get(match["sign"] or "", (first, after))
        return Between(name="date", low=low, high=high)

    def _days(self, text: str, token: _Token) -> tuple[datetime, datetime]:
        """Return the first instant of a day or month and the first after it."""
        try:
            first = date.fromisoformat(text if len(text) > 7 else f"{text}-01")
            after = first + calendar.DAY if len(text) > 7 else (first + 31 * calendar.DAY).replace(day=1)
        except (ValueError, OverflowError) as error:
            expected = f"for example {_EXAMPLES['date']}"
            raise _wrong(f"no such date: {text}", token.place, expected=expected) from error
        return calendar.start_of(first, self._zone), calendar.start_of(after, self._zone)


_EXAMPLES = {
    "agent": "agent:A017",
    "order": "order:20261105000042",
    "call": "call:C0001",
    "role": "role:customer",
    "date": "date:2026-11-21, date:2026-11, date:>=2026-11-01 or date:2026-11-01..2026-11-15",
    "risk": "risk:high",
    "score": "score:62, score:<70 or score:60..80",
    "rule": "rule:logistics.shipping-doubt or rule:logistics.*",
    "moment": "moment:churn_signal",
}
