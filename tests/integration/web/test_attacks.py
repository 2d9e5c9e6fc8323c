"""Attacks on the desk, one list: each is refused as the design says, and leaves nothing behind."""

from __future__ import annotations

import csv
import io
import re
import socket
import time
import wave
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fastapi.routing import APIRoute

from qareport.audio.decode import decode
from qareport.errors import AudioError
from qareport.model import Call, DeliveryState, Emotion, Role, Segment, Transcript, TryOutcome, UserRole
from qareport.web import create_app, limiting
from qareport.workflows.judge import judge_calls
from qareport.workflows.transcribe import TranscribedCall
from tests.support.desk import NOW, PASSWORD, OpenDesk, all_routes, open_desk
from tests.support.live_board import put_alert, put_call
from tests.support.paths import ROOT
from tests.support.patience import scaled
from tests.support.rule_folder import RULES, make_config
from tests.support.serving import listening

API = "/api/v1"
SCRIPT = "<script>alert(1)</script>"
EVIL = f"{SCRIPT}\"'><img src=x onerror=alert(1)>"
#: Pages on which what people and callers wrote is shown.
PAGES = (
    "/", "/calls", "/calls?q=退货", f"/calls?q={EVIL}", "/calls/evil", "/upload", "/heat", "/review", "/appeals",
    "/rules", "/rules/returns.yaml", "/settings/users", "/settings/users/1", "/settings/teams", "/settings/tokens",
    "/audit", "/account", "/board", "/board/evil", "/board/alerts", "/settings/webhooks/1",
    "/reports", "/reports/day/2026-11-21", "/reports/day/2026-11-21/document", "/api",
)  # fmt: skip


@pytest.fixture
def with_rules(tmp_path: Path) -> Iterator[OpenDesk]:
    """A desk whose rules can be published."""
    with open_desk(tmp_path, config=make_config(tmp_path)) as desk:
        yield desk


def add_evil_call(opened: OpenDesk) -> None:
    """Add a call whose transcript, order and agent are attacks."""
    segments = (
        Segment(start_ms=0, end_ms=2000, role=Role.AGENT, text=f"您好{EVIL}", emotion=Emotion.NEUTRAL),
        Segment(start_ms=3000, end_ms=6000, role=Role.CUSTOMER, text=f"我要退货{EVIL}", emotion=Emotion.ANGRY),
    )
    call = Call(call_id="evil", audio_path="", order_id=f"o{EVIL}", agent_id=f"A{EVIL}", started_at=NOW.replace(day=21))
    transcript = Transcript(
        call_id="evil", order_id=call.order_id, agent_id=call.agent_id, started_at=call.started_at, segments=segments
    )
    workspace = opened.desk.workspace
    item = TranscribedCall(call=call, transcript=transcript, key="evil")
    _, failed = judge_calls([item], workspace.store, workspace.rule_book, on_progress=lambda *_: None)
    assert not failed


def test_nothing_that_is_stored_becomes_part_of_a_page(with_rules: OpenDesk) -> None:
    admin = with_rules.enter(UserRole.ADMIN)
    add_evil_call(with_rules)
    assert admin.post(f"{API}/users", json={"name": EVIL, "role": "agent", "display": EVIL}).status_code == 201
    assert admin.post(f"{API}/teams", json={"team_id": "evil", "name": EVIL, "agents": [EVIL]}).status_code == 201
    assert admin.post(f"{API}/tokens", json={"name": EVIL, "scopes": ["calls:read"]}).status_code == 201
    assert admin.post(f"{API}/uploads", json={"file_name": f"{EVIL}.wav"}).status_code == 201
    draft = {"text": RULES.replace("title: ", f"title: {SCRIPT}", 1)}
    assert admin.put(f"{API}/rules/drafts/returns.yaml", json=draft).status_code == 204
    hook = with_rules.desk.store.webhooks.add("crm", "https://crm.example.com/", at=NOW)
    with_rules.desk.store.webhooks.test(hook.webhook_id, {}, None, at=NOW)
    ((_, delivery),) = with_rules.desk.store.webhook_queue.take("test", at=NOW, lease=timedelta(seconds=1), most=1)
    answered = TryOutcome(state=DeliveryState.FAILED, status=400, reply=EVIL)
    with_rules.desk.store.webhook_queue.end(delivery.delivery_id, "test", answered, at=NOW)
    put_alert(with_rules, put_call(with_rules, "evil", f"A{EVIL}"), quote=EVIL)
    finding = next(iter(admin.get(f"{API}/calls/evil/findings").json()["findings"]), {"finding_id": "none"})
    verdict = {"verdict": "rejected", "comment": EVIL}
    admin.put(f"{API}/calls/evil/findings/{finding['finding_id']}/verdict", json=verdict)
    admin.patch(f"{API}/users/{with_rules.users[UserRole.ADMIN].user_id}", json={"display": EVIL})
    admin = with_rules.enter(UserRole.ADMIN)
    shown = 0
    for page in PAGES:
        answer = admin.get(page)
        assert answer.status_code in (200, 303, 422), page
        assert SCRIPT not in answer.text, page
        assert "<img src=x" not in answer.text, page
        assert "'unsafe-inline'" not in answer.headers["content-security-policy"].partition("style-src")[0], page
        shown += "alert(1)" in answer.text
    assert shown > 12  # it is shown: as text
    for path in ("/calls/evil", "/calls", "/users", "/uploads/1"):
        answer = admin.get(f"{API}{path}")
        assert answer.headers["content-type"].startswith("application/json")
        assert answer.headers["x-content-type-options"] == "nosniff"
    page = admin.get(f"{API}/calls/evil/documents/html")
    assert SCRIPT not in page.text


def test_no_request_of_another_site_does_anything(opened: OpenDesk) -> None:
    client = opened.enter(UserRole.ADMIN)
    client.headers.pop("sec-fetch-site")
    foreign = (
        {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.example"},
        {"origin": "null"}, {},
    )  # fmt: skip
    routes = all_routes(create_app(opened.desk).routes)
    let_in = [
        (method, route.path, headers)
        for route in routes
        for method in sorted((route.methods or set()) - {"GET", "HEAD"})
        for headers in foreign
        if client.request(method, _filled(route), headers=headers).status_code != 403
    ]
    assert let_in == []
    assert opened.desk.store.audit.list(limit=9) == ()


def _filled(route: APIRoute) -> str:
    return re.sub(r"{[^}]*}", "1", route.path)


def test_a_session_is_new_at_login_and_dies_with_the_role(opened: OpenDesk) -> None:
    victim = opened.browser()
    victim.cookies.set("qareport", "chosen-by-the-attacker")
    answer = victim.post("/login", data={"name": "agent", "password": PASSWORD})
    assert answer.status_code == 303
    assert answer.cookies["qareport"] != "chosen-by-the-attacker"
    attacker = opened.browser()
    attacker.cookies.set("qareport", "chosen-by-the-attacker")
    assert attacker.get(f"{API}/me").status_code == 401
    first = opened.enter(UserRole.AGENT)
    opened.enter(UserRole.ADMIN).patch(f"{API}/users/{opened.users[UserRole.AGENT].user_id}", json={"role": "analyst"})
    assert first.get(f"{API}/me").status_code == 401


#: Ways out of a folder.
UP = (
    "../../secret", "..%2f..%2fsecret", "%2e%2e/%2e%2e/secret", "..\\..\\secret", "/etc/passwd", "%00", "....//secret",
)  # fmt: skip


def test_no_name_leads_out_of_a_folder(with_rules: OpenDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limiting.RequestLimits, "wait_s", lambda *_: 0)
    for name in ("secret", "secret.yaml"):
        (tmp_path / name).write_text("SECRET")
    admin, let_in = with_rules.enter(UserRole.ADMIN), []
    before = _files(tmp_path)
    for way in UP:
        for path in (f"/static/{way}", f"/calls/{way}", f"{API}/calls/{way}/audio", f"{API}/rules/files/{way}.yaml",
                     f"{API}/calls/c1/documents/{way}", f"{API}/digests/day/{way}", f"/rules/{way}.yaml"):  # fmt: skip
            answer = admin.get(path)
            if answer.status_code not in (404, 422) or "SECRET" in answer.text:
                let_in.append(path)
        body = {"text": RULES, "reason": "x"}
        assert admin.put(f"{API}/rules/files/{way}.yaml", json=body).status_code in (404, 422)
        added = admin.post(f"{API}/uploads", json={"file_name": f"{way}.wav", "call_id": way})
        assert added.status_code == 201
        assert admin.put(added.json()["put_url"], content=b"RIFF").status_code == 202
    assert let_in == []
    assert _files(tmp_path) == before  # recordings are named by their hash


def _files(folder: Path) -> set[str]:
    """Name the files below a folder that no desk writes by itself."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.name for path in paths if path.parent.name != "uploads" and not path.name.startswith("q.db")}


def test_no_cursor_is_taken_that_the_list_did_not_write(opened: OpenDesk, tmp_path: Path) -> None:
    admin = opened.enter(UserRole.ADMIN)
    written = admin.get(f"{API}/calls?limit=1").json()["next"]
    assert admin.get(f"{API}/calls", params={"after": written}).status_code == 200
    turned = written[:-2] + ("A" if written[-2] != "A" else "B") + written[-1]
    other = tmp_path / "other"
    other.mkdir()
    with open_desk(other) as stranger:
        foreign = stranger.enter(UserRole.ADMIN).get(f"{API}/calls?limit=1").json()["next"]
    for forged in (turned, foreign, written[4:], "3~2026", "é", "' OR 1=1 --", "A" * 200):
        for path in (f"{API}/calls", "/calls"):
            assert admin.get(path, params={"after": forged}).status_code == 422, forged
    assert admin.get(f"{API}/calls", params={"after": written, "sort": "score"}).status_code == 422
    assert admin.get(f"{API}/audit", params={"after": written}).status_code == 422


def test_no_cell_of_an_export_is_a_formula(opened: OpenDesk) -> None:
    starts = ("=", "+", "-", "@")
    for start in starts:
        opened.browser().post("/login", data={"name": f"{start}HYPERLINK(1)", "password": "x"})
    admin = opened.enter(UserRole.ADMIN)
    for start in (*starts, "\t=", "\r="):
        new = {"file_name": f"{start}HYPERLINK(1)", "call_id": f"{start}1"}
        assert admin.post(f"{API}/uploads", json=new).is_success
    exported = opened.enter(UserRole.AUDITOR).get("/audit/export?format=csv").text
    cells = [cell for row in csv.reader(io.StringIO(exported.removeprefix("\ufeff"))) for cell in row]
    assert sum("HYPERLINK" in cell for cell in cells) >= 6
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


#: Rules that would run for hours: a key, and its text.
ENDLESS = (
    ("regex", '"(a+)+$"'),
    ("regex", '"(.*a){25}b"'),
    ("advice", '\'{% for i in "a" * 9999 %}{% for j in "a" * 9999 %}{% endfor %}{% endfor %}好\''),
    ("advice", "'{{ 9 ** 9 ** 9 }}'"),
    ("advice", "'{{ quote.__class__.__mro__ }}'"),
)


def test_no_rule_runs_long(with_rules: OpenDesk) -> None:
    admin = with_rules.enter(UserRole.ADMIN)
    for key, text in ENDLESS:
        rules = re.sub(r"advice: .*", f"advice: {text}", RULES, count=1)
        if key == "regex":
            rules = re.sub(r"( +)(says|any): ?\[.*", rf"\1regex: {text}", RULES, count=1)
        assert rules != RULES
        began = time.process_time()
        answer = admin.post(f"{API}/rules/lint", json={"files": {"returns.yaml": rules}})
        assert time.process_time() - began < 5, text
        assert [problem for problem in answer.json()["problems"] if problem["severity"] == "error"], text


# --- on the wire ------------------------------------------------------------------------------------------------------


@pytest.fixture
def wire(opened: OpenDesk) -> Iterator[tuple[str, int, str]]:
    """A desk on loopback: host, port and the cookie of an administrator."""
    cookie = opened.enter(UserRole.ADMIN).cookies["qareport"]
    with listening(opened.app) as address:
        split = urlsplit(address)
        yield split.hostname or "", split.port or 0, cookie


def send(wire: tuple[str, int, str], line: str, *headers: str, body: bytes = b"", wait_s: float = 10) -> str:
    """Send the beginning of a request, and return what is answered to it."""
    host, port, cookie = wire
    with socket.create_connection((host, port), timeout=scaled(wait_s)) as connection:
        lines = (
            line,
            f"Host: {host}:{port}",
            f"Cookie: qareport={cookie}",
            "Sec-Fetch-Site: same-origin",
            *headers,
            "",
            "",
        )
        connection.sendall("\r\n".join(lines).encode() + body)
        return connection.recv(65536).decode("utf-8", "replace")


@pytest.mark.parametrize("line", ["POST /api/v1/users HTTP/1.1", "POST /upload HTTP/1.1"])
def test_a_lie_about_ten_gigabytes_is_refused_at_once(wire: tuple[str, int, str], line: str) -> None:
    length = 10_000_000_000 if "users" in line else 100_000_000_000
    assert " 413 " in send(wire, line, f"Content-Length: {length}", "Content-Type: application/json")


def test_a_recording_that_says_that_it_is_too_large_is_refused_at_once(
    wire: tuple[str, int, str], opened: OpenDesk
) -> None:
    url = opened.enter(UserRole.ADMIN).post(f"{API}/uploads", json={"file_name": "a.wav"}).json()["put_url"]
    assert " 413 " in send(wire, f"PUT {url} HTTP/1.1", "Content-Length: 10000000000")


@pytest.mark.parametrize("path", ["/api/v1/users", "/login"])
def test_a_body_that_does_not_come_is_not_waited_for(
    wire: tuple[str, int, str], monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(limiting, "SLOWEST_S", 0.3)
    kind = "application/json" if "api" in path else "application/x-www-form-urlencoded"
    answer = send(wire, f"POST {path} HTTP/1.1", "Content-Length: 100", f"Content-Type: {kind}", body=b"{")
    assert " 408 " in answer


def bombs(folder: Path) -> Iterator[Path]:
    """Write files that say more than they hold, or hold more than they say."""
    lie = folder / "lie.wav"
    with wave.open(str(lie), "wb") as file:
        file.setparams((2, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"\0" * 400)
    content = bytearray(lie.read_bytes())
    content[40:44] = (0xFFFFFFF0).to_bytes(4, "little")
    lie.write_bytes(content[:44])
    yield lie
    zipped = folder / "zip.wav"
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("zeros", bytes(20_000_000))
    yield zipped
    (folder / "page.ogg").write_bytes(b"OggS" + bytes(10_000) + b"\xff" * 10_000)
    yield folder / "page.ogg"
    (folder / "box.mp4").write_bytes((0xFFFFFFFF).to_bytes(4) + b"ftypisom" + b"\0" * 1000)
    yield folder / "box.mp4"


def test_no_recording_takes_more_than_its_time(tmp_path: Path) -> None:
    for path in bombs(tmp_path):
        began = time.process_time()
        with pytest.raises(AudioError):
            decode(path, max_duration_ms=3_600_000)
        assert time.process_time() - began < 5, path.name


#: What would let words of calls and people run: text that is not escaped, handlers in attributes, code in addresses.
UNSAFE = r"\|\s*safe\b|autoescape\s+false|\son[a-z]+\s*=|javascript:|hx-on|hx-live|hx-trigger|\bjs:"


def test_no_page_prints_words_as_they_are_and_none_holds_code() -> None:
    templates = sorted((ROOT / "qareport" / "web" / "templates").glob("*.j2"))
    assert len(templates) > 40
    for template in templates:
        page = template.read_text("utf-8")
        assert re.findall(UNSAFE, page) == [], template.name
        for script in re.findall(r"<script[^>]*>", page):
            assert "src=" in script or 'type="application/json"' in script, template.name
    for script in sorted((ROOT / "frontend" / "src").glob("*.js")):
        assert (
            re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|\beval\(|new Function", script.read_text("utf-8")) == []
        )
