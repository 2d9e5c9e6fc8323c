"""Deliveries to webhooks over real HTTP: receivers that fail in every way, signatures, and a sender that is killed."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import standardwebhooks

from qareport.delivery import TRIES_S, DeskKey, WebhookSender, WebhookTries, secret_of
from qareport.errors import ConfigError, Problem
from qareport.model import DeliveryState, EventType, OffReason, Webhook
from qareport.outgoing import OutgoingClient, OutgoingReach
from qareport.store import Store
from tests.support.paths import ROOT
from tests.support.patience import scaled, wait_for
from tests.support.receiver import Receiver, Reply
from tests.support.webhook_faults import HOOKS, WebhookFaults

LOCAL = OutgoingReach(allow=("http://127.0.0.1",), timeout_s=0.5)


@dataclass
class Sending:
    """A store with a webhook, a sender with a clock that tests move, and the webhooks that went off."""

    store: Store
    key: DeskKey
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    off: list[Webhook] = field(default_factory=list)
    sender: Any = None

    def open(self, reach: OutgoingReach = LOCAL, **more: Any) -> WebhookSender:
        client = OutgoingClient(reach)
        tries = WebhookTries(client, lambda: self.key, public_url="https://qa.example.com/", now=lambda: self.now)
        return WebhookSender(self.store, tries, now=lambda: self.now, on_off=self.off.append, **more)

    def hook(self, url: str) -> Webhook:
        return self.store.webhooks.add("crm", url, at=self.now)

    def raise_one(self, **data: Any) -> None:
        object = f"call:{data['call_id']}" if "call_id" in data else ""
        self.store.webhooks.raise_event(EventType.CALL_JUDGED, data, object=object, at=self.now)

    def send(self, *, after: timedelta = timedelta()) -> int:
        self.now += after
        return self.open().send_due()

    @property
    def only(self) -> Any:
        (delivery,) = self.store.webhook_queue.list()
        return delivery

    @property
    def wait(self) -> float:
        """In seconds: until the only delivery is tried again."""
        return (self.only.next_at - self.now).total_seconds()


@pytest.fixture
def sending(tmp_path: Path) -> Iterator[Sending]:
    with Store(f"sqlite:///{tmp_path / 'q.db'}") as store:
        yield Sending(store=store, key=DeskKey.open(tmp_path / "desk" / "key"))


def test_a_receiver_checks_the_signature_with_the_public_library(sending: Sending) -> None:
    with Receiver() as receiver:
        hook = sending.hook(receiver.url)
        sending.raise_one(call_id="c 1", tags=["风险/高"])
        assert sending.send() == 1
    (request,) = receiver.taken
    body = standardwebhooks.Webhook(secret_of(sending.key, hook)).verify(request.body, dict(request.headers))
    assert body == {
        "type": "call.judged",
        "timestamp": sending.only.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data": {"call_id": "c 1", "tags": ["风险/高"], "url": "https://qa.example.com/calls/c%201"},
    }
    assert request.headers["webhook-id"] == sending.only.delivery_id
    assert request.headers["content-type"] == "application/json"
    other = standardwebhooks.Webhook(secret_of(sending.key, hook, generation=2))
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        other.verify(request.body, dict(request.headers))


def test_for_a_day_after_a_rotation_both_secrets_sign_and_then_the_new_one_alone(sending: Sending) -> None:
    with Receiver() as receiver:
        old = sending.hook(receiver.url)
        new = sending.store.webhooks.rotate(old.webhook_id, None, at=sending.now)
        sending.raise_one(n=1)
        sending.send()
        sending.now += timedelta(hours=24)
        sending.raise_one(n=2)
        sending.send()
    first, _ = receiver.taken
    for secret in (secret_of(sending.key, old), secret_of(sending.key, new)):
        standardwebhooks.Webhook(secret).verify(first.body, dict(first.headers))
    assert [len(request.headers["webhook-signature"].split()) for request in receiver.taken] == [2, 1]


def test_a_receiver_that_fails_is_tried_ten_times_in_a_day_under_one_id_with_fresh_signatures(sending: Sending) -> None:
    with Receiver(lambda *_: Reply(status=503, body=b"<script>alert(1)</script> 13912345678")) as receiver:
        sending.hook(receiver.url)
        sending.raise_one(n=1)
        began = sending.now
        for number, after_s in enumerate(TRIES_S, start=1):
            assert sending.send() == 1
            assert sending.send() == 0, "not before its time"
            assert (sending.only.tries, sending.only.status) == (number, 503)
            if number < len(TRIES_S):
                due_s, past_s = TRIES_S[number], (sending.now - began).total_seconds()
                assert 0.85 * (due_s - past_s) - 2 <= sending.wait <= 1.15 * (due_s - past_s) + 2, after_s
                sending.now = sending.only.next_at
    assert sending.only.state is DeliveryState.FAILED
    assert "13912345678" not in sending.only.reply
    assert len({request.headers["webhook-id"] for request in receiver.taken}) == 1
    assert len({request.headers["webhook-timestamp"] for request in receiver.taken}) == len(TRIES_S)
    assert sending.send(after=timedelta(days=2)) == 0


@pytest.mark.parametrize(
    ("reply", "status", "says"),
    [
        (Reply(hang=True), None, "no answer within 0.5 s"),
        (Reply(hang_up=True), None, "the server broke off"),
        (Reply(status=302, headers={"Location": "http://169.254.169.254/latest"}), 302, "not followed"),
        (Reply(status=404, body=b"no such path"), 404, "no such path"),
    ],
)
def test_what_a_receiver_does_wrong_is_said_and_tried_again(
    sending: Sending, reply: Reply, status: int | None, says: str
) -> None:
    with Receiver(lambda number, _: reply if number == 1 else Reply()) as receiver:
        sending.hook(receiver.url)
        sending.raise_one(n=1)
        sending.send()
        assert (sending.only.state, sending.only.status) == (DeliveryState.RETRY, status)
        assert says in sending.only.reply
        sending.send(after=timedelta(seconds=6))
        assert sending.only.state is DeliveryState.SENT
    assert len({request.headers["webhook-id"] for request in receiver.taken}) == 1


def test_a_receiver_that_is_gone_is_told_nothing_any_more(sending: Sending) -> None:
    with Receiver(lambda *_: Reply(status=410)) as receiver:
        hook = sending.hook(receiver.url)
        sending.raise_one(n=1)
        sending.raise_one(n=2)
        sending.send()
    assert [off.webhook_id for off in sending.off] == [hook.webhook_id]
    assert sending.store.webhooks.get(hook.webhook_id).off is OffReason.GONE
    assert len(receiver.taken) == 1, "what waits, waits until a person switches it on"


@pytest.mark.parametrize("date", [False, True])
def test_a_receiver_that_asks_for_time_is_left_alone_as_a_whole(sending: Sending, date: bool) -> None:
    until = sending.now + timedelta(minutes=20)
    asked = format_datetime(until, usegmt=True) if date else "1200"
    with Receiver(
        lambda number, _: Reply(status=429, headers={"Retry-After": asked}) if number == 1 else Reply()
    ) as receiver:
        sending.hook(receiver.url)
        sending.raise_one(n=1)
        sending.raise_one(n=2)
        assert sending.send() == 1
        assert sending.send(after=timedelta(minutes=19)) == 0
        assert sending.send(after=timedelta(minutes=1, seconds=1)) == 2
    assert len(receiver.taken) == 3


def test_a_gateway_that_is_asked_too_much_is_left_alone_for_a_while(sending: Sending) -> None:
    with Receiver(lambda number, _: Reply(status=502) if number == 1 else Reply()) as receiver:
        sending.hook(receiver.url)
        sending.raise_one(n=1)
        sending.raise_one(n=2)
        sending.send()
        assert sending.send(after=timedelta(seconds=29)) == 0
        assert sending.send(after=timedelta(seconds=2)) == 2


def test_an_address_inside_is_refused_when_it_is_sent_to_as_well(sending: Sending) -> None:
    with Receiver() as receiver:
        sending.hook(receiver.url)
        sending.raise_one(n=1)
        sending.open(OutgoingReach()).send_due()
        assert receiver.taken == []
    assert sending.only.state is DeliveryState.RETRY
    assert "http" in sending.only.reply


def test_what_keeps_a_delivery_from_being_sent_is_shown_with_it(sending: Sending) -> None:
    def no_key() -> DeskKey:
        raise ConfigError([Problem(where="desk/key", what="others may read it")])

    sending.hook("http://127.0.0.1:9/")
    sending.raise_one(n=1)
    tries = WebhookTries(OutgoingClient(LOCAL), no_key, public_url="", now=lambda: sending.now)
    WebhookSender(sending.store, tries, now=lambda: sending.now).send_due()
    assert (sending.only.state, sending.only.tries) == (DeliveryState.RETRY, 1)
    assert "desk/key: others may read it" in sending.only.reply


def test_a_receiver_that_hangs_keeps_no_other_waiting(sending: Sending) -> None:
    with Receiver(lambda *_: Reply(hang=True)) as slow, Receiver() as quick:
        sending.hook(slow.url)
        sending.hook(quick.url)
        for number in range(6):
            sending.raise_one(n=number)
        stopping = threading.Event()
        sender = sending.open(OutgoingReach(allow=("http://127.0.0.1",), timeout_s=20))
        thread = threading.Thread(target=sender.run, args=(stopping,), kwargs={"leave_s": 0.1})
        thread.start()
        wait_for(lambda: len(quick.taken) == 6, what="the quick receiver")
        assert len(slow.taken) == 2
        stopping.set()
        thread.join(timeout=scaled(5))
        assert not thread.is_alive()
    assert sending.store.webhook_queue.count()[DeliveryState.UNKNOWN] == 2


_PROGRAM = """
import sys
from datetime import timedelta
from pathlib import Path
from threading import Event
from qareport.delivery import DeskKey, WebhookSender, WebhookTries
from qareport.delivery.outbox import utc_now
from qareport.outgoing import OutgoingClient, OutgoingReach
from qareport.store import Store
store, key = Store(sys.argv[1]), DeskKey.open(Path(sys.argv[2]) / "key")
client = OutgoingClient(OutgoingReach(allow=("http://127.0.0.1",), timeout_s=20))
tries = WebhookTries(client, lambda: key, public_url="", now=utc_now)
WebhookSender(store, tries, lease=timedelta(seconds=0.5)).run(Event())
"""


def test_what_a_killed_sender_was_sending_is_sent_again_under_the_same_id(sending: Sending, tmp_path: Path) -> None:
    with Receiver(lambda number, _: Reply(hang=True) if number == 1 else Reply()) as receiver:
        sending.hook(receiver.url)
        sending.raise_one(n=1)
        command = [sys.executable, "-c", _PROGRAM, f"sqlite:///{tmp_path / 'q.db'}", str(tmp_path / "desk")]
        process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)})
        wait_for(lambda: len(receiver.taken) == 1, what="the first try")
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert sending.only.state is DeliveryState.SENDING
        sending.send(after=timedelta(minutes=1))
    assert sending.only.state is DeliveryState.SENT
    first, second = receiver.taken
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


@pytest.mark.parametrize("page", ["webhooks.md", "webhooks.zh-CN.md"])
def test_the_receiver_that_the_guide_shows_checks_signatures_and_repetitions(sending: Sending, page: str) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "guide" / page).read_text("utf-8"), re.DOTALL)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    hook = sending.hook(f"http://127.0.0.1:{port}/")
    environment = os.environ | {"WEBHOOK_SECRET": secret_of(sending.key, hook), "PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(lambda: _listens(port), what="the receiver")
        sending.raise_one(call_id="c1", tags_added=["风险/高"])
        sending.send()
        assert (sending.only.state, sending.only.status) == (DeliveryState.SENT, 204)
        sending.store.webhook_queue.replay(sending.only.delivery_id, None, at=sending.now)
        sending.send()
        assert sending.only.status == 204
        sending.key = DeskKey(b"another key of another desk.....")
        sending.store.webhook_queue.replay(sending.only.delivery_id, None, at=sending.now)
        sending.send()
        assert (sending.only.state, sending.only.status) == (DeliveryState.RETRY, 400)
    finally:
        process.kill()
        output = process.communicate()[0].decode()
    assert output == "call.judged ['风险/高']\n"


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_nothing_is_lost_when_senders_and_raisers_are_killed(tmp_path: Path) -> None:
    tally = WebhookFaults(tmp_path, None, seed=3).run(6)
    assert tally.faults == []
    assert tally.events
    assert tally.deliveries == HOOKS * tally.events


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "desk"
    key = DeskKey.open(folder / "key")
    assert (folder / "key").stat().st_mode & 0o777 == 0o600
    assert DeskKey.open(folder / "key").derive("webhook", 1, 1) == key.derive("webhook", 1, 1)
    assert len({key.derive(kind, n, g) for kind in ("webhook", "x") for n in (1, 2) for g in (1, 2)}) == 8
    (folder / "key").chmod(0o640)
    with pytest.raises(ConfigError, match="others may read it"):
        DeskKey.open(folder / "key")
    (folder / "key").chmod(0o600)
    (folder / "key").write_bytes(b"short")
    with pytest.raises(ConfigError, match="no key of 32 bytes"):
        DeskKey.open(folder / "key")
