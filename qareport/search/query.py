"""The query language of search: words, tags, fields, AND, OR, NOT; and the types of its results.

Fields of the call: agent, team, order, call, date, risk, score, rule, issue, stage, lang (spoken for a tenth of
the time or more), reviewed (whether a verdict of a person counts), source (how it came in), and emotion: what
the customer showed, as heat maps count it. Of the sentence: its words, its tags, role, moment.
Tags, speakers, fields and values may be written in Chinese; a bare 愤怒 (or angry) asks for the tag or
the word, [愤怒] (or ANGRY) for the tag alone, "愤怒" for the word alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from qareport.model import (
    STATE_NOT_JUDGED,
    STATE_SILENCE,
    TAG_IRONY,
    AudioEvent,
    Emotion,
    Risk,
)
from qareport.search.terms import Line, Terms


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
FIELDS = (
    "agent", "order", "call", "role", "date", "risk", "score", "rule", "moment", "issue", "stage", "emotion", "team",
    "lang", "reviewed", "source",
)  # fmt: skip


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
    """A call whose agent, team, order, name, risk, rule, issue, stage … is this; `prefix`: begins so."""

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


class QueryTerm(NamedTuple):
    """A part of a query that stands for itself: a word, phrase, tag or field, as it was typed."""

    text: str
    node: Node
    #: Whether it stands under NOT.
    excluded: bool = False


_PLAIN = re.compile(r"[\w.\-]+")
_QUOTES = re.compile('["“”＂「」『』]')


def write_field(name: str, value: str) -> str:
    """Write a field with its value: issue:退货, stage:"待 发货"; quotation marks of the value are left out."""
    whole = _QUOTES.sub("", value)
    return f"{name}:{whole}" if _PLAIN.fullmatch(whole) else f'{name}:"{whole}"'
