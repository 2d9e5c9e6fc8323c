"""The context of the search for key moments: turns, interruptions, a call's `Scene`, and the salience of moments.

Words, turns, silences and states are each computed once. Salience is one table, so that a page picks the best few
moments of any call the same way: a scale of 0 … 100 of our own, on which what loses the order or the customer is
highest and what only colours the call lowest. 0 is kept for moments that another moment covers already.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from qareport.analysis.topics import Topics
from qareport.model import (
    Act,
    Emotion,
    Interruption,
    MomentKind,
    Role,
    Segment,
    Silence,
    SpokenAct,
    Turn,
)
from qareport.settings import AnalysisSettings

#: Speech that continues within this time after a break is the same speech, not a new start.
CONTINUATION_MS = 1000
#: Sentences of one speaker with no longer break between them are said in one breath.
BREATH_MS = 300
#: What who listens says, however long; 好了 and 行了 are none of it: they cut off.
_LISTENING = re.compile(
    r"(?:[嗯恩唔哦噢喔呃额欸诶哎唉啊哈对對是好行的嘛呀啦吧係\W_]|没错|沒錯|h?m[mh]*+|uh-?huh|yeah|yes|yep|ok(?:ay)?|right)++",
    re.IGNORECASE,
)


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
    talk_ms = overlap_ms = at_ms = speakers = 0
    for edge_ms, step, speaker in edges:
        talk_ms += (edge_ms - at_ms) * (speakers > 0)
        overlap_ms += (edge_ms - at_ms) * (speakers > 1)
        before = open_[speaker]
        open_[speaker] = before + step
        speakers += (before + step > 0) - (before > 0)
        at_ms = edge_ms
    return talk_ms, overlap_ms


def find_interruptions(spoken: Sequence[Segment], *, interruption_ms: int) -> tuple[Interruption, ...]:
    """Find where one role starts to speak while the other is talking and both continue for `interruption_ms` or more.

    Whoever was talking when the other started, and only continues after a short break, has not interrupted.
    Sentences that follow each other within `BREATH_MS` are one piece of talk. One of nothing but 嗯 and 对 listens.
    """
    interruptions = []
    last: dict[Role, _Talk] = {}
    floor_since: dict[Role, int] = {}
    for segment in (talk for talk in _breathless(spoken) if not _LISTENING.fullmatch(talk.text)):
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
    text: str


def _breathless(spoken: Sequence[Segment]) -> list[_Talk]:
    """Join the segments of each known role that follow within `BREATH_MS`, as sentences do; ordered by start."""
    talks: list[_Talk] = []
    place: dict[Role, int] = {}
    for segment in spoken:
        if segment.role is Role.UNKNOWN:
            continue
        known = place.get(segment.role)
        if known is not None and segment.start_ms <= talks[known].end_ms + BREATH_MS:
            before = talks[known]
            end_ms = max(before.end_ms, segment.end_ms)
            talks[known] = _Talk(before.role, before.start_ms, end_ms, before.text + segment.text)
        else:
            place[segment.role] = len(talks)
            talks.append(_Talk(segment.role, segment.start_ms, segment.end_ms, segment.text))
    return talks


def response_delays_ms(turns: Sequence[Turn]) -> list[int]:
    """Measure from the end of each customer's turn to the start of the agent's next, 0 where they overlap."""
    return [
        max(0, following.start_ms - turn.end_ms)
        for turn, following in itertools.pairwise(turns)
        if turn.role is Role.CUSTOMER and following.role is Role.AGENT
    ]


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

    #: What each segment does, by act.
    acts: Sequence[Mapping[Act, SpokenAct]]
    #: The indexes of the segments that do an act, in order.
    places: Mapping[Act, Sequence[int]]

    @property
    def customer_role(self) -> Role:
        """Return whose words count as the customer's: in a call without known speakers, those of unknown speakers."""
        known = Role.CUSTOMER in self.roles or Role.AGENT in self.roles
        return Role.CUSTOMER if known else Role.UNKNOWN

    def of_customer(self) -> Iterator[tuple[int, Segment]]:
        """Walk through the customer's segments with their indexes."""
        for index in self.roles.get(self.customer_role, ()):
            yield index, self.spoken[index]

    def does(self, index: int, *acts: Act) -> bool:
        """Tell whether a segment does any of these."""
        done = self.acts[index]
        return any(act in done for act in acts)

    def does_only(self, index: int, act: Act) -> bool:
        """Tell whether a segment does this and nothing else."""
        return len(self.acts[index]) == 1 and act in self.acts[index]

    def turn_start(self, index: int) -> int:
        """Return the first of the neighbouring segments before this one that have its speaker."""
        role = self.spoken[index].role
        while index > 0 and self.spoken[index - 1].role is role:
            index -= 1
        return index

    def turn_before(self, first: int) -> range:
        """Return the segments of the speaker before the turn that begins with `first`, which is not the first turn."""
        return range(self.turn_start(first - 1), first)

    def turn_does(self, index: int, *acts: Act, forward: bool = False) -> bool:
        """Tell whether the speaker of a segment does any of these up to it, or from it on, before another speaks."""
        role = self.spoken[index].role
        while 0 <= index < len(self.spoken) and self.spoken[index].role is role:
            if self.does(index, *acts):
                return True
            index += 1 if forward else -1
        return False


def find_acts(spoken: Sequence[Segment]) -> tuple[list[Mapping[Act, SpokenAct]], dict[Act, list[int]]]:
    """Sort the claims of a reader by segment and by act."""
    acts = [{claim.act: claim for claim in reversed(segment.acts)} for segment in spoken]
    places: dict[Act, list[int]] = {}
    for index, done in enumerate(acts):
        for act in done:
            places.setdefault(act, []).append(index)
    return list(acts), places


#: By kind: the usual weight and the weight of its grave form.
_WEIGHTS: dict[MomentKind, tuple[float, float]] = {
    MomentKind.REPEAT: (60, 95),  # grave: followed by silence and given up
    MomentKind.ESCALATION: (90, 90),
    MomentKind.CHURN_SIGNAL: (85, 85),
    MomentKind.TOPIC_MENTION: (20, 70),  # grave: left unanswered
    MomentKind.IRONY: (65, 65),
    MomentKind.NO_ANSWER: (55, 55),
    MomentKind.SILENCE: (50, 95),  # grave: the customer's own, before giving up
    MomentKind.RECOVERY: (45, 45),
    MomentKind.BROKEN_PROMISE: (75, 75),
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
