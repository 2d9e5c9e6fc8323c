"""How log lines are written: as text for people, or as one JSON object a line for programs."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from qareport import privacy
from qareport.events import FIELDS

_state = {"json": False}


class _Json(JsonFormatter):
    """One object a line: time, level, logger, message, and the fields of an event. Personal data is masked."""

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
                log_data[name] = privacy.mask(str(log_data[name]))[0]
        return log_data


def set_up(*, as_json: bool, verbose: bool) -> None:
    """Write log lines to stderr from now on: with JSON all events, else only what -v asks for."""
    _state["json"] = as_json
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    quiet = logging.INFO if as_json else logging.CRITICAL
    logging.getLogger("qareport").setLevel(logging.DEBUG if verbose else quiet)
    if as_json:
        logging.captureWarnings(True)
        for handler in logging.getLogger().handlers:
            handler.setFormatter(_Json(json_ensure_ascii=False))


def is_json() -> bool:
    """Whether everything on stderr is to be JSON."""
    return _state["json"]
