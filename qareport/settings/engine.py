"""The section `engine` of `qareport.yaml`: where recordings are transcribed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import AfterValidator, with_config

from qareport.messages import Message, say
from qareport.strict_yaml import refusal

#: On this machine.
HERE: Final = "here"
_PLACE = re.compile(r"here|ray(://(\[[0-9a-fA-F:.]+\]|[\w.-]+):\d{1,5})?")


def expected_place() -> Message:
    """Say what may be written where recordings are transcribed."""
    return say("here, ray, or the address of a cluster such as ray://10.0.0.5:10001")


def is_place(text: str) -> bool:
    """Tell whether a text says where recordings are transcribed."""
    return _PLACE.fullmatch(text) is not None


def _place(text: str) -> str:
    if not is_place(text):
        raise refusal("place", expected_place())
    return text


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """Where `run` and `daily` transcribe recordings."""

    #: here; ray: on the Ray cluster that this machine belongs to, or that RAY_ADDRESS names; or ray://HOST:PORT, the
    #: client port of a cluster elsewhere. Needs `pip install 'qareport[ray]'`.
    on: Annotated[str, AfterValidator(_place)] = HERE
