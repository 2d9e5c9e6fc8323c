"""The analysis of a call: silences, trajectory, curve, metrics, moments, promises, as found from its transcript."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from qareport.model.call import Span
from qareport.model.vocabulary import MomentKind, MomentLabel, Note, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence(Span):
    """A pause in which nobody speaks, longer than the configured threshold."""

    #: Who spoke last before it and first after it; None at the edges of the call.
    after: Role | None = None
    before: Role | None = None
    last_said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruption(Span):
    """A stretch in which one role starts to speak over the other (抢话)."""

    by: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class TrajectoryState(Span):
    """One state of a role's emotion trajectory: an `Emotion` value, SILENCE or NOT_JUDGED."""

    state: str
    role: Role = Role.CUSTOMER


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """One point of a role's emotion curve, -5 (most negative) … +5 (most positive)."""

    at_ms: int
    role: Role
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap(Span):
    """A stretch in which nobody speaks, however short; music may play."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold(Span):
    """A stretch in which the customer is made to wait: with music, or announced and long."""

    music: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleMetrics:
    """Measures of one role in one call; None where there was nothing to measure."""

    segments: int
    talk_ms: int
    #: The longest talk without another's turn or a pause of more than `check_in_ms` in it.
    longest_monologue_ms: int
    characters_per_minute: float | None = None
    loudness_dbfs: float | None = None
    #: Share of the role's talk time by emotion tag; NOT_JUDGED counts segments without one.
    emotion_shares: Mapping[str, float] = field(default_factory=dict)
    #: Mean curve value of the first and of the last quarter of the role's talk.
    sentiment_start: float | None = None
    sentiment_end: float | None = None
    #: Latin words a minute over the role's English segments; `characters_per_minute` is over the others.
    words_per_minute: float | None = None
    #: Mean valence over the call and in each of its four quarters, -5 … +5.
    sentiment: float | None = None
    sentiment_quarters: tuple[float | None, ...] = ()
    #: Level in dBFS of each second from the start of the recording; None where the role does not speak.
    loudness_curve: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMetrics:
    """Measures of the conversation."""

    duration_ms: int
    talk_ms: int
    non_talk_ms: int
    overlap_ms: int
    silence_count: int
    silence_ms: int
    longest_silence_ms: int
    interruptions: Mapping[str, int] = field(default_factory=dict)
    #: From the end of a customer's turn to the start of the agent's answer.
    first_response_ms: int | None = None
    median_response_ms: int | None = None
    longest_response_ms: int | None = None
    #: improving, steady or worsening; None when too little was judged.
    trend: str | None = None
    unknown_emotion_share: float | None = None
    roles: Mapping[str, RoleMetrics] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    holds: tuple[Hold, ...] = ()
    #: How long each role spoke over the other when it interrupted.
    interruption_ms: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A key moment: when, what kind, whose, what it means and the words that show it."""

    at_ms: int
    end_ms: int
    kind: MomentKind
    role: Role
    #: What it means, as the program names it; None: only `label` says so, which another program or a person wrote.
    label_code: MomentLabel | None = None
    #: The same for people who read the JSON, in Chinese; documents word `label_code` in their own language.
    label: str = ""
    quote: str
    tags: tuple[str, ...] = ()
    #: The word by which a topic was named (发货), and the issue type that it belongs to (物流延迟).
    topic: str | None = None
    issue: str | None = None
    #: The word was known by its sound only (a homophone, as recognisers write them).
    fuzzy: bool = False
    #: Higher matters more; orders the moments when a page has room for few. 0: another moment covers it already.
    salience: float = 0.0
    #: Which reader understood it and how sure it is (`SpokenAct`); None where no act is behind it.
    reader: str | None = None
    score: float | None = None
    #: How many sentences this one node stands for: five threats in a row are one moment.
    count: int = 1

    @property
    def duration_ms(self) -> int:
        """Return how long it lasts."""
        return self.end_ms - self.at_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What the agent promises to do by when ("48小时内发货")."""

    at_ms: int
    end_ms: int
    role: Role
    quote: str
    #: What is promised (发货, 退款, 回电 …) and the time as it is said (48小时内).
    action: str
    by: str
    #: Length of the span that was promised; None for a day ("今天") and for working days.
    within_ms: int | None = None
    #: From the start of the call; None when that is unknown.
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The words (or the pause) that show something: a rule hit, an issue, a stage."""

    at_ms: int
    end_ms: int
    role: Role
    quote: str
    #: What was looked for only sounds like something in the quote (a homophone, as recognisers write them).
    fuzzy: bool = False

    @property
    def duration_ms(self) -> int:
        """Return how long it lasts."""
        return self.end_ms - self.at_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """An issue type or a stage that a call belongs to, with the words that say so. What is unknown is not listed."""

    name: str
    evidence: tuple[Evidence, ...]
    #: Every word that says so was known by its sound only.
    fuzzy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What happened in one call, as found from its transcript alone."""

    metrics: CallMetrics
    silences: tuple[Silence, ...] = ()
    interruptions: tuple[Interruption, ...] = ()
    trajectory: tuple[TrajectoryState, ...] = ()
    curve: tuple[CurvePoint, ...] = ()
    #: Ordered by time.
    moments: tuple[Moment, ...] = ()
    promises: tuple[Promise, ...] = ()
    #: The issue most spoken of first; stages (发货前, 退货时 …) in the order of their first evidence.
    issues: tuple[Classification, ...] = ()
    stages: tuple[Classification, ...] = ()
    notes: tuple[Note, ...] = ()
