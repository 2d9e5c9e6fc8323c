"""The state of an installation: what is counted, what wants attention, and the Prometheus file of it."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from qareport import events
from qareport.cli import main
from qareport.model import (
    MAIL,
    Call,
    CallReport,
    Delivery,
    DeliveryState,
    Edition,
    FailedCall,
    Outcome,
    RunState,
    RunStep,
    Segment,
    Transcript,
    delivery_key,
)
from qareport.settings import default_dir
from qareport.store import Store, holder
from qareport.workflows.judge import judge_calls
from qareport.workflows.status import InstallationStatus, look, write_metrics
from qareport.workflows.transcribe import TranscribedCall
from qareport.workflows.workspace import Workspace
from tests.support.paths import ROOT
from tests.support.store_samples import METRICS

ZONE = "Asia/Shanghai"
#: Half past midnight in Shanghai.
NOW = datetime(2026, 11, 21, 16, 30, tzinfo=UTC)
PHONE = "13812345678"


def call(call_id: str, minutes_ago: int | None) -> Call:
    began = None if minutes_ago is None else NOW - timedelta(minutes=minutes_ago)
    return Call(call_id=call_id, audio_path="", started_at=began)


def put(store: Store, judged: Call) -> None:
    report = CallReport(call_id=judged.call_id, started_at=judged.started_at, metrics=METRICS)
    store.results.put(f"key-{judged.call_id}", judged, report, rules_sha256="r")


def fail(store: Store, failed: Call, step: str = "decode", reason: str = "empty file") -> None:
    store.calls.put_failure(failed, FailedCall.of(failed, step, reason))


def status_of(store: Store) -> InstallationStatus:
    return look(store, time_zone=ZONE, now=NOW)


def run(
    store: Store,
    state: RunState | None,
    *,
    by: str = "elsewhere:1",
    problems: tuple[str, ...] = (),
    mode: str = "send",
    period: str = "day:2026-11-20",
) -> None:
    """Record a daily run; None: it has not ended."""
    number = store.runs.begin(period, mode=mode, holder=by, now=NOW - timedelta(seconds=90))
    if state is not None:
        steps = [RunStep(name="render", seconds=1.5, count=3), RunStep(name="send", seconds=0.5)]
        store.runs.end(number, state, steps=steps, summary="calls=3", problems=problems, now=NOW)


def post(store: Store, recipient: str, state: DeliveryState, *, minutes_ago: int = 0) -> str:
    key = delivery_key(MAIL, Edition.TEAM, recipient, "day:2026-11-20", "report")
    letter = Delivery(channel=MAIL,
        edition=Edition.TEAM, recipient=recipient, period="day:2026-11-20", kind="report", subject="s",
        message_id="<m>", content=b"text",
    )  # fmt: skip
    store.outbox.put([letter], now=NOW - timedelta(minutes=minutes_ago, seconds=2))
    if state is not DeliveryState.PLANNED:
        assert store.outbox.begin(key, now=NOW - timedelta(seconds=1))
        store.outbox.end(key, Outcome(state=state, reply=f"unknown user <{recipient}>"), now=NOW)
    return key


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store(store_url) as store:
        yield store


def test_today_begins_at_midnight_of_the_settings_time_zone(store: Store) -> None:
    put(store, call("today", 20))
    put(store, call("yesterday", 40))
    fail(store, call("broken", 10))
    store.calls.put(call("waiting", 5))
    fail(store, call("undated", None), "ingest", "no time")
    status = status_of(store)
    assert (status.today.judged, status.today.failed, status.today.waiting, status.today.total) == (1, 1, 1, 3)
    assert (status.calls.judged, status.calls.failed, status.calls.waiting) == (2, 2, 1)
    assert status.failed_steps == {"decode": 1, "ingest": 1}
    assert [failure.call_id for failure in status.failures] == ["undated", "broken"]
    assert status.store_bytes > 0
    assert status.attention == ()


def test_an_empty_store_wants_nothing(store: Store) -> None:
    status = status_of(store)
    assert (status.calls.total, status.last_run, status.last_mail) == (0, None, None)
    assert (status.mails, status.attention) == ({}, ())


def test_what_wants_a_person_is_named_with_what_to_do(store: Store) -> None:
    run(store, RunState.DONE)
    run(store, RunState.PARTIAL, problems=("3 recordings were not transcribed",))
    post(store, "a@example.com", DeliveryState.UNKNOWN)
    post(store, "b@example.com", DeliveryState.FAILED)
    store.calls.put(call("forgotten", 60 * 25))
    status = status_of(store)
    assert status.attention == (
        "the last run (day:2026-11-20) is partial: 3 recordings were not transcribed",
        "mails failed: 1 (qareport mail list)",
        "mails unknown: 1 (qareport mail list)",
        "calls that wait for more than a day: 1 (qareport daily or qareport run)",
    )
    assert status.last_done is not None
    assert status.last_done.state is RunState.DONE


def test_a_run_that_somebody_tries_out_hides_no_morning_that_went_wrong(store: Store) -> None:
    run(store, RunState.DONE, mode="plan")
    status = status_of(store)
    assert (status.last_run and status.last_run.mode, status.attention) == ("plan", ())
    run(store, RunState.PARTIAL)
    run(store, RunState.DONE, mode="dry-run")
    run(store, RunState.DONE, period="week:2026-11-09")
    status = status_of(store)
    assert status.attention == ("the last run (day:2026-11-20) is partial",)
    assert status.last_run is not None
    assert (status.last_run.period, status.last_run.mode) == ("week:2026-11-09", "send")


def test_a_mail_that_does_not_go_out_is_told_after_two_hours(store: Store) -> None:
    post(store, "a@example.com", DeliveryState.RETRY, minutes_ago=119)
    assert status_of(store).attention == ()
    post(store, "b@example.com", DeliveryState.RETRY, minutes_ago=120)
    (told,) = status_of(store).attention
    assert told.startswith(
        "mails that have not gone out for two hours: 1 (qareport mail list): unknown user <b@example.com>"
    )


def test_the_list_of_mails_hides_no_old_one_and_goes_by_the_clock_of_the_settings(
    store_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def letter(number: int) -> Delivery:
        return Delivery(channel=MAIL,
            edition=Edition.TEAM, recipient=f"{number}@example.com", period="day:2026-11-20", kind="report",
            subject="s", message_id="<m>", content=b"text",
        )  # fmt: skip

    with Store(store_url) as store:
        old = post(store, "old@example.com", DeliveryState.RETRY, minutes_ago=600)
        store.outbox.end(old, Outcome(state=DeliveryState.RETRY, reply="450 later"), now=NOW, next_try_at=NOW)
        store.outbox.put([letter(number) for number in range(1001)], now=NOW)
    assert main(["mail", "list", "--store", store_url]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1002
    assert f"{old[:12]} retry " in lines[-1]
    assert "old@example.com  2026-11-22 00:30, tries: 2, next try after 00:30  450 later" in lines[-1]


def test_the_last_mail_is_the_one_that_a_server_took(store: Store) -> None:
    post(store, "a@example.com", DeliveryState.SENT)
    post(store, "b@example.com", DeliveryState.PLANNED)
    status = status_of(store)
    assert status.mails == {DeliveryState.SENT: 1, DeliveryState.PLANNED: 1}
    assert status.last_mail is not None
    assert (status.last_mail.period, status.last_mail.sent_at) == ("day:2026-11-20", NOW)
    assert "example.com" not in repr(status)


def test_a_run_is_running_only_while_its_process_is_there(store: Store) -> None:
    def state() -> RunState:
        last = status_of(store).last_run
        assert last is not None
        return last.state

    run(store, None, by=holder())
    assert state() is RunState.RUNNING
    run(store, None, by="another-machine:1")
    assert state() is RunState.RUNNING
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    run(store, None, by=f"{holder().rpartition(':')[0]}:{ended.pid}")
    assert state() is RunState.KILLED


def read_metrics(path: Path) -> dict[tuple[str, str], float]:
    """The samples of a file, by name and the value of their only label."""
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(path.read_text("utf-8"))
        for sample in family.samples
    }


def test_the_prometheus_file_says_the_same(store: Store, tmp_path: Path) -> None:
    put(store, call("today", 20))
    fail(store, call("broken", 10))
    run(store, RunState.DONE)
    post(store, "a@example.com", DeliveryState.SENT)
    path = tmp_path / "qareport.prom"
    path.write_text("of yesterday")
    status = status_of(store)
    write_metrics(path, status)
    metrics = read_metrics(path)
    assert metrics[("qareport_up", "")] == 1
    assert metrics[("qareport_attention", "")] == 0
    assert metrics[("qareport_calls_today", "judged")] == 1
    assert metrics[("qareport_calls_today", "failed")] == 1
    assert metrics[("qareport_failed_calls", "decode")] == 1
    assert metrics[("qareport_mails", "sent")] == 1
    assert metrics[("qareport_mails", "unknown")] == 0
    assert metrics[("qareport_last_mail_timestamp_seconds", "")] == NOW.timestamp()
    assert metrics[("qareport_last_run_state", "done")] == 1
    assert metrics[("qareport_last_run_state", "failed")] == 0
    assert metrics[("qareport_last_run_duration_seconds", "")] == 90
    assert metrics[("qareport_last_run_step_seconds", "render")] == 1.5
    assert metrics[("qareport_last_done_run_timestamp_seconds", "")] == NOW.timestamp()
    assert metrics[("qareport_store_bytes", "")] == status.store_bytes
    assert ("qareport_store_free_bytes", "") in metrics or status.free_bytes is None
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("qareport.prom")] == ["qareport.prom"]
    page = (ROOT / "docs" / "guide" / "operations.md").read_text("utf-8")
    assert [name for name, _ in metrics if f"`{name}" not in page] == []


def test_status_as_it_is_typed(store_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = datetime.now(UTC)
    with Store(store_url) as store:
        fail(store, Call(call_id="c", audio_path="", started_at=now), reason=f"{PHONE}.wav: empty file")
        run(store, RunState.FAILED, problems=(f"StoreError: {PHONE}",))
    assert main(["status", "--store", store_url]) == 1
    output = capsys.readouterr().out
    assert "c: [电话].wav: empty file [decode]" in output
    assert "ATTENTION:  the last run (day:2026-11-20) is failed" in output
    assert PHONE not in output
    assert main(["status", "--store", store_url, "--format", "json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["calls"]["failed"], answer["failures"][0]["reason"]) == (1, "[电话].wav: empty file")
    path = tmp_path / "q.prom"
    assert main(["status", "--store", store_url, "--prometheus", str(path)]) == 0
    assert read_metrics(path)[("qareport_attention", "")] == 1


def test_a_store_or_settings_that_cannot_be_read_are_down_and_the_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "store.db"
    damaged.write_bytes(b"this is a text file, and a long enough one to be read as a header" * 20)
    path = tmp_path / "q.prom"
    assert main(["status", "--store", f"sqlite:///{damaged}", "--prometheus", str(path)]) == 2
    assert "not a database" in capsys.readouterr().err
    assert read_metrics(path)[("qareport_up", "")] == 0
    path.unlink()
    (tmp_path / "qareport.yaml").write_text("period: {time_zone: Shanghai}", "utf-8")
    with Store(f"sqlite:///{tmp_path / 's.db'}") as store:
        write_metrics(path, status_of(store))
        assert read_metrics(path)[("qareport_last_done_run_timestamp_seconds", "")] == 0
    status = ["status", "--store", f"sqlite:///{tmp_path / 's.db'}"]
    assert main([*status, "--config", str(tmp_path), "--prometheus", str(path)]) == 2
    assert "qareport.yaml:1:" in capsys.readouterr().err
    assert read_metrics(path)[("qareport_up", "")] == 0
    assert main([*status, "--prometheus", "/dev/null/q.prom"]) == 2
    assert "/dev/null/q.prom: cannot be written" in capsys.readouterr().err


# --- events -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    """The events of a test, as the command line writes them."""
    events_written: list[dict[str, object]] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            events_written.append(json.loads(self.format(record)))

    handler = Keep()
    handler.setFormatter(events.json_formatter())
    logging.getLogger("qareport").setLevel(logging.INFO)
    logging.getLogger("qareport").addHandler(handler)
    yield events_written
    logging.getLogger("qareport").removeHandler(handler)


def test_mails_and_runs_are_events_without_addresses(store: Store, lines: list[dict[str, object]]) -> None:
    key = post(store, "li.lei@example.com", DeliveryState.FAILED)
    run(store, RunState.PARTIAL, problems=("refused: <li.lei@example.com>",))
    assert [(line["step"], line["outcome"], line["duration_ms"]) for line in lines] == [
        ("send", "failed", 1000),
        ("render", "done", 1500),
        ("send", "done", 500),
        ("run", "partial", 90_000),
    ]
    assert (lines[0]["mail"], lines[0]["reason"]) == (key[:12], "unknown user <[邮箱]>")
    assert (lines[1]["run"], lines[1]["period"], lines[1]["count"]) == (1, "day:2026-11-20", 3)
    assert lines[3]["problems"] == ["refused: <[邮箱]>"]
    assert all(line["logger"] == "qareport.events" and line["level"] == "INFO" for line in lines)


def test_a_step_that_was_done_before_is_kept(tmp_path: Path, lines: list[dict[str, object]]) -> None:
    transcript = Transcript(call_id="c1", segments=(Segment(start_ms=0, end_ms=9, text="我要退货"),))
    item = TranscribedCall(call=call("c1", 5), key="t", transcript=transcript)
    rule_book = Workspace.open(config=default_dir("config")).rule_book
    with Store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        for _ in range(2):
            judge_calls([item], store, rule_book, on_progress=lambda *_: None)
    told = [(line["step"], line["outcome"], line["call_id"]) for line in lines]
    assert told == [("analyse", "done", "c1"), ("analyse", "kept", "c1")]
    assert "退货" not in str(lines)


def test_a_reason_is_masked_and_the_name_of_a_call_stays(lines: list[dict[str, object]]) -> None:
    events.happened("decode", "failed", call_id=f"a-{PHONE}", reason=f"{PHONE}.wav: empty file", order_id=None)
    (line,) = lines
    assert (line["call_id"], line["reason"]) == (f"a-{PHONE}", "[电话].wav: empty file")
    assert "order_id" not in line
    assert datetime.fromisoformat(str(line["time"])).tzinfo is not None


def test_an_error_keeps_its_trace_in_one_line(lines: list[dict[str, object]]) -> None:
    try:
        raise ValueError(f"says {PHONE}")
    except ValueError:
        logging.getLogger("qareport.x").exception("unexpected error")
    (line,) = lines
    assert line["message"] == "unexpected error"
    assert "ValueError: says [电话]" in str(line["exc_info"])
    assert os.linesep in str(line["exc_info"])
