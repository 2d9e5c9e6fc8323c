"""What rules look at in a call (`MatchContext`), and what a condition is (`Condition`)."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import ClassVar, Protocol

from qareport.model import Analysis, Role, Segment, Transcript, Turn, find_turns
from qareport.rules.condition_hit import ConditionHit
from qareport.rules.role_speech import RoleSpeech
from qareport.rules.schema_types import Extent, Form
from qareport.text.negation import begins_negated, is_negated
from qareport.text.spelling import in_digits
from qareport.text.wordlist import WordList, normalise


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchContext:
    """An analysed call. Only what starts in `from_ms` … `to_ms` is found; None sets no limit."""

    transcript: Transcript
    analysis: Analysis
    #: Segments with words, ordered by start, and their text as keywords are compared.
    spoken: tuple[Segment, ...]
    words: tuple[str, ...]
    #: The same text with its numbers in digits.
    in_digits: tuple[str, ...]
    turns: tuple[Turn, ...]
    #: Start of the first word and end of the last.
    first_word_ms: int
    last_word_ms: int
    #: When the earlier calls of the order began; None: not known.
    earlier: tuple[datetime, ...] | None = None
    #: By whose clock days and hours count; None: by that of the call's own start.
    time_zone: tzinfo | None = None
    #: The stage of the order (待发货, 运输中 …) as far as the customer's words tell it.
    stage: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    _speech: dict[Role | None, RoleSpeech] = field(default_factory=dict, repr=False, compare=False)
    #: Hits in the part that is looked at, by how the condition is written; `firsts` holds first hits alone.
    hits: dict[str, list[ConditionHit]] = field(default_factory=dict, repr=False, compare=False)
    firsts: dict[str, ConditionHit | None] = field(default_factory=dict, repr=False, compare=False)
    #: Parts of the call that were looked at before: many rules look at the same parts.
    _parts: dict[object, MatchContext] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        transcript: Transcript,
        analysis: Analysis,
        *,
        earlier: tuple[datetime, ...] | None = None,
        stages: Mapping[str, WordList] | None = None,
        words: tuple[str, ...] | None = None,
        time_zone: tzinfo | None = None,
    ) -> MatchContext:
        """Build the context of a whole call.

        Args:
            transcript: the call.
            analysis: of that transcript.
            earlier: when the earlier calls of the order began; None: not known.
            stages: the words that tell the stage of an order.
            words: the normalised text of the utterances with words, in their order; None: computed.
            time_zone: by whose clock days and hours count; None: by that of the call's own start.
        """
        spoken = tuple(sorted((s for s in transcript.segments if s.text.strip()), key=lambda s: s.start_ms))
        if words is None:
            words = tuple(normalise(segment.text) for segment in spoken)
        return cls(
            transcript=transcript,
            analysis=analysis,
            spoken=spoken,
            words=words,
            in_digits=tuple(map(in_digits, words)),
            turns=find_turns(spoken)[0],
            first_word_ms=spoken[0].start_ms if spoken else 0,
            last_word_ms=max((segment.end_ms for segment in spoken), default=0),
            earlier=earlier,
            time_zone=time_zone,
            stage=_stage(spoken, words, stages or {}),
        )

    def scoped(self, first: Extent | None, last: Extent | None, between: tuple[Extent, Extent] | None) -> MatchContext:
        """Look at a part of the call only; parts within parts narrow each other.

        `first` and `last` count from the first and to the last word, `between` counts on the recording's clock.
        """
        key = (self.from_ms, self.to_ms, first, last, between)
        if key not in self._parts:
            self._parts[key] = self._part(first, last, between)
        return self._parts[key]

    def _part(self, first: Extent | None, last: Extent | None, between: tuple[Extent, Extent] | None) -> MatchContext:
        from_ms, to_ms = self.from_ms, self.to_ms
        if first is not None:
            to_ms = _least(to_ms, self._reach_ms(first))
        if last is not None:
            from_ms = max(from_ms or 0, self._reach_back_ms(last))
        if between is not None:
            from_ms = max(from_ms or 0, self._place_ms(between[0]))
            to_ms = _least(to_ms, self._place_ms(between[1]))
        return dataclasses.replace(self, from_ms=from_ms, to_ms=to_ms, hits={}, firsts={})

    def whole(self) -> MatchContext:
        """Look at the whole call again."""
        if self.from_ms is None and self.to_ms is None:
            return self
        if None not in self._parts:
            self._parts[None] = dataclasses.replace(self, from_ms=None, to_ms=None, hits={}, firsts={})
        return self._parts[None]

    @property
    def end_ms(self) -> int:
        """Return where what is looked at ends."""
        return self.last_word_ms if self.to_ms is None else min(self.to_ms, self.last_word_ms)

    @property
    def length_ms(self) -> int:
        """Return the length of the recording; to the last word when it is not known."""
        return max(self.last_word_ms, self.analysis.metrics.duration_ms)

    def covers(self, at_ms: int) -> bool:
        """Tell whether something that starts here is looked at."""
        return (self.from_ms is None or at_ms >= self.from_ms) and (self.to_ms is None or at_ms <= self.to_ms)

    def utterances(self, role: Role | None) -> Iterator[tuple[Segment, str]]:
        """Walk through what a role (None: anyone) says, with the normalised text."""
        speech = self.speech(role)
        for segment, words in zip(speech.segments, speech.words, strict=True):
            if self.covers(segment.start_ms):
                yield segment, words

    def speech(self, role: Role | None) -> RoleSpeech:
        """Return what a role (None: anyone) says in the whole call, whichever part is looked at."""
        if role not in self._speech:
            own = [index for index, segment in enumerate(self.spoken) if role is None or segment.role is role]
            self._speech[role] = RoleSpeech(
                tuple([self.spoken[index] for index in own]),
                tuple([self.words[index] for index in own]),
                tuple([self.in_digits[index] for index in own]),
            )
        return self._speech[role]

    def hears(self, role: Role | None) -> bool:
        """Tell whether a role is known to speak, or known to be silent because every speaker is known."""
        return bool(self.speech(role).segments) or not self.speech(Role.UNKNOWN).segments

    @property
    def knows_speakers(self) -> bool:
        """Tell whether what agent and customer say can be told apart."""
        return self.hears(Role.AGENT) and self.hears(Role.CUSTOMER)

    @property
    def began(self) -> datetime | None:
        """Return when the call began, by the clock of the time zone; None: not known."""
        began = self.transcript.started_at
        return began if began is None or began.tzinfo is None else began.astimezone(self.time_zone or began.tzinfo)

    @property
    def day(self) -> date:
        """Return the day whose rules judge the call: that on which it began, today when it is not known."""
        return (self.began or datetime.now(self.time_zone)).date()

    def near(self, from_ms: int, to_ms: int, gap: Extent) -> bool:
        """Tell whether what starts at `to_ms` comes within a gap after `from_ms`, the end or start of what was before.

        Sentences are counted by their starts: the utterance that begins next is 1 away.
        """
        if gap.ms is not None:
            return to_ms - from_ms <= gap.ms
        return self.sentence_at(to_ms) - self.sentence_at(from_ms) <= (gap.sentences or 0)

    def far(self, from_ms: int, to_ms: int, gap: Extent) -> bool:
        """Tell whether what starts at `to_ms` comes no earlier than a gap after `from_ms`; see `near`."""
        if gap.ms is not None:
            return to_ms - from_ms >= gap.ms
        return self.sentence_at(to_ms) - self.sentence_at(from_ms) >= (gap.sentences or 0)

    def sentence_at(self, at_ms: int) -> int:
        """Return the number of the utterance that began last at this time."""
        return bisect_right(self.spoken, at_ms, key=_start)

    def _reach_ms(self, first: Extent) -> int:
        count = first.turns if first.turns is not None else first.sentences
        if count is not None:
            starts = self._starts(first)
            return starts[count] - 1 if count < len(starts) else self.length_ms
        if first.percent is not None:
            return self.first_word_ms + round((self.last_word_ms - self.first_word_ms) * first.percent / 100)
        return self.first_word_ms + (first.ms or 0)

    def _reach_back_ms(self, last: Extent) -> int:
        count = last.turns if last.turns is not None else last.sentences
        if count is not None:
            starts = self._starts(last)
            return starts[-count] if 0 < count <= len(starts) else (0 if count else self.length_ms + 1)
        if last.percent is not None:
            return self.last_word_ms - round((self.last_word_ms - self.first_word_ms) * last.percent / 100)
        return self.last_word_ms - (last.ms or 0)

    def _starts(self, reach: Extent) -> list[int]:
        """Return where the turns or sentences begin that an extent counts: everybody's, or those of its role."""
        counted: tuple[Turn, ...] | tuple[Segment, ...] = self.spoken if reach.turns is None else self.turns
        return [spoken.start_ms for spoken in counted if reach.role is None or spoken.role is reach.role]

    def _place_ms(self, place: Extent) -> int:
        share = place.percent
        at_ms = (place.ms or 0) if share is None else round(self.length_ms * share / 100)
        return self.length_ms - at_ms if place.from_end else at_ms


def _least(limit: int | None, other: int) -> int:
    return other if limit is None else min(limit, other)


def _start(segment: Segment) -> int:
    return segment.start_ms


def _stage(spoken: Iterable[Segment], words: Iterable[str], stages: Mapping[str, WordList]) -> str | None:
    """Return the stage whose words the customer says first; of several in an utterance, the first in the list."""
    for segment, text in zip(spoken, words, strict=True):
        if segment.role is Role.CUSTOMER:
            for name, list_ in stages.items():
                if _asserts(list_, text, segment.text):
                    return name
    return None


def _asserts(list_: WordList, text: str, written: str) -> bool:
    """Tell whether a word of a list is in a text and not denied there: 还没签收 says nothing of 签收."""
    return list_.find(text) is not None and any(
        begins_negated(match.said) or not is_negated(text, match.at, written) for match in list_.matches(text)
    )


class Condition(Protocol):
    """Something that may hold in a call, at any number of places."""

    __slots__ = ()

    @abstractmethod
    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return the places where it holds, in order of time."""
        ...

    def first(self, context: MatchContext) -> ConditionHit | None:
        """Return the first place only, which often takes less time."""
        return next(iter(self.find(context)), None)

    def is_judged(self, context: MatchContext) -> bool:
        """Tell whether it certainly does not hold where `find` returns nothing.

        Not where the call lacks what it looks at: emotions, acts, known speakers, a start. What is not certain is held
        against nobody: it is neither true nor false, alone, under `none` and `unless`, and however nested.
        """
        return True

    @property
    def names_topic(self) -> bool:
        """Tell whether its hits carry a topic, so that advice may name it."""
        ...


class LeafForm(Form):
    """How a condition without conditions inside is written. A new kind is a subclass, listed in `LEAVES`."""

    #: The keys that introduce the condition, as users write them.
    heads: ClassVar[tuple[str, ...]]
    #: Fields that may also be written beside the head: `silence: 2s` with `after: customer` below it.
    siblings: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def condition(self, head: str) -> Condition:
        """Make the condition that was written under `head`."""
