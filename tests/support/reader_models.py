"""A small model of the bundled reader with weights that are whole numbers, so that storing them loses nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qareport.model import ACTS_OF, Role
from qareport.understanding.features import CONTEXTS, NUMBERS, TOPIC_PARTS
from qareport.understanding.reader_model import ROLES
from qareport.understanding.second_look import LOOKED_AT_TWICE, margins_around
from training.reader.calibrate import TONES, Calibration
from training.reader.examples import Example
from training.reader.export import write_model
from training.reader.fit import Fitted
from training.reader.matrix import learn_vocabulary
from training.reader.trees import TREES

TOPICS = ("物流查询", "退款")


def size_of_second_look(role: Role) -> int:
    """Return how many weights it has for each act of a role, the bias among them."""
    margins = [np.zeros(len(ACTS_OF[role]), dtype=np.float32)]
    numbers = np.zeros((1, len(NUMBERS)), dtype=np.float32)
    around, _ = margins_around(margins, np.array([role is Role.CUSTOMER]), numbers, [()])[role]
    return int(around.shape[1]) + 1


def no_trees() -> npt.NDArray[np.float64]:
    """Return as many trees as there are, each a leaf that adds nothing."""
    return np.array([[0, np.inf, place, 0] for place in range(TREES)])


def look_at_patterns_alone(role: Role) -> npt.NDArray[np.float64]:
    """Return a second look that believes every pattern, and above all those that speak against an act."""
    weights = np.zeros((size_of_second_look(role), len(LOOKED_AT_TWICE[role])))
    weights[-1] = -20
    first = len(weights) - 1 - 2 * len(LOOKED_AT_TWICE[role])
    for place in range(len(LOOKED_AT_TWICE[role])):
        weights[first + 2 * place : first + 2 * place + 2, place] = 40, -90
    return weights


def make_model(path: Path, examples: Sequence[Example], threshold: float = 0.5) -> Fitted:
    """Write a model whose vocabulary is that of some examples, and return it as training has it.

    Weights are random whole numbers of at most 127, which each block of n-grams reaches: one byte holds them exactly.
    """
    vocabulary, around = learn_vocabulary(examples)
    random = np.random.default_rng(1)

    def weights(sizes: Sequence[int], others: int) -> npt.NDArray[np.float64]:
        blocks = [random.integers(-126, 127, size).astype(float) for size in sizes]
        for block in blocks:
            block[0] = 127
        return np.concatenate([*blocks, random.integers(-99, 99, others).astype(float)])

    acts = {
        (role, column): weights([len(vocabulary.keys), *[around] * len(CONTEXTS)], len(NUMBERS) + 1)
        for role in ROLES
        for column in range(len(ACTS_OF[role]))
    }
    topics = {topic: weights([around] * len(TOPIC_PARTS), 1) for topic in TOPICS}
    fitted = Fitted(vocabulary, around, acts, topics)
    second = {
        role: random.integers(-9, 9, (size_of_second_look(role), len(acts_twice))).astype(float)
        for role, acts_twice in LOOKED_AT_TWICE.items()
    }
    trees = {role: [no_trees() for _ in acts_twice] for role, acts_twice in LOOKED_AT_TWICE.items()}
    # Probabilities of topics are those of their margins: the second look leaves each as it is.
    topic_second = np.eye(2 * len(topics) + 3, len(topics))
    calibration = Calibration(0.01, (0.0,) * len(TONES), (threshold,) * len(TONES))
    write_model(path, fitted, second, trees, topic_second, dict.fromkeys(acts, calibration), [0.5] * len(topics))
    return fitted
