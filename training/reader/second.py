"""Fit the second look at acts and topics (`qareport.understanding.second_look`) on margins for unseen batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from qareport.model import ACTS_OF, Role
from qareport.understanding import features
from qareport.understanding.features import Floats
from qareport.understanding.second_look import LOOKED_AT_TWICE, margins_around, topics_together
from training.reader.examples import UNKNOWN, YES
from training.reader.fit import Doubles, OutOfFold, folds

#: Inverse strength of the L2 penalty, of standardised features: of acts, and of topics.
STRENGTH, TOPIC_STRENGTH = 0.02, 0.05


def fit_second_look(unseen: OutOfFold) -> tuple[dict[Role, Doubles], OutOfFold]:
    """Fit the second look on margins of models that did not see the batches.

    Returns:
        for each role weights and bias (features + 1, acts), and the margins with those of a second look that did not
        see the batch in place of the first ones.
    """
    around = _features(unseen)
    divided = folds(unseen.examples)
    second, acts = {}, {}
    for role, (margins, labels, owners) in unseen.acts.items():
        batches = np.array([unseen.examples[owner].batch for owner in owners])
        weights, better = [], margins.copy()
        for act in LOOKED_AT_TWICE[role]:
            column = ACTS_OF[role].index(act)
            truth = labels[:, column]
            weights.append(_fit(around[role], truth))
            for names in divided:
                held = np.isin(batches, list(names))
                without = _fit(around[role][~held], truth[~held])
                better[held, column] = around[role][held] @ without[:-1] + without[-1]
        second[role] = np.column_stack(weights)
        acts[role] = (better, labels, owners)
    return second, replace(unseen, acts=acts)


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
    for example in unseen.examples:
        customers = np.array([sentence.is_customer for sentence in example.sentences], dtype=np.bool_)
        rows = []
        for is_customer in customers:
            role = Role.CUSTOMER if is_customer else Role.AGENT
            rows.append(unseen.acts[role][0][next_row[role]].astype(np.float32))
            next_row[role] += 1
        for role, (around, _) in margins_around(rows, customers, features.numbers_of(example.sentences)).items():
            found[role].append(around)
    return {role: np.vstack(parts) for role, parts in found.items()}


def _fit(around: Floats, truth: npt.NDArray[np.int8], strength: float = STRENGTH) -> Doubles:
    """Fit one act or topic; the scale of the features is folded into the weights."""
    sure = truth != UNKNOWN
    scaler = StandardScaler().fit(around[sure])
    model = LogisticRegression(C=strength, max_iter=500).fit(scaler.transform(around[sure]), truth[sure] == YES)
    weights = model.coef_[0] / scaler.scale_
    return np.append(weights, model.intercept_[0] - weights @ scaler.mean_)
