"""The vocabulary of the domain: roles, emotions, kinds of moments, severities, codes of notes, and shared facts.

What more than one package must agree on is defined once, here: which emotions are negative, which moments are alarms,
what a fatal finding costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

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


class CallSource(StrEnum):
    """By which way a call came into the store."""

    #: Somebody uploaded it on the desk, or a program by the API.
    UPLOAD = "upload"
    #: `qareport daily` took it in.
    DAILY = "daily"
    #: `qareport run` was told of it.
    RUN = "run"
    #: `qareport analyse` read a transcript from elsewhere.
    TRANSCRIPT = "transcript"
    #: It was heard while it was spoken.
    LIVE = "live"


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
    BROKEN_PROMISE = "broken_promise"
    EVENT = "event"


class PersonalKind(StrEnum):
    """Personal data that can be masked. Order and tracking numbers are personal only where the settings say so."""

    PHONE = "phone"
    ID_CARD = "id_card"
    BANK_CARD = "bank_card"
    EMAIL = "email"
    ADDRESS = "address"
    PLATE = "plate"
    CODE = "code"
    NAME = "name"
    #: WeChat, QQ, Wangwang and other accounts that a person can be found by.
    ACCOUNT = "account"
    #: Passports, travel permits, officers' cards.
    DOCUMENT = "document"
    BIRTHDAY = "birthday"
    PICKUP_CODE = "pickup_code"
    ORDER = "order"
    TRACKING = "tracking"


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


class RiskReason(StrEnum):
    """What makes a risk high or medium; `qareport.rules.risk` has the formula."""

    OPEN_THREAT = "open_threat"
    OPEN_GIVING_UP = "open_giving_up"
    OPEN_IRONY = "open_irony"
    OPEN_BROKEN_PROMISE = "open_broken_promise"
    OPEN_ANGER = "open_anger"
    OPEN_COMPLAINT = "open_complaint"
    SETTLED_ALARM = "settled_alarm"
    CRITICAL_FINDING = "critical_finding"


class VerdictKind(StrEnum):
    """What a reviewer says of a finding."""

    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    #: The rule hit, but it has no place in this call.
    NOT_APPLICABLE = "not_applicable"
    #: The rules did not find it; the reviewer adds it.
    MISSED = "missed"

    @property
    def stands(self) -> bool:
        """Tell whether the finding's points count."""
        return self in (VerdictKind.CONFIRMED, VerdictKind.MISSED)


class VerdictReason(StrEnum):
    """Why a finding does not stand."""

    WRONG_WORDS = "wrong_words"
    WRONG_ROLE = "wrong_role"
    WRONG_EMOTION = "wrong_emotion"
    WRONG_RULE = "wrong_rule"
    #: It happened, and the agent had a good reason.
    JUSTIFIED = "justified"
    OTHER = "other"


class MomentLabel(StrEnum):
    """What a key moment means, as the program names it; `presentation.wording` words it.

    Moments of emotion and of sound carry the name of the emotion or of the sound.
    """

    MENTION = "mention"
    DOUBT = "doubt"
    ASK_AGAIN = "ask_again"
    GIVE_UP = "give_up"
    NO_ANSWER = "no_answer"
    NOBODY_SPEAKS = "nobody_speaks"
    FALLS_SILENT = "falls_silent"
    TRUST_BROKEN = "trust_broken"
    ESCALATION = "escalation"
    IRONY = "irony"
    INTERRUPTION = "interruption"
    RECOVERY = "recovery"
    BROKEN_PROMISE = "broken_promise"
    HAPPY = "happy"
    SAD = "sad"
    ANGRY = "angry"
    FEARFUL = "fearful"
    DISGUSTED = "disgusted"
    SURPRISED = "surprised"
    BGM = "bgm"
    LAUGHTER = "laughter"
    APPLAUSE = "applause"
    CRY = "cry"
    SNEEZE = "sneeze"
    BREATH = "breath"
    COUGH = "cough"
    SING = "sing"


#: States of a trajectory that are not emotions.
STATE_SILENCE: Final = "SILENCE"
STATE_NOT_JUDGED: Final = "NOT_JUDGED"
#: The tag of an ironic utterance, beside those of emotions and sounds.
TAG_IRONY: Final = "IRONY"
#: In counts of calls by risk: those that have no score.
NOT_JUDGED: Final = "not_judged"

#: Negative customer emotions, in the order of documents.
NEGATIVE_EMOTIONS: Final = (Emotion.ANGRY, Emotion.SAD, Emotion.DISGUSTED, Emotion.FEARFUL)
#: Moments after which a customer is not calm, besides the onset of a negative emotion.
TROUBLE_KINDS: Final = frozenset(
    {
        MomentKind.REPEAT,
        MomentKind.CHURN_SIGNAL,
        MomentKind.ESCALATION,
        MomentKind.IRONY,
        MomentKind.NO_ANSWER,
        MomentKind.BROKEN_PROMISE,
    }
)
#: Moments that alone put an order or a customer at risk.
ALARM_KINDS: Final = frozenset({MomentKind.CHURN_SIGNAL, MomentKind.ESCALATION})
#: Sources by which a role is only guessed.
GUESSED_SOURCES: Final = (RoleSource.VOICE, RoleSource.WORDS)
#: Above this share of the judged talk time emotion is mostly unknown.
MOSTLY: Final = 0.5
#: What a fatal finding costs: the full score.
FATAL_POINTS: Final = 100
#: A pause longer than this is a silence, unless `analysis.silence_ms` says otherwise.
DEFAULT_SILENCE_MS: Final = 1200


class ReaderFault(StrEnum):
    """Why a language model gave no answer that can be used."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    #: The server does not accept the key (401, 403).
    KEY_REFUSED = "key_refused"
    #: The server points to another address; transcripts go where they were sent, or nowhere.
    REDIRECT = "redirect"
    #: Any other status than 200.
    HTTP_ERROR = "http_error"
    #: The model declines.
    REFUSAL = "refusal"
    #: Not JSON, or not what the schema asks for: a sentence that there is not, an act of the other role.
    BAD_ANSWER = "bad_answer"


class NoteCode(StrEnum):
    """Every code that qareport writes, with the values that go with it. Shares are fractions with two decimals."""

    # Of the recording and its channels.
    #: {channels}: all channels hold the same sound.
    FAKE_STEREO = "fake_stereo"
    #: {channels, channel}: only on this channel does anyone speak.
    ONE_CHANNEL_SOUNDS = "one_channel_sounds"
    #: {roles, channels}: the roles that were given do not fit the channels.
    CHANNEL_MAP_DOES_NOT_FIT = "channel_map_does_not_fit"
    #: {at_ms, quote}: the words on the customer's channel sound like the agent.
    CHANNELS_MAYBE_SWAPPED = "channels_maybe_swapped"
    #: {seconds}: time that was on two channels; the quieter copy was left out.
    CROSSTALK = "crosstalk"
    #: {tracks, channels}: the tracks of the file were taken as channels.
    TRACKS_JOINED = "tracks_joined"
    #: {tracks}: tracks of the file that cannot be decoded.
    TRACKS_SKIPPED = "tracks_skipped"
    #: {seconds}: the recorder sent nothing for so long; it counts as silence.
    GAPS_FILLED = "gaps_filled"
    #: {seconds}: damaged, cannot be decoded; it counts as silence.
    DAMAGE_FILLED = "damage_filled"
    #: the file has no end mark, or lacks a little of its end.
    END_UNCERTAIN = "end_uncertain"

    #: the file holds floats in the units of 16 bits; they were scaled to the usual range.
    FLOATS_SCALED = "floats_scaled"

    # Of speakers, words, emotion and sounds.
    #: {segments}: sentences whose words had times that cannot be; those of the sentences are used.
    WORD_TIMES_DROPPED = "word_times_dropped"
    #: no words at all.
    NO_SPEECH = "no_speech"
    #: the length of the recording; its first and last silence are unknown with it.
    DURATION_UNKNOWN = "duration_unknown"
    #: {segments}: speakers were distinguished by voice.
    ROLES_FROM_VOICES = "roles_from_voices"
    #: {segments, guessed, unknown}: speakers were distinguished by words.
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

    # Of the reader.
    #: {fault}: the language model gave no answer (`ReaderFault`); the bundled reader read the call.
    LANGUAGE_MODEL_FAILED = "language_model_failed"

    # Of the rules.
    #: {problems, first}: the last correct rules were used.
    RULES_LAST_GOOD = "rules_last_good"
    #: {rules}: ids of rules that could not be judged, separated by commas.
    RULES_NOT_JUDGED = "rules_not_judged"
    #: {first}: no rules can be read.
    RULES_UNREADABLE = "rules_unreadable"

    #: {share}: no score, because the speakers of so large a share of the sentences are not known.
    NOT_SCORED_SPEAKERS = "not_scored_speakers"

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
