"""Fit the boosted trees of the second look, and write them as the reader takes them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier

from qareport.understanding.features import Floats

#: How many for each act.
TREES: Final = 120
SEED: Final = 20261201
PARAMETERS: Final[dict[str, Any]] = {
    "max_iter": TREES, "learning_rate": 0.06, "max_leaf_nodes": 15, "max_depth": 7, "min_samples_leaf": 50,
    "l2_regularization": 5.0, "max_features": 0.4, "early_stopping": False,
}  # fmt: skip


def fit_trees(rows: Floats, truth: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Fit the trees of one act.

    Returns:
        a table of nodes as `qareport.understanding.second_look.Trees.of` takes it: the roots of all trees first.
    """
    model = HistGradientBoostingClassifier(random_state=SEED, **PARAMETERS).fit(rows, truth)
    # scikit-learn has no public way to these; constraints.txt pins it, and a test compares what both predict.
    trees = [predictor.nodes for (predictor,) in model._predictors]
    return _table(trees, float(model._baseline_prediction[0, 0]))


def _table(trees: list[npt.NDArray[Any]], baseline: float) -> npt.NDArray[np.float64]:
    """Lay nodes out: feature, the most that goes to the first child, its place, value.

    The baseline is in the first tree.
    """
    table = np.zeros((sum(map(len, trees)), 4))
    waiting = [(number, 0, number) for number in range(len(trees))]
    end = len(trees)
    for number, node, place in waiting:
        of_tree = trees[number][node]
        if of_tree["is_leaf"]:
            table[place] = 0, np.inf, place, of_tree["value"] + (baseline if number == 0 else 0)
        else:
            table[place] = of_tree["feature_idx"], of_tree["num_threshold"], end, 0
            waiting += [(number, int(of_tree["left"]), end), (number, int(of_tree["right"]), end + 1)]
            end += 2
    return table
