"""Fit the second look at acts and topics (`qareport.understanding.second_look`) on margins for unseen batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from qareport.model import ACTS_OF, Role
from qareport.settings import bundled_patterns
from qareport.understanding import features
from qareport.understanding.features import Floats
from qareport.understanding.patterns import load_patterns
from qareport.understanding.second_look import (
    LOOKED_AT_TWICE,
    Trees,
    complains,
    look_again,
    margins_around,
    topics_together,
)
from training.reader.examples import UNKNOWN, YES
from training.reader.fit import Doubles, OutOfFold, folds
from training.reader.trees import TREES, fit_trees

#: Inverse strength of the L2 penalty, of standardised features: of acts, and of topics.
STRENGTH, TOPIC_STRENGTH = 0.005, 0.05


def fit_second_look(unseen: OutOfFold) -> tuple[dict[Role, Doubles], dict[Role, list[Doubles]], OutOfFold]:
    """Fit the second look on margins of models that did not see the batches.

    Returns:
        for each role weights and bias (features + 1, acts), the trees of each act, and the margins with those of a
        second look that did not see the batch in place of the first ones.
    """
    around = _features(unseen)
    names = [None, *folds(unseen.examples)]
    second, trees, acts = {}, {}, {}
    for role, (margins, labels, owners) in unseen.acts.items():
        batches = np.array([unseen.examples[owner].batch for owner in owners])
        held = [np.isin(batches, list(fold or ())) for fold in names]
        columns = [ACTS_OF[role].index(act) for act in LOOKED_AT_TWICE[role]]
        jobs = [
            delayed(_fit_both)(around[role], np.where(left_out, UNKNOWN, labels[:, column]))
            for column in columns
            for left_out in held
        ]
        fitted = iter(Parallel(n_jobs=2)(jobs))
        better, weights, tables = margins.copy(), [], []
        for column in columns:
            (whole, nodes), *without = [next(fitted) for _ in held]
            weights.append(whole)
            tables.append(nodes)
            for left_out, (of_fold, nodes_of_fold) in zip(held[1:], without, strict=True):
                looked = look_again(around[role][left_out], of_fold[:, None], [Trees.of(nodes_of_fold, TREES)])
                better[left_out, column] = looked[:, 0]
        second[role], trees[role] = np.column_stack(weights), tables
        acts[role] = (better, labels, owners)
    return second, trees, replace(unseen, acts=acts)


def _fit_both(around: Floats, truth: npt.NDArray[np.int8]) -> tuple[Doubles, Doubles]:
    """Fit the linear model and the trees of one act."""
    sure = truth != UNKNOWN
    return _fit(around, truth), fit_trees(around[sure], truth[sure] == YES)


def fit_topic_look(unseen: OutOfFold, topics: Sequence[str]) -> tuple[Doubles, OutOfFold]:
    """Fit the second look at topics.

    Returns:
        weights and bias (features + 1, topics), and the margins of a second look that did not see the batch.
    """
    together = np.array(
        [
            topics_together(margins, np.array([sentence.is_customer for sentence in example.sentences]))
            for example, margins in zip(unseen.examples, unseen.topics, strict=True)
        ]
    )
    batches = np.array([example.batch for example in unseen.examples])
    weights, better = [], np.zeros_like(unseen.topics)
    for column, topic in enumerate(topics):
        truth = np.array([example.topic_label(topic) for example in unseen.examples], dtype=np.int8)
        weights.append(_fit(together, truth, TOPIC_STRENGTH))
        for names in folds(unseen.examples):
            held = np.isin(batches, list(names))
            without = _fit(together[~held], truth[~held], TOPIC_STRENGTH)
            better[held, column] = together[held] @ without[:-1] + without[-1]
    return np.column_stack(weights), replace(unseen, topics=better)


def _features(unseen: OutOfFold) -> dict[Role, Floats]:
    """Return the features of all sentences of each role, in the order of their margins."""
    next_row = dict.fromkeys(unseen.acts, 0)
    found: dict[Role, list[Floats]] = {role: [] for role in unseen.acts}
    patterns = load_patterns(bundled_patterns())
    for example in unseen.examples:
        customers = np.array([sentence.is_customer for sentence in example.sentences], dtype=np.bool_)
        rows = []
        for is_customer in customers:
            role = Role.CUSTOMER if is_customer else Role.AGENT
            rows.append(unseen.acts[role][0][next_row[role]].astype(np.float32))
            next_row[role] += 1
        of_patterns = patterns.find_all(example.sentences, complains(rows, customers))
        numbers = features.numbers_of(example.sentences)
        for role, (around, _) in margins_around(rows, customers, numbers, of_patterns).items():
            found[role].append(around)
    return {role: np.vstack(parts) for role, parts in found.items()}


def _fit(around: Floats, truth: npt.NDArray[np.int8], strength: float = STRENGTH) -> Doubles:
    """Fit one act or topic; the scale of the features is folded into the weights."""
    sure = truth != UNKNOWN
    scaler = StandardScaler().fit(around[sure])
    model = LogisticRegression(C=strength, max_iter=500).fit(scaler.transform(around[sure]), truth[sure] == YES)
    weights = model.coef_[0] / scaler.scale_
    return np.append(weights, model.intercept_[0] - weights @ scaler.mean_)
