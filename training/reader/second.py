"""Fit the second look at acts that rest on what was said before and after (`qareport.understanding.second_look`)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from qareport.model import CUSTOMER_ACTS, Role
from qareport.understanding import features
from qareport.understanding.second_look import LOOKED_AT_TWICE, margins_around
from training.reader.examples import UNKNOWN, YES
from training.reader.fit import Doubles, OutOfFold, folds

#: Inverse strength of the L2 penalty, of standardised features.
STRENGTH = 0.02


def fit_second_look(unseen: OutOfFold) -> tuple[Doubles, OutOfFold]:
    """Fit the second look on margins of models that did not see the batches.

    Returns:
        weights and bias (features + 1, acts), and the margins with those of a second look that did not see the batch
        in place of the first ones.
    """
    around = _features(unseen)
    margins, labels, owners = unseen.acts[Role.CUSTOMER]
    batches = np.array([unseen.examples[owner].batch for owner in owners])
    weights, better = [], margins.copy()
    for act in LOOKED_AT_TWICE:
        column = CUSTOMER_ACTS.index(act)
        truth = labels[:, column]
        weights.append(_fit(around, truth))
        for names in folds(unseen.examples):
            held = np.isin(batches, list(names))
            without = _fit(around[~held], truth[~held])
            better[held, column] = around[held] @ without[:-1] + without[-1]
    acts = {**unseen.acts, Role.CUSTOMER: (better, labels, owners)}
    return np.column_stack(weights), replace(unseen, acts=acts)


def _features(unseen: OutOfFold) -> npt.NDArray[np.float32]:
    """Return the features of all sentences of customers, in the order of their margins."""
    next_row = dict.fromkeys(unseen.acts, 0)
    found = []
    for example in unseen.examples:
        customers = [sentence.is_customer for sentence in example.sentences]
        rows = []
        for is_customer in customers:
            role = Role.CUSTOMER if is_customer else Role.AGENT
            rows.append(unseen.acts[role][0][next_row[role]].astype(np.float32))
            next_row[role] += 1
        around, places = margins_around(rows, customers, features.numbers_of(example.sentences))
        if len(places):
            found.append(around)
    return np.vstack(found)


def _fit(around: npt.NDArray[np.float32], truth: npt.NDArray[np.int8]) -> Doubles:
    """Fit one act; the scale of the features is folded into the weights."""
    sure = truth != UNKNOWN
    scaler = StandardScaler().fit(around[sure])
    model = LogisticRegression(C=STRENGTH, max_iter=500).fit(scaler.transform(around[sure]), truth[sure] == YES)
    weights = model.coef_[0] / scaler.scale_
    return np.append(weights, model.intercept_[0] - weights @ scaler.mean_)
