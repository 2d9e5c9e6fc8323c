"""Silences of a call, and which of them are holds that the agent announced."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qareport.analysis.context import Scene
from qareport.model import AudioEvent, Gap, Hold, Role, Segment, Silence


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


#: Music goes on over a break of this length: models mark it in pieces.
MUSIC_JOIN_MS = 1000
_MUSIC = frozenset({AudioEvent.BGM, AudioEvent.SING})


def find_music(segments: Sequence[Segment]) -> tuple[Gap, ...]:
    """Find where music plays and nobody speaks: segments without words that carry BGM or Sing, near ones joined."""
    music: list[Gap] = []
    for segment in segments:
        if segment.text.strip() or not _MUSIC.intersection(segment.events):
            continue
        if music and segment.start_ms - music[-1].end_ms <= MUSIC_JOIN_MS:
            last = music.pop()
            music.append(Gap(start_ms=last.start_ms, end_ms=max(last.end_ms, segment.end_ms)))
        else:
            music.append(Gap(start_ms=segment.start_ms, end_ms=segment.end_ms))
    return tuple(music)


def find_gaps(spoken: Sequence[Segment], duration_ms: int | None) -> tuple[Gap, ...]:
    """Find every stretch in which nobody speaks, however short.

    What lies before the first word and after the last counts only when the length of the recording is known.
    """
    gaps: list[Gap] = []
    at_ms = 0 if duration_ms is not None or not spoken else spoken[0].start_ms
    for segment in spoken:
        if segment.start_ms > at_ms:
            gaps.append(Gap(start_ms=at_ms, end_ms=segment.start_ms))
        at_ms = max(at_ms, segment.end_ms)
    if duration_ms is not None and duration_ms > at_ms:
        gaps.append(Gap(start_ms=at_ms, end_ms=duration_ms))
    return tuple(gaps)


def find_holds(scene: Scene, music: Sequence[Gap]) -> tuple[Hold, ...]:
    """Find where the customer waits: music, or a silence of `hold_ms` that the agent announced (words of `hold`)."""
    holds = [Hold(start_ms=gap.start_ms, end_ms=gap.end_ms, music=True) for gap in music]
    announced = {
        segment.end_ms
        for segment, words in zip(scene.spoken, scene.words, strict=True)
        if segment.role is not Role.CUSTOMER and scene.topics.hold.match(words) is not None
    }
    holds += [
        Hold(start_ms=silence.start_ms, end_ms=silence.end_ms, music=False)
        for silence in scene.silences
        if silence.start_ms in announced and silence.duration_ms >= scene.settings.hold_ms
    ]
    return tuple(sorted(holds, key=lambda hold: hold.start_ms))
