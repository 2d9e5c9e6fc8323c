"""Faults are answered as everything is; requests that are too many or too large are refused."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import pytest

from qareport.errors import StoreError
from qareport.model import UserRole
from qareport.web import access
from tests.support.desk import OpenDesk, all_routes


@pytest.mark.parametrize("path", ["/calls", "/api/v1/me"])
def test_a_fault_has_a_number_that_the_log_knows_and_carries_the_policy(
    opened: OpenDesk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no such luck")

    client = opened.enter(UserRole.ADMIN)
    monkeypatch.setattr(access.Access, "__init__", fail)
    with caplog.at_level(logging.ERROR, logger="qareport.web.errors"):
        answer = client.get(path)
    assert answer.status_code == 500
    number = re.search(r"(?<=编号 )[0-9a-f]{8}", answer.text)
    assert number is not None
    assert number.group() in caplog.text
    assert "no such luck" not in answer.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/calls", "/login", "/api/v1/me"])
def test_a_store_that_cannot_be_read_is_told_in_plain_words_with_a_number_that_the_log_knows(
    opened: OpenDesk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StoreError("disk I/O error", where="sqlite:////srv/q.db")

    client = opened.enter(UserRole.SUPERVISOR)
    monkeypatch.setattr(type(opened.desk.store.sessions), "find", fail)  # who is asking is read first of all
    with caplog.at_level(logging.ERROR, logger="qareport.web.errors"):
        answer = client.get(path)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    number = re.search(r"编号是([0-9a-f]{8})", answer.text)
    assert number is not None
    assert f"{number.group(1)} at GET {path}: sqlite:////srv/q.db: disk I/O error" in caplog.text
    assert "/srv/" not in answer.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_a_full_disk_is_told_as_such(opened: OpenDesk) -> None:
    admin = opened.enter(UserRole.ADMIN)
    with opened.desk.store.database.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    agents = [f"{number:0200}" for number in range(4000)]
    answers = [admin.post("/api/v1/teams", json={"team_id": f"t{number}", "agents": agents}) for number in range(3)]
    assert (507, "store_full") in [(answer.status_code, answer.json().get("code")) for answer in answers]


def test_a_program_that_asks_too_often_is_told_when_to_come_again(
    opened: OpenDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = opened.enter(UserRole.ADMIN)
    monkeypatch.setattr("time.time", lambda: 1_800_000_000.0)
    answers = [client.get("/api/v1/me") for _ in range(52)]
    assert [answer.status_code for answer in answers] == [200] * 50 + [429] * 2
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 10
    assert answers[-1].json()["code"] == "rate_limited"
    other = opened.enter(UserRole.ANALYST)
    assert other.get("/api/v1/me").status_code == 200


@pytest.mark.parametrize("path", ["/account/language", "/api/v1/users"])
def test_a_body_of_more_than_a_mebibyte_is_refused(opened: OpenDesk, path: str) -> None:
    client = opened.enter(UserRole.ADMIN)
    assert client.post(path, content=b"x" * ((1 << 20) + 1)).status_code == 413


def test_a_body_that_does_not_say_its_length_is_counted(opened: OpenDesk) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(20):
            yield b"x" * 100_000

    answer = opened.enter(UserRole.ADMIN).post("/api/v1/users", content=pieces())
    assert answer.status_code == 413
    assert answer.json()["code"] == "too_large"


def test_a_recording_may_be_larger_than_other_bodies(opened: OpenDesk) -> None:
    client = opened.enter(UserRole.ADMIN)
    url = client.post("/api/v1/uploads", json={"file_name": "a.wav"}).json()["put_url"]
    assert client.put(url, content=b"x" * (3 << 20)).status_code == 202


def test_a_number_that_no_row_can_have_is_no_fault(opened: OpenDesk) -> None:
    client, huge = opened.enter(UserRole.ADMIN), 10**20
    faults = []
    for route in all_routes(opened.app.routes):
        if not re.search(r"/\{\w+_id\}", route.path):
            continue
        path = re.sub(r"\{[^}]*\}", str(huge), route.path)
        for method in route.methods - {"HEAD"}:
            answer = client.request(method, f"{path}?confirm={huge}", json={} if method != "GET" else None)
            opened.clock.move(minutes=1)
            faults += [f"{method} {route.path}: {answer.status_code}"] if answer.status_code >= 500 else []
    lists = ("/audit?before=", "/exports?after=", "/appeals?after=", "/qa?at=")
    faults += [path for path in lists if client.get(f"{path}{huge}").status_code >= 500]
    assert not faults
    stale = client.patch("/api/v1/webhooks/1", json={"on": True}, headers={"if-match": f'"{huge}"'})
    assert stale.status_code == 422
