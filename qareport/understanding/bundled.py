"""The bundled reader: linear models over n-grams of characters, trained on the labelled calls of this project.

It needs no network and no GPU, and the same transcript always reads the same. `training/reader` makes its model;
`benchmarks/results/understanding.json` says how far it can be believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qareport.files import content_key
from qareport.model import Act, Role, Segment, SpokenAct, TopicScore, Transcript
from qareport.settings import bundled_reader
from qareport.understanding import features
from qareport.understanding.features import CONTEXTS, FORM, Floats, Integers, Utterance, Vocabulary
from qareport.understanding.reader import BUNDLED

#: The two roles that speak, as the arrays of a model name them.
ROLES = (Role.CUSTOMER, Role.AGENT)
#: An n-gram is shown as evidence when it adds this share of what the strongest stretch adds.
_SHOWN = 0.25
_LONGEST_EVIDENCE = 24


@dataclass(frozen=True, slots=True)
class RoleModel:
    """What decides the acts of one role. Rows of weights are n-grams, columns acts."""

    acts: tuple[Act, ...]
    own: Floats
    contexts: dict[str, Floats]
    numbers: Floats
    bias: Floats
    #: Slope and offset that make a margin a probability, and the least probability that is claimed, for each act.
    slope: Floats
    offset: Floats
    threshold: Floats


@dataclass(frozen=True, slots=True)
class ReaderModel:
    """The arrays of `reader.npz`."""

    vocabulary: Vocabulary
    roles: dict[Role, RoleModel]
    topics: tuple[str, ...]
    #: Of the shape (n-grams, topics): of what the customer says, of the first sentences of it, of what the agent says.
    topic_weights: dict[str, Floats]
    topic_bias: Floats
    topic_threshold: Floats
    key: str

    @classmethod
    def load(cls, path: Path) -> ReaderModel:
        """Read a model file.

        Raises:
            ValueError: it was made for other features than this version computes.
        """
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        if int(arrays["form"]) != FORM:
            raise ValueError(f"{path}: made for form {int(arrays['form'])} of the features, this version has {FORM}")
        return cls(
            vocabulary=Vocabulary(arrays["keys"], arrays["ranks"]),
            roles={role: _role_model(arrays, role) for role in ROLES},
            topics=tuple(arrays["topics"].tolist()),
            topic_weights={name: _weights(arrays, f"topic_{name}") for name in features.TOPIC_PARTS},
            topic_bias=arrays["topic_bias"],
            topic_threshold=arrays["topic_threshold"],
            key=content_key(path.read_bytes().hex()),
        )


def _weights(arrays: dict[str, Any], name: str) -> Floats:
    """Return weights that were stored as whole numbers with a scale for each column."""
    weights: Floats = arrays[name].astype(np.float32) * arrays[f"{name}_scale"]
    return weights


def _role_model(arrays: dict[str, Any], role: Role) -> RoleModel:
    return RoleModel(
        acts=tuple(map(Act, arrays[f"{role}_acts"].tolist())),
        own=_weights(arrays, f"{role}_own"),
        contexts={name: _weights(arrays, f"{role}_{name}") for name in CONTEXTS},
        numbers=arrays[f"{role}_numbers"],
        bias=arrays[f"{role}_bias"],
        slope=arrays[f"{role}_slope"],
        offset=arrays[f"{role}_offset"],
        threshold=arrays[f"{role}_threshold"],
    )


@cache
def load_model(path: Path) -> ReaderModel:
    """Load a model once for the process."""
    return ReaderModel.load(path)


@dataclass(frozen=True, slots=True)
class BundledReader:
    """Reads with a model of the package (or one that was trained anew)."""

    model: ReaderModel

    @classmethod
    def load(cls, path: Path | None = None) -> BundledReader:
        """Open the reader with the model of the package, or with another one."""
        return cls(load_model(path or bundled_reader()))

    @property
    def key(self) -> str:
        """Hash of the model."""
        return self.model.key

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
        sentences = [Utterance.of(transcript.segments[place]) for place in order]
        scores, topic_scores = self.score(sentences)
        segments = list(transcript.segments)
        for place, sentence, row in zip(order, sentences, scores, strict=True):
            acts = self._claims(segments[place], sentence, row)
            if acts:
                segments[place] = replace(segments[place], acts=acts)
        return replace(transcript, segments=tuple(segments), topics=self._topics(topic_scores))

    def score(self, sentences: Sequence[Utterance]) -> tuple[list[Floats], Floats]:
        """Return the probability of each act of each sentence's role, and of each topic."""
        margins, topics = self.margins(sentences)
        scores = []
        for sentence, row in zip(sentences, margins, strict=True):
            model = self.model.roles[Role.CUSTOMER if sentence.is_customer else Role.AGENT]
            scores.append(_probability(row * model.slope + model.offset))
        return scores, _probability(topics)

    def margins(self, sentences: Sequence[Utterance]) -> tuple[list[Floats], Floats]:
        """Return what the linear models say, before it becomes a probability."""
        owners, grams = self.model.vocabulary.encode([sentence.text for sentence in sentences])
        numbers = features.numbers_of(sentences)
        customers = np.array([sentence.is_customer for sentence in sentences])
        around = features.neighbours([sentence.is_customer for sentence in sentences])
        margins: list[Floats] = [np.zeros(0, dtype=np.float32)] * len(sentences)
        for role in ROLES:
            model = self.model.roles[role]
            own = np.flatnonzero(customers == (role is Role.CUSTOMER))
            if not len(own):
                continue
            table = _sums(model.own, owners, grams, len(sentences))
            table *= features.own_scale(_counts(owners, len(sentences)))[:, None]
            total = table + numbers @ model.numbers + model.bias
            for name in CONTEXTS:
                total += self._context(model.contexts[name], name, owners, grams, len(sentences), around)
            for index in own:
                margins[index] = total[index]
        return margins, self._topic_margins(owners, grams, customers)

    def _context(
        self,
        weights: Floats,
        name: str,
        owners: Integers,
        grams: Integers,
        count: int,
        around: dict[str, tuple[list[int], list[int]]],
    ) -> Floats:
        """Return what a context adds to each sentence, of the shape (sentences, acts)."""
        near = grams < len(weights)
        sums = _sums(weights, owners[near], grams[near], count)
        counts = _counts(owners[near], count)
        targets, others = around[name]
        added = np.zeros_like(sums)
        np.add.at(added, targets, sums[others])
        sizes = np.zeros(count, dtype=np.float32)
        np.add.at(sizes, targets, counts[others])
        scaled: Floats = added * features.context_scale(name, sizes)[:, None]
        return scaled

    def _topic_margins(self, owners: Integers, grams: Integers, customers: npt.NDArray[np.bool_]) -> Floats:
        margins = self.model.topic_bias.copy()
        for name, chosen in features.topic_parts(customers).items():
            weights = self.model.topic_weights[name]
            mask = chosen[owners] & (grams < len(weights))
            held = np.unique(grams[mask])
            if len(held):
                margins += weights[held].sum(axis=0) * features.topic_scale(name, len(held))
        return margins

    def _claims(self, segment: Segment, sentence: Utterance, scores: Floats) -> tuple[SpokenAct, ...]:
        model = self.model.roles[segment.role]
        claimed = sorted(np.flatnonzero(scores >= model.threshold), key=lambda column: -float(scores[column]))
        acts = [model.acts[column] for column in claimed]
        if Act.EVADE in acts and Act.ANSWER in acts[acts.index(Act.EVADE) :]:
            # Few sentences do both (labels: 224 of 1,448 evasions): the surer of the two is claimed.
            claimed = [column for column in claimed if model.acts[column] is not Act.ANSWER]
        return tuple(
            SpokenAct(
                act=model.acts[column],
                score=round(float(scores[column]), 3),
                reader=BUNDLED,
                words=self._evidence(segment.text, sentence.text, model.own[:, column]),
            )
            for column in claimed
        )

    def _evidence(self, text: str, normal: str, weights: Floats) -> tuple[str, ...]:
        """Find the stretch of a sentence whose n-grams weigh most for an act, as it stands in the text."""
        keys, _, sizes, offsets = features.grams_of([normal])
        vocabulary = self.model.vocabulary
        places = np.minimum(np.searchsorted(vocabulary.keys, keys), len(vocabulary.keys) - 1)
        known = np.flatnonzero(vocabulary.keys[places] == keys)
        letters = np.zeros(len(normal) + 2, dtype=np.float32)
        for index in known:
            share = weights[vocabulary.ranks[places[index]]] / sizes[index]
            letters[offsets[index] : offsets[index] + sizes[index]] += share
        found = _strongest(letters[1:-1])
        if found is None:
            return ()
        words = normal[found[0] : found[1]].strip()
        return (words,) if words and words in text.lower() else ()

    def _topics(self, scores: Floats) -> tuple[TopicScore, ...]:
        claimed = [index for index in np.argsort(-scores) if scores[index] >= self.model.topic_threshold[index]]
        return tuple(
            TopicScore(name=self.model.topics[index], score=round(float(scores[index]), 3), reader=BUNDLED)
            for index in claimed
        )


def _probability(margins: Floats) -> Floats:
    return (1 / (1 + np.exp(-np.clip(margins, -30, 30)))).astype(np.float32)


def _sums(weights: Floats, owners: Integers, grams: Integers, count: int) -> Floats:
    """Add the rows of each sentence's n-grams; `owners` ascend."""
    sums = np.zeros((count, weights.shape[1]), dtype=np.float32)
    if len(owners):
        starts = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]])
        sums[owners[starts]] = np.add.reduceat(weights[grams], starts, axis=0)
    return sums


def _counts(owners: Integers, count: int) -> Floats:
    return np.bincount(owners, minlength=count).astype(np.float32)


def _strongest(letters: Floats) -> tuple[int, int] | None:
    """Return the stretch with the largest sum above a share of the highest letter (Kadane's algorithm)."""
    if not len(letters) or letters.max() <= 0:
        return None
    level = _SHOWN * float(letters.max())
    best, best_sum, start, running = (0, 0), 0.0, 0, 0.0
    for place, value in enumerate(letters):
        running += float(value) - level
        if running <= 0:
            start, running = place + 1, 0.0
        elif running > best_sum and place + 1 - start <= _LONGEST_EVIDENCE:
            best, best_sum = (start, place + 1), running
    return best if best_sum > 0 else None
