"""The vocabulary that everything else is said in: roles, emotions, sounds, moments, and the facts that hold for them.

What more than one package must agree on is here, once: which emotions are negative, which moments are alarms, what
a fatal finding costs.
"""

from __future__ import annotations

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
    TRUST_BROKEN = "trust_broken"
    ESCALATION = "escalation"
    IRONY = "irony"
    INTERRUPTION = "interruption"
    RECOVERY = "recovery"
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

#: Emotions in which a customer is not well served, in the order of documents.
NEGATIVE_EMOTIONS: Final = (Emotion.ANGRY, Emotion.SAD, Emotion.DISGUSTED, Emotion.FEARFUL)
#: Moments after which a customer is not calm, besides the onset of a negative emotion.
TROUBLE_KINDS: Final = frozenset(
    {MomentKind.REPEAT, MomentKind.CHURN_SIGNAL, MomentKind.ESCALATION, MomentKind.IRONY, MomentKind.NO_ANSWER}
)
#: Moments that put an order or a customer at risk by themselves.
ALARM_KINDS: Final = frozenset({MomentKind.CHURN_SIGNAL, MomentKind.ESCALATION})
#: Sources by which a role is only guessed.
GUESSED_SOURCES: Final = (RoleSource.VOICE, RoleSource.WORDS)
#: Above this share of the judged talk time emotion is mostly unknown.
MOSTLY: Final = 0.5
#: What a fatal finding costs: the whole score.
FATAL_POINTS: Final = 100
#: A pause longer than this is a silence, unless `analysis.silence_ms` says otherwise.
DEFAULT_SILENCE_MS: Final = 1200
