"""What the desk says of itself while the speech engine starts, runs, and after it ended."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import jinja2
import pytest

from qareport import rules
from qareport.model import Permission, UserRole
from qareport.web.health import SignOfLife, engine_state
from qareport.web.serving import prepare
from qareport.workflows.live.load import LiveFigures
from tests.support.desk import OpenDesk


def leave(opened: OpenDesk, state: str, *, pid: int | None = None) -> None:
    """Leave a sign of life, as the worker of a process id; None: of this process."""
    folder = Path(opened.desk.settings.desk.folder)
    SignOfLife(state=state, model="demo").leave(folder)
    if pid is not None:
        told = json.loads((folder / "worker.json").read_text("utf-8"))
        (folder / "worker.json").write_text(json.dumps(told | {"pid": pid}), "utf-8")


def ended_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_programs_are_told_that_the_engine_starts_and_when_to_come_again(opened: OpenDesk) -> None:
    leave(opened, "starting")
    answer = opened.browser().get("/readyz")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert (told["code"], told["engine"], told["store"], told["queue"]) == ("engine_starting", "starting", "ready", 0)


def test_people_see_a_page_that_says_so(opened: OpenDesk) -> None:
    leave(opened, "starting")
    answer = opened.browser().get("/readyz", headers={"accept": "text/html"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert "<h1>识别服务正在启动</h1>" in answer.text


def test_a_desk_whose_engine_runs_is_ready(opened: OpenDesk) -> None:
    leave(opened, "ready")
    answer = opened.browser().get("/readyz")
    assert (answer.status_code, answer.json()["engine"], answer.json()["model"]) == (200, "ready", "demo")


@pytest.mark.parametrize("state", ["failed", "stopped"])
def test_an_engine_that_does_not_run_is_not_said_to_be_starting(opened: OpenDesk, state: str) -> None:
    leave(opened, state)
    assert opened.browser().get("/readyz").json()["code"] == "engine_absent"


def test_a_worker_that_was_killed_is_starting_at_once_and_not_ready_for_a_while(opened: OpenDesk) -> None:
    leave(opened, "ready", pid=ended_process())
    assert engine_state(opened.desk).state == "starting"


def test_pages_work_while_the_engine_starts_and_say_so_where_it_matters(opened: OpenDesk) -> None:
    leave(opened, "starting")
    client = opened.enter(UserRole.SUPERVISOR)
    assert client.get("/calls").status_code == 200
    for page in ("/upload", "/board"):
        answer = client.get(page)
        assert answer.status_code == 200
        assert "识别服务正在启动" in answer.text, page


def test_sound_of_a_call_gets_no_ticket_before_it_can_be_heard(opened: OpenDesk) -> None:
    store, at = opened.desk.store, opened.clock.now
    admin = opened.users[UserRole.ADMIN].user_id
    _, secret = store.tokens.add("pbx", admin, [Permission.LIVE_INGEST], at=at, lasts=timedelta(days=1))
    client = opened.browser()
    headers = {"authorization": f"Bearer {secret}"}
    leave(opened, "starting")
    answer = client.post("/api/v1/live/tickets", json={"call_id": "x"}, headers=headers)
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "engine_starting", "10")
    leave(opened, "ready")
    assert client.post("/api/v1/live/tickets", json={"call_id": "x"}, headers=headers).status_code == 201


def test_figures_for_prometheus_tell_how_late_live_calls_are_heard(opened: OpenDesk) -> None:
    live = LiveFigures(
        busy=0.42, final_counts=(0, 2, 3, 1, 0, 0, 0, 0, 0, 1), final_s=15.5, alert_counts=(1, *[0] * 9), alert_s=0.1
    )
    SignOfLife(state="ready", model="demo", live=live).leave(Path(opened.desk.settings.desk.folder))
    figures = opened.browser("127.0.0.1").get("/metrics").text.splitlines()
    assert "qareport_live_busy_share 0.42" in figures
    assert "# TYPE qareport_live_final_delay_seconds histogram" in figures
    for line in (
        'bucket{le="0.25"} 0', 'bucket{le="0.5"} 2', 'bucket{le="0.75"} 5', 'bucket{le="10"} 6', 'bucket{le="+Inf"} 7',
        "sum 15.5", "count 7",
    ):  # fmt: skip
        assert f"qareport_live_final_delay_seconds_{line}" in figures
    assert "qareport_live_alert_delay_seconds_count 1" in figures


def test_figures_are_for_this_machine_and_for_who_has_the_right(opened: OpenDesk) -> None:
    here = opened.browser("127.0.0.1")
    assert here.get("/metrics").status_code == 200
    assert here.get("/metrics", headers={"x-forwarded-for": "203.0.113.7"}).status_code == 303
    assert opened.browser("203.0.113.7").get("/metrics").status_code == 303
    assert opened.enter(UserRole.ADMIN).get("/metrics").status_code == 200
    assert opened.enter(UserRole.SUPERVISOR).get("/metrics").status_code == 403


def test_figures_for_prometheus_count_requests_and_what_waits(opened: OpenDesk) -> None:
    admin = opened.enter(UserRole.ADMIN)
    for address in ("/calls", "/calls", "/calls/nothing"):
        admin.get(address)
    admin.request("MADE-UP", "/calls")
    figures = admin.get("/metrics").text.splitlines()
    assert "# TYPE qareport_requests_total counter" in figures
    assert 'qareport_requests_total{method="GET",status="200"} 2' in figures
    assert 'qareport_requests_total{method="GET",status="404"} 1' in figures
    assert not [line for line in figures if "MADE-UP" in line]
    assert {"qareport_live_calls 0", "qareport_open_alerts 0", "qareport_upload_queue_oldest_seconds 0"} <= {*figures}


def test_a_desk_that_still_loads_rules_and_pages_is_not_ready(opened: OpenDesk) -> None:
    leave(opened, "ready")
    opened.desk.preparing = True
    answer = opened.browser().get("/readyz")
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "desk_starting", "10")
    opened.desk.preparing = False
    assert opened.browser().get("/readyz").status_code == 200


def test_the_first_page_of_a_desk_that_is_prepared_compiles_nothing_and_reads_no_rules(
    opened: OpenDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(opened.desk)
    assert "rule_book" in vars(opened.desk.workspace)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("this was to be done before")

    monkeypatch.setattr(jinja2.Environment, "compile", refuse)
    monkeypatch.setattr(rules, "load", refuse)
    client = opened.login(UserRole.ADMIN)
    for address in ("/calls/c1", "/", "/calls", "/heat", "/orders/o1"):
        assert client.get(address).status_code == 200
