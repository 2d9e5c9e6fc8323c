"""Webhooks in the store: events are kept with what happened or not at all, and go out in order, by one sender."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from qareport.errors import BusyError, NotFoundError
from qareport.model import (
    AuditEntry,
    CallReport,
    DeliveryState,
    EventType,
    Evidence,
    FailedCall,
    Finding,
    OffReason,
    Role,
    Severity,
    Team,
    TryOutcome,
    Verdict,
    VerdictKind,
    WebhookDelivery,
    quote_hash,
)
from qareport.store import Store
from qareport.store.webhook_events import MOST_BYTES, bounded
from tests.support.store_samples import METRICS, make_call

AT = datetime(2026, 11, 22, 1, tzinfo=UTC)
LEASE = timedelta(seconds=40)
SENT = TryOutcome(state=DeliveryState.SENT, status=204)
PHONE = "13912345678"
ENTRY = AuditEntry(at=AT, actor="ann", actor_kind="person", action="test")


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store(store_url) as opened:
        yield opened


def finding(rule_id: str = "a.b", quote: str = f"我的电话是{PHONE}，等着吧") -> Finding:
    evidence = Evidence(at_ms=5000, end_ms=5900, role=Role.AGENT, quote=quote)
    return Finding(
        rule_id=rule_id, rule_version="1", title="t", category="c", severity=Severity.MAJOR, at_ms=5000,
        evidence=(evidence,), advice="", points=-10,
    )  # fmt: skip


def judge(store: Store, call_id: str, *findings: Finding, key: str = "", agent_id: str | None = "A1") -> None:
    call = replace(make_call(call_id), agent_id=agent_id, external_ref="T77")
    report = CallReport(call_id=call_id, agent_id=agent_id, metrics=METRICS, score=90, findings=findings)
    store.results.put(key or f"k-{call_id}", call, report, rules_sha256="r")


def told(store: Store, *types: EventType) -> list[WebhookDelivery]:
    """Return what is planned, oldest first."""
    deliveries = store.webhook_queue.list(limit=1000)[::-1]
    return [delivery for delivery in deliveries if not types or delivery.type in types]


def take(store: Store, *, at: datetime = AT, most: int = 10, owner: str = "me") -> list[WebhookDelivery]:
    return [delivery for _, delivery in store.webhook_queue.take(owner, at=at, lease=LEASE, most=most)]


def test_a_call_is_told_of_from_its_arrival_to_its_deletion(store: Store) -> None:
    store.webhooks.add("crm", "https://crm.example.com/", at=AT)
    store.teams.put(Team(team_id="red", name="red", agents=("A1",)))
    judge(store, "c1", finding())
    judge(store, "c1", finding())  # the same result: nothing new
    judge(store, "c1", finding("a.c"), key="k2")
    store.calls.put_failure(make_call("c1"), FailedCall.of(make_call("c1"), "decode", f"{PHONE} is broken"))
    assert [item.type.value for item in told(store)] == ["call.received", "call.judged", "call.rejudged", "call.failed"]
    received, judged, rejudged, failed = (dict(item.data or {}) for item in told(store))
    names = {"call_id": "c1", "order_id": "o1", "external_ref": "T77", "agent_id": "A1", "team": "red"}
    assert {name: received[name] for name in names} == names
    assert judged.items() >= {**names, "score": 90, "risk": "low", "reviewed": False}.items()
    assert judged["tags"] == judged["tags_added"] == ["规则/a.b", "风险/低"]
    assert (rejudged["tags_added"], rejudged["tags_removed"]) == (["规则/a.c"], ["规则/a.b"])
    assert failed["step"] == "decode"
    assert PHONE not in json.dumps([received, judged, rejudged, failed])
    store.deletion.delete(store.deletion.find_calls(order="o1"), by="order", selector="o1", now=AT)
    (deleted,) = told(store)
    assert (deleted.type, deleted.object) == (EventType.CALL_DELETED, "call:c1")
    (sent,) = take(store, at=datetime.now(UTC))
    store.webhook_queue.end(sent.delivery_id, "me", SENT, at=AT)
    (deleted,) = told(store)
    assert (deleted.object, deleted.data) == ("", None), "the call's name goes once it is told"


def test_a_verdict_takes_the_tag_off_again(store: Store) -> None:
    judge(store, "c1", finding())
    store.webhooks.add("crm", "https://crm.example.com/", at=AT, types=[EventType.FINDING_REVIEWED])
    shown = finding(quote="等着吧")
    verdict = Verdict(
        call_id="c1", rule_id="a.b", at_ms=5000, quote_sha256=quote_hash(shown), kind=VerdictKind.REJECTED,
        user_id=None, at=AT, finding=shown, comment=f"call {PHONE}",
    )  # fmt: skip
    store.reviews.add(verdict, ENTRY)
    (delivery,) = told(store)
    assert delivery.data is not None
    assert (delivery.data["tags_removed"], delivery.data["reviewed"]) == (["规则/a.b"], True)
    assert delivery.data["finding"]["verdict"] == "rejected"
    assert PHONE not in str(delivery.data)


def test_what_is_undone_is_told_to_nobody(store: Store) -> None:
    store.webhooks.add("crm", "https://crm.example.com/", at=AT)
    with pytest.raises(NotFoundError):
        store.results.replace("none", "k", CallReport(call_id="none", metrics=METRICS), rules_sha256="r", snapshot="")

    def fail() -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        store.rule_proposals.put_batch([proposal()], ENTRY, write=fail)
    assert told(store) == []
    store.rule_proposals.put_batch([proposal()], ENTRY)
    assert [(item.type.value, item.data and item.data["files"]) for item in told(store)] == [
        ("rules.published", ["a.yaml"])
    ]


def proposal() -> Any:
    from qareport.model import ProposalState, RuleProposal

    return RuleProposal(file="a.yaml", state=ProposalState.PUBLISHED, text="", at=AT, reason="clearer")


def test_webhooks_hear_of_their_types_and_teams_alone(store: Store) -> None:
    store.teams.put(Team(team_id="red", name="red", agents=("A1",)))
    everything = store.webhooks.add("all", "https://a.example.com/", at=AT)
    judged = store.webhooks.add("judged", "https://b.example.com/", at=AT, types=[EventType.CALL_JUDGED])
    red = store.webhooks.add("red", "https://c.example.com/", at=AT, types=[EventType.CALL_JUDGED], teams=["red"])
    off = store.webhooks.add("off", "https://d.example.com/", at=AT)
    store.webhooks.switch(off.webhook_id, None, on=False, at=AT)
    judge(store, "c1", agent_id="A1")
    judge(store, "c2", agent_id="B1")
    judge(store, "c3", agent_id=None)
    counts = {hook.name: len(store.webhook_queue.list(hook.webhook_id)) for hook in (everything, judged, red, off)}
    assert counts == {"all": 6, "judged": 3, "red": 1, "off": 0}


def test_a_body_is_never_larger_than_20_kilobytes() -> None:
    long = {"call_id": "c1", "comment": "很" * 9000, "evidence": [{"quote": "长" * 400}] * 60, "tags": ["规则/a"]}
    fitting = bounded(long)
    assert len(json.dumps(fitting, ensure_ascii=False).encode()) < MOST_BYTES
    assert (fitting["call_id"], fitting["tags"]) == ("c1", ["规则/a"])
    assert 0 < len(fitting["evidence"]) < 60


def test_the_order_of_a_call_is_kept_for_five_minutes_and_other_calls_do_not_wait(store: Store) -> None:
    store.webhooks.add("crm", "https://crm.example.com/", at=AT)
    for object, number in (("call:a", 1), ("call:a", 2), ("call:b", 3)):
        store.webhooks.raise_event(EventType.CALL_JUDGED, {"n": number}, object=object, at=AT)
    first = take(store)
    assert [item.data for item in first] == [{"n": 1}, {"n": 3}]
    later = TryOutcome(state=DeliveryState.RETRY, status=503, next_at=AT + timedelta(hours=1))
    store.webhook_queue.end(first[0].delivery_id, "me", later, at=AT)
    store.webhook_queue.end(first[1].delivery_id, "me", SENT, at=AT)
    assert take(store, at=AT + timedelta(minutes=4, seconds=59)) == []
    assert [item.data for item in take(store, at=AT + timedelta(minutes=5))] == [{"n": 2}]


def test_two_senders_never_hold_the_same_delivery_and_a_lost_one_is_sent_again(store: Store) -> None:
    store.webhooks.add("crm", "https://crm.example.com/", at=AT)
    for number in range(3):
        store.webhooks.raise_event(EventType.DIGEST_READY, {"n": number}, at=AT)
    mine, yours = take(store, owner="me"), take(store, owner="you")
    assert [len(mine), len(yours)] == [2, 0], "no receiver gets more than two at a time"
    store.webhook_queue.end(mine[0].delivery_id, "me", SENT, at=AT)
    (third,) = take(store, owner="you")
    assert third.delivery_id not in {item.delivery_id for item in mine}
    again = take(store, at=AT + LEASE + timedelta(seconds=1), owner="you")
    assert {item.delivery_id for item in again} == {mine[1].delivery_id, third.delivery_id}
    assert store.webhook_queue.end(mine[1].delivery_id, "me", SENT, at=AT) is None
    assert store.webhook_queue.get(mine[1].delivery_id).state is DeliveryState.SENDING, "a lost lease counts no more"
    assert store.webhook_queue.give_back("you", at=AT) == 2
    assert store.webhook_queue.count() == {DeliveryState.SENT: 1, DeliveryState.UNKNOWN: 2}


def test_a_webhook_that_fails_for_three_days_goes_off_and_one_that_was_mended_does_not(store: Store) -> None:
    hook = store.webhooks.add("crm", "https://crm.example.com/", at=AT)
    store.webhooks.raise_event(EventType.DIGEST_READY, {"n": 1}, at=AT)

    def fail(after: timedelta, outcome: TryOutcome) -> Any:
        (delivery,) = take(store, at=AT + after)
        return store.webhook_queue.end(delivery.delivery_id, "me", outcome, at=AT + after)

    gone_for = TryOutcome(state=DeliveryState.RETRY, status=500, next_at=AT)
    assert fail(timedelta(), gone_for) is None
    assert fail(timedelta(days=2), gone_for) is None
    store.webhooks.switch(hook.webhook_id, None, on=True, at=AT)
    assert fail(timedelta(days=3), gone_for) is None, "a person began anew"
    off = fail(timedelta(days=6, seconds=1), gone_for)
    assert off is not None
    assert (off.off, store.webhooks.get(hook.webhook_id).off) == (OffReason.FAILING, OffReason.FAILING)
    assert take(store, at=AT + timedelta(days=9)) == []


def test_a_delivery_is_replayed_under_its_id_and_kept_for_thirty_days(store: Store) -> None:
    store.webhooks.add("crm", "https://crm.example.com/", at=AT)
    store.webhooks.raise_event(EventType.DIGEST_READY, {"n": 1}, at=AT)
    (delivery,) = take(store)
    with pytest.raises(BusyError):
        store.webhook_queue.replay(delivery.delivery_id, ENTRY, at=AT)
    store.webhook_queue.end(delivery.delivery_id, "me", SENT, at=AT)
    store.webhook_queue.replay(delivery.delivery_id, ENTRY, at=AT)
    (again,) = take(store)
    assert (again.delivery_id, again.data, again.tries) == (delivery.delivery_id, {"n": 1}, 0)
    store.webhook_queue.end(again.delivery_id, "me", SENT, at=AT)
    assert store.webhook_queue.tidy(at=AT + timedelta(days=29)) == 0
    assert store.webhook_queue.tidy(at=AT + timedelta(days=31)) == 1
    with pytest.raises(NotFoundError):
        store.webhook_queue.replay(delivery.delivery_id, ENTRY, at=AT)


def test_a_change_of_an_older_version_is_refused(store: Store) -> None:
    hook = store.webhooks.add("crm", "https://crm.example.com/", at=AT)
    changed = store.webhooks.change(hook.webhook_id, ENTRY, name="tickets", version=1)
    assert (changed.name, changed.url, changed.version) == ("tickets", hook.url, 2)
    with pytest.raises(BusyError):
        store.webhooks.change(hook.webhook_id, ENTRY, name="other", version=1)
    store.webhooks.delete(hook.webhook_id, ENTRY)
    again = store.webhooks.add("crm", "https://crm.example.com/", at=AT)
    assert again.webhook_id != hook.webhook_id, "secrets are derived from ids"


def test_kinds_that_are_made_by_files_follow_them(store: Store) -> None:
    types = [EventType.CALL_JUDGED]
    made = store.webhooks.keep("integration", {"zammad": types, "chat": types}, at=AT)
    assert [hook.name for hook in made] == ["zammad", "chat"]
    kept = store.webhooks.keep("integration", {"zammad": [EventType.CALL_DELETED]}, at=AT)
    assert [(hook.webhook_id, hook.types) for hook in kept] == [(made[0].webhook_id, (EventType.CALL_DELETED,))]
    assert store.webhooks.list() == ()
