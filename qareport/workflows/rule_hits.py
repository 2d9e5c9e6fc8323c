"""How often each rule hit in the last 30 days, counted aside so that no page waits for it."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Final

from qareport import periods
from qareport.errors import QareportError
from qareport.model import Agents
from qareport.store import Store

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
