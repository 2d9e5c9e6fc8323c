"""Logging in with an account of the organisation, at a provider of OpenID Connect that runs beside the desk."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from qareport.errors import ConfigError
from qareport.model import UserRole
from qareport.settings import OidcSettings, default_dir, load
from qareport.web import Desk
from tests.support.desk import PASSWORD, OpenDesk, open_desk
from tests.support.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, oidc_provider

ADDRESS = "http://127.0.0.1:8710"
LI = {"sub": "7", "preferred_username": "li.si", "name": "李四", "groups": ["客服主管", "red-leads"]}


@pytest.fixture
def provider() -> Iterator[Provider]:
    with oidc_provider(f"{ADDRESS}/login/oidc/callback") as running:
        running.claims = dict(LI)
        yield running


@pytest.fixture
def opened(tmp_path: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenDesk]:
    """A desk whose people may log in at the provider."""
    monkeypatch.setenv("OIDC_SECRET", CLIENT_SECRET)
    with open_desk(tmp_path, config=configured(tmp_path / "config", provider)) as desk:
        desk.clock.now = datetime.now(UTC)
        yield desk


def configured(folder: Path, provider: Provider, public_url: str = ADDRESS) -> Path:
    shutil.copytree(default_dir("config"), folder)
    path = folder / "qareport.yaml"
    before, own, after = re.split(r"(?ms)^(desk:.*?)(?=^# 复核)", path.read_text("utf-8"))
    for old, new in {
        'public_url: ""': f"public_url: {public_url}",
        'issuer: ""': f"issuer: {provider.address}",
        'client_id: ""': f"client_id: {CLIENT_ID}",
        'client_secret: ""': "client_secret: env:OIDC_SECRET",
        "roles: {}": "roles: {质检部: analyst, 客服主管: supervisor, 管理: admin}",
        "teams: {}": "teams: {red-leads: red, blue-leads: blue}",
        'agent_claim: ""': "agent_claim: employee.number",
    }.items():
        assert own.count(old) == 1, old
        own = own.replace(old, new)
    path.write_text(before + own + after, "utf-8")
    return folder


def begin(client: TestClient, next: str = "/calls") -> str:
    """Follow the button of the log-in page; return where the browser is sent."""
    answer = client.get("/login/oidc", params={"next": next})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def come_back(client: TestClient, answer: dict[str, str]) -> Response:
    headers = {"sec-fetch-site": "cross-site"}  # the provider sends the browser
    return client.get("/login/oidc/callback", params=answer, headers=headers)


def log_in(opened: OpenDesk, provider: Provider, client: TestClient | None = None) -> Response:
    client = client or opened.browser()
    return come_back(client, provider.log_in(begin(client)))


def audited(opened: OpenDesk) -> list[tuple[str, str, str]]:
    return [(line.action, line.actor, line.outcome) for line in opened.desk.store.audit.list(limit=5)]


def test_whoever_logs_in_first_becomes_a_user_with_the_role_and_the_teams_of_the_groups(
    opened: OpenDesk, provider: Provider
) -> None:
    provider.claims = LI | {"employee": {"number": "A2"}}
    client = opened.browser()
    assert "用单位账号登录" in client.get("/login").text
    answer = log_in(opened, provider, client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/calls")
    assert client.get("/calls").status_code == 200

    user = opened.desk.store.users.find("li.si")
    assert user is not None
    assert (user.display, user.role, user.teams, user.agent_id) == ("李四", UserRole.SUPERVISOR, ("red",), "A2")
    assert audited(opened) == [("login", "li.si", "done"), ("users.add", "li.si", "done")]
    assert (provider.asked["scope"], provider.asked["code_challenge_method"]) == ("openid profile email", "S256")


def test_the_second_time_they_are_the_same_user_and_follow_their_groups(opened: OpenDesk, provider: Provider) -> None:
    first = opened.browser()
    log_in(opened, provider, first)
    provider.claims = LI | {"preferred_username": "li.si.new", "groups": ["质检部", "客服主管", "blue-leads"]}
    assert log_in(opened, provider).status_code == 303
    user = opened.desk.store.users.find("li.si")
    assert user is not None
    assert (user.role, user.teams) == (UserRole.ANALYST, ("blue",))
    assert opened.desk.store.users.find("li.si.new") is None
    assert first.get("/calls").status_code == 303, "a new role ends the sessions that had the old one"
    assert ("users.change", "li.si", "done") in audited(opened)


def test_who_is_in_no_group_is_told_so_and_is_out_of_the_sessions_that_they_had(
    opened: OpenDesk, provider: Provider
) -> None:
    before = opened.browser()
    log_in(opened, provider, before)
    provider.claims = LI | {"groups": ["食堂"]}
    answer = log_in(opened, provider)
    assert answer.status_code == 403
    assert "li.si" in answer.text
    assert 'action="/login"' in answer.text, "a local account works from this page on"
    assert before.get("/calls").status_code == 303
    assert audited(opened)[0] == ("login", "", "refused")


def test_a_local_account_of_the_same_name_is_not_taken_over_and_still_works(
    opened: OpenDesk, provider: Provider
) -> None:
    provider.claims = LI | {"preferred_username": "admin"}
    client = opened.browser()
    assert log_in(opened, provider, client).status_code == 303
    assert client.get("/settings/users").status_code == 403
    assert opened.desk.store.users.find("admin@127.0.0.1") is not None
    assert opened.login(UserRole.ADMIN).get("/settings/users").status_code == 200


def test_a_disabled_user_is_not_let_in_by_the_provider(opened: OpenDesk, provider: Provider) -> None:
    log_in(opened, provider)
    user = opened.desk.store.users.find("li.si")
    assert user is not None
    opened.desk.store.users.change(user.user_id, disabled_at=opened.clock.now)
    assert log_in(opened, provider).status_code == 403


def test_groups_that_stand_beside_the_token_count(opened: OpenDesk, provider: Provider) -> None:
    provider.claims = {"sub": "8", "email": "wang@example.com"}
    provider.further = {"groups": ["质检部"]}
    assert log_in(opened, provider).status_code == 303
    user = opened.desk.store.users.find("wang@example.com")
    assert user is not None
    assert user.role is UserRole.ANALYST


def test_what_is_said_beside_the_token_of_somebody_else_counts_for_nothing(
    opened: OpenDesk, provider: Provider
) -> None:
    provider.claims = {"sub": "8", "preferred_username": "wang"}
    provider.further = {"groups": ["管理"], "sub": "9"}
    assert log_in(opened, provider).status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonce": "of another sign-in"},
        {"aud": "another-client"},
        {"aud": [CLIENT_ID, "another-client"]},
        {"iss": "https://evil.example"},
        {"exp": 1_000_000_000},
        {"sub": None},
        {"azp": "another-client"},
        {"at_hash": "of another token"},
    ],
)
def test_a_token_that_proves_nothing_lets_nobody_in(
    opened: OpenDesk, provider: Provider, wrong: dict[str, Any]
) -> None:
    provider.wrong = wrong
    client = opened.browser()
    assert log_in(opened, provider, client).status_code == 403
    assert client.get("/calls").status_code == 303
    assert opened.desk.store.users.find("li.si") is None


def test_a_token_of_a_foreign_key_lets_nobody_in(opened: OpenDesk, provider: Provider) -> None:
    provider.foreign_key = True
    assert log_in(opened, provider).status_code == 403


def test_a_new_key_of_the_provider_is_looked_up(opened: OpenDesk, provider: Provider) -> None:
    assert log_in(opened, provider).status_code == 303
    provider.key = type(provider.key).generate_key(2048, {"kid": "second", "use": "sig", "alg": "RS256"})
    assert log_in(opened, provider).status_code == 303


@pytest.mark.parametrize(("ahead_s", "status"), [(100, 303), (-390, 303), (300, 403), (-600, 403)])
def test_clocks_may_be_two_minutes_apart(opened: OpenDesk, provider: Provider, ahead_s: int, status: int) -> None:
    provider.ahead_s = ahead_s  # tokens are valid for five minutes
    assert log_in(opened, provider).status_code == status


def test_an_answer_to_another_browsers_sign_in_is_refused(opened: OpenDesk, provider: Provider) -> None:
    thief, victim = opened.browser(), opened.browser()
    answer = provider.log_in(begin(thief))
    assert come_back(victim, answer).status_code == 403, "a browser that began nothing"
    begin(victim)
    assert come_back(victim, answer).status_code == 403, "a browser that began another one"
    assert victim.get("/calls").status_code == 303


def test_an_answer_opens_the_desk_once(opened: OpenDesk, provider: Provider) -> None:
    client = opened.browser()
    answer = provider.log_in(begin(client))
    cookie = client.cookies["qareport-oidc"]
    assert come_back(client, answer).status_code == 303
    again = opened.browser()
    again.cookies.set("qareport-oidc", cookie)
    assert come_back(again, answer).status_code == 403


def test_a_sign_in_ends_after_ten_minutes_and_a_forged_one_is_none(opened: OpenDesk, provider: Provider) -> None:
    client = opened.browser()
    answer = provider.log_in(begin(client))
    cookie = client.cookies["qareport-oidc"]
    forger = opened.browser()
    forger.cookies.set("qareport-oidc", cookie[:-4] + "AAAA")
    assert come_back(forger, answer).status_code == 403
    late = opened.browser()
    late.cookies.set("qareport-oidc", cookie)
    opened.clock.move(minutes=11)
    assert come_back(late, answer).status_code == 403


def test_who_gives_up_at_the_provider_comes_back_to_a_page_that_says_so(opened: OpenDesk, provider: Provider) -> None:
    provider.claims = None
    answer = log_in(opened, provider)
    assert answer.status_code == 403
    assert "access_denied" in answer.text


def test_a_mixed_up_provider_is_refused(opened: OpenDesk, provider: Provider) -> None:
    client = opened.browser()
    answer = provider.log_in(begin(client)) | {"iss": "https://evil.example"}
    assert come_back(client, answer).status_code == 403


@pytest.mark.parametrize("next", ["//evil.example", "https://evil.example/", "/\\evil.example"])
def test_logging_in_leads_to_no_other_site(opened: OpenDesk, provider: Provider, next: str) -> None:
    client = opened.browser()
    assert come_back(client, provider.log_in(begin(client, next))).headers["location"] == "/"


def test_the_provider_is_told_the_address_of_the_settings_whatever_a_request_says(
    opened: OpenDesk, provider: Provider
) -> None:
    answer = opened.browser().get("/login/oidc", headers={"host": "evil.example"})
    (told,) = parse_qs(urlsplit(answer.headers["location"]).query)["redirect_uri"]
    assert told == f"{ADDRESS}/login/oidc/callback"


def test_a_provider_that_is_down_is_named_and_local_accounts_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OIDC_SECRET", CLIENT_SECRET)
    with oidc_provider(f"{ADDRESS}/login/oidc/callback") as gone:
        config = configured(tmp_path / "config", gone)
    with open_desk(tmp_path, config=config) as opened:
        client = opened.browser()
        answer = client.get("/login/oidc")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
        assert gone.address.removeprefix("http://") in answer.text
        assert client.post("/login", data={"name": "admin", "password": PASSWORD}).status_code == 303


def test_another_server_at_the_address_is_no_provider(opened: OpenDesk, provider: Provider) -> None:
    provider.address += "/other"
    assert opened.browser().get("/login/oidc").status_code == 503


def test_the_account_page_offers_no_password_to_who_has_none(opened: OpenDesk, provider: Provider) -> None:
    client = opened.browser()
    log_in(opened, provider, client)
    assert "密码在单位的登录系统里改" in client.get("/account").text
    assert 'name="current"' in opened.enter(UserRole.ADMIN).get("/account").text


def test_settings_that_let_nobody_in_are_refused_at_the_start_all_at_once(opened: OpenDesk) -> None:
    desk = opened.desk.workspace.settings.desk
    bare = replace(desk, public_url="http://qa.example.com", oidc=OidcSettings(issuer="https://sso.example.com"))
    opened.desk.workspace.__dict__["settings"] = replace(opened.desk.settings, desk=bare)
    with pytest.raises(ConfigError) as caught:
        Desk(opened.desk.workspace)
    places = [str(problem.where) for problem in caught.value.problems]
    assert places == ["desk.oidc.client_id", "desk.oidc.roles", "desk.public_url"]


def test_a_provider_that_others_could_listen_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "qareport.yaml").write_text("desk: {oidc: {issuer: 'http://sso.example.com'}}\n", "utf-8")
    with pytest.raises(ConfigError, match="https"):
        load(tmp_path)
