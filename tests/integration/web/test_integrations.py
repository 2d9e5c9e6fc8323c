"""The desk follows the files of integrations, sends what follows from a review, and shows what became of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from qareport.delivery.integrations import read_integration
from qareport.delivery.webhooks import write_body
from qareport.model import DeliveryState, EventType, Team, UserRole
from qareport.settings import default_dir
from qareport.web.integrating import Integrating, teller_of
from tests.support.desk import OpenDesk, open_desk
from tests.support.robots import SECRET, RobotServer
from tests.support.ticket_systems import Zammad

SENT = DeliveryState.SENT


@pytest.fixture
def zammad(monkeypatch: pytest.MonkeyPatch) -> Iterator[Zammad]:
    with Zammad(orders={7: "o1"}) as peer:
        monkeypatch.setenv("ZAMMAD_TOKEN", peer.token)
        yield peer


@pytest.fixture
def robots(monkeypatch: pytest.MonkeyPatch) -> Iterator[RobotServer]:
    with RobotServer() as server:
        monkeypatch.setenv("WECOM_URL", server.url("wecom"))
        monkeypatch.setenv("FEISHU_URL", server.url("feishu"))
        monkeypatch.setenv("KEY", SECRET)
        yield server


@pytest.fixture
def opened(tmp_path: Path, zammad: Zammad, robots: RobotServer) -> Iterator[OpenDesk]:
    """A desk with the preset for Zammad and two robots."""
    config = tmp_path / "config"
    shutil.copytree(default_dir("config"), config)
    (config / "integrations").mkdir()
    preset = (default_dir("templates") / "integrations" / "zammad.yaml").read_text("utf-8")
    (config / "integrations" / "zammad.yaml").write_text(preset.replace("https://zammad.example.com", zammad.origin))
    settings = (config / "qareport.yaml").read_text("utf-8")
    both = (
        "[{name: all, kind: wecom, url: 'env:WECOM_URL'}, "
        "{name: blue, kind: feishu, url: 'env:FEISHU_URL', secret: 'env:KEY', team: blue}]"
    )
    changed = settings.replace("robots: []", f"robots: {both}").replace(
        "allow: []", f"allow: [{zammad.origin}, {robots.origin}]"
    )
    assert changed.count(robots.origin) == 1
    (config / "qareport.yaml").write_text(changed, "utf-8")
    with open_desk(tmp_path, config=config) as desk:
        yield desk


def reject_a_rule(opened: OpenDesk) -> str:
    """Overturn all findings of one rule in call c1. Returns its tag."""
    client = opened.enter(UserRole.ADMIN)
    findings = client.get("/api/v1/calls/c1/findings").json()["findings"]
    rule = findings[0]["rule_id"]
    for finding in findings:
        if finding["rule_id"] == rule:
            path = f"/api/v1/calls/c1/findings/{finding['finding_id']}/verdict"
            assert client.put(path, json={"verdict": "rejected", "reason": "wrong_rule"}).status_code == 200
    return f"规则/{rule}"


def test_a_review_takes_a_tag_off_the_ticket_and_the_page_says_so(opened: OpenDesk, zammad: Zammad) -> None:
    integrating = Integrating(opened.desk)
    integrating.follow()
    known, _ = opened.desk.store.calls.list_recordings(["c1"])["c1"]
    opened.desk.store.calls.put(replace(known, external_ref="7"))
    zammad.tags[7] = ["vip", *opened.enter(UserRole.ADMIN).get("/api/v1/calls/c1/tags").json()["tags"]]
    tag = reject_a_rule(opened)
    assert tag in zammad.tags[7]
    assert integrating.sender().send_due() >= 3
    assert tag not in zammad.tags[7]
    assert "vip" in zammad.tags[7]
    assert f"－ {tag}" in zammad.articles[-1]["body"]
    admin = opened.enter(UserRole.ADMIN)
    page = admin.get("/settings/integrations").text
    assert "zammad.remove" in page
    (row,) = [row for row in opened.desk.store.webhooks.list("integration") if row.name == "zammad.remove"]
    detail = admin.get(f"/settings/integrations/{row.webhook_id}").text
    assert "已送达" in detail
    assert "200" in detail
    assert admin.get(f"/settings/webhooks/{row.webhook_id}").status_code == 404


def test_what_a_peer_could_not_take_is_sent_again_by_hand(opened: OpenDesk, zammad: Zammad) -> None:
    integrating = Integrating(opened.desk)
    integrating.follow()
    zammad.faults = [503] * 20
    tag = reject_a_rule(opened)
    integrating.sender().send_due()
    zammad.faults = []
    zammad.tags[7] = [tag]
    admin, store = opened.enter(UserRole.ADMIN), opened.desk.store
    row = next(row for row in store.webhooks.list("integration") if row.name == "zammad.remove")
    for delivery in store.webhook_queue.list(row.webhook_id):
        assert delivery.state is DeliveryState.RETRY
        answer = admin.post(f"/settings/integrations/deliveries/{delivery.delivery_id}/replay")
        assert answer.headers["location"] == f"/settings/integrations/{row.webhook_id}"
    integrating.sender().send_due()
    assert zammad.tags[7] == []
    off = admin.post(f"/settings/integrations/{row.webhook_id}/state", data={"state": "off"})
    assert off.status_code == 303
    assert "已停用" in admin.get("/settings/integrations").text


def test_a_file_with_faults_is_shown_and_the_last_good_one_stays(opened: OpenDesk) -> None:
    integrating = Integrating(opened.desk)
    integrating.follow()
    path = opened.desk.workspace.config / "integrations" / "zammad.yaml"
    good = path.read_text("utf-8")
    path.write_text(good.replace("tags_added", "tags_aded"), "utf-8")
    integrating.follow()
    assert len(opened.desk.store.webhooks.list("integration")) == 3
    page = opened.enter(UserRole.ADMIN).get("/settings/integrations").text
    assert "zammad.yaml:" in page
    assert "tags_aded" in page
    path.unlink()
    integrating.follow()
    assert opened.desk.store.webhooks.list("integration") == ()
    path.write_text(good, "utf-8")
    integrating.follow()
    names = [row.name for row in opened.desk.store.webhooks.list("integration")]
    assert names == [read_integration(path).name_of(request) for request in read_integration(path).requests]


def test_alerts_of_some_seconds_are_told_each_group_as_one_message(opened: OpenDesk, robots: RobotServer) -> None:
    desk = opened.desk
    desk.store.teams.put(Team(team_id="blue", name="蓝队", agents=("B1",), users=()))
    robots.now = opened.clock.now.timestamp
    teller = teller_of(desk)
    for number, agent in enumerate(["A1", "A2", "B1"] * 5):
        data = {
            "live_id": f"l{number}", "title": "客户生气", "level": 2, "at_ms": 87_000, "quote": "我的电话是13812345678",
            "agent_id": agent, "team": "blue" if agent == "B1" else "red",
        }  # fmt: skip
        desk.store.webhooks.raise_event(
            EventType.ALERT_RAISED, data, object=f"live:l{number}", agent_id=agent, at=opened.clock.now
        )
    assert teller.tell_due() == 2
    told = dict(robots.taken)
    content = told["wecom"]["markdown"]["content"]
    assert content.startswith("**15条提醒**\n\n2级提醒 客户生气：A1 1:27 “我的电话是［电话］”")
    assert content.endswith("还有5条。")
    assert told["feishu"]["content"]["post"]["zh_cn"]["title"] == "5条提醒"
    assert teller.tell_due() == 0
    assert desk.store.webhook_queue.count() == {SENT: 30}


def test_an_alert_leads_to_the_page_of_its_call_and_says_what_to_do(opened: OpenDesk, robots: RobotServer) -> None:
    desk = opened.desk
    public = replace(desk.settings.desk, public_url="https://qa.example.com/")
    desk.settings = replace(desk.settings, desk=public)  # type: ignore[misc]
    robots.now = opened.clock.now.timestamp
    teller = teller_of(desk)
    data = {
        "live_id": "l7",
        "call_id": "7001",
        "signal": "anger",
        "title": "x",
        "level": 3,
        "at_ms": 0,
        "agent_id": "A1",
    }
    desk.store.webhooks.raise_event(EventType.ALERT_RAISED, data, object="live:l7", agent_id="A1", at=opened.clock.now)
    teller.tell_due()
    content = dict(robots.taken)["wecom"]["markdown"]["content"]
    assert content.startswith("**3级提醒 客户生气了**")
    assert "建议介入" in content
    assert content.endswith("(https://qa.example.com/board/l7)")


def test_a_webhook_of_a_live_call_names_its_page(opened: OpenDesk) -> None:
    store, at = opened.desk.store, opened.clock.now
    store.webhooks.add("crm", "https://crm.example.com/hook", at=at)
    store.webhooks.raise_event(EventType.LIVE_ENDED, {"live_id": "l7", "call_id": "7001"}, object="live:l7", at=at)
    (delivery,) = store.webhook_queue.list(object="live:l7", limit=5)
    body = json.loads(write_body(delivery, public_url="https://qa.example.com"))
    assert body["data"]["url"] == "https://qa.example.com/board/l7"
