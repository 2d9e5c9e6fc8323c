"""Choose espeak-ng voices and define how each emotion sounds.

espeak-ng has no emotions. Here an emotion is a region of pitch, speaking rate, pitch range, level and spectral tilt
(loud, tense speech has a flatter spectrum than quiet, lax speech), the same for every voice and language.
"""

from dataclasses import dataclass

import numpy as np

#: espeak-ng language for each tag. Plain `cmn` of espeak-ng 1.51 reads Chinese characters as English-spelled
#: pinyin ("nin two"); the pinyin voice reads the same characters as Mandarin.
ESPEAK_LANGUAGE = {"zh": "cmn-latn-pinyin", "en": "en-us", "yue": "yue"}

TRAINING_FEMALE = ("f1", "f2", "f3", "f5", "Alicia", "aunty", "belinda", "linda", "grandma", "shelby")
TRAINING_MALE = (
    "m1", "m2", "m3", "m4", "m6", "m7", "m8", "Alex", "Andy", "Denis", "Gene", "Henrique", "Hugo", "Mario",
    "Michael", "Mike", "adam", "benjamin", "boris", "david", "ed", "edward", "grandpa", "gustave", "john",
    "kaukovalta", "marcelo", "max", "michel", "miguel", "pablo", "sandro", "travis", "victor",
)  # fmt: skip
#: Voice variants that no training utterance uses.
HELD_OUT_FEMALE = ("f4", "Annie", "steph")
HELD_OUT_MALE = ("m5", "paul", "caleb")
TRAINING_VOICES = TRAINING_FEMALE + TRAINING_MALE
HELD_OUT_VOICES = HELD_OUT_FEMALE + HELD_OUT_MALE

EMOTIONS = ("NEUTRAL", "HAPPY", "ANGRY", "SAD")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prosody:
    """An exact way to speak an utterance."""

    pitch: int  #: espeak-ng -p, 0-99
    rate_wpm: int  #: espeak-ng -s
    range_percent: int  #: SSML prosody range
    level_db: float  #: speech level against the neutral level
    tilt_db: float  #: spectral tilt, dB per octave around 1 kHz
    drive: float  #: soft clipping of a tense voice; 0 is none


#: (low, high) of each field; numbers chosen by ear and by what a small model separates on unseen voices.
EMOTION_REGIONS: dict[str, dict[str, tuple[float, float]]] = {
    "NEUTRAL": {"pitch": (40, 52), "rate": (155, 172), "range": (70, 90), "level": (-1, 1), "tilt": (-0.6, 0.6)},
    "HAPPY": {"pitch": (82, 98), "rate": (168, 188), "range": (170, 220), "level": (0.5, 2.5), "tilt": (1, 2)},
    "ANGRY": {"pitch": (64, 80), "rate": (200, 228), "range": (110, 140), "level": (4, 6.5), "tilt": (2.6, 3.8)},
    "SAD": {"pitch": (10, 26), "rate": (110, 130), "range": (30, 50), "level": (-7, -4.5), "tilt": (-3.8, -2.6)},
}


def draw_prosody(emotion: str, rng: np.random.Generator) -> Prosody:
    """Draw a prosody from the region of `emotion` (a key of `EMOTION_REGIONS`)."""
    region = EMOTION_REGIONS[emotion]
    return Prosody(
        pitch=round(rng.uniform(*region["pitch"])),
        rate_wpm=round(rng.uniform(*region["rate"])),
        range_percent=round(rng.uniform(*region["range"])),
        level_db=float(rng.uniform(*region["level"])),
        tilt_db=float(rng.uniform(*region["tilt"])),
        drive=float(rng.uniform(0.8, 1.6)) if emotion == "ANGRY" else 0.0,
    )


def draw_voice(rng: np.random.Generator, *, held_out: bool) -> str:
    """Draw a voice variant, women and men in equal shares."""
    female, male = (HELD_OUT_FEMALE, HELD_OUT_MALE) if held_out else (TRAINING_FEMALE, TRAINING_MALE)
    return str(rng.choice(female if rng.random() < 0.5 else male))
