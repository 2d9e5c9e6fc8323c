"""Run qareport in forked processes that need not import it first: a run costs its work alone, and kills hit that."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.support.paths import ROOT

#: What a run that hears recordings imports, too.
HEARING = ("funasr", "silero_vad", "qareport.asr.engine", "qareport.asr.sensevoice")
#: The child's program: reads a command a line, answers with its process id, then with its exit status.
_CODE = """
import contextlib, json, os, sys, traceback
from qareport import cli
import qareport.report.formats.docx, qareport.report.formats.html, qareport.report.period.view, qareport.rules, alembic
import qareport.understanding.bundled, qareport.workflows.judge
with contextlib.redirect_stdout(sys.stderr):
    for name in sys.argv[1:]:
        __import__(name)
for line in sys.stdin:
    cwd, environment, output, errors, arguments = json.loads(line)
    pid = os.fork()
    if pid == 0:
        status = 70
        try:
            os.chdir(cwd)
            os.environ.clear()
            os.environ.update(environment)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(os.open(output, os.O_WRONLY), 1)
            os.dup2(os.open(errors, os.O_WRONLY), 2)
            status = cli.main(arguments)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A command that has ended."""

    status: int
    stdout: str
    stderr: str


class Forked:
    """A process that has everything imported, and forks a run at a time. Use as a context manager, or call `close`."""

    def __init__(self, *modules: str) -> None:
        """Start it, with more modules imported than every run needs."""
        self._parent = subprocess.Popen(
            [sys.executable, "-c", _CODE, *modules],
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self._parent.communicate()

    def run(
        self,
        arguments: Sequence[str | Path],
        *,
        cwd: Path,
        environment: dict[str, str] | None = None,
        kill_after_s: float | None = None,
    ) -> Ran:
        """Run a command in a folder, killed after so many seconds if it has not ended."""
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        environment = dict(os.environ) if environment is None else environment
        with tempfile.NamedTemporaryFile() as output, tempfile.NamedTemporaryFile() as errors:
            command = [str(cwd), environment, output.name, errors.name, [*map(str, arguments)]]
            self._parent.stdin.write(json.dumps(command).encode() + b"\n")
            pid = int(self._parent.stdout.readline())
            if not select.select([self._parent.stdout], [], [], kill_after_s)[0]:
                os.kill(pid, signal.SIGKILL)
            status = int(self._parent.stdout.readline())
            out, err = (Path(file.name).read_text("utf-8", "replace") for file in (output, errors))
        return Ran(status=status, stdout=out, stderr=err)
