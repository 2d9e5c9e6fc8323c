"""The command line, run as a user runs it: in a process of its own."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.support.forked import HEARING, Forked, Ran


def run_qareport(arguments: Sequence[str | Path], *, cwd: Path) -> Ran:
    """Run the command line in a process of its own, which has been imported already; `start_qareport` is slower."""
    return _forked("demo" in arguments).run(arguments, cwd=cwd, environment=_without_network())


def start_qareport(arguments: Sequence[str | Path], *, cwd: Path) -> Ran:
    """Run the real command line, from the start of Python to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "qareport", *map(str, arguments)],
        cwd=cwd,
        env=_without_network() | {"PYTHONWARNINGS": "default"},
        capture_output=True,
        text=True,
        check=False,
    )
    return Ran(status=done.returncode, stdout=done.stdout, stderr=done.stderr)


def _without_network() -> dict[str, str]:
    """Return the environment, with no network to fall back on."""
    nowhere = "http://127.0.0.1:9"
    return os.environ | {"HTTPS_PROXY": nowhere, "HTTP_PROXY": nowhere}


@cache
def _forked(hearing: bool) -> Forked:
    forked = Forked(*HEARING) if hearing else Forked()
    atexit.register(forked.close)
    return forked


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
