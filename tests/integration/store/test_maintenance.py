"""Stores over time: old ones are brought up to date, deletion leaves proof only, a copy is whole, damage is seen."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy

from qareport.errors import NotFoundError, StoreError
from qareport.model import AudioInfo, Call, CallReport, Segment, Transcript
from qareport.store import Store
from qareport.store.opening import shown
from qareport.store.schema import REVISION, Base
from tests.conftest import ROOT
from tests.integration.store.test_store import METRICS, make_call

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
WORDS = "收货地址是朝阳区望京街道八号"


def fill(store: Store, call: Call, *, audio: str, key: str = "") -> None:
    """Put a call with its transcript and result."""
    heard = AudioInfo(path=call.audio_path, sha256=audio * 64, duration_ms=9, sample_rate=8000, channels=2)
    segments = (Segment(start_ms=0, end_ms=9, text=WORDS),)
    store.put_transcript(f"t{audio}", Transcript(call_id=call.call_id, audio=heard, segments=segments))
    report = CallReport(
        call_id=call.call_id, started_at=call.started_at, metrics=METRICS, audio=heard, segments=segments
    )
    store.put_report(f"r{call.call_id}{key}", call, report, rules_sha256="rules", scene="[]")


def test_a_store_of_the_first_version_is_brought_up_to_date_without_loss(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as connection:
        connection.executescript((ROOT / "tests" / "golden" / "store_version_1.sql").read_text("utf-8"))
    connection.close()
    with Store(f"sqlite:///{path}") as store:
        record = store.order("o1")
        assert [report.call_id for report in record.reports] == ["a", "b"]
        assert [failure.call_id for failure in record.failures] == ["c"]
        transcript = store.find_transcript("t-a")
        assert transcript is not None
        assert transcript.segments[0].text == "什么时候发货"
        # 02:30 at +01:00 is later than 09:00 at +08:00, though its text sorts before it.
        hour = timedelta(hours=1)
        first = datetime.fromisoformat("2026-11-20T09:00:00+08:00")
        assert [call.call_id for call in store.calls_between(first, first + hour)] == ["a", "b"]
        assert [key for key, *_ in store.undigested()] == ["r-a", "r-b"]
        assert [call.call_id for call in store.calls_of(customer="+86 138 1234 5678")] == ["a", "b", "c"]
        deletion = store.delete_calls(store.calls_of(order="o1"), by="order", selector="o1", now=NOW)
        assert (deletion.calls, deletion.results, deletion.transcripts) == (3, 2, 2)


def test_a_proof_that_an_older_version_kept_is_still_found(store_url: str) -> None:
    with Store(store_url) as store:
        fill(store, make_call("a"), audio="1")
        store.delete_calls(store.calls_of(order="o1"), by="order", selector="o1", now=NOW)
        old = hashlib.sha256(b"o1").hexdigest()
        with store._write() as session:
            record = json.loads(session.execute(sqlalchemy.text("SELECT record FROM deletions")).scalar_one())
            del record["selector_hash"]
            older = json.dumps({**record, "selector_sha256": old}, separators=(",", ":"))
            session.execute(sqlalchemy.text("UPDATE deletions SET record = :older"), {"older": older})
            session.execute(sqlalchemy.text("UPDATE alembic_version SET version_num = '0003'"))
    with Store(store_url) as store:
        assert [proof.selector_hash for proof in store.deletions(by="order", selector="o1")] == [f"sha256::{old}"]
        assert store.deletions(by="order", selector="o2") == ()


def test_two_proofs_of_the_same_number_do_not_look_alike(store_url: str) -> None:
    with Store(store_url) as store:
        for call_id in ("a", "b"):
            fill(store, replace(make_call(call_id), customer_phone="13812345678"), audio="1")
            store.delete_calls(store.calls_of(customer="13812345678"), by="customer", selector="13812345678", now=NOW)
        found = store.deletions(by="customer", selector="+86 138 1234 5678")
    assert len({proof.selector_hash for proof in found}) == 2


def test_the_newest_revision_makes_exactly_the_tables_of_the_code(store_url: str) -> None:
    Store(store_url).close()
    url = sqlalchemy.make_url(store_url)
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+pg8000")
    engine = sqlalchemy.create_engine(url)
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with engine.connect() as connection:
        # Full-text indexes are what each database has, and none of the code's tables.
        own = {"include_name": lambda name, kind, _: kind != "table" or not name.startswith("search_words")}
        context = MigrationContext.configure(connection, opts=own)
        assert compare_metadata(context, Base.metadata) == []
        assert context.get_current_revision() == REVISION
    engine.dispose()


def test_a_store_of_a_newer_version_is_refused_not_misread(store_url: str) -> None:
    with Store(store_url) as store, store._write() as session:
        session.execute(sqlalchemy.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="made by a newer version of qareport"):
        Store(store_url)


def test_a_password_is_never_shown(postgres_url: str) -> None:
    assert ":secret@" in postgres_url
    with Store(postgres_url) as store, pytest.raises(NotFoundError) as raised:
        store.order("x")
    assert "secret" not in str(raised.value)
    assert "***" in shown(postgres_url)
    with pytest.raises(StoreError) as refused:
        Store("postgresql://qareport:secret@127.0.0.1:9/x")
    assert "secret" not in str(refused.value)
    assert "server runs" in str(refused.value)


def test_everything_of_a_deleted_order_is_gone_and_the_proof_names_nobody(store_url: str, tmp_path: Path) -> None:
    page = tmp_path / "o1.pdf"
    page.write_bytes(b"%PDF")
    with Store(store_url) as store:
        for call_id, order, audio in (("a", "o1", "1"), ("b", "o1", "2"), ("c", "o2", "3")):
            fill(store, make_call(call_id, order_id=order), audio=audio)
        fill(store, make_call("a"), audio="1", key="older")
        store.put_document(page, "k", name="o1")
        deletion = store.delete_calls(store.calls_of(order="o1"), by="order", selector="o1", now=NOW)
        assert (deletion.calls, deletion.results, deletion.transcripts, deletion.documents) == (2, 3, 2, 1)
        assert not page.exists()
        with pytest.raises(NotFoundError):
            store.order("o1")
        assert store.find_transcript("t1") is None
        assert store.find_report("ra") is None
        assert len(store.order("o2").reports) == 1
        assert store.deletions() == (deletion,)
        assert deletion.audio_sha256 == ("1" * 64, "2" * 64)
        assert list(store.check()) == []
    assert "o1" not in repr(deletion)


def test_the_words_of_a_deleted_call_are_no_longer_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with Store(f"sqlite:///{path}") as store:
        fill(store, make_call("a"), audio="1")
        with store._read() as session:
            assert session.execute(sqlalchemy.text("SELECT count(*) FROM transcripts")).scalar() == 1
        store.delete_calls(store.calls_of(order="o1"), by="order", selector="o1", now=NOW)
        for file in tmp_path.iterdir():
            assert WORDS.encode() not in file.read_bytes(), file.name


def test_a_transcript_stays_while_another_call_has_the_same_recording(store_url: str) -> None:
    with Store(store_url) as store:
        fill(store, make_call("a", order_id="o1"), audio="1")
        fill(store, make_call("b", order_id="o2"), audio="1")
        store.delete_calls(store.calls_of(order="o1"), by="order", selector="o1", now=NOW)
        assert store.find_transcript("t1") is not None
        store.delete_calls(store.calls_of(order="o2"), by="order", selector="o2", now=NOW)
        assert store.find_transcript("t1") is None


def test_calls_of_before_an_instant_and_of_a_customer_are_found(store_url: str) -> None:
    with Store(store_url) as store:
        for day in (18, 19, 20):
            store.put_call(replace(make_call(f"d{day}", day=day), customer_phone=f"138-0000-00{day}"))
        store.put_call(replace(make_call("undated"), started_at=None))
        border = datetime.fromisoformat("2026-11-20T00:00:00+08:00")
        assert [call.call_id for call in store.calls_of(before=border)] == ["d18", "d19"]
        assert [call.call_id for call in store.calls_of(customer="13800000019")] == ["d19"]
        with pytest.raises(NotFoundError, match="no call for customer"):
            store.delete_calls((), by="customer", selector="1", now=NOW)


def test_a_document_that_cannot_be_removed_is_named_and_keeps_its_entry(tmp_path: Path) -> None:
    folder = tmp_path / "o1.pdf"
    folder.mkdir()  # a folder cannot be unlinked, whoever tries
    with Store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        fill(store, make_call("a"), audio="1")
        store.put_document(folder, "k", name="o1")
        deletion = store.delete_calls(store.calls_of(order="o1"), by="order", selector="o1", now=NOW)
        assert deletion.documents == 0
        assert [str(folder) in line for line in deletion.files_left] == [True]
        assert store.document_key(folder) == "k"


def test_a_backup_is_a_whole_store_and_overwrites_nothing(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        fill(store, make_call("a"), audio="1")
        store.backup(tmp_path / "copy.db")
        fill(store, make_call("b"), audio="2")
        with pytest.raises(StoreError, match="is there already"):
            store.backup(tmp_path / "copy.db")
        with pytest.raises(StoreError, match="cannot be written"):
            store.backup(tmp_path / "no" / "copy.db")
    with Store(f"sqlite:///{tmp_path / 'copy.db'}") as copy:
        assert [report.call_id for report in copy.order("o1").reports] == ["a"]
        assert list(copy.check()) == []


def test_a_backup_of_postgresql_names_the_command_that_makes_it(postgres_url: str, tmp_path: Path) -> None:
    with Store(postgres_url) as store, pytest.raises(StoreError, match="pg_dump --format=custom"):
        store.backup(tmp_path / "copy")


def test_a_check_finds_json_that_cannot_be_read(store_url: str) -> None:
    with Store(store_url) as store:
        fill(store, make_call("a"), audio="1")
        with store._write() as session:
            session.execute(sqlalchemy.text("UPDATE transcripts SET transcript = '{\"call_id\": 5'"))
        (line,) = store.check()
        assert line.startswith("transcript t1")


def test_a_damaged_page_is_reported_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with Store(f"sqlite:///{path}") as store:
        for number in range(60):
            fill(store, make_call(f"c{number}"), audio=chr(ord("a") + number % 26))
    content = bytearray(path.read_bytes())
    for page in range(8, len(content) // 4096, 3):
        content[page * 4096 : page * 4096 + 4096] = b"\xff" * 4096
    path.write_bytes(content)
    with Store(f"sqlite:///{path}") as store:
        try:
            lines = list(store.check())
        except StoreError as error:
            lines = [str(error)]
            assert "bring back the newest backup" in lines[0]
    assert lines


def test_a_full_disk_loses_nothing_and_the_next_run_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with Store(f"sqlite:///{path}") as store:
        fill(store, make_call("a"), audio="1")
        with store._engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    limited = Store(f"sqlite:///{path}")
    sqlalchemy.event.listen(
        limited._engine, "connect", lambda raw, _: raw.execute(f"PRAGMA max_page_count = {pages + 2}")
    )
    limited._engine.dispose()

    def fill_up() -> None:
        for number in range(200):
            fill(limited, make_call(f"x{number}"), audio=chr(ord("b") + number % 20))

    with pytest.raises(StoreError, match="make room on the disk"):
        fill_up()
    limited.close()
    with Store(f"sqlite:///{path}") as store:
        assert list(store.check()) == []
        fill(store, make_call("later"), audio="9")
        assert "later" in [report.call_id for report in store.order("o1").reports]
