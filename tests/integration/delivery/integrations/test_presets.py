"""The presets write tags with their evidence into tickets, and take off what a review overturned."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qareport.delivery.integrations import Integration, RequestOutcome, RequestWriter, read_integration
from qareport.errors import DeliveryError
from qareport.messages import recall
from qareport.model import DeliveryState
from qareport.outgoing import OutgoingClient, OutgoingReach
from qareport.settings import default_dir
from tests.support.ticket_systems import Chatwoot, TicketApi, Zammad

SECRETS = {"ZAMMAD_TOKEN": "zammad-token", "CHATWOOT_TOKEN": "chatwoot-token", "TICKET_API_TOKEN": "ticket-token"}
ADDED = ["情绪/ANGRY", "规则/logistics.shipping-doubt", "风险/高"]
SENT, RETRY, FAILED = DeliveryState.SENT, DeliveryState.RETRY, DeliveryState.FAILED


def said(tag: str, at_ms: int, quote: str, **more: Any) -> dict[str, Any]:
    sure = {"role": "customer", "role_source": "channel", "rule": None, "fuzzy": False}
    return {"tag": tag, "at_ms": at_ms, "quote": quote, **sure, **more}


def event(kind: str = "call.judged", **changed: Any) -> dict[str, Any]:
    data = {
        "call_id": "c1", "order_id": "20261105", "external_ref": None, "agent_id": "A017", "team": "red", "score": 61,
        "risk": "high", "reviewed": False, "tags": ADDED, "tags_added": ADDED, "tags_removed": [],
        "evidence": [
            said("情绪/ANGRY", 87_000, "都说了\"三\"遍了！", role_source="words"),
            said(ADDED[1], 5_000, "什么时候发货", rule="logistics.shipping-doubt", fuzzy=True),
        ],
        "url": "https://qa.example.com/calls/c1",
    } | changed  # fmt: skip
    return {"type": kind, "timestamp": "2026-11-21T01:13:05Z", "data": data}


def overturned() -> dict[str, Any]:
    rule = ADDED[1]
    return event("finding.reviewed", reviewed=True, tags_added=[], tags_removed=[rule], evidence=[])


class Office:
    """A preset, pointed at a peer on loopback."""

    def __init__(self, folder: Path, preset: str, peer: Zammad | Chatwoot | TicketApi, **secrets: str) -> None:
        text = (default_dir("templates") / "integrations" / f"{preset}.yaml").read_text("utf-8")
        hosts = ("https://zammad.example.com", "https://chatwoot.example.com", "https://tickets.example.com")
        for host in hosts:
            text = text.replace(host, peer.origin)
        path = folder / f"{preset}.yaml"
        path.write_text(text, "utf-8")
        self.integration: Integration = read_integration(path)
        self.environment = SECRETS | secrets
        client = OutgoingClient(OutgoingReach(allow=(peer.origin,)))
        self._send = lambda method, url, headers, body: client.send(method, url, body=body, headers=headers)

    def deliver(self, told: dict[str, Any], delivery_id: str = "msg_1") -> list[RequestOutcome]:
        """Send all that follows from an event."""
        writers = [
            RequestWriter(self.integration, request, self._send, environment=self.environment)
            for request in self.integration.requests
        ]
        return [writer.deliver(told, delivery_id=delivery_id) for writer in writers]


@pytest.fixture
def zammad() -> Iterator[Zammad]:
    with Zammad(orders={7: "20261105", 8: "other"}) as peer:
        yield peer


def test_zammad_gets_tags_and_a_note_and_loses_the_tag_that_a_review_overturned(zammad: Zammad, tmp_path: Path) -> None:
    office = Office(tmp_path, "zammad", zammad)
    assert [outcome.state for outcome in office.deliver(event())] == [SENT] * 3
    assert zammad.tags == {7: ADDED}
    (note,) = zammad.articles
    assert (note["ticket_id"], note["internal"]) == (7, True)
    lines = note["body"].splitlines()
    assert '＋ 情绪/ANGRY：1:27 “都说了"三"遍了！”（谁说的不确定）' in lines
    assert "＋ 规则/logistics.shipping-doubt：0:05 “什么时候发货”（字音相近）" in lines
    assert lines[-1] == "https://qa.example.com/calls/c1"
    assert [outcome.state for outcome in office.deliver(overturned(), "msg_2")] == [SENT] * 3
    assert zammad.tags == {7: ["情绪/ANGRY", "风险/高"]}
    assert "－ 规则/logistics.shipping-doubt" in zammad.articles[1]["body"]


def test_a_call_that_names_its_ticket_is_not_looked_up(zammad: Zammad, tmp_path: Path) -> None:
    office = Office(tmp_path, "zammad", zammad)
    office.deliver(event(external_ref="8"))
    assert zammad.tags == {8: ADDED}
    assert not [path for _, path, _ in zammad.requests if "search" in path]


def test_a_ticket_that_is_opened_later_is_found_later(zammad: Zammad, tmp_path: Path) -> None:
    office = Office(tmp_path, "zammad", zammad)
    waiting = office.deliver(event(order_id="new"))
    assert {
        (outcome.state, outcome.status) for outcome in waiting if recall(outcome.reply).startswith("no ticket")
    } == {(RETRY, None)}
    zammad.orders[9] = "new"
    office.deliver(event(order_id="new"))
    assert zammad.tags == {9: ADDED}


def test_what_a_peer_refuses_is_final_and_what_it_cannot_take_now_is_tried_again(
    zammad: Zammad, tmp_path: Path
) -> None:
    office = Office(tmp_path, "zammad", zammad)
    zammad.faults = [503, 500]
    assert [recall(outcome.reply)[:20] for outcome in office.deliver(event())[::2]] == [
        "reading answered 503",
        "reading answered 500",
    ]
    tagged = event(external_ref="7")
    zammad.faults = [429, 500]
    assert [outcome.state for outcome in office.deliver(tagged)] == [RETRY, SENT, RETRY]
    assert [outcome.state for outcome in office.deliver(tagged)] == [SENT, SENT, SENT]
    assert zammad.tags == {7: ADDED}
    refused = Office(tmp_path, "zammad", zammad, ZAMMAD_TOKEN="wrong").deliver(tagged)[0]  # noqa: S106
    assert (refused.state, refused.status) == (FAILED, 401)
    assert "wrong" not in refused.reply
    gone = office.deliver(event(external_ref="99"))[0]
    assert (gone.state, gone.status) == (FAILED, 404)


def test_a_ticket_that_is_no_number_reaches_no_other_ticket(zammad: Zammad, tmp_path: Path) -> None:
    office = Office(tmp_path, "zammad", zammad)
    with pytest.raises(DeliveryError, match="'7; DROP' is not a number"):
        office.deliver(event(external_ref="7; DROP"))
    assert zammad.requests == []


def test_a_missing_secret_is_named_and_nothing_is_sent(zammad: Zammad, tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="ZAMMAD_TOKEN is not set"):
        Office(tmp_path, "zammad", zammad, ZAMMAD_TOKEN="").deliver(event(external_ref="7"))
    assert zammad.requests == []


def test_chatwoot_keeps_the_labels_of_others(tmp_path: Path) -> None:
    known = {"vip", "情绪-angry", "规则-logistics-shipping-doubt", "风险-高"}
    with Chatwoot(labels={"31": ["vip"]}, known=known) as chatwoot:
        office = Office(tmp_path, "chatwoot", chatwoot)
        assert [outcome.state for outcome in office.deliver(event(external_ref="31"))] == [SENT, SENT]
        assert set(chatwoot.labels["31"]) == known
        removed = overturned()
        removed["data"]["external_ref"] = "31"
        office.deliver(removed, "msg_2")
        assert chatwoot.labels["31"] == ["vip", "情绪-angry", "风险-高"]
        assert "1:27" in chatwoot.messages[0]["content"]
        assert office.deliver(event(external_ref="../../9"))[0].status == 404


def test_a_plain_ticket_system_gets_everything_at_once_and_knows_a_second_try_by_its_key(tmp_path: Path) -> None:
    with TicketApi(orders={"T-9": "20261105"}) as tickets:
        office = Office(tmp_path, "ticket-api", tickets)
        for _ in range(2):
            assert [outcome.state for outcome in office.deliver(event())] == [SENT]
        written = tickets.quality[0]
        assert (written["ticket"], written["add"], written["score"]) == ("T-9", ADDED, 61)
        assert written["evidence"][0]["at_ms"] == 87_000
        assert tickets.keys == ["msg_1-1", "msg_1-1"]
        (low,) = office.deliver(event(risk="low"))
        assert (low.state, low.status) == (SENT, None)
        assert len(tickets.quality) == 2


def test_a_preview_shows_every_request_and_sends_none(zammad: Zammad, tmp_path: Path) -> None:
    integration = Office(tmp_path, "zammad", zammad).integration
    shown = [
        written
        for request in integration.requests
        for written in RequestWriter(integration, request, _never, environment={}).preview(event())
    ]
    assert [written.method for written in shown] == ["GET", "POST", "POST", "POST", "GET", "POST"]
    assert shown[0].url.endswith("/api/v1/tickets/search?query=order_id:20261105&limit=1&expand=true")
    assert '"o_id":"{{ ticket | number }}"' in (shown[1].body or "")
    assert all("zammad-token" not in str(written.headers) for written in shown)
    assert zammad.requests == []


def _never(*_: object) -> Any:
    raise AssertionError("nothing is to be sent")
