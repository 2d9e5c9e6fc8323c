"""Formats of recordings: suffixes, containers, stated durations, truncated ends; and the digests of files.

FFmpeg reads the containers; `FORMATS` adds what it hides or only guesses. Several steps of a run ask for the digest
of the same recording (store lookup, decoding, playback) and of the same model files, so digests are cached.
"""

from __future__ import annotations

import functools
import hashlib
import os
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from qareport.audio.file_ends import (
    BrokenEnd,
    adts_end,
    after_id3,
    aiff_end,
    amr_end,
    matroska_end,
    mp3_end,
    mp4_end,
    ogg_end,
)
from qareport.errors import UnavailableError, os_reason
from qareport.messages import Message, say

#: A file that was changed less than this ago may change again without a new time stamp: its digest is not kept.
#: ext4 stamps at the kernel's ticks, up to 10 ms apart; FAT at 2 s.
_SETTLED_NS = 3_000_000_000
#: Digests that are kept: more than the recordings of a day.
_KEPT = 1 << 16


def sha256_of(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        UnavailableError: the file cannot be read.
    """
    try:
        status = Path(path).stat()
        if time.time_ns() - status.st_ctime_ns < _SETTLED_NS:
            return _digest(str(path))
        identity = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        return _kept_digest(str(Path(path).absolute()), identity)
    except OSError as error:
        raise UnavailableError(say("cannot be read: {reason}", reason=os_reason(error)), where=str(path)) from error


@functools.lru_cache(maxsize=_KEPT)
def _kept_digest(path: str, _identity: tuple[int, ...]) -> str:
    return _digest(path)


def _digest(path: str) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


#: Sizes from here on mean "not known" in a WAV header (0x7FFFFFFF, 0xFFFFFFFF and their neighbours).
_UNKNOWN_WAV_SIZE = 0x7FFF0000

#: What is behind the stated sound is looked at in so many bytes, where it lasts longer than this in seconds.
_LOOKED_AT, _NOTICEABLE_TAIL_S = 4096, 0.25


class GoesOn(StrEnum):
    """What follows the sound that a file states."""

    #: More of it: the stated length is too short.
    SOUND = "sound"
    #: Another recording.
    RECORDING = "recording"


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFormat:
    """What is known of a recording by its container."""

    #: Endings of its files.
    suffixes: tuple[str, ...] = ()
    #: FFmpeg's names of the container.
    demuxers: tuple[str, ...]
    #: The container states its length; of others FFmpeg guesses it from the bit rate.
    states_length: bool = False
    #: Reads a duration in ms that FFmpeg does not report, from the path and the sample rate; None where there is none.
    read_stated_ms: Callable[[Path, int], int | None] | None = None
    #: Nothing but sound, recognised by its suffix; a truncated file looks like any other.
    headerless: bool = False
    #: In Hz: what FFmpeg does not know of a headerless format and must be told; None where it knows.
    raw_rate: int | None = None
    #: Looks at the end of a file; None where it looks complete, or where the format does not show it.
    find_broken_end: Callable[[Path], BrokenEnd | None] | None = None
    #: Its time stamps begin at 0 and run on where nothing was sent (a muted side, a pause): such time is silence.
    keeps_time: bool = False

    def broken_end(self, path: Path) -> BrokenEnd | None:
        """Say how a file breaks off; None where its end looks complete, or where the format does not show it."""
        return None if self.find_broken_end is None else self.find_broken_end(path)


def _wav_stated_ms(path: Path, _sample_rate: int) -> int | None:
    """Return the duration of a data chunk that is larger than the rest of the file: FFmpeg hides the difference.

    A recorder that streams does not know the size and writes the largest possible; that states nothing.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        at, bytes_a_second = 12, 0
        while at + 8 <= size:
            file.seek(at)
            head = file.read(20)
            length = int.from_bytes(head[4:8], "little")
            if head.startswith(b"fmt "):
                bytes_a_second = int.from_bytes(head[16:20], "little")
            if head.startswith(b"data"):
                cut_off = size - at - 8 < length < _UNKNOWN_WAV_SIZE
                return length * 1000 // bytes_a_second if cut_off and bytes_a_second else None
            at += 8 + length + length % 2
    return None


def goes_on(path: Path) -> GoesOn | None:
    """Tell what follows the sound that a WAV states, where that is not chunks: None for other formats.

    A recorder that writes its header once and is stopped hard leaves a length that is too short; and whoever joins
    files with `cat` leaves a recording behind the recording.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        if not file.read(12).startswith(b"RIFF"):
            return None
        at, bytes_a_second, behind = 12, 0, False
        while at + 8 <= size:
            file.seek(at)
            head = file.read(_LOOKED_AT)
            length = int.from_bytes(head[4:8], "little")
            end = at + 8 + length + length % 2
            if head.startswith(b"fmt "):
                bytes_a_second = int.from_bytes(head[16:20], "little")
            if behind and head.startswith(b"RIFF"):
                return GoesOn.RECORDING
            if behind and (not all(0x20 <= byte < 0x7F for byte in head[:4]) or end > size + 1):
                long_enough = size - at > bytes_a_second * _NOTICEABLE_TAIL_S
                return GoesOn.SOUND if bytes_a_second and long_enough and any(head) else None
            if head.startswith(b"data") and (not length or end > size + 1):
                return None
            behind = behind or head.startswith(b"data")
            at = end
    return None


def _w64_stated_ms(path: Path, _sample_rate: int) -> int | None:
    """Return the duration of a data chunk of Sony Wave64 that is larger than the rest of the file."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        at, bytes_a_second = 40, 0  # behind `riff`, its size and `wave`
        while at + 24 <= size:
            file.seek(at)
            head = file.read(36)
            length = int.from_bytes(head[16:24], "little")  # the 24 bytes of the head are part of it
            if head.startswith(b"fmt "):
                bytes_a_second = int.from_bytes(head[32:36], "little")
            if head.startswith(b"data"):
                return _if_cut(length - 24, size - at - 24, bytes_a_second)
            at += max(24, -(-length // 8) * 8)
    return None


def _caf_stated_ms(path: Path, _sample_rate: int) -> int | None:
    """Return the duration of a data chunk of a Core Audio file that is larger than the rest; -1 states nothing."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        at, bytes_a_second = 8, 0
        while at + 12 <= size:
            file.seek(at)
            head = file.read(44)
            length = int.from_bytes(head[4:12], signed=True)
            if head.startswith(b"desc") and len(head) == 44:
                rate, _, _, packet_bytes, packet_frames = struct.unpack(">d4s4I", head[12:40])[:5]
                bytes_a_second = round(rate * packet_bytes / packet_frames) if packet_frames else 0
            if head.startswith(b"data") or length < 0:
                return _if_cut(length, size - at - 12, bytes_a_second)
            at += 12 + length
    return None


def _if_cut(stated: int, held: int, bytes_a_second: int) -> int | None:
    """Return the duration in ms of so many stated bytes if the file holds fewer."""
    return stated * 1000 // bytes_a_second if stated > held and bytes_a_second > 0 else None


def _mp3_stated_ms(path: Path, sample_rate: int) -> int | None:
    """Return the duration by the frame count of the Xing/Info header, if the encoder wrote such a header.

    It is in the first MPEG frame, after an ID3v2 tag.
    """
    with path.open("rb") as file:
        file.seek(after_id3(file.read(10)))
        head = file.read(256)
    at = max(head.find(b"Xing"), head.find(b"Info"))
    if at < 0 or len(head) < at + 12 or not head[at + 7] & 1 or sample_rate <= 0:
        return None
    frame_samples = 1152 if sample_rate >= 32_000 else 576  # MPEG 1, MPEG 2 and 2.5
    return int.from_bytes(head[at + 8 : at + 12]) * frame_samples * 1000 // sample_rate


#: Every known format, and the only ones that are opened: to add a format, add a row.
FORMATS = (
    AudioFormat(suffixes=(".wav",), demuxers=("wav",), states_length=True, read_stated_ms=_wav_stated_ms),
    AudioFormat(suffixes=(".w64",), demuxers=("w64",), states_length=True, read_stated_ms=_w64_stated_ms),
    AudioFormat(suffixes=(".aif", ".aiff", ".aifc"), demuxers=("aiff",), states_length=True, find_broken_end=aiff_end),
    AudioFormat(suffixes=(".au", ".snd"), demuxers=("au",), states_length=True),
    AudioFormat(suffixes=(".caf",), demuxers=("caf",), states_length=True, read_stated_ms=_caf_stated_ms),
    AudioFormat(suffixes=(".flac",), demuxers=("flac",), states_length=True),
    AudioFormat(suffixes=(".wv",), demuxers=("wv",), states_length=True),
    AudioFormat(suffixes=(".tta",), demuxers=("tta",), states_length=True),
    AudioFormat(
        suffixes=(".m4a", ".m4b", ".mp4", ".mov", ".3gp", ".3g2"),
        demuxers=("mov", "mp4", "m4a"),
        states_length=True,
        find_broken_end=mp4_end,
        keeps_time=True,
    ),
    AudioFormat(
        suffixes=(".webm", ".weba", ".mka", ".mkv"),
        demuxers=("matroska", "webm"),
        states_length=True,
        find_broken_end=matroska_end,
        keeps_time=True,
    ),
    AudioFormat(suffixes=(".wma",), demuxers=("asf",), states_length=True),
    AudioFormat(suffixes=(".ogg", ".oga", ".opus", ".spx"), demuxers=("ogg",), find_broken_end=ogg_end),
    AudioFormat(suffixes=(".amr", ".awb"), demuxers=("amr",), find_broken_end=amr_end),
    AudioFormat(suffixes=(".aac",), demuxers=("aac",), find_broken_end=adts_end),
    AudioFormat(suffixes=(".mp3", ".mp2"), demuxers=("mp3",), read_stated_ms=_mp3_stated_ms, find_broken_end=mp3_end),
    # What telephone exchanges write without a header: whatever bytes are there, they are sound.
    AudioFormat(suffixes=(".gsm",), demuxers=("gsm",), headerless=True),
    AudioFormat(suffixes=(".g722",), demuxers=("g722",), headerless=True),
    AudioFormat(suffixes=(".g729",), demuxers=("g729",), headerless=True),
    AudioFormat(suffixes=(".sln",), demuxers=("sln",), headerless=True),
    AudioFormat(suffixes=(".sln16",), demuxers=("s16le",), headerless=True, raw_rate=16_000),
    AudioFormat(suffixes=(".ulaw", ".ul"), demuxers=("mulaw",), headerless=True, raw_rate=8000),
    AudioFormat(suffixes=(".alaw", ".al"), demuxers=("alaw",), headerless=True, raw_rate=8000),
)
#: Endings of the files that folders are searched for.
AUDIO_SUFFIXES = frozenset(suffix for known in FORMATS for suffix in known.suffixes)
_OTHER = AudioFormat(demuxers=())
#: FFmpeg opens no others: play lists would make it read other files, and some kinds are no recordings at all.
DEMUXERS = tuple(name for known in FORMATS for name in known.demuxers)


#: What files hold in place of sound, by their first bytes.
_FOREIGN: tuple[tuple[tuple[bytes, ...], Message], ...] = (
    ((b"PK\x03\x04", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b"), say("an archive (ZIP, RAR, gzip …): unpack it")),
    ((b"version https://git-lfs",), say("a pointer of Git LFS, not the file itself")),
    ((b"\x02#!SILK", b"#!SILK"), say("a voice message of WeChat or QQ (SILK): convert it to WAV")),
    ((b"%PDF", b"\xd0\xcf\x11\xe0"), say("a document")),
    ((b"<", b"\xef\xbb\xbf<"), say("a web page or XML: perhaps a log-in had ended when it was downloaded")),
    ((b"{", b"["), say("JSON: perhaps the answer of a server that refused the download")),
)
#: Of a file so many bytes are looked at for what a copy as text does to it, and so many traces are no chance.
_TEXT_BYTES, _TEXT_TRACES = 1 << 20, 16


def foreign_content(path: Path) -> Message | None:
    """Say what a file that is no recording holds; None: nobody knows."""
    with path.open("rb") as file:
        head = file.read(_LOOKED_AT)
    start = head.lstrip(b" \t\r\n")
    known = next((content for starts, content in _FOREIGN if start.startswith(starts)), None)
    if known is not None:
        return known
    if not any(head):
        return say("zeros: it was never written, or its disk was full")
    return say("text") if head.isascii() and not any(byte < 9 or 13 < byte < 32 for byte in head) else None


def was_copied_as_text(path: Path) -> bool:
    """Tell whether a copy took a recording for text, and so broke it: every line end CR LF, or U+FFFD all over."""
    with path.open("rb") as file:
        data = file.read(_TEXT_BYTES)
        size = file.seek(0, os.SEEK_END)
    if data.count("\ufffd".encode()) >= _TEXT_TRACES:
        return True
    longer = not data.startswith(b"RIFF") or size > 8 + int.from_bytes(data[4:8], "little")
    return longer and data.count(b"\r\n") >= _TEXT_TRACES and data.count(b"\r\n") == data.count(b"\n")


def format_of(demuxers: str) -> AudioFormat:
    """Return the format that FFmpeg opened, by its name: `wav`, `mov,mp4,m4a,3gp,3g2,mj2`."""
    names = set(demuxers.split(","))
    return next((known for known in FORMATS if names.intersection(known.demuxers)), _OTHER)


def open_options(path: Path) -> tuple[str | None, dict[str, str]]:
    """Return how FFmpeg opens a file: the demuxer that it must be told, if any, and options that allow no other."""
    raw = raw_format_of(path)
    options = {"format_whitelist": ",".join(DEMUXERS), "protocol_whitelist": "file"}
    if raw is None:
        return None, options | ({"ignore_length": "1"} if goes_on(path) is GoesOn.SOUND else {})
    return raw.demuxers[0], options | {"sample_rate": str(raw.raw_rate)}


def raw_format_of(path: Path) -> AudioFormat | None:
    """Return the format of a file that FFmpeg must be told, by its suffix; None where FFmpeg sees it."""
    suffix = path.suffix.lower()
    return next((known for known in FORMATS if known.raw_rate is not None and suffix in known.suffixes), None)
