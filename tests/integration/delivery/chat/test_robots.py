"""Robots take what is told, signed as their vendors publish it; what they refuse with 200 is no success."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from qareport.delivery.chat import ChatLine, ChatMessage, Robots, delivery_of, fold, tell_due
from qareport.delivery.outbox import Clock
from qareport.model import DeliveryState
from qareport.outgoing import OutgoingClient, OutgoingReach
from qareport.settings import NotifySettings, RobotSettings
from qareport.store import Store
from tests.support.robots import PATHS, SECRET, RobotServer

MESSAGE = ChatMessage(
    title="物流组 客服质检日报：12通，高风险3",
    lines=(ChatLine(text="[点我](http://evil) <@all> *三通*"), ChatLine(text="打开", url="https://qa.example/r (1)|x")),
)
SENT, RETRY, FAILED = DeliveryState.SENT, DeliveryState.RETRY, DeliveryState.FAILED


@pytest.fixture
def server() -> Iterator[RobotServer]:
    with RobotServer() as running:
        yield running


class Centre:
    """The robots of a centre, their secrets, and a clock that tests move."""

    def __init__(self, server: RobotServer, **changed: Any) -> None:
        self.now = datetime.now(UTC)
        server.now = lambda: self.now.timestamp()
        self.settings = NotifySettings(
            robots=tuple(
                RobotSettings(name=kind, kind=kind, url=f"env:URL_{kind}", secret="env:KEY")  # type: ignore[arg-type]  # noqa: S106
                for kind in PATHS
            )
        )
        self.environment = {f"URL_{kind}": server.url(kind) for kind in PATHS} | {"KEY": SECRET} | changed
        reach = OutgoingReach(allow=(server.origin,), timeout_s=1.0)
        self.robots = Robots(self.settings, OutgoingClient(reach), now=lambda: self.now, environment=self.environment)

    def tell(self, name: str, message: ChatMessage = MESSAGE) -> DeliveryState:
        outcome = self.robots.tell(name, message)
        assert outcome is not None
        return outcome.state


@pytest.mark.parametrize("kind", PATHS)
def test_each_robot_takes_a_message_whose_words_make_no_link_and_mention_nobody(server: RobotServer, kind: str) -> None:
    assert Centre(server).tell(kind) is SENT
    assert server.refused == []
    text = str(server.taken[0][1])
    assert "](http://evil" not in text
    assert "<@all>" not in text
    assert "https://qa.example/r%20%281%29%7Cx" in text


@pytest.mark.parametrize("kind", ["dingtalk", "feishu"])
def test_a_wrong_key_is_a_refusal_though_the_answer_is_200(server: RobotServer, kind: str) -> None:
    assert Centre(server, KEY="another").tell(kind) is FAILED
    assert server.refused == [(kind, "sign")]


@pytest.mark.parametrize("kind", PATHS)
def test_too_many_messages_are_told_later(server: RobotServer, kind: str) -> None:
    server.room = 0
    assert Centre(server).tell(kind) is RETRY


def test_a_robot_gets_no_more_than_twenty_messages_within_any_minute(server: RobotServer) -> None:
    server.room = 1000
    centre = Centre(server)
    assert [centre.tell("wecom") for _ in range(21)] == [SENT] * 20 + [RETRY]
    assert len(server.taken) == 20
    assert centre.tell("slack") is SENT
    centre.now += timedelta(seconds=61)
    assert centre.tell("wecom") is SENT


def test_a_message_that_is_too_long_loses_its_last_lines(server: RobotServer) -> None:
    lines = tuple(ChatLine(text=f"{number} " + "长" * 100) for number in range(40))
    assert Centre(server).tell("wecom", ChatMessage(title="t", lines=lines)) is SENT
    content = server.taken[0][1]["markdown"]["content"]
    assert content.startswith("**t**\n\n0 长")
    assert content.endswith("\n\n…")


def test_a_secret_that_is_missing_and_an_address_inside_are_said_and_nothing_is_sent(server: RobotServer) -> None:
    centre = Centre(server, URL_slack="http://10.0.0.1/services", URL_teams="")
    inside, missing = centre.robots.tell("slack", MESSAGE), centre.robots.tell("teams", MESSAGE)
    assert inside is not None
    assert missing is not None
    assert (inside.state, missing.state) == (FAILED, RETRY)
    assert "URL_teams" in missing.reply
    assert "services" not in inside.reply


def test_a_robot_that_does_not_answer_in_time_may_have_been_told(server: RobotServer) -> None:
    server.slow_s = 2.0
    outcome = Centre(server).robots.tell("slack", MESSAGE)
    assert outcome is not None
    assert outcome.state is DeliveryState.UNKNOWN


def test_the_outbox_tells_each_thing_once_and_tries_again_what_was_not_taken(
    server: RobotServer, tmp_path: Path
) -> None:
    centre, clock = Centre(server), Clock(now=lambda: centre.now, sleep=lambda _: None)
    deliveries = [
        delivery_of(robot, MESSAGE, period="day:2026-11-21", kind="headline") for robot in centre.settings.robots
    ]
    with Store(f"sqlite:///{tmp_path / 'q.db'}") as store, store.lock():
        server.room = 0
        for room in (0, 1, 1):
            server.room = room
            store.outbox.put(deliveries, now=centre.now)
            told = tell_due(store, centre.robots, centre.settings, clock=clock, on_sent=lambda *_: None, waits_s=())
            assert {delivery.state for delivery in told.deliveries} <= {SENT if room else RETRY}
            centre.now += timedelta(minutes=10)
        assert store.outbox.count() == {SENT: 5}
    assert sorted(kind for kind, _ in server.taken) == sorted(PATHS)


def test_several_alerts_become_one_message() -> None:
    alerts = [
        ChatMessage(title=f"提醒{number}", lines=(ChatLine(text="愤怒", url="https://qa/x"),)) for number in range(13)
    ]
    message = fold(alerts)
    assert message.title == "13条提醒"
    assert [line.text for line in message.lines[::10]] == ["提醒0：愤怒", "还有3条。"]
    assert message.lines[0].url == "https://qa/x"
    assert fold(alerts[:1]) is alerts[0]
