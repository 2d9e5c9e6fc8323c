"""A call laid out for the search for key moments, and how much each moment matters.

Words, turns, silences and states are each found once. Salience is one table, so that a page picks the best few moments
of any call the same way: a scale of 0 … 100 of our own, on which what loses the order or the customer is highest
and what only colours the call lowest. 0 is kept for moments that another moment covers already.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from qareport.analysis.topics import Topics
from qareport.analysis.turns import Turn
from qareport.model import (
    NEGATIVE_EMOTIONS,
    Emotion,
    MomentKind,
    Role,
    Segment,
    Silence,
)
from qareport.settings import AnalysisSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What the finders of moments look at. Lists beside `spoken` run parallel to it."""

    settings: AnalysisSettings
    topics: Topics
    #: Segments with words, ordered by start.
    spoken: Sequence[Segment]
    #: Their text, normalised.
    words: Sequence[str]
    #: Their steady emotion states.
    states: Sequence[str]
    #: The indexes of each role's segments.
    roles: Mapping[Role, Sequence[int]]
    turns: Sequence[Turn]
    turn_of: Sequence[int]
    silences: Sequence[Silence]

    @property
    def customer_role(self) -> Role:
        """Return whose words count as the customer's: in a call where nobody is known, those of unknown speakers."""
        known = Role.CUSTOMER in self.roles or Role.AGENT in self.roles
        return Role.CUSTOMER if known else Role.UNKNOWN

    def of_customer(self) -> Iterator[tuple[int, Segment]]:
        """Walk through the customer's segments with their indexes."""
        for index in self.roles.get(self.customer_role, ()):
            yield index, self.spoken[index]

    def is_question(self, index: int) -> bool:
        """Tell whether a segment asks something, by question mark or question word."""
        marked = any(mark in self.spoken[index].text for mark in "?？")
        return marked or self.topics.question.find(self.words[index]) is not None

    def is_negative(self, index: int) -> bool:
        """Tell whether a segment complains, by emotion or by words."""
        return self.states[index] in NEGATIVE_EMOTIONS or any(
            words.match(self.words[index]) is not None for words in (self.topics.negative, self.topics.distrust)
        )

    def silence_after(self, index: int) -> Silence | None:
        """Return the first silence that follows a segment before anyone else has spoken."""
        start_ms = self.spoken[index].end_ms
        place = bisect.bisect_left(self.silences, start_ms, key=lambda silence: silence.start_ms)
        if place == len(self.silences):
            return None
        silence = self.silences[place]
        own_turn = self.turns[self.turn_of[index]]
        return silence if silence.start_ms <= max(own_turn.end_ms, start_ms) else None


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
