"""Silences: stretches in which nobody speaks, on any channel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qareport.model import Gap, Segment, Silence


def find_silences(
    spoken: Sequence[Segment], *, silence_ms: int, duration_ms: int | None, music: Sequence[Gap] = ()
) -> tuple[Silence, ...]:
    """Find every pause longer than `silence_ms`; music is none, and what is left of a pause beside it is one.

    Args:
        spoken: the segments with words, ordered by start.
        silence_ms: a pause must be longer than this.
        duration_ms: length of the recording; None = unknown, then what lies before the first and after the last
            word is unknown too and gives no silence.
        music: where hold music plays, ordered by start.

    Returns:
        Silences in order of time. `after` is the role of the segment that ended last before the pause, `before` that of
        the segment that starts next; both are None at the edges of the call. `last_said` is what the first said.
    """
    silences = []
    last: Segment | None = None
    for segment in spoken:
        start_ms = last.end_ms if last else (0 if duration_ms is not None else segment.start_ms)
        for gap in _without(music, start_ms, segment.start_ms, silence_ms):
            silences.append(_pause(gap.start_ms, gap.end_ms, last, segment))
        if last is None or segment.end_ms >= last.end_ms:
            last = segment
    start_ms = last.end_ms if last else 0
    for gap in _without(music, start_ms, start_ms if duration_ms is None else duration_ms, silence_ms):
        silences.append(_pause(gap.start_ms, gap.end_ms, last, None))
    return tuple(silences)


def _without(music: Sequence[Gap], start_ms: int, end_ms: int, silence_ms: int) -> Iterator[Gap]:
    """Return the parts of a stretch that are longer than `silence_ms` and hold no music."""
    if end_ms - start_ms <= silence_ms:
        return
    for piece in music:
        if piece.end_ms <= start_ms or piece.start_ms >= end_ms:
            continue
        if piece.start_ms - start_ms > silence_ms:
            yield Gap(start_ms=start_ms, end_ms=piece.start_ms)
        start_ms = max(start_ms, piece.end_ms)
    if end_ms - start_ms > silence_ms:
        yield Gap(start_ms=start_ms, end_ms=end_ms)


def _pause(start_ms: int, end_ms: int, last: Segment | None, following: Segment | None) -> Silence:
    return Silence(
        start_ms=start_ms,
        end_ms=end_ms,
        after=last.role if last else None,
        before=following.role if following else None,
        last_said=last.text if last else "",
    )
