"""Make margins probabilities, and choose from which probability on an act or a topic is claimed.

Everything here rests on predictions for batches that the model did not see. Calls that were rewritten from real
dialogues are duller than those that were written freely, so precision is asked of both apart: a reader that is silent
does less harm than one that accuses. Where nothing but a neutral voice was heard, alarms are rarer, and where nothing
was heard of a voice, words alone tell, so each tone (`qareport.understanding.bundled.tone_of`) has offsets and
thresholds of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from qareport.model import ACTS_OF, Act, Role
from qareport.understanding.bundled import tone_of
from training.reader.examples import ALARMS, REWRITTEN, UNKNOWN, YES
from training.reader.fit import Doubles, OutOfFold

Marks = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]


class AlarmLimits(NamedTuple):
    """What is asked of the claims of an act that alarms."""

    free: float
    rewritten: float
    false_per_hundred: float
    #: Added to the log-odds from which on the act is claimed.
    caution: float


#: Share of right claims that a threshold must reach on freely written calls; and, on rewritten ones, either this share
#: or no more than so many false claims of an act in a hundred calls; for each tone. Alarms are rarer in real talk than
#: in the calls of the corpus, many of which were rewritten because something was hard in them, so as few wrong claims
#: in a hundred calls weigh more there, and patterns were chosen by these very calls: thus the caution, less where a
#: voice is moved.
ALARM_LIMITS: Final = (
    AlarmLimits(0.86, 0.65, 0.5, 0.4), AlarmLimits(0.84, 0.6, 1.5, 0.2), AlarmLimits(0.86, 0.65, 0.5, 0.4),
)  # fmt: skip
#: The same of acts of the agent, which accuse somebody.
ACCUSING_LIMITS: Final = (
    AlarmLimits(0.86, 0.65, 0.3, 0.0), AlarmLimits(0.85, 0.6, 1.0, 0.0), AlarmLimits(0.88, 0.75, 0.15, 0.4),
)  # fmt: skip
TONES: Final = range(len(ALARM_LIMITS))
UNHEARD: Final = 2
LEAST_THRESHOLD, MOST_THRESHOLD = 0.2, 0.95
#: Whoever is accused is so only of what is likelier than not: below this one claim in three or four is right, however
#: precise all claims together are.
LIKELIER_THAN_NOT: Final = 0.5
#: Acts that alarm, or for which an agent loses points.
CAREFUL: Final = frozenset((*ALARMS, Act.CALM, Act.RUDE, Act.BLAME))
LEAST_TOPIC = 0.05


@dataclass(frozen=True, slots=True)
class Calibration:
    """Slope and offset that make a margin a probability, and the least probability that is claimed."""

    slope: float
    #: For calls of each tone.
    offsets: tuple[float, ...]
    thresholds: tuple[float, ...]


def calibrate_acts(unseen: OutOfFold) -> tuple[dict[tuple[Role, int], Calibration], dict[str, Any]]:
    """Calibrate each act. Returns the calibrations, and precision, recall and F1 at the thresholds, by kind of call."""
    rewritten = np.array([example.batch in REWRITTEN for example in unseen.examples])
    tones = np.array([tone_of(example.sentences) for example in unseen.examples])
    found: dict[tuple[Role, int], Calibration] = {}
    card: dict[str, Any] = {}
    for role, (margins, labels, owners) in unseen.acts.items():
        for column, act in enumerate(ACTS_OF[role]):
            sure = labels[:, column] != UNKNOWN
            margin, truth = margins[sure, column], labels[sure, column] == YES
            is_rewritten, tone = rewritten[owners[sure]], tones[owners[sure]]
            slope, offsets = platt(margin, tone, truth)
            scores = 1 / (1 + np.exp(-(slope * margin + np.array(offsets)[tone])))
            thresholds = []
            for of_tone in TONES:
                chosen = tone == of_tone
                if act in CAREFUL:
                    calls = int((rewritten & (tones == of_tone)).sum())
                    limits = (ACCUSING_LIMITS if role is Role.AGENT else ALARM_LIMITS)[of_tone]
                    least = alarm_threshold(scores[chosen], truth[chosen], is_rewritten[chosen], calls, limits)
                    threshold = max(LIKELIER_THAN_NOT, 1 / (1 + (1 / least - 1) * math.exp(-limits.caution)))
                else:
                    threshold = float(np.clip(best_f1(scores[chosen], truth[chosen]), LEAST_THRESHOLD, MOST_THRESHOLD))
                thresholds.append(threshold)
            found[role, column] = Calibration(slope, offsets, tuple(thresholds))
            claimed, heard = scores >= np.array(thresholds)[tone], tone != UNHEARD
            card[f"{role}.{act}"] = {
                "thresholds": [round(value, 3) for value in thresholds],
                "free": measured(claimed[heard & ~is_rewritten], truth[heard & ~is_rewritten]),
                "rewritten": measured(claimed[heard & is_rewritten], truth[heard & is_rewritten]),
            }
    return found, card


def alarm_threshold(scores: Doubles, truth: Marks, rewritten: Marks, calls: int, limits: AlarmLimits) -> float:
    """Return the least score that is precise enough on freely written and on rewritten calls.

    Args:
        scores: of all sentences, with their truth.
        truth: whether the act is done.
        rewritten: whether a sentence is of a rewritten call.
        calls: how many rewritten calls there are.
        limits: what is asked.
    """
    free = least_for_precision(scores[~rewritten], truth[~rewritten], limits.free)
    precise = least_for_precision(scores[rewritten], truth[rewritten], limits.rewritten)
    wrong = np.sort(scores[rewritten & ~truth])[::-1]
    allowed = int(limits.false_per_hundred * calls / 100)
    rare = float(wrong[allowed]) if len(wrong) > allowed else 0.0
    return float(np.clip(max(free, min(precise, rare)), LEAST_THRESHOLD, MOST_THRESHOLD))


def platt(margins: Doubles, tones: Numbers, truth: Marks) -> tuple[float, tuple[float, ...]]:
    """Fit the logistic curve through margins (Platt 1999), with an offset for calls of each tone."""
    of_tones = [tones == tone for tone in TONES[1:]]
    model = LogisticRegression(C=1e3).fit(np.column_stack([margins, *of_tones]), truth)
    offset = float(model.intercept_[0])
    return float(model.coef_[0, 0]), (offset, *(offset + float(more) for more in model.coef_[0, 1:]))


def least_for_precision(scores: Doubles, truth: Marks, precision: float) -> float:
    """Return the least score from which on that share of the claims is right; 1 when there is none."""
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(truth[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(right >= precision)
    enough = enough[enough >= 4]
    return float(scores[order][enough[-1]]) if len(enough) else 1.0


def best_f1(scores: Doubles, truth: Marks) -> float:
    """Return the score at which F1 is highest."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(truth[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + truth.sum())
    return float(scores[order][int(np.argmax(f1))])


def measured(claimed: Marks, truth: Marks) -> dict[str, float]:
    """Return counts, precision, recall and F1 of what is claimed."""
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
        labels = np.array([example.topic_label(topic) for example in unseen.examples])
        sure = labels != UNKNOWN
        truth = labels[sure] == YES
        scores = 1 / (1 + np.exp(-unseen.topics[sure, column]))
        threshold = max(LEAST_TOPIC, best_f1(scores, truth))
        thresholds.append(threshold)
        card[topic] = {"threshold": round(threshold, 3), **measured(scores >= threshold, truth)}
    return thresholds, card
