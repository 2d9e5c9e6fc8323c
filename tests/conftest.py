"""Fixtures that several test folders share."""

from __future__ import annotations

import itertools
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

from tests.support import postgres

# Every run tries the same examples, so that nothing fails by chance; `make explore` looks further, with a new seed
# each time.
hypothesis.settings.register_profile("steady", derandomize=True, deadline=None, database=None)
hypothesis.settings.register_profile("explore", max_examples=2_000, deadline=None, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

_numbers = itertools.count()
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A command that has ended."""

    status: int
    stdout: str
    stderr: str


def run_qareport(arguments: Sequence[str | Path], *, cwd: Path) -> Ran:
    """Run the real command line in a process of its own, with no network to fall back on."""
    nowhere = "http://127.0.0.1:9"
    environment = os.environ | {"HTTPS_PROXY": nowhere, "HTTP_PROXY": nowhere, "PYTHONWARNINGS": "default"}
    done = subprocess.run(
        [sys.executable, "-m", "qareport", *map(str, arguments)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return Ran(status=done.returncode, stdout=done.stdout, stderr=done.stderr)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoRun:
    """A finished `qareport demo`: its output, and the folder it wrote."""

    ran: Ran
    out: Path
    cwd: Path

    @property
    def store(self) -> str:
        """URL of the store that the run filled."""
        return f"sqlite:///{self.out / 'qareport.db'}"


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    """Run the demo once for all tests that look at what it made."""
    cwd = tmp_path_factory.mktemp("demo")
    ran = run_qareport(["demo", "--out", "out"], cwd=cwd)
    assert ran.status == 0, ran.stdout + ran.stderr
    return DemoRun(ran=ran, out=cwd / "out", cwd=cwd)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Run a PostgreSQL server for the whole session; where its programs are missing, its tests are passed over."""
    found = postgres.programs()
    if found is None:
        missing = "PostgreSQL is not installed (Debian: postgresql-15): see deploy/system-packages"
        if os.environ.get(postgres.REQUIRE_ALL):
            pytest.fail(missing)
        pytest.skip(missing)
    with postgres.running(found) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """An empty PostgreSQL database."""
    return postgres.make_database(postgres_server, f"test_{next(_numbers)}")


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
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
