"""What telephone systems send, frame by frame as their documents and code say, is heard as the file itself is.

The frames are made here, apart from `qareport live play`. FunASR's own client runs, too, where its file is at hand: set
QAREPORT_FUNASR_CLIENT to its funasr_wss_client.py (FunASR repository, runtime/python/websocket).
"""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
import subprocess
import sys
import time
import uuid
import wave
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from qareport import settings
from qareport.audio.streaming import Encoding, Pcm, decode_samples, encode_samples
from qareport.model import Call, Role, Transcript
from qareport.web.ingest.player import read_sound
from tests.support.live_calls import engine
from tests.support.live_ports import Ports, alike, heard, open_ports
from tests.support.patience import scaled

CLIENT = os.environ.get("QAREPORT_FUNASR_CLIENT", "")
#: A customer's two sentences, by sample rate: [customer, agent]. What the small bundled model hears in others hangs on
#: where a stretch begins to the millisecond, here it does not: what is compared is what the frames carry.
SOUNDS = {
    rate: read_sound(settings.bundled_calls() / "c08-two-languages.ogg", rate)[
        ::-1, 9183 * rate // 1000 : 13_833 * rate // 1000
    ]
    for rate in (8000, 16_000)
}
SOUND, CUSTOMER = SOUNDS[8000], {rate: sound[0] for rate, sound in SOUNDS.items()}
#: Frames come so many times faster than people speak.
FASTER = 4


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    with open_ports(tmp_path_factory.mktemp("peers")) as opened:
        yield opened


def frames(sound: Pcm, rate: int, ms: int = 20) -> Iterator[Pcm]:
    """Cut sound into frames, as fast as they are sent."""
    size = rate * ms // 1000
    for at in range(0, sound.shape[-1], size):
        time.sleep(ms / 1000 / FASTER)
        yield sound[..., at : at + size]


def said_in_file(folder: Path, sound: Pcm, rate: int = 8000) -> str:
    """Return what is heard in a recording of the sound, one channel, without joining."""
    with wave.open(str(folder / "same.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(sound.astype("<i2").tobytes())
    whole = replace(engine(), asr=replace(engine().asr, merge=False))
    call = Call(call_id="x", audio_path=str(folder / "same.wav"), channel_roles=(Role.CUSTOMER,))
    transcript = whole.transcribe_aloud(call, on_lines=lambda _: None)
    assert isinstance(transcript, Transcript)
    return "".join(segment.text for segment in transcript.segments)


def in_mulaw(sound: Pcm) -> Pcm:
    return decode_samples(encode_samples(sound, Encoding.MULAW), Encoding.MULAW)


@pytest.fixture(scope="module")
def linear(tmp_path_factory: pytest.TempPathFactory) -> str:
    return said_in_file(tmp_path_factory.mktemp("file"), SOUND[0])


@pytest.fixture(scope="module")
def mulaw(tmp_path_factory: pytest.TempPathFactory) -> str:
    return said_in_file(tmp_path_factory.mktemp("file"), in_mulaw(SOUND[0]))


def test_twilio_with_both_tracks_interleaved_and_a_frame_out_of_order(ports: Ports, mulaw: str) -> None:
    media: list[dict[str, Any]] = []
    with connect(ports.url("twilio")) as websocket:
        websocket.send(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
        start = {
            "streamSid": "MZ1", "accountSid": "AC1", "callSid": "CA1", "tracks": ["inbound", "outbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"ticket": ports.ticket(agent_id="A1"), "call_id": "twilio"},
        }  # fmt: skip
        websocket.send(json.dumps({"event": "start", "sequenceNumber": "1", "start": start, "streamSid": "MZ1"}))
        for number, both in enumerate(frames(SOUND, 8000)):
            for track, samples in zip(("inbound", "outbound"), both, strict=True):
                payload = base64.b64encode(encode_samples(samples, Encoding.MULAW)).decode()
                said = {"track": track, "chunk": str(number + 1), "timestamp": str(number * 20), "payload": payload}
                media.append({"event": "media", "sequenceNumber": "2", "media": said, "streamSid": "MZ1"})
            if number % 10 == 9:  # the network brought two frames in the wrong order
                media[2], media[4] = media[4], media[2]
                for message in media:
                    websocket.send(json.dumps(message))
                media = []
        websocket.send(json.dumps({"event": "dtmf", "streamSid": "MZ1", "dtmf": {"track": "inbound", "digit": "1"}}))
        websocket.send(json.dumps({"event": "stop", "streamSid": "MZ1", "stop": {"callSid": "CA1"}}))
        assert alike(heard(ports.ended("twilio"), Role.CUSTOMER), mulaw) >= 0.99


@pytest.mark.parametrize("tracks", [("inbound",), ("inbound", "outbound")], ids=["one track", "both tracks"])
def test_telnyx_which_does_not_say_which_tracks_it_sends(ports: Ports, mulaw: str, tracks: Sequence[str]) -> None:
    call_id = f"v3:telnyx-{len(tracks)}"
    with connect(ports.url("telnyx"), additional_headers={"Authorization": f"Bearer {ports.token}"}) as websocket:
        websocket.send(json.dumps({"event": "connected", "version": "1.0.0"}))
        start = {
            "user_id": "u1", "call_control_id": call_id, "client_state": "",
            "media_format": {"encoding": "PCMU", "sample_rate": 8000, "channels": 1},
        }  # fmt: skip
        websocket.send(json.dumps({"event": "start", "sequence_number": "1", "start": start, "stream_id": "s1"}))
        for number, both in enumerate(frames(SOUND, 8000)):
            for track, samples in zip(tracks, both, strict=False):
                payload = base64.b64encode(encode_samples(samples, Encoding.MULAW)).decode()
                said = {"track": track, "chunk": str(number + 1), "timestamp": str(number * 20), "payload": payload}
                websocket.send(json.dumps({"event": "media", "sequence_number": "4", "media": said, "stream_id": "s1"}))
        websocket.send(json.dumps({"event": "stop", "sequence_number": "9", "stop": {}, "stream_id": "s1"}))
        call = ports.ended(call_id)
    assert alike(heard(call, Role.CUSTOMER), mulaw) >= 0.99
    assert call.channel_roles == (Role.CUSTOMER, Role.AGENT)[: len(tracks)]


def test_exotel_with_linear_sound_of_one_side(ports: Ports, linear: str) -> None:
    with connect(ports.url("exotel"), additional_headers={"Authorization": f"Bearer {ports.token}"}) as websocket:
        websocket.send(json.dumps({"event": "connected"}))
        start = {
            "stream_sid": "s1", "call_sid": "exotel", "account_sid": "a1", "from": "13812345678", "to": "400",
            "media_format": {"encoding": "base64", "sample_rate": "8000", "bit_rate": "128kbps"},
        }  # fmt: skip
        websocket.send(json.dumps({"event": "start", "sequence_number": 1, "stream_sid": "s1", "start": start}))
        for number, samples in enumerate(frames(SOUND[0], 8000, 100)):
            payload = base64.b64encode(samples.astype("<i2").tobytes()).decode()
            said = {"chunk": number + 1, "timestamp": str(number * 100), "payload": payload}
            websocket.send(json.dumps({"event": "media", "sequence_number": 3, "stream_sid": "s1", "media": said}))
        websocket.send(json.dumps({"event": "stop", "sequence_number": 9, "stream_sid": "s1", "stop": {}}))
        call = ports.ended("exotel")
    assert alike(heard(call, Role.CUSTOMER), linear) >= 0.99
    assert call.customer_phone == "13812345678"


def test_audiosocket_of_16_khz(ports: Ports, files: dict[int, str]) -> None:
    ticket = ports.ticket(call_id="audiosocket-16", agent_id="A1", tracks=["customer"])
    with socket.create_connection(("127.0.0.1", ports.server.ports["audiosocket"])) as connection:
        connection.sendall(struct.pack(">BH", 0x01, 16) + uuid.UUID(ticket).bytes)
        for samples in frames(CUSTOMER[16_000], 16_000):
            connection.sendall(struct.pack(">BH", 0x12, samples.size * 2) + samples.astype("<i2").tobytes())
        connection.sendall(struct.pack(">BH", 0x00, 0))
    assert alike(heard(ports.ended("audiosocket-16"), Role.CUSTOMER), files[16_000]) >= 0.99


def test_audiosocket(ports: Ports, linear: str) -> None:
    ticket = ports.ticket(call_id="audiosocket", agent_id="A1", tracks=["customer"])
    with socket.create_connection(("127.0.0.1", ports.server.ports["audiosocket"])) as connection:
        connection.sendall(struct.pack(">BH", 0x01, 16) + uuid.UUID(ticket).bytes)
        for number, samples in enumerate(frames(SOUND[0], 8000)):
            data = struct.pack(">BH", 0x10, samples.size * 2) + samples.astype("<i2").tobytes()
            connection.sendall(data[:7])  # TCP cuts where it likes
            connection.sendall(data[7:])
            if number == 50:
                connection.sendall(struct.pack(">BH", 0x03, 1) + b"5")
        connection.sendall(struct.pack(">BH", 0x00, 0))
    assert alike(heard(ports.ended("audiosocket"), Role.CUSTOMER), linear) >= 0.99


@pytest.mark.parametrize("is_json", [False, True], ids=["plain", "json"])
def test_asterisk_with_sound_before_its_start_and_one_channel_for_each_side(
    ports: Ports, mulaw: str, *, is_json: bool
) -> None:
    call_id = f"asterisk-{is_json}"
    values = {
        "connection_id": "media_connection", "channel": "WebSocket/qa/0x1", "channel_id": "1700000000.1",
        "format": "ulaw", "optimal_frame_size": "160", "ptime": "20",
    }  # fmt: skip
    plain = "MEDIA_START " + " ".join(f"{name}:{value}" for name, value in values.items())
    start = json.dumps({"event": "MEDIA_START", **values}) if is_json else plain

    def side(role: str, samples: Pcm) -> None:
        headers = {"Authorization": "Basic " + base64.b64encode(f"qa:{ports.token}".encode()).decode()}
        url = f"{ports.url('asterisk')}?call_id={call_id}&role={role}&agent_id=A1"
        with connect(url, additional_headers=headers, subprotocols=[Subprotocol("media")]) as websocket:
            assert websocket.subprotocol == "media"
            for number, frame in enumerate(frames(samples, 8000)):
                if number == 5:
                    websocket.send(start)
                websocket.send(encode_samples(frame, Encoding.MULAW))
            websocket.send('{"event": "MEDIA_XOFF"}' if is_json else "MEDIA_XOFF")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(side, ("customer", "agent"), SOUND))
    assert alike(heard(ports.ended(call_id), Role.CUSTOMER), mulaw) >= 0.99


@pytest.mark.parametrize(
    ("path", "subprotocol", "first"),
    [
        ("freeswitch", "audio.drachtio.org", {"call_id": "fork", "sampleRate": 8000, "mixType": "stereo"}),
        ("freeswitch?channels=2&call_id=stream", None, None),
        (
            "jambonz", "audio.jambonz.org",
            {
                "callSid": "jambonz", "from": "13812345678", "to": "400", "direction": "inbound", "sampleRate": 8000,
                "mixType": "stereo", "customerData": {},
            },
        ),
    ],
    ids=["mod_audio_fork", "mod_audio_stream", "jambonz"],
)  # fmt: skip
def test_freeswitch_and_jambonz_with_the_caller_first(
    ports: Ports, linear: str, path: str, subprotocol: str | None, first: dict[str, Any] | None
) -> None:
    offered = [Subprotocol(subprotocol)] if subprotocol else None
    headers = {"Authorization": f"Bearer {ports.token}"}
    with connect(ports.url(path), additional_headers=headers, subprotocols=offered) as websocket:
        assert websocket.subprotocol == subprotocol
        if first is not None:
            websocket.send(json.dumps(first))
        for both in frames(SOUND, 8000):
            websocket.send(both.T.astype("<i2").tobytes())
    call_id = path.partition("call_id=")[2] or str((first or {}).get("call_id") or (first or {}).get("callSid"))
    call = ports.ended(call_id)
    assert alike(heard(call, Role.CUSTOMER), linear) >= 0.99
    assert call.customer_phone == (first or {}).get("from")


# --- FunASR -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FunasrSession:
    """A client as FunASR's protocol describes it, and what it was told."""

    told: Sequence[dict[str, Any]]

    @classmethod
    def talk(cls, ports: Ports, sound: Pcm, rate: int, mode: str, name: str) -> FunasrSession:
        """Send sound in frames of 60 ms until the server says that it has heard everything."""
        url = f"ws://127.0.0.1:{ports.server.ports['funasr']}"
        told: list[dict[str, Any]] = []
        with connect(url, subprotocols=[Subprotocol("binary")], ping_interval=None) as websocket:
            first = {
                "mode": mode, "chunk_size": [5, 10, 5], "chunk_interval": 10, "encoder_chunk_look_back": 4,
                "decoder_chunk_look_back": 0, "audio_fs": rate, "wav_name": name, "wav_format": "pcm",
                "is_speaking": True, "hotwords": "", "itn": True,
            }  # fmt: skip
            websocket.send(json.dumps(first))
            for samples in frames(sound, rate, 60):
                websocket.send(samples.astype("<i2").tobytes())
            websocket.send('{"is_speaking": false, "is_end": true}')
            while not told or not told[-1].get("is_end"):
                told.append(json.loads(websocket.recv(timeout=scaled(30))))
        return cls(told)

    def text(self, mode: str) -> str:
        """Join the texts of a mode, as clients do."""
        return "".join(message["text"] for message in self.told if message["mode"] == mode)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    folder = tmp_path_factory.mktemp("file")
    return {rate: said_in_file(folder, sound, rate) for rate, sound in CUSTOMER.items()}


@pytest.mark.parametrize("rate", [8000, 16_000])
@pytest.mark.parametrize("mode", ["offline", "online", "2pass"])
def test_a_client_of_funasr_is_told_the_text_of_the_file(
    ports: Ports, files: dict[int, str], mode: str, rate: int
) -> None:
    session = FunasrSession.talk(ports, CUSTOMER[rate], rate, mode, f"{mode}-{rate}")
    assert session.told[-1]["is_final"]
    assert {message["wav_name"] for message in session.told} == {f"{mode}-{rate}"}
    least = 0.9 if mode == "online" else 0.99  # what was told of an open sentence cannot be taken back
    assert alike(session.text("2pass-offline" if mode == "2pass" else mode), files[rate]) >= least


def test_two_clients_of_funasr_are_the_sides_of_one_call_and_each_is_told_its_own(
    ports: Ports, files: dict[int, str]
) -> None:
    sides = {"customer": SOUND[0], "agent": SOUND[1][: 3 * 8000]}  # the agent hangs up first
    with ThreadPoolExecutor(2) as pool:
        customer, agent = pool.map(
            lambda item: FunasrSession.talk(ports, item[1], 8000, "2pass", f"pair:{item[0]}"), sides.items()
        )
    assert alike(customer.text("2pass-offline"), files[8000]) >= 0.99
    call = ports.ended("pair")
    assert heard(call, Role.AGENT) == agent.text("2pass-offline")
    assert heard(call, Role.CUSTOMER) == customer.text("2pass-offline")


@pytest.mark.skipif(not CLIENT, reason="QAREPORT_FUNASR_CLIENT names no funasr_wss_client.py")
@pytest.mark.parametrize("rate", [8000, 16_000])
@pytest.mark.parametrize("mode", ["offline", "online", "2pass"])
def test_funasrs_own_client_gets_the_text_of_the_file(
    ports: Ports, files: dict[int, str], tmp_path: Path, mode: str, rate: int
) -> None:
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(CUSTOMER[rate].astype("<i2").tobytes())
    (tmp_path / "a.scp").write_text(f"own-{mode}-{rate} {tmp_path / 'a.wav'}\n", "utf-8")
    port = str(ports.server.ports["funasr"])
    command = [sys.executable, CLIENT, "--host", "127.0.0.1", "--port", port, "--ssl", "0", "--mode", mode]
    command += ["--audio_in", str(tmp_path / "a.scp"), "--output_dir", str(tmp_path / "out")]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=scaled(60), check=False)
    assert ran.returncode == 0, ran.stderr
    assert "Exception" not in ran.stdout
    rows = (tmp_path / "asr_logs/meeting_0_0/events.jsonl").read_text("utf-8").splitlines()
    told = FunasrSession([json.loads(row) for row in rows])
    least = 0.9 if mode == "online" else 0.99
    assert alike(told.text("2pass-offline" if mode == "2pass" else mode), files[rate]) >= least
