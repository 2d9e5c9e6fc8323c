"""The model file of the bundled reader, laid out for reading: one row holds all that an n-gram says of a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from qareport.files import content_key
from qareport.model import Act, Role
from qareport.understanding.features import CONTEXTS, FORM, TOPIC_PARTS, Floats, Vocabulary

#: The two roles that speak, as the arrays of a model name them; their places here are their numbers.
ROLES = (Role.CUSTOMER, Role.AGENT)
#: Contexts of what the other role says.
_OF_OTHER = ("before", "next")


@dataclass(frozen=True, slots=True)
class ReaderModel:
    """The arrays of `reader.npz`. Both roles have as many columns of acts: those that one of them lacks are empty."""

    vocabulary: Vocabulary
    acts: dict[Role, tuple[Act, ...]]
    #: What n-grams say of their own sentence: of the shape (roles × n-grams + 1, acts); the last row is of zeros, for
    #: n-grams that are not known.
    own: Floats
    #: What n-grams of a role's sentence say of the sentences around it: (roles × n-grams, contexts × acts).
    around: Floats
    #: Weights of `features.NUMBERS` and the bias, of the shapes (roles, numbers, acts) and (roles, acts).
    numbers: Floats
    bias: Floats
    #: Slope and offsets that make a margin a probability, and the least probabilities that are claimed, for each role
    #: and act; the first of offsets and thresholds is for calls in which nothing but a neutral voice was heard.
    slope: Floats
    offsets: Floats
    thresholds: Floats
    #: Weights and bias of the second look, of the shape (margins and numbers + 1, acts of `LOOKED_AT_TWICE`).
    second: dict[Role, Floats]
    topics: tuple[str, ...]
    #: Of the shape (n-grams, topics): of what the customer says, of the first sentences of it, of what the agent says.
    topic_weights: dict[str, Floats]
    topic_bias: Floats
    topic_threshold: Floats
    key: str

    @property
    def near(self) -> int:
        """Return how many n-grams are also looked for around a sentence."""
        return len(self.around) // len(ROLES)

    @classmethod
    def load(cls, path: Path) -> ReaderModel:
        """Read a model file.

        Raises:
            ValueError: it was made for other features than this version computes.
        """
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        if int(arrays["form"]) != FORM:
            raise ValueError(f"{path}: made for form {int(arrays['form'])} of the features, this version has {FORM}")
        own = [_weights(arrays, f"{role}_own") for role in ROLES]
        return cls(
            vocabulary=Vocabulary(arrays["keys"], arrays["ranks"]),
            acts={role: tuple(map(Act, arrays[f"{role}_acts"].tolist())) for role in ROLES},
            own=np.concatenate([*_level(own), np.zeros_like(_level(own)[0][:1])]),
            around=np.concatenate([_around(arrays, *roles) for roles in (ROLES, ROLES[::-1])]),
            second={role: arrays[f"{role}_second"] for role in ROLES},
            topics=tuple(arrays["topics"].tolist()),
            topic_weights={name: _weights(arrays, f"topic_{name}") for name in TOPIC_PARTS},
            topic_bias=arrays["topic_bias"],
            topic_threshold=arrays["topic_threshold"],
            key=content_key(path.read_bytes().hex()),
            thresholds=_of_roles(arrays, "thresholds", empty=np.inf).swapaxes(0, 1),
            offsets=_of_roles(arrays, "offsets").swapaxes(0, 1),
            **{name: _of_roles(arrays, name) for name in ("numbers", "bias", "slope")},
        )


@cache
def load_model(path: Path) -> ReaderModel:
    """Load a model once for the process."""
    return ReaderModel.load(path)


def _weights(arrays: dict[str, Any], name: str) -> Floats:
    """Return weights that were stored as whole numbers with a scale for each column."""
    weights: Floats = arrays[name].astype(np.float32) * arrays[f"{name}_scale"]
    return weights


def _around(arrays: dict[str, Any], role: Role, other: Role) -> Floats:
    """Return what the n-grams of a role's sentence say of its own sentences around it and of the other's."""
    names = [f"{other if name in _OF_OTHER else role}_{name}" for name in CONTEXTS]
    widest = max(arrays[f"{each}_bias"].shape[-1] for each in ROLES)
    return np.hstack([_pad(_weights(arrays, name), widest) for name in names])


def _of_roles(arrays: dict[str, Any], name: str, empty: float = 0.0) -> Floats:
    return np.stack(_level([arrays[f"{role}_{name}"] for role in ROLES], empty))


def _level(tables: list[Floats], empty: float = 0.0) -> list[Floats]:
    """Give tables as many columns as the widest has."""
    widest = max(table.shape[-1] for table in tables)
    return [_pad(table, widest, empty) for table in tables]


def _pad(table: Floats, width: int, empty: float = 0.0) -> Floats:
    padding = [(0, 0)] * (table.ndim - 1) + [(0, width - table.shape[-1])]
    return np.pad(table, padding, constant_values=empty)
