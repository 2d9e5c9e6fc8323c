"""Decode recordings of any format to 16 kHz channels, and say plainly what is wrong with a bad recording.

libsndfile reads what is plainly whole (`plain_files`), FFmpeg's libraries (through PyAV) everything else; a container's
audio tracks become channels beside each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from qareport.audio.containers import (
    AudioFormat,
    GoesOn,
    foreign_content,
    format_of,
    goes_on,
    open_options,
    raw_format_of,
    sha256_of,
    was_copied_as_text,
)
from qareport.audio.file_ends import BrokenEnd, EndFault
from qareport.audio.levels import SCALE_OF_16_BITS, FloatUnits, channels_identical
from qareport.audio.plain_files import read_plain
from qareport.audio.resampling import Samples, samples_of
from qareport.audio.tracks import DECODER_ERRORS, SoundLimit, TrackReader, unavailable
from qareport.errors import AudioError, UnavailableError, os_reason
from qareport.messages import Message, say
from qareport.model import AudioInfo, Note, NoteCode

#: A file may hold this much less than its header states (encoder padding, rounding) before it counts as cut off.
_SHORTFALL_MS = 1000
_SHORTFALL_SHARE = 0.005
#: In ms: less that is missing or was filled is not worth a note.
_NOTICEABLE_MS = 250


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DecodedRecording:
    """A decoded recording."""

    info: AudioInfo
    #: float32 [channels, samples] in [-1, 1] at `SAMPLE_RATE`.
    samples: Samples
    #: What a reader must know of the recording.
    notes: tuple[Note, ...] = ()


def expected_channel_ms(path: str | Path) -> int | None:
    """Return the time of all channels together that a recording states or FFmpeg guesses; None when it is unknown."""
    try:
        with _open(path) as container:
            channels = sum(stream.codec_context.channels for stream in _decodable(container))
            return None if container.duration is None else container.duration // 1000 * channels
    except DECODER_ERRORS:
        return None


def decode(path: str | Path, *, max_duration_ms: int) -> DecodedRecording:
    """Decode a recording: every channel on its own, resampled to 16 kHz. Silence is a valid recording.

    Args:
        path: a file in one of the formats of `containers.FORMATS` (wav in all its codings, mp3, m4a, amr, ogg …).
        max_duration_ms: longer recordings are refused, and so is more sound than two channels of that length hold;
            decoding stops as soon as that is known.

    Raises:
        UnavailableError: it cannot be read now: missing, no access, not enough memory.
        AudioError: empty, not audio, without an audio stream, cut off, or too long.
    """
    where = str(path)
    _check_file(Path(path))
    digest = sha256_of(path)
    follows = None if raw_format_of(Path(path)) else goes_on(Path(path))
    if follows is GoesOn.RECORDING:
        raise _second_recording(where)
    is_plain = raw_format_of(Path(path)) is None and follows is None
    if is_plain and (plain := read_plain(Path(path), max_duration_ms=max_duration_ms)):
        info = AudioInfo(
            path=where,
            sha256=digest,
            duration_ms=plain.duration_ms,
            sample_rate=plain.sample_rate,
            channels=plain.samples.shape[0],
        )
        notes = (Note(code=NoteCode.FLOATS_SCALED),) if plain.scaled else ()
        return DecodedRecording(info=info, samples=plain.samples, notes=notes)
    try:
        with _open(path) as container:
            reader = _Reader(container, Path(path), max_duration_ms)
            reader.read()
        samples = reader.samples()
    except AudioError:
        raise
    except DECODER_ERRORS as error:
        if (raised := unavailable(error, where)) is not None:
            raise raised from error
        content = foreign_content(Path(path))
        raise AudioError(
            say("not audio that can be read ({reason})", reason=_reason(error))
            if content is None
            else say("not audio that can be read: it holds {content}", content=content),
            where=where,
            expected=say("a recording"),
            to_do=say("play it to see, and copy it again from the recorder"),
        ) from error
    info = AudioInfo(
        path=where,
        sha256=digest,
        duration_ms=reader.duration_ms,
        sample_rate=reader.tracks[0].sample_rate,
        channels=samples.shape[0],
    )
    return DecodedRecording(info=info, samples=samples, notes=tuple(reader.notes))


def _open(path: str | Path) -> InputContainer:
    """Open a file, and only that file, in one of the known formats."""
    format, options = open_options(Path(path))
    name = f"file:{path}"  # else a name such as `concat:a` would be taken for a protocol
    return av.open(name, format=format, container_options=options, metadata_errors="ignore")


def _decodable(container: InputContainer) -> list[AudioStream]:
    return [stream for stream in container.streams.audio if stream.codec_context is not None]


class _Reader:
    """A single pass over a container: packets in, 16 kHz channels out."""

    def __init__(self, container: InputContainer, path: Path, max_duration_ms: int) -> None:
        self._path, self._where = path, str(path)
        self._container = container
        self.notes: list[Note] = []
        streams = self._audio_streams()
        limit = SoundLimit(self._where, max_duration_ms)
        self.tracks = [TrackReader(stream, self._where, limit) for stream in streams]
        self._format = format_of(container.format.name)
        self._stated_ms = _stated_ms(container, path, streams, self._format)
        if self._stated_ms is not None:
            limit.check(self._stated_ms, sum(stream.codec_context.channels for stream in streams))
        begin = self._begin()
        for track in self.tracks:
            track.expect(begin=begin, stated_ms=self._stated_ms)
        self._error: Exception | None = None
        if self._is_in_16_bit_units(max_duration_ms):
            self.notes.append(Note(code=NoteCode.FLOATS_SCALED))
            for track in self.tracks:
                track.scale = SCALE_OF_16_BITS if _holds_floats(track.stream) else None

    @property
    def duration_ms(self) -> int:
        return round(max(track.seconds for track in self.tracks) * 1000)

    def read(self) -> None:
        """Decode everything, and judge whether the recording is whole."""
        by_index = {track.stream.index: track for track in self.tracks}
        for packet in self._packets():
            by_index[packet.stream.index].push(packet)
        self.tracks = [track for track in self.tracks if track.channels] or self.tracks[:1]
        if not self.tracks[0].channels:
            self._refuse_silent()
        for track in self.tracks:
            track.finish()
        self._check_complete()
        self._note_filled()

    def samples(self) -> Samples:
        """Return float32 [channels, samples]; of several tracks, one channel for each that is not truly stereo."""
        sounds = [track.samples() for track in self.tracks]
        if len(sounds) == 1:
            return sounds[0]
        sounds = [sound[:1] if channels_identical(sound) else sound for sound in sounds]
        joined = np.zeros((sum(map(len, sounds)), max(sound.shape[1] for sound in sounds)), np.float32)
        row = 0
        for sound in sounds:
            joined[row : row + len(sound), : sound.shape[1]] = sound
            row += len(sound)
        values = {"tracks": str(len(sounds)), "channels": str(row)}
        self.notes.append(Note(code=NoteCode.TRACKS_JOINED, values=values))
        return joined

    def _audio_streams(self) -> list[AudioStream]:
        if not self._container.streams.audio:
            kinds = ", ".join(sorted({stream.type or "unknown" for stream in self._container.streams})) or "nothing"
            raise AudioError(
                say("holds no audio stream (only {kinds})", kinds=kinds),
                where=self._where,
                expected=say("a recording with sound"),
            )
        streams = _decodable(self._container)
        if not streams:
            raise AudioError(
                say("is coded in a way that cannot be decoded here"),
                where=self._where,
                expected=say("a known codec"),
            )
        if skipped := len(self._container.streams.audio) - len(streams):
            self.notes.append(Note(code=NoteCode.TRACKS_SKIPPED, values={"tracks": str(skipped)}))
        return streams

    def _begin(self) -> float | None:
        """Return the time stamp, in seconds, at which the recording begins; None: that of its first frame."""
        if self._format.keeps_time:
            return 0.0
        if len(self.tracks) == 1 or self._container.start_time is None:
            return None
        return self._container.start_time / 1_000_000

    def _is_in_16_bit_units(self, max_duration_ms: int) -> bool:
        """Tell whether what holds floats holds numbers of 16 bits in them: that takes reading the file once more."""
        if not any(_holds_floats(track.stream) for track in self.tracks):
            return False
        units = FloatUnits()
        try:
            with _open(self._path) as container:
                streams = [stream for stream in _decodable(container) if _holds_floats(stream)]
                for frame in container.decode(streams):
                    if not isinstance(frame, AudioFrame):
                        continue
                    if frame.time is not None and frame.time * 1000 > max_duration_ms:
                        break
                    units.add(samples_of(frame))
        except DECODER_ERRORS:  # judged by what came before; reading it anew says what is wrong
            pass
        return units.are_of_16_bits()

    def _packets(self) -> Iterator[Packet[Any]]:
        packets = self._container.demux([track.stream for track in self.tracks])
        while True:
            try:
                packet = next(packets, None)
            except DECODER_ERRORS as error:  # the container breaks off: what came before is kept
                if (raised := unavailable(error, self._where)) is not None:
                    raise raised from error
                self._error = error
                return
            if packet is None:
                return
            yield packet

    def _refuse_silent(self) -> None:
        error = self._error or self.tracks[0].error
        what = (
            say("no sound could be decoded ({reason})", reason=_reason(error))
            if error
            else say("no sound could be decoded")
        )
        raise AudioError(what, where=self._where, expected=say("a complete recording"))

    def _check_complete(self) -> None:
        """Refuse a file that holds clearly less than it states, that breaks off within a frame, or holds two."""
        broken = self._format.broken_end(self._path)
        if broken is not None and broken.fault is EndFault.SECOND:
            raise _second_recording(self._where)
        if self._stated_ms is None:
            if broken is not None and not broken.tolerable:
                self._refuse(_breaks_off(broken, self.duration_ms))
        elif self._format.keeps_time and broken is None and self._stated_ms > self.duration_ms:
            for track in self.tracks:  # whole: at its end nothing was sent
                track.fill(self._stated_ms / 1000)
        missing_ms = self._missing_ms()
        if missing_ms >= _NOTICEABLE_MS or broken is not None:
            self.notes.append(Note(code=NoteCode.END_UNCERTAIN))

    def _missing_ms(self) -> int:
        """Return how much less there is than the file states, in ms; refuse what clearly is not whole."""
        if self._stated_ms is None:
            return 0
        held_ms = self.duration_ms - self._lost_ms()
        missing_ms = self._stated_ms - held_ms
        if missing_ms > max(_SHORTFALL_MS, self._stated_ms * _SHORTFALL_SHARE):
            self._refuse(
                say(
                    "cut off: the file promises {stated} s, only {held} s can be decoded",
                    stated=f"{self._stated_ms / 1000:.1f}",
                    held=f"{held_ms / 1000:.1f}",
                )
            )
        return self._stated_ms - self.duration_ms

    def _lost_ms(self) -> int:
        return round(max(track.lost for track in self.tracks) * 1000)

    def _note_filled(self) -> None:
        unsent = max(track.unsent for track in self.tracks)
        for code, seconds in ((NoteCode.GAPS_FILLED, unsent), (NoteCode.DAMAGE_FILLED, self._lost_ms() / 1000)):
            if seconds * 1000 >= _NOTICEABLE_MS:
                self.notes.append(Note(code=code, values={"seconds": f"{seconds:.1f}"}))

    def _refuse(self, what: Message) -> None:
        raise AudioError(
            what,
            where=self._where,
            expected=say("a complete recording"),
            to_do=say("copy it again from the recorder"),
        )


def _second_recording(where: str) -> AudioError:
    return AudioError(
        say("another recording follows in the same file"),
        where=where,
        expected=say("one recording a file"),
        to_do=say("split it: only the first can be read"),
    )


def _breaks_off(broken: BrokenEnd, duration_ms: int) -> Message:
    seconds = f"{duration_ms / 1000:.1f}"
    if broken.fault is EndFault.PAGE:
        return say("cut off after {seconds} s: its last page is incomplete", seconds=seconds)
    if broken.fault is EndFault.FRAME:
        return say("cut off after {seconds} s: its last frame is incomplete", seconds=seconds)
    return say("cut off after {seconds} s: the file is shorter than its own structure says", seconds=seconds)


def _stated_ms(
    container: InputContainer, path: Path, streams: Sequence[AudioStream], audio_format: AudioFormat
) -> int | None:
    """Return the duration that the file states; None when there is only a guess."""
    read = audio_format.read_stated_ms
    if read is not None and (hidden := read(path, streams[0].codec_context.sample_rate)) is not None:
        return hidden
    if not audio_format.states_length:
        return None
    stated = [_stream_ms(stream) for stream in streams]
    known = [milliseconds for milliseconds in stated if milliseconds is not None]
    if known:
        return max(known)
    alone = len(container.streams) == len(streams)  # else it may be the picture that lasts so long
    return None if container.duration is None or not alone else round(container.duration / 1000)


def _holds_floats(stream: AudioStream) -> bool:
    return stream.codec_context.name.startswith("pcm_f")


def _stream_ms(stream: AudioStream) -> int | None:
    if stream.duration is None or stream.time_base is None:
        return None
    return round(float(stream.duration * stream.time_base) * 1000)


def _check_file(path: Path) -> None:
    try:
        if not path.exists():
            raise UnavailableError(say("there is no such file"), where=str(path), expected=say("a recording"))
        if not path.is_file():
            raise AudioError(say("is not a file"), where=str(path), expected=say("a recording"))
        if path.stat().st_size == 0:
            raise AudioError(say("the file is empty"), where=str(path), expected=say("a recording"))
        if raw_format_of(path) is None and was_copied_as_text(path):
            raise AudioError(
                say("was copied as if it were text, which broke its sound"),
                where=str(path),
                expected=say("an exact copy"),
                to_do=say("copy it again, with FTP in binary mode"),
            )
    except (OSError, ValueError) as error:
        raise UnavailableError(say("cannot be read: {reason}", reason=error), where=str(path)) from error


#: FFmpeg's reasons, in words.
_REASONS: tuple[tuple[type[Exception], Message], ...] = (
    (av.InvalidDataError, say("its data has no known form")),
    (av.EOFError, say("it ends too early")),
    (av.PatchWelcomeError, say("a form that FFmpeg does not read")),
)


def _reason(error: Exception) -> Message | str:
    return next((reason for kind, reason in _REASONS if isinstance(error, kind)), None) or os_reason(error)
