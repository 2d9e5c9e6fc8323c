"""Encode and decode 8 kHz recordings."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from av.audio.stream import AudioStream
from numpy.typing import NDArray

RATE = 8000


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """How to write a kind of recording."""

    container: str
    encoder: str
    bit_rate: int | None = None  #: nominal bits a second; None where the encoder has no choice
    options: dict[str, str] = field(default_factory=dict)


def write_recording(target: Path | BinaryIO, audio: NDArray[np.float32], codec: Codec) -> None:
    """Write `audio`, shape (1 or 2 channels, samples), with `codec`."""
    layout = "stereo" if len(audio) == 2 else "mono"
    pcm = np.clip(np.round(audio * 32767), -32768, 32767).astype(np.int16)
    file = str(target) if isinstance(target, Path) else target
    with av.open(file, "w", format=codec.container, options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream(codec.encoder, rate=RATE, layout=layout, options=codec.options)
        if not isinstance(stream, AudioStream):
            raise TypeError(f"{codec.encoder}: got {type(stream).__name__}, expected an audio encoder")
        if codec.bit_rate:
            stream.bit_rate = codec.bit_rate
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm.T.reshape(1, -1)), format="s16", layout=layout)
        frame.rate = RATE
        resampler = av.AudioResampler(
            format=stream.format.name, layout=layout, rate=int(stream.rate), frame_size=stream.frame_size or 1024
        )
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))


def read_recording(source: Path | BinaryIO) -> NDArray[np.float32]:
    """Return the samples of `source`, shape (channels, samples), 8 kHz.

    Raises `av.error.FFmpegError` for what cannot be decoded.
    """
    with av.open(str(source) if isinstance(source, Path) else source, "r") as container:
        resampler = av.AudioResampler(format="fltp", layout=container.streams.audio[0].codec_context.layout, rate=RATE)
        parts = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
        parts += resampler.resample(None)
    return np.concatenate([np.asarray(part.to_ndarray(), dtype=np.float32) for part in parts], axis=1)
