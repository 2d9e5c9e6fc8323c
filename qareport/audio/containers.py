"""Formats of recordings: suffixes, containers, stated durations, truncated ends; and the digests of files.

FFmpeg reads the containers; `FORMATS` adds what it hides or only guesses. Several steps of a run ask for the digest
of the same recording (store lookup, decoding, playback) and of the same model files, so digests are cached.
"""

from __future__ import annotations

import functools
import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qareport.errors import AudioError

#: A file that was changed less than this ago may change again without a new time stamp: its digest is not kept.
#: ext4 stamps at the kernel's ticks, up to 10 ms apart; FAT at 2 s.
_SETTLED_NS = 3_000_000_000
#: Digests that are kept: more than the recordings of a day.
_KEPT = 1 << 16


def sha256_of(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        AudioError: the file cannot be read.
    """
    try:
        status = Path(path).stat()
        if time.time_ns() - status.st_ctime_ns < _SETTLED_NS:
            return _digest(str(path))
        identity = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        return _kept_digest(str(Path(path).absolute()), identity)
    except OSError as error:
        raise AudioError(f"cannot be read: {error.strerror or error}", where=str(path)) from error


@functools.lru_cache(maxsize=_KEPT)
def _kept_digest(path: str, _identity: tuple[int, ...]) -> str:
    return _digest(path)


def _digest(path: str) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


#: Sizes from here on mean "not known" in a WAV header (0x7FFFFFFF, 0xFFFFFFFF and their neighbours).
_UNKNOWN_WAV_SIZE = 0x7FFF0000
#: Bytes of a frame by its type, its first byte included (3GPP TS 26.101 and 26.201).
_AMR_NB = (13, 14, 16, 18, 20, 21, 27, 32, 6, 1, 1, 1, 1, 1, 1, 1)
_AMR_WB = (18, 24, 33, 37, 41, 47, 51, 59, 61, 6, 1, 1, 1, 1, 1, 1)
_AMR_NB_MAGIC, _AMR_WB_MAGIC = b"#!AMR\n", b"#!AMR-WB\n"
#: kbit/s of MPEG audio layer 3 by index: version 1, then 2 and 2.5 (ISO 11172-3, 13818-3).
_MP3_RATES = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_MP3_SAMPLE_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8000)}
_OGG_HEADER = 27
_OGG_END = 0x04


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
    #: Says how the bytes of a file break off; None where their end looks complete.
    find_broken_end: Callable[[bytes], str | None] | None = None

    def broken_end(self, path: Path) -> str | None:
        """Say how a file breaks off; None where its end looks complete, or where the format does not show it.

        Ogg marks its last page. AMR, AAC (ADTS) and MP3 are sequences of frames that know their size: a file that was
        cut ends within a frame. A cut exactly between two frames cannot be seen.
        """
        return None if self.find_broken_end is None else self.find_broken_end(path.read_bytes())


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


def _mp3_stated_ms(path: Path, sample_rate: int) -> int | None:
    """Return the duration by the frame count of the Xing/Info header, if the encoder wrote such a header.

    It is in the first MPEG frame, after an ID3v2 tag.
    """
    with path.open("rb") as file:
        file.seek(_after_id3(file.read(10)))
        head = file.read(256)
    at = max(head.find(b"Xing"), head.find(b"Info"))
    if at < 0 or len(head) < at + 12 or not head[at + 7] & 1 or sample_rate <= 0:
        return None
    frame_samples = 1152 if sample_rate >= 32_000 else 576  # MPEG 1, MPEG 2 and 2.5
    return int.from_bytes(head[at + 8 : at + 12]) * frame_samples * 1000 // sample_rate


def _ogg_end(data: bytes) -> str | None:
    at, flags = 0, _OGG_END
    while data.startswith(b"OggS", at) and at + _OGG_HEADER <= len(data):
        flags, segments = data[at + 5], data[at + 26]
        table = data[at + _OGG_HEADER : at + _OGG_HEADER + segments]
        at += _OGG_HEADER + segments + sum(table)
        if len(table) < segments or at > len(data):
            return "its last page is incomplete"
    if at != len(data):
        return "its last page is incomplete" if data.startswith(b"OggS", at) else None
    return None if flags & _OGG_END else "its last page is not marked as the last"


def _amr_end(data: bytes) -> str | None:
    wide = data.startswith(_AMR_WB_MAGIC)
    sizes, start = (_AMR_WB, len(_AMR_WB_MAGIC)) if wide else (_AMR_NB, len(_AMR_NB_MAGIC))
    return _frames_end(data, start, lambda at: sizes[data[at] >> 3 & 15])


def _adts_end(data: bytes) -> str | None:
    return _frames_end(data, _after_id3(data[:10]), lambda at: _adts_size(data, at))


def _mp3_end(data: bytes) -> str | None:
    return _frames_end(data, _after_id3(data[:10]), lambda at: _mp3_size(data, at))


def _frames_end(data: bytes, start: int, size_at: Callable[[int], int]) -> str | None:
    """Walk from frame to frame; anything else (tags, damage) ends the walk without a verdict."""
    at = start
    while at < len(data):
        size = size_at(at)
        if size <= 0:
            return None
        at += size
    return None if at == len(data) else "its last frame is incomplete"


def _adts_size(data: bytes, at: int) -> int:
    head = data[at : at + 7]
    if len(head) < 7:
        return 7 if head[:1] == b"\xff" else 0
    if head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return 0
    return (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5


def _mp3_size(data: bytes, at: int) -> int:
    head = data[at : at + 4]
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:  # sync word, layer 3
        return 0
    version, rate, sampling = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or rate in (0, 15) or sampling == 3:
        return 0
    first = version == 3
    bits = _MP3_RATES[0 if first else 1][rate] * 1000
    return (144 if first else 72) * bits // _MP3_SAMPLE_RATES[version][sampling] + (head[2] >> 1 & 1)


def _after_id3(head: bytes) -> int:
    """Return the offset of the sound: after an ID3v2 tag, whose length is four bytes of seven bits."""
    if not head.startswith(b"ID3") or len(head) < 10:
        return 0
    return 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=False))


#: Every known format, and the only ones that are opened: to add a format, add a row.
FORMATS = (
    AudioFormat(suffixes=(".wav",), demuxers=("wav",), states_length=True, read_stated_ms=_wav_stated_ms),
    AudioFormat(suffixes=(".w64",), demuxers=("w64",), states_length=True),
    AudioFormat(suffixes=(".aif", ".aiff", ".aifc"), demuxers=("aiff",), states_length=True),
    AudioFormat(suffixes=(".au", ".snd"), demuxers=("au",), states_length=True),
    AudioFormat(suffixes=(".caf",), demuxers=("caf",), states_length=True),
    AudioFormat(suffixes=(".flac",), demuxers=("flac",), states_length=True),
    AudioFormat(suffixes=(".wv",), demuxers=("wv",), states_length=True),
    AudioFormat(suffixes=(".tta",), demuxers=("tta",), states_length=True),
    AudioFormat(
        suffixes=(".m4a", ".m4b", ".mp4", ".mov", ".3gp", ".3g2"), demuxers=("mov", "mp4", "m4a"), states_length=True
    ),
    AudioFormat(suffixes=(".webm", ".weba", ".mka", ".mkv"), demuxers=("matroska", "webm"), states_length=True),
    AudioFormat(suffixes=(".wma",), demuxers=("asf",), states_length=True),
    AudioFormat(suffixes=(".avi",), demuxers=("avi",), states_length=True),
    AudioFormat(suffixes=(".ogg", ".oga", ".opus", ".spx"), demuxers=("ogg",), find_broken_end=_ogg_end),
    AudioFormat(suffixes=(".amr", ".awb"), demuxers=("amr",), find_broken_end=_amr_end),
    AudioFormat(suffixes=(".aac",), demuxers=("aac",), find_broken_end=_adts_end),
    AudioFormat(suffixes=(".mp3", ".mp2"), demuxers=("mp3",), read_stated_ms=_mp3_stated_ms, find_broken_end=_mp3_end),
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


def format_of(demuxers: str) -> AudioFormat:
    """Return the format that FFmpeg opened, by its name: `wav`, `mov,mp4,m4a,3gp,3g2,mj2`."""
    names = set(demuxers.split(","))
    return next((known for known in FORMATS if names.intersection(known.demuxers)), _OTHER)
