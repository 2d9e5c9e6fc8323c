"""What channels guarantee: one that delivers at least once sends whatever may be lost again, under the same key."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest

from qareport.model import MAIL, Delivery, DeliveryState, Edition, delivery_key
from qareport.store import Store
from tests.support.hook_server import DROP_AFTER, HOOK, NOON, HookServer, send
from tests.support.postbox import free_port


def alert(name: str = "call:a", content: bytes = b"{}") -> Delivery:
    return Delivery(
        channel=HOOK,
        recipient="https://example.com/hook",
        period=name,
        kind="alert",
        subject="",
        message_id=name,
        content=content,
    )


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store(store_url) as opened:
        yield opened


def test_a_delivery_that_is_answered_is_sent_once_however_often_it_is_planned(store: Store) -> None:
    with HookServer() as server:
        for _ in range(3):
            store.outbox.put([alert()], now=NOON)
            send(store, server.port)
    assert server.taken == [(alert().key, b"{}")]
    (record,) = store.outbox.list()
    assert (record.state, record.channel, record.edition, record.tries) == (DeliveryState.SENT, HOOK, None, 1)


def test_a_server_that_takes_a_delivery_and_does_not_answer_gets_it_again_under_the_same_key(store: Store) -> None:
    store.outbox.put([alert()], now=NOON)
    with HookServer(answer=lambda number: DROP_AFTER if number == 1 else 204) as server:
        result = send(store, server.port, waits_s=(60.0,))
    assert server.taken == [(alert().key, b"{}")] * 2
    assert [delivery.state for delivery in result.deliveries] == [DeliveryState.SENT]
    assert not store.outbox.list(DeliveryState.UNKNOWN), "nobody is asked about it"


def test_a_delivery_whose_sender_was_killed_after_the_server_took_it_is_sent_again_under_the_same_key(
    store: Store,
) -> None:
    """The receiver tells a duplicate by the key; a mail in the same place is UNKNOWN, and not sent again."""
    store.outbox.put([alert()], now=NOON)
    code = (
        "import os, sys\n"
        "from qareport.model import Outcome\n"
        "from qareport.store import Store\n"
        "from tests.support import hook_server\n"
        "hook_server.Outcome = lambda **_: os.kill(os.getpid(), 9)  # between the answer and what is kept of it\n"
        "with Store(sys.argv[1]) as store:\n    hook_server.send(store, int(sys.argv[2]))\n"
    )
    with HookServer() as server:
        killed = subprocess.run([sys.executable, "-c", code, store.url, str(server.port)], check=False)
        assert killed.returncode == -9
        assert [delivery.state for delivery in store.outbox.list()] == [DeliveryState.SENDING]
        (settled,) = store.outbox.settle(now=NOON)
        assert settled.state is DeliveryState.RETRY
        send(store, server.port)
    assert server.taken == [(alert().key, b"{}")] * 2
    assert [delivery.state for delivery in store.outbox.list()] == [DeliveryState.SENT]


def test_what_a_receiver_may_have_keeps_its_content(store: Store) -> None:
    store.outbox.put([alert(content=b"old")], now=NOON)
    store.outbox.put([alert(content=b"new")], now=NOON)
    with HookServer(answer=lambda number: DROP_AFTER if number == 1 else 204) as server:
        send(store, server.port)
        store.outbox.put([alert(content=b"newer")], now=NOON)
        send(store, server.port, now=NOON + timedelta(hours=1))
    assert server.taken == [(alert().key, b"new")] * 2


def test_a_refusal_is_final_and_a_server_that_is_not_there_is_waited_for(store: Store) -> None:
    store.outbox.put([alert("call:a"), alert("call:b")], now=NOON)
    result = send(store, free_port())
    assert [delivery.state for delivery in result.deliveries] == [DeliveryState.RETRY] * 2
    assert "cannot be reached" in result.trouble
    assert not store.outbox.due(NOON + timedelta(seconds=50), channel=HOOK), "the wait is kept"
    with HookServer(answer=lambda number: 400) as server:
        result = send(store, server.port, now=NOON + timedelta(seconds=70))
        send(store, server.port, now=NOON + timedelta(days=1))
    assert len(server.taken) == 2
    assert result.count(DeliveryState.FAILED) == 2


def test_a_delivery_that_never_arrives_is_given_up(store: Store) -> None:
    store.outbox.put([alert()], now=NOON)
    with HookServer(answer=lambda number: DROP_AFTER) as server:
        send(store, server.port)
        result = send(store, server.port, now=NOON + timedelta(hours=49))
    assert len(server.taken) == 2
    (failed,) = result.deliveries
    assert failed.state is DeliveryState.FAILED
    assert failed.reply.startswith("given up after 48 h; last: no answer")


def test_each_channel_sends_its_own_deliveries_only(store: Store) -> None:
    mail = Delivery(
        channel=MAIL, edition=Edition.TEAM, recipient="li@example.com", period="day:2026-11-21", kind="report",
        subject="", message_id="<m>", content=b"text",
    )  # fmt: skip
    store.outbox.put([mail, alert()], now=NOON)
    with HookServer() as server:
        send(store, server.port)
    assert len(server.taken) == 1
    assert {delivery.channel: delivery.state for delivery in store.outbox.list()} == {
        MAIL: DeliveryState.PLANNED,
        HOOK: DeliveryState.SENT,
    }
    assert [delivery.key for delivery in store.outbox.due(NOON, channel=MAIL)] == [mail.key]


def test_the_key_of_a_mail_is_what_it_was_before_there_were_channels() -> None:
    """Of `team`, the recipient in small letters, period and kind: outboxes of older versions hold it."""
    key = delivery_key(MAIL, Edition.TEAM, "Li@Example.com", "day:2026-11-21", "report")
    assert key == "ea13b31d2499f090ea0cf298ac93cf72"
    assert key != delivery_key(HOOK, Edition.TEAM, "li@example.com", "day:2026-11-21", "report")
