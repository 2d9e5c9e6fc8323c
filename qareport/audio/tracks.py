"""Decode one track of a container to 16 kHz channels, on the clock of the container.

A recorder that sends nothing while a side is silent or muted writes packets with a gap between their time stamps. Such
a gap is silence of that length, as is what cannot be decoded; the samples alone would make the recording shorter.
"""

from __future__ import annotations

import errno

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet

from qareport.audio.resampling import SAMPLE_RATE, Resampler, Samples, samples_of
from qareport.errors import AudioError, UnavailableError, os_reason
from qareport.messages import say

#: What PyAV raises: its own errors, and Python's for values it cannot convert.
DECODER_ERRORS = (av.FFmpegError, OSError, ValueError, LookupError, ArithmeticError, NotImplementedError, MemoryError)
#: Errors that come from the machine, not from the recording.
_OF_THE_MACHINE = frozenset((errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EACCES, errno.ESTALE, errno.ETIMEDOUT))
#: FFmpeg's own AMR decoders refuse the frames of silence (SID, NO_DATA) that telephones send; these do not.
_DECODERS = {"amrnb": "libopencore_amrnb", "amrwb": "libopencore_amrwb"}
#: In Hz: below is no speech, above no recorder.
_RATES = (4000, 384_000)
#: More channels than any recorder writes.
_MOST_CHANNELS = 32
#: Sound may be as much as this many channels of the longest recording that is allowed.
_FULL_CHANNELS = 2
#: In seconds: smaller gaps between time stamps are rounding or jitter.
_JITTER = 0.05
#: A first time stamp this late is the delay of an encoder.
_PRIMING = 0.1
#: Time stamps that jump back further begin anew (joined recordings).
_RESET = 1.0
#: A gap that no stated length explains is believed up to this.
_LONGEST_GAP = 600.0
#: Longer silence is put in after the resampler, not through it.
_SHORT_GAP = 2.0


def unavailable(error: BaseException, where: str) -> UnavailableError | None:
    """Tell an error of the machine (memory, open files, access) from one of the recording."""
    if isinstance(error, MemoryError):
        return UnavailableError(
            say("the memory of this machine is not enough to decode it"),
            where=where,
            to_do=say("run again with more memory or fewer programs beside it"),
        )
    if isinstance(error, OSError) and (not isinstance(error, av.FFmpegError) or error.errno in _OF_THE_MACHINE):
        return UnavailableError(say("cannot be read: {reason}", reason=os_reason(error)), where=where)
    return None


class SoundLimit:
    """How long a recording may be, and how much sound its channels may hold together."""

    def __init__(self, where: str, max_duration_ms: int) -> None:
        self._where = where
        self._max_duration_ms = max_duration_ms

    def check(self, duration_ms: float, channels: int) -> None:
        """Refuse a recording before memory is taken for it.

        Raises:
            AudioError: too long, too many channels, or too much of both.
        """
        duration_ms = round(duration_ms)
        if duration_ms > self._max_duration_ms:
            minutes = f"{self._max_duration_ms / 60_000:g}"
            raise AudioError(
                say("longer than {minutes} minutes", minutes=minutes),
                where=self._where,
                expected=say("at most {minutes} minutes (audio.max_duration_minutes)", minutes=minutes),
            )
        if channels > _MOST_CHANNELS:
            raise AudioError(
                say("has {channels} channels", channels=channels),
                where=self._where,
                expected=say("at most {channels} channels", channels=_MOST_CHANNELS),
            )
        if channels > _FULL_CHANNELS and duration_ms * channels > _FULL_CHANNELS * self._max_duration_ms:
            most = f"{_FULL_CHANNELS * self._max_duration_ms / channels / 60_000:.1f}"
            raise AudioError(
                say("has {channels} channels and is longer than {minutes} minutes", channels=channels, minutes=most),
                where=self._where,
                expected=say("fewer channels, or a larger audio.max_duration_minutes"),
            )


class TrackReader:
    """Packets of one audio stream in, 16 kHz channels out."""

    def __init__(self, stream: AudioStream, where: str, limit: SoundLimit) -> None:
        self.stream = stream
        self.sample_rate = 0
        self.channels = 0
        #: What brings its floats to full scale, where that is not 1.
        self.scale: np.float32 | None = None
        #: In seconds: decoded or filled so far; of this, time that was not sent, and that could not be decoded.
        self.seconds = self.unsent = self.lost = 0.0
        #: What went wrong last, and whether anything went wrong since the last frame.
        self.error: Exception | None = None
        self._damaged = False
        self._where = where
        self._limit = limit
        self._codec = _codec(stream)
        self._resampler: Resampler | None = None
        self._blocks: list[Samples] = []
        #: The time stamp at which the sound begins, in seconds; None: that of the first frame.
        self._begin: float | None = None
        #: Gaps are believed while the sound stays within this length.
        self._stated = 0.0

    def expect(self, *, begin: float | None, stated_ms: int | None) -> None:
        """Tell what the container says: the time stamp of its begin in seconds, and its length."""
        self._begin = begin
        self._stated = 0.0 if stated_ms is None else stated_ms / 1000 + 1

    def push(self, packet: Packet[AudioStream]) -> None:
        """Decode a packet; a damaged one is skipped, and its time is silence."""
        try:
            frames = packet.decode() if self._codec is None else self._codec.decode(packet if packet.size else None)
        except DECODER_ERRORS as error:
            if (raised := unavailable(error, self._where)) is not None:
                raise raised from error
            self.error, self._damaged = error, True
            return
        for frame in frames:
            if isinstance(frame, AudioFrame) and frame.samples:
                self._take(frame)

    def finish(self) -> None:
        """Take what the resampler still holds."""
        if self._resampler is not None:
            self._blocks.append(self._resampler.finish())
            self._resampler = None

    def fill(self, seconds: float) -> None:
        """Go on with silence up to a length that the container states."""
        if self.channels and seconds > self.seconds:
            self._fill(seconds - self.seconds)

    def samples(self) -> Samples:
        """Return the sound and let go of it, float32 [channels, samples] in [-1, 1]."""
        self.finish()
        blocks, self._blocks = self._blocks, []
        if len(blocks) == 1:
            return blocks[0]
        return np.concatenate(blocks, axis=1) if blocks else np.zeros((0, 0), np.float32)

    def _take(self, frame: AudioFrame) -> None:
        channels = frame.layout.nb_channels
        self._check(frame, channels)
        self._keep_time(frame)
        if self._resampler is None or frame.sample_rate != self._resampler.sample_rate:
            self.finish()  # another rate: chained streams, late AAC signalling
            self._resampler = Resampler(frame.sample_rate, channels, expected=max(0.0, self._stated - self.seconds))
        self.seconds += frame.samples / frame.sample_rate
        self._limit.check(self.seconds * 1000, channels)
        if self.scale is None:
            self._resampler.push_frame(frame)
        else:
            self._resampler.push(samples_of(frame) * self.scale)
        self._damaged = False

    def _check(self, frame: AudioFrame, channels: int) -> None:
        lowest, highest = _RATES
        if not lowest <= frame.sample_rate <= highest:
            raise AudioError(
                say("is sampled at {rate} Hz", rate=frame.sample_rate),
                where=self._where,
                expected=say("{lowest} to {highest} Hz", lowest=lowest, highest=highest),
            )
        if self.channels and channels != self.channels:
            raise AudioError(
                say(
                    "changes from {before} to {after} channels after {at_ms} ms",
                    before=self.channels,
                    after=channels,
                    at_ms=round(self.seconds * 1000),
                ),
                where=self._where,
                expected=say("the same number of channels throughout"),
            )
        if not self.channels:
            self._limit.check(0, channels)
            self.channels, self.sample_rate = channels, frame.sample_rate

    def _keep_time(self, frame: AudioFrame) -> None:
        """Put in the silence that the time stamp of a frame tells of."""
        at = frame.time
        if at is None:
            return
        if not self.seconds and (self._begin is None or abs(at - self._begin) <= _PRIMING):
            self._begin = at
        begin = self._begin or 0.0
        gap = at - begin - self.seconds
        if gap > _JITTER and (gap <= _LONGEST_GAP or self.seconds + gap <= self._stated):
            self._fill(gap)
        elif gap < -_RESET or gap > _JITTER:
            self._begin = at - self.seconds

    def _fill(self, seconds: float) -> None:
        self._limit.check((self.seconds + seconds) * 1000, self.channels)
        if self._resampler is not None and seconds < _SHORT_GAP:
            count = round(seconds * self._resampler.sample_rate)
            self._resampler.push(np.zeros((self.channels, count), np.float32))
        else:
            self.finish()
            self._blocks.append(np.zeros((self.channels, round(seconds * SAMPLE_RATE)), np.float32))
        self.seconds += seconds
        if self._damaged:
            self.lost += seconds
        else:
            self.unsent += seconds


def _codec(stream: AudioStream) -> AudioCodecContext | None:
    """Return a better decoder than FFmpeg's own, where there is one."""
    name = _DECODERS.get(stream.codec_context.name)
    if name is None or name not in av.codecs_available:
        return None
    codec = av.CodecContext.create(name, "r")
    assert isinstance(codec, AudioCodecContext)  # noqa: S101 - for the type checker
    codec.sample_rate, codec.layout = stream.codec_context.sample_rate, "mono"
    return codec
