"""`response delay`, `repeats`, `last speaker`: how the two sides answer each other.

A response delay runs from the end of the other's turn to the start of the answer; 嗯 under the other's words is no
turn.
`repeats` compares an utterance with the 20 before it of the same role.

Keys of `response delay`:
    by: who answers.
    longer: the delay is this long or longer.
    shorter: the delay is shorter.

Keys of `repeats`:
    role: who repeats; `anyone` compares the utterances of both.
    similarity: how much the utterances resemble, from 0 to 1 (Dice coefficient of letter pairs).
    times: how many similar utterances, the first included.
    within: from the end of the earlier utterance to the start of the later, or so many sentences on.
    characters: shorter utterances are not compared.
    except: utterances with these words are not compared.

Keys of `last speaker`:
    role: whose words end last in the call; 嗯 under them does not count.

Example:
    any:
      - response delay: {by: agent, longer: 5s}
      - repeats: {role: customer, times: 2, within: 2m}
      - last speaker: customer
"""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from qareport.model import Evidence, Role, Segment, Turn
from qareport.presentation.locale import _
from qareport.rules.condition_hit import ConditionHit, uttered
from qareport.rules.match_context import Condition, LeafForm, MatchContext
from qareport.rules.schema_types import DurationMs, Extent, Gap, Keywords, Number, Speaker, WholeNumber
from qareport.text.wordlist import WordList, bigrams, dice, forms_of

#: An utterance is compared with so many before it, which keeps long calls linear.
COMPARED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseDelay(Condition):
    """A role answers the other only after `longer_ms`, or already after less than `shorter_ms`."""

    by: Role
    longer_ms: int | None
    shorter_ms: int | None

    names_topic = False

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return each such delay: from the end of the other's words to the start of the answer."""
        return [
            self._hit(before, delay_ms)
            for before, delay_ms in self._delays(context)
            if (self.longer_ms is None or delay_ms >= self.longer_ms)
            and (self.shorter_ms is None or delay_ms < self.shorter_ms)
        ]

    def _delays(self, context: MatchContext) -> list[tuple[Segment, int]]:
        return [
            (asked, max(0, after.start_ms - before.end_ms))
            for before, after in itertools.pairwise(context.turns)
            if after.role is self.by
            and before.role not in (self.by, Role.UNKNOWN)
            and context.covers((asked := _last_of(before, context)).start_ms)
        ]

    def is_judged(self, context: MatchContext) -> bool:
        """Tell whether it is known who speaks."""
        return context.knows_speakers

    @staticmethod
    def _hit(before: Segment, delay_ms: int) -> ConditionHit:
        question = Evidence(at_ms=before.start_ms, end_ms=before.end_ms, role=before.role, quote=before.text)
        return ConditionHit(at_ms=before.start_ms, evidence=(question,), span_ms=delay_ms)

    def seen(self, context: MatchContext) -> str:
        """Say how long the delays were."""
        delays = [delay_ms for _before, delay_ms in self._delays(context)]
        if not delays:
            return _("没有可量的应答")
        return _("最长 {seconds} 秒").format(seconds=f"{max(delays) / 1000:g}")


def _last_of(turn: Turn, context: MatchContext) -> Segment:
    """Return the utterance of a turn that ends last."""
    own = (segment for segment in context.spoken[turn.first : turn.last + 1] if segment.role is turn.role)
    return max(own, key=_end)


def _end(segment: Segment) -> tuple[int, int]:
    return segment.end_ms, segment.duration_ms


class ResponseDelayForm(LeafForm):
    """`response delay: 5s` is the agent's."""

    heads: ClassVar[tuple[str, ...]] = ("response delay",)
    bare: ClassVar[str | None] = "longer"

    by: Role = Role.AGENT
    longer: DurationMs | None = None
    shorter: DurationMs | None = None

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        longer_ms = 0 if self.longer is None and self.shorter is None else self.longer
        return ResponseDelay(by=self.by, longer_ms=longer_ms, shorter_ms=self.shorter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats(Condition):
    """A role says something like what it said before, for the `times`-th time."""

    role: Role | None
    similarity: float
    times: int
    within: Extent | None
    characters: int
    #: Utterances with these words are not compared.
    hidden: WordList | None

    names_topic = False

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return each utterance that completes a repetition, with those that it repeats."""
        before: deque[tuple[Segment, frozenset[str]]] = deque(maxlen=COMPARED)
        hits = []
        for segment, words in context.utterances(self.role):
            forms = forms_of(words)
            if len(words) < self.characters or (self.hidden is not None and any(map(self.hidden.find, forms))):
                continue
            letters = bigrams(forms[-1])
            near = (pair for pair in before if self._is_near(pair[0], segment, context))
            alike = [earlier for earlier, other in near if dice(letters, other) >= self.similarity]
            if len(alike) >= self.times - 1:
                hits.append(self._hit([*alike, segment]))
            before.append((segment, letters))
        return hits

    def is_judged(self, context: MatchContext) -> bool:
        """Tell whether it is known what the role says."""
        return context.hears(self.role)

    def _is_near(self, earlier: Segment, segment: Segment, context: MatchContext) -> bool:
        if self.within is None:
            return True
        from_ms = earlier.end_ms if self.within.ms is not None else earlier.start_ms
        return context.near(from_ms, segment.start_ms, self.within)

    @staticmethod
    def _hit(segments: list[Segment]) -> ConditionHit:
        evidence = tuple(
            Evidence(at_ms=segment.start_ms, end_ms=segment.end_ms, role=segment.role, quote=segment.text)
            for segment in segments
        )
        return ConditionHit(at_ms=segments[-1].start_ms, evidence=evidence)


class RepeatsForm(LeafForm):
    """`repeats: {role: customer, times: 3}`; bare: the role."""

    heads: ClassVar[tuple[str, ...]] = ("repeats",)
    bare: ClassVar[str | None] = "role"

    role: Speaker
    similarity: Annotated[Number, Field(gt=0, le=1)] = 0.7
    times: Annotated[WholeNumber, Field(ge=2, le=10)] = 2
    within: Gap | None = None
    characters: Annotated[WholeNumber, Field(ge=2)] = 4
    except_: Keywords | None = Field(default=None, alias="except")

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return Repeats(
            role=self.role,
            similarity=self.similarity,
            times=self.times,
            within=self.within,
            characters=self.characters,
            hidden=WordList(self.except_) if self.except_ else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSpeaker(Condition):
    """A role has the last word of the call."""

    role: Role

    names_topic = False

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return the last utterance when it is the role's."""
        last = _last_word(context)
        held = last is not None and last.role is self.role and context.covers(last.start_ms)
        return [uttered(last)] if held and last is not None else []

    def is_judged(self, context: MatchContext) -> bool:
        """Tell whether it is known who speaks last."""
        last = _last_word(context)
        return last is not None and last.role is not Role.UNKNOWN

    def seen(self, context: MatchContext) -> str:
        """Say who spoke last."""
        last = _last_word(context)
        return _("没有人说话") if last is None else _("最后说话的是 {role}").format(role=last.role.value)


def _last_word(context: MatchContext) -> Segment | None:
    """Return the utterance that ends last; 嗯 inside it is none."""
    return max(context.spoken, key=_end, default=None)


class LastSpeakerForm(LeafForm):
    """`last speaker: customer`."""

    heads: ClassVar[tuple[str, ...]] = ("last speaker",)
    bare: ClassVar[str | None] = "role"

    role: Role

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return LastSpeaker(role=self.role)
