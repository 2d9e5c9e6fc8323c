"""An order shows its calls as far as they may be seen, and its documents are made from these alone."""

from __future__ import annotations

import json
import re

import pytest

from qareport.model import UserRole
from tests.support.desk import OpenDesk
from tests.support.statements import reading


def _documents(opened: OpenDesk) -> list[tuple[str, str, str]]:
    entries = (entry for entry in opened.desk.store.audit.list() if entry.action == "document.download")
    return [(entry.actor, entry.object, entry.details["format"]) for entry in entries]


def test_an_order_shows_all_its_calls_in_time_and_leads_to_them(opened: OpenDesk) -> None:
    page = opened.login(UserRole.ADMIN).get("/orders/o1").text
    assert page.index('href="/calls/c1"') < page.index('href="/calls/c2"')
    assert "c3" not in page
    assert page.count("<svg") == 4  # the emotion curve of each call, for a screen and for a phone


def test_an_agent_sees_of_an_order_only_the_own_call_and_nothing_that_other_calls_say(opened: OpenDesk) -> None:
    client = opened.login(UserRole.AGENT)
    page = client.get("/orders/o1").text
    assert 'href="/calls/c1"' in page
    assert not re.search(r">[^<]*\b(c2|A2)\b|/(c2|A2)\b", page)
    report = client.get("/orders/o1/document.json").json()
    assert [call["call_id"] for call in report["calls"]] == ["c1"]
    assert not re.search(r"\b(c2|A2)\b", json.dumps(report))


@pytest.mark.parametrize(
    "path", ["/orders/o2", "/orders/o2/document.pdf", "/calls/c3/document.json", "/api/v1/orders/o2"]
)
def test_an_order_of_another_team_does_not_exist(opened: OpenDesk, path: str) -> None:
    assert opened.login(UserRole.SUPERVISOR).get(path).status_code == 404
    assert not _documents(opened)


@pytest.mark.parametrize(("format", "begins"), [("docx", b"PK"), ("html", b"<!DOCTYPE html>"), ("json", b"{")])
def test_a_document_is_loaded_down_and_leaves_one_line_in_the_audit_log(
    opened: OpenDesk, format: str, begins: bytes
) -> None:
    answer = opened.login(UserRole.SUPERVISOR).get(f"/orders/o1/document.{format}")
    assert answer.content.startswith(begins)
    assert answer.headers["content-disposition"] == f"attachment; filename*=UTF-8''o1.{format}"
    assert _documents(opened) == [("supervisor", "order:o1", format)]


def test_the_document_of_a_call_is_about_that_call_alone(opened: OpenDesk) -> None:
    report = opened.login(UserRole.ADMIN).get("/calls/c2/document.json").json()
    assert [call["call_id"] for call in report["calls"]] == ["c2"]
    assert _documents(opened) == [("admin", "call:c2", "json")]


def test_an_unknown_format_is_not_found_and_leaves_no_line(opened: OpenDesk) -> None:
    assert opened.login(UserRole.ADMIN).get("/orders/o1/document.exe").status_code == 404
    assert not _documents(opened)


def test_a_second_of_a_call_leads_to_the_sentence_that_is_said_there(opened: OpenDesk) -> None:
    answer = opened.login(UserRole.ADMIN).get("/calls/c1?t=11")
    assert (answer.status_code, answer.headers["location"]) == (303, "/calls/c1#t10000")


@pytest.mark.parametrize("address", ["/calls/c1", "/orders/o1", "/api/v1/calls/c1/tags", "/api/v1/calls/c1/transcript"])
def test_what_compares_with_nobody_reads_no_other_calls(opened: OpenDesk, address: str) -> None:
    client = opened.login(UserRole.ADMIN)
    with reading(opened.desk.store, "call_summaries") as asked:
        assert client.get(address).status_code == 200
    assert not asked


def test_a_report_is_compared_with_the_days_before_which_are_read_once_until_a_call_of_theirs_changes(
    opened: OpenDesk,
) -> None:
    client, store = opened.login(UserRole.ADMIN), opened.desk.store

    def norm() -> int:
        report = client.get("/api/v1/calls/c1/report").json()
        return int(report["norm"]["calls"])

    assert norm() == 4
    with reading(store, "call_summaries") as asked:
        assert norm() == 4
        assert not asked
        assert client.post("/calls/c3/delete", data={"typed": "c3"}).status_code == 200
        assert norm() == 3
        assert asked
