"""The parent of `qareport serve`: starts the web process and the worker, and starts each again when it ends.

A process that ends is started again after 1, 2, 4 … 30 s; one that ran for a minute starts from 1 s again. SIGTERM and
SIGINT are passed on, and the parent ends when its children have, after 8 s at the latest.
"""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Final

#: Seconds for the children to end by themselves.
GRACE_S: Final = 8.0
_FIRST_S, _LONGEST_S, _STEADY_S = 1.0, 30.0, 60.0
_LOOK_S = 0.1


@dataclass(slots=True, kw_only=True)
class Child:
    """A process that is kept running."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    #: When it may start again, and how long the next wait is.
    next_start: float = 0.0
    wait_s: float = _FIRST_S


class Parent:
    """Keeps children running until it is told to stop."""

    def __init__(
        self,
        children: Sequence[Child],
        *,
        on_end: Callable[[str, int, float], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the children.

        Args:
            children: what to run.
            on_end: called with a child's name, its exit status and the seconds until it starts again.
            clock: seconds, never backwards.
        """
        self.children: Final = children
        self._on_end = on_end
        self._clock = clock
        self.stopping: Final = threading.Event()

    def run(self) -> None:
        """Keep the children running until `stopping` is set or a signal asks to stop; then end them."""
        kept = {number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            while not self.stopping.is_set():
                for child in self.children:
                    self._tend(child)
                self.stopping.wait(_LOOK_S)
        finally:
            self._end_all()
            for number, handler in kept.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping.set()

    def _tend(self, child: Child) -> None:
        now = self._clock()
        if child.process is None:
            if now >= child.next_start:
                child.process = subprocess.Popen(child.command)  # noqa: S603 - this program itself
                child.began = now
            return
        status = child.process.poll()
        if status is None:
            return
        child.process = None
        if now - child.began >= _STEADY_S:
            child.wait_s = _FIRST_S
        child.next_start = now + child.wait_s
        self._on_end(child.name, status, child.wait_s)
        child.wait_s = min(2 * child.wait_s, _LONGEST_S)

    def _end_all(self) -> None:
        running = [child.process for child in self.children if child.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + GRACE_S
        for process in running:
            try:
                process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
