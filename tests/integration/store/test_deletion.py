"""Deletion: nothing of a call is left but a proof that names nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy

from qareport.errors import NotFoundError
from qareport.search import parse
from qareport.store import Store
from tests.support.store_samples import TEXT, fill, make_call

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
ALWAYS = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


def test_two_proofs_of_the_same_number_do_not_look_alike(store_url: str) -> None:
    with Store(store_url) as store:
        for call_id in ("a", "b"):
            fill(store, replace(make_call(call_id), customer_phone="13812345678"), audio="1")
            store.deletion.delete(
                store.deletion.find_calls(customer="13812345678"), by="customer", selector="13812345678", now=NOW
            )
        proofs = store.deletion.list_proofs(by="customer", selector="+86 138 1234 5678")
    assert len({proof.selector_hash for proof in proofs}) == 2


def test_everything_of_a_deleted_order_is_gone_and_the_proof_names_nobody(store_url: str, tmp_path: Path) -> None:
    page = tmp_path / "o1.pdf"
    page.write_bytes(b"%PDF")
    with Store(store_url) as store:
        for call_id, order, audio in (("a", "o1", "1"), ("b", "o1", "2"), ("c", "o2", "3")):
            fill(store, make_call(call_id, order_id=order), audio=audio)
        fill(store, make_call("a"), audio="1", key="older")
        store.documents.put(page, "k", name="o1")
        deletion = store.deletion.delete(store.deletion.find_calls(order="o1"), by="order", selector="o1", now=NOW)
        assert (deletion.calls, deletion.results, deletion.transcripts, deletion.documents) == (2, 3, 2, 1)
        assert not page.exists()
        with pytest.raises(NotFoundError):
            store.orders.get("o1")
        assert store.transcripts.find("t1") is None
        assert store.results.find("ra") is None
        assert len(store.orders.get("o2").reports) == 1
        assert store.deletion.list_proofs() == (deletion,)
        assert deletion.audio_sha256 == ("1" * 64, "2" * 64)
        assert list(store.maintenance.verify()) == []
    assert "o1" not in repr(deletion)


def test_the_words_of_a_deleted_call_are_no_longer_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with Store(f"sqlite:///{path}") as store:
        fill(store, make_call("a"), audio="1")
        with store.database.read() as session:
            assert session.execute(sqlalchemy.text("SELECT count(*) FROM transcripts")).scalar() == 1
        store.deletion.delete(store.deletion.find_calls(order="o1"), by="order", selector="o1", now=NOW)
        for file in tmp_path.iterdir():
            assert TEXT.encode() not in file.read_bytes(), file.name


def test_words_that_a_killed_deletion_left_are_erased_by_the_next_one_while_others_write(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with Store(f"sqlite:///{path}") as store:
        for number in range(40):  # several parts of the index
            fill(store, make_call(f"c{number}", order_id=f"o{number}"), audio=chr(ord("A") + number))
        store.deletion.delete(store.deletion.find_calls(order="o7"), by="order", selector="o7", now=NOW, tidy=False)
        fill(store, make_call("later", order_id="later"), audio="x")
        store.deletion.tidy()
        with store.database.read() as session:
            assert session.scalar(sqlalchemy.text("SELECT count(*) FROM store_facts")) == 0
        found = store.search_index.search(parse("收货", time_zone="UTC"))
        assert (found.calls, list(store.maintenance.verify())) == (40, [])
        store.deletion.delete(store.calls.list(*ALWAYS), by="before", selector="x", now=NOW)
        for file in tmp_path.iterdir():
            assert TEXT.encode() not in file.read_bytes(), file.name


def test_a_transcript_stays_while_another_call_has_the_same_recording(store_url: str) -> None:
    with Store(store_url) as store:
        fill(store, make_call("a", order_id="o1"), audio="1")
        fill(store, make_call("b", order_id="o2"), audio="1")
        store.deletion.delete(store.deletion.find_calls(order="o1"), by="order", selector="o1", now=NOW)
        assert store.transcripts.find("t1") is not None
        store.deletion.delete(store.deletion.find_calls(order="o2"), by="order", selector="o2", now=NOW)
        assert store.transcripts.find("t1") is None


def test_calls_of_before_an_instant_and_of_a_customer_are_found(store_url: str) -> None:
    with Store(store_url) as store:
        for day in (18, 19, 20):
            store.calls.put(replace(make_call(f"d{day}", day=day), customer_phone=f"138-0000-00{day}"))
        store.calls.put(replace(make_call("undated"), started_at=None))
        border = datetime.fromisoformat("2026-11-20T00:00:00+08:00")
        assert [call.call_id for call in store.deletion.find_calls(before=border)] == ["d18", "d19"]
        assert [call.call_id for call in store.deletion.find_calls(customer="13800000019")] == ["d19"]
        with pytest.raises(NotFoundError, match="no call for customer"):
            store.deletion.delete((), by="customer", selector="1", now=NOW)


def test_a_document_that_cannot_be_removed_is_named_and_keeps_its_entry(tmp_path: Path) -> None:
    folder = tmp_path / "o1.pdf"
    folder.mkdir()  # a folder cannot be unlinked, whoever tries
    with Store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        fill(store, make_call("a"), audio="1")
        store.documents.put(folder, "k", name="o1")
        deletion = store.deletion.delete(store.deletion.find_calls(order="o1"), by="order", selector="o1", now=NOW)
        assert deletion.documents == 0
        assert [str(folder) in line for line in deletion.files_left] == [True]
        assert store.documents.find_key(folder) == "k"
