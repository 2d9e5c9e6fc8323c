"""One call from its file to pieces of speech: decode, lay out the channels, find utterances, compute features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from qareport.asr.hearing import Piece
from qareport.asr.roles import Layout, lay_out
from qareport.audio import SAMPLE_RATE, Recording, channels_identical, decode, loudness_dbfs
from qareport.model import AudioInfo, Call
from qareport.settings import AudioSettings

if TYPE_CHECKING:
    from qareport.asr.vad import Vad

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """A call with its speech cut out, ready for the model. The whole recording is no longer held."""

    call: Call
    audio: AudioInfo
    layout: Layout
    #: Ordered by start, then channel.
    pieces: tuple[Piece, ...]


def prepare(call: Call, *, vad: Vad, features: Callable[[Samples], Samples], audio: AudioSettings) -> Prepared:
    """Prepare one call. May run in several threads at once.

    Args:
        call: the recording and its channel map.
        vad: finds the utterances.
        features: float32 [samples] at 16 kHz to float32 [frames, inputs].
        audio: the default channel map and the limit on length.

    Raises:
        AudioError: the recording cannot be used.
    """
    recording = decode(call.audio_path, max_duration_ms=audio.max_duration_minutes * 60_000)
    layout = lay_out(
        recording.info.channels,
        identical=channels_identical(recording.samples),
        given=call.channel_roles,
        default=audio.channel_roles,
    )
    return Prepared(call=call, audio=recording.info, layout=layout, pieces=_pieces(recording, layout, vad, features))


def _pieces(
    recording: Recording, layout: Layout, vad: Vad, features: Callable[[Samples], Samples]
) -> tuple[Piece, ...]:
    heard = recording.samples[: len(layout.channels)]  # channels are heard from 0 on, all or the first alone
    pieces = []
    for channel, spans in zip(layout.channels, vad.find(heard), strict=True):
        samples = recording.samples[channel]
        for start, end in spans:
            part = samples[start * SAMPLE_RATE // 1000 : end * SAMPLE_RATE // 1000]
            loudness = loudness_dbfs(samples, start, end)
            piece = Piece(channel=channel, start_ms=start, end_ms=end, loudness_dbfs=loudness, features=features(part))
            pieces.append(piece)
    return tuple(sorted(pieces, key=lambda piece: (piece.start_ms, piece.channel)))
