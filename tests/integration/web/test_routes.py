"""Every route, for every role, on things within and outside reach: one table says what each route needs.

A route without an entry fails here. What is allowed and changes something leaves exactly one line of the audit log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from qareport.model import GRANTS, EventType, JobKind, JobState, LiveCall, Permission, Reach, Team, UserRole
from qareport.web import create_app
from qareport.web.limiting import RequestLimits
from tests.support.desk import PASSWORD, OpenDesk, all_routes, open_desk
from tests.support.live_board import put_alert, put_call

_P = Permission
#: Statuses of who is let in: done, sent on, wrong in what was asked, or not there yet.
LET_IN = {200, 201, 202, 204, 206, 303, 409, 422, 503}
#: What paths name that may lie outside the reach of a right.
WITHIN_REACH = ("upload", "ended upload", "live call", "alert")
AT_THE_DOOR = LET_IN | {401, 404, 410, 429}  # 404: where nobody logs in elsewhere


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What a route needs."""

    #: None: everyone who is logged in.
    right: Permission | None = None
    #: Whether strangers are let in.
    public: bool = False
    #: What the path names: "", "call", "upload" (waits for bytes), "ended upload", "user", "team", "token", "webhook",
    #: "delivery", "live call" or "alert".
    names: str = ""
    query: str = ""
    body: Any = None
    files: Any = None
    #: Lines of the audit log that it leaves.
    audited: int = 0


_USER = {"name": "new", "role": "agent"}
_TOKEN = {"name": "t", "scopes": ["calls:read"]}
_HOOK = {"url": "https://crm.example.com/hook", "name": "crm"}
_NEW_PASSWORD = {"current": PASSWORD, "password": PASSWORD, "again": PASSWORD}
_SETTINGS, _AUDIT, _WRITE, _READ = _P.SETTINGS_WRITE, _P.AUDIT_READ, _P.CALLS_WRITE, _P.CALLS_READ
ROUTES: dict[str, Needs] = {
    "GET /healthz": Needs(public=True),
    "GET /readyz": Needs(public=True),
    "GET /metrics": Needs(right=_P.METRICS_READ),
    "GET /login": Needs(public=True),
    "POST /login": Needs(public=True, body={"name": "admin", "password": "no"}, audited=1),
    "GET /login/oidc": Needs(public=True),
    "GET /login/oidc/callback": Needs(public=True),
    "GET /setup": Needs(public=True),
    "POST /setup": Needs(public=True, body={"ticket": "no"}),
    "POST /logout": Needs(audited=1),
    "GET /": Needs(),
    "GET /account": Needs(),
    "POST /account/language": Needs(body={"language": "zh"}, audited=1),
    "POST /account/password": Needs(body=_NEW_PASSWORD, audited=1),
    "POST /account/sessions/end": Needs(audited=1),
    "GET /calls": Needs(right=_READ),
    "GET /calls/{call_id:path}": Needs(right=_READ, names="call"),
    "GET /calls/{call_id:path}/waveform": Needs(right=_READ, names="call"),
    "GET /calls/{call_id:path}/sound": Needs(
        right=_P.CALLS_ORIGINAL, names="call", query="?original=1&purpose=dispute", audited=1
    ),
    "GET /calls/{call_id:path}/original": Needs(
        right=_P.CALLS_ORIGINAL, names="call", query="?purpose=dispute", audited=1
    ),
    "GET /upload": Needs(right=_WRITE),
    "POST /upload": Needs(right=_WRITE, files={"files": ("a.wav", b"RIFF")}, body={"agent_id": "A1"}, audited=1),
    "POST /api/v1/uploads": Needs(right=_WRITE, body={"file_name": "a.wav", "agent_id": "A1"}, audited=1),
    "GET /api/v1/uploads/{upload_id}": Needs(right=_WRITE, names="upload"),
    "PUT /api/v1/uploads/{upload_id}/content": Needs(right=_WRITE, names="upload", body="RIFF"),
    "DELETE /api/v1/uploads/{upload_id}": Needs(right=_WRITE, names="upload", audited=1),
    "GET /api/v1/uploads/{upload_id}/events": Needs(right=_WRITE, names="ended upload"),
    "GET /settings": Needs(),
    "GET /settings/users": Needs(right=_SETTINGS),
    "POST /settings/users": Needs(right=_SETTINGS, body=_USER | {"name": "new2"}, audited=1),
    "GET /settings/users/{user_id}": Needs(right=_SETTINGS, names="user"),
    "POST /settings/users/{user_id}": Needs(
        right=_SETTINGS, names="user", body={"role": "agent", "display": "新名字"}, audited=1
    ),
    "POST /settings/users/{user_id}/password": Needs(right=_SETTINGS, names="user", audited=1),
    "POST /settings/users/{user_id}/state": Needs(right=_SETTINGS, names="user", body={"state": "off"}, audited=1),
    "GET /settings/teams": Needs(right=_SETTINGS),
    "POST /settings/teams": Needs(right=_SETTINGS, body={"team_id": "green", "agents": "A7 A8"}, audited=1),
    "POST /settings/teams/{team_id}/delete": Needs(right=_SETTINGS, names="team", audited=1),
    "GET /settings/tokens": Needs(right=_SETTINGS),
    "POST /settings/tokens": Needs(right=_SETTINGS, body=_TOKEN, audited=1),
    "POST /settings/tokens/{token_id}/revoke": Needs(right=_SETTINGS, names="token", audited=1),
    "GET /settings/webhooks": Needs(right=_SETTINGS),
    "POST /settings/webhooks": Needs(right=_SETTINGS, body=_HOOK, audited=1),
    "GET /settings/webhooks/{webhook_id}": Needs(right=_SETTINGS, names="webhook"),
    "POST /settings/webhooks/{webhook_id}": Needs(right=_SETTINGS, names="webhook", body=_HOOK, audited=1),
    "POST /settings/webhooks/{webhook_id}/state": Needs(
        right=_SETTINGS, names="webhook", body={"state": "off"}, audited=1
    ),
    "POST /settings/webhooks/{webhook_id}/test": Needs(right=_SETTINGS, names="webhook", audited=1),
    "POST /settings/webhooks/{webhook_id}/rotate": Needs(right=_SETTINGS, names="webhook", audited=1),
    "POST /settings/webhooks/{webhook_id}/delete": Needs(right=_SETTINGS, names="webhook", audited=1),
    "POST /settings/webhooks/deliveries/{delivery_id}/replay": Needs(right=_SETTINGS, names="delivery", audited=1),
    "GET /settings/integrations": Needs(right=_SETTINGS),
    "GET /settings/integrations/{webhook_id}": Needs(right=_SETTINGS, names="integration"),
    "POST /settings/integrations/{webhook_id}/state": Needs(
        right=_SETTINGS, names="integration", body={"state": "off"}, audited=1
    ),
    "POST /settings/integrations/deliveries/{delivery_id}/replay": Needs(right=_SETTINGS, names="delivery", audited=1),
    "GET /settings/live": Needs(right=_SETTINGS),
    "GET /api/v1/webhooks": Needs(right=_SETTINGS),
    "POST /api/v1/webhooks": Needs(right=_SETTINGS, body=_HOOK, audited=1),
    "PATCH /api/v1/webhooks/{webhook_id}": Needs(right=_SETTINGS, names="webhook", body={"on": False}, audited=1),
    "DELETE /api/v1/webhooks/{webhook_id}": Needs(right=_SETTINGS, names="webhook", audited=1),
    "POST /api/v1/webhooks/{webhook_id}/test": Needs(right=_SETTINGS, names="webhook", audited=1),
    "POST /api/v1/webhooks/{webhook_id}/rotate": Needs(right=_SETTINGS, names="webhook", audited=1),
    "GET /api/v1/webhooks/{webhook_id}/deliveries": Needs(right=_SETTINGS, names="webhook"),
    "POST /api/v1/deliveries/{delivery_id}/replay": Needs(right=_SETTINGS, names="delivery", audited=1),
    "GET /audit": Needs(right=_AUDIT),
    "GET /audit/export": Needs(right=_AUDIT, audited=1),
    "GET /api/v1/me": Needs(),
    "GET /api": Needs(),
    "GET /api/v1/openapi.json": Needs(),
    "GET /api/v1/users": Needs(right=_SETTINGS),
    "GET /api/v1/users/{user_id}": Needs(right=_SETTINGS, names="user"),
    "POST /api/v1/users/{user_id}/password": Needs(right=_SETTINGS, names="user", audited=1),
    "DELETE /api/v1/teams/{team_id}": Needs(right=_SETTINGS, names="team", audited=1),
    "POST /api/v1/users": Needs(right=_SETTINGS, body=_USER, audited=1),
    "PATCH /api/v1/users/{user_id}": Needs(right=_SETTINGS, names="user", body={"display": "x"}, audited=1),
    "GET /api/v1/teams": Needs(right=_SETTINGS),
    "POST /api/v1/teams": Needs(right=_SETTINGS, body={"team_id": "grey"}, audited=1),
    "GET /api/v1/tokens": Needs(right=_SETTINGS),
    "POST /api/v1/tokens": Needs(right=_SETTINGS, body=_TOKEN, audited=1),
    "DELETE /api/v1/tokens/{token_id}": Needs(right=_SETTINGS, names="token", audited=1),
    "GET /api/v1/audit": Needs(right=_AUDIT),
    "GET /api/v1/audit/verify": Needs(right=_AUDIT),
    "GET /heat": Needs(right=_READ),
    "GET /calls/{call_id:path}/document.{format}": Needs(right=_READ, names="call", audited=1),
    "GET /api/v1/calls": Needs(right=_READ),
    "GET /api/v1/heat": Needs(right=_READ),
    "GET /api/v1/calls/{call_id:path}": Needs(right=_READ, names="call"),
    "GET /api/v1/calls/{call_id:path}/curve": Needs(right=_READ, names="call"),
    "GET /api/v1/calls/{call_id:path}/waveform": Needs(right=_READ, names="call"),
    "GET /api/v1/calls/{call_id:path}/audio": Needs(
        right=_P.CALLS_ORIGINAL, names="call", query="?original=1&purpose=claim", audited=1
    ),
    "GET /api/v1/calls/{call_id:path}/documents/{format}": Needs(right=_READ, names="call", audited=1),
    "GET /api/v1/calls/{call_id:path}/findings": Needs(right=_READ, names="call"),
    "GET /api/v1/calls/{call_id:path}/report": Needs(right=_READ, names="call"),
    "GET /api/v1/calls/{call_id:path}/tags": Needs(right=_READ, names="call"),
    "GET /api/v1/calls/{call_id:path}/transcript": Needs(right=_READ, names="call"),
    "POST /calls/{call_id:path}/swap-roles": Needs(right=_WRITE, names="call", audited=1),
    "POST /api/v1/calls/{call_id:path}/swap-roles": Needs(right=_WRITE, names="call", audited=1),
    "GET /calls/{call_id:path}/delete": Needs(right=_P.CALLS_DELETE, names="call"),
    "GET /exports": Needs(right=_P.EXPORTS_WRITE),
    "POST /exports": Needs(right=_P.EXPORTS_WRITE, body={"kind": "calls"}, audited=1),
    "GET /api/v1/exports": Needs(right=_P.EXPORTS_WRITE),
    "POST /api/v1/exports": Needs(right=_P.EXPORTS_WRITE, body={"kind": "calls"}, audited=1),
    "GET /api/v1/live/calls": Needs(right=_P.LIVE_READ),
    "GET /api/v1/alerts": Needs(right=_P.LIVE_READ),
    "GET /api/v1/alerts/precision": Needs(right=_P.LIVE_READ),
    "GET /api/v1/alerts/{alert_id}": Needs(right=_P.LIVE_READ, names="alert"),
    "POST /api/v1/alerts/{alert_id}/ack": Needs(right=_P.LIVE_WRITE, names="alert", audited=1),
    "POST /api/v1/alerts/{alert_id}/snooze": Needs(right=_P.LIVE_WRITE, names="alert", body={"minutes": 5}, audited=1),
    "POST /api/v1/alerts/{alert_id}/false-alarm": Needs(
        right=_P.LIVE_WRITE, names="alert", body={"reason": "no"}, audited=1
    ),
    "GET /board": Needs(right=_P.LIVE_READ),
    "GET /board/alerts": Needs(right=_P.LIVE_READ),
    "GET /board/{live_id}": Needs(right=_P.LIVE_READ, names="live call"),
    "GET /api/v1/live/calls/{live_id}": Needs(right=_P.LIVE_READ, names="live call"),
    "POST /board/alerts/{alert_id}/ack": Needs(right=_P.LIVE_WRITE, names="alert", audited=1),
    "POST /board/alerts/{alert_id}/snooze": Needs(right=_P.LIVE_WRITE, names="alert", audited=1),
    "POST /board/alerts/{alert_id}/false-alarm": Needs(
        right=_P.LIVE_WRITE, names="alert", body={"reason": "no"}, audited=1
    ),
    "POST /api/v1/live/tickets": Needs(right=_P.LIVE_INGEST, body={"call_id": "live"}, audited=1),
    "GET /review": Needs(right=_P.REVIEW_WRITE),
    "GET /qa": Needs(right=_P.EXPORTS_WRITE),
    "GET /qa/export/{format}": Needs(right=_P.EXPORTS_WRITE, audited=1),
    "GET /api/v1/qa-pairs": Needs(right=_P.EXPORTS_WRITE),
    "GET /rules": Needs(right=_P.RULES_READ),
    "GET /api/v1/rules/files": Needs(right=_P.RULES_READ),
    "GET /api/v1/rules/schema": Needs(right=_P.RULES_READ),
}
#: Routes whose own tests hold roles, reach and lines of the audit log: what they need is made step by step there.
HELD_BY_THEIR_OWN_TESTS = {
    # test_agents, test_orders, test_reading, test_reports
    "GET /agents/{agent_id:path}",
    "GET /agents/{agent_id:path}/coaching.docx",
    "GET /api/v1/digests/{kind}/{name}",
    "GET /api/v1/digests/{kind}/{name}/documents/{format}",
    "GET /api/v1/orders/{order_id:path}",
    "GET /api/v1/orders/{order_id:path}/documents/{format}",
    "GET /orders/{order_id:path}",
    "GET /orders/{order_id:path}/document.{format}",
    "GET /reports",
    "GET /reports/{kind}/{name}",
    "GET /reports/{kind}/{name}/document",
    "GET /reports/{kind}/{name}/document.{format}",
    # test_call_tools, test_exports
    "DELETE /api/v1/calls/{call_id:path}",
    "GET /api/v1/calls/{call_id:path}/rehear",
    "GET /api/v1/exports/{export_id}",
    "GET /api/v1/exports/{export_id}/content",
    "GET /exports/{export_id}/content",
    "PATCH /api/v1/calls/{call_id:path}",
    "POST /api/v1/calls/{call_id:path}/rehear",
    "POST /calls/{call_id:path}/delete",
    "POST /calls/{call_id:path}/facts",
    "POST /calls/{call_id:path}/rehear",
    # test_requests
    "POST /api/v1/calls/{call_id:path}/acknowledge",
    # test_qa
    "PATCH /api/v1/qa-pairs/{pair_id}",
    "POST /api/v1/qa-pairs/mine",
    "POST /qa/mine",
    "POST /qa/{pair_id}",
    # test_review
    "GET /api/v1/appeals",
    "GET /appeals",
    "GET /calls/{call_id:path}/findings/{finding_id}/counterexample",
    "POST /api/v1/appeals",
    "POST /api/v1/appeals/{appeal_id}/decision",
    "POST /api/v1/appeals/{appeal_id}/escalate",
    "POST /api/v1/appeals/{appeal_id}/withdraw",
    "POST /api/v1/calls/{call_id:path}/findings",
    "POST /appeals/{appeal_id}/decision",
    "POST /appeals/{appeal_id}/escalate",
    "POST /appeals/{appeal_id}/withdraw",
    "POST /calls/{call_id:path}/acknowledge",
    "POST /calls/{call_id:path}/findings",
    "POST /calls/{call_id:path}/findings/{finding_id}/appeal",
    "POST /calls/{call_id:path}/findings/{finding_id}/counterexample",
    "POST /calls/{call_id:path}/findings/{finding_id}/verdict",
    "POST /review/stale/{verdict_id}",
    "PUT /api/v1/calls/{call_id:path}/findings/{finding_id}/verdict",
    # test_live
    "GET /api/v1/live/stream",
    # test_rules
    "DELETE /api/v1/rules/replays/{replay_id}",
    "GET /api/v1/rules/files/{name:path}",
    "GET /api/v1/rules/replays/{replay_id}",
    "GET /rules/{name:path}",
    "POST /api/v1/rules/explain",
    "POST /api/v1/rules/lint",
    "POST /api/v1/rules/replay",
    "POST /api/v1/rules/test",
    "POST /rule-forms/{name:path}",
    "POST /rules",
    "POST /rules/{name:path}",
    "PUT /api/v1/rules/drafts/{name:path}",
    "PUT /api/v1/rules/files/{name:path}",
}


@dataclass
class Things:
    """What paths name, made anew for each request so that no request sees what another left."""

    opened: OpenDesk
    made: int = field(default=0)

    def path(self, route: str, names: str, role: UserRole, *, own: bool) -> str:
        """Fill the path of a route with something of the role's own, or with a foreign thing."""
        path = route.split(" ")[1].replace(":path", "").replace("{format}", "csv" if "/qa/" in route else "json")
        if not names:
            return path
        values: dict[str, tuple[str, Callable[[], object]]] = {
            "call": ("call_id", lambda: "c1" if own else "c3"),
            "upload": ("upload_id", lambda: self._upload(role, own=own, state=JobState.RECEIVING)),
            "ended upload": ("upload_id", lambda: self._upload(role, own=own, state=JobState.CANCELLED)),
            "user": ("user_id", self._user),
            "team": ("team_id", self._team),
            "token": ("token_id", self._token),
            "webhook": ("webhook_id", self._webhook),
            "integration": ("webhook_id", self._integration),
            "delivery": ("delivery_id", self._delivery),
            "live call": ("live_id", lambda: self._live_call(own=own).live_id),
            "alert": ("alert_id", lambda: put_alert(self.opened, self._live_call(own=own)).alert_id),
        }
        name, make = values[names]
        return path.replace(f"{{{name}}}", str(make()))

    def _upload(self, role: UserRole, *, own: bool, state: JobState) -> int:
        users = self.opened.users
        owner = users[role] if own else users[UserRole.AUDITOR]
        payload = {"file_name": "a.wav", "call_id": "up"}
        store, at = self.opened.desk.store, self.opened.clock.now
        return store.jobs.add(JobKind.UPLOAD, payload, at=at, user_id=owner.user_id, state=state).job_id

    def _live_call(self, *, own: bool) -> LiveCall:
        self.made += 1
        return put_call(self.opened, f"live{self.made}", "A1" if own else "B1")

    def _user(self) -> int:
        self.made += 1
        return self.opened.desk.store.users.add(f"u{self.made}", UserRole.AGENT, at=self.opened.clock.now).user_id

    def _team(self) -> str:
        self.made += 1
        self.opened.desk.store.teams.put(Team(team_id=f"t{self.made}", name="t"))
        return f"t{self.made}"

    def _integration(self) -> int:
        webhooks, at = self.opened.desk.store.webhooks, self.opened.clock.now
        return webhooks.keep("integration", {"zammad.note": (EventType.CALL_JUDGED,)}, at=at)[0].webhook_id

    def _webhook(self) -> int:
        webhooks, at = self.opened.desk.store.webhooks, self.opened.clock.now
        for kept in webhooks.list()[20:]:
            webhooks.delete(kept.webhook_id, None)
        return webhooks.add("crm", "https://crm.example.com/hook", at=at).webhook_id

    def _delivery(self) -> str:
        store, at = self.opened.desk.store, self.opened.clock.now
        store.webhooks.test(self._webhook(), {}, None, at=at)
        return store.webhook_queue.list()[0].delivery_id

    def _token(self) -> int:
        admin = self.opened.users[UserRole.ADMIN].user_id
        store, at = self.opened.desk.store, self.opened.clock.now
        return store.tokens.add("t", admin, [_P.CALLS_READ], at=at, lasts=timedelta(days=1))[0].token_id


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Things]:
    """A desk that all requests of this module share; they come faster than any person's."""
    with open_desk(tmp_path_factory.mktemp("desk")) as opened, pytest.MonkeyPatch.context() as patch:
        patch.setattr(RequestLimits, "wait_s", lambda *_: 0)
        yield Things(opened)


def ask(client: TestClient, route: str, path: str, needs: Needs) -> int:
    """Send the request of a route. Returns the status of the answer."""
    form = route.startswith("POST /") and "/api/" not in route
    content: dict[str, Any] = {}
    if needs.files is not None:
        content["files"], content["data"] = needs.files, needs.body
    elif isinstance(needs.body, str):
        content["content"] = needs.body
    elif needs.body is not None:
        content["data" if form else "json"] = needs.body
    return client.request(route.split(" ")[0], path + needs.query, **content).status_code


def expected(role: UserRole, needs: Needs, *, own: bool) -> set[int]:
    """Say how a route must answer a role."""
    if needs.public:
        return AT_THE_DOOR
    grants = GRANTS[role]
    if needs.right is None:
        return LET_IN
    if needs.names == "call":
        if _READ not in grants:
            return {403}
        if not own and grants[_READ] is not Reach.ALL:
            return {404}
    if needs.right not in grants:
        return {403}
    if needs.names in WITHIN_REACH and not own and grants[needs.right] is not Reach.ALL:
        return {404}
    return LET_IN


@pytest.mark.parametrize("route", ROUTES)
def test_a_route_lets_in_who_has_the_right_and_nobody_else(things: Things, route: str) -> None:
    needs = ROUTES[route]
    wrong = {}
    for role in UserRole:
        for own in (True, False) if needs.names in ("call", *WITHIN_REACH) else (True,):
            path = things.path(route, needs.names, role, own=own)
            audit = things.opened.desk.store.audit
            before = audit.list(limit=1)
            status = ask(things.opened.enter(role), route, path, needs)
            left = audit.list(limit=1)[0].number if audit.list(limit=1) else 0
            lines = left - (before[0].number if before else 0)
            right = expected(role, needs, own=own)
            if status not in right or (status in LET_IN and status < 400 and lines != needs.audited):
                wrong[role.value, own] = (status, f"{lines} lines of the audit log")
            elif lines and not needs.public and (actor := audit.list(limit=1)[0].actor) != role.value:
                wrong[role.value, own] = (status, f"the audit log blames {actor}")
    assert wrong == {}


#: What lies outside the reach of the supervisor and the agent: the calls of B1, its order and its team. Routes that
#: are held by their own tests as well as those of the table.
FOREIGN = (
    "GET /orders/o2", "GET /orders/o2/document.json", "GET /api/v1/orders/o2", "GET /api/v1/orders/o2/documents/json",
    "GET /agents/B1", "GET /agents/B1/coaching.docx", "GET /calls/c3/document.json", "GET /calls/c3/sound",
    "GET /heat?team=blue", "GET /api/v1/heat?team=blue", "GET /reports/day/2026-11-21?team=blue",
    "GET /reports/day/2026-11-21/document?team=blue", "GET /reports/day/2026-11-21/document.json?team=blue",
    "GET /calls/c3/findings/x@1/counterexample", "POST /calls/c3/facts", "POST /calls/c3/rehear",
    "POST /calls/c3/findings/x@1/verdict", "POST /calls/c3/findings/x@1/appeal", "POST /calls/c3/acknowledge",
    "PUT /api/v1/calls/c3/findings/x@1/verdict", "POST /api/v1/calls/c3/acknowledge", "PATCH /api/v1/calls/c3",
    "GET /api/v1/calls/c3/rehear", "POST /api/v1/calls/c3/rehear", "DELETE /api/v1/calls/c3?confirm=c3",
)  # fmt: skip
_BODIES = {
    "/verdict": {"verdict": "rejected"}, "/appeal": {"comment": "x"}, "/facts": {"order_id": "o9"},
    "/rehear": {"language": "yue"}, "/c3": {"order_id": "o9"}, "?confirm=c3": {"call_id": "c3"},
}  # fmt: skip


@pytest.mark.parametrize("role", [UserRole.SUPERVISOR, UserRole.AGENT])
def test_what_is_foreign_answers_as_what_is_not_there(things: Things, role: UserRole) -> None:
    client, found = things.opened.enter(role), {}
    for route in FOREIGN:
        method, path = route.split(" ")
        body = next((body for end, body in _BODIES.items() if path.endswith(end)), None)
        kind = "json" if "/api/" in path else "data"
        status = client.request(method, path, **({} if body is None else {kind: body})).status_code
        if status not in (404, 403) or (status == 403 and role is UserRole.SUPERVISOR and method == "GET"):
            found[route] = status
    assert found == {}


@pytest.mark.parametrize("route", ROUTES)
def test_a_stranger_is_let_in_nowhere_but_at_the_door(things: Things, route: str) -> None:
    needs = ROUTES[route]
    path = things.path(route, needs.names, UserRole.ADMIN, own=True)
    status = ask(things.opened.browser(address=route), route, path, needs)
    if needs.public:
        assert status in AT_THE_DOOR
    else:
        assert status == (401 if "/api/" in route else 303)


def test_every_route_has_its_entry(things: Things) -> None:
    routes = all_routes(create_app(things.opened.desk).routes)
    found = {f"{method} {route.path}" for route in routes for method in route.methods or ()}
    assert found - HELD_BY_THEIR_OWN_TESTS == set(ROUTES)
    assert found >= HELD_BY_THEIR_OWN_TESTS


def test_the_log_of_all_this_is_whole(things: Things) -> None:
    things.opened.enter(UserRole.ADMIN).post("/account/language", data={"language": "zh"})
    assert things.opened.desk.store.audit.verify() is None
