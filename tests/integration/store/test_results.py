"""Results, and what is made of them: snapshots for replays, summaries for periods."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy

from qareport import periods
from qareport.cli import main
from qareport.errors import NotFoundError
from qareport.model import CallReport, CallSummary, Segment
from qareport.search import parse
from qareport.store import Store, results, summaries
from tests.support.statements import reading
from tests.support.store_samples import METRICS, make_call, put_result


def test_the_newest_result_of_a_call_is_found_by_its_name(store_url: str) -> None:
    with Store(store_url) as store:
        call = make_call("a")
        put_result(store, call, key="old")
        newer = CallReport(call_id="a", started_at=call.started_at, metrics=METRICS, score=90)
        store.results.replace("a", "new", newer, rules_sha256="r2", snapshot="[]")
        assert store.results.get("a") == newer == store.results.find("new")
        assert store.results.find("old") == replace(newer, score=None)
        store.calls.put(make_call("waiting"))
        for name in ("waiting", "no such call"):
            with pytest.raises(NotFoundError, match="no judged call"):
                store.results.get(name)


def test_a_result_that_is_read_again_is_the_same_object_until_it_changes(store_url: str) -> None:
    with Store(store_url) as store:
        put_result(store, make_call("a", order_id="o1"), key="k")
        first = store.results.get("a")
        assert store.results.get("a") is first
        assert store.orders.list("o1")[0].reports[0] is first
        store.results.replace("a", "new", replace(first, score=12), rules_sha256="r2", snapshot="[]")
        assert store.results.get("a") == replace(first, score=12)


def test_a_result_without_a_summary_gets_one_when_its_period_is_asked_for(store_url: str) -> None:
    with Store(store_url) as store:
        asked: list[str] = []

        def summarise(report: CallReport, order_id: str | None, /, *, rules_sha256: str) -> CallSummary:
            asked.append(report.call_id)
            return periods.summarise_call(report, order_id, rules_sha256=rules_sha256)

        for number in range(60):  # more than are read at once
            put_result(store, make_call(f"c{number:02d}"))
        call = make_call("kept", order_id="o2")
        report = CallReport(call_id="kept", started_at=call.started_at, metrics=METRICS)
        kept = periods.summarise_call(report, "o2", rules_sha256="r1")
        store.results.put("kept", call, report, rules_sha256="r1", summary=kept)
        store.calls.put(make_call("waiting"))
        assert call.started_at is not None
        hour = (call.started_at, call.started_at + timedelta(hours=1))
        summaries = store.summaries.list(*hour, summarise=summarise)
        assert [summary.call_id for summary in summaries] == [*(f"c{number:02d}" for number in range(60)), "kept"]
        assert {summary.rules_sha256 for summary in summaries} == {"r1"}
        assert len(asked) == 60
        assert len(store.summaries.list_measures(*hour, summarise=summarise)) == 61
        assert len(asked) == 60, "they were kept"


def test_a_result_that_cannot_be_read_has_no_summary_and_does_not_keep_the_others_from_theirs(store_url: str) -> None:
    with Store(store_url) as store:
        for name in ("a", "broken"):
            put_result(store, make_call(name))
        with store.database.write() as session:
            session.execute(sqlalchemy.text("UPDATE call_reports SET report = '{' WHERE call_id = 'broken'"))
        start = make_call("a").started_at
        assert start is not None
        summaries = store.summaries.list(start, start + timedelta(hours=1), summarise=periods.summarise_call)
        assert [summary.call_id for summary in summaries] == ["a"]
        assert [line.partition(":")[0] for line in store.maintenance.verify()] == ["result key-broken"]


def test_a_call_that_cannot_be_kept_is_refused_alone_with_its_reason(
    store_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = [
        {"call_id": "x" * 201},
        {"call_id": "nul\0", "order_id": "o"},
        {"call_id": "line\nbreak"},
        {"call_id": "nul-in-text", "text": "退货\0运费"},
        {"call_id": "good", "text": "退货"},
    ]
    lines = [
        json.dumps({"segments": [{"start_ms": 0, "end_ms": 9, "text": call.pop("text", "好")}], **call})
        for call in calls
    ]
    (tmp_path / "t.jsonl").write_text("\n".join(lines), "utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["--store", store_url, "analyse", "t.jsonl", "--format", "json"]) == 1
    said = capsys.readouterr().out
    assert "Calls done:   4" in said, "control characters are taken out of ids"
    assert "Calls failed: 1" in said
    assert "201" in said
    with Store(store_url, make=False) as store:
        assert store.search_index.search(parse("退货", time_zone="Asia/Shanghai")).calls == 2


def test_more_words_than_the_index_of_a_database_holds_are_found_by_the_first_of_them(store_url: str) -> None:
    words = "退货 " + " ".join(chr(0x4E00 + number % 20_000) * 2 + "abcdefgh" * 3 for number in range(30_000))
    with Store(store_url) as store:
        call = make_call("long")
        segments = (Segment(start_ms=0, end_ms=9, text=words + " " + "w" * 5_000),)
        report = CallReport(call_id="long", started_at=call.started_at, metrics=METRICS, segments=segments)
        store.results.put("long", call, report, rules_sha256="r1")
        assert store.search_index.search(parse("退货", time_zone="Asia/Shanghai")).calls == 1


def test_the_newest_calls_are_replayed_oldest_first_and_those_of_unknown_time_are_the_oldest(store_url: str) -> None:
    with Store(store_url) as store:
        for number, day in enumerate((22, 20, 21)):
            put_result(store, make_call(f"c{number}", day=day))
        put_result(store, replace(make_call("undated"), started_at=None))

        def walk(since: int | None = None, until: int | None = None, most: int | None = None) -> list[str]:
            days = [None if day is None else datetime(2026, 11, day, tzinfo=UTC) for day in (since, until)]
            return [call.call_id for call in store.results.list_snapshots(days[0], until=days[1], most=most)]

        assert walk() == ["undated", "c1", "c2", "c0"]
        assert walk(most=2) == ["c2", "c0"]
        assert walk(since=21) == ["c2", "c0"]
        assert walk(until=22) == ["c1", "c2"]
        assert walk(21, 22, 5) == ["c2"]


def test_the_summaries_of_many_calls_are_read_a_few_at_a_time(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "_TEXTS", 10)
    with Store(store_url) as store:
        for number in range(25):
            put_result(store, make_call(f"c{number:02d}"))
        start = make_call("c00").started_at
        assert start is not None
        hour = (start, start + timedelta(hours=1))
        store.summaries.list(*hour, summarise=periods.summarise_call)  # makes them
        with reading(store, "call_summaries") as asked:
            found = store.summaries.list_measures(*hour, summarise=periods.summarise_call)
        assert [len(parameters) for parameters in asked] == [10, 10, 5]
        assert len(found) == 25


def test_of_the_calls_of_a_replay_a_few_snapshots_are_in_memory(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "_SNAPSHOTS", 10)
    with Store(store_url) as store:
        for number in range(25):
            put_result(store, make_call(f"c{number:02d}"))
        with reading(store, "call_snapshots") as asked:
            walk = store.results.list_snapshots()
            assert next(walk).call_id == "c00"
            assert [len(parameters) for parameters in asked] == [10]
            assert [call.call_id for call in walk] == [f"c{number:02d}" for number in range(1, 25)]
            assert [len(parameters) for parameters in asked] == [10, 10, 5]
