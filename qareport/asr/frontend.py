"""One call from its file to pieces of speech: decode, lay out the channels, find utterances, compute features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from qareport.asr.diarization import Layout, lay_out
from qareport.asr.interfaces import FRAME_MS, Piece
from qareport.asr.vad_refinement import join_near
from qareport.audio.decode import SAMPLE_RATE, channels_identical, decode, loudness_dbfs, silent_channels
from qareport.model import AudioInfo, Call
from qareport.settings import AsrSettings, AudioSettings

if TYPE_CHECKING:
    import torch

    from qareport.asr.silero_vad import Vad

Samples = npt.NDArray[np.float32]

#: A stretch shorter than a log-mel frame (25 ms) is nothing to hear.
_SHORTEST_MS = 30


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """A call with its speech cut out, ready for the model. The whole recording is no longer held."""

    call: Call
    audio: AudioInfo
    layout: Layout
    #: Ordered by start, then channel.
    pieces: tuple[Piece, ...]


def prepare(
    call: Call,
    *,
    vad: Vad,
    log_mel: Callable[[Samples], torch.Tensor],
    features: Callable[[torch.Tensor], torch.Tensor],
    voice: Callable[[Samples], Samples] | None,
    audio: AudioSettings,
    asr: AsrSettings,
) -> Prepared:
    """Prepare one call. May run in several threads at once.

    Args:
        call: the recording and its channel map.
        vad: finds the utterances.
        log_mel: float32 [channels, samples] at 16 kHz to float32 [channels, frames of 10 ms, 80].
        features: those of a piece to what the model takes, float32 [frames, inputs].
        voice: float32 [samples] to what its voice sounds like, float32 [values]; asked where one channel holds all.
        audio: the default channel map and the limit on length.
        asr: whether utterances are joined.

    Raises:
        AudioError: the recording cannot be used.
    """
    recording = decode(call.audio_path, max_duration_ms=audio.max_duration_minutes * 60_000)
    layout = lay_out(
        recording.info.channels,
        identical=channels_identical(recording.samples),
        given=call.channel_roles,
        default=audio.channel_roles,
        silent=silent_channels(recording.samples),
    )
    first = layout.channels[0]
    heard = recording.samples[first : first + len(layout.channels)]
    mels = log_mel(heard)
    found = vad.find(heard, mels)
    if asr.merge and not layout.mixed:
        found = join_near(found, gap_ms=asr.merge_gap_ms, length_ms=min(asr.merge_length_ms, asr.max_segment_ms))
    pieces = [
        _piece(
            recording.samples[channel],
            channel,
            span,
            features(mels[channel - first, _frames(*span)]),
            voice if layout.mixed else None,
        )
        for channel, spans in zip(layout.channels, found, strict=True)
        for span in spans
        if span[1] - span[0] >= _SHORTEST_MS
    ]
    ordered = tuple(sorted(pieces, key=lambda piece: (piece.start_ms, piece.channel)))
    return Prepared(call=call, audio=recording.info, layout=layout, pieces=ordered)


def _piece(
    samples: Samples,
    channel: int,
    span: tuple[int, int],
    features: torch.Tensor,
    voice: Callable[[Samples], Samples] | None,
) -> Piece:
    start, end = span
    part = samples[start * SAMPLE_RATE // 1000 : end * SAMPLE_RATE // 1000]
    return Piece(
        channel=channel,
        start_ms=start,
        end_ms=end,
        loudness_dbfs=loudness_dbfs(samples, start, end),
        features=features,
        powers=_powers(part, len(features)),
        voice=None if voice is None else voice(part),
    )


def _frames(start_ms: int, end_ms: int) -> slice:
    """Return the log-mel frames that lie wholly in a stretch between multiples of 10 ms: one begins each 10 ms."""
    return slice(start_ms // 10, (end_ms - _SHORTEST_MS) // 10 + 1)


def _powers(samples: Samples, frames: int) -> Samples:
    """Measure the mean square of each 60 ms, float32 [frames]; what lies past the end is silent."""
    hop = SAMPLE_RATE * FRAME_MS // 1000
    padded = np.zeros(frames * hop, np.float32)
    padded[: min(samples.size, padded.size)] = samples[: padded.size]
    powers: Samples = np.square(padded).reshape(frames, hop).mean(axis=1)
    return powers
