"""Transcripts as text for people and players: plain, with tags, SubRip (SRT) and WebVTT.

Pure functions; speakers are named in the language that is being spoken (`locale.speaking`), and a guess says that it
is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby

from qareport.model import Role, Segment, Transcript
from qareport.presentation import wording
from qareport.presentation.templating import clean


def as_text(transcript: Transcript) -> str:
    """Write what was said: a line for each turn, after the time of its start and its speaker."""
    return _lines(transcript, lambda segment: segment.text)


def as_rich_text(transcript: Transcript) -> str:
    """Write what was said and how: as `as_text`, with the tags of each segment behind it, `退货运费谁出?[ANGRY]`."""
    return _lines(transcript, lambda segment: segment.rich_text())


def as_srt(transcript: Transcript) -> str:
    """Write SubRip subtitles: a cue for each segment that has text, `HH:MM:SS,mmm`, after its speaker."""
    cues = (
        f"{number}\n{_clock(segment.start_ms, ',')} --> {_clock(_end_ms(segment), ',')}\n{_said(segment)}\n"
        for number, segment in enumerate(_spoken(transcript), start=1)
    )
    return "\n".join(cues)


def as_vtt(transcript: Transcript) -> str:
    """Write WebVTT subtitles (W3C): a cue for each segment that has text, `HH:MM:SS.mmm`, its speaker as a voice."""
    cues = (
        f"{_clock(segment.start_ms, '.')} --> {_clock(_end_ms(segment), '.')}\n{_voice(segment)}\n"
        for segment in _spoken(transcript)
    )
    return "\n".join(["WEBVTT\n", *cues])


#: By the name of the format.
RENDERERS: Mapping[str, Callable[[Transcript], str]] = {
    "text": as_text,
    "rich": as_rich_text,
    "srt": as_srt,
    "vtt": as_vtt,
}


def _lines(transcript: Transcript, write: Callable[[Segment], str]) -> str:
    return "".join(
        f"{wording.clock(turn[0].start_ms)} {wording.named(_speaker(turn[0]), clean(_join(map(write, turn))))}\n"
        for turn in _turns(transcript)
    )


def _join(texts: Iterable[str]) -> str:
    """Put sentences behind each other, with a space between those of languages that have spaces."""
    joined = ""
    for text in texts:
        joined += (" " if joined[-1:].isascii() and text[:1].isascii() and joined and text else "") + text
    return joined


def _turns(transcript: Transcript) -> Iterator[list[Segment]]:
    """Group the segments that one speaker says one after another."""
    for _, turn in groupby(
        transcript.segments, key=lambda segment: (segment.role, segment.role_source, segment.channel)
    ):
        yield list(turn)


def _spoken(transcript: Transcript) -> Iterator[Segment]:
    """Leave out segments without text: an empty line would end their cue."""
    return (segment for segment in transcript.segments if segment.text.strip())


def _speaker(segment: Segment) -> str:
    return wording.role(segment.role, guessed=segment.role_source not in wording.SURE_SOURCES)


def _said(segment: Segment) -> str:
    text = clean(segment.text)
    return text if segment.role is Role.UNKNOWN else wording.named(_speaker(segment), text)


def _voice(segment: Segment) -> str:
    text = _escape(clean(segment.text))
    return text if segment.role is Role.UNKNOWN else f"<v {_escape(_speaker(segment))}>{text}</v>"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _end_ms(segment: Segment) -> int:
    """Return the end of a cue, which must come after its start; a contract's segment may have no length."""
    return max(segment.end_ms, segment.start_ms + 1)


def _clock(at_ms: int, point: str) -> str:
    seconds, milliseconds = divmod(at_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{point}{milliseconds:03d}"
