"""Speak a text with espeak-ng and shape it into 8 kHz telephone-band speech."""

import io
import subprocess
import wave
from functools import lru_cache
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, resample_poly, sosfilt

from training.voices import ESPEAK_LANGUAGE, Prosody

Wave = NDArray[np.float32]

RATE = 8000
#: Level of neutral speech, dBFS (root mean square over the sounding part).
NEUTRAL_LEVEL_DBFS = -22.0


def amplitude(db: float) -> float:
    """Turn decibels into a factor."""
    return float(10.0 ** (db / 20.0))


def sounding_span(x: Wave, threshold_db: float = -38.0) -> tuple[int, int]:
    """Find the first and last sample that sound: 10 ms frames within `threshold_db` of the loudest frame.

    Returns (0, 0) for silence.
    """
    hop = RATE // 100
    frames = len(x) // hop
    if frames == 0:
        return 0, 0
    energy = (x[: frames * hop].reshape(frames, hop) ** 2).mean(axis=1)
    loud = np.nonzero(energy > energy.max() * 10 ** (threshold_db / 10))[0]
    if energy.max() <= 1e-10 or len(loud) == 0:
        return 0, 0
    return int(loud[0] * hop), int((loud[-1] + 1) * hop)


def run_espeak(text: str, language: str, voice: str, prosody: Prosody) -> tuple[Wave, int]:
    """Return what espeak-ng says, mono float in [-1, 1], and its sample rate.

    Raises `subprocess.CalledProcessError` when espeak-ng fails.
    """
    ssml = f'<speak><prosody range="{prosody.range_percent}%">{escape(text)}</prosody></speak>'
    command = [
        "espeak-ng", "-m", "-v", f"{ESPEAK_LANGUAGE[language]}+{voice}",
        "-p", str(prosody.pitch), "-s", str(prosody.rate_wpm), "-a", "80", "--stdout",
    ]  # fmt: skip
    out = subprocess.run(command, input=ssml.encode(), capture_output=True, check=True).stdout
    with wave.open(io.BytesIO(out)) as reader:
        rate = reader.getframerate()
        pcm = np.frombuffer(reader.readframes(1 << 28), dtype="<i2")
    return (pcm / 32768.0).astype(np.float32), rate


@lru_cache(maxsize=1)
def _telephone_band() -> NDArray[np.float64]:
    return np.asarray(butter(4, [280, 3450], btype="bandpass", fs=RATE, output="sos"))


def band_limit(x: Wave) -> Wave:
    """Keep 300-3400 Hz, the telephone band."""
    return np.asarray(sosfilt(_telephone_band(), x), dtype=np.float32)


def tilt_spectrum(x: Wave, db_per_octave: float) -> Wave:
    """Tilt the spectrum around 1 kHz, constant outside 200-3600 Hz."""
    if db_per_octave == 0.0 or len(x) == 0:
        return x
    padded = len(x) + RATE // 10
    frequency = np.clip(np.fft.rfftfreq(padded, 1 / RATE), 200, 3600)
    gain = 10 ** (db_per_octave * np.log2(frequency / 1000) / 20)
    return np.asarray(np.fft.irfft(np.fft.rfft(x, padded) * gain, padded)[: len(x)], dtype=np.float32)


def set_level(x: Wave, dbfs: float) -> Wave:
    """Scale `x` to `dbfs`, root mean square of its sounding part."""
    start, end = sounding_span(x)
    if end <= start:
        return x
    return x * np.float32(amplitude(dbfs) / float(np.sqrt((x[start:end] ** 2).mean()) + 1e-9))


def speak(text: str, language: str, voice: str, prosody: Prosody, *, shift: float = 1.0) -> Wave:
    """Say `text`; return 8 kHz telephone-band speech without leading or trailing silence.

    `shift` moves formants and pitch by that factor at an unchanged rate (0.94-1.06 makes more voices of one variant).
    """
    slowed = Prosody(
        pitch=prosody.pitch,
        rate_wpm=round(prosody.rate_wpm / shift),
        range_percent=prosody.range_percent,
        level_db=prosody.level_db,
        tilt_db=prosody.tilt_db,
        drive=prosody.drive,
    )
    x, rate = run_espeak(text, language, voice, slowed)
    up, down = 160, round(rate * 160 / RATE * shift)
    x = band_limit(np.asarray(resample_poly(x, up, down), dtype=np.float32))
    x = tilt_spectrum(x, prosody.tilt_db)
    if prosody.drive:
        x = set_level(x, -12.0)
        x = band_limit(np.tanh(x * 2.0 * prosody.drive).astype(np.float32))
    start, end = sounding_span(x)
    return set_level(x[start:end], NEUTRAL_LEVEL_DBFS + prosody.level_db)
