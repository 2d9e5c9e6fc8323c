"""How much a moment matters: one table, so that a page picks the best few of any call the same way.

A scale of 0 … 100 of our own: what loses the order or the customer stands highest, what only colours the call lowest.
0 is kept for moments that another moment tells already.
"""

from __future__ import annotations

from qareport.model import Emotion, MomentKind

#: By kind: the usual weight and the weight of its grave form.
_WEIGHTS: dict[MomentKind, tuple[float, float]] = {
    MomentKind.REPEAT: (60, 95),  # grave: followed by silence and given up
    MomentKind.ESCALATION: (90, 90),
    MomentKind.CHURN_SIGNAL: (85, 85),
    MomentKind.TOPIC_MENTION: (20, 70),  # grave: left unanswered
    MomentKind.IRONY: (65, 65),
    MomentKind.NO_ANSWER: (55, 55),
    MomentKind.SILENCE: (50, 50),
    MomentKind.RECOVERY: (45, 45),
    MomentKind.INTERRUPTION: (10, 35),  # grave: by the agent
    MomentKind.EVENT: (5, 60),  # grave: crying
}
_EMOTION_WEIGHTS: dict[str, float] = {
    Emotion.ANGRY: 80,
    Emotion.DISGUSTED: 60,
    Emotion.SAD: 55,
    Emotion.FEARFUL: 50,
    Emotion.HAPPY: 25,
    Emotion.SURPRISED: 15,
}
#: What one second more of an emotion adds, and at most.
_PER_SECOND, _AT_MOST = 0.5, 8.0


def salience(kind: MomentKind, *, grave: bool = False) -> float:
    """Return the weight of a moment of a kind other than emotion."""
    return _WEIGHTS[kind][grave]


def emotion_salience(state: str, duration_ms: int) -> float:
    """Return the weight of the onset of an emotion: more for a longer one."""
    return _EMOTION_WEIGHTS[state] + min(_AT_MOST, duration_ms / 1000 * _PER_SECOND)
