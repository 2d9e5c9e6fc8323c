"""Fixtures that several test folders share."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A command that has ended."""

    status: int
    stdout: str
    stderr: str


def run_qareport(arguments: Sequence[str | Path], *, cwd: Path) -> Ran:
    """Run the real command line in a process of its own, with no network to fall back on."""
    nowhere = "http://127.0.0.1:9"
    environment = os.environ | {"HTTPS_PROXY": nowhere, "HTTP_PROXY": nowhere, "PYTHONWARNINGS": "default"}
    done = subprocess.run(
        [sys.executable, "-m", "qareport", *map(str, arguments)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=550,
        check=False,
    )
    return Ran(status=done.returncode, stdout=done.stdout, stderr=done.stderr)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoRun:
    """A finished `qareport demo`: its output, and the folder it wrote."""

    ran: Ran
    out: Path
    cwd: Path

    @property
    def store(self) -> str:
        """URL of the store that the run filled."""
        return f"sqlite:///{self.out / 'qareport.db'}"


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    """Run the demo once for all tests that look at what it made."""
    cwd = tmp_path_factory.mktemp("demo")
    ran = run_qareport(["demo", "--out", "out"], cwd=cwd)
    assert ran.status == 0, ran.stdout + ran.stderr
    return DemoRun(ran=ran, out=cwd / "out", cwd=cwd)


@pytest.fixture(autouse=True)
def log_level() -> Iterator[None]:
    """Put back the level of the program's logger: a command run inside the test process sets it."""
    logger = logging.getLogger("qareport")
    level = logger.level
    yield
    logger.setLevel(level)
