"""See by its end whether a file is whole: pages of Ogg, frames of AMR, AAC and MP3, boxes of MP4, elements of Matroska.

A file that was cut ends within a page, a frame, a box or an element. A cut exactly between two frames cannot be seen.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO


class EndFault(StrEnum):
    """How a file breaks off."""

    #: Its last page is incomplete (Ogg).
    PAGE = "page"
    #: Its last page is complete, but not marked as the last (Ogg).
    MARK = "mark"
    #: Its last frame is incomplete (AMR, AAC, MP3).
    FRAME = "frame"
    #: It is shorter than its own structure says (MP4, Matroska).
    STRUCTURE = "structure"
    #: Behind it another recording follows in the same file, which no decoder reads (MP4, AIFF).
    SECOND = "second"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenEnd:
    """An end that is not as it should be."""

    fault: EndFault
    #: Next to nothing is known to be missing, and recorders write such files; else the file was probably cut.
    tolerable: bool = False


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
#: Bytes that a last frame may lack or have too many: an interrupted copy seldom stops so near to the end of a frame.
_FRAME_SLACK = 1
_OGG_HEADER = 27
_OGG_END = 0x04
#: Where a codec's first packet in Ogg states the rate of its time stamps; Opus always counts at 48 kHz.
_OGG_RATES = ((b"\x01vorbis", 12), (b"Speex   ", 36))
_OPUS_RATE = 48_000
_SEGMENT_ID, _EBML_ID = 0x18538067, 0x1A45DFA3


def ogg_end(path: Path) -> BrokenEnd | None:
    """Walk from page to page; anything else (tags, damage) ends the walk without a verdict.

    What an incomplete last page lacks is known only where that page is marked as the last: then up to a second is
    tolerable. Call recorders that are stopped hard never write the mark, and their files are whole but for it.
    """
    data = path.read_bytes()
    at, flags, before, granule = 0, _OGG_END, 0, 0
    while data.startswith(b"OggS", at) and at + _OGG_HEADER <= len(data):
        flags, segments = data[at + 5], data[at + 26]
        before, granule = granule, int.from_bytes(data[at + 6 : at + 14], "little", signed=True)
        table = data[at + _OGG_HEADER : at + _OGG_HEADER + segments]
        at += _OGG_HEADER + segments + sum(table)
        if len(table) < segments or at > len(data):
            known = bool(flags & _OGG_END) and 0 <= granule - before <= _ogg_rate(data)
            return BrokenEnd(fault=EndFault.PAGE, tolerable=known)
    if at != len(data):
        return BrokenEnd(fault=EndFault.PAGE) if data.startswith(b"OggS", at) else None
    return None if flags & _OGG_END else BrokenEnd(fault=EndFault.MARK, tolerable=True)


def _ogg_rate(data: bytes) -> int:
    first = data[:200]
    for magic, offset in _OGG_RATES:
        if (at := first.find(magic)) >= 0:
            return int.from_bytes(first[at + offset : at + offset + 4], "little")
    return _OPUS_RATE


def amr_end(path: Path) -> BrokenEnd | None:
    """Walk from frame to frame of AMR-NB or AMR-WB."""
    data = path.read_bytes()
    wide = data.startswith(_AMR_WB_MAGIC)
    sizes, start = (_AMR_WB, len(_AMR_WB_MAGIC)) if wide else (_AMR_NB, len(_AMR_NB_MAGIC))
    return _frames_end(data, start, lambda at: sizes[data[at] >> 3 & 15])


def adts_end(path: Path) -> BrokenEnd | None:
    """Walk from frame to frame of AAC."""
    data = path.read_bytes()
    return _frames_end(data, after_id3(data[:10]), lambda at: _adts_size(data, at))


def mp3_end(path: Path) -> BrokenEnd | None:
    """Walk from frame to frame of MP3."""
    data = path.read_bytes()
    return _frames_end(data, after_id3(data[:10]), lambda at: _mp3_size(data, at))


def _frames_end(data: bytes, start: int, size_at: Callable[[int], int]) -> BrokenEnd | None:
    """Walk from frame to frame; anything else (tags, damage) ends the walk without a verdict."""
    at = last = start
    while at < len(data):
        size = size_at(at)
        if size <= 0:
            return None
        last, at = at, at + size
    if at == len(data):
        return None
    tolerable = min(at - len(data), len(data) - last) <= _FRAME_SLACK
    return BrokenEnd(fault=EndFault.FRAME, tolerable=tolerable)


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


def after_id3(head: bytes) -> int:
    """Return the offset of the sound: after an ID3v2 tag, whose length is four bytes of seven bits."""
    if not head.startswith(b"ID3") or len(head) < 10:
        return 0
    return 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=False))


def aiff_end(path: Path) -> BrokenEnd | None:
    """Look whether another form follows the one that the file is."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8)[4:])
        file.seek(8 + length + length % 2)
        return BrokenEnd(fault=EndFault.SECOND) if file.read(4) == b"FORM" else None


def mp4_end(path: Path) -> BrokenEnd | None:
    """Walk from box to box (ISO 14496-12). Bytes after `moov` and `mdat` that are no box are no fault."""
    seen: set[bytes] = set()
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        at = 0
        while at < size:
            file.seek(at)
            head = file.read(16)
            length, kind = int.from_bytes(head[:4]), head[4:8]
            if length == 1:
                length = int.from_bytes(head[8:16])
            elif length == 0:  # the last box reaches to the end of the file
                length = size - at
            if length < 8 or not kind.isascii() or len(head) < 8:
                return None if {b"moov", b"mdat"} <= seen else BrokenEnd(fault=EndFault.STRUCTURE)
            if kind == b"moov" and kind in seen:
                return BrokenEnd(fault=EndFault.SECOND)
            seen.add(kind)
            at += length
    return None if at == size else BrokenEnd(fault=EndFault.STRUCTURE)


def matroska_end(path: Path) -> BrokenEnd | None:
    """Compare the file with the length of its segment; a live recording states none (RFC 8794, RFC 9559)."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        for expected in (_EBML_ID, _SEGMENT_ID):
            if int.from_bytes(file.read(4)) != expected or (length := _ebml_size(file)) is None:
                return None
            end = file.tell() + length
            if end > size:
                return BrokenEnd(fault=EndFault.STRUCTURE)
            file.seek(end)
    return None


def _ebml_size(file: BinaryIO) -> int | None:
    """Read the size of an element; None where it is unknown."""
    first = int.from_bytes(file.read(1))
    if not first:
        return None
    more = 8 - first.bit_length()
    value = (first & (0x7F >> more)) << 8 * more | int.from_bytes(file.read(more))
    return None if value == (1 << 7 * (more + 1)) - 1 else value
