"""What rules look at in a call (`MatchContext`), what a condition is (`Condition`), what it finds (`ConditionHit`)."""

from __future__ import annotations

import dataclasses
import itertools
from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Protocol

from qareport.model import Act, Analysis, Evidence, Role, Segment, SpokenAct, Transcript
from qareport.rules.schema_types import Extent, Form
from qareport.text.pinyin import sound
from qareport.text.wordlist import WordList, letter_pairs, normalise

#: The quote of a pause, which has no words. What was measured, not said, is quoted in square brackets.
SILENCE_QUOTE = "[SILENCE]"


class SearchTerms:
    """Words to search complete calls for, indexed by their first two letters, because most words are in no call."""

    def __init__(self, words: Iterable[str]) -> None:
        """Sort the words by how they start; they are normalised and not empty."""
        self.by_start: dict[str, tuple[str, ...]] = {}
        for word in dict.fromkeys(words):
            self.by_start[word[:2]] = (*self.by_start.get(word[:2], ()), word)
        self.starts = frozenset(self.by_start)


class RoleSpeech:
    """Everything that a role says in a call, an utterance a line, for a quick search of the whole call."""

    def __init__(self, segments: tuple[Segment, ...], words: tuple[str, ...]) -> None:
        """Join the lines."""
        self.segments = segments
        self.words = words
        self.text = "\n".join(words)
        #: Where each line begins.
        self.starts = [0, *itertools.accumulate(len(line) + 1 for line in words[:-1])] if words else []

        self._acts: dict[Act, list[tuple[int, Segment, SpokenAct]]] | None = None
        self._hits_of: dict[Act, list[tuple[int, ConditionHit]]] = {}
        self._pairs = letter_pairs(self.text)
        self._sounds: str | None = None
        self._sound_pairs: frozenset[str] = frozenset()

    @property
    def acts(self) -> Mapping[Act, list[tuple[int, Segment, SpokenAct]]]:
        """Return where each act was heard: the number of the line, the utterance and the claim, in their order."""
        if self._acts is None:
            self._acts = {}
            for line, segment in enumerate(self.segments):
                for spoken in segment.acts:
                    self._acts.setdefault(spoken.act, []).append((line, segment, spoken))
        return self._acts

    def hits_of(self, act: Act) -> list[tuple[int, ConditionHit]]:
        """Return the hits of an act, each with the number of its line; made once, because many rules ask for them."""
        if act not in self._hits_of:
            places = self.acts.get(act, ())
            self._hits_of[act] = [(line, uttered(segment, act=spoken)) for line, segment, spoken in places]
        return self._hits_of[act]

    def line_of(self, place: int) -> int:
        """Return the number of the line that holds a place of the text."""
        return bisect_right(self.starts, place) - 1

    def lines_with(self, words: SearchTerms) -> set[int]:
        """Return the numbers of the lines that hold any of some normalised words."""
        return self._lines(words, self.text, self._pairs)

    def lines_sounding(self, sounds: SearchTerms) -> set[int]:
        """Return the numbers of the lines that hold any of some sounds."""
        if self._sounds is None:
            self._sounds = sound(self.text)
            self._sound_pairs = letter_pairs(self._sounds)
        return self._lines(sounds, self._sounds, self._sound_pairs)

    def _lines(self, sought: SearchTerms, text: str, pairs: frozenset[str]) -> set[int]:
        lines: set[int] = set()
        for start in sought.starts & pairs:
            for word in sought.by_start[start]:
                lines.update(self._search(word, text))
        return lines

    def _search(self, word: str, text: str) -> Iterator[int]:
        place = text.find(word)
        while place >= 0:
            line = self.line_of(place)
            yield line
            place = text.find(word, self.starts[line + 1]) if line + 1 < len(self.starts) else -1


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchContext:
    """An analysed call. Only what starts in `from_ms` … `to_ms` is found; None sets no limit."""

    transcript: Transcript
    analysis: Analysis
    #: Segments with words, ordered by start, and their text as keywords are compared.
    spoken: tuple[Segment, ...]
    words: tuple[str, ...]
    #: Start of the first word and end of the last.
    first_word_ms: int
    last_word_ms: int
    #: When the earlier calls of the order began; None: not known.
    earlier: tuple[datetime, ...] | None = None
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
    ) -> MatchContext:
        """Build the context of a whole call.

        Args:
            transcript: the call.
            analysis: of that transcript.
            earlier: when the earlier calls of the order began; None: not known.
            stages: the words that tell the stage of an order.
            words: the normalised text of the utterances with words, in their order; None: computed.
        """
        spoken = tuple(sorted((s for s in transcript.segments if s.text.strip()), key=lambda s: s.start_ms))
        if words is None:
            words = tuple(normalise(segment.text) for segment in spoken)
        return cls(
            transcript=transcript,
            analysis=analysis,
            spoken=spoken,
            words=words,
            first_word_ms=spoken[0].start_ms if spoken else 0,
            last_word_ms=max((segment.end_ms for segment in spoken), default=0),
            earlier=earlier,
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
            pairs = [pair for pair in zip(self.spoken, self.words, strict=True) if role is None or pair[0].role is role]
            self._speech[role] = RoleSpeech(tuple(segment for segment, _ in pairs), tuple(words for _, words in pairs))
        return self._speech[role]

    def hears(self, role: Role | None) -> bool:
        """Tell whether a role is known to speak, or known to be silent because every speaker is known."""
        return bool(self.speech(role).segments) or not self.speech(Role.UNKNOWN).segments

    def turns(self) -> list[Segment]:
        """Return the first segment of each turn: consecutive utterances of one role."""
        return [next(group) for _, group in itertools.groupby(self.spoken, key=lambda segment: segment.role)]

    def near(self, from_ms: int, to_ms: int, gap: Extent) -> bool:
        """Tell whether what starts at `to_ms` comes within a gap after `from_ms`, the end or start of what was before.

        Sentences are counted by their starts: the utterance that begins next is 1 away.
        """
        if gap.ms is not None:
            return to_ms - from_ms <= gap.ms
        return self.sentence_at(to_ms) - self.sentence_at(from_ms) <= (gap.sentences or 0)

    def sentence_at(self, at_ms: int) -> int:
        """Return the number of the utterance that began last at this time."""
        return bisect_right(self.spoken, at_ms, key=_start)

    def _reach_ms(self, first: Extent) -> int:
        if first.turns is not None or first.sentences is not None:
            starts = self._starts(of_turns=first.turns is not None)
            count = first.turns if first.turns is not None else first.sentences or 0
            return starts[count] - 1 if count < len(starts) else self.length_ms
        if first.percent is not None:
            return self.first_word_ms + round((self.last_word_ms - self.first_word_ms) * first.percent / 100)
        return self.first_word_ms + (first.ms or 0)

    def _reach_back_ms(self, last: Extent) -> int:
        if last.turns is not None or last.sentences is not None:
            starts = self._starts(of_turns=last.turns is not None)
            count = last.turns if last.turns is not None else last.sentences or 0
            return starts[-count] if 0 < count <= len(starts) else (0 if count else self.length_ms + 1)
        if last.percent is not None:
            return self.last_word_ms - round((self.last_word_ms - self.first_word_ms) * last.percent / 100)
        return self.last_word_ms - (last.ms or 0)

    def _starts(self, *, of_turns: bool) -> list[int]:
        return [segment.start_ms for segment in (self.turns() if of_turns else self.spoken)]

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
                if list_.find(text) is not None:
                    return name
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionHit:
    """A place where a condition holds. Without evidence it means that something did not happen until `at_ms`."""

    at_ms: int
    evidence: tuple[Evidence, ...] = ()
    #: The keyword or the topic's word that was found.
    topic: str | None = None
    #: Length of the pause, emotion, interruption or moment that was found.
    span_ms: int | None = None
    #: What a reader heard there.
    act: SpokenAct | None = None

    @property
    def end_ms(self) -> int:
        """Return when the last evidence ends."""
        if len(self.evidence) == 1:
            return self.evidence[0].end_ms
        return max((evidence.end_ms for evidence in self.evidence), default=self.at_ms)


def join(hits: list[ConditionHit]) -> ConditionHit:
    """Join hits that belong together into a single one: evidence by time, the first topic, the longest span."""
    parts = (evidence for hit in hits for evidence in hit.evidence)
    evidence = sorted(parts, key=lambda part: (part.at_ms, part.end_ms))
    return ConditionHit(
        at_ms=evidence[0].at_ms if evidence else max(hit.at_ms for hit in hits),
        evidence=tuple(dict.fromkeys(evidence)),
        topic=next((hit.topic for hit in hits if hit.topic is not None), None),
        span_ms=max((hit.span_ms for hit in hits if hit.span_ms is not None), default=None),
    )


def uttered(
    segment: Segment, *, topic: str | None = None, fuzzy: bool = False, act: SpokenAct | None = None
) -> ConditionHit:
    """Make the hit of an utterance."""
    evidence = Evidence(
        at_ms=segment.start_ms, end_ms=segment.end_ms, role=segment.role, quote=segment.text, fuzzy=fuzzy
    )
    return ConditionHit(at_ms=segment.start_ms, evidence=(evidence,), topic=topic, act=act)


def measured(context: MatchContext, what: str, role: Role | None = None) -> ConditionHit:
    """Make the hit of something measured over the whole call: certain only at its end; its quote is in brackets."""
    at_ms = context.end_ms
    return ConditionHit(
        at_ms=at_ms,
        evidence=(Evidence(at_ms=at_ms, end_ms=at_ms, role=role or Role.UNKNOWN, quote=f"[{what}]"),),
        span_ms=0,
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
        """Tell whether the call has what the condition looks at: nobody is blamed for what was not heard."""
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
