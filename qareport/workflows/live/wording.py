"""What leaves of a live call: masked, and without a number or name that is still being said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from qareport import privacy
from qareport.model import LiveLine, Segment
from qareport.settings import PrivacySettings

#: Sentences before one by which personal data in it is recognised: what was asked for, who was named.
_AROUND = 20
#: A run of digits at the end, written or spoken, or of Latin letters: a number or an address may go on.
_TRAILING = re.compile(
    r"(?:[0-9０-９零〇○一二三四五六七八九十百千万幺两洞拐勾点杠A-Za-zＡ-Ｚａ-ｚ@＠_.\-—－·,，、。．\s]|[!?！？]$)+$"
)
_SAID = re.compile(r"[0-9０-９零〇○一二三四五六七八九幺两洞拐勾A-Za-z]")


def held_back(text: str) -> str:
    """Leave out what a number or address that is still being said has so far: the run of digits or letters at the end.

    English words are let out once a space follows them.
    """
    match = _TRAILING.search(text)
    if match is None or not _SAID.search(match.group()):
        return text
    kept, run = text[: match.start()], match.group()
    if re.search(r"[0-9０-９零〇○一二三四五六七八九幺两洞拐勾]", run):
        return kept.rstrip(" ,，、")
    words = run.rsplit(" ", 1)
    return (kept + words[0]).rstrip() if len(words) == 2 else kept.rstrip(" ,，、")


def masked_lines(
    before: Sequence[Segment], new: Sequence[Segment], settings: PrivacySettings
) -> tuple[tuple[Segment, ...], tuple[LiveLine, ...]]:
    """Mask sentences that follow others.

    Args:
        before: what was said before, not masked.
        new: the sentences.
        settings: what is masked.

    Returns:
        the sentences masked, and as lines.
    """
    if settings.enabled:
        around = list(before[-_AROUND:])
        masked = privacy.mask_segments([*around, *new], settings.kinds).segments[len(around) :]
    else:
        masked = tuple(new)
    return masked, tuple(map(line_of, masked))


def masked_partial(before: Sequence[Segment], partial: Segment, settings: PrivacySettings) -> LiveLine:
    """Mask a sentence that goes on."""
    shown = replace(partial, text=held_back(partial.text), raw=None, tokens=(), acts=())
    return masked_lines(before, [shown], settings)[1][0]


def line_of(segment: Segment) -> LiveLine:
    """Return what is told of a sentence."""
    scores = segment.emotion_scores or {}
    emotion = segment.emotion.value if segment.emotion else None
    return LiveLine(
        start_ms=segment.start_ms,
        end_ms=segment.end_ms,
        role=segment.role,
        channel=segment.channel or 0,
        text=segment.text,
        emotion=emotion,
        score=scores.get(emotion) if emotion else None,
        events=tuple(event.value for event in segment.events),
    )
