"""The model file of the bundled reader, laid out for reading: one row holds all that an n-gram says of a sentence."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from qareport.model import Act, Role
from qareport.understanding.features import CONTEXTS, FORM, TOPIC_PARTS, Floats, Integers, Vocabulary
from qareport.understanding.second_look import LOOKED_AT_TWICE, Trees

#: The two roles that speak, as the arrays of a model name them; their places here are their numbers.
ROLES = (Role.CUSTOMER, Role.AGENT)
#: Contexts of what the other role says.
_OF_OTHER = ("before", "next")
T = TypeVar("T", np.int8, np.float32)


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights as they are stored, one byte each: as floats they would take four times the memory of each process."""

    #: Whole numbers, of the shape (rows, columns): blocks of as many rows each, and perhaps one row more, of zeros.
    numbers: npt.NDArray[np.int8]
    #: What a whole number is worth, of the shape (blocks, columns).
    scales: Floats

    def take(self, rows: Integers) -> Floats:
        """Return rows, of the shape (rows, columns); −1 is the row of zeros."""
        return self._scaled(self.numbers.take(rows, axis=0), self.scales.take(self._blocks(rows), axis=0))

    def at(self, rows: Integers, columns: Integers) -> Floats:
        """Return single weights, of the shape that rows and columns have together; row −1 is the one of zeros."""
        return self._scaled(self.numbers[rows, columns], self.scales[self._blocks(rows), columns])

    def _blocks(self, rows: Integers) -> Integers:
        blocks: Integers = rows // (len(self.numbers) // len(self.scales))
        return blocks

    @staticmethod
    def _scaled(numbers: npt.NDArray[np.int8], scales: Floats) -> Floats:
        weights: Floats = numbers.astype(np.float32) * scales
        return weights


@dataclass(frozen=True, slots=True)
class ReaderModel:
    """The arrays of `reader.npz`. Both roles have as many columns of acts: those that one of them lacks are empty."""

    vocabulary: Vocabulary
    acts: dict[Role, tuple[Act, ...]]
    #: What n-grams say of their own sentence: of the shape (roles × n-grams + 1, acts); the last row is of zeros, for
    #: n-grams that are not known.
    own: Weights
    #: What n-grams of a role's sentence say of the sentences around it: (roles × n-grams, contexts × acts).
    around: Weights
    #: Weights of `features.NUMBERS` and the bias, of the shapes (roles, numbers, acts) and (roles, acts).
    numbers: Floats
    bias: Floats
    #: Slope and offsets that make a margin a probability, and the least probabilities that are claimed, for each role
    #: and act; of offsets and thresholds there are those for each tone (`bundled.tone_of`).
    slope: Floats
    offsets: Floats
    thresholds: Floats
    #: Weights and bias of the second look, of the shape (features + 1, acts of `LOOKED_AT_TWICE`), and its trees.
    second: dict[Role, Floats]
    trees: dict[Role, tuple[Trees, ...]]
    topics: tuple[str, ...]
    #: Of the shape (n-grams, topics): of what the customer says, of the first sentences of it, of what the agent says.
    topic_weights: dict[str, Weights]
    topic_bias: Floats
    #: Weights and bias of the second look at topics, of the shape (2 × topics + 3, topics).
    topic_second: Floats
    topic_threshold: Floats
    key: str

    @property
    def near(self) -> int:
        """Return how many n-grams are also looked for around a sentence."""
        return len(self.around.numbers) // len(ROLES)

    @classmethod
    def load(cls, path: Path) -> ReaderModel:
        """Read a model file.

        Raises:
            ValueError: it was made for other features than this version computes.
        """
        with np.load(path, allow_pickle=False) as arrays:  # each is read when it is asked for, and goes again
            form = int(arrays["form"])
            if form != FORM:
                raise ValueError(f"{path}: made for form {form} of the features, this version has {FORM}")
            return cls._of(arrays, _key_of(path))

    @classmethod
    def _of(cls, arrays: Mapping[str, Any], key: str) -> ReaderModel:
        return cls(
            vocabulary=Vocabulary(arrays["keys"], arrays["ranks"]),
            acts={role: tuple(map(Act, arrays[f"{role}_acts"].tolist())) for role in ROLES},
            own=_own(arrays),
            around=_around(arrays),
            second={role: arrays[f"{role}_second"] for role in ROLES},
            trees={
                role: tuple(Trees.of(arrays[f"{role}_{act}_trees"], int(arrays["trees"])) for act in acts)
                for role, acts in LOOKED_AT_TWICE.items()
            },
            topics=tuple(arrays["topics"].tolist()),
            topic_weights={
                name: Weights(arrays[f"topic_{name}"], arrays[f"topic_{name}_scale"][None]) for name in TOPIC_PARTS
            },
            topic_bias=arrays["topic_bias"],
            topic_second=arrays["topic_second"],
            topic_threshold=arrays["topic_threshold"],
            key=key,
            thresholds=_of_roles(arrays, "thresholds", empty=np.inf).swapaxes(0, 1),
            offsets=_of_roles(arrays, "offsets").swapaxes(0, 1),
            **{name: _of_roles(arrays, name) for name in ("numbers", "bias", "slope")},
        )


@cache
def load_model(path: Path) -> ReaderModel:
    """Load a model once for the process."""
    return ReaderModel.load(path)


def _key_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _own(arrays: Mapping[str, Any]) -> Weights:
    """Return what n-grams say of their own sentence, of one role after the other, and a row of zeros."""
    tables = [arrays[f"{role}_own"] for role in ROLES]
    numbers = np.zeros((sum(map(len, tables)) + 1, max(table.shape[-1] for table in tables)), np.int8)
    for table, first in zip(tables, (0, len(tables[0])), strict=True):
        numbers[first : first + len(table), : table.shape[-1]] = table
    return Weights(numbers, np.stack(_level([arrays[f"{role}_own_scale"] for role in ROLES])))


def _around(arrays: Mapping[str, Any]) -> Weights:
    """Return what the n-grams of a role's sentence say of its own sentences around it and of the other's."""
    widest = max(arrays[f"{role}_bias"].shape[-1] for role in ROLES)
    tables = [
        [f"{other if name in _OF_OTHER else role}_{name}" for name in CONTEXTS] for role, other in (ROLES, ROLES[::-1])
    ]
    numbers = np.zeros((len(ROLES), len(arrays[tables[0][0]]), len(CONTEXTS), widest), np.int8)
    for role, names in enumerate(tables):
        for place, name in enumerate(names):
            table = arrays[name]
            numbers[role, :, place, : table.shape[-1]] = table
    scales = [np.hstack([_pad(arrays[f"{name}_scale"], widest) for name in names]) for names in tables]
    return Weights(numbers.reshape(-1, len(CONTEXTS) * widest), np.stack(scales))


def _of_roles(arrays: Mapping[str, Any], name: str, empty: float = 0.0) -> Floats:
    return np.stack(_level([arrays[f"{role}_{name}"] for role in ROLES], empty))


def _level(tables: list[npt.NDArray[T]], empty: float = 0) -> list[npt.NDArray[T]]:
    """Give tables as many columns as the widest has."""
    widest = max(table.shape[-1] for table in tables)
    return [_pad(table, widest, empty) for table in tables]


def _pad(table: npt.NDArray[T], width: int, empty: float = 0) -> npt.NDArray[T]:
    padding = [(0, 0)] * (table.ndim - 1) + [(0, width - table.shape[-1])]
    return np.pad(table, padding, constant_values=empty)
