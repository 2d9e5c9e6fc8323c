"""Pass clean speech through a telephone line: silence around it, noise, gain, codec, 16 kHz."""

import io

import numpy as np
from scipy.signal import resample_poly

from training.recording import Codec, read_recording, write_recording
from training.sounds import line_noise
from training.synth import NEUTRAL_LEVEL_DBFS, RATE, Wave, amplitude

MODEL_RATE = 16000


def mu_law(x: Wave) -> Wave:
    """Quantise to G.711 mu-law and back."""
    clipped = np.clip(x, -1, 1)
    compressed = np.sign(clipped) * np.log1p(255 * np.abs(clipped)) / np.log(256)
    code = np.round(compressed * 127) / 127
    return np.asarray(np.sign(code) * np.expm1(np.abs(code) * np.log(256)) / 255, dtype=np.float32)


def opus(x: Wave, bit_rate: int) -> Wave:
    """Encode to Opus at `bit_rate` bits a second and back, 8 kHz mono."""
    buffer = io.BytesIO()
    write_recording(buffer, x[None], Codec(container="ogg", encoder="libopus", bit_rate=bit_rate))
    buffer.seek(0)
    out = read_recording(buffer)[0]
    result = np.zeros(len(x), dtype=np.float32)
    result[: min(len(x), len(out))] = out[: len(x)]
    return result


def to_model_rate(x: Wave, rng: np.random.Generator | None = None) -> Wave:
    """Resample 8 kHz to 16 kHz; with `rng`, by a randomly chosen filter and with a trace of noise above 4 kHz.

    Players and libraries differ in what they leave above 4 kHz; training on several keeps the model from caring.
    """
    if rng is None:
        return np.asarray(resample_poly(x, 2, 1, window=("kaiser", 8.0)), dtype=np.float32)
    choice = rng.random()
    if choice < 0.15:
        grid = np.arange(2 * len(x)) / 2
        out = np.interp(grid, np.arange(len(x)), x).astype(np.float32)
    else:
        out = np.asarray(
            resample_poly(x, 2, 1, window=("kaiser", float(rng.choice([4.0, 6.0, 8.0, 12.0])))), np.float32
        )
    if rng.random() < 0.6:
        out = out + rng.standard_normal(len(out)).astype(np.float32) * np.float32(amplitude(rng.uniform(-100, -65)))
    if rng.random() < 0.5:
        out = np.round(out * 32768) / np.float32(32768)
    return out.astype(np.float32)


def through_line(clean: Wave, rng: np.random.Generator, *, level_db: float = 0.0) -> Wave:
    """Return `clean` as a recorder on the line would hold it, at 16 kHz, cut as a voice detector might cut it.

    Silence of 0-400 ms at both ends; noise of -60 to -30 dBFS but at least 10 dB below the speech, whose level
    against neutral is `level_db`; gain within 2.5 dB; mu-law for 30 %, Opus at 8-16 kbit/s for 35 %.
    """
    lead, trail = (int(rng.uniform(0, 0.4) * RATE) for _ in range(2))
    x = np.concatenate([np.zeros(lead, np.float32), clean, np.zeros(trail, np.float32)])
    x = x * np.float32(amplitude(rng.uniform(-2.5, 2.5)))
    noise_dbfs = min(rng.uniform(-60, -30), NEUTRAL_LEVEL_DBFS + level_db - 10)
    if rng.random() > 0.08:
        x = x + line_noise(rng, len(x), noise_dbfs)
    codec = rng.random()
    if codec < 0.30:
        x = mu_law(x)
    elif codec < 0.65:
        x = opus(x, int(rng.choice([8000, 12000, 16000])))
    return to_model_rate(np.clip(x, -1, 1).astype(np.float32), rng)
