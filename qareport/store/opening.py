"""Opening a store: the database library's engine, its settings, the newest tables, and its errors in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import event, text

from qareport.errors import NoStoreError, StoreError
from qareport.store.schema import REVISION

#: What a store without revisions has in SQLite's user_version.
_FIRST_VERSION = 1
#: The advisory lock under which a PostgreSQL store is brought up to date: "qa-store" in ASCII.
_UPGRADE_LOCK = 0x71612D73746F7265


def shown(url: str) -> str:
    """Return a store URL as it may be shown: without its password."""
    try:
        return sqlalchemy.make_url(url).render_as_string(hide_password=True)
    except sqlalchemy.exc.ArgumentError:
        return url


def open_engine(url: str, *, make: bool) -> sqlalchemy.Engine:
    """Open a store, bringing it up to date where needed.

    Args:
        url: an SQLAlchemy URL. `postgresql://…` is spoken to through pg8000.
        make: whether to make one where there is none.

    Raises:
        StoreError: no such place, no permission, not a store, or a store of a newer version.
        NoStoreError: there is none, and none is to be made.
    """
    where = shown(url)
    with mapped(where):
        parsed = sqlalchemy.make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+pg8000")
        engine = sqlalchemy.create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _set_up_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            if not make and parsed.database and not Path(parsed.database).exists():  # to connect would make the file
                raise _no_store(f"{Path(parsed.database).absolute()} does not exist", where)
            if parsed.database and not Path(parsed.database).parent.is_dir():
                raise StoreError("its folder does not exist", where=where, to_do=f"make {Path(parsed.database).parent}")
        try:
            with engine.connect() as connection:
                current = _revision(connection)
                if not make and current is None and _user_version(connection) == 0:
                    raise _no_store("the database holds none", where)
            if current != REVISION:
                with engine.execution_options(writes=True).begin() as connection:
                    _upgrade(connection, where)
        except BaseException:
            engine.dispose()
            raise
    return engine


def _no_store(why: str, where: str) -> NoStoreError:
    return NoStoreError(
        f"there is no store: {why}",
        where=where,
        expected="one that `qareport run`, `analyse` or `daily` has filled",
        to_do="name it with --store, or run one of these first",
    )


def _upgrade(connection: sqlalchemy.Connection, where: str) -> None:
    """Run the revisions that a store lacks, all or none; processes that open it at the same time wait."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _UPGRADE_LOCK})
    current = _revision(connection)
    if current == REVISION:
        return  # another process was faster
    if (current is None and _user_version(connection) > _FIRST_VERSION) or (current or "") > REVISION:
        raise StoreError(
            f"made by a newer version of qareport (store revision {current or _user_version(connection)})",
            where=where,
            expected=f"store revision {REVISION} or older",
            to_do="use that version, or name another store with --store",
        )
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
    """Return the revision of a store; None for one of before there were revisions, and for an empty one."""
    if not sqlalchemy.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _user_version(connection: sqlalchemy.Connection) -> int:
    if connection.dialect.name != "sqlite":
        return 0
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())


def _set_up_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would come too late, see _begin_sqlite
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout = 10000")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")  # what is deleted does not linger in the file
    cursor.close()


def _begin_sqlite(connection: sqlalchemy.Connection) -> None:
    # A deferred transaction that reads, then writes fails at once when another process writes; an immediate one waits.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def mapped(where: str) -> Iterator[None]:
    """Turn every error of the database library into a StoreError that says what to do."""
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
    known = (
        ("fts5", "SQLite was built without FTS5 for this Python: use another build of Python, or PostgreSQL"),
        ("malformed", "the file is damaged: keep it as it is, and bring back the newest backup (docs/deploy.md)"),
        (
            "not a database",
            "the file is no store, or damaged: check the name, or bring back the newest backup (docs/deploy.md)",
        ),
        ("locked", "another process writes for long: wait, then run the same command again"),
        ("full", "make room on the disk, then run the same command again: what was stored stays"),
        ("readonly", "allow this user to write the file and its folder"),
        ("password authentication", "check user and password in the store URL"),
        ("connect", "check that the server runs and may be reached"),
    )
    for sign, advice in known:
        if sign in reason:
            return advice
    return "check that the disk has room and the file may be written"
