"""Copies of stores between databases: whole, verified, resumed after an interruption, and never over something else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy

from qareport.cli import main
from qareport.errors import StoreError
from qareport.model import MAIL, Call, Delivery, Edition, FailedCall, UserRole
from qareport.search import parse
from qareport.store import Store, store_copy
from qareport.store.store_copy import TABLES, StoreCopy, content_of, copy_store
from tests.support.store_samples import TEXT, fill, make_call, put_result

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
MAIL_WAITING = Delivery(
    channel=MAIL,
    edition=Edition.TEAM,
    recipient="li@example.com",
    period="day:2026-11-20",
    kind="report",
    subject="s",
    message_id="<m>",
    content=b"\x00\xff text",
)


@pytest.fixture(params=["sqlite to postgresql", "postgresql to sqlite", "sqlite to sqlite"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """A store with a bit of everything, and an empty one."""
    numbers = count(1)

    def url(kind: str) -> str:
        return (
            f"sqlite:///{tmp_path / f'{next(numbers)}.db'}"
            if kind == "sqlite"
            else str(request.getfixturevalue("postgres_url"))
        )

    source, target = (url(kind) for kind in request.param.split(" to "))
    with Store(source) as old, Store(target) as new:
        for number in range(7):
            fill(old, make_call(f"c{number}", order_id=f"o{number}"), audio="abcdefg"[number])
        failed = Call(call_id="失败", audio_path="x.wav", order_id="o9")
        old.calls.put_failure(failed, FailedCall.of(failed, "decode", "cut off"))
        user = old.users.add("li", UserRole.ADMIN, at=NOW)
        old.sessions.start(user.user_id, at=NOW, lasts=NOW - datetime(2026, 11, 1, tzinfo=UTC), ip="", user_agent="")
        old.webhooks.delete(old.webhooks.add("gone", "https://gone.example.com/", at=NOW).webhook_id, None)
        old.outbox.put([MAIL_WAITING], now=NOW)
        yield old, new


def copy(old: Store, new: Store) -> StoreCopy:
    return copy_store(old.database, new.database)


def contents(store: Store) -> dict[str, object]:
    with store.database.read() as session:
        return {table.name: content_of(session, table) for table in TABLES}


def test_a_copy_holds_the_same_in_another_database(
    stores: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = stores
    monkeypatch.setattr(store_copy, "_BATCH", 3)
    copied = copy(old, new)
    assert (copied.calls, copied.tables) == (8, len(TABLES))
    assert contents(new) == contents(old)
    assert new.results.get("c3") == old.results.get("c3")
    assert [failure.call_id for failure in new.calls.list_failures()] == ["失败"]
    assert new.outbox.get_content(MAIL_WAITING.key) == MAIL_WAITING.content
    query = parse(f'"{TEXT[:4]}"', time_zone="Asia/Shanghai")
    assert new.search_index.search(query) == old.search_index.search(query)
    assert new.search_index.search(query).calls == 7
    assert list(new.maintenance.verify_rows()) == []
    # Numbers go on: neither a new row nor a receiver takes one that was given.
    put_result(new, make_call("later"))
    assert new.users.add("wang", UserRole.SUPERVISOR, at=NOW).user_id == 2
    assert new.webhooks.add("crm", "https://crm.example.com/", at=NOW).webhook_id == 2


def test_an_interrupted_copy_goes_on_where_it_was(stores: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = stores
    monkeypatch.setattr(store_copy, "_BATCH", 2)
    left = count()

    def interrupt(step: str, *_: int) -> None:
        if step == "verify" or next(left) == stop:
            raise KeyboardInterrupt

    for stop in (3, 9, 20, -1):  # noqa: B007 - `interrupt` reads it
        left = count()
        with pytest.raises(KeyboardInterrupt):
            copy_store(old.database, new.database, on_progress=interrupt)
    copy(old, new)
    assert contents(new) == contents(old)
    with pytest.raises(StoreError, match="is not empty"):
        copy(old, new)


def test_a_target_that_holds_something_else_stays_as_it_is(stores: tuple[Store, Store], tmp_path: Path) -> None:
    old, new = stores
    with pytest.raises(StoreError, match="is not empty"):
        copy(old, old)
    unfinished = sqlalchemy.text("INSERT INTO store_facts VALUES ('copy', '{\"source\": \"sqlite:///other.db\"}')")
    with new.database.write() as session:
        session.execute(unfinished)
    with pytest.raises(StoreError, match=r"holds an unfinished copy of sqlite:///other\.db"):
        copy(old, new)
    put_result(new, make_call("own"))
    assert [call.call_id for call in new.deletion.find_calls(order="o1")] == ["own"]


def test_what_changed_while_it_was_copied_is_found(stores: tuple[Store, Store]) -> None:
    old, new = stores

    def write(step: str, done: int, total: int) -> None:
        if step == "copy" and done == total:
            old.calls.put(make_call("c0", order_id="another"))

    with pytest.raises(StoreError, match="does not hold the same as .*: calls"):
        copy_store(old.database, new.database, on_progress=write)


def test_the_command_copies_and_says_where_to_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = (f"sqlite:///{tmp_path / name}" for name in ("old.db", "new.db"))
    assert main(["store", "copy", source, target]) == 2
    assert not list(tmp_path.iterdir())
    with Store(source) as store:
        put_result(store, make_call("a"))
    capsys.readouterr()
    assert main(["store", "copy", source, target]) == 0
    assert "1 calls, " in capsys.readouterr().out
    with Store(target, make=False) as store:
        assert store.calls.has_result("a")
    assert main(["store", "copy", source, target]) == 2
    assert "is not empty; name a new target" in capsys.readouterr().err
