"""Logging in and out, the first start, sessions that end, and requests that other sites forge."""

from __future__ import annotations

import hashlib
import re

import pytest
from starlette.datastructures import Headers

from qareport.model import UserRole
from qareport.web.middleware import forged
from tests.support.desk import PASSWORD, OpenDesk


def test_the_first_start_makes_an_administrator_once(opened: OpenDesk) -> None:
    ticket = opened.desk.make_ticket()
    client = opened.browser()
    assert client.get("/setup", params={"ticket": ticket}).status_code == 200
    form = {"ticket": ticket, "name": "boss", "password": PASSWORD, "again": PASSWORD}
    answer = client.post("/setup", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert client.get("/calls").status_code == 200
    assert client.post("/setup", data=form | {"name": "second"}).status_code == 410


def test_a_ticket_ends_after_fifteen_minutes(opened: OpenDesk) -> None:
    ticket = opened.desk.make_ticket()
    opened.clock.move(minutes=16)
    assert opened.browser().get("/setup", params={"ticket": ticket}).status_code == 410


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": " "}, "缺少用户名"),
        ({"again": "another one"}, "两次输入的密码不一样"),
        ({"password": "short", "again": "short"}, "10"),
    ],
)
def test_a_wrong_set_up_says_what_is_wrong_and_keeps_the_ticket(
    opened: OpenDesk, changed: dict[str, str], said: str
) -> None:
    ticket = opened.desk.make_ticket()
    form = {"ticket": ticket, "name": "boss", "password": PASSWORD, "again": PASSWORD} | changed
    answer = opened.browser().post("/setup", data=form)
    assert answer.status_code == 422
    assert said in answer.text
    assert opened.desk.is_ticket(ticket)


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(opened: OpenDesk) -> None:
    client = opened.browser()
    wrong = client.post("/login", data={"name": "admin", "password": "no such one"})
    unknown = client.post("/login", data={"name": "admim", "password": "no such one"})
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.text.replace('value="admin"', "") == unknown.text.replace('value="admim"', "")


def test_five_wrong_passwords_stop_a_name_for_a_while_and_nobody_else(opened: OpenDesk) -> None:
    client = opened.browser()
    statuses = [client.post("/login", data={"name": "admin", "password": "no"}).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    refused = client.post("/login", data={"name": "admin", "password": PASSWORD})
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 1800
    assert client.post("/login", data={"name": "analyst", "password": PASSWORD}).status_code == 303


def test_a_login_gets_a_new_session_and_the_old_one_ends(opened: OpenDesk) -> None:
    client = opened.login(UserRole.ADMIN)
    first = client.cookies["qareport"]
    client.post("/login", data={"name": "admin", "password": PASSWORD})
    assert client.cookies["qareport"] != first
    thief = opened.browser()
    thief.cookies.set("qareport", first)
    assert thief.get("/calls").status_code == 303


def test_logging_out_ends_the_session_at_the_server(opened: OpenDesk) -> None:
    client = opened.login(UserRole.ADMIN)
    kept = client.cookies["qareport"]
    assert client.post("/logout").status_code == 303
    client.cookies.set("qareport", kept)
    assert client.get("/calls").status_code == 303


@pytest.mark.parametrize("idle", [{"hours": 13}, {"minutes": 121}])
def test_a_session_ends_by_itself(opened: OpenDesk, idle: dict[str, float]) -> None:
    client = opened.login(UserRole.ADMIN)
    opened.clock.move(**idle)
    assert client.get("/calls").status_code == 303


def test_a_disabled_user_is_out_at_once(opened: OpenDesk) -> None:
    client = opened.login(UserRole.ANALYST)
    opened.desk.store.users.change(opened.users[UserRole.ANALYST].user_id, disabled_at=opened.clock.now)
    assert client.get("/calls").status_code == 303
    assert opened.browser().post("/login", data={"name": "analyst", "password": PASSWORD}).status_code == 401


@pytest.mark.parametrize(
    ("user_agent", "named"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142.0.0.0 Safari/537.36", "Chrome · Windows"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0", "Edge · Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Safari/604.1", "Safari · iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/130.0 Safari/537.36 MicroMessenger/8.0.56", "微信 · Android"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox · Linux"),
        ("curl/8.5.0", "别的程序"),
    ],
)
def test_logins_name_the_browser_and_the_system(opened: OpenDesk, user_agent: str, named: str) -> None:
    client = opened.browser()
    form = {"name": "analyst", "password": PASSWORD}
    client.post("/login", data=form, headers={"user-agent": user_agent})
    assert f"<small>{named}</small>" in client.get("/account").text


def test_a_changed_password_ends_the_other_sessions(opened: OpenDesk) -> None:
    here, there = opened.login(UserRole.ADMIN), opened.login(UserRole.ADMIN)
    form = {"current": PASSWORD, "password": "another good one", "again": "another good one"}
    assert here.post("/account/password", data=form).status_code == 303
    assert (here.get("/account").status_code, there.get("/account").status_code) == (200, 303)


@pytest.mark.parametrize("next", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"])
def test_the_log_in_leads_to_no_other_site(opened: OpenDesk, next: str) -> None:
    form = {"name": "admin", "password": PASSWORD, "next": next}
    assert opened.browser().post("/login", data=form).headers["location"] == "/"


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "", "origin": "https://evil.example"},
        {"sec-fetch-site": "", "origin": "null"},
    ],
)
def test_a_request_of_another_site_changes_nothing(opened: OpenDesk, headers: dict[str, str]) -> None:
    client = opened.login(UserRole.ADMIN)
    assert client.post("/account/sessions/end", headers=headers).status_code == 403
    assert client.get("/account").status_code == 200


@pytest.mark.parametrize(
    ("origin", "is_forged"),
    [
        ("https://qa.example.com", False), ("https://qa.example.com:443", False), ("http://qa.example.com", True),
        ("https://qa.example.com:8443", True), ("https://evil.example", True), ("https://qa.example.com:x", True),
    ],
)  # fmt: skip
def test_without_a_word_of_the_browser_the_origin_is_that_of_the_public_address(origin: str, is_forged: bool) -> None:
    headers = Headers({"cookie": "qareport=x", "origin": origin, "host": "127.0.0.1:8710"})
    assert forged("POST", headers, "https://qa.example.com/") is is_forged


def test_answers_carry_a_policy_that_runs_no_foreign_script(opened: OpenDesk) -> None:
    headers = opened.login(UserRole.ADMIN).get("/calls").headers
    policy = re.sub(r"'nonce-[\w-]{22}'", "'nonce-N'", headers["content-security-policy"])
    assert policy == (
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-N'; img-src 'self' data:; "
        "media-src 'self' blob:; connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-src 'self'; frame-ancestors 'none'"
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_scripts_are_kept_by_browsers_under_the_hash_of_what_is_in_them(opened: OpenDesk) -> None:
    client = opened.enter(UserRole.ADMIN)
    pages = "".join(client.get(path).text for path in ("/calls", "/board", "/upload", "/review"))
    addresses = {*re.findall(r'(?:src|href)="(/static/[^"]*)"', pages)}
    assert {address.partition("?")[0].rpartition("/")[2] for address in addresses} >= {
        "desk.css",
        "board.js",
        "upload.js",
    }
    for address in addresses:
        kept = client.get(address)
        assert (kept.status_code, kept.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
        digest = hashlib.sha256(kept.content).hexdigest()
        assert address.endswith(f"?v={digest[:12]}")
    for other in ("/static/desk.css", "/static/desk.css?v=0", "/static/nothing.js?v=0"):
        assert client.get(other).headers["cache-control"] == "no-cache"


def test_pages_speak_the_language_of_the_browser_until_the_person_chooses(opened: OpenDesk) -> None:
    client = opened.login(UserRole.ADMIN)
    assert "<h1>通话</h1>" in client.get("/calls").text
    assert "<h1>Calls</h1>" in client.get("/calls", headers={"accept-language": "en-GB"}).text
    client.post("/account/language", data={"language": "en"})
    assert "<h1>Calls</h1>" in client.get("/calls").text


def test_what_is_done_at_the_door_stands_in_the_audit_log(opened: OpenDesk) -> None:
    client = opened.login(UserRole.ADMIN)
    client.post("/logout")
    opened.browser().post("/login", data={"name": "nobody", "password": "x"})
    lines = [(entry.action, entry.actor, entry.outcome) for entry in opened.desk.store.audit.list()]
    assert lines == [("login", "nobody", "refused"), ("logout", "admin", "done"), ("login", "admin", "done")]


def test_who_was_logged_out_comes_back_to_the_page_with_its_choices(opened: OpenDesk) -> None:
    client = opened.enter(UserRole.SUPERVISOR)
    opened.clock.move(hours=13)
    sent_on = client.get("/calls?q=退货&sort=score")
    page = client.get(sent_on.headers["location"]).text
    assert "登录已经过期" in page
    assert 'name="next" value="/calls?q=%E9%80%80%E8%B4%A7&amp;sort=score"' in page


def test_what_was_sent_after_the_session_ended_is_said_to_be_lost(opened: OpenDesk) -> None:
    client = opened.enter(UserRole.SUPERVISOR)
    opened.clock.move(hours=13)
    came_from = {"referer": "http://127.0.0.1:8710/review?day=2026-11-21"}
    sent_on = client.post("/calls/c1/findings/x@1/verdict", data={"verdict": "rejected"}, headers=came_from)
    page = client.get(sent_on.headers["location"]).text
    assert "没有存下来" in page
    assert 'name="next" value="/review?day=2026-11-21"' in page
    foreign = client.post("/upload", headers={"referer": "https://evil.example/calls"})
    assert foreign.headers["location"] == "/login?next=/&lost=1"
