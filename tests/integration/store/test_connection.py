"""URLs of stores: odd ones are refused in plain words and without their passwords, odd paths name the file they say."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy

from qareport import messages
from qareport.cli import main
from qareport.errors import StoreError
from qareport.store import Store
from qareport.store.connection import map_errors
from qareport.workflows.workspace import Workspace
from tests.support.store_samples import make_call, put_result


@pytest.mark.parametrize(
    "url",
    [
        ":abc/db",
        "[::1",
        "",
        "qareport.db",
        "postgresql://u:geheim@[::1",
        "postgresql://u:geheim@h:abc/db",
        "mysql://u:geheim@h/db",
        "http://h/db?password=geheim",
        "sqlite:",
        "sqlite:/s.db",
        "sqlite:s.db",
        "sqlite://s.db",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite+aiosqlite:///s.db",
    ],
)
def test_what_is_no_url_of_a_store_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(StoreError, match="not a store URL") as raised:
        Store(url)
    assert "geheim" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:geheim@127.0.0.1:9/d",
        "postgresql://127.0.0.1:9/d?password=geheim",
        "postgresql://u:geheim@127.0.0.1:9/d?nonsense=1",
    ],
)
def test_a_server_that_does_not_answer_is_named_without_the_password(url: str) -> None:
    with pytest.raises(StoreError, match=r"127\.0\.0\.1") as raised:
        Store(url)
    assert "geheim" not in str(raised.value)


def test_a_server_that_is_not_there_is_told_in_no_words_of_the_driver() -> None:
    with pytest.raises(StoreError) as raised:
        Store("postgresql://127.0.0.1:9/d")
    assert "source_address" not in str(raised.value)
    assert "and port 9; check that the server runs" in str(raised.value)


@pytest.mark.parametrize(("path", "says"), [("", "is a folder; name a file in it"), ("f/x.db", "f is a file, not a")])
def test_a_folder_and_a_file_in_the_wrong_place_are_named(tmp_path: Path, path: str, says: str) -> None:
    (tmp_path / "f").touch()
    with pytest.raises(StoreError, match=says):
        Store(f"sqlite:///{tmp_path / path}")


@pytest.mark.parametrize("name", ["库 1.db", "a%20b.db", "a?x=1.db", "a#1.db", "a'b\"c.db", "a:b@c.db"])
def test_a_path_with_odd_characters_opens_the_file_of_that_name(tmp_path: Path, name: str) -> None:
    url = f"sqlite:///{tmp_path / name}"
    with Store(url) as store:
        put_result(store, make_call("a"))
        assert name in store.url
        store.maintenance.backup(tmp_path / "copy.db")
        with store.lock():
            pass
    assert {path.name for path in tmp_path.iterdir()} >= {name, "copy.db"}
    with Store(url, make=False) as store:
        assert [name for name, _ in store.calls.list_starts_by_order(["o1"]).items()] == ["o1"]


def test_the_url_may_come_from_the_environment_or_from_a_private_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    with Store(url) as store:
        put_result(store, make_call("a"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QAREPORT_STORE", url)
    assert main(["store", "check"]) == 0
    assert Workspace.open(store="sqlite:///other.db").store_url == "sqlite:///other.db"
    monkeypatch.delenv("QAREPORT_STORE")
    secret = tmp_path / "store-url"
    secret.write_text(url + "\n")
    secret.chmod(0o600)
    monkeypatch.setenv("QAREPORT_STORE_FILE", str(secret))
    assert main(["store", "check"]) == 0
    os.chmod(secret, 0o644)
    assert main(["store", "check"]) == 2
    assert "others may read it" in capsys.readouterr().err


def test_what_sqlite_says_is_said_in_the_language_of_who_reads_it() -> None:
    read_only = sqlite3.OperationalError("attempt to write a readonly database")
    with messages.speaking("zh"), pytest.raises(StoreError) as raised, map_errors("s.db"):
        raise sqlalchemy.exc.OperationalError("UPDATE", {}, read_only)
    with messages.speaking("zh"):
        assert str(raised.value) == "s.db: 库是只读的，写不进去；请允许当前用户写这个文件和它的文件夹"
