"""Decode recordings of any format to 16 kHz channels, measure them, and say plainly what is wrong with a bad recording.

FFmpeg's libraries (through PyAV) read the file. Resampling is libswresample with a 64-tap filter, cut off at 0.97 of
the lower Nyquist frequency. Measured with sines: flat to 0.01 dB up to 3 kHz from 8 kHz material, aliases (from 8.5
kHz up) below -90 dB; with FFmpeg's default of 32 taps an 8.5 kHz tone folds back at only -26 dB.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer

from qareport.audio.containers import AudioFormat, format_of, sha256_of
from qareport.errors import AudioError
from qareport.model import AudioInfo

#: The sample rate of decoded recordings, in Hz.
SAMPLE_RATE = 16_000
#: A file may hold this much less than its header states (encoder padding, rounding) before it counts as cut off.
_SHORTFALL_MS = 1000
_SHORTFALL_SHARE = 0.005
#: Types of planar samples by FFmpeg's name.
_PLANAR = {
    "u8p": np.uint8,
    "s16p": np.int16,
    "s32p": np.int32,
    "s64p": np.int64,
    "fltp": np.float32,
    "dblp": np.float64,
}
#: What PyAV raises: its own errors, and Python's for values it cannot convert.
_DECODER_ERRORS = (av.FFmpegError, OSError, ValueError, LookupError, ArithmeticError, NotImplementedError, MemoryError)

#: Sound, float32 [channels, samples] or [samples], in [-1, 1].
Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DecodedRecording:
    """A decoded recording."""

    info: AudioInfo
    #: float32 [channels, samples] in [-1, 1] at `SAMPLE_RATE`.
    samples: Samples


def expected_ms(path: str | Path) -> int | None:
    """Return the duration that a recording states or FFmpeg guesses, without decoding it; None when it is unknown."""
    try:
        with av.open(str(path), metadata_errors="ignore") as container:
            return None if container.duration is None else container.duration // 1000
    except _DECODER_ERRORS:
        return None


def decode(path: str | Path, *, max_duration_ms: int) -> DecodedRecording:
    """Decode a recording: every channel on its own, resampled to 16 kHz. Silence is a valid recording.

    Args:
        path: a file in any format that FFmpeg knows (wav in all its codings, mp3, m4a, amr, ogg, opus, flac, wma …).
        max_duration_ms: longer recordings are refused; decoding stops as soon as that is known.

    Raises:
        AudioError: missing, empty, not audio, without an audio stream, cut off, or too long.
    """
    where = str(path)
    _check_file(Path(path))
    digest = sha256_of(path)
    try:
        with av.open(where, metadata_errors="ignore") as container:
            reader = _Reader(container, where, max_duration_ms)
            samples = reader.read()
    except AudioError:
        raise
    except _DECODER_ERRORS as error:
        raise AudioError(
            f"not audio that can be read ({_reason(error)})", where=where, expected="a recording"
        ) from error
    reader.check_complete()
    info = AudioInfo(
        path=where,
        sha256=digest,
        duration_ms=reader.duration_ms,
        sample_rate=reader.sample_rate,
        channels=samples.shape[0],
    )
    return DecodedRecording(info=info, samples=samples)


class _Reader:
    """A single pass over a container: frames in, 16 kHz channels out."""

    def __init__(self, container: InputContainer, where: str, max_duration_ms: int) -> None:
        self._where = where
        self._max_duration_ms = max_duration_ms
        self._container = container
        if not container.streams.audio:
            kinds = ", ".join(sorted({stream.type or "unknown" for stream in container.streams})) or "nothing"
            raise AudioError(f"holds no audio stream (only {kinds})", where=where, expected="a recording with sound")
        self._stream: AudioStream = container.streams.audio[0]
        if self._stream.codec_context is None:
            raise AudioError("is coded in a way that cannot be decoded here", where=where, expected="a known codec")
        self.sample_rate = 0
        self._seconds = 0.0
        self._format = format_of(container.format.name)
        self._stated_ms = _stated_ms(container, self._stream, self._format)
        self._error: Exception | None = None

    @property
    def duration_ms(self) -> int:
        return round(self._seconds * 1000)

    def read(self) -> Samples:
        """Decode everything to float32 [channels, samples]."""
        blocks: list[Samples] = []
        resampler: _Resampler | None = None
        for frame in self._frames():
            channels = frame.layout.nb_channels
            if resampler is None:
                resampler = _Resampler(frame.sample_rate, channels)
                self.sample_rate = frame.sample_rate
            elif channels != resampler.channels:
                raise AudioError(
                    f"changes from {resampler.channels} to {channels} channels after {self.duration_ms} ms",
                    where=self._where,
                    expected="the same number of channels throughout",
                )
            elif frame.sample_rate != resampler.sample_rate:  # chained streams, late AAC signalling
                blocks.append(resampler.finish())
                resampler = _Resampler(frame.sample_rate, channels)
            self._count(frame)
            blocks.append(resampler.push(_to_float(frame)))
        if resampler is not None:
            blocks.append(resampler.finish())
        samples = np.concatenate(blocks, axis=1) if blocks else np.zeros((0, 0), np.float32)
        np.clip(samples, -1.0, 1.0, out=samples)  # filters overshoot a little
        if not samples.size:
            why = f" ({_reason(self._error)})" if self._error else ""
            raise AudioError(f"no sound could be decoded{why}", where=self._where, expected="a complete recording")
        return samples

    def check_complete(self) -> None:
        """Refuse a file that holds clearly less than its header states, or that breaks off within a frame."""
        stated = self._stated_ms
        if stated is None:
            if (broken := self._format.broken_end(Path(self._where))) is not None:
                raise AudioError(
                    f"cut off after {self.duration_ms / 1000:.1f} s: {broken}",
                    where=self._where,
                    expected="a complete recording",
                    to_do="copy it again from the recorder",
                )
            return
        if stated - self.duration_ms > max(_SHORTFALL_MS, stated * _SHORTFALL_SHARE):
            held = f"{self.duration_ms / 1000:.1f} s"
            raise AudioError(
                f"cut off: the file promises {stated / 1000:.1f} s, only {held} can be decoded",
                where=self._where,
                expected="a complete recording",
                to_do="copy it again from the recorder",
            )

    def _frames(self) -> Iterator[AudioFrame]:
        """Yield decoded frames; a damaged packet is skipped, as FFmpeg does, and counts as missing time."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except _DECODER_ERRORS as error:  # the container breaks off: what came before is kept
                self._error = error
                return
            if packet is None:
                return
            try:
                frames = packet.decode()
            except _DECODER_ERRORS as error:
                self._error = error
                continue
            yield from (frame for frame in frames if isinstance(frame, AudioFrame) and frame.samples)

    def _count(self, frame: AudioFrame) -> None:
        self._seconds += frame.samples / frame.sample_rate
        if self.duration_ms > self._max_duration_ms:
            limit = f"{self._max_duration_ms / 60_000:g} minutes"
            raise AudioError(
                f"longer than {limit}", where=self._where, expected=f"at most {limit} (audio.max_duration_minutes)"
            )


class _Resampler:
    """Streams float blocks of a single rate to 16 kHz, each channel on its own so that no layout can mix them."""

    #: Blocks are gathered to about this length before they are filtered: many short calls are slower.
    _GATHER_SECONDS = 4

    def __init__(self, sample_rate: int, channels: int) -> None:
        self.sample_rate = sample_rate
        self.channels = channels
        self._waiting: list[Samples] = []
        self._samples = 0
        self._graphs = [] if sample_rate == SAMPLE_RATE else [_graph(sample_rate) for _ in range(channels)]

    def push(self, block: Samples) -> Samples:
        """Take float32 [channels, n]; return what is ready, float32 [channels, m]."""
        if not self._graphs:
            return block
        self._waiting.append(block)
        self._samples += block.shape[1]
        return self._filter() if self._samples >= self._GATHER_SECONDS * self.sample_rate else self._nothing()

    def finish(self) -> Samples:
        """Return the rest."""
        if not self._graphs:
            return self._nothing()
        rest = [self._filter()] if self._waiting else []
        for graph in self._graphs:
            graph.push(None)
        rest.append(self._pull())
        return np.concatenate(rest, axis=1)

    def _filter(self) -> Samples:
        block = np.concatenate(self._waiting, axis=1)
        self._waiting, self._samples = [], 0
        for channel, graph in enumerate(self._graphs):
            frame = AudioFrame.from_ndarray(
                np.ascontiguousarray(block[channel : channel + 1]), format="fltp", layout="mono"
            )
            frame.sample_rate = self.sample_rate
            graph.push(frame)
        return self._pull()

    def _pull(self) -> Samples:
        rows = [np.concatenate([*_pulled(graph), np.zeros(0, np.float32)]) for graph in self._graphs]
        return np.stack(rows)

    def _nothing(self) -> Samples:
        return np.zeros((self.channels, 0), np.float32)


def _graph(sample_rate: int) -> av.filter.Graph:
    graph = av.filter.Graph()
    source = graph.add(
        "abuffer", f"time_base=1/{sample_rate}:sample_rate={sample_rate}:sample_fmt=fltp:channel_layout=mono"
    )
    resample = graph.add("aresample", f"sample_rate={SAMPLE_RATE}:filter_size=64:cutoff=0.97")
    sink = graph.add("abuffersink")
    source.link_to(resample)
    resample.link_to(sink)
    graph.configure()
    return graph


def _pulled(graph: av.filter.Graph) -> Iterator[Samples]:
    while True:
        try:
            frame = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
        if isinstance(frame, AudioFrame):
            yield frame.to_ndarray()[0].astype(np.float32, copy=False)


def _to_float(frame: AudioFrame) -> Samples:
    """Turn a frame of any sample format into float32 [channels, n] in [-1, 1]."""
    channels = frame.layout.nb_channels
    data: npt.NDArray[Any]
    if frame.format.is_planar:
        # `to_ndarray` takes all of `planes`, which PyAV (18.1) counts past the end where there are eight or more.
        planes: tuple[Any, ...] = frame.planes[:channels]
        data = np.stack([np.frombuffer(plane, _PLANAR[frame.format.name], frame.samples) for plane in planes])
    else:
        data = frame.to_ndarray().reshape(-1, channels).T
    block: npt.NDArray[Any]
    if data.dtype == np.uint8:
        block = (data.astype(np.float32) - 128) / 128
    elif np.issubdtype(data.dtype, np.integer):
        block = data / -float(np.iinfo(data.dtype).min)
    else:
        block = np.clip(np.nan_to_num(data, nan=0.0), -1.0, 1.0)
    return block.astype(np.float32, copy=False)


def _stated_ms(container: InputContainer, stream: AudioStream, audio_format: AudioFormat) -> int | None:
    """Return the duration that the file states; None when there is only a guess."""
    read = audio_format.read_stated_ms
    if read is not None and (hidden := read(Path(container.name), stream.codec_context.sample_rate)) is not None:
        return hidden
    if not audio_format.states_length:
        return None
    if stream.duration is not None and stream.time_base is not None:
        return round(float(stream.duration * stream.time_base) * 1000)
    alone = len(container.streams) == 1  # else it may be the picture that lasts so long
    return None if container.duration is None or not alone else round(container.duration / 1000)


def _check_file(path: Path) -> None:
    try:
        if not path.exists():
            raise AudioError("there is no such file", where=str(path), expected="a recording")
        if not path.is_file():
            raise AudioError("is not a file", where=str(path), expected="a recording")
        if path.stat().st_size == 0:
            raise AudioError("the file is empty", where=str(path), expected="a recording")
    except (OSError, ValueError) as error:
        raise AudioError(f"cannot be read: {error}", where=str(path)) from error


def _reason(error: Exception | None) -> str:
    strerror = getattr(error, "strerror", None)
    return str(strerror or error or type(error).__name__)


#: Lower levels count as this one.
FLOOR_DBFS = -90.0
#: Two channels carry the same sound when the residual after the best gain is below this share of the energy: -20 dB.
#: A real two-channel call leaves about 1.0, since people take turns, and crosstalk at -12 dB both ways still leaves
#: 0.8; the same sound on two channels of a lossy codec leaves below 0.001.
IDENTICAL_RESIDUAL = 0.01
#: A channel that never exceeds this peak (-66 dBFS) was not recorded: the code for silence in A-law is ±8 of 32,768.
SILENT_PEAK = 0.0005


def channels_identical(samples: Samples) -> bool:
    """Tell whether all channels carry the same sound, up to gain ("fake stereo").

    The measure is the energy of `b - g·a` with the best gain g, as a share of the energy of b: `1 - correlation²`.
    See `IDENTICAL_RESIDUAL` for the threshold. Channels that are all silent are identical.

    Args:
        samples: float32 [channels, samples].
    """
    if samples.shape[0] < 2:
        return False
    first = samples[0]
    return all(_residual(first, other) < IDENTICAL_RESIDUAL for other in samples[1:])


def silent_channels(samples: Samples) -> tuple[int, ...]:
    """Return the channels of float32 [channels, samples] without any sound, counted from 0."""
    return tuple(
        index
        for index, channel in enumerate(samples)
        if not channel.size or max(channel.max(), -channel.min()) < SILENT_PEAK
    )


def loudness_dbfs(samples: Samples, start_ms: int, end_ms: int) -> float:
    """Measure the root mean square level of a stretch; 0 dBFS is a full-scale square wave, the floor is -90.

    Args:
        samples: float32 [samples] or [channels, samples] at 16 kHz.
        start_ms: first millisecond.
        end_ms: millisecond after the last; an empty stretch has the floor's level.
    """
    part = samples[..., _at(start_ms) : _at(end_ms)]
    power = float(np.mean(np.square(part, dtype=np.float64))) if part.size else 0.0
    return max(FLOOR_DBFS, round(10 * float(np.log10(power)), 2)) if power > 0 else FLOOR_DBFS


def _residual(first: Samples, other: Samples) -> float:
    """Return 1 - correlation² of two channels: 0 when equal up to gain, 1 when unrelated or just one is silent."""
    power_a, power_b = (float(np.dot(channel, channel)) for channel in (first, other))
    silence = first.size * 10 ** (FLOOR_DBFS / 10)
    if power_a <= silence and power_b <= silence:
        return 0.0
    if power_a <= silence or power_b <= silence:
        return 1.0
    return 1.0 - float(np.dot(first, other)) ** 2 / (power_a * power_b)


def _at(milliseconds: int) -> int:
    return max(0, milliseconds) * SAMPLE_RATE // 1000
