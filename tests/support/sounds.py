"""Generated sounds, the same for the same seed."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from qareport.audio.resampling import Samples


def varied_babble(seconds: float, *, seed: int, rate: int = 16_000) -> Samples:
    """Make sound with the rise and fall of speech, of varied pitch, rhythm and timbre, float32 [samples]."""
    generator = np.random.default_rng(seed)
    time = np.arange(int(seconds * rate)) / rate
    pitch = 120 + 80 * generator.random() + 30 * np.sin(2 * np.pi * generator.uniform(0.4, 1.5) * time)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    voice = sum(np.sin(k * phase) * generator.uniform(0.2, 1) / k for k in range(1, 20))
    envelope = np.clip(np.sin(2 * np.pi * (2 + 2 * generator.random()) * time + generator.random()), 0, 1)
    sound = 0.15 * voice * envelope + 0.003 * generator.standard_normal(time.size)
    return np.clip(sound, -1, 1).astype(np.float32)


def burst_call(path: Path, *, seconds: int, seed: int, rate: int = 8000) -> Path:
    """Write a stereo call: two voices that take turns of two to six seconds with pauses between them."""
    generator = np.random.default_rng(seed)
    samples = np.zeros((2, seconds * rate), np.float32)
    at, turn = 1.0, 0
    while at < seconds - 7:
        length = float(generator.uniform(2, 6))
        voice = varied_babble(length, seed=seed * 1000 + turn, rate=rate)
        begin = int(at * rate)
        samples[turn % 2, begin : begin + voice.size] = voice
        at += length + float(generator.uniform(0.3, 1.5))
        turn += 1
    return write_wav(path, samples, rate=rate)


def write_wav(path: Path, samples: Samples, *, rate: int) -> Path:
    """Write float32 [channels, samples] as 16-bit."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[0])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.clip(np.round(samples.T * 32768), -32768, 32767).astype("<i2").tobytes())
    return path


def late(sound: Samples, milliseconds: float, *, rate: int = 16_000) -> Samples:
    """Delay float32 [samples]; the length stays."""
    count = round(milliseconds * rate / 1000)
    return np.concatenate([np.zeros(count, np.float32), sound[: sound.size - count]])


def tune(seconds: float, *, dbfs: float, rate: int = 16_000) -> Samples:
    """Make music: a melody of decaying harmonic notes, float32 [samples]."""
    generator = np.random.default_rng(5)
    sound = np.zeros(int(seconds * rate))
    note = int(0.4 * rate)
    for start in range(0, sound.size, note):
        time = np.arange(min(note, sound.size - start)) / rate
        pitch = 262 * 2 ** (generator.integers(0, 12) / 12)
        tone = sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 6))
        sound[start : start + time.size] = tone * np.exp(-time / 0.3)
    return (sound / np.sqrt(np.mean(sound**2)) * 10 ** (dbfs / 20)).astype(np.float32)
