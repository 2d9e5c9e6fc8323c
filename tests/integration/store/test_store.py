"""The store on a real SQLite file and a real PostgreSQL: what is put in comes out, for several processes at once."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy

from qareport.errors import NotFoundError, StoreError
from qareport.model import FailedCall, Segment, Transcript
from qareport.store import Store
from tests.support.store_samples import make_call
from tests.support.store_samples import put_result as put


@pytest.fixture
def url(store_url: str) -> str:
    return store_url


def test_a_transcript_is_found_again_under_its_key(url: str) -> None:
    transcript = Transcript(call_id="c1", segments=(Segment(start_ms=0, end_ms=9, text="发货"),))
    with Store(url) as store:
        store.transcripts.put("k", transcript)
    with Store(url) as store:
        assert store.transcripts.find("k") == transcript
        assert store.transcripts.find("other") is None


def test_the_calls_of_an_order_come_by_start_time(url: str) -> None:
    with Store(url) as store:
        put(store, make_call("late", day=21))
        put(store, make_call("early", day=20))
        put(store, make_call("elsewhere", order_id="o2"))
        assert [report.call_id for report in store.orders.get("o1").reports] == ["early", "late"]


def test_the_name_of_a_call_stands_for_its_whole_order(url: str) -> None:
    with Store(url) as store:
        put(store, make_call("late", day=21))
        put(store, make_call("early", day=20))
        assert [report.call_id for report in store.orders.get("late").reports] == ["early", "late"]


def test_a_call_without_an_order_is_found_by_its_own_name(url: str) -> None:
    with Store(url) as store:
        put(store, make_call("lonely", order_id=None))
        record = store.orders.get("lonely")
    assert (record.order_id, len(record.reports)) == (None, 1)


def test_a_failed_call_stays_with_its_order_until_it_succeeds(url: str) -> None:
    call = make_call("c1")
    with Store(url) as store:
        store.calls.put_failure(call, FailedCall.of(call, "decode", "c1.wav: empty file"))
        assert [failure.reason for failure in store.orders.get("o1").failures] == ["c1.wav: empty file"]
        put(store, call)
        assert store.orders.get("o1").failures == ()
        assert len(store.orders.get("o1").reports) == 1


def test_a_result_is_replaced_by_a_newer_one_and_the_rules_it_was_made_with_are_known(url: str) -> None:
    call = make_call("c1")
    with Store(url) as store:
        put(store, call, key="old", rules="r1")
        put(store, call, key="new", rules="r2")
        assert store.orders.get("o1").rules_sha256 == "r2"
        assert len(store.orders.get("o1").reports) == 1
        assert store.results.find("old") == store.results.find("new")


def test_a_document_is_known_by_what_it_was_made_from(url: str, tmp_path: Path) -> None:
    with Store(url) as store:
        assert store.documents.find_key(tmp_path / "a.pdf") is None
        store.documents.put(tmp_path / "a.pdf", "k1")
        store.documents.put(tmp_path / "a.pdf", "k2")
        assert store.documents.find_key(tmp_path / "a.pdf") == "k2"


def test_an_unknown_order_is_answered_with_the_orders_there_are(url: str) -> None:
    with Store(url) as store:
        put(store, make_call("c1", order_id="20261105000001"))
        with pytest.raises(NotFoundError, match="no order or call '2026'; orders in the store: 20261105000001"):
            store.orders.get("2026")


def test_an_empty_store_says_what_to_do_first(url: str) -> None:
    with Store(url) as store, pytest.raises(NotFoundError, match="run `qareport run` first"):
        store.orders.get("1")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "not a store URL"),
        ("sqlite:////no/such/folder/x.db", "its folder does not exist"),
        ("nosuchdb://x", "nosuchdb"),
    ],
)
def test_a_store_that_cannot_be_opened_says_why(url: str, says: str) -> None:
    with pytest.raises(StoreError, match=says):
        Store(url)


def test_a_file_that_is_not_a_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(b"this is a text file, and a long enough one to be read as a header" * 20)
    with pytest.raises(StoreError, match="not a database"):
        Store(f"sqlite:///{path}")
    assert path.read_bytes().startswith(b"this is a text file")


def _write_many(url: str, prefix: str) -> None:
    with Store(url) as store:
        for number in range(25):
            put(store, make_call(f"{prefix}{number}", order_id="shared"))


def test_several_processes_write_at_once_and_nothing_is_lost(url: str) -> None:
    Store(url).close()
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_write_many, args=(url, prefix)) for prefix in "abc"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    with Store(url) as store:
        assert len(store.orders.get("shared").reports) == 75


def test_the_revision_of_a_store_is_looked_at_once_while_a_process_has_it_open(url: str) -> None:
    statements: list[str] = []

    def note(*execution: object) -> None:
        statements.append(str(execution[2]))

    def looked() -> int:
        count = sum("version_num FROM alembic_version" in statement for statement in statements)
        statements.clear()
        return count

    Store(url).close()
    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", note)
    try:
        with Store(url):
            assert looked() == 1
            with Store(url) as second:
                put(second, make_call("c1"))
                assert looked() == 0
        with Store(url) as later:
            assert looked() == 1
            assert later.calls.count().judged == 1
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", note)


def test_a_call_that_is_known_as_it_is_is_not_written_again(tmp_path: Path) -> None:
    written: list[str] = []

    def note(*execution: object) -> None:
        written.append(str(execution[2]).split(" (")[0])

    with Store(f"sqlite:///{tmp_path / 'calls.db'}") as store:
        call = make_call("c1")
        store.calls.put(call)
        sqlalchemy.event.listen(store.database.engine, "before_cursor_execute", note)
        store.calls.put(call)
        assert "INSERT INTO calls" not in written
        store.calls.put(replace(call, agent_id="another"))
        assert "INSERT INTO calls" in written
        assert store.calls.list_recordings(["c1"])["c1"][0].agent_id == "another"


def test_a_store_that_was_closed_may_be_closed_again_and_others_of_it_go_on(url: str) -> None:
    with Store(url) as store, Store(url) as other:
        other.close()
        other.close()
        put(store, make_call("c1"))
        assert store.calls.has_result("c1")
