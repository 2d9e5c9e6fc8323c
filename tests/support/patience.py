"""Time limits for tests on a machine that does other things as well."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def scaled(seconds: float) -> float:
    """Lengthen a time limit by how many processes wait for each core; an idle machine leaves it as it is."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def wait_for(look: Callable[[], T | None], *, what: str, seconds: float = 30, every_s: float = 0.02) -> T:
    """Look again and again until something is there, and return it; the time limit is lengthened as `scaled` does."""
    deadline = time.monotonic() + scaled(seconds)
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {seconds:g} s and more for {what}"
        time.sleep(every_s)
    return found
