"""Fixtures that several test folders share."""

from __future__ import annotations

import importlib.util
import itertools
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from qareport.store import Store
from tests.support import postgres
from tests.support.command import DemoRun, start_qareport
from tests.support.hypothesis_profiles import load_profile
from tests.support.ray_cluster import LocalCluster
from tests.support.ray_cluster import running as running_ray

load_profile()
#: Tests read English messages, whatever the machine speaks; programs that they start do, too.
os.environ["LANGUAGE"] = "en"

_numbers = itertools.count()


@pytest.fixture(autouse=True)
def heard_by_every_test() -> None:
    """Undo what a command did to the log that an earlier test ran in its own process."""
    logging.getLogger("qareport").setLevel(logging.NOTSET)


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    """Run the demo once for all tests that look at what it made."""
    cwd = tmp_path_factory.mktemp("demo")
    ran = start_qareport(["demo", "--out", "out"], cwd=cwd)
    assert ran.status == 0, ran.stdout + ran.stderr
    return DemoRun(ran=ran, out=cwd / "out", cwd=cwd)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Run a PostgreSQL server for the whole session; where its programs are missing, its tests are skipped."""
    programs = postgres.programs()
    if programs is None:
        missing = "PostgreSQL is not installed (Debian: postgresql-15): see deploy/system-packages"
        if os.environ.get(postgres.REQUIRE_ALL):
            pytest.fail(missing)
        pytest.skip(missing)
    with postgres.running(programs) as server:
        yield server


@pytest.fixture(scope="module")
def ray_cluster() -> Iterator[LocalCluster]:
    """Run a Ray cluster of one node with two CPUs for a module; where ray is not installed, its tests are skipped."""
    if importlib.util.find_spec("ray") is None:
        missing = "ray is not installed: pip install 'qareport[ray]'"
        if os.environ.get(postgres.REQUIRE_ALL):
            pytest.fail(missing)
        pytest.skip(missing)
    with running_ray() as cluster:
        yield cluster


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """An empty PostgreSQL database."""
    return postgres.make_database(postgres_server, f"test_{next(_numbers)}")


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite store with nothing in it, to be copied: to make one takes longer than many a test."""
    path = tmp_path_factory.mktemp("empty") / "store.db"
    Store(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def empty_postgres_store(postgres_server: str) -> str:
    """The name of a PostgreSQL database that is a store with nothing in it, to be copied."""
    Store(postgres.make_database(postgres_server, "empty_store")).close()
    return "empty_store"


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store of the test's own with nothing in it, in each database that qareport works with."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("empty_store"), tmp_path / "store.db")
        return f"sqlite:///{tmp_path / 'store.db'}"
    template: str = request.getfixturevalue("empty_postgres_store")
    server: str = request.getfixturevalue("postgres_server")
    return postgres.make_database(server, f"test_{next(_numbers)}", template=template)


@pytest.fixture(params=["sqlite", "postgresql"])
def no_store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The place of a store that is not there yet, in each database that qareport works with."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(autouse=True)
def log_level() -> Iterator[None]:
    """Put back the level of the program's logger: a command run inside the test process sets it."""
    logger = logging.getLogger("qareport")
    level = logger.level
    yield
    logger.setLevel(level)
