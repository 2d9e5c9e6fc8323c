"""`qareport users`, `token` and `audit`: what they change, what they say, and the lines that they leave in the log."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from sqlalchemy import text

from qareport.cli import main
from qareport.cli import serve as serve_command
from qareport.store import Store
from qareport.web import worker
from qareport.web.health import SignOfLife, read_sign_of_life

PASSWORD = "correct horse battery"  # noqa: S105 - of nobody
Run = Callable[..., int]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'q.db'}"


@pytest.fixture
def run(url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(click, "prompt", lambda *_, **__: PASSWORD)
    return lambda *words: main([*words, "--store", url])


def logged(url: str) -> list[tuple[str, str, str]]:
    with Store(url) as store:
        lines = reversed(store.audit.list(limit=100))
        return [(line.action, line.object, line.actor_kind) for line in lines]


def test_users_are_added_once_listed_and_disabled(run: Run, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("users", "add", "li.min", "--role", "supervisor", "--display", "李敏") == 0
    assert run("users", "add", "li.min", "--role", "admin") != 0
    assert "there is a user 'li.min' already" in capsys.readouterr().err
    assert run("users", "disable", "li.min") == 0
    assert run("users", "list") == 0
    assert capsys.readouterr().out == "li.min\tsupervisor\t李敏\t\tdisabled\n"
    assert run("users", "password", "li.min") == 0
    assert run("users", "password", "nobody") != 0
    actions = ("users.add", "users.disable", "users.password")
    assert logged(url) == [(action, "user:li.min", "command") for action in actions]


def test_a_user_without_a_line_in_the_log_is_not_added(run: Run, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(url).close()

    def fail(*_: Any) -> None:
        raise OSError("no such luck")

    monkeypatch.setattr("qareport.store.audit.append", fail)
    assert run("users", "add", "li.min", "--role", "admin") != 0
    with Store(url) as store:
        assert store.users.list() == ()


def test_tokens_are_shown_once_and_revoked(run: Run, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    run("users", "add", "li.min", "--role", "supervisor")
    capsys.readouterr()
    assert run("token", "add", "crm", "--user", "li.min", "--scope", "calls:read", "--days", "30") == 0
    secret = capsys.readouterr().out.strip()
    assert secret.startswith("qar_")
    assert len(secret) == 44
    assert run("token", "revoke", "7") != 0
    assert run("token", "revoke", "1") == 0
    capsys.readouterr()
    assert run("token", "list") == 0
    assert capsys.readouterr().out == "1\tcrm\tli.min\trevoked\tcalls:read\n"
    assert [action for action, *_ in logged(url)] == ["users.add", "tokens.add", "tokens.revoke"]


def test_the_log_is_exported_with_the_line_that_says_so_and_verified(
    run: Run, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run("users", "add", "li.min", "--role", "admin")
    capsys.readouterr()
    assert run("audit", "export") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["action"] for line in lines] == ["users.add", "audit.export"]
    assert run("audit", "verify") == 0
    with Store(url) as store, store.database.write() as session:
        session.execute(text("UPDATE audit SET actor = 'nobody' WHERE number = 1"))
    assert run("audit", "verify") == 1
    assert "line 1 of the audit log was changed" in capsys.readouterr().err


def test_a_worker_says_that_it_starts_before_it_reads_the_engine(
    run: Run, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Store(url).close()
    states: list[str] = []
    monkeypatch.setattr(worker, "run_worker", lambda *_, **__: states.append(read_sign_of_life(Path("desk")).state))
    assert run("serve", "--process", "worker", "--no-live") == 0
    SignOfLife(state="stopped").leave(Path("desk"))

    def note(names: object) -> int:
        states.append(read_sign_of_life(Path("desk")).state)
        return 0

    monkeypatch.setattr(serve_command, "_serve_processes", note)
    assert run("serve") == 0  # so does the parent, before the worker is there
    assert states == ["starting", "starting"]
