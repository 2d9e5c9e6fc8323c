"""A plugin of pytest: the tests of known_failures.txt may fail, and nothing else may."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests of known_failures.txt fail; the summary counts those that pass, so that their lines go."""
    lines = (Path(__file__).parents[1] / "known_failures.txt").read_text("utf-8").splitlines()
    known = {line for line in lines if line and not line.startswith("#")}
    for item in items:
        if item.nodeid in known:
            item.add_marker(pytest.mark.xfail(reason="tests/known_failures.txt", strict=False))
