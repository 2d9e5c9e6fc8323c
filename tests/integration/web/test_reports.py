"""Reports of days, weeks and months are made from the calls that may be seen; a frame shows them without scripts."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from qareport.model import MAIL, Call, Delivery, Edition, FailedCall, FoundPair, QaKind, UserRole
from qareport.store import MinedCall, Store
from tests.support.desk import NOW, OpenDesk


@pytest.mark.parametrize(("role", "calls"), [(UserRole.ADMIN, 4), (UserRole.SUPERVISOR, 2), (UserRole.AGENT, 1)])
@pytest.mark.parametrize("period", ["day/2026-11-21", "week/2026-W47", "month/2026-11"])
def test_a_digest_counts_the_calls_that_may_be_seen(opened: OpenDesk, role: UserRole, calls: int, period: str) -> None:
    report = opened.login(role).get(f"/api/v1/digests/{period}").json()
    assert report["coverage"]["calls"] == calls
    assert {row["agent_id"] for row in report["agents"]} <= {"A1", "A2", "B1", None}
    assert report["agent_id"] == ("A1" if role is UserRole.AGENT else None)


def test_nothing_of_another_team_is_in_the_report_of_a_team(opened: OpenDesk) -> None:
    client = opened.login(UserRole.SUPERVISOR)
    for path in ("/api/v1/digests/day/2026-11-21", "/reports/day/2026-11-21/document"):
        answer = re.sub(r'<style.*?</style>| class="[^"]*"', "", client.get(path).text, flags=re.DOTALL)
        assert "o1" in answer
        assert not re.search(r"\b(o2|c3|c4|B1)\b", answer), path


def test_a_report_that_was_made_before_follows_a_verdict_a_failure_and_a_deletion(opened: OpenDesk) -> None:
    client = opened.enter(UserRole.ADMIN)

    def read(week: str = "week/2026-W47") -> tuple[int, int, object]:
        report = client.get(f"/api/v1/digests/{week}").json()
        return report["coverage"]["calls"], report["coverage"]["failed"], report["headlines"]

    calls, failed, headlines = read()
    assert (calls, failed, headlines) == read()
    for finding in client.get("/api/v1/calls/c1/findings").json()["findings"]:
        body = {"verdict": "rejected", "reason": "wrong_rule"}
        client.put(f"/api/v1/calls/c1/findings/{finding['finding_id']}/verdict", json=body)
    assert read()[2] != headlines
    began = datetime(2026, 11, 21, 2, tzinfo=UTC)
    call = Call(call_id="c9", audio_path="/srv/c9.ogg", agent_id="B1", started_at=began)
    opened.desk.store.calls.put_failure(call, FailedCall.of(call, "decode", "no recording"))
    assert read()[:2] == (calls + 1, failed + 1)
    client.post("/calls/c3/delete", data={"typed": "c3"})
    assert read()[:2] == (calls, failed + 1)


def test_nobody_is_told_of_failed_calls_that_may_not_be_seen(opened: OpenDesk) -> None:
    for agent_id in ("A1", "A2", "B1"):
        call_id, began = f"failed of {agent_id}", datetime(2026, 11, 21, 2, tzinfo=UTC)
        call = Call(call_id=call_id, audio_path="/srv/x.ogg", agent_id=agent_id, started_at=began)
        opened.desk.store.calls.put_failure(call, FailedCall.of(call, "decode", "no recording"))
    for role, failed in ((UserRole.ADMIN, 3), (UserRole.SUPERVISOR, 2), (UserRole.AGENT, 1)):
        client = opened.enter(role)
        assert client.get("/api/v1/digests/day/2026-11-21").json()["coverage"]["failed"] == failed
        assert f"处理失败</span> <strong>{failed}</strong>" in client.get("/").text


def test_the_list_names_the_days_weeks_and_months_that_have_calls(opened: OpenDesk) -> None:
    page = opened.login(UserRole.SUPERVISOR).get("/reports").text
    assert 'href="/reports/day/2026-11-21"' in page
    assert "2通电话" in page
    assert 'href="/reports/week/2026-W47"' in page
    assert 'href="/reports/month/2026-11"' in page
    assert page.count('href="/reports/day/') == 1
    for name in ("2026年11月21日 周六", "2026年第47周（11月16日至11月22日）", "2026年11月的月报"):
        assert name in page


def test_a_report_leads_to_those_of_the_same_kind_before_and_after(opened: OpenDesk) -> None:
    client = opened.enter(UserRole.SUPERVISOR)
    assert client.patch("/api/v1/calls/c2", json={"started_at": "2026-11-14T09:00:00+08:00"}).status_code == 200
    assert re.findall('<a href="([^"]+)" rel="prev">', client.get("/reports/day/2026-11-21").text) == [
        "/reports/day/2026-11-14"
    ]
    page = client.get("/reports/week/2026-W46").text
    assert 'href="/reports/week/2026-W47" rel="next">2026年第47周' in page
    assert 'rel="prev"' not in page


def test_a_month_without_calls_leads_to_the_months_that_have_some(opened: OpenDesk) -> None:
    page = opened.login(UserRole.ADMIN).get("/reports", params={"month": "2026-09"}).text
    assert "这个月没有通话" in page
    assert 'href="/reports?month=2026-11"' in page


def test_the_frame_is_sandboxed_and_its_links_open_in_the_whole_window(opened: OpenDesk) -> None:
    client = opened.login(UserRole.ADMIN)
    page = client.get("/reports/day/2026-11-21").text
    assert 'src="/reports/day/2026-11-21/document" sandbox="allow-top-navigation-by-user-activation"' in page
    document = client.get("/reports/day/2026-11-21/document")
    policy = document.headers["content-security-policy"]
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert '<base target="_top">' in document.text
    assert 'href="http://127.0.0.1:8710/orders/o1"' in document.text


def test_a_report_is_in_the_language_of_its_reader(opened: OpenDesk) -> None:
    client = opened.enter(UserRole.ADMIN)
    address = "/reports/day/2026-11-21/document"
    assert "客服质检日报" in client.get(address).text
    english = client.get(address, headers={"accept-language": "en"}).text
    assert "Daily quality report" in english
    assert "return or exchange" in english  # an issue of the program's own
    assert "退换货" not in english


@pytest.mark.parametrize("format", ["docx", "xlsx", "json"])
def test_a_report_is_loaded_down_and_leaves_one_line_in_the_audit_log(opened: OpenDesk, format: str) -> None:
    answer = opened.login(UserRole.SUPERVISOR).get(f"/reports/week/2026-W47/document.{format}")
    assert answer.status_code == 200
    entries = [entry for entry in opened.desk.store.audit.list() if entry.action == "document.download"]
    assert [(entry.object, entry.details["format"]) for entry in entries] == [("report:week/2026-W47", format)]


@pytest.mark.parametrize("path", ["day/2026-11-31", "week/2026-W60", "month/2026-13", "year/2026", "range/2026-11-01"])
def test_a_period_that_does_not_exist_is_not_found(opened: OpenDesk, path: str) -> None:
    assert opened.login(UserRole.ADMIN).get(f"/reports/{path}").status_code == 404


def test_a_team_of_others_does_not_exist(opened: OpenDesk) -> None:
    client = opened.login(UserRole.SUPERVISOR)
    for path in ("/reports/day/2026-11-21", "/reports/day/2026-11-21/document", "/api/v1/digests/day/2026-11-21"):
        assert client.get(path, params={"team": "blue"}).status_code == 404
    admin = opened.login(UserRole.ADMIN).get("/api/v1/digests/day/2026-11-21", params={"team": "blue"}).json()
    assert admin["coverage"]["calls"] == 1


def test_who_may_read_all_reports_sees_what_became_of_each_mail(opened: OpenDesk) -> None:
    _put_mail(opened.desk.store)
    path = "/reports/day/2026-11-21"
    page = opened.login(UserRole.ADMIN).get(path).text
    assert "boss@example.com" in page
    assert "等待发送" in page
    assert "boss@example.com" not in opened.login(UserRole.SUPERVISOR).get(path).text


def _put_mail(store: Store) -> None:
    mail = Delivery(
        channel=MAIL, edition=Edition.TEAM, recipient="boss@example.com", period="day:2026-11-21",
        kind="daily", subject="日报", message_id="<1@example.com>", content=b"x",
    )  # fmt: skip
    store.outbox.put([mail], now=NOW)


def test_a_week_says_what_good_calls_answer_where_the_others_go_wrong(opened: OpenDesk) -> None:
    store = opened.desk.store
    issue = store.results.get("c1").issues[0].name
    pair = FoundPair(
        kind=QaKind.ANSWER, question="到底什么时候发货", answer="四十八小时内发货", q_ms=0, a_ms=87_000, issue=issue
    )
    for call_id in ("c2", "c3"):
        found = replace(pair, answer=f"{pair.answer}，{call_id}")
        mined = MinedCall(call_id=call_id, key="k", transcript_key="t", rules_sha256="r", pairs=(found,))
        store.qa_pairs.put_mined([mined])
    page = opened.enter(UserRole.SUPERVISOR).get("/reports/week/2026-W47").text
    assert "这一周最该改进的环节" in page
    assert re.search(r'href="/calls/c1">c1</a>\s*\d+:\d\d', page)
    assert "四十八小时内发货，c2" in page
    assert "四十八小时内发货，c3" not in page  # of another team
    assert "这一周最该改进的环节" not in opened.enter(UserRole.AGENT).get("/reports/week/2026-W47").text
    assert "这一周最该改进的环节" not in opened.enter(UserRole.ADMIN).get("/reports/day/2026-11-21").text
