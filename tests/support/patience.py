"""Time limits for tests on a machine that does other things as well."""

from __future__ import annotations

import os


def scaled(seconds: float) -> float:
    """Lengthen a time limit by how many processes wait for each core; an idle machine leaves it as it is."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
