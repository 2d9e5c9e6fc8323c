"""Compress a recording so that it fits into a page, with stretches that must not be heard covered by a tone.

Opus in Ogg, one channel, 24 kbit/s: every current browser plays it (Safari from 18.4). The same recording and the same
stretches give the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

from qareport.audio.containers import sha256_of
from qareport.audio.decode import DecodedRecording, decode
from qareport.audio.resampling import SAMPLE_RATE, Samples
from qareport.errors import AudioError
from qareport.messages import say

MEDIA_TYPE = "audio/ogg"
_BIT_RATE = 24_000
#: The tone over a covered stretch: audible, so that it is not taken for a fault, and quiet beside speech.
_TONE_HZ, _TONE_LEVEL = 440.0, 0.05
_FADE_MS = 10


def make_playable(
    path: Path, *, sha256: str, covered_ms: Sequence[tuple[int, int]], max_duration_ms: int
) -> tuple[bytes, int]:
    """Compress a recording for listening: `read_analysed`, then `compress`.

    Returns:
        Opus in Ogg, and the length in milliseconds.

    Raises:
        AudioError: missing, not the recording that was analysed, cannot be decoded, or too long.
    """
    recording = read_analysed(path, sha256=sha256, max_duration_ms=max_duration_ms)
    return compress(recording, covered_ms=covered_ms), recording.info.duration_ms


def read_analysed(path: Path, *, sha256: str, max_duration_ms: int) -> DecodedRecording:
    """Decode the recording that was analysed: times and stretches refer to that file alone.

    Args:
        path: the recording.
        sha256: of the recording that was analysed.
        max_duration_ms: longer recordings are refused.

    Raises:
        AudioError: missing, not the recording that was analysed, cannot be decoded, or too long.
    """
    if sha256_of(path) != sha256:
        raise AudioError(
            say("is not the recording that was analysed"),
            where=str(path),
            expected=say("SHA-256 {sha256}", sha256=sha256),
        )
    return decode(path, max_duration_ms=max_duration_ms)


def compress(recording: DecodedRecording, *, covered_ms: Sequence[tuple[int, int]]) -> bytes:
    """Compress a recording to Opus in Ogg; stretches from start to end are replaced by a tone."""
    # People take turns, so that the sum of their channels seldom clips.
    sound = np.clip(recording.samples.sum(axis=0), -1.0, 1.0)
    for start_ms, end_ms in covered_ms:
        _cover(sound, start_ms, end_ms)
    return _encode(sound)


def make_waveform(recording: DecodedRecording, *, points: int) -> list[list[int]]:
    """Measure the peaks of a recording, for a picture of it.

    Args:
        recording: the recording.
        points: the most peaks of a channel.

    Returns:
        peaks from 0 to 127 for each channel, over stretches of equal length.
    """
    channels = []
    for samples in recording.samples:
        step = max(1, -(-samples.size // points))
        padded = np.pad(np.abs(samples), (0, -samples.size % step)).reshape(-1, step)
        channels.append(np.clip(padded.max(axis=1) * 127, 0, 127).astype(int).tolist())
    return channels


def _cover(sound: Samples, start_ms: int, end_ms: int) -> None:
    first = max(start_ms, 0) * SAMPLE_RATE // 1000
    last = min(max(end_ms, 0) * SAMPLE_RATE // 1000, sound.size)
    if first >= last:
        return
    times = np.arange(last - first)
    fade = np.minimum(times, times[::-1]) / (_FADE_MS * SAMPLE_RATE / 1000)
    tone = _TONE_LEVEL * np.sin(2 * np.pi * _TONE_HZ / SAMPLE_RATE * times) * np.minimum(fade, 1.0)
    sound[first:last] = tone.astype(np.float32)


def _encode(sound: Samples) -> bytes:
    buffer = io.BytesIO()
    # bitexact: no random serial number and no name of the encoder's version.
    with av.open(buffer, "w", format="ogg", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libopus", rate=SAMPLE_RATE)
        assert isinstance(stream, AudioStream)  # noqa: S101 - for the type checker
        stream.codec_context.layout = "mono"
        stream.codec_context.format = "flt"
        stream.bit_rate = _BIT_RATE
        # Half of the default effort; frames of 60 ms, since latency does not matter.
        stream.codec_context.options = {"application": "voip", "compression_level": "5", "frame_duration": "60"}
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        stream.codec_context.open()
        size = stream.codec_context.frame_size
        for start in range(0, sound.size, size):
            frame = AudioFrame.from_ndarray(sound[None, start : start + size], format="flt", layout="mono")
            frame.sample_rate, frame.pts = SAMPLE_RATE, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()
