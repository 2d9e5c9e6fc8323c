"""Run qareport in forked processes that need not import it first, so that kills hit its work and not its start."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

from tests.support.paths import ROOT

#: The child's program: reads a command a line, answers with its process id, then with its exit status.
_CODE = """
import contextlib, json, os, sys
from qareport import cli
import qareport.report.formats.docx, qareport.report.formats.html, qareport.report.period.view, qareport.rules, alembic
with contextlib.redirect_stdout(sys.stderr):
    for name in sys.argv[1:]:
        __import__(name)
for line in sys.stdin:
    output, *arguments = json.loads(line)
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        os.dup2(2, 1)
        status = cli.main(arguments)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


class Forked:
    """A process that has everything imported, and forks a run at a time. Use as a context manager."""

    def __init__(self, cwd: Path, *modules: str) -> None:
        """Start it, with more modules imported than every run needs."""
        self._output = cwd / "output.txt"
        self._parent = subprocess.Popen(
            [sys.executable, "-c", _CODE, *modules],
            cwd=cwd,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._parent.communicate()

    def run(self, *arguments: str, kill_after_s: float | None = None) -> tuple[int, str]:
        """Run a command, killed after so many seconds if it has not ended. Return its status and its output."""
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(json.dumps([str(self._output), *arguments]).encode() + b"\n")
        pid = int(self._parent.stdout.readline())
        if not select.select([self._parent.stdout], [], [], kill_after_s)[0]:
            os.kill(pid, signal.SIGKILL)
        status = int(self._parent.stdout.readline())
        return status, self._output.read_text("utf-8", "replace")
