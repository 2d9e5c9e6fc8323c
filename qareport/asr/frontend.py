"""Prepare a call for the model: decode, determine the channel layout, find utterances, compute features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qareport.asr.diarization import ChannelLayout, determine_layout
from qareport.asr.interfaces import ENCODER_FRAME_MS, Embedding, SpeechChunk, Vad
from qareport.asr.vad_refinement import merge_spans
from qareport.audio.decode import decode
from qareport.audio.levels import channels_identical, loudness_dbfs
from qareport.audio.resampling import SAMPLE_RATE, Samples
from qareport.model import AudioInfo, Call
from qareport.settings import AsrSettings, AudioSettings

if TYPE_CHECKING:
    import torch

#: A stretch shorter than a log-mel frame (25 ms) has no features.
_SHORTEST_MS = 30


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedCall:
    """A call with its speech cut out, ready for the model. The recording itself is no longer held."""

    call: Call
    audio: AudioInfo
    layout: ChannelLayout
    #: Ordered by start, then channel.
    chunks: tuple[SpeechChunk, ...]


def prepare_call(
    call: Call,
    *,
    vad: Vad,
    log_mel: Callable[[Samples], torch.Tensor],
    features: Callable[[torch.Tensor], torch.Tensor],
    embed_speaker: Callable[[Samples], Embedding] | None,
    audio: AudioSettings,
    asr: AsrSettings,
) -> PreparedCall:
    """Prepare a call. May run in several threads at once.

    Args:
        call: the recording and its channel map.
        vad: finds the utterances.
        log_mel: float32 [channels, samples] at 16 kHz to float32 [channels, frames of 10 ms, 80].
        features: the log-mel features of a chunk to the model's inputs, float32 [frames, inputs].
        embed_speaker: float32 [samples] to a speaker embedding; used where one channel holds all speakers.
        audio: the default channel map and the limit on length.
        asr: whether utterances are joined.

    Raises:
        AudioError: the recording cannot be used.
    """
    recording = decode(call.audio_path, max_duration_ms=audio.max_duration_minutes * 60_000)
    layout = determine_layout(
        recording.info.channels,
        identical=channels_identical(recording.samples),
        given=call.channel_roles,
        default=audio.channel_roles,
        silent=(),
    )
    first = layout.channels[0]
    samples = recording.samples[first : first + len(layout.channels)]
    mels = log_mel(samples)
    utterances = vad.find(samples, mels)
    if asr.merge and not layout.mixed:
        utterances = merge_spans(
            utterances, gap_ms=asr.merge_gap_ms, length_ms=min(asr.merge_length_ms, asr.max_segment_ms)
        )
    chunks = [
        _chunk(
            recording.samples[channel],
            channel,
            span,
            features(mels[channel - first, _frames(*span)]),
            embed_speaker if layout.mixed else None,
        )
        for channel, spans in zip(layout.channels, utterances, strict=True)
        for span in spans
        if span[1] - span[0] >= _SHORTEST_MS
    ]
    ordered = tuple(sorted(chunks, key=lambda chunk: (chunk.start_ms, chunk.channel)))
    return PreparedCall(call=call, audio=recording.info, layout=layout, chunks=ordered)


def _chunk(
    samples: Samples,
    channel: int,
    span: tuple[int, int],
    features: torch.Tensor,
    embed_speaker: Callable[[Samples], Embedding] | None,
) -> SpeechChunk:
    start, end = span
    part = samples[start * SAMPLE_RATE // 1000 : end * SAMPLE_RATE // 1000]
    return SpeechChunk(
        channel=channel,
        start_ms=start,
        end_ms=end,
        loudness_dbfs=loudness_dbfs(samples, start, end),
        features=features,
        powers=_powers(part, len(features)),
        embedding=None if embed_speaker is None else embed_speaker(part),
    )


def _frames(start_ms: int, end_ms: int) -> slice:
    """Return the log-mel frames that lie wholly between two multiples of 10 ms: a frame begins each 10 ms."""
    return slice(start_ms // 10, (end_ms - _SHORTEST_MS) // 10 + 1)


def _powers(samples: Samples, frames: int) -> Samples:
    """Measure the mean square of each 60 ms, float32 [frames]; past the end of the chunk is silence."""
    hop = SAMPLE_RATE * ENCODER_FRAME_MS // 1000
    padded = np.zeros(frames * hop, np.float32)
    padded[: min(samples.size, padded.size)] = samples[: padded.size]
    powers: Samples = np.square(padded).reshape(frames, hop).mean(axis=1)
    return powers
