"""After its mails a daily run tells chat groups the headline of their team, each once, with links into the desk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from qareport.errors import MailError
from qareport.model import ROBOT, DeliveryState, RunState, Team
from qareport.store import Store
from qareport.workflows.daily import Mode
from tests.support import dailies
from tests.support.centre import NEXT_DAY, Centre
from tests.support.robots import SECRET, RobotServer


@pytest.fixture
def server(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> Iterator[RobotServer]:
    with RobotServer(now=NEXT_DAY.timestamp) as running:
        centre.configure()
        for kind in ("dingtalk", "feishu", "slack"):
            monkeypatch.setenv(f"{kind.upper()}_URL", running.url(kind))
        monkeypatch.setenv("ROBOT_KEY", SECRET)
        centre.set("webhooks", allow=[running.origin])
        centre.set("desk", public_url="https://qa.example.com")
        centre.set(
            "notify",
            robots=[
                {"name": "all", "kind": "dingtalk", "url": "env:DINGTALK_URL", "secret": "env:ROBOT_KEY"},
                {"name": "red", "kind": "feishu", "url": "env:FEISHU_URL", "secret": "env:ROBOT_KEY", "team": "red"},
                {"name": "alerts", "kind": "slack", "url": "env:SLACK_URL", "tells": ["alerts"]},
            ],
        )
        with Store(centre.url) as store:
            store.teams.put(Team(team_id="red", name="红队", agents=("A017",), users=()))
        yield running


def test_each_group_is_told_the_headline_of_its_team_once_after_the_mails(centre: Centre, server: RobotServer) -> None:
    for _ in range(2):
        (result,) = centre.run()
        assert result.state is RunState.DONE
    assert [kind for kind, _ in server.taken] == ["dingtalk", "feishu"]
    text = server.taken[0][1]["markdown"]["text"]
    assert text.startswith("**物流组 客服质检日报 11月21日：8通，高风险4，今天应回电4**")
    assert "[打开完整报告](https://qa.example.com/reports/day/2026-11-21)" in text
    assert "](https://qa.example.com/orders/20261121" in text
    red = server.taken[1][1]["content"]["post"]["zh_cn"]
    assert red["title"].startswith("红队 客服质检日报 11月21日：4通")
    assert red["content"][-1][0]["href"] == "https://qa.example.com/reports/day/2026-11-21?team=red"
    with Store(centre.url) as store:
        told = [record for record in store.outbox.list() if record.channel == ROBOT]
    assert {record.recipient: record.state for record in told} == {
        "all": DeliveryState.SENT, "red": DeliveryState.SENT,
    }  # fmt: skip
    assert len(centre.postbox.delivered) == len(dailies.TEAM) + len(dailies.AGENTS)


def test_a_group_that_cannot_be_told_is_named_told_later_and_keeps_no_mail_back(
    centre: Centre, server: RobotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEISHU_URL", "")
    (result,) = centre.run()
    assert result.state is RunState.DONE
    assert [kind for kind, _ in server.taken] == ["dingtalk"]
    assert any("robot red was not told" in problem and "FEISHU_URL" in problem for problem in result.problems)
    monkeypatch.setenv("FEISHU_URL", server.url("feishu"))
    server.now = (NEXT_DAY + timedelta(hours=1)).timestamp
    centre.run(now=NEXT_DAY + timedelta(hours=1))
    assert [kind for kind, _ in server.taken] == ["dingtalk", "feishu"]


def test_a_robot_of_a_team_that_there_is_not_is_named(centre: Centre, server: RobotServer) -> None:
    with Store(centre.url) as store:
        store.teams.delete("red")
    (result,) = centre.run()
    assert any("robot red: there is no team 'red'" in problem for problem in result.problems)
    assert [kind for kind, _ in server.taken] == ["dingtalk"]


def test_a_centre_without_mail_tells_its_groups_alone_and_a_dry_run_tells_nobody(
    centre: Centre, server: RobotServer
) -> None:
    centre.set("mail", host="", team=[], operator=[], agents={})
    centre.run(Mode.DRY_RUN)
    assert server.taken == []
    (result,) = centre.run()
    assert result.state is RunState.DONE
    assert len(server.taken) == 2
    centre.set("notify", robots=[])
    with pytest.raises(MailError, match="mail has no recipients"):
        centre.run()
