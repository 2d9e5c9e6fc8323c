"""The sound of a page's calls: each recording compressed, with masked personal data covered, or why there is none."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from qareport.errors import AudioError
from qareport.model import AudioInfo, CallReport, OrderReport
from qareport.presentation import wording
from qareport.presentation.clean_text import clean
from qareport.presentation.locale import _
from qareport.settings import ReportSettings

#: Around words whose time is known by their tokens: recognition is no more exact than this.
_MARGIN_MS = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """What a page can play of one call: a data: address, or why there is nothing to play."""

    #: The sound as a data: address; empty when there is none.
    source: str = ""
    #: Why there is none; else empty.
    note: str = ""


def make_sounds(report: OrderReport, settings: ReportSettings) -> dict[str, Sound]:
    """Make the sounds of an order's calls by call id (cleaned, as views have it); none unless the settings ask for it.

    Calls follow each other until `report.audio_minutes` are full; a call that has no room says so.
    """
    if not settings.audio:
        return {}
    left_ms = settings.audio_minutes * 60_000
    sounds = {}
    for call in report.calls:
        sounds[clean(call.call_id)], used_ms = _sound(call, left_ms, settings)
        left_ms -= used_ms
    return sounds


def _sound(call: CallReport, left_ms: int, settings: ReportSettings) -> tuple[Sound, int]:
    if call.audio is None or not Path(call.audio.path).is_file():
        return Sound(note=_("录音不在原来的地方，本页没有这通电话的声音。")), 0
    if call.audio.duration_ms > left_ms:
        return Sound(note=_too_long(call.audio, settings)), 0
    from qareport.audio.playback import MEDIA_TYPE, make_playable  # it imports what decodes recordings

    try:
        content, used_ms = make_playable(
            Path(call.audio.path),
            sha256=call.audio.sha256,
            covered_ms=tuple(_covered(call)),
            max_duration_ms=left_ms,
        )
    except AudioError:
        return Sound(note=_("录音和分析时的不一样，或者读不出来，本页没有这通电话的声音。")), 0
    return Sound(source=f"data:{MEDIA_TYPE};base64,{base64.b64encode(content).decode()}"), used_ms


def _too_long(audio: AudioInfo, settings: ReportSettings) -> str:
    text = _("录音长{length}，超出一页最多{minutes}分钟录音的限制（report.audio_minutes），本页没有这通电话的声音。")
    return text.format(length=wording.duration(audio.duration_ms), minutes=settings.audio_minutes)


def _covered(call: CallReport) -> Iterator[tuple[int, int]]:
    """Yield what must not be heard: masked words with known times and a margin, else their whole sentences."""
    for span in call.masked:
        if span.exact:
            yield span.start_ms - _MARGIN_MS, span.end_ms + _MARGIN_MS
            continue
        for segment in call.segments:
            if segment.start_ms < span.end_ms and span.start_ms < segment.end_ms:
                yield segment.start_ms, segment.end_ms
        yield span.start_ms, span.end_ms
