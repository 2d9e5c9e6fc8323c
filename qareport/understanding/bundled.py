"""The bundled reader: linear models over n-grams of characters, trained on the labelled calls of this project.

It needs no network and no GPU, and the same transcript always reads the same. `training/reader` makes its model;
`benchmarks/results/understanding.json` says how far it can be believed. A call is read with a handful of operations on
arrays: each costs more by being called than by what it computes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qareport.files import content_key
from qareport.model import Act, Emotion, Role, Segment, SpokenAct, TopicScore, Transcript
from qareport.settings import bundled_patterns, bundled_reader
from qareport.understanding import features
from qareport.understanding.evidence import GramPlaces, evidence
from qareport.understanding.features import CONTEXTS, Floats, Integers, Utterance
from qareport.understanding.patterns import NO_PATTERNS, Found, Patterns, load_patterns
from qareport.understanding.reader import BUNDLED
from qareport.understanding.reader_model import ROLES, ReaderModel, Weights, load_model
from qareport.understanding.second_look import (
    LOOKED_AT_TWICE,
    complains,
    look_again,
    margins_around,
    topics_together,
)

#: A sentence that does one of these with this probability asks nothing again: 好的 is no question, however often one
#: was asked before it.
_NO_QUESTIONS, _SURE = (Act.ACCEPT, Act.THANK, Act.SMALL), 0.6
_NEUTRAL = (None, Emotion.NEUTRAL, Emotion.EMO_UNKNOWN, Emotion.OTHER)


@dataclass(frozen=True, slots=True)
class _Encoded:
    """The sentences of a call as arrays."""

    sentences: Sequence[Utterance]
    #: Of each sentence, the number of its role in `ROLES`.
    roles: Integers
    #: The known n-grams: the sentence and the number of each, and where they stand.
    owners: Integers
    grams: Integers
    places: GramPlaces

    @property
    def customers(self) -> npt.NDArray[np.bool_]:
        customers: npt.NDArray[np.bool_] = self.roles == ROLES.index(Role.CUSTOMER)
        return customers


@dataclass(frozen=True, slots=True)
class BundledReader:
    """Reads with a model of the package (or one that was trained anew) and the patterns that it was trained beside."""

    model: ReaderModel
    patterns: Patterns = NO_PATTERNS

    @classmethod
    def load(cls, path: Path | None = None) -> BundledReader:
        """Open the reader with the model of the package, or with another one."""
        return cls(load_model(path or bundled_reader()), load_patterns(bundled_patterns()))

    @property
    def key(self) -> str:
        """Hash of the model and of the patterns."""
        return content_key(self.model.key, self.patterns.key)

    def read(self, transcript: Transcript) -> Transcript:
        """Claim the acts of each sentence and the topics of the call.

        A transcript that brings acts of its own is left as it is.
        """
        if any(segment.acts for segment in transcript.segments):
            return transcript
        places = [
            place for place, segment in enumerate(transcript.segments) if segment.role in ROLES and segment.text.strip()
        ]
        if not places:
            return transcript
        order = sorted(places, key=lambda place: transcript.segments[place].start_ms)
        encoded = self._encode([Utterance.of(transcript.segments[place]) for place in order])
        margins, topic_margins, found = self._margins(encoded)
        segments = list(transcript.segments)
        for index, acts in self._claims(encoded, margins, found, [segments[place] for place in order]).items():
            segments[order[index]] = replace(segments[order[index]], acts=tuple(acts))
        topics = self._topics(topics_together(topic_margins, encoded.customers))
        return replace(transcript, segments=tuple(segments), topics=topics)

    def margins(self, sentences: Sequence[Utterance]) -> tuple[list[Floats], Floats]:
        """Return, before they are probabilities, the scores of each act of each sentence's role, and of each topic."""
        encoded = self._encode(sentences)
        margins, topics, _ = self._margins(encoded)
        return self._rows(encoded, margins), topics

    def _rows(self, encoded: _Encoded, margins: Floats) -> list[Floats]:
        """Return the acts of its role for each sentence."""
        sizes = [len(self.model.acts[role]) for role in ROLES]
        return [row[: sizes[role]] for row, role in zip(margins, encoded.roles.tolist(), strict=True)]

    def _encode(self, sentences: Sequence[Utterance]) -> _Encoded:
        texts = [sentence.text for sentence in sentences]
        keys, owners, sizes, offsets = features.grams_of(texts)
        grams = self.model.vocabulary.find(keys)
        places = GramPlaces.of(texts, grams, owners, sizes, offsets)
        customer, agent = map(ROLES.index, (Role.CUSTOMER, Role.AGENT))
        roles = np.array([customer if sentence.is_customer else agent for sentence in sentences], dtype=np.int64)
        return _Encoded(sentences, roles, *features.distinct(owners, grams), places)

    def _margins(self, encoded: _Encoded) -> tuple[Floats, Floats, list[Found]]:
        """Return the margins of acts, of the shape (sentences, acts), those of topics, and what patterns find."""
        model, roles, count = self.model, encoded.roles, len(encoded.roles)
        numbers = features.numbers_of(encoded.sentences)
        rows = encoded.grams + (roles * len(model.vocabulary.keys))[encoded.owners]
        sums, sizes = _sums(model.own, rows, encoded.owners, count)
        margins = sums * features.own_scale(sizes)[:, None]
        margins += self._context(encoded)
        margins += np.matmul(numbers[:, None], model.numbers[roles])[:, 0] + model.bias[roles]
        return margins, self._topic_margins(encoded), self._look_again(encoded, margins, numbers)

    def _context(self, encoded: _Encoded) -> Floats:
        """Return what the sentences around add to each, of the shape (sentences, acts)."""
        count, near = len(encoded.roles), encoded.grams < self.model.near
        owners = encoded.owners[near]
        rows = encoded.grams[near] + (encoded.roles * self.model.near)[owners]
        sums, sizes = _sums(self.model.around, rows, owners, count)
        # Sums over all sentences before each: what a stretch of sentences adds is the difference of two of them.
        sums_before = np.zeros((count + 1, len(CONTEXTS), sums.shape[1] // len(CONTEXTS)))
        np.cumsum(sums.reshape(count, *sums_before.shape[1:]), axis=0, dtype=np.float64, out=sums_before[1:])
        sizes_before = np.concatenate(([0.0], np.cumsum(sizes)))
        added = np.zeros((count, sums_before.shape[2]), dtype=np.float32)
        around = features.neighbours(encoded.customers)
        for number, name in enumerate(CONTEXTS):
            first, end = around[name]
            scale = features.context_scale(name, sizes_before[end] - sizes_before[first])
            added += (sums_before[end, number] - sums_before[first, number]) * scale[:, None]
        return added

    def _look_again(self, encoded: _Encoded, margins: Floats, numbers: Floats) -> list[Found]:
        """Replace the margins of the acts that are looked at twice; return what patterns find."""
        rows, customers = self._rows(encoded, margins), encoded.customers
        found = self.patterns.find_all(encoded.sentences, complains(rows, customers))
        around = margins_around(rows, customers, numbers, found)
        for role, (own, places) in around.items():
            columns = [self.model.acts[role].index(act) for act in LOOKED_AT_TWICE[role]]
            margins[places[:, None], columns] = look_again(own, self.model.second[role], self.model.trees[role])
        return found

    def _topic_margins(self, encoded: _Encoded) -> Floats:
        near = encoded.grams < self.model.near
        owners, grams = encoded.owners[near], encoded.grams[near]
        margins = self.model.topic_bias.copy()
        for name, chosen in features.topic_parts(encoded.customers).items():
            is_held = np.zeros(self.model.near, dtype=np.bool_)
            is_held[grams[chosen[owners]]] = True
            held = np.flatnonzero(is_held)
            sums = self.model.topic_weights[name].take(held).sum(axis=0)
            margins += sums * features.topic_scale(name, len(held))
        return margins

    def _claims(
        self, encoded: _Encoded, margins: Floats, found: Sequence[Found], segments: Sequence[Segment]
    ) -> dict[int, list[SpokenAct]]:
        """Return what sentences do, the surest first, by their places; those that do nothing are left out."""
        model, roles, tone = self.model, encoded.roles, tone_of(encoded.sentences)
        scores = _probability(margins * model.slope[roles] + model.offsets[tone][roles])
        claimed = scores >= model.thresholds[tone][roles]
        names = model.acts[Role.CUSTOMER]
        asks_nothing = (scores[:, [names.index(act) for act in _NO_QUESTIONS]] >= _SURE).any(axis=1)
        claimed[asks_nothing & encoded.customers, names.index(Act.ASK_AGAIN)] = False
        owners, columns = np.nonzero(claimed)
        order = np.lexsort((-scores[owners, columns], owners))
        owners, columns = owners[order], columns[order]
        firsts = (roles * len(model.vocabulary.keys))[owners]
        letters = encoded.places.letters(model.own, firsts, owners, columns)
        claims = (owners.tolist(), columns.tolist(), scores[owners, columns].tolist(), letters)
        done: dict[int, list[SpokenAct]] = {}
        for index, column, score, weights in zip(*claims, strict=True):
            segment, acts = segments[index], done.setdefault(index, [])
            act = model.acts[segment.role][column]
            if act is Act.ANSWER and any(other.act is Act.EVADE for other in acts):
                # Few sentences do both (labels: 224 of 1,448 evasions): the surer of the two is claimed.
                continue
            words = _shown(found[index], act, segment.text) or evidence(
                segment.text, encoded.sentences[index].text, weights
            )
            acts.append(SpokenAct(act=act, score=round(score, 3), reader=BUNDLED, words=words))
        return done

    def _topics(self, together: Floats) -> tuple[TopicScore, ...]:
        second = self.model.topic_second
        scores = _probability(together @ second[:-1] + second[-1])
        claimed = [index for index in np.argsort(-scores) if scores[index] >= self.model.topic_threshold[index]]
        return tuple(
            TopicScore(name=self.model.topics[index], score=round(float(scores[index]), 3), reader=BUNDLED)
            for index in claimed
        )


def _shown(found: Found, act: Act, text: str) -> tuple[str, ...]:
    """Return the words in which the surest pattern finds the act: plain form keeps the place of each letter."""
    own = [(pattern.score, match) for pattern, match in found if pattern.act is act and pattern.score is not None]
    if not own:
        return ()
    _, match = max(own, key=lambda pair: pair[0])
    return (text[match.start() : match.end()],)


def tone_of(sentences: Sequence[Utterance]) -> int:
    """Tell how a call sounds: 0 where nothing but a neutral voice was heard, 1 where more was, 2 where nothing was."""
    if any(sentence.laughs or sentence.emotion not in _NEUTRAL for sentence in sentences):
        return 1
    return 0 if any(sentence.emotion is not None for sentence in sentences) else 2


def _probability(margins: Floats) -> Floats:
    return (1 / (1 + np.exp(-np.clip(margins, -30, 30)))).astype(np.float32)


def _sums(weights: Weights, rows: Integers, owners: Integers, count: int) -> tuple[Floats, Floats]:
    """Add the rows of weights of each sentence's n-grams, and count them; `owners` ascend."""
    sizes = np.bincount(owners, minlength=count)
    sums = np.zeros((count, weights.numbers.shape[1]), dtype=np.float32)
    some = np.flatnonzero(sizes)
    if len(some):
        sums[some] = np.add.reduceat(weights.take(rows), (np.cumsum(sizes) - sizes)[some], axis=0)
    return sums, sizes.astype(np.float32)
