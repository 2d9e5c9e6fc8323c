"""A call as the business knows it, its failure or deletion, and its transcript."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import isfinite
from pathlib import PurePath
from typing import NamedTuple

from qareport.errors import redact
from qareport.messages import LANGUAGES, Message, language, say, speaking
from qareport.model.dialogue_acts import SpokenAct, TopicScore
from qareport.model.vocabulary import SCHEMA_VERSION, AudioEvent, CallSource, Emotion, Language, Note, Role, RoleSource


class OfCall:
    """What belongs to one call, and through it to an order."""

    __slots__ = ()

    call_id: str
    order_id: str | None

    @property
    def subject(self) -> str:
        """Return what it is filed under: the order's number, or the call's id where no order is known."""
        return self.order_id or self.call_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(OfCall):
    """One recording and what the business knows about it, before it is transcribed."""

    call_id: str
    audio_path: str
    order_id: str | None = None
    agent_id: str | None = None
    started_at: datetime | None = None
    customer_phone: str | None = None
    #: The shop that the customer bought from, where one centre answers for several.
    shop: str | None = None
    #: Number of the ticket elsewhere that the call belongs to.
    external_ref: str | None = None
    #: The role on each channel, in order; empty when not given, (UNKNOWN,) when one channel holds both.
    channel_roles: tuple[Role, ...] = ()
    #: None: not known.
    source: CallSource | None = None


#: Of ids, in characters: what every database holds and a line of a list has room for.
LONGEST_ID = 200


def unfit_id(call: Call) -> Message | None:
    """Say why a call cannot be kept under its ids, which name it in lists, files and databases; None: it can be."""
    for what in ("call_id", "order_id", "agent_id", "shop", "external_ref"):
        name = getattr(call, what)
        if name is None:
            continue
        if len(name) > LONGEST_ID:
            return say("{what} has {length} characters; at most {most}", what=what, length=len(name), most=LONGEST_ID)
        if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in name):
            return say("{what} {name} holds control characters", what=what, name=ascii(name))
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedCall(OfCall):
    """A call that could not be processed: it stays in every list and report, with its reason."""

    call_id: str
    audio_path: str
    order_id: str | None = None
    agent_id: str | None = None
    started_at: datetime | None = None
    #: The step that failed: ingest, decode, transcribe, analyse or render.
    step: str
    #: Why, in the language of the process that found out; `str` of the failure says it in the reader's.
    reason: str
    #: Why, by language, where languages differ.
    reasons: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        """Say why, in the language that messages speak here."""
        return self.reasons.get(language(), self.reason)

    @property
    def reason_without_folders(self) -> str:
        """Its reason, for who has no business with the folders of the server: the recording by its name alone."""
        return str(self).replace(self.audio_path, PurePath(self.audio_path).name)

    def reworded(self, clean: Callable[[str], str]) -> FailedCall:
        """Return it with its reason cleaned in every language, masked for example."""
        reasons = {name: clean(text) for name, text in self.reasons.items()}
        return replace(self, reason=clean(self.reason), reasons=reasons)

    @classmethod
    def of(cls, call: Call, step: str, reason: object) -> FailedCall:
        """Make the record of a call that could not be processed; it holds no password of a URL.

        Args:
            call: the call.
            step: which step failed.
            reason: why: a text, or a message, an error or an earlier failure, which are kept in all languages.
        """
        said = {}
        for name in LANGUAGES:
            with speaking(name):
                said[name] = redact(str(reason))
        return cls(
            call_id=call.call_id,
            audio_path=redact(call.audio_path),
            order_id=call.order_id,
            agent_id=call.agent_id,
            started_at=call.started_at,
            step=step,
            reason=said[language()],
            reasons=said if len(set(said.values())) > 1 else {},
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
    #: What was asked for: order, customer, call, before or retention.
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
    #: Files of the desk that were removed: uploaded recordings, sound for listening, exports.
    files: int = 0
    #: Documents and files that could not be removed, with the reason.
    files_left: tuple[str, ...] = ()


class Token(NamedTuple):
    """One piece of text with its time; in JSON a list `[text, start_ms, end_ms]`."""

    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of a recording, in milliseconds from its start."""

    start_ms: int
    end_ms: int

    @property
    def duration_ms(self) -> int:
        """Return how long it is."""
        return self.end_ms - self.start_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment(Span):
    """One stretch of speech (utterance) of one speaker. Missing optional fields mean "not judged"."""

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
    #: What the sentence does, as a reader understood it, the surest first; empty before the transcript is read.
    acts: tuple[SpokenAct, ...] = ()

    def __post_init__(self) -> None:
        """Refuse numbers that are not finite: JSON has none, and what is stored with one could not be read again."""
        for scores in (self.emotion_scores, self.emotion_view, self.event_scores):
            if scores and not all(map(isfinite, scores.values())):
                raise ValueError("a score is not a finite number")
        if self.loudness_dbfs is not None and not isfinite(self.loudness_dbfs):
            raise ValueError("loudness_dbfs is not a finite number")

    @property
    def tags(self) -> tuple[str, ...]:
        """Tags that readers search for: the emotion, if it was judged, and the audio events besides speech."""
        emotion = () if self.emotion is None else (self.emotion.value,)
        return (*emotion, *(event.upper() for event in self.events if event is not AudioEvent.SPEECH))

    def rich_text(self) -> str:
        """Write the text with its tags behind it: `退货运费谁出?[ANGRY]`."""
        return self.text + "".join(f"[{tag}]" for tag in self.tags)


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
    """Which model transcribed: its name and a revision that changes whenever its files do."""

    name: str
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """Everything said and heard in one call (contract, version 1). Segments are ordered by start, then channel."""

    schema_version: int = SCHEMA_VERSION
    call_id: str
    order_id: str | None = None
    agent_id: str | None = None
    shop: str | None = None
    started_at: datetime | None = None
    audio: AudioInfo | None = None
    model: ModelInfo | None = None
    segments: tuple[Segment, ...] = ()
    notes: tuple[Note, ...] = ()
    #: What the customer calls about, as a reader understood it, the surest first; empty before it is read.
    topics: tuple[TopicScore, ...] = ()

    def rich_text(self) -> str:
        """Write the complete text with tags: `这衣服尺码根本不对![ANGRY]我按你们详情页的尺寸表买的![ANGRY]`.

        Silences and irony are no tags here: they are found by the analysis of a call.
        """
        return "".join(segment.rich_text() for segment in self.segments)
