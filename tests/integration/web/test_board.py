"""The board: what a supervisor sees of calls that are on, what the buttons do, and what becomes of alerts."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from qareport.model import AlertState, LiveLine, LiveState, Role, Signal, UserRole
from qareport.model.live import NoticedSignal
from tests.support.desk import OpenDesk
from tests.support.live_board import SAID, end_call, put_alert, put_call, watched

ACTIONS = {"ack": {}, "snooze": {"minutes": "15"}, "false-alarm": {"reason": "客户在开玩笑"}}


def rows(page: str) -> list[str]:
    """Return the live calls of the board, from the top."""
    return re.findall(r'<tr id="row-(\w+)"', page)


# --- the board --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "seen"),
    [(UserRole.ADMIN, {"l1", "l2", "l3"}), (UserRole.ANALYST, {"l1", "l2", "l3"}), (UserRole.SUPERVISOR, {"l1"})],
)
def test_everyone_sees_the_calls_of_their_reach_with_masked_numbers(
    opened: OpenDesk, role: UserRole, seen: set[str]
) -> None:
    for live_id, agent in (("l1", "A1"), ("l2", "B1"), ("l3", None)):
        put_call(opened, live_id, agent)
    client = opened.enter(role)
    page = client.get("/board").text
    assert set(rows(page)) == seen
    assert "13812345678" not in page + client.get("/board/l1").text
    statuses = {live_id: client.get(f"/board/{live_id}").status_code for live_id in ("l1", "l2", "l3")}
    assert statuses == {live_id: 200 if live_id in seen else 404 for live_id in statuses}


@pytest.mark.parametrize("role", [UserRole.AGENT, UserRole.AUDITOR])
@pytest.mark.parametrize("path", ["/board", "/board/l1", "/board/alerts"])
def test_agents_and_auditors_see_no_live_calls_and_no_way_to_them(opened: OpenDesk, role: UserRole, path: str) -> None:
    put_call(opened, "l1", "A1")
    client = opened.enter(role)
    assert client.get(path).status_code == 403
    assert 'href="/board"' not in client.get("/account").text


def test_calls_that_need_somebody_come_first_then_angry_customers_then_the_longest(opened: OpenDesk) -> None:
    calls = {
        name: put_call(opened, name, "A1", ago_s=ago, lines=lines)
        for name, ago, lines in (("calm", 900, ()), ("mild", 20, ()), ("grave", 10, ()), ("taken", 30, ()))
    }
    put_call(opened, "angry", "A1", ago_s=5)
    put_alert(opened, calls["mild"], level=1)
    put_alert(opened, calls["grave"], level=3)
    put_alert(opened, calls["taken"], level=3, state=AlertState.ACKED)
    assert rows(opened.enter(UserRole.ADMIN).get("/board").text) == ["grave", "mild", "taken", "angry", "calm"]


def test_a_row_says_who_speaks_how_long_how_the_customer_feels_and_what_can_still_be_made_up_for(
    opened: OpenDesk,
) -> None:
    put_call(opened, "l1", "A1", ago_s=75, findings=(watched(until_ms=87_000), watched("cleared", at_ms=1)))
    page = opened.enter(UserRole.SUPERVISOR).get("/board").text
    for words in (">A1</a>", "red", ">1:15<", "[ANGRY]</span> 愤怒", SAID, "还有12秒可以补救"):
        assert words in page
    assert page.count("秒可以补救</span>") == 1
    opened.clock.move(seconds=13)
    assert "时间到，正在判定</strong>" in opened.enter(UserRole.SUPERVISOR).get("/board").text


def said(
    from_s: float, to_s: float, emotion: str | None, score: float | None = None, role: Role = Role.CUSTOMER
) -> LiveLine:
    """Return a sentence of a live call."""
    return LiveLine(
        start_ms=round(from_s * 1000), end_ms=round(to_s * 1000), role=role, channel=0, text="好", emotion=emotion,
        score=score,
    )  # fmt: skip


def test_a_row_draws_the_customers_emotion_of_the_last_minute_and_says_it_in_words(opened: OpenDesk) -> None:
    lines = (
        said(1, 4, "HAPPY"), said(30, 50, "NEUTRAL"), said(60, 62, "ANGRY", 0.5, Role.AGENT),
        said(70, 75, "ANGRY", 0.8), said(80, 85, "ANGRY", 1.0),
        said(86, 87, "EMO_UNKNOWN"), said(88, 89, None), said(90, 95, "SURPRISED"),
    )  # fmt: skip
    put_call(opened, "l1", "A1", ago_s=100, lines=lines)
    put_call(opened, "l2", "A1", ago_s=100, lines=(said(1, 4, "ANGRY"),))
    page = opened.enter(UserRole.ADMIN).get("/board").text
    (drawn,) = re.findall(r'<svg class="curve".*?</svg>', page)
    assert 'role="img" aria-label="最近一分钟的客户情绪：60秒前中性、30秒前愤怒、10秒前意外"' in drawn
    points = [tuple(map(float, point.split(","))) for point in re.findall(r'points="([^"]+)"', drawn)[0].split()]
    assert points == [
        (0, 15), (20, 15), (60, 25.4), (70, 25.4), (80, 28), (90, 28), (100, 15), (110, 15),
    ]  # fmt: skip
    assert re.findall(r'<line class="(\w+)"', drawn) == ["calm", "even", "bad", "bad", "even"]
    english = opened.enter(UserRole.ADMIN).get("/board", headers={"accept-language": "en"}).text
    told = "Customer’s emotion in the last minute: neutral 60 s ago, anger 30 s ago, surprise 10 s ago"
    assert f'aria-label="{told}"' in english


def test_the_board_is_narrowed_by_team_and_by_words(opened: OpenDesk) -> None:
    put_call(opened, "l1", "A1", order_id="O-77")
    put_call(opened, "l2", "B1", lines=())
    client = opened.enter(UserRole.ADMIN)
    assert rows(client.get("/board", params={"team": "blue"}).text) == ["l2"]
    for words, found in (("o-77", "l1"), ("投诉", "l1"), ("b1", "l2")):
        assert rows(client.get("/board", params={"q": words}).text) == [found]
    nothing = client.get("/board", params={"q": "无此人"}).text
    assert "没有这样的通话" in nothing
    assert opened.enter(UserRole.SUPERVISOR).get("/board", params={"team": "blue"}).status_code == 404


def test_calls_that_just_ended_say_what_becomes_of_them(opened: OpenDesk) -> None:
    end_call(opened, put_call(opened, "old", "A1"))
    opened.clock.move(minutes=16)
    for live_id, state, more in (
        ("l1", LiveState.ENDED, {}), ("l2", LiveState.MERGED, {"merged_call_id": "c1"}),
        ("l3", LiveState.MERGE_FAILED, {}), ("l4", LiveState.LOST, {}),
    ):  # fmt: skip
        end_call(opened, put_call(opened, live_id, "A1"), state, **more)
    page = opened.enter(UserRole.SUPERVISOR).get("/board").text
    assert rows(page) == []
    assert "现在没有电话在进行" in page
    found = dict(re.findall(r'<li id="ended-(\w+)">.*? · [\d:]+ · ([^<\n]+?)(?: ·|</li>)', page))
    assert found == {
        "l1": "已挂断，录音正在判定", "l2": "已判定", "l3": "录音没能判定", "l4": "中断了，录音正在判定",
    }  # fmt: skip
    assert 'href="/calls/c1"' in page


def test_without_scripts_the_pages_offer_to_reload_themselves(opened: OpenDesk) -> None:
    put_call(opened, "l1", "A1")
    client = opened.enter(UserRole.ADMIN)
    for path in ("/board", "/board/l1"):
        assert f'href="{path}?reload=10"' in client.get(path).text
        assert '<noscript><meta http-equiv="refresh" content="10">' in client.get(f"{path}?reload=10").text
    assert client.get("/board?reload=1").status_code == 422


# --- one call ---------------------------------------------------------------------------------------------------------


def test_the_page_of_a_call_has_what_was_said_noticed_found_and_advised(opened: OpenDesk) -> None:
    seen = NoticedSignal(signal=Signal.ANGER, at_ms=0, quote=SAID)
    call = put_call(opened, "l1", "A1", signals=(seen,), findings=(watched("confirmed"), watched("open", at_ms=5)))
    put_alert(opened, call, rule_id="complaint.x", title="要投诉没有承接", advice="马上转给主管。")
    put_alert(opened, call, signal=Signal.ANGER)
    page = opened.enter(UserRole.SUPERVISOR).get("/board/l1").text
    for words in (
        "通话中", SAID, "[ANGRY]", "客户生气没有安抚</strong> · 已成立", "还来得及", "先道歉。", "要投诉没有承接",
        "马上转给主管。", "当前通话情绪风险升高，建议介入",
    ):  # fmt: skip
        assert words in page


def test_the_order_in_which_people_are_told_is_shown_with_whose_turn_it_is(opened: OpenDesk) -> None:
    alerts = opened.desk.settings.alerts
    route = replace(alerts.routes[0], to=("desk", "值班经理"))
    opened.desk.settings = replace(opened.desk.settings, alerts=replace(alerts, routes=(route,)))  # type: ignore[misc]
    alert = put_alert(opened, put_call(opened, "l1", "A1"))
    opened.clock.move(seconds=20)
    client = opened.enter(UserRole.SUPERVISOR)
    page = client.get("/board/l1").text
    assert "<strong>看板（现在）</strong> → 值班经理" in page
    assert "40秒后没人处理就转下一个" in page
    told = client.get(f"/api/v1/alerts/{alert.alert_id}").json()
    assert (told["route_targets"], told["next_target_in_s"]) == (["desk", "值班经理"], 40)


def test_after_the_call_the_result_takes_its_place_and_each_alert_says_whether_it_was_right(opened: OpenDesk) -> None:
    findings = (watched("confirmed", at_ms=10_000), watched("confirmed", rule_id="x"))
    call = put_call(opened, "l1", "A1", findings=findings)
    put_alert(opened, call, borne_out=True, state=AlertState.CLOSED)
    put_alert(opened, call, signal=Signal.WAITING, borne_out=False, state=AlertState.CLOSED)
    end_call(opened, call, LiveState.MERGED, merged_call_id="c1")
    client = opened.enter(UserRole.SUPERVISOR)
    page = client.get("/board/l1?heard=1").text
    for words in ("以录音的结果为准", 'href="/calls/c1"', "提醒了2次，其中录音证实1次", "录音里也有", "录音里没有"):
        assert words in page
    assert ("✓ 录音证实了" in page, "✗ 录音没有证实" in page) == (True, True)
    assert "我来处理" not in page
    stored = client.get("/calls/c1").text
    assert "通话时的提醒" in stored
    assert "当时听到1句，提醒2次，其中录音证实1次" in stored
    assert 'href="/board/l1?heard=1"' in stored
    assert "通话时的提醒" not in opened.enter(UserRole.AGENT).get("/calls/c1").text


def test_the_page_of_a_call_becomes_the_calls_page_at_the_same_place_once_the_recording_is_judged(
    opened: OpenDesk,
) -> None:
    call = put_call(opened, "l1", "A1")
    client = opened.enter(UserRole.SUPERVISOR)
    assert client.get("/board/l1?t=3").status_code == 200
    end_call(opened, call, LiveState.MERGED, merged_call_id="c1")
    answer = client.get("/board/l1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/calls/c1")
    answer = client.get("/board/l1?t=3")
    assert (answer.status_code, answer.headers["location"]) == (303, "/calls/c1?t=3")
    assert re.fullmatch(r"/calls/c1#t\d+", client.get("/calls/c1?t=3").headers["location"])
    assert client.get("/board/l1?t=-1").status_code == 422
    assert opened.enter(UserRole.AGENT).get("/board/l1").status_code == 403


def test_a_call_whose_result_may_not_be_seen_or_is_gone_keeps_its_own_page(opened: OpenDesk) -> None:
    end_call(opened, put_call(opened, "l1", "A1"), LiveState.MERGED, merged_call_id="gone")
    page = opened.enter(UserRole.SUPERVISOR).get("/board/l1")
    assert page.status_code == 200
    assert "以录音的结果为准" in page.text
    assert "/calls/gone" not in page.text


def test_a_stored_call_that_was_heard_live_says_so_though_nothing_was_raised(opened: OpenDesk) -> None:
    client = opened.enter(UserRole.SUPERVISOR)
    assert "实时听过" not in client.get("/calls/c1").text
    end_call(opened, put_call(opened, "l1", "A1"), LiveState.MERGED, merged_call_id="c1")
    assert "当时听到1句，提醒0次" in client.get("/calls/c1").text


def test_until_the_recording_is_judged_the_page_says_that_it_is_being_judged_or_could_not_be(opened: OpenDesk) -> None:
    call = put_call(opened, "l1", "A1")
    client = opened.enter(UserRole.SUPERVISOR)
    by_itself = '<noscript><meta http-equiv="refresh" content="10"></noscript>'
    assert by_itself not in client.get("/board/l1").text
    for state in (LiveState.ENDED, LiveState.LOST):
        end_call(opened, call, state)
        page = client.get("/board/l1").text
        assert "录音正在判定；判定完，这一页会自己变成这通电话的页面" in page
        assert by_itself in page
        assert "这一页不会自己更新" not in page
    end_call(opened, call, LiveState.MERGE_FAILED)
    page = client.get("/board/l1").text
    assert "录音没能判定；下面是通话时听到的" in page
    assert by_itself not in page


# --- what the buttons do ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ACTIONS)
def test_a_button_acts_once_leaves_a_line_and_leads_back(opened: OpenDesk, action: str) -> None:
    alert = put_alert(opened, put_call(opened, "l1", "A1"))
    address, store = f"/board/alerts/{alert.alert_id}/{action}", opened.desk.store
    client = opened.enter(UserRole.SUPERVISOR)
    answer = client.post(address, data=ACTIONS[action] | {"back": "/board/l1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/board/l1")
    changed, line = store.alerts.get(alert.alert_id), store.audit.list(limit=1)[0]
    state = {"ack": AlertState.ACKED, "snooze": AlertState.SNOOZED, "false-alarm": AlertState.FALSE_ALARM}[action]
    assert (changed.state, line.action, line.actor) == (state, f"alert.{action.split('-')[0]}", "supervisor")
    if action == "snooze":
        assert changed.snoozed_until == opened.clock.now + timedelta(minutes=15)
    if action == "false-alarm":
        assert client.post(address, data=ACTIONS[action]).status_code == 404


@pytest.mark.parametrize("action", ACTIONS)
def test_nobody_acts_on_an_alert_outside_their_reach(opened: OpenDesk, action: str) -> None:
    alert = put_alert(opened, put_call(opened, "l2", "B1"))
    address = f"/board/alerts/{alert.alert_id}/{action}"
    for role, status in ((UserRole.SUPERVISOR, 404), (UserRole.AGENT, 403), (UserRole.AUDITOR, 403)):
        assert opened.enter(role).post(address, data=ACTIONS[action]).status_code == status
    assert opened.browser().post(address, data=ACTIONS[action]).headers["location"].startswith("/login")
    foreign = opened.enter(UserRole.ADMIN).post(address, data=ACTIONS[action], headers={"sec-fetch-site": "cross-site"})
    assert foreign.status_code == 403
    assert opened.desk.store.alerts.get(alert.alert_id).state is AlertState.NEW


@pytest.mark.parametrize("back", ["https://evil.example", "//evil.example", "/boardroom", "/calls", ""])
def test_a_button_leads_nowhere_but_to_the_board(opened: OpenDesk, back: str) -> None:
    alert = put_alert(opened, put_call(opened, "l1", "A1"))
    answer = opened.enter(UserRole.ADMIN).post(f"/board/alerts/{alert.alert_id}/ack", data={"back": back})
    assert answer.headers["location"] == "/board"


def test_a_false_alarm_needs_a_reason_which_is_kept_masked(opened: OpenDesk) -> None:
    alert = put_alert(opened, put_call(opened, "l1", "A1"))
    client, address = opened.enter(UserRole.ADMIN), f"/board/alerts/{alert.alert_id}/false-alarm"
    for reason in ("", "  "):
        assert client.post(address, data={"reason": reason}).status_code == 422
    assert opened.desk.store.alerts.get(alert.alert_id).state is AlertState.NEW
    client.post(address, data={"reason": "他念的是13812345678"})
    assert "13812345678" not in opened.desk.store.alerts.get(alert.alert_id).false_reason
    assert "13812345678" not in str(opened.desk.store.audit.list(limit=1))


# --- all alerts -------------------------------------------------------------------------------------------------------


def test_the_history_is_filtered_and_read_on_by_cursor(opened: OpenDesk) -> None:
    mine, other = put_call(opened, "l1", "A1"), put_call(opened, "l2", "B1")
    for number in range(52):
        put_alert(opened, mine, quote=f"第{number}句", state=AlertState.CLOSED if number % 2 else AlertState.NEW)
    put_alert(opened, other, signal=Signal.ANGER, quote="别家的话")
    client = opened.enter(UserRole.SUPERVISOR)
    page = client.get("/board/alerts").text
    assert ("第51句" in page, "第1句" in page, "别家的话" in page) == (True, False, False)
    further = re.search(r'href="(/board/alerts\?after=[^"]+)" rel="next"', page)
    assert further
    assert "第1句" in client.get(further[1]).text
    assert client.get("/board/alerts?after=forged").status_code == 422
    admin = opened.enter(UserRole.ADMIN)
    assert "别家的话" in admin.get("/board/alerts", params={"rule": "anger"}).text
    assert "别家的话" in admin.get("/board/alerts", params={"agent": "B1"}).text
    assert "第50句" not in admin.get("/board/alerts", params={"state": "closed"}).text
    assert "没有这样的提醒" in admin.get("/board/alerts", params={"agent": "A9"}).text


def test_programs_read_the_history_page_by_page(opened: OpenDesk) -> None:
    call = put_call(opened, "l1", "A1")
    for level in (1, 3, 2):
        put_alert(opened, call, level=level)
    put_alert(opened, call, signal=Signal.ANGER, level=1, state=AlertState.FALSE_ALARM, false_reason="玩笑")
    client = opened.enter(UserRole.SUPERVISOR)

    def levels(**asked: object) -> list[int]:
        return [item["level"] for item in client.get("/api/v1/alerts", params=asked).json()["items"]]  # type: ignore[arg-type]

    assert levels() == [3, 2, 1]
    assert levels(state="all") == [1, 2, 3, 1]
    assert levels(state="false_alarm") == levels(state="all", rule="anger") == [1]
    first = client.get("/api/v1/alerts", params={"state": "all", "limit": 3}).json()
    assert (len(first["items"]), first["total"], first["total_is"]) == (3, 4, "exact")
    assert levels(state="all", limit=3, after=first["next"]) == [1]
    assert client.get("/api/v1/alerts", params={"state": "gone"}).status_code == 422


def test_alerts_say_how_often_they_were_right_by_recordings_and_by_people(opened: OpenDesk) -> None:
    call = put_call(opened, "l1", "A1")
    rule = {"rule_id": "service.question-repeated", "title": "反复问"}
    for more in (
        {"borne_out": True}, {"borne_out": True}, {"borne_out": False},
        {"borne_out": True, "state": AlertState.FALSE_ALARM}, {"borne_out": None},
    ):  # fmt: skip
        put_alert(opened, call, **rule, **more)
    put_alert(opened, put_call(opened, "l2", "B1"), borne_out=False)
    client = opened.enter(UserRole.SUPERVISOR)
    (told,) = client.get("/api/v1/alerts/precision").json()["items"]
    numbers = {name: told[name] for name in ("raised", "right", "false_alarms", "not_borne_out", "share")}
    assert numbers == {"raised": 5, "right": 2, "false_alarms": 1, "not_borne_out": 1, "share": 0.5}
    for path in ("/board/alerts", "/rules/service.yaml"):
        figures = re.findall(r'<td class="figure" data-label="[^"]+">([^<]+)</td>', client.get(path).text)
        assert figures[-6:-1] == ["5", "2", "1", "1", "50%"], path
    assert "实时提醒得准不准" not in opened.enter(UserRole.AGENT).get("/rules/service.yaml").text


def test_the_first_page_says_how_many_alerts_wait_to_who_may_act_on_them(opened: OpenDesk) -> None:
    put_alert(opened, put_call(opened, "l1", "A1"))
    put_alert(opened, put_call(opened, "l2", "B1"), signal=Signal.ANGER)
    put_alert(opened, put_call(opened, "l3", "A2"), state=AlertState.ACKED)
    assert "2个提醒等人处理</a>：" in opened.enter(UserRole.ADMIN).get("/").text
    assert "1个提醒等人处理</a>：A1 客户说要投诉" in opened.enter(UserRole.SUPERVISOR).get("/").text
    assert "提醒等人处理" not in opened.enter(UserRole.AGENT).get("/").text


def test_programs_list_calls_as_the_board_does(opened: OpenDesk) -> None:
    call = put_call(opened, "l1", "A1", ago_s=75, findings=(watched(until_ms=87_000),))
    put_call(opened, "l2", "A2", lines=())
    end_call(opened, put_call(opened, "l3", "A1"), LiveState.MERGED, merged_call_id="c1")
    put_alert(opened, call)
    client = opened.enter(UserRole.SUPERVISOR)
    first, second = client.get("/api/v1/live/calls").json()["items"]
    assert (first["live_id"], first["seconds"], first["teams"], first["emotion"]) == ("l1", 75, ["red"], "ANGRY")
    assert (first["open_findings"][0]["left_s"], len(first["alerts"]), second["emotion"]) == (12, 1, None)
    (ended,) = client.get("/api/v1/live/calls", params={"state": "ended"}).json()["items"]
    assert (ended["live_id"], ended["state"], ended["merged_call_id"]) == ("l3", "merged", "c1")
    assert client.get("/api/v1/live/calls/l1").json()["findings"][0]["until_ms"] == 87_000
