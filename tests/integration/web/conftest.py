"""Fixtures of the desk's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.desk import OpenDesk, open_desk


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[OpenDesk]:
    """A desk with users, teams and calls."""
    with open_desk(tmp_path) as desk:
        yield desk
