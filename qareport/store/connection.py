"""Connections to the database, statements that several repositories use, and errors in plain words."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy
from sqlalchemy import delete, event, text
from sqlalchemy.orm import Session

from qareport.codec import from_json
from qareport.errors import DamagedError, InUseError, NoStoreError, StoreError, StoreFullError, os_reason, redact
from qareport.files import FILE_MODE, user_name
from qareport.messages import Message, say
from qareport.model import Call, FailedCall
from qareport.store.creation import is_empty, make_store
from qareport.store.schema import REVISION, Base, CallRow

T = TypeVar("T")

#: What to do, by words of the database's own message; the first that match count.
_ADVICE = (
    ("fts5", say("SQLite was built without FTS5 for this Python: use another build of Python, or PostgreSQL")),
    (
        "malformed",
        say("the file is damaged: keep it as it is, and bring back the newest backup (docs/guide/deploy.md)"),
    ),
    (
        "not a database",
        say("the file is no store, or damaged: check the name, or bring back the newest backup (docs/guide/deploy.md)"),
    ),
    ("locked", say("another process writes for long: wait, then run the same command again")),
    ("full", say("make room on the disk, then run the same command again: what was stored stays")),
    ("readonly", say("allow this user to write the file and its folder")),
    ("password authentication", say("check user and password in the store URL")),
    ("QueuePool limit", say("too many threads use the store at once: wait, then try again")),
    ("connect", say("check that the server runs and may be reached")),
)


#: What SQLite says when files and disks are at fault, in the reader's language.
_SQLITE_REASONS = {reason.template: reason for reason in (
    say("attempt to write a readonly database"), say("database is locked"), say("database or disk is full"),
    say("database disk image is malformed"), say("file is not a database"), say("unable to open database file"),
    say("disk I/O error"),
)}  # fmt: skip
#: Kinds of errors, by words of the database's own message.
_KINDS = (("locked", InUseError), ("disk is full", StoreFullError), ("No space left", StoreFullError))


@contextmanager
def map_errors(where: str) -> Iterator[None]:
    """Turn errors of the database library into a `StoreError` that says what to do; `where` is the URL, no password."""
    try:
        yield
    except ModuleNotFoundError as error:
        extra = "qareport[postgres]" if error.name == "pg8000" else str(error.name)
        what, to_do = (
            say("its database driver is missing: {name}", name=error.name),
            say("pip install '{extra}'", extra=extra),
        )
        raise StoreError(what, where=where, to_do=to_do) from error
    except sqlalchemy.exc.SQLAlchemyError as error:
        reason = _reason(getattr(error, "orig", None) or error)
        kind = next((kind for words, kind in _KINDS if words in reason), StoreError)
        raise kind(_SQLITE_REASONS.get(reason, reason), where=where, to_do=_to_do(reason)) from error


def _reason(error: object) -> str:
    parts = getattr(error, "args", ())
    if parts and isinstance(parts[0], dict):  # pg8000: the server's message under "M"
        return str(parts[0].get("M", parts[0]))
    said = re.sub(r"\s*\(timeout is .*\)\.?$", "", str(error).partition("\n")[0])  # pg8000 lists its arguments
    return said or type(error).__name__


def _to_do(reason: str) -> Message:
    for words, advice in _ADVICE:
        if words in reason:
            return advice
    return say("check that the disk has room and the file may be written")


def from_stored(kind: type[T], text: str | bytes, *, where: str) -> T:
    """Read a value as the store wrote it.

    Raises:
        DamagedError: it cannot be read.
    """
    return from_json(kind, text, where=where, error=DamagedError)


def call_of(row: CallRow, url: str) -> Call:
    """Return what is known of a call; of a damaged row what its other columns tell."""
    try:
        return from_stored(Call, row.call, where=f"{url} call {row.call_id}")
    except DamagedError:
        return Call(
            call_id=row.call_id,
            audio_path="",
            order_id=row.order_id,
            agent_id=row.agent_id,
            started_at=datetime.fromisoformat(row.started_at) if row.started_at else None,
        )


def failure_of(row: CallRow, url: str) -> FailedCall | None:
    """Return the failure of a call; one that cannot be read is a failure, too."""
    if row.failure is None:
        return None
    try:
        return from_stored(FailedCall, row.failure, where=f"{url} call {row.call_id}")
    except DamagedError as error:
        return damaged(row, url, error)


def damaged(row: CallRow, url: str, error: DamagedError) -> FailedCall:
    """Make the failure of a call whose row or result cannot be read: it stays in every list with this reason."""
    return FailedCall.of(
        call_of(row, url),
        "analyse",
        say("damaged in the store: {reason}; run it again from its recording or transcript", reason=error),
    )


V = TypeVar("V")
#: Keys that one statement names; SQLite takes 32,766 variables, and plans few of them quicker.
BATCH = 500


def in_utc(instant: datetime) -> str:
    """Write an instant so that text sorts as time does: ISO 8601 in UTC with microseconds."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


def upsert(session: Session, row: type[Base], **values: Any) -> None:
    """Insert a row, or update these columns of it where its key exists. Several processes may do it at once."""
    session.execute(_upsert_of(session.get_bind().dialect.name, row, tuple(values)), values)


@functools.cache
def _upsert_of(dialect: str, row: type[Base], names: tuple[str, ...]) -> Any:
    """Return the statement; making it takes longer than running it."""
    statement = _insert_of(dialect)(row)
    keys = [column.name for column in row.__table__.primary_key]
    changed = {name: statement.excluded[name] for name in names if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)


def _insert_of(dialect: str) -> Any:
    """Return what makes the statement; a dialect takes long to import, so only the one in use is."""
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as insert_postgresql

        return insert_postgresql
    from sqlalchemy.dialects.sqlite import insert as insert_sqlite

    return insert_sqlite


def began_in(query: Any, first: datetime, last: datetime) -> Any:
    """Restrict a query to calls that began in [first, last), and order it by their start."""
    return (
        query.select_from(CallRow)
        .where(CallRow.started_utc >= in_utc(first), CallRow.started_utc < in_utc(last))
        .order_by(CallRow.started_utc, CallRow.call_id)
    )


def batches(values: Sequence[V], size: int = BATCH) -> Iterator[Sequence[V]]:
    """Cut many values into pieces that one statement takes."""
    for first in range(0, len(values), size):
        yield values[first : first + size]


def select_in(session: Session, query: Any, column: Any, values: Sequence[str]) -> Iterator[Any]:
    """Run a query for the rows whose column is one of many values. Yields its first column."""
    for batch in batches(values):
        yield from session.scalars(query.where(column.in_(batch)))


def delete_in(session: Session, column: Any, values: Sequence[Any]) -> None:
    """Delete the rows whose column is one of many values."""
    for batch in batches(values):
        session.execute(delete(column.class_).where(column.in_(batch)).execution_options(synchronize_session=False))


#: What a store without revisions has in SQLite's user_version.
_FIRST_VERSION = 1
#: The advisory lock under which a PostgreSQL store is brought up to date: "qa-store" in ASCII.
_UPGRADE_LOCK = 0x71612D73746F7265
#: As many connections as a web server has threads (Starlette: 40). The one used last, whose caches are warm, is next.
_SQLITE_POOL = {"pool_size": 8, "max_overflow": 32, "pool_use_lifo": True}
#: So long a process waits for another that writes to the file.
BUSY_MS = 10_000


_SQLITE_FILE = re.compile(r"sqlite(?:\+pysqlite)?:///(?!:memory:$)(.+)", re.DOTALL)
#: A store that ends with its process; its other spellings are more likely slips, and are refused.
_IN_MEMORY = "sqlite://"


def parse_url(url: str) -> sqlalchemy.URL:
    """Read a store URL. What follows `sqlite:///` is a path as it stands, with blanks, %, ? and # in it.

    Raises:
        StoreError: it is not the URL of a store.
    """
    if path := _SQLITE_FILE.fullmatch(url):
        return sqlalchemy.URL.create("sqlite", database=path[1])
    try:
        parsed = sqlalchemy.make_url(url)
    except (sqlalchemy.exc.ArgumentError, ValueError):
        parsed = None
    backend = parsed.get_backend_name() if parsed is not None else ""
    if parsed is None or (backend not in ("postgresql", "postgres") and url != _IN_MEMORY):
        raise StoreError(
            say("not a store URL"),
            where=redact(url),
            expected=say("for example sqlite:///qareport.db or postgresql://user:password@host/database"),
        )
    return parsed


def show_url(url: str) -> str:
    """Return a store URL without its password."""
    if _SQLITE_FILE.fullmatch(url):
        return redact(url)
    return redact(parse_url(url).render_as_string(hide_password=True))


def open_engine(url: str, *, make: bool, check: bool = True) -> sqlalchemy.Engine:
    """Open a store, and bring it up to date where needed.

    Args:
        url: an SQLAlchemy URL. `postgresql://…` is reached through pg8000.
        make: whether to make a store where there is none.
        check: whether to look at the revision of the store; always done for an SQLite file that does not exist.

    Raises:
        StoreError: no such place, no permission, not a store, or a store of a newer version.
        NoStoreError: there is none, and none is to be made.
        sqlalchemy.exc.SQLAlchemyError: the database cannot be used.
    """
    where = show_url(url)
    parsed = parse_url(url)
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+pg8000")
    if parsed.get_backend_name() == "sqlite":
        check = _check_place(parsed, where, make=make) or check
        engine = sqlalchemy.create_engine(parsed, **(_SQLITE_POOL if parsed.database else {}))
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        if parsed.username is None and "user" not in parsed.query:
            parsed = parsed.set(username=user_name())  # as PostgreSQL's own programs do
        engine = sqlalchemy.create_engine(parsed, pool_pre_ping=True)
        event.listen(engine, "connect", _set_up_postgresql)
    if check:
        try:
            _bring_up_to_date(engine, where, make=make)
        except TypeError as error:  # the driver was given a parameter that it does not know
            raise StoreError(say("not a store URL: {reason}", reason=str(error)), where=where) from error
        except BaseException:
            engine.dispose()
            raise
    return engine


def _check_place(url: sqlalchemy.URL, where: str, *, make: bool) -> bool:
    """Refuse a file that is not there and must not be made. Returns whether the file is yet to be made."""
    if not url.database:
        return False
    path = Path(url.database)
    if path.is_dir():
        raise StoreError(say("is a folder"), where=where, to_do=say("name a file in it"))
    if path.exists():
        return False
    if not make:  # to connect would make the file
        raise _no_store(say("{path} does not exist", path=path.absolute()), where)
    if path.parent.exists() and not path.parent.is_dir():
        raise StoreError(say("{path} is a file, not a folder", path=path.parent), where=where)
    if not path.parent.is_dir():
        raise StoreError(say("its folder does not exist"), where=where, to_do=say("make {folder}", folder=path.parent))
    try:  # SQLite itself would let everybody read it
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, FILE_MODE))
    except OSError as error:
        raise StoreError(
            say("cannot be made: {reason}", reason=os_reason(error)),
            where=where,
            to_do=say("check {folder}", folder=path.parent),
        ) from error
    return True


def _no_store(why: Message, where: str) -> NoStoreError:
    return NoStoreError(
        say("there is no store: {why}", why=why),
        where=where,
        expected=say("one that `qareport run`, `analyse` or `daily` has filled"),
        to_do=say("name it with --store, or run one of these first"),
    )


def _bring_up_to_date(engine: sqlalchemy.Engine, where: str, *, make: bool) -> None:
    with engine.connect() as connection:
        current = _revision(connection)
        if not make and current is None and _user_version(connection) == 0:
            raise _no_store(say("the database holds none"), where)
    if current != REVISION:
        with engine.execution_options(writes=True).begin() as connection:
            _upgrade(connection, where)


def _upgrade(connection: sqlalchemy.Connection, where: str) -> None:
    """Make the tables of a new store, or run the revisions that an old one lacks, all or none.

    Processes that open it at the same time wait.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _UPGRADE_LOCK})
    current = _revision(connection)
    if current == REVISION:
        return  # another process was faster
    if (current is None and _user_version(connection) > _FIRST_VERSION) or (current or "") > REVISION:
        raise StoreError(
            say(
                "made by a newer version of qareport (store revision {revision})",
                revision=current or _user_version(connection),
            ),
            where=where,
            expected=say("store revision {revision} or older", revision=REVISION),
            to_do=say("use that version, or name another store with --store"),
        )
    if current is None and _user_version(connection) == 0 and is_empty(connection):
        make_store(connection)
        return
    # Alembic takes 0.2 s to import: only a store that needs it waits for it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    if current is None and _user_version(connection) == _FIRST_VERSION:
        command.stamp(config, "0001")
    command.upgrade(config, "head")


def _revision(connection: sqlalchemy.Connection) -> str | None:
    """Return the revision of a store; None for one from before there were revisions, and for an empty one."""
    if not sqlalchemy.inspect(connection).has_table("alembic_version"):
        return None
    number = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if number is None else str(number)


def _user_version(connection: sqlalchemy.Connection) -> int:
    if connection.dialect.name != "sqlite":
        return 0
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())


def _set_up_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would come too late, see _begin_sqlite
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")  # what is deleted does not linger in the file
    cursor.close()


def _set_up_postgresql(connection: Any, _: object) -> None:
    # The driver writes each message by itself: delayed until the one before is acknowledged, a statement takes 40 ms.
    with contextlib.suppress(OSError):  # a socket of this machine's file system has no such option
        connection._usock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    cursor = connection.cursor()
    # A search of a million sentences takes no longer than compiling it does.
    cursor.execute("SET jit = off")
    cursor.close()
    connection.commit()  # else it is rolled back with the transaction


def _begin_sqlite(connection: sqlalchemy.Connection) -> None:
    # A deferred transaction that reads, then writes fails at once when another process writes; an immediate one waits.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
