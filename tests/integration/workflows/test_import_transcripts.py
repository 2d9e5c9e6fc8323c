"""Transcripts that come from elsewhere: each is a call or a failure with a name, and none takes another's place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from qareport.model import Call
from qareport.settings import Settings
from qareport.store import Store
from qareport.workflows import transcribe
from qareport.workflows.import_transcripts import ImportedTranscripts, import_transcripts
from tests.support.recordings import cut_recording

NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store(store_url) as opened:
        yield opened


def line(call_id: str, text: str = "我要退货", **fields: object) -> str:
    segments = [{"start_ms": 0, "end_ms": 900, "role": "customer", "text": text}]
    return json.dumps({"call_id": call_id, "segments": segments, **fields}, ensure_ascii=False)


def take(store: Store, folder: Path, *lines: str, manifest: str = "") -> ImportedTranscripts:
    path = folder / "t.jsonl"
    path.write_text("\n".join(lines), "utf-8")
    listed = None
    if manifest:
        listed = folder / "m.csv"
        listed.write_text(manifest, "utf-8")
    return import_transcripts(path, store, Settings(), manifest=listed)


def test_a_second_line_of_a_call_is_named_and_the_first_is_kept(store: Store, tmp_path: Path) -> None:
    given = take(store, tmp_path, line("C1", order_id="A"), line("C1", "算了", order_id="B"), line("C2"))
    assert [(item.call.call_id, item.call.order_id) for item in given.calls] == [("C1", "A"), ("C2", None)]
    (failure,) = given.failures
    assert (failure.call_id, failure.order_id) == ("C1", "B")
    assert "a second transcript with the call_id 'C1'; the first is used" in failure.reason
    assert store.calls.find_order_id("C1") == "A"


def test_what_says_nothing_is_a_failure_and_stops_nothing(store: Store, tmp_path: Path) -> None:
    given = take(store, tmp_path, "{}", '{"key": "a", "text": "我"}', "nonsense", "[" * 100_000, line("C1"))
    assert [item.call.call_id for item in given.calls] == ["C1"]
    assert [failure.call_id.rpartition(":")[2] for failure in given.failures] == ["1", "2", "3", "4"]
    assert not any("t.jsonl" in failure.reason for failure in given.failures), "the place is said once"


def test_the_same_transcript_again_is_the_same_call(store: Store, tmp_path: Path) -> None:
    written = line("C1", started_at=NOON.isoformat())
    first, second = take(store, tmp_path, written), take(store, tmp_path, written)
    assert (second.calls, second.failures) == (first.calls, ())


def test_a_call_of_another_day_is_not_replaced(store: Store, tmp_path: Path) -> None:
    take(store, tmp_path, line("C1", started_at=NOON.isoformat()))
    given = take(store, tmp_path, line("C1", "另一通", started_at=(NOON + timedelta(days=1)).isoformat()), line("C2"))
    assert [item.call.call_id for item in given.calls] == ["C2"]
    (failure,) = given.failures
    assert failure.reason == (
        "the call_id 'C1' belongs to another call (2026-11-21, here 2026-11-22); give each call its own id"
    )
    assert store.calls.list_recordings(["C1"])["C1"][0].started_at == NOON


def test_a_corrected_transcript_of_the_same_day_takes_the_place_of_the_first(store: Store, tmp_path: Path) -> None:
    take(store, tmp_path, line("C1", started_at=NOON.isoformat()))
    given = take(store, tmp_path, line("C1", "我要退款", started_at=NOON.isoformat()))
    assert [item.transcript.segments[0].text for item in given.calls] == ["我要退款"]


def test_a_manifest_says_order_agent_time_and_phone(store: Store, tmp_path: Path) -> None:
    manifest = (
        "通话编号,录音文件,订单号,工号,开始时间,客户电话,备注\n"
        "C1,,o1,A017,2026-11-21 12:00,13800001234,急\n"
        ",b.wav,o2,,,,\n"
        "C9,,o9,,,,\n"
    )
    audio = {"path": "/rec/b.wav", "sha256": "0", "duration_ms": 900, "sample_rate": 8000, "channels": 1}
    given = take(
        store,
        tmp_path,
        line("C1", order_id="old"),
        line("X", audio=audio, agent_id="A1"),
        line("C3"),
        manifest=manifest,
    )
    first, second, third = (item.call for item in given.calls)
    assert (first.order_id, first.agent_id, first.started_at, first.customer_phone) == (
        "o1", "A017", NOON, "13800001234",
    )  # fmt: skip
    assert (second.call_id, second.order_id, second.agent_id) == ("b", "o2", "A1")
    assert third.order_id is None
    assert [item.transcript.order_id for item in given.calls] == ["o1", "o2", None]
    assert (given.missing, given.unknown_columns) == (("C9",), ("备注",))
    assert [call.call_id for call in store.deletion.find_calls(customer="13800001234")] == ["C1"]


def test_a_row_that_cannot_be_used_is_named(store: Store, tmp_path: Path) -> None:
    given = take(store, tmp_path, line("C1"), manifest="call_id,order_id\nC1,2.02E+13\n")
    assert [item.call.order_id for item in given.calls] == [None]
    assert "order_id: a number that a spreadsheet has rounded" in str(given.problems[0])


# --- recordings -------------------------------------------------------------------------------------------------------


def recorded(path: Path, second: int, started_at: datetime | None, order_id: str | None = None) -> Call:
    return Call(call_id="0001", audio_path=str(cut_recording(path, second)), started_at=started_at, order_id=order_id)


@pytest.mark.parametrize(
    ("later", "order"), [(NOON + timedelta(days=1), "o1"), (NOON, "o2"), (None, "o2")], ids=["day", "order", "undated"]
)
def test_a_recording_with_the_given_id_of_another_call_is_refused(
    store: Store, tmp_path: Path, later: datetime | None, order: str
) -> None:
    store.calls.put(recorded(tmp_path / "a" / "1.wav", 0, NOON, "o1"))
    kept, problems = transcribe.refuse_taken_ids([recorded(tmp_path / "b" / "1.wav", 3, later, order)], store, ZONE)
    assert kept == ()
    assert str(problems[0]).startswith(f"{tmp_path}/b/1.wav: the call_id '0001' belongs to another call (")


def test_a_recording_whose_order_was_corrected_or_that_was_sent_again_is_worked_on(
    store: Store, tmp_path: Path
) -> None:
    first = recorded(tmp_path / "a" / "1.wav", 0, NOON, "o1")
    store.calls.put(first)
    corrected = recorded(tmp_path / "a" / "1.wav", 0, NOON, "o2")
    again = recorded(tmp_path / "b" / "1.wav", 3, NOON, "o1")
    assert transcribe.refuse_taken_ids([corrected, again], store, ZONE) == ((corrected, again), ())
