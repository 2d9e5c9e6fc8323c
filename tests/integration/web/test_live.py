"""Live calls and alerts on the desk: who sees them, who may act, and what the worker tells while a call is on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
import uvicorn

from qareport.errors import NotFoundError
from qareport.model import Agents, AlertState, Call, LiveEvent, UserRole
from qareport.web.live_feed import LiveBoard, LiveFeed
from qareport.web.serving import DeskServer
from tests.support.desk import NOW, OpenDesk, open_desk
from tests.support.live_board import put_alert, put_call
from tests.support.patience import scaled, wait_for


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[OpenDesk]:
    with open_desk(tmp_path) as desk:
        for live_id, agent in (("l1", "A1"), ("l2", "B1")):
            put_alert(desk, put_call(desk, live_id, agent))
        yield desk


def test_supervisors_see_the_calls_of_their_teams_and_analysts_all(opened: OpenDesk) -> None:
    for role, seen in ((UserRole.SUPERVISOR, ["l1"]), (UserRole.ANALYST, ["l1", "l2"])):
        items = opened.enter(role).get("/api/v1/live/calls").json()["items"]
        assert [item["live_id"] for item in items] == seen
        assert items[0]["last_line"]["text"] == "我要投诉。"
        assert items[0]["alerts"][0]["level"] == 3
        assert items[0]["customer"] == "138****5678"
    assert opened.enter(UserRole.AGENT).get("/api/v1/live/calls").status_code == 403
    supervisor = opened.enter(UserRole.SUPERVISOR)
    assert supervisor.get("/api/v1/live/calls/l1").json()["lines"][0]["emotion"] == "ANGRY"
    assert supervisor.get("/api/v1/live/calls/l2").status_code == 404
    assert "13812345678" not in supervisor.get("/api/v1/live/calls/l1").text


def test_an_alert_is_taken_on_put_off_or_called_false_once_and_each_leaves_a_line(opened: OpenDesk) -> None:
    store, supervisor = opened.desk.store, opened.enter(UserRole.SUPERVISOR)
    alert_id = supervisor.get("/api/v1/alerts").json()["items"][0]["alert_id"]
    assert supervisor.post(f"/api/v1/alerts/{alert_id}/snooze", json={"minutes": 5}).json()["state"] == "snoozed"
    assert store.alerts.get(alert_id).snoozed_until == NOW + timedelta(minutes=5)
    taken = supervisor.post(f"/api/v1/alerts/{alert_id}/ack").json()
    assert (taken["state"], taken["acked_by"]) == ("acked", opened.users[UserRole.SUPERVISOR].user_id)
    false = supervisor.post(f"/api/v1/alerts/{alert_id}/false-alarm", json={"reason": "客户在开玩笑"})
    assert false.json()["state"] == "false_alarm"
    assert supervisor.post(f"/api/v1/alerts/{alert_id}/ack").status_code == 404
    assert [entry.action for entry in store.audit.list(limit=3)] == ["alert.false", "alert.ack", "alert.snooze"]


def test_an_alert_outside_ones_teams_does_not_exist(opened: OpenDesk) -> None:
    foreign = opened.desk.store.alerts.list_of(["l2"])[0].alert_id
    answer = opened.enter(UserRole.SUPERVISOR).post(f"/api/v1/alerts/{foreign}/ack")
    assert answer.status_code == 404
    assert opened.enter(UserRole.AGENT).post(f"/api/v1/alerts/{foreign}/ack").status_code == 403
    assert opened.desk.store.alerts.get(foreign).state is AlertState.NEW


def test_a_ticket_is_good_once_and_for_a_minute(opened: OpenDesk) -> None:
    admin, store = opened.enter(UserRole.ADMIN), opened.desk.store
    body = {"call_id": "c9", "agent_id": "A1", "tracks": ["customer"]}
    made = [admin.post("/api/v1/live/tickets", json=body).json()["ticket"] for _ in range(2)]
    assert store.live_tickets.use(made[0], at=NOW) == {"call_id": "c9", "agent_id": "A1", "tracks": ["customer"]}
    assert store.live_tickets.use(made[0], at=NOW) is None
    assert store.live_tickets.use(made[1], at=NOW + timedelta(seconds=61)) is None
    assert admin.post("/api/v1/live/tickets", json={"call_id": "a\nb"}).status_code == 422
    assert opened.enter(UserRole.SUPERVISOR).post("/api/v1/live/tickets", json=body).status_code == 403


def test_deleting_a_call_takes_its_live_call_alerts_and_sound(opened: OpenDesk, tmp_path: Path) -> None:
    sound = tmp_path / "sound.wav"
    sound.write_bytes(b"RIFF")
    alert = put_alert(opened, put_call(opened, "l3", "A1", audio_path=str(sound), merged_call_id="c1"))
    store = opened.desk.store
    store.deletion.delete([Call(call_id="c1", audio_path="x", order_id="o1")], by="order", selector="o1", now=NOW)
    assert not sound.exists()
    for gone in (lambda: store.live_calls.get("l3"), lambda: store.alerts.get(alert.alert_id)):
        with pytest.raises(NotFoundError):
            gone()
    assert store.live_calls.get("l1")
    assert list(store.maintenance.verify_rows()) == []


def test_the_desk_hears_what_the_worker_tells_of_ones_own_teams_and_what_one_missed(tmp_path: Path) -> None:
    def event(live_id: str, agent: str) -> LiveEvent:
        return LiveEvent(type="live.line", live_id=live_id, agent_id=agent, data={"text": "喂"})

    async def listen() -> tuple[list[str], list[str], list[str]]:
        with LiveFeed(tmp_path) as feed:
            assert (tmp_path / "live.sock").stat().st_mode & 0o777 == 0o600
            board = LiveBoard(tmp_path)
            mine = board.follow(Agents(only=frozenset(["A1"])), 0)
            first = asyncio.ensure_future(anext(mine))
            while not feed._listeners:
                await asyncio.sleep(0.02)
            for live_id, agent in (("l1", "A1"), ("l2", "B1"), ("l3", "A1")):
                feed.tell(event(live_id, agent))
            seen = [await asyncio.wait_for(first, 5), await asyncio.wait_for(anext(mine), 5)]
            later = board.follow(Agents(), 2)
            missed = [await asyncio.wait_for(anext(later), 5)]
            lost = [await asyncio.wait_for(anext(board.follow(Agents(), 99)), 5)]
            assert board._task is not None
            board._task.cancel()
            return seen, missed, lost

    seen, missed, lost = asyncio.run(listen())
    assert ["l1" in seen[0], "l3" in seen[1]] == [True, True]
    assert missed[0].startswith("id: 3\nevent: live.line")
    assert lost[0].startswith("id: 3\nevent: reset")


def test_who_heard_an_earlier_process_of_the_desk_is_told_to_look_anew(tmp_path: Path) -> None:
    async def listen() -> str:
        board = LiveBoard(tmp_path, began=2000)
        told = await asyncio.wait_for(anext(board.follow(Agents(), 1999)), 5)
        assert board._task is not None
        board._task.cancel()
        return told

    assert asyncio.run(listen()).startswith("id: 2000\nevent: reset")


@pytest.mark.parametrize("stream", ["/api/v1/live/stream", "/api/v1/uploads/{}/events"])
@pytest.mark.parametrize("end", ["logout", "role", "restart"])
def test_a_stream_ends_with_the_session_and_says_bye_where_the_desk_ends(
    opened: OpenDesk, monkeypatch: pytest.MonkeyPatch, stream: str, end: str
) -> None:
    monkeypatch.setattr("qareport.web.live_feed.LOOK_S", 0.1)
    monkeypatch.setattr("qareport.web.uploading.LOOK_S", 0.1)
    user = opened.users[UserRole.SUPERVISOR]
    client = opened.enter(UserRole.SUPERVISOR)
    upload = client.post("/api/v1/uploads", json={"file_name": "a.wav", "agent_id": "A1"}).json()["upload_id"]
    server = DeskServer(uvicorn.Config(opened.app, port=0, log_config=None, timeout_graceful_shutdown=60), opened.desk)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_for(lambda: server.started, what="the server")
        address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        cookies = {"qareport": client.cookies["qareport"]}
        with httpx2.stream(
            "GET", address + stream.format(upload), cookies=cookies, trust_env=False, timeout=scaled(20)
        ) as answer:
            lines = answer.iter_lines()
            first = next(lines)
            if end == "logout":
                opened.desk.store.sessions.end_all(user.user_id)
            elif end == "role":
                opened.desk.store.teams.join(user.user_id, ["blue"])
            else:
                server.should_exit = True
            rest = list(lines)
    finally:
        server.should_exit = True
        thread.join()
    assert first
    assert ("event: bye" in rest) == (end == "restart")


def test_a_stream_may_be_about_a_single_call_and_ends_so_that_who_lost_the_right_is_noticed(tmp_path: Path) -> None:
    async def listen() -> list[str]:
        with LiveFeed(tmp_path) as feed:
            board = LiveBoard(tmp_path)
            told = board.follow(Agents(), 0, live_id="l2", lasts_s=0.5)
            first = asyncio.ensure_future(anext(told))
            while not feed._listeners:
                await asyncio.sleep(0.02)
            for live_id in ("l1", "l2"):
                feed.tell(LiveEvent(type="live.line", live_id=live_id, agent_id="A1", data={}))
            heard = [await first, *[text async for text in told]]
            assert board._task is not None
            board._task.cancel()
            return [text for text in heard if not text.startswith(":")]

    heard = asyncio.run(listen())
    assert len(heard) == 1
    assert '"l2"' in heard[0]
