"""What takes long with rules, done aside so that no page waits for it: hits of 30 days are counted, edits replayed."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeVar

from qareport import periods
from qareport.errors import QareportError
from qareport.messages import say
from qareport.model import Agents
from qareport.rules import Replay
from qareport.store import Store

_log = logging.getLogger(__name__)
T = TypeVar("T")
#: Hits are counted over this time before the newest call.
RECENT: Final = timedelta(days=30)
#: Counts are so old at most; who asks waits for new ones so long at most.
_FRESH_S: Final = 600.0
_WAIT_S: Final = 2.0
_FAR: Final = (datetime(9998, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))


class RuleHits:
    """Counts the hits of stored calls by agent and rule; safe for threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._by_agent: dict[str | None, Counter[str]] | None = None
        self._counted_at = 0.0
        self._counting: threading.Thread | None = None

    def count(self, agents: Agents) -> Counter[str] | None:
        """Return the hits of each rule in calls of some agents; None while they are counted for the first time."""
        with self._lock:
            is_old = self._by_agent is None or time.monotonic() - self._counted_at > _FRESH_S
            if is_old and (self._counting is None or not self._counting.is_alive()):
                self._counting = threading.Thread(target=self._count, daemon=True)
                self._counting.start()
            counting = self._counting
        if counting is not None:
            counting.join(_WAIT_S)
        by_agent = self._by_agent
        if by_agent is None:
            return None
        return sum((hits for agent_id, hits in by_agent.items() if agents.holds(agent_id)), Counter())

    def _count(self) -> None:
        by_agent: defaultdict[str | None, Counter[str]] = defaultdict(Counter)
        try:
            newest = self._store.calls.list_starts_around(*_FAR)
            if newest:
                period = (newest[0] - RECENT, newest[0] + timedelta(seconds=1))
                for call in self._store.summaries.list(*period, summarise=periods.summarise_call):
                    by_agent[call.agent_id].update(hit.rule_id for hit in call.hits)
        except QareportError:  # the page shows no counts; whoever uses the store next is told
            return
        self._by_agent, self._counted_at = dict(by_agent), time.monotonic()


class ReplayState(StrEnum):
    """Of a replay."""

    RUNNING = "running"
    DONE = "done"
    #: A person stopped it.
    STOPPED = "stopped"
    FAILED = "failed"


class _StoppedError(Exception):
    """A person has stopped the replay."""


class ReplayRun:
    """A replay in a thread of its own: how far it is, and what came of it. Who asked may leave, come back, stop it."""

    def __init__(
        self, files: Mapping[str, str], user_id: int, *, sha256: str, total: int, first: date | None, last: date | None
    ) -> None:
        """Take what is asked; `start` begins.

        Args:
            files: texts in place of files.
            user_id: who asks.
            sha256: hash of the rule set with them.
            total: stored calls that it will walk through.
            first: only calls from this day on.
            last: only calls up to this day.
        """
        self.run_id: Final = secrets.token_hex(8)
        self.files: Final = files
        self.user_id: Final = user_id
        self.sha256: Final = sha256
        self.total: Final = total
        self.first: Final = first
        self.last: Final = last
        #: Calls that were walked through so far.
        self.done = 0
        self.state = ReplayState.RUNNING
        self.result: Replay | None = None
        self.problem: QareportError | None = None
        #: Whether who asked was shown the result.
        self.is_seen = False
        self._stopping = threading.Event()
        self._ended = threading.Event()

    def start(self, work: Callable[[], Replay], *, at_end: Callable[[], None]) -> None:
        """Begin; `work` walks through calls that pass through `counted`."""
        threading.Thread(target=self._run, args=(work, at_end), daemon=True).start()

    def counted(self, calls: Iterable[T]) -> Iterator[T]:
        """Pass calls on, counting them, until the replay is stopped."""
        for call in calls:
            if self._stopping.is_set():
                raise _StoppedError
            yield call
            self.done += 1

    def stop(self) -> None:
        """Let it end before the next call."""
        self._stopping.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it has ended, or for some seconds; tells whether it has."""
        return self._ended.wait(seconds)

    def _run(self, work: Callable[[], Replay], at_end: Callable[[], None]) -> None:
        state = ReplayState.FAILED
        try:
            self.result, state = work(), ReplayState.DONE
        except _StoppedError:
            state = ReplayState.STOPPED
        except QareportError as error:
            self.problem = error
        except Exception as error:  # noqa: BLE001 - it is logged, and who asked is told
            _log.exception("replay %s failed", self.run_id)
            self.problem = QareportError(say("the replay failed: {reason}", reason=type(error).__name__))
        finally:
            self.state = state
            at_end()
            self._ended.set()
