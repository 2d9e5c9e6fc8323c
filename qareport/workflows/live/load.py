"""What is heard first, how often open utterances are heard, and when new calls are refused, by how busy the model is.

Queue: finals, then provisional text of customers, then that of agents; of each the oldest first. Provisional text comes
each `partial_ms`, each 1,000 ms above 60 % busy, each 1,500 ms above 75 %, and not at all above 90 %. From 60 % on that
of agents, in which nothing is signalled, comes a step less often, and all the less often the longer an utterance is: it
is heard from its beginning each time.
"""

from __future__ import annotations

import bisect
from collections import deque
from dataclasses import dataclass, field
from typing import Final

#: Utterances that are heard together.
BATCH: Final = 32
#: In milliseconds of sound: so much of open utterances is heard in one tick, and so much above 60 % busy: a sentence
#: that ends in the meantime waits for all of them.
_PROVISIONAL_MS: Final = (20_000, 5_000)
#: From this share of busy time on, in descending order, provisional text comes so often (ms); None: not at all.
_INTERVALS: Final = ((0.90, None), (0.75, 1500), (0.60, 1000))
#: Above this share emotion is judged by utterance, no longer by sentence.
SPARING: Final = 0.75
#: Above this share an utterance that pauses is not heard before it is known to have ended.
WAITING: Final = 0.95
#: Provisional text waits until an utterance has grown by a share of what was heard of it: by this at 1,000 ms.
_GROWTH: Final = 1 / 3
#: Above this share for so long, new calls are refused.
_OVERLOAD, _OVERLOAD_S = 0.95, 10.0
#: Busy time is measured over so long.
_WINDOW_S = 3.0


#: In seconds: by these sizes delays are counted.
BOUNDS_S: Final = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)


@dataclass(slots=True)
class DelayCounts:
    """How late something came, counted by size: up to each of `BOUNDS_S`, and later. One thread adds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    total_s: float = 0.0

    def add(self, delay_s: float) -> None:
        """Count a delay; one that the clocks make less than nothing is none."""
        self.counts[bisect.bisect_left(BOUNDS_S, delay_s)] += 1
        self.total_s += max(0.0, delay_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFigures:
    """How a worker gets on with live calls, since it began."""

    #: The share of the last seconds in which the thread worked that hears.
    busy: float = 0.0
    #: As `DelayCounts`, of sentences and of alerts.
    final_counts: tuple[int, ...] = (0,) * (len(BOUNDS_S) + 1)
    final_s: float = 0.0
    alert_counts: tuple[int, ...] = (0,) * (len(BOUNDS_S) + 1)
    alert_s: float = 0.0


@dataclass(slots=True)
class Load:
    """How busy the thread is that hears."""

    #: When each tick ended, how long since the one before, and how much of that it worked, in seconds.
    _ticks: deque[tuple[float, float, float]] = field(default_factory=deque)
    _over_since: float | None = None

    def ticked(self, at_s: float, passed_s: float, worked_s: float) -> None:
        """Note a tick."""
        self._ticks.append((at_s, passed_s, worked_s))
        while self._ticks[0][0] < at_s - _WINDOW_S:
            self._ticks.popleft()
        if self.busy <= _OVERLOAD:
            self._over_since = None
        elif self._over_since is None:
            self._over_since = at_s

    @property
    def busy(self) -> float:
        """The share of the last seconds in which it worked."""
        passed = sum(tick[1] for tick in self._ticks)
        return sum(tick[2] for tick in self._ticks) / passed if passed else 0.0

    @property
    def is_overloaded(self) -> bool:
        """Tell whether new calls are to be refused."""
        return self._over_since is not None and self._ticks[-1][0] - self._over_since >= _OVERLOAD_S

    @property
    def provisional_ms(self) -> int:
        """How much sound of open utterances may be heard in one tick."""
        return _PROVISIONAL_MS[self.busy > _INTERVALS[-1][0]]

    def interval_ms(self, usual_ms: int, *, heard_ms: int = 0, agent: bool = False) -> int | None:
        """Return how much more must be said until an open utterance is heard again; None: it is not.

        Args:
            usual_ms: while there is time for everything.
            heard_ms: how much of the utterance was heard.
            agent: whether the agent says it.
        """
        busy = self.busy
        step = next((step for step, (share, _) in enumerate(_INTERVALS) if busy > share), len(_INTERVALS))
        if agent and step < len(_INTERVALS):
            step = max(0, step - 1)
        if step == len(_INTERVALS):
            return usual_ms
        interval = _INTERVALS[step][1]
        if interval is None:
            return None
        return max(interval, usual_ms, round(heard_ms * _GROWTH * interval / 1000))
