"""A role's emotion over the call: a trajectory of states, a curve, and the short form that documents print."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from qareport.analysis.emotion import valence
from qareport.model import STATE_SILENCE, CurvePoint, Emotion, Role, Segment, Silence, TrajectoryState


def find_trajectory(
    role: Role, segments: Sequence[Segment], states: Sequence[str], silences: Iterable[Silence]
) -> list[TrajectoryState]:
    """Find the states of one role in order of time, equal neighbours joined.

    A silence belongs to a role's trajectory when that role spoke last before it or first after it; other silences are
    between others and say nothing about this one. Joined states keep the time of the first start and the last end.

    Args:
        role: whose.
        segments: that role's segments, ordered by start.
        states: the steady state of each of them.
        silences: all silences of the call.
    """
    pieces = [(segment.start_ms, segment.end_ms, state) for segment, state in zip(segments, states, strict=True)]
    pieces += [(gap.start_ms, gap.end_ms, STATE_SILENCE) for gap in silences if role in (gap.after, gap.before)]
    pieces.sort(key=lambda piece: piece[0])
    joined: list[TrajectoryState] = []
    for start_ms, end_ms, state in pieces:
        if joined and joined[-1].state == state:
            last = joined.pop()
            start_ms, end_ms = last.start_ms, max(last.end_ms, end_ms)
        joined.append(TrajectoryState(start_ms=start_ms, end_ms=end_ms, state=state, role=role))
    return joined


def find_curve(role: Role, segments: Sequence[Segment]) -> list[CurvePoint]:
    """Find the emotion curve of one role: a point at the start of each segment whose valence is known.

    Lightly smoothed over the neighbouring points with the weights 1-4-1, so that a single peak stays one.
    """
    known = [(segment.start_ms, value) for segment in segments if (value := valence(segment)) is not None]
    values = [value for _, value in known]
    return [
        CurvePoint(at_ms=at_ms, role=role, value=round(_smooth(values, index), 2))
        for index, (at_ms, _) in enumerate(known)
    ]


def _smooth(values: Sequence[float], index: int) -> float:
    window = [(4, values[index])]
    window += [(1, values[near]) for near in (index - 1, index + 1) if 0 <= near < len(values)]
    return sum(weight * value for weight, value in window) / sum(weight for weight, _ in window)


def condense(trajectory: Iterable[TrajectoryState], role: Role = Role.CUSTOMER) -> list[str]:
    """Return the states of one role without repetition; NEUTRAL is left out unless there is nothing else."""
    states = [state.state for state in trajectory if state.role is role]
    marked = [state for state in states if state != Emotion.NEUTRAL] or states
    return [state for index, state in enumerate(marked) if index == 0 or marked[index - 1] != state]


def arrow_form(trajectory: Iterable[TrajectoryState], role: Role = Role.CUSTOMER) -> str:
    """Return the condensed trajectory as documents print it: `[SILENCE] → [ANGRY] → [SILENCE]`; empty for no states."""
    return " → ".join(f"[{state}]" for state in condense(trajectory, role))


def roles_present(segments: Iterable[Segment]) -> Mapping[Role, list[int]]:
    """Return the indexes of each role's segments: customer, agent, unknown, as far as they speak."""
    indexes: dict[Role, list[int]] = {Role.CUSTOMER: [], Role.AGENT: [], Role.UNKNOWN: []}
    for index, segment in enumerate(segments):
        indexes[segment.role].append(index)
    return {role: own for role, own in indexes.items() if own}
