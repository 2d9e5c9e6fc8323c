"""Synthesise what is not speech: laughter, coughs, music and line noise, all 8 kHz float."""

import numpy as np
from scipy.signal import lfilter

from training.synth import NEUTRAL_LEVEL_DBFS, RATE, Wave, amplitude, band_limit, set_level


def _resonate(x: Wave, frequency: float, bandwidth: float) -> Wave:
    radius = np.exp(-np.pi * bandwidth / RATE)
    poles = [1.0, -2 * radius * np.cos(2 * np.pi * frequency / RATE), radius * radius]
    return np.asarray(lfilter([1 - radius], poles, x), dtype=np.float32)


def laughter(rng: np.random.Generator) -> Wave:
    """Make 3-7 voiced, breathy bursts, 4-6 a second, falling in pitch and level ("ha ha ha")."""
    count = int(rng.integers(3, 8))
    period_s = rng.uniform(0.16, 0.24)
    pitch = rng.uniform(130, 190) if rng.random() < 0.5 else rng.uniform(230, 340)
    formants = [(730, 90), (1150, 110), (2500, 160)] if rng.random() < 0.6 else [(520, 80), (1500, 110), (2450, 160)]
    out = np.zeros(int((count * period_s + 0.1) * RATE), dtype=np.float32)
    for index in range(count):
        length = int(period_s * rng.uniform(0.85, 0.95) * RATE)
        breath = int(length * rng.uniform(0.3, 0.45))
        f0 = pitch * (1 + 0.25 * np.exp(-index)) * rng.uniform(0.96, 1.04)
        time = np.arange(length)
        glide = f0 * (1 + 0.12 * np.cos(np.pi * time / length))
        pulses = np.diff(np.floor(np.cumsum(glide) / RATE), prepend=0).astype(np.float32)
        noise = rng.standard_normal(length).astype(np.float32)
        voiced_envelope = np.where(time < breath, 0, np.sin(np.pi * np.clip((time - breath) / (length - breath), 0, 1)))
        source = pulses * voiced_envelope.astype(np.float32) * 4
        source += noise * np.where(time < breath, 0.30, 0.05).astype(np.float32)
        burst = sum((_resonate(source, f, b) for f, b in formants), np.zeros(length, dtype=np.float32))
        start = int(index * period_s * RATE)
        out[start : start + length] += burst * np.float32(0.93**index)
    return set_level(band_limit(out), NEUTRAL_LEVEL_DBFS + rng.uniform(-2, 3))


def cough(rng: np.random.Generator) -> Wave:
    """Make one to three coughs: a hard noise burst, then a short decaying tail."""
    count = int(rng.integers(1, 4))
    parts: list[Wave] = []
    for _ in range(count):
        length = int(rng.uniform(0.22, 0.38) * RATE)
        time = np.arange(length) / RATE
        envelope = np.exp(-time / 0.05) + 0.25 * np.exp(-((time - 0.16) ** 2) / 0.002)
        noise = (rng.standard_normal(length) * envelope).astype(np.float32)
        burst = _resonate(noise, rng.uniform(450, 700), 250) + _resonate(noise, rng.uniform(1300, 1900), 400)
        parts += [burst + 0.1 * noise, np.zeros(int(rng.uniform(0.04, 0.16) * RATE), dtype=np.float32)]
    return set_level(band_limit(np.concatenate(parts)), NEUTRAL_LEVEL_DBFS + rng.uniform(-1, 4))


#: Semitones of major and minor triads; chords as (root semitone, triad).
_PROGRESSIONS = (((0, 0), (7, 0), (9, 1), (5, 0)), ((0, 1), (8, 0), (3, 0), (10, 0)), ((0, 0), (5, 0), (7, 0), (0, 0)))
_TRIADS = ((0, 4, 7), (0, 3, 7))


def music(rng: np.random.Generator, seconds: float) -> Wave:
    """Make hold music: broken chords and a melody of decaying harmonic notes."""
    out = np.zeros(int(seconds * RATE) + RATE, dtype=np.float32)
    progression = _PROGRESSIONS[int(rng.integers(len(_PROGRESSIONS)))]
    root = rng.uniform(200, 330)
    beat = rng.uniform(0.22, 0.36)
    decay = rng.uniform(0.25, 0.6)
    brightness = rng.uniform(0.35, 0.65)
    for index in range(int(seconds / beat) + 1):
        chord_root, triad = progression[(index // 4) % 4]
        tones = _TRIADS[triad]
        notes = [chord_root + tones[index % 3]]
        if index % 4 == 0:
            notes += [chord_root + tone for tone in tones]
        if index % 2 == 0:
            notes.append(chord_root + 12 + int(rng.choice(tones)))
        start = int(index * beat * RATE)
        length = min(int(decay * 3 * RATE), len(out) - start)
        time = np.arange(length) / RATE
        for note in notes:
            f0 = root * 2 ** (note / 12)
            tone = np.sum([brightness**k * np.sin(2 * np.pi * f0 * (k + 1) * time) for k in range(5)], axis=0)
            out[start : start + length] += (tone * np.exp(-time / decay) * np.minimum(1, time / 0.01)).astype(
                np.float32
            )
    return set_level(band_limit(out[: int(seconds * RATE)]), NEUTRAL_LEVEL_DBFS + rng.uniform(-6, 0))


def line_noise(rng: np.random.Generator, samples: int, dbfs: float) -> Wave:
    """Make band-limited line noise, white to pink, sometimes with mains hum harmonics."""
    if samples == 0:
        return np.zeros(0, dtype=np.float32)
    white = rng.standard_normal(samples).astype(np.float32)
    pole = float(rng.choice([0.0, 0.5, 0.85]))
    noise = band_limit(np.asarray(lfilter([1.0], [1.0, -pole], white), dtype=np.float32))
    if rng.random() < 0.2:
        time = np.arange(samples) / RATE
        hum = np.sum([np.sin(2 * np.pi * f * time + rng.uniform(0, 6)) for f in (350, 450, 550)], axis=0)
        noise = noise / (noise.std() + 1e-9) + (0.3 * hum).astype(np.float32)
    return noise * np.float32(amplitude(dbfs) / (float(noise.std()) + 1e-9))
