"""The command line, run as a user runs it: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


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
