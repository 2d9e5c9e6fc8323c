"""Write the fitted models as the file that the bundled reader loads: one byte a weight, one scale a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qareport.model import ACTS_OF, Role
from qareport.understanding.features import CONTEXTS, FORM, NUMBERS, TOPIC_PARTS
from qareport.understanding.reader_model import ROLES
from qareport.understanding.second_look import LOOKED_AT_TWICE
from training.reader.calibrate import Calibration
from training.reader.fit import Doubles, Fitted
from training.reader.trees import TREES


def write_model(
    path: Path,
    fitted: Fitted,
    second: Mapping[Role, Doubles],
    trees: Mapping[Role, Sequence[Doubles]],
    topic_second: Doubles,
    calibrations: Mapping[tuple[Role, int], Calibration],
    topic_thresholds: Sequence[float],
) -> None:
    """Write a model file."""
    known, around = len(fitted.vocabulary.keys), fitted.around
    arrays: dict[str, npt.ArrayLike] = {
        "form": FORM,
        "trees": TREES,
        "keys": fitted.vocabulary.keys,
        "ranks": fitted.vocabulary.ranks,
        "topics": np.array(list(fitted.topics)),
        "topic_second": topic_second.astype(np.float32),
        "topic_threshold": np.array(topic_thresholds, dtype=np.float32),
    }
    for role in ROLES:
        columns = range(len(ACTS_OF[role]))
        weights = np.column_stack([fitted.acts[role, column] for column in columns])
        arrays[f"{role}_acts"] = np.array([act.value for act in ACTS_OF[role]])
        _put(arrays, f"{role}_own", weights[:known])
        for number, name in enumerate(CONTEXTS):
            start = known + number * around
            _put(arrays, f"{role}_{name}", weights[start : start + around])
        arrays[f"{role}_second"] = second[role].astype(np.float32)
        for act, table in zip(LOOKED_AT_TWICE[role], trees[role], strict=True):
            arrays[f"{role}_{act}_trees"] = table.astype(np.float32)
        arrays[f"{role}_numbers"] = weights[-1 - len(NUMBERS) : -1].astype(np.float32)
        arrays[f"{role}_bias"] = weights[-1].astype(np.float32)
        for field in ("slope", "offsets", "thresholds"):
            values = [getattr(calibrations[role, column], field) for column in columns]
            arrays[f"{role}_{field}"] = np.array(values, dtype=np.float32).T
    weights = np.column_stack(list(fitted.topics.values()))
    for number, name in enumerate(TOPIC_PARTS):
        _put(arrays, f"topic_{name}", weights[number * around : (number + 1) * around])
    arrays["topic_bias"] = weights[-1].astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)


def _put(arrays: dict[str, npt.ArrayLike], name: str, weights: npt.NDArray[np.float64]) -> None:
    scale = np.maximum(np.abs(weights).max(axis=0), 1e-9) / 127
    arrays[name] = np.round(weights / scale).astype(np.int8)
    arrays[f"{name}_scale"] = scale.astype(np.float32)
