"""One row that cannot be read: it is named, and everything else goes on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy

from qareport import periods
from qareport.cli import main
from qareport.errors import DamagedError
from qareport.store import CallFilter, Store
from tests.support.store_samples import fill, make_call

DAMAGES = {
    "call": "UPDATE calls SET call = '{' WHERE call_id = 'b'",
    "failure": "UPDATE calls SET failure = '{' WHERE call_id = 'b'",
    "transcript": 'UPDATE transcripts SET transcript = \'{"segments": [{"emotion_scores": {"ANGRY": null}}]}\' '
    "WHERE key = 't2'",
    "result": "UPDATE call_reports SET report = '{\"call_id\": 1}' WHERE call_id = 'b'",
    "summary": "UPDATE call_summaries SET summary = '[]'",
    "lines": "UPDATE search_lines SET lines = '{'",
}


@pytest.fixture
def damaged(store_url: str, request: pytest.FixtureRequest) -> Iterator[Store]:
    """A store with the calls a, b and c, of which b has a damaged row."""
    with Store(store_url) as store:
        for name, audio in (("a", "1"), ("b", "2"), ("c", "3")):
            fill(store, make_call(name, order_id=f"o-{name}"), audio=audio)
        start = make_call("a").started_at
        assert start is not None
        store.summaries.list(start, start + timedelta(hours=1), summarise=periods.summarise_call)
        with store.database.write() as session:
            session.execute(sqlalchemy.text(DAMAGES[request.param]).execution_options())
        yield store


every_damage = pytest.mark.parametrize("damaged", DAMAGES, indirect=True)


@every_damage
def test_everything_that_lists_calls_lists_all_of_them(damaged: Store) -> None:
    start = make_call("a").started_at
    assert start is not None
    first, last = start - timedelta(days=1), start + timedelta(days=1)
    names = [call_id for call_id, _ in damaged.calls.list_ids(CallFilter())]
    assert [call.call_id for call in damaged.calls.list(first, last)] == names == ["a", "b", "c"]
    assert [record.call.call_id for record in damaged.results.list(names)] == names
    assert set(damaged.calls.list_recordings(names)) == set(names)
    assert [call.call_id for call in damaged.deletion.find_calls(order="o-b")] == ["b"]
    damaged.calls.list_failures()
    damaged.calls.find_by_audio("2" * 64, make_call("x"))
    summaries = damaged.summaries.list(first, last, summarise=periods.summarise_call)
    assert {"a", "c"} <= {summary.call_id for summary in summaries}
    damaged.search_index.clear()
    assert damaged.search_index.index_missing(on_progress=lambda *_: None) == 3


@pytest.mark.parametrize("damaged", ["result"], indirect=True)
def test_a_damaged_result_is_a_failure_with_its_reason_until_it_is_judged_again(damaged: Store) -> None:
    (record,) = damaged.results.list(["b"])
    assert record.report is None
    assert record.failure is not None
    assert "damaged in the store" in record.failure.reason
    assert [failure.call_id for failure in damaged.orders.get("o-b").failures] == ["b"]
    with pytest.raises(DamagedError):
        damaged.results.get("b")
    named: list[DamagedError] = []
    damaged.search_index.clear()
    damaged.search_index.index_missing(on_progress=lambda *_: None, on_damaged=named.append)
    assert ["report rb" in str(error) for error in named] == [True]
    assert not damaged.results.make_newest("rb", make_call("b", order_id="o-b")), "it is judged again"
    fill(damaged, make_call("b", order_id="o-b"), audio="2")
    assert damaged.results.get("b").call_id == "b"


@pytest.mark.parametrize("damaged", ["transcript"], indirect=True)
def test_a_damaged_transcript_is_made_again(damaged: Store) -> None:
    assert damaged.transcripts.find("t2") is None
    assert [key for key, _ in damaged.transcripts.list("b")] == []
    assert damaged.transcripts.find("t1") is not None


@pytest.mark.parametrize("damaged", ["summary"], indirect=True)
def test_a_damaged_summary_is_made_again(damaged: Store) -> None:
    start = make_call("a").started_at
    assert start is not None
    summaries = damaged.summaries.list(start, start + timedelta(hours=1), summarise=periods.summarise_call)
    assert [summary.call_id for summary in summaries] == ["a", "b", "c"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "store.db"
    with Store(f"sqlite:///{path}") as store:
        for name, audio in (("a", "1"), ("b", "2")):
            fill(store, make_call(name, order_id=f"o-{name}"), audio=audio)
        with store.database.write() as session:
            session.execute(sqlalchemy.text(DAMAGES["result"]))
    return path


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("export calls", 0),
        ("export text", 0),
        ("search 望京", 0),
        ("report o-a o-b --format json", 0),
        ("store check", 1),
        ("store upgrade --reindex", 1),
        ("store backup copy.db", 0),
        ("rules replay", 0),
    ],
)
def test_no_command_ends_at_it(
    words: str,
    status: int,
    path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--store", f"sqlite:///{path}", *words.split()]) == status
    printed = "".join(capsys.readouterr())
    if words in ("export calls", "export text", "store check", "store upgrade --reindex"):
        assert "rb" in printed, "the damaged row is named"


def test_a_store_that_is_written_to_is_in_use_and_not_damaged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "store.db"
    with Store(f"sqlite:///{path}") as store:
        fill(store, make_call("a"), audio="1")
    monkeypatch.setattr("qareport.store.connection.BUSY_MS", 50)
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    try:
        assert main(["--store", f"sqlite:///{path}", "store", "check"]) == 0
    finally:
        writer.close()
    printed = "".join(capsys.readouterr())
    assert "In use" in printed
    assert "amaged" not in printed
