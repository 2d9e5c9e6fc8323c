"""Read a query: cut it into tokens, and parse them by recursive descent."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from qareport import calendar
from qareport.errors import QueryError
from qareport.messages import Message, say
from qareport.model import CallSource, Language, MomentKind, Risk, Role
from qareport.search.facets import REVIEWED, SHOWN
from qareport.search.names import FIELD_NAMES, ROLE_NAMES, TAG_NAMES, VALUE_NAMES
from qareport.search.query import FIELDS, TAGS, And, Between, Fact, Mark, Node, Not, Or, QueryTerm, Words
from qareport.search.terms import mark_of, terms_of

#: Fields whose value is one of a few.
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "role": tuple(Role),
    "risk": tuple(Risk),
    "moment": tuple(MomentKind),
    "lang": tuple(language for language in Language if language is not Language.NOSPEECH),
    "source": tuple(CallSource),
    "reviewed": (REVIEWED, "no"),
}
#: Of these, those that are said of sentences.
_OF_SENTENCES = ("role", "moment")
_NAMES = ("agent", "order", "call", "rule", "issue", "stage", "team")
#: A bracket without its other one says nothing.
_SEPARATORS = "\\s，、；\\[\\]［］【】"
_QUOTES = '"“”＂「」『』'
#: What stands for AND and OR between two parts; where it does not, words are words, and marks nothing.
_JOINERS = {"&": "AND", "+": "AND", "且": "AND", "并且": "AND", "和": "AND", "|": "OR", "或": "OR", "或者": "OR"}
_MARKS = "&＆+＋|｜"
#: A sign of Chinese: there an operator in capitals needs no space beside it.
_CHINESE = "\u4e00-\u9fff"
_TOKEN = re.compile(
    rf"""(?:
    (?P<open>[(（])|(?P<close>[)）])|
    (?P<operator>(?:AND|OR|NOT)(?=[{_SEPARATORS}()（）{_QUOTES}]|$)|(?-i:AND|OR|NOT)(?=[{_CHINESE}]))|
    [\[［【](?P<tag>[^\s\[\]［］【】]+)[\]］】]|
    [{_QUOTES}](?P<phrase>[^{_QUOTES}]*)[{_QUOTES}]|
    (?P<field>[A-Za-z_]+|{"|".join([*FIELD_NAMES, *ROLE_NAMES])})[:：]
        (?:\s*[{_QUOTES}](?P<quoted>[^{_QUOTES}]*)[{_QUOTES}]|\s*(?P<value>[^\s()（）{_QUOTES}]*))|
    (?P<separator>[{_SEPARATORS}]+)|
    (?P<joiner>[{_MARKS}]+)|
    (?P<word>(?:
        (?!(?<=[{_CHINESE}])(?-i:AND|OR|NOT)(?:[{_CHINESE}{_SEPARATORS}()（）{_QUOTES}]|$))
        (?:[^{_SEPARATORS}()（）{_QUOTES}{_MARKS}]|(?<=[A-Za-z\d])[{_MARKS}]+(?![^A-Za-z\d\s]))
    )+)
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_IN_BRACKETS = re.compile(r"\s*[\[［【]\s*([^\s\[\]［］【】]+)\s*[\]］】]\s*")
_SCORE = re.compile(r"(?:(?P<sign><=|>=|<|>|=)?(?P<number>\d{1,4})|(?P<low>\d{1,4})\.\.(?P<high>\d{1,4}))")
_DATE = re.compile(r"(?P<sign><=|>=|<|>)?(?P<first>[\d-]+)(?:\.\.(?P<last>[\d-]+))?")
_DEEPEST = 50


class _Token(NamedTuple):
    kind: str
    text: str
    #: Counted from 1.
    place: int
    #: As it was typed.
    shown: str
    field: str = ""


def parse(text: str, *, time_zone: str) -> Node:
    """Read a query.

    Args:
        text: the query.
        time_zone: whose midnights part the days of `date:`.

    Raises:
        QueryError: the query is invalid; says at which character and what was expected.
    """
    return _Parser(text, ZoneInfo(time_zone)).parse()


def terms_in_query(text: str, *, time_zone: str) -> tuple[QueryTerm, ...]:
    """Return the words, phrases, tags and fields of a query, each once, in their order.

    Raises:
        QueryError: as `parse`.
    """
    parser = _Parser(text, ZoneInfo(time_zone))
    parser.parse()
    return tuple(dict.fromkeys(parser.terms))


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:  # only a quotation mark that has no other
            raise _wrong(say("unterminated quote"), at + 1, expected=say('another " after the phrase'))
        kind, shown, place = str(match.lastgroup), match.group(), at + 1
        at = match.end()
        if kind in ("quoted", "value"):
            yield _Token("field", unicodedata.normalize("NFKC", match[kind]), place, shown, match["field"].lower())
        elif kind == "operator":
            yield _Token(kind, shown.upper(), place, shown)
        elif kind == "phrase" and (bracketed := _IN_BRACKETS.fullmatch(match[kind])):
            yield _Token("tag", bracketed[1], place, shown)
        elif kind != "separator":
            yield _Token(kind, match[kind], place, shown)


def _joined(tokens: Iterable[_Token]) -> Iterator[_Token]:
    """Make operators of what stands for AND and OR between two parts."""
    shut = [_Token("open", "", 0, "")]
    around = [*shut, *tokens, *shut]
    for before, token, after in zip(around, around[1:], around[2:], strict=False):
        text = unicodedata.normalize("NFKC", token.text)
        operator = _JOINERS.get(text[:1] if token.kind == "joiner" else text)
        joins = before.kind not in ("open", "operator") and after.kind not in ("close", "operator", "joiner")
        if token.kind in ("joiner", "word") and operator and joins and after is not around[-1]:
            yield _Token("operator", operator, token.place, token.shown)
        elif token.kind != "joiner":
            yield token


def _wrong(what: Message, place: int, *, expected: Message | None = None, to_do: Message | None = None) -> QueryError:
    text = say("query, character {place}: {what}", place=place, what=what)
    error = QueryError(text, expected=expected, to_do=to_do)
    error.place = place
    return error


class _Parser:
    """Recursive descent: OR binds weakest, then AND (which may be left out), then NOT."""

    def __init__(self, text: str, zone: ZoneInfo) -> None:
        self._tokens = list(_joined(_tokens(text)))
        self._length = len(text)
        self._zone = zone
        self._at = 0
        self._depth = 0
        self._excluded = False
        self.terms: list[QueryTerm] = []

    def parse(self) -> Node:
        if not self._tokens:
            raise QueryError(say("the query is empty"), expected=say("for example: ANGRY AND 退货"))
        node = self._either()
        token = self._next()
        if token is not None:
            raise _wrong(say("unmatched )"), token.place, expected=say("a ( before it, or neither"))
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
            raise _wrong(
                say("the query ends after {before}", before=before),
                self._length + 1,
                expected=say("a word, a tag or a field"),
            )
        if self._takes("operator", "NOT") or self._takes("open"):
            self._depth += 1
            if self._depth > _DEEPEST:
                raise _wrong(
                    say("too many parts inside each other"),
                    token.place,
                    expected=say("{deepest} at most", deepest=_DEEPEST),
                )
            node = self._inner(token)
            self._depth -= 1
            return node
        if token.kind in ("operator", "close"):
            raise _wrong(
                say("{shown} has nothing before it", shown=token.shown),
                token.place,
                expected=say("a word, a tag or a field"),
            )
        self._at += 1
        node = self._leaf(token)
        self.terms.append(QueryTerm(token.shown, node, self._excluded))
        return node

    def _inner(self, token: _Token) -> Node:
        if token.kind == "operator":
            self._excluded = not self._excluded
            part = self._one()
            self._excluded = not self._excluded
            return Not(part=part)
        node = self._either()
        if not self._takes("close"):
            raise _wrong(say("unclosed ("), token.place, expected=say("a ) after it"))
        return node

    def _leaf(self, token: _Token) -> Node:
        if token.kind == "field":
            return self._field(token)
        if token.kind == "tag" and (mark := _mark_named(token.text)):
            return mark
        if token.text in TAGS and token.kind != "tag":
            return Mark(term=mark_of(token.text))
        words = self._words(token.text, token)
        is_name = token.kind == "word" and (not token.text.isascii() or token.text.upper() in TAGS)
        mark = _mark_named(token.text) if is_name else None
        return words if mark is None else Or(parts=(mark, words))

    def _words(self, text: str, token: _Token) -> Words:
        terms = terms_of(text)
        if not terms.terms:
            raise _wrong(
                say("{shown!r} holds no word", shown=token.shown),
                token.place,
                expected=say("letters, digits or characters"),
            )
        return Words(terms=terms)

    def _field(self, token: _Token) -> Node:
        name, value = FIELD_NAMES.get(token.field, token.field), token.text
        if name not in FIELDS and name not in ROLE_NAMES:
            near = difflib.get_close_matches(name, FIELDS, n=1)
            quoted = say("to look for these words, put them in quotation marks")
            hint = say("did you mean {field}: ?", field=near[0]) if near else quoted
            raise _wrong(
                say("no such field: {name}", name=name),
                token.place,
                expected=say("one of {fields}", fields=", ".join(FIELDS)),
                to_do=hint,
            )
        if not value:
            example = _EXAMPLES[name if name in FIELDS else "role"]
            raise _wrong(
                say("{name}: has no value", name=name),
                token.place,
                expected=say("for example {example}", example=example),
            )
        if name in ROLE_NAMES:
            return self._said_by(name, token)
        if name in _NAMES:
            return Fact(name=name, value=value.removesuffix("*"), prefix=value.endswith("*"))
        if name == "emotion":
            return self._emotion(token)
        if name == "score":
            return self._score(token)
        if name == "date":
            return self._date(token)
        choices = [str(choice) for choice in _CHOICES[name]]
        code = VALUE_NAMES[name].get(value, value.lower())
        if code not in choices:
            raise _wrong(
                say("{field}: no such value: {value}", field=name, value=value),
                token.place,
                expected=say("one of {choices}", choices=", ".join(choices)),
            )
        if name in _OF_SENTENCES:
            return Mark(term=mark_of(name, code))
        if name == "reviewed":
            reviewed = Fact(name=name, value=REVIEWED)
            return reviewed if code == REVIEWED else Not(part=reviewed)
        return Fact(name=name, value=code)

    def _said_by(self, name: str, token: _Token) -> Node:
        """Read 客户：退款, a line as transcripts print it; 客服：A017 may name the agent as well."""
        role = ROLE_NAMES[name]
        said = And(parts=(Mark(term=mark_of("role", role)), self._words(token.text, token)))
        return Or(parts=(Fact(name="agent", value=token.text), said)) if role == Role.AGENT else said

    def _emotion(self, token: _Token) -> Node:
        tag = TAG_NAMES.get(token.text, token.text.upper())
        if tag not in SHOWN:
            raise _wrong(
                say("{field}: no such value: {value}", field="emotion", value=token.text),
                token.place,
                expected=say("one of {choices}", choices=", ".join(SHOWN)),
            )
        return Fact(name="emotion", value=tag)

    def _score(self, token: _Token) -> Node:
        match = _SCORE.fullmatch(token.text)
        if match is None:
            raise _wrong(
                say("no such score: {text}", text=token.text),
                token.place,
                expected=say("for example {example}", example=_EXAMPLES["score"]),
            )
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
        match = _DATE.fullmatch(re.sub("[年月/]", "-", token.text).replace("日", "").rstrip("-"))
        if match is None or (match["sign"] and match["last"]):
            raise _wrong(
                say("no such date: {text}", text=token.text),
                token.place,
                expected=say("for example {example}", example=_EXAMPLES["date"]),
            )
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
            first = date(*(int(part) for part in [*text.split("-"), "1"][:3]))
            after = first + calendar.DAY if text.count("-") == 2 else (first + 31 * calendar.DAY).replace(day=1)
            # In UTC, as the store compares them: the first and the last days of all have no such instant everywhere.
            starts = (calendar.start_of(day, self._zone).astimezone(UTC) for day in (first, after))
            return next(starts), next(starts)
        except (ValueError, TypeError, OverflowError) as error:
            expected = say("for example {example}", example=_EXAMPLES["date"])
            raise _wrong(say("no such date: {text}", text=text), token.place, expected=expected) from error


def _mark_named(name: str) -> Mark | None:
    """Find a tag or a speaker by its name, in English or Chinese."""
    tag = TAG_NAMES.get(name, name.upper())
    if tag in TAGS:
        return Mark(term=mark_of(tag))
    role = ROLE_NAMES.get(name, name.lower())
    return Mark(term=mark_of("role", role)) if role in set(Role) else None


_EXAMPLES = {
    "agent": "agent:A017",
    "order": "order:20261105000042",
    "call": "call:C0001",
    "role": "role:customer",
    "date": "date:2026-11-21, date:2026-11, date:>=2026-11-01, date:2026-11-01..2026-11-15",
    "risk": "risk:high",
    "score": "score:62, score:<70, score:60..80",
    "rule": "rule:logistics.shipping-doubt, rule:logistics.*",
    "moment": "moment:churn_signal",
    "issue": "issue:退货",
    "stage": "stage:待发货",
    "emotion": "emotion:ANGRY",
    "team": "team:A",
    "lang": "lang:yue",
    "reviewed": "reviewed:yes, reviewed:no",
    "source": "source:upload, source:daily",
}
