"""Recordings whose container tells more than their samples: unsent pauses, several tracks, frames of silence (DTX)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np

from qareport.audio.resampling import Samples


def write_timed(
    path: Path,
    tracks: Sequence[Samples],
    *,
    rate: int,
    codec: str,
    unsent: Sequence[tuple[float, float]] = (),
    delays: Sequence[float] = (),
) -> Path:
    """Write float32 [samples] or [channels, samples] each as a track of its own.

    Args:
        path: its suffix gives the container.
        tracks: the sound of each track.
        rate: in Hz.
        codec: FFmpeg's name of the encoder.
        unsent: from and to in seconds: packets that begin there are not written.
        delays: in seconds, by which the time stamps of each track are later.
    """
    with av.open(str(path), "w") as container:
        streams = [_stream(container, codec, rate, np.atleast_2d(track).shape[0]) for track in tracks]
        packets = []
        for index, (stream, track) in enumerate(zip(streams, tracks, strict=True)):
            delay = delays[index] if delays else 0.0
            for packet in _encode(stream, np.atleast_2d(track), rate):
                at = float(packet.pts * packet.time_base)
                if not any(start <= at < end for start, end in unsent):
                    packet.pts = packet.dts = packet.pts + round(delay / packet.time_base)
                    packets.append((at + delay, index, packet))
        for _, _, packet in sorted(packets, key=lambda entry: entry[:2]):
            container.mux(packet)
    return path


def _stream(container: Any, codec: str, rate: int, channels: int) -> Any:
    stream = container.add_stream(codec, rate=rate, layout={1: "mono", 2: "stereo"}[channels])
    if codec == "libopencore_amrnb":
        stream.codec_context.bit_rate, stream.codec_context.options = 12_200, {"dtx": "1"}
    stream.codec_context.open(strict=False)
    return stream


def _encode(stream: Any, sound: Samples, rate: int) -> list[Any]:
    layout = {1: "mono", 2: "stereo"}[sound.shape[0]]
    context = stream.codec_context
    resampler = av.AudioResampler(context.format.name, layout, rate, context.frame_size)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout=layout)
    frame.sample_rate = rate
    packets, at = [], 0
    for part in [*resampler.resample(frame), *resampler.resample(None)]:
        part.pts, at = at, at + part.samples
        packets += stream.encode(part)
    return [*packets, *stream.encode(None)]
