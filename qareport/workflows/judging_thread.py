"""Judge calls in a thread of its own while others are transcribed: the model waits neither for rules nor for the store.

What is transcribed is judged at once and let go of, so that the memory of a run does not grow with its calls.
"""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self

from qareport.events import Progress
from qareport.model import Call, FailedCall
from qareport.workflows.judge import RuleBook, judge_calls
from qareport.workflows.transcribe import TranscribedCall

if TYPE_CHECKING:
    from qareport.store import Store

#: Transcripts that may wait to be judged; then the one who transcribes waits.
_MOST_WAITING = 64
#: In seconds: so often one who waits looks whether the thread still works.
_LOOK_S = 0.5


class JudgingThread:
    """Judges what is added, in that order. Use it as a context manager; what fails in it is raised to its user."""

    def __init__(self, store: Store, rule_book: RuleBook, *, total: int, on_progress: Progress) -> None:
        """Make the thread; it starts with the context.

        Args:
            store: where results are kept.
            rule_book: settings, topics, reader and rules.
            total: how many calls may come.
            on_progress: called from the thread after each call.
        """
        self._store, self._rule_book, self._total, self._on_progress = store, rule_book, total, on_progress
        self._waiting: queue.Queue[TranscribedCall | None] = queue.Queue(_MOST_WAITING)
        self._outcome: tuple[tuple[Call, ...], tuple[FailedCall, ...]] = (), ()
        self._error: BaseException | None = None
        context = contextvars.copy_context()  # the language of messages
        self._thread = threading.Thread(target=context.run, args=(self._work,), name="qareport-judge", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:  # what waits is judged by the next run
            self._drop_waiting()
        self._end()

    def add(self, item: TranscribedCall) -> None:
        """Have a call judged; wait while many wait already."""
        self._put(item)

    def finish(self) -> tuple[tuple[Call, ...], tuple[FailedCall, ...]]:
        """Wait until everything is judged. Returns the calls that have a result, and those that failed."""
        self._end()
        if self._error is not None:
            raise self._error
        return self._outcome

    def _work(self) -> None:
        try:
            self._outcome = judge_calls(
                self._items(), self._store, self._rule_book, total=self._total, on_progress=self._on_progress
            )
        except BaseException as error:  # noqa: BLE001 - raised again by `add` or `finish`
            self._error = error

    def _items(self) -> Iterator[TranscribedCall]:
        while (item := self._waiting.get()) is not None:
            yield item

    def _end(self) -> None:
        if self._thread.is_alive():
            self._put(None, to_end=True)
            self._thread.join()

    def _put(self, item: TranscribedCall | None, *, to_end: bool = False) -> None:
        while self._thread.is_alive():
            try:
                self._waiting.put(item, timeout=_LOOK_S)
            except queue.Full:
                continue
            return
        if self._error is not None and not to_end:
            raise self._error

    def _drop_waiting(self) -> None:
        while True:
            try:
                self._waiting.get_nowait()
            except queue.Empty:
                return
