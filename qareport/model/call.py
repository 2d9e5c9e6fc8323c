"""What the business knows of a call, and the vocabulary that everything else is said in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

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

    @property
    def call(self) -> Call:
        """The call, as far as the record of its failure tells."""
        return Call(
            call_id=self.call_id,
            audio_path=self.audio_path,
            order_id=self.order_id,
            agent_id=self.agent_id,
            started_at=self.started_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """The proof that calls were deleted. It names no order, number or person."""

    deleted_at: datetime
    #: What was asked for: order, customer, before or retention.
    by: str
    #: Of the order, the digits of the number, or the day, as it was given: `scrypt:SALT:HASH`. Every telephone number
    #: can be tried, so the hash is a slow one, and no two proofs share a salt.
    selector_hash: str
    calls: int
    results: int
    transcripts: int
    documents: int
    #: Of the recordings: whether one of them was deleted can be proved from a copy of it.
    audio_sha256: tuple[str, ...] = ()
    #: Documents that could not be removed, with the reason.
    files_left: tuple[str, ...] = ()
