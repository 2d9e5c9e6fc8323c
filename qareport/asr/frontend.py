"""Prepare a call for the model: decode, determine the channel layout, find utterances, compute features."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from qareport.asr.background_sounds import find_sounds
from qareport.asr.diarization import ChannelLayout, determine_layout
from qareport.asr.interfaces import ENCODER_FRAME_MS, Embedding, SpeechChunk, Vad
from qareport.asr.vad_refinement import merge_spans
from qareport.audio.crosstalk import find_shared_sound, remove_copies
from qareport.audio.decode import decode
from qareport.audio.levels import channels_identical, loudness_dbfs, without_offset
from qareport.audio.resampling import SAMPLE_RATE, Samples
from qareport.model import AudioInfo, Call, Note, NoteCode
from qareport.settings import AsrSettings, AudioSettings

if TYPE_CHECKING:
    import torch

#: A stretch shorter than a log-mel frame (25 ms) has no features.
_SHORTEST_MS = 30
#: In seconds: crosstalk shorter than this is not worth a note.
_NOTICEABLE_S = 0.5


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
    samples, identical, notes = _separate(without_offset(recording.samples))
    mels = log_mel(samples)
    spoken = vad.find(samples, mels)
    layout = determine_layout(
        recording.info.channels,
        identical=identical,
        given=call.channel_roles,
        default=audio.channel_roles,
        silent=[channel for channel, spans in enumerate(spoken) if not spans],
    )
    one_voice = not layout.mixed and not layout.alone
    utterances = [spoken[channel] for channel in layout.channels]
    if asr.merge and one_voice:
        utterances = merge_spans(
            utterances, gap_ms=asr.merge_gap_ms, length_ms=min(asr.merge_length_ms, asr.max_segment_ms)
        )
    chunks = [
        _chunk(samples, mels, features, channel, span, embed_speaker=None if one_voice else embed_speaker)
        for channel, spans in zip(layout.channels, utterances, strict=True)
        for span in spans
        if span[1] - span[0] >= _SHORTEST_MS
    ]
    chunks += [
        replace(_chunk(samples, mels, features, channel, span), speech=False)
        for channel, start, end in find_sounds(samples, spoken)
        for span in _pieces(start, end, asr.max_segment_ms)
    ]
    ordered = tuple(sorted(chunks, key=lambda chunk: (chunk.start_ms, chunk.channel)))
    layout = replace(layout, notes=(*recording.notes, *notes, *layout.notes))
    return PreparedCall(call=call, audio=recording.info, layout=layout, chunks=ordered)


def _separate(samples: Samples) -> tuple[Samples, bool, list[Note]]:
    """Take out what channels have in common.

    Returns:
        The channels to listen to, float32 [channels, samples]; whether they were all the same; and what is to be said.
    """
    if channels_identical(samples):
        return samples[:1], True, []
    shared = find_shared_sound(samples)
    if shared.identical:
        return samples[:1], True, []
    if not shared.leaks:
        return samples, False, []
    separate, seconds = remove_copies(samples, shared.leaks)
    if seconds < _NOTICEABLE_S:
        return separate, False, []
    return separate, False, [Note(code=NoteCode.CROSSTALK, values={"seconds": f"{seconds:.1f}"})]


def _chunk(
    channels: Samples,
    mels: torch.Tensor,
    features: Callable[[torch.Tensor], torch.Tensor],
    channel: int,
    span: tuple[int, int],
    *,
    embed_speaker: Callable[[Samples], Embedding] | None = None,
) -> SpeechChunk:
    start, end = span
    samples = channels[channel]
    part = samples[start * SAMPLE_RATE // 1000 : end * SAMPLE_RATE // 1000]
    frames = features(mels[channel, _frames(start, end)])
    return SpeechChunk(
        channel=channel,
        start_ms=start,
        end_ms=end,
        loudness_dbfs=loudness_dbfs(samples, start, end),
        features=frames,
        powers=_powers(part, len(frames)),
        embedding=None if embed_speaker is None else embed_speaker(part),
    )


def _pieces(start_ms: int, end_ms: int, longest_ms: int) -> Iterator[tuple[int, int]]:
    """Cut a stretch into pieces of like length, none longer than a limit."""
    count = -(-(end_ms - start_ms) // longest_ms)
    bounds = [start_ms + (end_ms - start_ms) * index // count // 10 * 10 for index in range(count)]
    yield from itertools.pairwise([*bounds, end_ms])


def _frames(start_ms: int, end_ms: int) -> slice:
    """Return the log-mel frames that lie wholly between two multiples of 10 ms: a frame begins each 10 ms."""
    return slice(start_ms // 10, (end_ms - _SHORTEST_MS) // 10 + 1)


def _powers(samples: Samples, frames: int) -> Samples:
    """Measure the mean square of each 60 ms, float32 [frames]; past the end of the chunk is silence."""
    hop = SAMPLE_RATE * ENCODER_FRAME_MS // 1000
    padded = np.zeros((frames, hop), np.float32)
    padded.reshape(-1)[: samples.size] = samples[: padded.size]
    powers: Samples = np.einsum("ij,ij->i", padded, padded) / hop
    return powers
