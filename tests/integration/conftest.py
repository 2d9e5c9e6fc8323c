"""Fixtures of daily runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import postgres
from tests.support.centre import Centre, analyse_calls
from tests.support.postbox import Postbox

_TEMPLATE = "prepared_centre"


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite store that holds the centre's calls, to be copied."""
    folder = tmp_path_factory.mktemp("prepared")
    analyse_calls(folder, f"sqlite:///{folder / 'store.db'}")
    return folder / "store.db"


@pytest.fixture(scope="session")
def prepared_postgres(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a PostgreSQL database that holds the centre's calls, to be copied."""
    analyse_calls(tmp_path_factory.mktemp("prepared"), postgres.make_database(postgres_server, _TEMPLATE))
    return _TEMPLATE


@pytest.fixture
def centre(prepared: Path, tmp_path: Path) -> Iterator[Centre]:
    """A centre of the test's own."""
    shutil.copy(prepared, tmp_path / "store.db")
    yield from _opened(tmp_path, f"sqlite:///{tmp_path / 'store.db'}")


@pytest.fixture(params=["sqlite", "postgresql"])
def either_centre(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Centre]:
    """A centre of the test's own, in each database that qareport works with."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'store.db'}"
        shutil.copy(request.getfixturevalue("prepared"), tmp_path / "store.db")
    else:
        template: str = request.getfixturevalue("prepared_postgres")
        server: str = request.getfixturevalue("postgres_server")
        url = postgres.make_database(server, f"centre_{tmp_path.name}"[:60], template=template)
    yield from _opened(tmp_path, url)


def _opened(folder: Path, url: str) -> Iterator[Centre]:
    with Postbox() as postbox:
        made = Centre(folder=folder, postbox=postbox, url=url)
        made.configure()
        yield made
