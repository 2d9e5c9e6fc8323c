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
from qareport.model import Act, Emotion, Role, Segment, SpokenAct, TopicScore, Transcript
from qareport.settings import bundled_reader
from qareport.understanding import features
from qareport.understanding.features import CONTEXTS, FORM, Floats, Integers, Utterance, Vocabulary
from qareport.understanding.reader import BUNDLED
from qareport.understanding.second_look import LOOKED_AT_TWICE, margins_around

#: The two roles that speak, as the arrays of a model name them.
ROLES = (Role.CUSTOMER, Role.AGENT)
#: An n-gram is shown as evidence when it adds this share of what the strongest stretch adds.
_SHOWN = 0.25
_LONGEST_EVIDENCE = 24
#: Acts that are not claimed where the sentence does one of the others with this probability: they rest on context, and
#: 好的 is no question, however often one was asked before it.
_CONTRADICTED = (
    (Act.EVADE, (Act.ANSWER,), 0.4),
    (Act.ASK_AGAIN, (Act.ACCEPT, Act.THANK, Act.SMALL), 0.6),
)
_NEUTRAL = (None, Emotion.NEUTRAL, Emotion.EMO_UNKNOWN, Emotion.OTHER)


@dataclass(frozen=True, slots=True)
class RoleModel:
    """What decides the acts of one role. Rows of weights are n-grams, columns acts."""

    acts: tuple[Act, ...]
    own: Floats
    contexts: dict[str, Floats]
    numbers: Floats
    bias: Floats
    #: Slope and offsets that make a margin a probability, and the least probabilities that are claimed, for each act;
    #: the first row of offsets and thresholds is for calls in which nothing but a neutral voice was heard.
    slope: Floats
    offsets: Floats
    thresholds: Floats


@dataclass(frozen=True, slots=True)
class ReaderModel:
    """The arrays of `reader.npz`."""

    vocabulary: Vocabulary
    roles: dict[Role, RoleModel]
    #: Weights and bias of the second look, of the shape (margins and numbers + 1, acts of `LOOKED_AT_TWICE`).
    second: Floats
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
            second=arrays["second"],
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
        offsets=arrays[f"{role}_offsets"],
        thresholds=arrays[f"{role}_thresholds"],
    )


@cache
def load_model(path: Path) -> ReaderModel:
    """Load a model once for the process."""
    return ReaderModel.load(path)


@dataclass(frozen=True, slots=True)
class _Grams:
    """The known n-grams of a sentence: their numbers, where each begins in `^…$`, and its length."""

    ranks: npt.NDArray[np.int32]
    offsets: Integers
    sizes: Integers

    def spread(self, weights: Floats, length: int) -> Floats:
        """Share the weights of the n-grams, of the shape (n-grams, acts), out over the letters of the sentence."""
        shares = weights / self.sizes[:, None]
        changes = np.zeros((length + 3, weights.shape[1]))
        np.add.at(changes, self.offsets, shares)
        np.subtract.at(changes, self.offsets + self.sizes, shares)
        letters: Floats = np.cumsum(changes, axis=0)[1 : length + 1].astype(np.float32)
        return letters


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
        thresholds = {role: model.thresholds[int(is_moved(sentences))] for role, model in self.model.roles.items()}
        segments = list(transcript.segments)
        for place, sentence, row, grams in zip(order, sentences, scores, self._find_grams(sentences), strict=True):
            claimed = np.flatnonzero(row >= thresholds[segments[place].role])
            acts = self._claims(segments[place], sentence, row, claimed, grams) if len(claimed) else ()
            if acts:
                segments[place] = replace(segments[place], acts=acts)
        return replace(transcript, segments=tuple(segments), topics=self._topics(topic_scores))

    def score(self, sentences: Sequence[Utterance]) -> tuple[list[Floats], Floats]:
        """Return the probability of each act of each sentence's role, and of each topic."""
        margins, topics = self.margins(sentences)
        tone = int(is_moved(sentences))
        scores = []
        for sentence, row in zip(sentences, margins, strict=True):
            model = self.model.roles[Role.CUSTOMER if sentence.is_customer else Role.AGENT]
            scores.append(_probability(row * model.slope + model.offsets[tone]))
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
        self._look_again(margins, customers, numbers)
        return margins, self._topic_margins(owners, grams, customers)

    def _look_again(self, margins: list[Floats], customers: npt.NDArray[np.bool_], numbers: Floats) -> None:
        """Replace the margins of the acts that are looked at twice."""
        around, places = margins_around(margins, customers.tolist(), numbers)
        if len(places):
            columns = [self.model.roles[Role.CUSTOMER].acts.index(act) for act in LOOKED_AT_TWICE]
            better = around @ self.model.second[:-1] + self.model.second[-1]
            for place, row in zip(places, better, strict=True):
                margins[place][columns] = row

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

    def _claims(
        self, segment: Segment, sentence: Utterance, scores: Floats, claimed: Integers, grams: _Grams
    ) -> tuple[SpokenAct, ...]:
        model = self.model.roles[segment.role]
        claimed = claimed[np.argsort(-scores[claimed], kind="stable")]
        denied = {
            act for act, others, limit in _CONTRADICTED if _reaches(model, scores, others, limit) and act in model.acts
        }
        acts = [model.acts[column] for column in claimed]
        if Act.EVADE in acts and Act.EVADE not in denied and Act.ANSWER in acts[acts.index(Act.EVADE) :]:
            # Few sentences do both (labels: 224 of 1,448 evasions): the surer of the two is claimed.
            denied.add(Act.ANSWER)
        claimed = claimed[[act not in denied for act in acts]]
        letters = grams.spread(model.own[grams.ranks[:, None], claimed], len(sentence.text))
        return tuple(
            SpokenAct(
                act=model.acts[column],
                score=round(float(scores[column]), 3),
                reader=BUNDLED,
                words=_evidence(segment.text, sentence.text, letters[:, number]),
            )
            for number, column in enumerate(claimed.tolist())
        )

    def _find_grams(self, sentences: Sequence[Utterance]) -> list[_Grams]:
        """Find the known n-grams of each sentence, with their places."""
        keys, owners, sizes, offsets = features.grams_of([sentence.text for sentence in sentences])
        vocabulary = self.model.vocabulary
        places = np.minimum(np.searchsorted(vocabulary.keys, keys), len(vocabulary.keys) - 1)
        known = np.flatnonzero(vocabulary.keys[places] == keys)
        known = known[np.argsort(owners[known], kind="stable")]
        bounds = np.searchsorted(owners[known], np.arange(1, len(sentences)))
        return [_Grams(vocabulary.ranks[places[part]], offsets[part], sizes[part]) for part in np.split(known, bounds)]

    def _topics(self, scores: Floats) -> tuple[TopicScore, ...]:
        claimed = [index for index in np.argsort(-scores) if scores[index] >= self.model.topic_threshold[index]]
        return tuple(
            TopicScore(name=self.model.topics[index], score=round(float(scores[index]), 3), reader=BUNDLED)
            for index in claimed
        )


def _reaches(model: RoleModel, scores: Floats, acts: Sequence[Act], limit: float) -> bool:
    return any(act in model.acts and scores[model.acts.index(act)] >= limit for act in acts)


def is_moved(sentences: Sequence[Utterance]) -> bool:
    """Tell whether anything but a neutral voice was heard in a call."""
    return any(sentence.laughs or sentence.emotion not in _NEUTRAL for sentence in sentences)


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


def _evidence(text: str, normal: str, letters: Floats) -> tuple[str, ...]:
    """Return the stretch of a sentence whose letters weigh most for an act, as it stands in the text."""
    found = _strongest(letters)
    if found is None:
        return ()
    words = normal[found[0] : found[1]].strip()
    return (words,) if words and words in text.lower() else ()


def _strongest(letters: Floats) -> tuple[int, int] | None:
    """Return the stretch with the largest sum above a share of the highest letter (Kadane's algorithm)."""
    if not len(letters) or letters.max() <= 0:
        return None
    level = _SHOWN * float(letters.max())
    best, best_sum, start, running = (0, 0), 0.0, 0, 0.0
    for place, value in enumerate(letters.tolist()):
        running += value - level
        if running <= 0:
            start, running = place + 1, 0.0
        elif running > best_sum and place + 1 - start <= _LONGEST_EVIDENCE:
            best, best_sum = (start, place + 1), running
    return best if best_sum > 0 else None
