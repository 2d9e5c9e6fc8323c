"""The transcript of a call: segments, tokens, recording, model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from qareport.model.notes import Note
from qareport.model.vocabulary import SCHEMA_VERSION, AudioEvent, Emotion, Language, Role, RoleSource


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
    """Which model spoke: its name and a revision that changes whenever its files do."""

    name: str
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """Everything said and heard in one call (contract, version 1). Segments are ordered by start, then channel."""

    schema_version: int = SCHEMA_VERSION
    call_id: str
    order_id: str | None = None
    agent_id: str | None = None
    started_at: datetime | None = None
    audio: AudioInfo | None = None
    model: ModelInfo | None = None
    segments: tuple[Segment, ...] = ()
    notes: tuple[Note, ...] = ()

    def rich_text(self) -> str:
        """Write the whole text with tags: `这衣服尺码根本不对![ANGRY]我按你们详情页的尺寸表买的![ANGRY]`.

        Silences and irony are no tags here: they are found by the analysis of a call.
        """
        return "".join(segment.rich_text() for segment in self.segments)
