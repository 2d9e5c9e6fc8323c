"""Notes: what a reader must know to trust a result, as codes with values. `presentation.wording` words them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class NoteCode(StrEnum):
    """Every code that qareport writes, with the values that go with it. Shares are fractions with two decimals."""

    # Of the recording and its channels.
    #: {channels}: all channels hold the same sound.
    FAKE_STEREO = "fake_stereo"
    #: {channels, channel}: only this channel holds sound.
    ONE_CHANNEL_SOUNDS = "one_channel_sounds"
    #: {roles, channels}: the roles that were given do not fit the channels.
    CHANNEL_MAP_DOES_NOT_FIT = "channel_map_does_not_fit"
    #: {at_ms, quote}: the words on the customer's channel sound like the agent.
    CHANNELS_MAYBE_SWAPPED = "channels_maybe_swapped"

    # Of speakers, words, emotion and sounds.
    #: no words at all.
    NO_SPEECH = "no_speech"
    #: the length of the recording; its first and last silence are unknown with it.
    DURATION_UNKNOWN = "duration_unknown"
    #: {segments}: speakers were told apart by voice.
    ROLES_FROM_VOICES = "roles_from_voices"
    #: {segments, guessed, unknown}: speakers were told apart by words.
    ROLES_FROM_WORDS = "roles_from_words"
    #: {share}: share of segments without a speaker.
    ROLES_UNKNOWN = "roles_unknown"
    #: {source, share}: share of segments whose speaker is guessed by voice or by words.
    ROLES_GUESSED = "roles_guessed"
    #: {share}: share of talk time without an emotion.
    EMOTION_NOT_JUDGED = "emotion_not_judged"
    #: {share}: share of the judged talk time in which the model could not tell.
    EMOTION_MOSTLY_UNKNOWN = "emotion_mostly_unknown"
    #: {model, share}: the model was not made for such voices.
    OUTSIDE_MODEL_DOMAIN = "outside_model_domain"
    #: no segment has a level.
    LOUDNESS_UNKNOWN = "loudness_unknown"
    #: no segment has a sound event (laughter, music …).
    SOUNDS_NOT_JUDGED = "sounds_not_judged"

    # Of the rules.
    #: {problems, first}: the last correct rules were used.
    RULES_LAST_GOOD = "rules_last_good"
    #: {rules}: ids of rules that could not be judged, separated by commas.
    RULES_NOT_JUDGED = "rules_not_judged"
    #: {first}: no rules can be read.
    RULES_UNREADABLE = "rules_unreadable"

    # Of a day or another period.
    #: {first}: a source of recordings cannot be read.
    SOURCES_MISSING = "sources_missing"
    #: {calls, first}: new recordings were not transcribed.
    NOT_TRANSCRIBED = "not_transcribed"
    #: {calls, names}: calls without a result.
    CALLS_WAITING = "calls_waiting"
    #: {calls}: no call on a day that had some a week before.
    CALLS_MISSING = "calls_missing"
    #: a document could not be made.
    DOCUMENTS_MISSING = "documents_missing"
    #: {calls, names}: still being written.
    RECORDINGS_WAITING = "recordings_waiting"
    #: {calls, names}: their start is not known.
    RECORDINGS_UNDATED = "recordings_undated"
    #: {calls, names}: not in the manifest.
    RECORDINGS_UNLISTED = "recordings_unlisted"
    #: {calls, names}: file names that do not fit the pattern.
    RECORDINGS_UNFIT = "recordings_unfit"
    #: {calls, names}: duplicates of other recordings.
    RECORDINGS_TWICE = "recordings_twice"
    #: not every call of the period is done.
    INCOMPLETE = "incomplete"
    #: {count}: calls that are not done.
    PARTIAL_NOT_PROCESSED = "partial_not_processed"
    #: the period is not over.
    PARTIAL_NOT_OVER = "partial_not_over"
    #: {count}: calls of the manifest without a recording.
    PARTIAL_RECORDINGS_MISSING = "partial_recordings_missing"


#: Notes that count recordings and name the first of them.
RECORDING_NOTES: Final = frozenset(
    {
        NoteCode.RECORDINGS_WAITING,
        NoteCode.RECORDINGS_UNDATED,
        NoteCode.RECORDINGS_UNLISTED,
        NoteCode.RECORDINGS_UNFIT,
        NoteCode.RECORDINGS_TWICE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something a reader must know to trust the result: a stable code and the values to word it with."""

    #: One of `NoteCode`; transcripts and reports of other programs may carry codes of their own.
    code: str
    values: Mapping[str, str] = field(default_factory=dict)
