"""The domain: what a call is, what was heard in it, what was judged, and the report made of that.

Frozen values only; nothing here reads, writes or computes. Times are whole milliseconds from the start of the recording
(`*_ms`), instants are aware datetimes, levels are dBFS. None means "not known" or "not judged", never zero.
The JSON of `Transcript` and `OrderReport` is a contract with other programs (schema version 1, see docs/json.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

SCHEMA_VERSION = 1


class Role(StrEnum):
    """Who speaks."""

    AGENT = "agent"
    CUSTOMER = "customer"
    UNKNOWN = "unknown"


class RoleSource(StrEnum):
    """How a role is known, from sure to guessed."""

    GIVEN = "given"
    CHANNEL = "channel"
    VOICE = "voice"
    WORDS = "words"


class Language(StrEnum):
    """Languages that SenseVoice tells apart."""

    ZH = "zh"
    YUE = "yue"
    EN = "en"
    JA = "ja"
    KO = "ko"
    NOSPEECH = "nospeech"


class Emotion(StrEnum):
    """SenseVoice's emotion tags. EMO_UNKNOWN is the model's own "cannot tell"; "not judged" is None instead."""

    HAPPY = "HAPPY"
    SAD = "SAD"
    ANGRY = "ANGRY"
    NEUTRAL = "NEUTRAL"
    FEARFUL = "FEARFUL"
    DISGUSTED = "DISGUSTED"
    SURPRISED = "SURPRISED"
    OTHER = "OTHER"
    EMO_UNKNOWN = "EMO_UNKNOWN"


class AudioEvent(StrEnum):
    """SenseVoice's audio event tags."""

    SPEECH = "Speech"
    BGM = "BGM"
    LAUGHTER = "Laughter"
    APPLAUSE = "Applause"
    CRY = "Cry"
    SNEEZE = "Sneeze"
    BREATH = "Breath"
    COUGH = "Cough"
    SING = "Sing"
    SPEECH_NOISE = "Speech_Noise"
    GBG = "GBG"
    EVENT_UNK = "Event_UNK"


class MomentKind(StrEnum):
    """The kinds of key moment."""

    TOPIC_MENTION = "topic_mention"
    EMOTION = "emotion"
    SILENCE = "silence"
    IRONY = "irony"
    REPEAT = "repeat"
    INTERRUPTION = "interruption"
    CHURN_SIGNAL = "churn_signal"
    ESCALATION = "escalation"
    NO_ANSWER = "no_answer"
    RECOVERY = "recovery"
    EVENT = "event"


class PersonalKind(StrEnum):
    """Personal data that can be masked. An order number is personal only where the settings say so."""

    PHONE = "phone"
    ID_CARD = "id_card"
    BANK_CARD = "bank_card"
    EMAIL = "email"
    ADDRESS = "address"
    PLATE = "plate"
    CODE = "code"
    ORDER = "order"


class Severity(StrEnum):
    """How much a finding weighs (告警等级)."""

    INFO = "info"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


class Risk(StrEnum):
    """How likely the order or the customer is lost."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something a reader must know to trust the result: a stable code and the values to word it with."""

    code: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One recording and what the business knows about it, before anything is heard."""

    call_id: str
    audio_path: str
    order_id: str | None = None
    agent_id: str | None = None
    started_at: datetime | None = None
    customer_phone: str | None = None
    #: The role on each channel, in order; empty when nobody said, (UNKNOWN,) when one channel holds both.
    channel_roles: tuple[Role, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedCall:
    """A call that could not be worked on: it stays in every list and report, with its reason."""

    call_id: str
    audio_path: str
    order_id: str | None = None
    agent_id: str | None = None
    started_at: datetime | None = None
    #: The step that failed: ingest, decode, transcribe, analyse or render.
    step: str
    reason: str

    @classmethod
    def of(cls, call: Call, step: str, reason: str) -> FailedCall:
        """Make the record of a call that could not be worked on."""
        return cls(
            call_id=call.call_id,
            audio_path=call.audio_path,
            order_id=call.order_id,
            agent_id=call.agent_id,
            started_at=call.started_at,
            step=step,
            reason=reason,
        )


# --- what was heard ---------------------------------------------------------------------------------------------------


class Token(NamedTuple):
    """One piece of text with its time; in JSON a list `[text, start_ms, end_ms]`."""

    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One stretch of speech (utterance) of one speaker. Missing optional fields mean "not judged"."""

    start_ms: int
    end_ms: int
    role: Role = Role.UNKNOWN
    role_source: RoleSource = RoleSource.GIVEN
    #: Channel of the recording, counted from 0 (left).
    channel: int | None = None
    text: str
    #: The model's own output with its tags, `<|zh|><|ANGRY|><|Speech|><|withitn|>…`.
    raw: str | None = None
    language: Language | None = None
    emotion: Emotion | None = None
    #: Softmax over the emotion tags, uncalibrated: scores, not probabilities.
    emotion_scores: Mapping[str, float] | None = None
    #: The scores of HAPPY, SAD, ANGRY and NEUTRAL alone, brought back to a sum of 1.
    emotion_view: Mapping[str, float] | None = None
    events: tuple[AudioEvent, ...] = ()
    #: Softmax over the event tags, uncalibrated.
    event_scores: Mapping[str, float] | None = None
    loudness_dbfs: float | None = None
    tokens: tuple[Token, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioInfo:
    """The recording as it was decoded."""

    path: str
    sha256: str
    duration_ms: int
    sample_rate: int
    channels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """Which model spoke: its name and a revision that changes whenever its files do."""

    name: str
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """Everything heard in one call (contract, version 1). Segments are ordered by start, then channel."""

    schema_version: int = SCHEMA_VERSION
    call_id: str
    order_id: str | None = None
    agent_id: str | None = None
    started_at: datetime | None = None
    audio: AudioInfo | None = None
    model: ModelInfo | None = None
    segments: tuple[Segment, ...] = ()
    notes: tuple[Note, ...] = ()


# --- what happened ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A pause in which nobody speaks, longer than the configured threshold."""

    start_ms: int
    end_ms: int
    #: Who spoke last before it and first after it; None at the edges of the call.
    after: Role | None = None
    before: Role | None = None
    last_said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruption:
    """A stretch in which one role starts to speak over the other (抢话)."""

    start_ms: int
    end_ms: int
    by: Role


#: States of a trajectory that are not emotions.
STATE_SILENCE = "SILENCE"
STATE_NOT_JUDGED = "NOT_JUDGED"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrajectoryState:
    """One state of a role's emotion trajectory: an `Emotion` value, SILENCE or NOT_JUDGED."""

    start_ms: int
    end_ms: int
    state: str
    role: Role = Role.CUSTOMER


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """One point of a role's emotion curve, -5 (most negative) … +5 (most positive)."""

    at_ms: int
    role: Role
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A stretch in which nobody speaks, however short; music may play."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A stretch in which the customer is made to wait: with music, or announced and long."""

    start_ms: int
    end_ms: int
    music: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleMetrics:
    """Measures of one role in one call; None where there was nothing to measure."""

    segments: int
    talk_ms: int
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
    """Measures of the whole conversation."""

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
    """A key moment: when, what kind, whose, what it means (`label`) and the words that show it."""

    at_ms: int
    end_ms: int
    kind: MomentKind
    role: Role
    label: str
    quote: str
    tags: tuple[str, ...] = ()
    #: The word by which a topic was named (发货), and the issue type that it belongs to (物流延迟).
    topic: str | None = None
    issue: str | None = None
    #: The word was known by its sound only (a homophone, as recognisers write them).
    fuzzy: bool = False
    #: Higher matters more; orders the moments when a page has room for few. 0: another moment tells it already.
    salience: float = 0.0


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


# --- what was judged --------------------------------------------------------------------------------------------------


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


# --- what is masked ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedSpan:
    """Where in the recording personal data is said; the words themselves are not kept here."""

    start_ms: int
    end_ms: int
    kind: PersonalKind
    role: Role
    #: Known from the times of its tokens; else estimated from its place in the text.
    exact: bool


# --- the report -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CallReport:
    """Everything a document says about one call."""

    call_id: str
    agent_id: str | None = None
    started_at: datetime | None = None
    #: Already masked (138****5678); the store alone keeps the whole number.
    customer_phone: str | None = None
    audio: AudioInfo | None = None
    model: ModelInfo | None = None
    metrics: CallMetrics
    silences: tuple[Silence, ...] = ()
    interruptions: tuple[Interruption, ...] = ()
    trajectory: tuple[TrajectoryState, ...] = ()
    curve: tuple[CurvePoint, ...] = ()
    moments: tuple[Moment, ...] = ()
    findings: tuple[Finding, ...] = ()
    score: int | None = None
    scorecard: Scorecard | None = None
    risk: Risk = Risk.LOW
    segments: tuple[Segment, ...] = ()
    notes: tuple[Note, ...] = ()
    promises: tuple[Promise, ...] = ()
    issues: tuple[Classification, ...] = ()
    stages: tuple[Classification, ...] = ()
    #: Where personal data was said that is masked in this report.
    masked: tuple[MaskedSpan, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What the report was made with, so that it can be made again."""

    qareport: str
    model: str
    rules_sha256: str
    audio_sha256: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReport:
    """The report of one order over all its calls (contract, version 1). Every document is drawn from this alone."""

    schema_version: int = SCHEMA_VERSION
    #: None when the manifest knew no order: then the report is that of a single call.
    order_id: str | None
    calls: tuple[CallReport, ...]
    failed_calls: tuple[FailedCall, ...] = ()
    provenance: Provenance
