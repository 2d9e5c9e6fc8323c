"""The parent of `qareport serve`: starts the web process and the worker, and starts each again when it ends.

A process that ends is started again after 1, 2, 4 … 30 s; one that ran for a minute starts from 1 s again. SIGTERM and
SIGINT are passed on, and the parent ends when its children have, after 8 s at the latest. And how each of them gives
back the memory that it does not use any more.
"""

from __future__ import annotations

import ctypes
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
#: Settings of glibc's allocator (malloc.h): bytes from which on a buffer is mapped for itself, free bytes at the end of
#: the heap from which on they are given back, and how many heaps the threads share.
_ALLOCATION: Final = {"M_MMAP_THRESHOLD": (-3, 131_072), "M_TRIM_THRESHOLD": (-1, 131_072), "M_ARENA_MAX": (-8, 2)}
#: Seconds of work after which it is worth looking whether freed memory can go back.
_BUSY_S: Final = 0.05
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


def give_memory_back() -> bool:
    """Let large buffers go back to the system when they are freed; tells whether the allocator can be asked to.

    By itself glibc maps ever larger buffers within the heap once one has been freed, and what is freed there later
    stays with the process; each of a few dozen threads may also keep a heap of its own.
    """
    return _set_allocation(*_ALLOCATION)


def share_heaps() -> bool:
    """Let all threads share two heaps; tells whether the allocator can be asked to.

    By itself glibc gives eight to each core, and each keeps the most that was ever used in it. Large buffers are left
    as they are: a model asks for its own again and again, and to map them each time would take long.
    """
    return _set_allocation("M_ARENA_MAX")


def _set_allocation(*names: str) -> bool:
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
    return mallopt is not None and all(mallopt(*_ALLOCATION[name]) == 1 for name in names)


def trim() -> None:
    """Give freed pages within the heaps back to the system: glibc itself gives back only those at their ends."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none
    if malloc_trim is not None:
        malloc_trim(0)


def trim_until(stopping: threading.Event, *, every_s: float) -> None:
    """Give back from time to time what work has freed, until the event is set."""
    busy_s = time.process_time()
    while not stopping.wait(every_s):
        before_s, busy_s = busy_s, time.process_time()
        if busy_s - before_s > _BUSY_S:
            trim()
