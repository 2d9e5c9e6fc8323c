"""The first page shows what the day before left to do, of the calls that may be seen."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from qareport.errors import QareportError
from qareport.messages import say, speaking
from qareport.model import Call, FailedCall, JobKind, UserRole
from tests.support.desk import NOW, OpenDesk, open_desk
from tests.support.live_board import end_call, put_alert, put_call


@pytest.mark.parametrize(("role", "calls"), [(UserRole.ADMIN, 4), (UserRole.SUPERVISOR, 2), (UserRole.AGENT, 1)])
def test_the_day_before_is_told_in_numbers_of_the_calls_that_may_be_seen(
    opened: OpenDesk, role: UserRole, calls: int
) -> None:
    page = opened.login(role).get("/").text
    assert 'href="/reports/day/2026-11-21"' in page
    assert re.search(rf"听完的通话</span>\s*<strong>{calls}</strong>", page)


def test_a_customer_to_call_back_leads_to_the_second_of_the_call(opened: OpenDesk) -> None:
    client = opened.login(UserRole.SUPERVISOR)
    page = client.get("/").text
    assert 'href="http://127.0.0.1:8710/orders/o1"' in page
    place = re.search(r'href="http://127\.0\.0\.1:8710(/calls/c[12]\?t=\d+)"', page)
    assert place
    assert re.fullmatch(r"/calls/c[12]#t\d+", client.get(place[1]).headers["location"])
    assert "o2" not in page
    assert "c3" not in page


def test_the_first_page_leads_to_the_calls_that_wait_for_a_verdict(opened: OpenDesk) -> None:
    client = opened.enter(UserRole.SUPERVISOR)
    assert re.search(r'<a href="/review">2通电话等你复核</a>', client.get("/").text)
    assert "等你复核" not in opened.enter(UserRole.AGENT).get("/").text
    for call_id in ("c1", "c2"):
        for finding in client.get(f"/api/v1/calls/{call_id}/findings").json()["findings"]:
            place = f"/api/v1/calls/{call_id}/findings/{finding['finding_id']}/verdict"
            assert client.put(place, json={"verdict": "confirmed"}).status_code == 200
    opened.clock.move(minutes=2)
    assert "等你复核" not in client.get("/").text


def test_who_reads_no_reports_is_sent_to_the_audit_log(opened: OpenDesk) -> None:
    answer = opened.login(UserRole.AUDITOR).get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/audit")


def test_after_a_day_without_calls_the_last_one_with_calls_is_shown_and_called_so(opened: OpenDesk) -> None:
    assert "昨天没有通话" not in opened.login(UserRole.ADMIN).get("/").text
    opened.clock.move(days=3)
    page = opened.login(UserRole.ADMIN).get("/").text
    assert "昨天没有通话，这是最近有通话的一天" in page
    assert re.search(r"听完的通话</span>\s*<strong>4</strong>", page)
    assert 'href="/reports/day/2026-11-21"' in page


def test_a_day_that_is_over_is_shown_rather_than_the_first_calls_of_today(opened: OpenDesk) -> None:
    opened.clock.move(days=3)
    client = opened.login(UserRole.ADMIN)
    answer = client.patch("/api/v1/calls/c4", json={"started_at": "2026-11-25T07:30:00+08:00"})
    assert answer.status_code == 200, answer.text
    page = client.get("/").text
    assert 'href="/reports/day/2026-11-21"' in page
    assert re.search(r"听完的通话</span>\s*<strong>3</strong>", page)


def test_pages_say_in_which_zone_their_times_are(opened: OpenDesk) -> None:
    client = opened.login(UserRole.ADMIN)
    assert "时间都是北京时间。" in client.get("/").text
    assert "Times are Beijing time (UTC+8)." in client.get("/calls", headers={"accept-language": "en"}).text
    assert "北京时间" not in opened.browser().get("/login").text  # it shows no times


def test_a_list_without_appeals_says_how_one_comes_about(opened: OpenDesk) -> None:
    assert "打开那通电话，在“质检发现”下面申诉" in opened.login(UserRole.AGENT).get("/appeals").text
    assert "客服在自己通话的“质检发现”下面申诉以后" in opened.login(UserRole.SUPERVISOR).get("/appeals").text


def test_before_the_first_call_the_page_leads_to_the_upload_and_counts_what_is_heard(tmp_path: Path) -> None:
    with open_desk(tmp_path, calls=False) as empty:
        client = empty.login(UserRole.SUPERVISOR)
        page = client.get("/").text
        assert "还没有听过通话" in page
        assert 'class="button" href="/upload"' in page
        empty.desk.store.jobs.add(JobKind.UPLOAD, {"call_id": "new"}, at=NOW)
        assert "1个录音正在识别或排队" in client.get("/").text


def test_today_so_far_is_a_click_away(opened: OpenDesk) -> None:
    client = opened.login(UserRole.SUPERVISOR)
    assert 'href="/reports/day/2026-11-22">今天到现在' in client.get("/").text
    assert client.get("/reports/day/2026-11-22").status_code == 200


def test_why_a_call_failed_is_told_to_who_can_mend_it_and_in_their_language(opened: OpenDesk) -> None:
    call = Call(call_id="c9", audio_path="/srv/c9.ogg", agent_id="A1", started_at=datetime(2026, 11, 21, 2, tzinfo=UTC))
    why = QareportError(say("the disk is full"), where=call.audio_path)
    with speaking("zh"):  # the worker's language
        opened.desk.store.calls.put_failure(call, FailedCall.of(call, "decode", why))
    supervisor = opened.enter(UserRole.SUPERVISOR)
    assert "c9.ogg: 磁盘满了" in supervisor.get("/").text
    assert "c9.ogg: the disk is full" in supervisor.get("/", headers={"accept-language": "en"}).text
    assert "c9.ogg" not in opened.enter(UserRole.AGENT).get("/").text  # an agent can do nothing about it


def test_a_call_that_failed_is_told_without_the_folders_of_the_server() -> None:
    failed = FailedCall(
        call_id="c9", audio_path="/srv/calls/c9.ogg", step="decode", reason="/srv/calls/c9.ogg: no recording"
    )
    assert failed.reason_without_folders == "c9.ogg: no recording"


def test_an_agent_is_led_to_the_own_calls_and_what_to_work_on(opened: OpenDesk) -> None:
    page = opened.enter(UserRole.AGENT).get("/").text
    assert 'href="/agents/A1">我的辅导单</a>' in page
    assert "我的辅导单" not in opened.enter(UserRole.SUPERVISOR).get("/").text


def test_an_alert_waits_as_long_as_its_call_is_on(opened: OpenDesk) -> None:
    client, call = opened.enter(UserRole.SUPERVISOR), put_call(opened, "l1", "A1")
    put_alert(opened, call)
    assert "1个提醒等人处理" in client.get("/").text
    end_call(opened, call)
    assert "提醒等人处理" not in client.get("/").text
