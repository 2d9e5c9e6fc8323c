"""Fit the linear models of the bundled reader, and see what they say of batches that they were not fitted on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from qareport.model import ACTS_OF, Act, Role
from qareport.understanding.features import NUMBERS, Vocabulary
from qareport.understanding.reader_model import ROLES
from training.reader.examples import REWRITTEN, UNKNOWN, YES, Example, sound_alikes, spoil
from training.reader.matrix import act_matrices, learn_vocabulary, topic_matrix

#: Inverse strength of the L2 penalty of acts, and of topics.
STRENGTH, TOPIC_STRENGTH = 25.0, 50.0
#: Likeness from which two calls are taken to have one source: read by eye, nearly all such pairs do.
ALIKE: Final = 0.24
#: Batches are divided into this many folds; those that were rewritten from the same dialogues stay together.
FOLDS = 4
SHARED_SOURCES: Final = (("L", "M", "N", "Q"),)
#: Exchanges were written around alarms: what depends on how a whole call goes is not learned from them.
NOT_FROM_EXCHANGES: Final = frozenset((Act.EVADE, Act.ASK_AGAIN))
#: Replies that accuse the agent depend on the question more than on their words: contrast makes these no better.
WITHOUT_CONTRAST: Final = frozenset((Act.EVADE, Act.BLAME, Act.RUDE))
SEED: Final = 20261129
#: An n-gram counts as seen this often more than it was; contrasts are kept within bounds, and 1 is a typical one.
_UNSEEN: Final = 0.5
_CONTRASTS: Final = (0.03, 8.0)
_TYPICAL_CONTRAST: Final = 1.5
#: What names of copies of calls whose emotions are not known end in.
DEAF: Final = "~"

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fitted:
    """Models of acts and topics: coefficients with the bias as last entry."""

    vocabulary: Vocabulary
    around: int
    acts: dict[tuple[Role, int], Doubles]
    topics: dict[str, Doubles]

    def act_margins(self, examples: Sequence[Example]) -> dict[Role, tuple[Doubles, npt.NDArray[np.int8], Doubles]]:
        """Return margins (rows, acts), labels of the same shape, and the index of the example of each row."""
        found = {}
        for role, (rows, labels, owners) in act_matrices(examples, self.vocabulary, self.around).items():
            weights = np.column_stack([self.acts[role, column] for column in range(len(ACTS_OF[role]))])
            found[role] = (rows @ weights[:-1] + weights[-1], labels, owners)
        return found

    def topic_margins(self, examples: Sequence[Example]) -> Doubles:
        """Return margins of the shape (examples, topics)."""
        weights = np.column_stack(list(self.topics.values()))
        margins: Doubles = topic_matrix(examples, self.vocabulary, self.around) @ weights[:-1] + weights[-1]
        return margins


def fit(calls: Sequence[Example], exchanges: Sequence[Example], topics: Sequence[str]) -> Fitted:
    """Fit all models, on what is given and on spoiled copies of it.

    Args:
        calls: whole calls, for acts and topics.
        exchanges: for acts alone.
        topics: names of the topics.
    """
    plain = [*calls, *exchanges]
    vocabulary, around = learn_vocabulary(plain)
    copies = list(spoil(plain, SEED, sound_alikes(plain)))
    everything = [*plain, *copies]
    of_exchange = np.array([example.batch.startswith("exchanges/") for example in everything])
    keys, jobs = [], []
    for role, (rows, labels, owners) in act_matrices(everything, vocabulary, around).items():
        for column, act in enumerate(ACTS_OF[role]):
            sure = labels[:, column] != UNKNOWN
            if act in NOT_FROM_EXCHANGES:
                sure &= ~of_exchange[owners]
            keys.append((role, column))
            counted = 0 if act in WITHOUT_CONTRAST else rows.shape[1] - len(NUMBERS)
            jobs.append(delayed(_fit_one)(rows[sure], labels[sure, column] == YES, STRENGTH, counted))
    spoken = [*calls, *(copy for copy in copies if not copy.batch.startswith("exchanges/"))]
    jobs += topic_jobs(spoken, topic_matrix(spoken, vocabulary, around), topics)
    fitted = Parallel(n_jobs=2, max_nbytes=None)(jobs)
    count = len(keys)
    return Fitted(
        vocabulary, around, dict(zip(keys, fitted[:count], strict=True)), dict(zip(topics, fitted[count:], strict=True))
    )


def topic_jobs(spoken: Sequence[Example], rows: sparse.csr_matrix, topics: Sequence[str]) -> list[Any]:
    """Return what is to be fitted for each topic: nothing is learned where it is optional or labellers differ."""
    jobs = []
    for topic in topics:
        sure = np.array([topic not in example.topics_optional | example.topics_doubted for example in spoken])
        named = np.array([topic in example.topics for example in spoken])
        jobs.append(delayed(_fit_one)(rows[sure], named[sure], TOPIC_STRENGTH, rows.shape[1]))
    return jobs


def _fit_one(rows: sparse.csr_matrix, labels: npt.NDArray[np.bool_], strength: float, counted: int) -> Doubles:
    """Fit one act or topic on features of which the first `counted` are n-grams."""
    scale = np.ones(rows.shape[1])
    scale[:counted] = contrast(rows, labels)[:counted]
    scaled = sparse.csr_matrix((rows.data * scale[rows.indices], rows.indices, rows.indptr), shape=rows.shape)
    model = LogisticRegression(C=strength, solver="liblinear", max_iter=100, tol=1e-2, random_state=0)
    model.fit(scaled, labels)
    return np.append(model.coef_[0] * scale, model.intercept_[0])


def contrast(rows: sparse.csr_matrix, labels: npt.NDArray[np.bool_]) -> Doubles:
    """Tell how far each n-gram sets what is labelled apart, before anything is fitted (Wang & Manning 2012).

    Features are scaled by it: the penalty then holds those back that say little, which matters where the act is rare.

    Returns:
        the log ratio of how often an n-gram is in labelled and in other rows, without its sign and within bounds, of
        the shape (n-grams,).
    """
    labelled = np.repeat(labels, np.diff(rows.indptr))
    found = [np.bincount(rows.indices[chosen], minlength=rows.shape[1]) for chosen in (labelled, ~labelled)]
    shares = [
        (counts + _UNSEEN) / (total + 2 * _UNSEEN)
        for counts, total in zip(found, (labels.sum(), (~labels).sum()), strict=True)
    ]
    ratios: Doubles = np.clip(np.abs(np.log(shares[0] / shares[1])), *_CONTRASTS) / _TYPICAL_CONTRAST
    return ratios


def folds(calls: Sequence[Example]) -> list[frozenset[str]]:
    """Divide the batches of calls so that each fold holds both kinds; what shares sources is in one fold.

    Batches that were written one after the other stay together: their writers are alike, and a model that has read
    some of them seems to know the others better than it will know a stranger.
    """
    together = {name: group[0] for group in SHARED_SOURCES for name in group}
    sizes = Counter(together.get(call.batch, call.batch) for call in calls)
    members: dict[str, list[str]] = {}
    for batch in sorted({call.batch for call in calls}, key=lambda name: (len(name), name)):
        members.setdefault(together.get(batch, batch), []).append(batch)
    divided: list[list[str]] = [[] for _ in range(FOLDS)]
    for are_rewritten in (False, True):
        firsts = [first for first in members if (first in REWRITTEN) == are_rewritten]
        whole, before = sum(sizes[first] for first in firsts), 0
        for first in firsts:
            divided[int((before + sizes[first] / 2) / whole * FOLDS)].extend(members[first])
            before += sizes[first]
    return [frozenset(names) for names in divided]


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Margins of examples by models that did not see their batches."""

    examples: tuple[Example, ...]
    #: By role: margins, labels, and the index of the example of each row.
    acts: dict[Role, tuple[Doubles, npt.NDArray[np.int8], npt.NDArray[np.int64]]]
    topics: Doubles

    def without_deaf(self) -> OutOfFold:
        """Leave out the copies whose emotions are not known, and acts: topics have nothing to do with emotions."""
        heard = [place for place, example in enumerate(self.examples) if not example.name.endswith(DEAF)]
        return OutOfFold(tuple(self.examples[place] for place in heard), {}, self.topics[heard])


def likeness(calls: Sequence[Example]) -> sparse.csr_matrix:
    """Tell which calls are alike: nearly all pairs that are were rewritten from one dialogue.

    Returns:
        whether the cosine of two calls' pairs of characters, weighted by rarity, is `ALIKE` or more: (calls, calls).
    """
    words = ["".join(sentence.text for sentence in call.sentences) for call in calls]
    rows = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True, min_df=2).fit_transform(words)
    return sparse.csr_matrix(rows @ rows.T) >= ALIKE


def deaf(call: Example) -> Example:
    """Copy a call as it is where neither emotions nor times are known."""
    unheard = tuple(replace(sentence, emotion=None, laughs=False) for sentence in call.sentences)
    return replace(call, name=f"{call.name}{DEAF}", sentences=unheard)


def out_of_fold(calls: Sequence[Example], exchanges: Sequence[Example], topics: Sequence[str]) -> OutOfFold:
    """Fit once for each fold and predict it, with emotions and without. What is like one of its calls is not learned.

    Each fit is like that of the whole, copies and all: without them margins lie elsewhere, and so would thresholds.
    """
    alike = likeness(calls)
    seen: list[Example] = []
    margins: dict[Role, list[tuple[Doubles, npt.NDArray[np.int8], npt.NDArray[np.int64]]]] = {
        role: [] for role in ROLES
    }
    named = []
    for names in folds(calls):
        is_left = np.array([call.batch in names for call in calls])
        is_told = np.asarray(alike[is_left].sum(axis=0)).ravel() > 0
        others = [call for call, left, told in zip(calls, is_left, is_told, strict=True) if not (left or told)]
        fitted = fit(others, exchanges, topics)
        left = [call for call in calls if call.batch in names]
        left += [deaf(call) for call in left]
        for role, (values, labels, owners) in fitted.act_margins(left).items():
            margins[role].append((values, labels, owners + len(seen)))
        named.append(fitted.topic_margins(left))
        seen += left
    return OutOfFold(
        tuple(seen),
        {role: tuple(np.concatenate(parts) for parts in zip(*found, strict=True)) for role, found in margins.items()},
        np.vstack(named),
    )
