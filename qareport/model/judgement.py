"""The judgement of a call by the rules: findings, scorecard, risk."""

from __future__ import annotations

from dataclasses import dataclass

from qareport.model.analysis import Evidence
from qareport.model.notes import Note
from qareport.model.vocabulary import Risk, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One hit of one rule, with its evidence, its advice (建议话术) and its points."""

    rule_id: str
    rule_version: str
    title: str
    category: str
    severity: Severity
    at_ms: int
    evidence: tuple[Evidence, ...]
    advice: str
    points: int
    #: What the rule calls the moment (疑虑, 信任崩塌 …), if it does.
    moment: str | None = None
    #: This one finding fails the call, whatever the other points.
    fatal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreItem:
    """One line of the scorecard: a finding, and the points of it that count."""

    rule_id: str
    at_ms: int
    points: int
    #: Less than `points` when the category has lost all that it may lose.
    counted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryScore:
    """What one category of rules did to the score."""

    name: str
    #: The most that it may take away; None = no limit.
    limit: int | None = None
    points: int
    items: tuple[ScoreItem, ...] = ()
    #: How many rules were judged, and how many had no opportunity (N/A): those cost and earn nothing.
    judged: int
    not_applicable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """How the score came about: start plus the points of all categories, held within 0 … total."""

    start: int
    total: int
    score: int
    passed: bool
    #: Ids of the rules whose hit alone failed the call.
    fatal: tuple[str, ...] = ()
    categories: tuple[CategoryScore, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the rules said of one call."""

    findings: tuple[Finding, ...]
    #: 0 … 100; None when nothing could be judged.
    score: int | None
    risk: Risk
    scorecard: Scorecard | None = None
    #: What a reader must know of the judging itself, for example rules that could not be judged.
    notes: tuple[Note, ...] = ()
