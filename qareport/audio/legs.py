"""Join the two legs of a call, each recorded in a file of its own, into one recording of two channels."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame

from qareport.audio.containers import sha256_of
from qareport.audio.decode import decode
from qareport.audio.levels import channels_identical
from qareport.audio.resampling import SAMPLE_RATE, Samples
from qareport.errors import AudioError, os_reason
from qareport.files import atomic_path, content_key
from qareport.messages import say

#: Samples that are encoded at once.
_BLOCK = 1 << 16
_FULL_SCALE = 32_767


def join_legs(legs: tuple[Path, Path], cache: Path, *, max_duration_ms: int) -> Path:
    """Write the recording of a call from its two legs, unless it is there already; the shorter leg ends in silence.

    Args:
        legs: recordings of one channel each; the first becomes the left channel.
        cache: folder of joined recordings.
        max_duration_ms: longer recordings are refused.

    Returns:
        the recording: FLAC of two channels, 16 kHz, 16 bit.

    Raises:
        AudioError: a leg cannot be read or holds more than one channel, or the recording cannot be written.
    """
    digests = [sha256_of(leg) for leg in legs]
    target = cache / content_key(*digests)[:16] / f"{legs[0].stem}.flac"
    if target.exists():
        return target
    channels = [_read_leg(leg, max_duration_ms) for leg in legs]
    samples = np.zeros((max(map(len, channels)), 2), np.int16)
    for index, channel in enumerate(channels):
        samples[: len(channel), index] = np.round(channel * _FULL_SCALE).astype(np.int16)
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with atomic_path(target) as partial:
            _write(partial, samples)
    except OSError as error:
        raise AudioError(
            say("the recording of both legs cannot be written: {error}", error=os_reason(error)),
            where=str(target),
            to_do=say("check that the disk has room"),
        ) from error
    return target


def _read_leg(path: Path, max_duration_ms: int) -> Samples:
    samples = decode(path, max_duration_ms=max_duration_ms).samples
    if len(samples) > 1 and not channels_identical(samples):
        raise AudioError(
            say("a leg of a call with {count} channels", count=len(samples)),
            where=str(path),
            expected=say("one channel, or the same sound on all"),
        )
    first: Samples = samples[0]
    return first


def _write(path: Path, samples: npt.NDArray[np.int16]) -> None:
    with av.open(str(path), "w", format="flac") as container:
        stream = container.add_stream("flac", rate=SAMPLE_RATE, layout="stereo", format="s16")
        for start in range(0, len(samples), _BLOCK):
            block = samples[start : start + _BLOCK].reshape(1, -1)
            frame = AudioFrame.from_ndarray(block, format="s16", layout="stereo")
            frame.sample_rate, frame.pts = SAMPLE_RATE, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
