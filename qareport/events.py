"""What became of each step, for logs that programs read: one event a step, with the call's name in it.

Events go to the logger `qareport.events` at level INFO; the command line decides how they are written. They hold names
of calls and orders, counts and reasons, the last masked: no words that were said, no numbers to call, no addresses.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from qareport import privacy

_log = logging.getLogger(__name__)
#: A progress hook `(step, done, total)`: calls or orders that have passed a step, of how many (0 = not known).
Progress = Callable[[str, int, int], None]

#: The attribute of a log record that holds the fields of an event.
FIELDS = "event_fields"


def happened(step: str, outcome: str, *, duration_ms: int | None = None, **more: object) -> None:
    """Log that a step ended.

    Args:
        step: decode, transcribe, analyse, render, send, delete, or a step of a daily run.
        outcome: done, kept (it had been done before), failed, or the state of a mail or run.
        duration_ms: how long it took, by a clock that is never set.
        more: call_id, order_id, reason …; None is left out. `reason` and `problems` are masked.
    """
    if not _log.isEnabledFor(logging.INFO):
        return
    timed = {} if duration_ms is None else {"duration_ms": duration_ms}
    fields: Mapping[str, object] = {
        "step": step,
        "outcome": outcome,
        **timed,
        **{name: _masked(name, value) for name, value in more.items() if value is not None},
    }
    text = " ".join(f"{name}={value}" for name, value in fields.items())
    _log.info("%s", text, extra={FIELDS: fields})


def _masked(name: str, value: object) -> object:
    if name == "problems" and isinstance(value, list):
        return [privacy.mask(str(one))[0] for one in value]
    return privacy.mask(str(value))[0] if name == "reason" else value


class Stopwatch:
    """Measures how long steps take, each from the end of the one before."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def lap_ms(self) -> int:
        """Return the milliseconds since the last time that this was asked, or since the beginning."""
        now = time.monotonic()
        elapsed, self._last = now - self._last, now
        return round(elapsed * 1000)
