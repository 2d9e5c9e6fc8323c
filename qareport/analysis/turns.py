"""Who holds the floor: turns, overlapping speech, interruptions, response delays."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from qareport.model import Interruption, Role, Segment

#: A shorter stretch wholly inside another's speech is a back-channel (嗯, 对) and takes no turn.
BACK_CHANNEL_MS = 1000
#: Speech that goes on within this time after a break is the same speech, not a new start.
CONTINUATION_MS = 1000


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


def longest_monologue_ms(role: Role, spoken: Sequence[Segment], turns: Sequence[Turn], *, pause_ms: int) -> int:
    """Measure the longest stretch of one role's turns without a pause of its own of more than `pause_ms`."""
    longest_ms = 0
    for turn in turns:
        if turn.role is not role:
            continue
        start_ms = end_ms = turn.start_ms
        for segment in spoken[turn.first : turn.last + 1]:
            if segment.role is not role:  # a back-channel
                continue
            if segment.start_ms - end_ms > pause_ms:
                start_ms = segment.start_ms
            end_ms = max(end_ms, segment.end_ms)
            longest_ms = max(longest_ms, end_ms - start_ms)
    return longest_ms


def talk_and_overlap_ms(spoken: Iterable[Segment]) -> tuple[int, int]:
    """Measure the time in which anyone speaks, and in which two different speakers do (a role, else a channel)."""
    edges: list[tuple[int, int, Hashable]] = []
    for segment in spoken:
        speaker: Hashable = segment.role if segment.role is not Role.UNKNOWN else segment.channel
        edges += [(segment.start_ms, 1, speaker), (segment.end_ms, -1, speaker)]
    edges.sort(key=lambda edge: edge[:2])
    open_: Counter[Hashable] = Counter()
    talk_ms = overlap_ms = at_ms = 0
    for edge_ms, step, speaker in edges:
        speakers = sum(1 for count in open_.values() if count > 0)
        talk_ms += (edge_ms - at_ms) * (speakers > 0)
        overlap_ms += (edge_ms - at_ms) * (speakers > 1)
        open_[speaker] += step
        at_ms = edge_ms
    return talk_ms, overlap_ms


def find_interruptions(spoken: Sequence[Segment], *, interruption_ms: int) -> tuple[Interruption, ...]:
    """Find where one role starts to speak while the other is talking and both go on for `interruption_ms` or more.

    Whoever was talking when the other one came in, and only goes on after a short break, has not interrupted.
    Sentences that follow each other without a break are one piece of talk.
    """
    interruptions = []
    last: dict[Role, _Talk] = {}
    floor_since: dict[Role, int] = {}
    for segment in _breathless(spoken):
        mine = last.get(segment.role)
        if mine is None or segment.start_ms - mine.end_ms > CONTINUATION_MS:
            floor_since[segment.role] = segment.start_ms
        other = Role.AGENT if segment.role is Role.CUSTOMER else Role.CUSTOMER
        theirs = last.get(other)
        if theirs and floor_since[other] < floor_since[segment.role] == segment.start_ms:
            end_ms = min(segment.end_ms, theirs.end_ms)
            if end_ms - segment.start_ms >= max(interruption_ms, 1):
                interruptions.append(Interruption(start_ms=segment.start_ms, end_ms=end_ms, by=segment.role))
        if mine is None or segment.end_ms >= mine.end_ms:
            last[segment.role] = segment
    return tuple(interruptions)


@dataclass(frozen=True, slots=True)
class _Talk:
    role: Role
    start_ms: int
    end_ms: int


def _breathless(spoken: Sequence[Segment]) -> list[_Talk]:
    """Join the segments of each known role that touch, as sentences of one utterance do; ordered by start."""
    talks: list[_Talk] = []
    place: dict[Role, int] = {}
    for segment in spoken:
        if segment.role is Role.UNKNOWN:
            continue
        known = place.get(segment.role)
        if known is not None and segment.start_ms <= talks[known].end_ms:
            before = talks[known]
            talks[known] = _Talk(before.role, before.start_ms, max(before.end_ms, segment.end_ms))
        else:
            place[segment.role] = len(talks)
            talks.append(_Talk(segment.role, segment.start_ms, segment.end_ms))
    return talks


def response_delays_ms(turns: Sequence[Turn]) -> list[int]:
    """Measure from the end of each customer's turn to the start of the agent's next, 0 where they overlap."""
    return [
        max(0, following.start_ms - turn.end_ms)
        for turn, following in itertools.pairwise(turns)
        if turn.role is Role.CUSTOMER and following.role is Role.AGENT
    ]
