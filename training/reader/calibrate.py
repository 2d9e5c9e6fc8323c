"""Make margins probabilities, and choose from which probability on an act or a topic is claimed.

Everything here rests on predictions for batches that the model did not see. Calls that were rewritten from real
dialogues are duller than those that were written freely, so thresholds are chosen on both apart, and the stricter one
counts: a reader that is silent does less harm than one that accuses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from qareport.model import ACTS_OF, Act, Role
from training.reader.examples import ALARMS, REWRITTEN, UNKNOWN, YES
from training.reader.fit import Doubles, OutOfFold

#: Share of right claims among all that a threshold must reach on freely written and on rewritten calls.
ALARM_PRECISION, ALARM_PRECISION_REWRITTEN = 0.86, 0.6
#: Other acts accuse nobody; here misses cost as much as false claims.
LEAST_THRESHOLD, MOST_THRESHOLD = 0.2, 0.95


@dataclass(frozen=True, slots=True)
class Calibration:
    """Slope and offset that make a margin a probability, and the least probability that is claimed."""

    slope: float
    offset: float
    threshold: float


def calibrate_acts(unseen: OutOfFold) -> tuple[dict[tuple[Role, int], Calibration], dict[str, Any]]:
    """Calibrate each act. Returns the calibrations, and precision, recall and F1 at the thresholds, by kind of call."""
    rewritten = np.array([example.batch in REWRITTEN for example in unseen.examples])
    found, card = {}, {}
    for role, (margins, labels, owners) in unseen.acts.items():
        for column, act in enumerate(ACTS_OF[role]):
            sure = labels[:, column] != UNKNOWN
            margin, truth, dull = margins[sure, column], labels[sure, column] == YES, rewritten[owners[sure]]
            slope, offset = platt(margin, truth)
            scores = 1 / (1 + np.exp(-(slope * margin + offset)))
            threshold = (
                _alarm_threshold(scores, truth, dull) if act in ALARMS or act in _GRAVE else best_f1(scores, truth)
            )
            found[role, column] = Calibration(slope, offset, threshold)
            card[f"{role}.{act}"] = {
                "threshold": round(threshold, 3),
                "free": measured(scores[~dull], truth[~dull], threshold),
                "rewritten": measured(scores[dull], truth[dull], threshold),
            }
    return found, card


#: Acts of the agent for which rules take points.
_GRAVE: Final = frozenset((Act.RUDE, Act.BLAME, Act.CALM))


def _alarm_threshold(scores: Doubles, truth: npt.NDArray[np.bool_], dull: npt.NDArray[np.bool_]) -> float:
    free = least_for_precision(scores[~dull], truth[~dull], ALARM_PRECISION)
    rewritten = least_for_precision(scores[dull], truth[dull], ALARM_PRECISION_REWRITTEN)
    return float(np.clip(max(free, rewritten), LEAST_THRESHOLD, MOST_THRESHOLD))


def platt(margins: Doubles, truth: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Fit the logistic curve through margins (Platt 1999)."""
    model = LogisticRegression(C=1e3).fit(margins[:, None], truth)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def least_for_precision(scores: Doubles, truth: npt.NDArray[np.bool_], precision: float) -> float:
    """Return the least score from which on that share of the claims is right; 1 when there is none."""
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(truth[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(right >= precision)
    enough = enough[enough >= 4]
    return float(scores[order][enough[-1]]) if len(enough) else 1.0


def best_f1(scores: Doubles, truth: npt.NDArray[np.bool_]) -> float:
    """Return the score at which F1 is highest."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(truth[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + truth.sum())
    return float(np.clip(scores[order][int(np.argmax(f1))], LEAST_THRESHOLD, MOST_THRESHOLD))


def measured(scores: Doubles, truth: npt.NDArray[np.bool_], threshold: float) -> dict[str, float]:
    """Return counts, precision, recall and F1 of what is claimed."""
    claimed = scores >= threshold
    right, false, missed = int((claimed & truth).sum()), int((claimed & ~truth).sum()), int((~claimed & truth).sum())
    return {
        "right": right, "false": false, "missed": missed,
        "precision": round(right / max(1, right + false), 2),
        "recall": round(right / max(1, right + missed), 2),
        "f1": round(2 * right / max(1, 2 * right + false + missed), 2),
    }  # fmt: skip


def calibrate_topics(unseen: OutOfFold, topics: Sequence[str]) -> tuple[list[float], dict[str, Any]]:
    """Choose the probability from which on each topic is claimed, and tell how that does."""
    thresholds, card = [], {}
    for column, topic in enumerate(topics):
        sure = np.array([topic not in example.topics_optional for example in unseen.examples])
        truth = np.array([topic in example.topics for example in unseen.examples])[sure]
        scores = 1 / (1 + np.exp(-unseen.topics[sure, column]))
        threshold = best_f1(scores, truth)
        thresholds.append(threshold)
        card[topic] = {"threshold": round(threshold, 3), **measured(scores, truth, threshold)}
    return thresholds, card
