"""Maintenance: a copy is whole, damage is seen, a full disk loses nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy

from qareport.errors import StoreError
from qareport.store import Store
from tests.support.store_samples import fill, make_call


def test_a_backup_is_a_whole_store_and_overwrites_nothing(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        fill(store, make_call("a"), audio="1")
        store.maintenance.backup(tmp_path / "copy.db")
        fill(store, make_call("b"), audio="2")
        with pytest.raises(StoreError, match="already exists"):
            store.maintenance.backup(tmp_path / "copy.db")
        with pytest.raises(StoreError, match="cannot be written"):
            store.maintenance.backup(tmp_path / "no" / "copy.db")
    with Store(f"sqlite:///{tmp_path / 'copy.db'}") as copy:
        assert [report.call_id for report in copy.orders.get("o1").reports] == ["a"]
        assert list(copy.maintenance.verify()) == []


def test_a_backup_of_postgresql_names_the_command_that_makes_it(postgres_url: str, tmp_path: Path) -> None:
    with Store(postgres_url) as store, pytest.raises(StoreError, match="pg_dump --format=custom"):
        store.maintenance.backup(tmp_path / "copy")


def test_a_check_finds_json_that_cannot_be_read(store_url: str) -> None:
    with Store(store_url) as store:
        fill(store, make_call("a"), audio="1")
        with store.database.write() as session:
            session.execute(sqlalchemy.text("UPDATE transcripts SET transcript = '{\"call_id\": 5'"))
        (line,) = store.maintenance.verify()
        assert line.startswith("transcript t1")


def test_a_damaged_page_is_reported_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    Store(f"sqlite:///{path}").close()
    empty = path.stat().st_size // 4096  # pages that say what tables there are: without them it is no store
    with Store(f"sqlite:///{path}") as store:
        for number in range(60):
            fill(store, make_call(f"c{number}"), audio=chr(ord("a") + number % 26))
    content = bytearray(path.read_bytes())
    for page in range(empty, len(content) // 4096, 3):
        content[page * 4096 : page * 4096 + 4096] = b"\xff" * 4096
    path.write_bytes(content)
    with Store(f"sqlite:///{path}") as store:
        try:
            lines = list(store.maintenance.verify())
        except StoreError as error:
            lines = [str(error)]
            assert "bring back the newest backup" in lines[0]
    assert lines


def test_a_full_disk_loses_nothing_and_the_next_run_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with Store(f"sqlite:///{path}") as store:
        fill(store, make_call("a"), audio="1")
        with store.database.engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    limited = Store(f"sqlite:///{path}")
    sqlalchemy.event.listen(
        limited.database.engine, "connect", lambda raw, _: raw.execute(f"PRAGMA max_page_count = {pages + 2}")
    )
    limited.database.engine.dispose()

    def fill_up() -> None:
        for number in range(200):
            fill(limited, make_call(f"x{number}"), audio=chr(ord("b") + number % 20))

    with pytest.raises(StoreError, match="make room on the disk"):
        fill_up()
    limited.close()
    with Store(f"sqlite:///{path}") as store:
        assert list(store.maintenance.verify()) == []
        fill(store, make_call("later"), audio="9")
        assert "later" in [report.call_id for report in store.orders.get("o1").reports]
