"""Where nobody speaks: gaps, music, and the stretches in which a customer is kept waiting."""

from __future__ import annotations

from collections.abc import Sequence

from qareport.analysis.scene import Scene
from qareport.model import AudioEvent, Gap, Hold, Role, Segment

#: Music goes on over a break of this length: models mark it in pieces.
MUSIC_JOIN_MS = 1000
_MUSIC = frozenset({AudioEvent.BGM, AudioEvent.SING})


def find_music(segments: Sequence[Segment]) -> tuple[Gap, ...]:
    """Find where music plays and nobody speaks: segments without words that carry BGM or Sing, near ones joined."""
    found: list[Gap] = []
    for segment in segments:
        if segment.text.strip() or not _MUSIC.intersection(segment.events):
            continue
        if found and segment.start_ms - found[-1].end_ms <= MUSIC_JOIN_MS:
            last = found.pop()
            found.append(Gap(start_ms=last.start_ms, end_ms=max(last.end_ms, segment.end_ms)))
        else:
            found.append(Gap(start_ms=segment.start_ms, end_ms=segment.end_ms))
    return tuple(found)


def find_gaps(spoken: Sequence[Segment], duration_ms: int | None) -> tuple[Gap, ...]:
    """Find every stretch in which nobody speaks, however short.

    What lies before the first word and after the last counts only when the length of the recording is known.
    """
    found: list[Gap] = []
    at_ms = 0 if duration_ms is not None or not spoken else spoken[0].start_ms
    for segment in spoken:
        if segment.start_ms > at_ms:
            found.append(Gap(start_ms=at_ms, end_ms=segment.start_ms))
        at_ms = max(at_ms, segment.end_ms)
    if duration_ms is not None and duration_ms > at_ms:
        found.append(Gap(start_ms=at_ms, end_ms=duration_ms))
    return tuple(found)


def find_holds(scene: Scene, music: Sequence[Gap]) -> tuple[Hold, ...]:
    """Find where the customer waits: music, or a silence of `hold_ms` that the agent announced (words of `hold`)."""
    found = [Hold(start_ms=gap.start_ms, end_ms=gap.end_ms, music=True) for gap in music]
    announced = {
        segment.end_ms
        for segment, words in zip(scene.spoken, scene.words, strict=True)
        if segment.role is not Role.CUSTOMER and scene.topics.hold.match(words) is not None
    }
    found += [
        Hold(start_ms=silence.start_ms, end_ms=silence.end_ms, music=False)
        for silence in scene.silences
        if silence.start_ms in announced and silence.end_ms - silence.start_ms >= scene.settings.hold_ms
    ]
    return tuple(sorted(found, key=lambda hold: hold.start_ms))
