"""A real PostgreSQL server of the test run's own, on loopback, thrown away with it unless it is to be kept."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy

#: Set where tests must not be skipped because a program is missing (.ci/run).
REQUIRE_ALL = "QAREPORT_REQUIRE_ALL"


def programs() -> Path | None:
    """Find PostgreSQL's programs, which Debian keeps out of the path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    initdb = shutil.which("initdb")
    return Path(initdb).parent if initdb else folders[-1] if folders else None


@contextmanager
def running(bin_folder: Path, *, buffers: str = "128MB", keep: Path | None = None) -> Iterator[str]:
    """Start a server and yield its URL without a database's name. It refuses to run as root: then as `postgres`.

    Args:
        bin_folder: of PostgreSQL's programs.
        buffers: what the server keeps of its files in memory of its own (`shared_buffers`).
        keep: folder of the server's files, which outlive it; None: they are thrown away with it.
    """
    user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    folder = keep.resolve() if keep else Path(tempfile.mkdtemp(prefix="qareport-postgres-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if user:
            shutil.chown(folder, "postgres")
        data, port = folder / "data", _free_port()

        def run(program: str, *arguments: str) -> None:
            done = subprocess.run(
                [*user, str(bin_folder / program), *arguments], cwd=folder, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr

        if not data.exists():
            run("initdb", "--pgdata", str(data), "--username", "qareport", "--auth", "trust", "--no-sync", "-E", "UTF8")
        # Nothing outlives the server, and what looks after databases in the background would look after hundreds.
        thrown_away = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c autovacuum=off"
        options = f"-p {port} -h 127.0.0.1 -k {folder} -c max_connections=50 -c shared_buffers={buffers} {thrown_away}"
        patiently = ("--wait", "--timeout", "600", "--pgdata", str(data))
        run("pg_ctl", "start", *patiently, "--log", str(folder / "log"), "--options", options)
        try:
            yield f"postgresql://qareport:secret@127.0.0.1:{port}"
        finally:
            run("pg_ctl", "stop", *patiently, "--mode", "fast" if keep else "immediate")
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def own_database(name: str, *, keep: Path | None = None) -> Iterator[str]:
    """Start a server for one database, for a benchmark; yields the database's URL.

    It has a quarter of the memory for buffers, as PostgreSQL's documentation has it for a server of its own.

    Args:
        name: of the database.
        keep: folder in which the server's files are kept for the next run; None: they are thrown away.
    """
    bin_folder = programs()
    if bin_folder is None:
        raise SystemExit("PostgreSQL is not installed (Debian: postgresql)")
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with running(bin_folder, buffers=f"{memory // 4 >> 20}MB", keep=keep) as server:
        yield _find_database(server, name) or make_database(server, name)


def make_database(server: str, name: str, *, template: str = "template1") -> str:
    """Make a database, empty or as another one is, and return its URL."""
    _execute(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return f"{server}/{name}"


def _find_database(server: str, name: str) -> str | None:
    """Return the URL of a database; None: there is none."""
    found = _execute(server, f"SELECT 1 FROM pg_database WHERE datname = '{name}'")  # noqa: S608 - a name of ours
    return f"{server}/{name}" if found else None


def _execute(server: str, statement: str) -> Sequence[Any]:
    address = sqlalchemy.make_url(f"{server}/postgres").set(drivername="postgresql+pg8000")
    engine = sqlalchemy.create_engine(address, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        done = connection.execute(sqlalchemy.text(statement))
        return done.all() if done.returns_rows else ()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
