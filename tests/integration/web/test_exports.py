"""Exports: ordered by who may, written by the worker within their reach, kept for a week, gone with a deleted call."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from qareport.model import Call, EventType, JobKind, Permission, UserRole, VerdictKind
from qareport.web import reviewing
from qareport.web.access import Access, Principal
from qareport.workflows.export.jobs import make_export, sweep_exports
from tests.support.desk import OpenDesk

ADMIN, SUPERVISOR, ANALYST, AGENT, AUDITOR = (
    UserRole.ADMIN, UserRole.SUPERVISOR, UserRole.ANALYST, UserRole.AGENT, UserRole.AUDITOR,
)  # fmt: skip


@pytest.fixture(autouse=True)
def today(opened: OpenDesk) -> None:
    """Let the desk's clock be the worker's."""
    opened.clock.now = datetime.now(UTC)


def order(client: TestClient, kind: str = "calls", **more: str) -> Any:
    return client.post("/api/v1/exports", json={"kind": kind, **more})


def work(opened: OpenDesk) -> None:
    store = opened.desk.store
    while (job := store.jobs.take([JobKind.EXPORT], "w", at=datetime.now(UTC))) is not None:
        make_export(opened.desk.workspace, job, "w")


def table(client: TestClient, export_id: int) -> list[dict[str, str]]:
    answer = client.get(f"/api/v1/exports/{export_id}/content")
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def files(opened: OpenDesk) -> list[Path]:
    return sorted((Path(opened.desk.settings.desk.folder) / "exports").iterdir())


def test_an_export_holds_the_calls_of_the_query_within_ones_reach(opened: OpenDesk) -> None:
    every, own = opened.enter(ADMIN), opened.enter(SUPERVISOR)
    webhooks = opened.desk.store.webhooks
    webhooks.add("crm", "https://crm.example.com/", at=opened.clock.now, types=[EventType.EXPORT_READY])
    ordered = [order(every), order(own), order(own, q="order:o2"), order(own, "segments", q="愤怒", format="jsonl")]
    assert [answer.status_code for answer in ordered] == [202] * 4
    assert every.get("/api/v1/exports/1/content").status_code == 409
    work(opened)
    assert [row["call_id"] for row in table(every, 1)] == ["c1", "c2", "c3", "c4"]
    assert [row["call_id"] for row in table(own, 2)] == ["c1", "c2"]
    assert table(own, 3) == []
    assert len(own.get("/api/v1/exports/4/content").text.splitlines()) == 12
    state = own.get("/api/v1/exports/2").json()
    assert (state["state"], state["calls"], state["rows"]) == ("done", 2, 2)
    log = [line.action for line in opened.desk.store.audit.list(limit=50)]
    assert (log.count("export.order"), log.count("export.download")) == (4, 4)
    told = [delivery.data or {} for delivery in opened.desk.store.webhook_queue.list()]
    assert [(data["export_id"], data["rows"]) for data in told] == [(4, 12), (3, 0), (2, 2), (1, 4)]


@pytest.mark.parametrize(("role", "status"), [(AGENT, 403), (AUDITOR, 403), (ANALYST, 202)])
def test_who_may_not_export_gets_nothing(opened: OpenDesk, role: UserRole, status: int) -> None:
    client = opened.enter(role)
    assert order(client).status_code == status
    page = 200 if status == 202 else 403
    assert [client.get(path).status_code for path in ("/exports", "/api/v1/exports")] == [page, page]
    assert client.post("/exports", data={"kind": "calls"}).status_code == (303 if status == 202 else 403)


def test_an_export_of_someone_else_or_beyond_ones_reach_does_not_exist(opened: OpenDesk) -> None:
    admin, supervisor = opened.enter(ADMIN), opened.enter(SUPERVISOR)
    order(admin)
    order(supervisor)
    work(opened)
    paths = [f"/api/v1/exports/{number}{end}" for number in (1, 9) for end in ("", "/content")]
    assert {supervisor.get(path).status_code for path in paths} == {404}
    assert supervisor.get("/exports/1/content").status_code == 404
    assert [item["export_id"] for item in admin.get("/api/v1/exports").json()["items"]] == [2, 1]
    teams = opened.desk.store.teams
    red = next(team for team in teams.list() if team.team_id == "red")
    teams.put(replace(red, agents=("A1",)))  # A2 is no longer theirs
    assert supervisor.get("/api/v1/exports/2/content").status_code == 404
    assert supervisor.get("/api/v1/exports").json()["items"] == []


def test_a_file_is_kept_for_a_week(opened: OpenDesk) -> None:
    client = opened.enter(ADMIN)
    order(client)
    work(opened)
    assert len(files(opened)) == 2
    assert files(opened)[0].parent.stat().st_mode & 0o077 == 0
    opened.clock.move(days=7)
    client = opened.enter(ADMIN)
    assert client.get("/api/v1/exports/1/content").status_code == 410
    assert client.get("/api/v1/exports/1").json()["state"] == "gone"
    assert "文件已删除" in client.get("/exports").text
    assert sweep_exports(opened.desk.workspace, opened.clock.now) == 1
    assert files(opened) == []


def test_with_a_deleted_call_the_exports_that_hold_it_go(opened: OpenDesk) -> None:
    client = opened.enter(ADMIN)
    order(client, q="order:o1")
    order(client, q="order:o2")
    work(opened)
    assert client.delete("/api/v1/calls/c1", params={"confirm": "c1"}).json()["files"] == 2
    assert [client.get(f"/api/v1/exports/{number}/content").status_code for number in (1, 2)] == [410, 200]


def test_reviewed_scores_stand_beside_those_of_the_rules(opened: OpenDesk) -> None:
    access = Access(opened.desk, Principal.of(opened.users[ADMIN]))
    call = reviewing.look_at(access, "c1")
    item = next(item for item in call.items if item.finding.points < 0)
    reviewing.give_verdict(access, "c1", item.finding_id, VerdictKind.REJECTED)
    client = opened.enter(ADMIN)
    order(client)
    order(client, "findings", q="call:c1")
    order(client, "text", format="txt", q="call:c1")
    work(opened)
    first, second, *_ = table(client, 1)
    assert int(first["reviewed_score"]) == int(first["score"]) - item.finding.points
    assert (first["reviewers"], first["reviewed_passed"]) != ("", "")
    assert (second["reviewed_score"], second["reviewers"]) == ("", "")
    verdicts = {row["rule_id"]: row["verdict"] for row in table(client, 2)}
    assert verdicts[item.finding.rule_id] == "rejected"
    assert f"经复核 {first['reviewed_score']}" in client.get("/exports/3/content").text


def test_names_that_look_like_formulas_do_not_run_in_a_spreadsheet(opened: OpenDesk) -> None:
    store = opened.desk.store
    call: Call = store.calls.list_recordings(["c1"])["c1"][0]
    store.calls.put(replace(call, order_id="=HYPERLINK(1)", agent_id="＝cmd"))
    client = opened.enter(ADMIN)
    order(client, q="call:c1")
    work(opened)
    (row,) = table(client, 1)
    assert (row["order_id"], row["agent_id"]) == ("'=HYPERLINK(1)", "'＝cmd")


def test_what_cannot_be_exported_is_refused_in_words(opened: OpenDesk) -> None:
    client = opened.enter(ADMIN)
    wrong = [order(client, "calls", format="txt"), order(client, "text"), order(client, "people"), order(client, q="(")]
    assert [answer.status_code for answer in wrong] == [422] * 4
    assert wrong[3].json()["code"] == "query_error"
    page = client.post("/exports", data={"kind": "calls", "format": "csv", "q": "nofield:1"})
    assert page.status_code == 422
    assert "nofield" in page.text
    assert opened.desk.store.exports.list() == ()


def test_a_token_exports_only_with_the_scope(opened: OpenDesk) -> None:
    statuses = []
    for scopes in ([Permission.CALLS_READ], [Permission.EXPORTS_WRITE]):
        _, secret = opened.desk.store.tokens.add(
            "t", opened.users[ANALYST].user_id, scopes, at=opened.clock.now, lasts=timedelta(days=1)
        )
        client = opened.browser()
        client.headers["authorization"] = f"Bearer {secret}"
        statuses.append(order(client).status_code)
    assert statuses == [403, 202]
