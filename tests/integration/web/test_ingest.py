"""Telephone systems send calls: the real ports, the bundled model, and the frames that each convention sends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from qareport.audio.decode import decode
from qareport.cli.demo_calls import CALLS, DemoLine, ring_round
from qareport.model import JobKind, LiveState, Role, Signal
from qareport.web.ingest.player import Play, play
from qareport.web.ingest.twilio import signature_of
from qareport.workflows.hear_uploads import UploadWorker
from tests.support.live_calls import engine
from tests.support.live_ports import SOUND, SPEED, Ports, alike, free_port, heard, open_ports
from tests.support.patience import scaled


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    with open_ports(tmp_path_factory.mktemp("live")) as opened:
        yield opened


@pytest.fixture(scope="module")
def text(ports: Ports) -> str:
    """What the customer says, as our own convention's frames are heard."""
    ports.play("pcm", "own", token=ports.token)
    call = ports.ended("own")
    assert call.state is LiveState.ENDED
    assert call.channel_roles == (Role.CUSTOMER, Role.AGENT)
    return heard(call, Role.CUSTOMER)


def test_the_use_of_a_token_stands_in_the_audit_log_once_an_hour(ports: Ports, text: str) -> None:
    store = ports.workspace.store
    for _ in range(2):
        with connect(ports.url("pcm"), additional_headers={"Authorization": f"Bearer {ports.token}"}):
            pass
    lines = [line for line in store.audit.list(limit=100) if line.action == "token.use"]
    assert [(line.actor_kind, line.ip, line.object) for line in lines] == [("token", "127.0.0.1", "token:1")]


def test_a_call_is_heard_kept_and_handed_over(ports: Ports, text: str) -> None:
    assert "次电话" in text
    call = ports.ended("own")
    recording = decode(call.audio_path, max_duration_ms=60_000).info
    assert recording.duration_ms == pytest.approx(6000, abs=120)
    assert recording.channels == 2
    job = ports.workspace.store.jobs.list(JobKind.UPLOAD)[-1]
    assert (job.payload["call_id"], job.payload["live_id"]) == ("own", call.live_id)
    assert job.payload["channel_roles"] == ["customer", "agent"]
    assert "own" not in Path(call.audio_path).name
    store = ports.workspace.store
    alerts = store.alerts.list_of([call.live_id])
    assert {alert.signal for alert in alerts} >= {"anger"}
    assert all(alert.quote and alert.raised_at for alert in alerts)
    told = store.webhook_queue.list(object=f"live:{call.live_id}", limit=50)
    assert {delivery.type for delivery in told} >= {"live.started", "alert.raised", "live.ended"}
    anger = next(each.data for each in told if (each.data or {}).get("signal") == "anger")
    assert anger is not None
    assert (anger["call_id"], anger["state"], "url" in anger) == ("own", "new", False)
    assert any(anger["quote"] == alert.quote for alert in alerts)


def test_the_result_of_the_recording_replaces_it_and_marks_its_alerts(ports: Ports, text: str) -> None:
    worker = UploadWorker(ports.workspace, engine(), owner="test")
    job = ports.workspace.store.jobs.take([JobKind.UPLOAD], "test", at=datetime.now(UTC))
    assert job is not None
    worker.work_on(job)
    call = ports.ended("own")
    assert (call.state, call.merged_call_id) == (LiveState.MERGED, "own")
    assert ports.workspace.store.results.get("own").segments
    alerts = ports.workspace.store.alerts.list_of([call.live_id])
    assert {alert.borne_out for alert in alerts} <= {True, False}
    assert next(alert for alert in alerts if alert.signal == "anger").borne_out


def test_twilio_is_let_in_by_its_signature_or_a_ticket_and_heard_alike(
    ports: Ports, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports.play("twilio", "tw", ticket=ports.ticket(order_id="o7"))
    call = ports.ended("tw")
    assert call.order_id == "o7"
    assert alike(heard(call, Role.CUSTOMER), text) >= 0.9
    monkeypatch.setenv("QAREPORT_TWILIO_TOKEN", "secret")
    host = ports.url("").split("/")[2]
    signature = signature_of("secret", f"wss://{host}/live/twilio")
    start = {"event": "start", "start": {"callSid": "signed", "tracks": ["inbound"]}}
    for header, code in ((signature, None), ("wrong", 1008)):
        with connect(ports.url("twilio"), additional_headers={"X-Twilio-Signature": header}) as websocket:
            websocket.send(json.dumps(start))
            if code is None:
                websocket.send(json.dumps({"event": "stop"}))
                continue
            with pytest.raises(ConnectionClosed) as closed:
                websocket.recv(timeout=scaled(5))
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == code


def test_clients_of_funasr_are_told_what_is_heard_at_the_rate_that_they_say(ports: Ports, text: str) -> None:
    ports.texts.clear()
    ports.play("funasr", "fa:customer", sound=SOUND[:1])
    told = [json.loads(each) for each in ports.texts]
    assert {message["mode"] for message in told} == {"2pass-online", "2pass-offline"}
    assert told[-1]["is_final"]
    finals = "".join(m["text"] for m in told if m["mode"] == "2pass-offline")
    assert alike(finals, text) >= 0.9
    assert ports.ended("fa").channel_roles == (Role.CUSTOMER, Role.AGENT)


def test_audiosocket_is_let_in_by_its_ticket_once(ports: Ports, text: str) -> None:
    ticket = ports.ticket(call_id="as", agent_id="A1", tracks=["customer"])
    ports.play("audiosocket", "", ticket=ticket, sound=SOUND[:1])
    assert alike(heard(ports.ended("as")), text) >= 0.9
    with suppress(ConnectionResetError):
        ports.play("audiosocket", "", ticket=ticket, sound=SOUND[:1, :8000])
    ports.play("pcm", "after", token=ports.token, sound=SOUND[:1, :8000])
    ports.ended("after")  # what came before it has been looked at
    live_calls = ports.workspace.store.live_calls
    assert [call.call_id for call in (*live_calls.list_on(), *live_calls.list_ended())].count("as") == 1


def test_two_connections_of_asterisk_are_the_two_sides_of_one_call(ports: Ports) -> None:
    async def both() -> None:
        sides = [
            play(
                Play(
                    sound=SOUND[channel : channel + 1, : 3 * 8000], convention="asterisk", token=ports.token,
                    url=f"{ports.url('asterisk')}?call_id=pair&role={role}", speed=SPEED,
                )
            )
            for channel, role in enumerate(("customer", "agent"))
        ]  # fmt: skip
        await asyncio.gather(*sides)

    asyncio.run(both())
    call = ports.ended("pair")
    assert decode(call.audio_path, max_duration_ms=60_000).info.channels == 2
    assert len([c for c in ports.workspace.store.live_calls.list_ended() if c.call_id == "pair"]) == 1


def test_freeswitch_says_what_it_sends_or_nothing_at_all(ports: Ports, text: str) -> None:
    ports.play("freeswitch", "fs", token=ports.token)
    assert alike(heard(ports.ended("fs"), Role.CUSTOMER), text) >= 0.9


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([b"\0\0"], 1002),
        (['{"rate": 8001}'], 1002),
        (['{"roles": ["boss"]}'], 1002),
        (['{"colour": "red"}'], 1002),
        (["[1]"], 1002),
        (['{"rate": 8000}', b"\0"], 1002),
        (['{"rate": 8000}', bytes(65_540)], 1009),
    ],
    ids=["sound-first", "rate", "role", "key", "list", "half-a-sample", "too-big"],
)
def test_a_fault_closes_its_connection_with_a_code(ports: Ports, messages: list[str | bytes], code: int) -> None:
    headers = {"Authorization": f"Bearer {ports.token}"}
    with connect(ports.url("pcm"), additional_headers=headers) as websocket:
        with suppress(ConnectionClosed):
            for message in messages:
                websocket.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            websocket.recv(timeout=scaled(10))
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == code


def test_a_flood_of_frames_closes_its_connection(ports: Ports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qareport.web.ingest.server.MOST_FRAMES", 20)
    headers = {"Authorization": f"Bearer {ports.token}"}
    with connect(ports.url("pcm"), additional_headers=headers) as websocket:
        with suppress(ConnectionClosed):
            websocket.send('{"rate": 8000}')
            for _ in range(300):
                websocket.send(bytes(320))
        with pytest.raises(ConnectionClosed) as closed:
            websocket.recv(timeout=scaled(10))
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


def test_strangers_and_foreign_pages_are_not_let_in(ports: Ports) -> None:
    for path, headers, status in (
        ("pcm", {"Authorization": "Bearer qar_wrong"}, None),
        ("asterisk", {}, 401),
        ("freeswitch", {"Authorization": "Basic " + "!!"}, 401),
        ("nobody", {}, 404),
        ("pcm", {"Origin": "https://evil.example"}, 403),
    ):
        if status is None:
            with connect(ports.url(path), additional_headers=headers) as websocket:
                websocket.send('{"rate": 8000}')
                with pytest.raises(ConnectionClosed) as closed:
                    websocket.recv(timeout=scaled(5))
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1008
        else:
            with pytest.raises(InvalidStatus) as refused, connect(ports.url(path), additional_headers=headers):
                pass
            assert refused.value.response.status_code == status


def test_calls_past_the_limit_are_refused_and_the_others_go_on(ports: Ports) -> None:
    headers = {"Authorization": f"Bearer {ports.token}"}
    with ExitStack() as stack:
        for number in range(3):
            websocket = stack.enter_context(connect(ports.url("pcm"), additional_headers=headers))
            websocket.send(json.dumps({"call_id": f"many{number}"}))
        ports.wait_for(lambda: next(iter(ports.workspace.store.live_calls.list_on()[2:]), None))
        with pytest.raises(InvalidStatus) as refused, connect(ports.url("pcm"), additional_headers=headers):
            pass
        assert refused.value.response.status_code == 503
        assert refused.value.response.headers["Retry-After"] == "10"
    for number in range(3):  # nothing was said
        ports.wait_for(lambda: ports.ended_as(f"many{number}", LiveState.MERGE_FAILED))  # noqa: B023


def test_the_calls_of_the_demo_ring_and_what_is_noticed_in_them_is_kept(ports: Ports) -> None:
    line = DemoLine(store=ports.workspace.store, url=ports.url("pcm"), calls=("c13-escalation.ogg",), speed=20)
    (call_id,) = asyncio.run(ring_round(line))
    call = ports.ended(call_id)
    assert (call.agent_id, call.order_id, call.channel_roles) == ("A042", "20261101957733", (Role.AGENT, Role.CUSTOMER))
    assert {signal.signal for signal in call.signals} >= {Signal.ANGER, Signal.ESCALATION}
    assert {finding.state for finding in call.findings} <= {"confirmed", "cleared"}
    assert call.findings


def test_a_call_of_the_demo_that_nobody_takes_ends_alone(ports: Ports) -> None:
    line = DemoLine(store=ports.workspace.store, url=f"ws://127.0.0.1:{free_port()}/live/pcm", calls=CALLS[:1])
    assert len(asyncio.run(ring_round(line))) == 1
