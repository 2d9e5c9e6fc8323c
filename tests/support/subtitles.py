"""Small readers of SubRip and WebVTT, written from their descriptions and apart from what writes them."""

from __future__ import annotations

import re
from typing import NamedTuple

_TIME = r"(\d\d):(\d\d):(\d\d){point}(\d\d\d)"


class Cue(NamedTuple):
    """One subtitle."""

    start_ms: int
    end_ms: int
    text: str


def read_srt(text: str) -> list[Cue]:
    """Read SubRip: blocks of a number, a line of times and text, with a blank line between."""
    cues: list[Cue] = []
    for number, block in enumerate(text.strip("\n").split("\n\n") if text else [], start=1):
        index, times, *lines = block.split("\n")
        assert index == str(number)
        cues.append(_cue(times, ",", lines))
    return cues


def read_vtt(text: str) -> list[Cue]:
    """Read WebVTT: its head, then blocks of a line of times and text."""
    head, *blocks = text.rstrip("\n").split("\n\n")
    assert head == "WEBVTT"
    return [_cue(times, r"\.", lines) for times, *lines in (block.split("\n") for block in blocks)]


def _cue(times: str, point: str, lines: list[str]) -> Cue:
    time = _TIME.format(point=point)
    match = re.fullmatch(f"{time} --> {time}", times)
    assert match, times
    return Cue(_milliseconds(match.groups()[:4]), _milliseconds(match.groups()[4:]), "\n".join(lines))


def _milliseconds(parts: tuple[str, ...]) -> int:
    hours, minutes, seconds, rest = map(int, parts)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest
