"""Errors of the database library and its drivers as `StoreError`: what is wrong, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import sqlalchemy

from qareport.codec import from_json
from qareport.errors import StoreError

T = TypeVar("T")

#: What to do, by words of the database's own message; the first that match count.
_ADVICE = (
    ("fts5", "SQLite was built without FTS5 for this Python: use another build of Python, or PostgreSQL"),
    ("malformed", "the file is damaged: keep it as it is, and bring back the newest backup (docs/guide/deploy.md)"),
    (
        "not a database",
        "the file is no store, or damaged: check the name, or bring back the newest backup (docs/guide/deploy.md)",
    ),
    ("locked", "another process writes for long: wait, then run the same command again"),
    ("full", "make room on the disk, then run the same command again: what was stored stays"),
    ("readonly", "allow this user to write the file and its folder"),
    ("password authentication", "check user and password in the store URL"),
    ("QueuePool limit", "too many threads use the store at once: wait, then try again"),
    ("connect", "check that the server runs and may be reached"),
)


@contextmanager
def map_errors(where: str) -> Iterator[None]:
    """Turn every error of the database library into a `StoreError` that says what to do.

    Args:
        where: the store's URL, without its password.
    """
    try:
        yield
    except sqlalchemy.exc.ArgumentError as error:
        raise StoreError(
            f"not a store URL: {error}", where=where, expected="for example sqlite:///qareport.db"
        ) from error
    except ModuleNotFoundError as error:
        extra = "qareport[postgres]" if error.name == "pg8000" else str(error.name)
        raise StoreError(
            f"its database driver is missing: {error.name}", where=where, to_do=f"pip install '{extra}'"
        ) from error
    except sqlalchemy.exc.SQLAlchemyError as error:
        reason = _reason(getattr(error, "orig", None) or error)
        raise StoreError(reason, where=where, to_do=_to_do(reason)) from error


def _reason(error: object) -> str:
    parts = getattr(error, "args", ())
    if parts and isinstance(parts[0], dict):  # pg8000: the server's message under "M"
        return str(parts[0].get("M", parts[0]))
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _to_do(reason: str) -> str:
    for words, advice in _ADVICE:
        if words in reason:
            return advice
    return "check that the disk has room and the file may be written"


def from_stored(kind: type[T], text: str | bytes, *, where: str) -> T:
    """Read a value as the store wrote it.

    Raises:
        StoreError: it is damaged.
    """
    return from_json(kind, text, where=where, error=StoreError)
