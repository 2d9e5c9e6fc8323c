"""Webhooks as an administrator makes them, and as the desk sends to them from its start to its end."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import standardwebhooks
import uvicorn

from qareport.model import DeliveryState, UserRole
from qareport.web.background import make_sender
from tests.support.dailies import make_config
from tests.support.desk import OpenDesk, open_desk
from tests.support.patience import scaled, wait_for
from tests.support.postbox import Postbox
from tests.support.receiver import Receiver, Reply

SECRET = re.compile(r'<code class="secret">([^<]+)</code>')


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as started:
        yield started


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    with Postbox() as started:
        yield started


@pytest.fixture
def desk(tmp_path: Path, receiver: Receiver, postbox: Postbox) -> Iterator[OpenDesk]:
    """A desk that may reach the receiver, with a mail server and an operator."""
    config = make_config(tmp_path / "config", port=postbox.port)
    settings = json.loads((config / "qareport.yaml").read_text("utf-8"))
    settings["webhooks"] = {"allow": [f"http://127.0.0.1:{receiver.port}"]}
    (config / "qareport.yaml").write_text(json.dumps(settings, ensure_ascii=False), "utf-8")
    with open_desk(tmp_path, config=config) as opened:
        yield opened


def test_an_administrator_makes_a_webhook_tests_it_and_sees_what_came_of_it(desk: OpenDesk, receiver: Receiver) -> None:
    receiver.answer = lambda *_: Reply(status=200, body=b"<script>alert(1)</script>")
    admin = desk.enter(UserRole.ADMIN)
    page = admin.post("/settings/webhooks", data={"url": receiver.url, "name": "工单系统", "types": ["call.judged"]})
    (secret,) = SECRET.findall(page.text)
    assert secret not in admin.get("/settings/webhooks").text, "it is shown once"
    (hook,) = desk.desk.store.webhooks.list()
    address = f"/settings/webhooks/{hook.webhook_id}"
    assert admin.post(f"{address}/test").status_code == 303
    assert make_sender(desk.desk).send_due() == 1
    (request,) = receiver.taken
    headers = dict(request.headers) | {"webhook-timestamp": request.headers["webhook-timestamp"]}
    signed = standardwebhooks.Webhook(secret)
    expected = signed.sign(headers["webhook-id"], desk.clock.now, request.body.decode())
    assert headers["webhook-signature"] == expected
    shown = admin.get(address).text
    assert "已送达" in shown
    assert "&lt;script&gt;" in shown
    assert "<script>alert" not in shown
    (delivery,) = desk.desk.store.webhook_queue.list()
    assert admin.post(f"/settings/webhooks/deliveries/{delivery.delivery_id}/replay").status_code == 303
    make_sender(desk.desk).send_due()
    assert {request.headers["webhook-id"] for request in receiver.taken} == {delivery.delivery_id}
    again = SECRET.findall(admin.post(f"{address}/rotate").text)
    assert again != [secret]
    admin.post(f"{address}/state", data={"state": "off"})
    assert "已停用" in admin.get("/settings/webhooks").text
    admin.post(address, data={"url": receiver.url, "name": "crm", "types": [], "teams": ["red"]})
    changed = desk.desk.store.webhooks.get(hook.webhook_id)
    assert (changed.name, changed.types, changed.teams) == ("crm", (), ("red",))
    assert admin.post(f"{address}/delete").status_code == 303
    assert desk.desk.store.webhooks.list() == ()
    actions = [entry.action for entry in desk.desk.store.audit.list() if entry.action.startswith("webhooks.")]
    steps = ("add", "test", "replay", "rotate", "change", "change", "delete")
    assert actions[::-1] == [f"webhooks.{step}" for step in steps]
    assert not any(secret in str(entry.details) for entry in desk.desk.store.audit.list())


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://169.254.169.254/latest", "没有加密"),
        ("https://127.0.0.1/", "本机或内网"),
        ("https://2130706433/", "192.0.2.1"),
        ("https://[::ffff:10.0.0.1]/", "本机或内网"),
        ("javascript:alert(1)", "https://"),
    ],
)
def test_an_address_inside_is_refused_when_it_is_entered(desk: OpenDesk, url: str, says: str) -> None:
    admin = desk.enter(UserRole.ADMIN)
    page = admin.post("/settings/webhooks", data={"url": url})
    assert page.status_code == 422
    assert says in page.text
    answer = admin.post("/api/v1/webhooks", json={"url": url})
    assert answer.status_code == 422
    assert desk.desk.store.webhooks.list() == ()


def test_the_api_makes_changes_and_refuses_what_somebody_else_changed(desk: OpenDesk, receiver: Receiver) -> None:
    admin = desk.enter(UserRole.ADMIN)
    made = admin.post("/api/v1/webhooks", json={"url": receiver.url, "types": ["finding.reviewed"]})
    assert made.status_code == 201, made.text
    assert made.json()["secret"].startswith("whsec_")
    path, tag = f"/api/v1/webhooks/{made.json()['webhook_id']}", made.headers["etag"]
    changed = admin.patch(path, json={"name": "tickets", "on": True}, headers={"if-match": tag})
    assert (changed.status_code, changed.json()["name"]) == (200, "tickets")
    assert admin.patch(path, json={"on": False}, headers={"if-match": tag}).status_code == 412
    assert admin.patch(path, json={"teams": ["none"]}).status_code == 404
    assert admin.patch(path, json={"types": ["webhook.test"]}).status_code == 422
    assert "secret" not in admin.get("/api/v1/webhooks").json()["items"][0]
    findings = admin.get("/api/v1/calls/c1/findings").json()["findings"]
    verdict = {"verdict": "rejected", "reason": "wrong_rule"}
    admin.put(f"/api/v1/calls/c1/findings/{findings[0]['finding_id']}/verdict", json=verdict)
    (delivery,) = admin.get(f"{path}/deliveries").json()["items"]
    assert (delivery["type"], delivery["object"], delivery["state"]) == ("finding.reviewed", "call:c1", "planned")
    assert delivery["data"]["finding"]["verdict"] == "rejected"
    page = admin.get("/calls/c1").text
    assert "通知了哪些系统" in page
    assert "tickets: 复核了一条发现, 等待发送" in page
    assert "通知了哪些系统" not in desk.enter(UserRole.ANALYST).get("/calls/c1").text
    answer = admin.post(f"/api/v1/deliveries/{delivery['delivery_id']}/replay")
    assert (answer.status_code, answer.json()["delivery_id"]) == (202, delivery["delivery_id"])
    assert admin.delete(path).status_code == 204
    assert admin.get(f"{path}/deliveries").status_code == 404


def test_a_webhook_that_is_gone_is_named_to_the_operator_and_on_its_page(
    desk: OpenDesk, receiver: Receiver, postbox: Postbox
) -> None:
    receiver.answer = lambda *_: Reply(status=410)
    admin = desk.enter(UserRole.ADMIN)
    admin.post("/settings/webhooks", data={"url": receiver.url + "T0/secret", "name": "工单系统"})
    admin.post("/settings/webhooks/1/test")
    make_sender(desk.desk).send_due()
    (mail,) = postbox.delivered
    parts = [part for part in mail.message.walk() if part.get_content_type() == "text/plain"]
    text = b"".join(part.get_payload(decode=True) for part in parts).decode()  # type: ignore[misc]
    assert "工单系统" in text
    assert "410" in text
    assert "secret" not in text
    assert "410" in admin.get("/settings/webhooks/1").text


def test_a_running_desk_sends_by_itself_and_stops_quickly(desk: OpenDesk, receiver: Receiver) -> None:
    receiver.answer = lambda *_: Reply(status=503)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(desk.app, port=port, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_for(lambda: server.started, what="the server")
    admin = desk.enter(UserRole.ADMIN)
    admin.post("/api/v1/webhooks", json={"url": receiver.url, "types": ["call.deleted"]})
    admin.post("/settings/webhooks/1/test")
    wait_for(lambda: desk.desk.store.webhook_queue.count() == {DeliveryState.RETRY: 1}, what="the first try")
    began = time.monotonic()
    server.should_exit = True
    thread.join(timeout=scaled(10))
    assert not thread.is_alive()
    assert time.monotonic() - began < scaled(4)
    assert "qareport_webhook_deliveries" in admin.get("/metrics").text
