"""Engines of the database library: how a store is reached, set up and brought to the newest revision."""

from __future__ import annotations

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
#: A connection to a file costs little; as many as a web server has threads (Starlette: 40).
_SQLITE_POOL = {"pool_size": 8, "max_overflow": 32}


def show_url(url: str) -> str:
    """Return a store URL without its password."""
    try:
        return sqlalchemy.make_url(url).render_as_string(hide_password=True)
    except sqlalchemy.exc.ArgumentError:
        return url


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
    parsed = sqlalchemy.make_url(url)
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+pg8000")
    if parsed.get_backend_name() == "sqlite":
        check = _check_place(parsed, where, make=make) or check
        in_file = bool(parsed.database) and parsed.database != ":memory:"
        engine = sqlalchemy.create_engine(parsed, **(_SQLITE_POOL if in_file else {}))
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        engine = sqlalchemy.create_engine(parsed, pool_pre_ping=True)
    if check:
        try:
            _bring_up_to_date(engine, where, make=make)
        except BaseException:
            engine.dispose()
            raise
    return engine


def _check_place(url: sqlalchemy.URL, where: str, *, make: bool) -> bool:
    """Refuse a file that is not there and must not be made. Returns whether the file is yet to be made."""
    if not url.database or Path(url.database).exists():
        return False
    path = Path(url.database)
    if not make:  # to connect would make the file
        raise _no_store(f"{path.absolute()} does not exist", where)
    if not path.parent.is_dir():
        raise StoreError("its folder does not exist", where=where, to_do=f"make {path.parent}")
    return True


def _no_store(why: str, where: str) -> NoStoreError:
    return NoStoreError(
        f"there is no store: {why}",
        where=where,
        expected="one that `qareport run`, `analyse` or `daily` has filled",
        to_do="name it with --store, or run one of these first",
    )


def _bring_up_to_date(engine: sqlalchemy.Engine, where: str, *, make: bool) -> None:
    with engine.connect() as connection:
        current = _revision(connection)
        if not make and current is None and _user_version(connection) == 0:
            raise _no_store("the database holds none", where)
    if current != REVISION:
        with engine.execution_options(writes=True).begin() as connection:
            _upgrade(connection, where)


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
