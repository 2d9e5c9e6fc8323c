"""Turns: whose speech follows whose. One definition for measures and rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qareport.model.call import Segment
from qareport.model.vocabulary import Role

#: A shorter stretch wholly inside another's speech is a back-channel (嗯, 对) and takes no turn.
BACK_CHANNEL_MS = 1000


@dataclass(frozen=True, slots=True)
class Turn:
    """Consecutive speech of one role: `first` and `last` are indexes of its segments."""

    role: Role
    start_ms: int
    end_ms: int
    first: int
    last: int


def find_turns(spoken: Sequence[Segment]) -> tuple[tuple[Turn, ...], tuple[int, ...]]:
    """Group segments into turns.

    Returns:
        The turns, and for each segment the index of its turn; a back-channel belongs to the turn around it.
    """
    turns: list[Turn] = []
    turn_of: list[int] = []
    for index, segment in enumerate(spoken):
        if not turns:
            turns.append(Turn(segment.role, segment.start_ms, segment.end_ms, index, index))
        elif segment.role == turns[-1].role:
            last = turns[-1]
            turns[-1] = Turn(last.role, last.start_ms, max(last.end_ms, segment.end_ms), last.first, index)
        elif segment.end_ms > turns[-1].end_ms or segment.duration_ms >= BACK_CHANNEL_MS:
            turns.append(Turn(segment.role, segment.start_ms, segment.end_ms, index, index))
        turn_of.append(len(turns) - 1)
    return tuple(turns), tuple(turn_of)
