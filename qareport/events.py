"""Structured log: one event for each step that ended, with the call's id in it, for programs that read logs.

Events go to the logger `qareport.events` at level INFO; `json_formatter` writes them as JSON lines. They hold ids of
calls and orders, counts and reasons, the last masked: no words of a call, no telephone numbers, no addresses.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from qareport.errors import QareportError, no_memory, redact
from qareport.messages import Message, say

_log = logging.getLogger(__name__)
#: A progress hook `(step, done, total)`: calls or orders that have passed a step, of how many (0 = not known).
Progress = Callable[[str, int, int], None]

#: The attribute of a log record that holds the fields of an event.
FIELDS = "event_fields"


def happened(step: str, outcome: str, *, duration_ms: int | None = None, **more: object) -> None:
    """Log that a step ended.

    Args:
        step: decode, transcribe, understand, analyse, render, send, delete, or a step of a daily run.
        outcome: done, kept (an earlier run had done it), failed, or the state of a mail or run.
        duration_ms: how long it took, by a monotonic clock.
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
        return [_mask(str(problem)) for problem in value]
    return _mask(str(value)) if name == "reason" else value


def _mask(text: str) -> str:
    from qareport import privacy  # its expressions take long to compile, and most commands do not log

    return privacy.mask(redact(text))[0]


def reason_of(error: Exception) -> Message | QareportError:
    """Word any error for a list, in the language of its reader; an unexpected one is logged with its traceback."""
    if isinstance(error, QareportError):
        return error
    if (lacking := no_memory(error)) is not None:
        return lacking
    _log.error("unexpected error", exc_info=error)
    return say(
        "unexpected {kind}: {error} (a fault in qareport: please report it; details with -v)",
        kind=type(error).__name__,
        error=redact(str(error)),
    )


def json_formatter() -> logging.Formatter:
    """Return a formatter that writes one JSON object a line: time, level, logger, and an event's fields or a message.

    Personal data in messages and tracebacks is masked.
    """
    from pythonjsonlogger.json import JsonFormatter

    class JsonLines(JsonFormatter):
        def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
            log_data["time"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
            log_data["level"] = record.levelname
            log_data["logger"] = record.name
            fields = getattr(record, FIELDS, None)
            if fields is None:
                log_data["message"] = record.getMessage()
                log_data.update({name: value for name, value in message_dict.items() if name == "exc_info" and value})
            else:
                log_data.update(fields)

        def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
            for name in ("message", "exc_info"):
                if name in log_data:
                    log_data[name] = _mask(str(log_data[name]))
            return log_data

    return JsonLines(json_ensure_ascii=False)


class Stopwatch:
    """Measures how long steps take, each from the end of the previous one."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def lap_ms(self) -> int:
        """Return the milliseconds since the previous call, or since the stopwatch was made."""
        now = time.monotonic()
        elapsed, self._last = now - self._last, now
        return round(elapsed * 1000)
