"""The audit log: numbered without gaps, masked, and any later change of it is found."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from qareport.model import AuditEntry
from qareport.store import Store

AT = datetime(2026, 11, 22, tzinfo=UTC)


def entry(action: str = "login", **fields: Any) -> AuditEntry:
    return AuditEntry(at=fields.pop("at", AT), actor="a", actor_kind="person", action=action, **fields)


@pytest.fixture
def store(store_url: str) -> Any:
    with Store(store_url) as opened:
        yield opened


def test_lines_are_numbered_and_listed_newest_first(store: Store) -> None:
    for action in ("one", "two", "three"):
        store.audit.record(entry(action))
    assert [(line.number, line.action) for line in store.audit.list()] == [(3, "three"), (2, "two"), (1, "one")]
    assert [line.number for line in store.audit.list(before=3, limit=1)] == [2]
    assert store.audit.verify() is None


def test_numbers_of_persons_in_details_are_masked(store: Store) -> None:
    store.audit.record(entry("call.search", details={"query": "电话13812345678"}))
    assert "13812345678" not in store.audit.list()[0].details["query"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'b' WHERE number = 2",
        "UPDATE audit SET details = '{}' WHERE number = 2",
        "UPDATE audit SET sha256 = prev_sha256 WHERE number = 2",
        "DELETE FROM audit WHERE number = 2",
        "DELETE FROM audit WHERE number = 1",
        "DELETE FROM audit WHERE number = 4",
        "DELETE FROM audit",
    ],
)
def test_a_changed_or_removed_line_is_found(store: Store, statement: str) -> None:
    for number in range(4):
        store.audit.record(entry(details={"n": str(number)}))
    with store.database.write() as session:
        session.execute(text(statement))
    wrong = str(store.audit.verify())
    assert "of the audit log" in wrong
    assert any(f"line {number}" in wrong for number in (1, 2, 4)) or "lines 1 to 1" in wrong


def test_a_log_that_was_written_before_its_end_was_noted_is_whole(store: Store) -> None:
    store.audit.record(entry("one"))
    with store.database.write() as session:
        session.execute(text("DELETE FROM store_facts WHERE name = 'audit end'"))
    assert store.audit.verify() is None
    store.audit.record(entry("two"))
    assert store.audit.verify() is None


def test_numbers_of_persons_are_masked_and_names_of_findings_are_not(store: Store) -> None:
    line = store.audit.record(
        entry(details={"finding": "complaint.escalation-not-handled@58820", "comment": "打13812345678找我"})
    )
    assert line.details == {"finding": "complaint.escalation-not-handled@58820", "comment": "打[电话]找我"}
    assert store.audit.list()[0].details == line.details
    assert store.audit.verify() is None


def test_old_lines_go_by_trimming_and_the_log_says_so(store: Store) -> None:
    store.audit.record(entry("old", at=AT - timedelta(days=400)))
    store.audit.record(entry("new"))
    assert store.audit.trim(AT - timedelta(days=365), at=AT) == 1
    assert [line.action for line in store.audit.list()] == ["audit.trim", "new"]
    assert store.audit.verify() is None


def test_writers_at_the_same_time_leave_no_gap(store: Store) -> None:
    threads = [threading.Thread(target=lambda: [store.audit.record(entry()) for _ in range(5)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [line.number for line in store.audit.list(limit=100)] == list(range(20, 0, -1))
    assert store.audit.verify() is None
