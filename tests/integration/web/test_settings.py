"""Users, teams, tokens and the audit log, as an administrator and an auditor use them."""

from __future__ import annotations

import ast
import csv
import io
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from qareport.model import Permission, QaState, UserRole
from qareport.store.audit import TRIMMED
from qareport.web import Desk, auditing
from qareport.web.health import SignOfLife
from qareport.web.ingest import server
from qareport.web.pages.settings import CONVENTIONS
from qareport.workflows.workspace import Workspace
from tests.support.desk import OpenDesk
from tests.support.paths import ROOT

SECRET = re.compile(r'<code class="secret">([^<]+)</code>')


def secret_on(page: str) -> str:
    found = SECRET.search(page)
    assert found is not None, page
    return found.group(1)


def log_in(opened: OpenDesk, name: str, password: str) -> tuple[TestClient, int]:
    client = opened.browser()
    return client, client.post("/login", data={"name": name, "password": password}).status_code


def test_a_new_supervisor_logs_in_with_the_shown_password_and_sees_the_team(opened: OpenDesk) -> None:
    admin = opened.enter(UserRole.ADMIN)
    form = {"name": "zhang", "role": "supervisor", "display": "张三", "teams": ["blue"]}
    password = secret_on(admin.post("/settings/users", data=form).text)
    client, status = log_in(opened, "zhang", password)
    assert status == 303
    assert "c3" in client.get("/calls").text
    assert client.get("/calls/c1").status_code == 404
    assert password not in admin.get("/settings/users").text


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"name": "", "role": "analyst"}, "名称没有填"),
        ({"name": "x", "role": "king"}, "角色没有填"),
        ({"name": "admin", "role": "analyst"}, "已经有用户"),
    ],
)
def test_a_wrong_new_user_is_refused_and_what_was_typed_stays(
    opened: OpenDesk, form: dict[str, str], said: str
) -> None:
    answer = opened.enter(UserRole.ADMIN).post("/settings/users", data=form | {"display": "张三"})
    assert answer.status_code == 422
    assert said in answer.text
    assert 'value="张三"' in answer.text


def test_another_role_counts_at_once_and_ends_the_sessions(opened: OpenDesk) -> None:
    analyst = opened.enter(UserRole.ANALYST)
    number = opened.users[UserRole.ANALYST].user_id
    form = {"role": "agent", "display": "x", "agent_id": "B1"}
    assert opened.enter(UserRole.ADMIN).post(f"/settings/users/{number}", data=form).status_code == 303
    assert analyst.get("/calls").status_code == 303
    assert opened.desk.store.users.get(number).role is UserRole.AGENT


@pytest.mark.parametrize(
    ("path", "form"), [("", {"role": "analyst", "display": "x"}), ("/state", {"state": "disabled"})]
)
def test_the_only_administrator_stays(opened: OpenDesk, path: str, form: dict[str, str]) -> None:
    admin = opened.enter(UserRole.ADMIN)
    answer = admin.post(f"/settings/users/{opened.users[UserRole.ADMIN].user_id}{path}", data=form)
    assert answer.status_code == 422
    assert "唯一的管理员" in answer.text
    assert admin.get("/settings/users").status_code == 200


def test_a_disabled_user_is_out_until_enabled_again(opened: OpenDesk) -> None:
    admin, path = opened.enter(UserRole.ADMIN), f"/settings/users/{opened.users[UserRole.AGENT].user_id}"
    password = secret_on(admin.post(f"{path}/password").text)
    admin.post(f"{path}/state", data={"state": "disabled"})
    assert log_in(opened, "agent", password)[1] == 401
    admin.post(f"{path}/state", data={"state": "enabled"})
    assert log_in(opened, "agent", password)[1] == 303


def test_agents_that_join_a_team_are_seen_by_who_looks_after_it(opened: OpenDesk) -> None:
    supervisor, admin = opened.enter(UserRole.SUPERVISOR), opened.enter(UserRole.ADMIN)
    assert supervisor.get("/calls/c3").status_code == 404
    admin.post("/settings/teams", data={"team_id": "red", "name": "红队", "agents": "A1，A2\nB1"})
    assert supervisor.get("/calls/c3").status_code == 200
    admin.post("/settings/teams/red/delete")
    assert supervisor.get("/calls/c1").status_code == 404


def test_teams_of_a_file_are_read_and_no_page_changes_them(tmp_path: Path, opened: OpenDesk) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "teams.yaml").write_text("teams: [{id: red, name: 红队, agents: [B1]}]\n", "utf-8")
    with Workspace.open(config=config, store=f"sqlite:///{tmp_path / 'q.db'}") as workspace:
        in_file = OpenDesk(desk=Desk(workspace, clock=opened.clock), clock=opened.clock, users=opened.users)
        assert [(team.team_id, team.agents) for team in in_file.desk.store.teams.list()] == [("red", ("B1",))]
        assert in_file.enter(UserRole.SUPERVISOR).get("/calls/c3").status_code == 200
        admin = in_file.enter(UserRole.ADMIN)
        page = admin.get("/settings/teams").text
        assert "config/teams.yaml" in page
        assert "<form" not in page.split("<main")[1]
        assert admin.post("/settings/teams", data={"team_id": "red", "agents": "A1"}).status_code == 422
        assert admin.post("/settings/teams/red/delete").status_code == 409


def test_the_page_of_live_calls_says_where_they_come_in_and_whether_anything_listens(opened: OpenDesk) -> None:
    admin, folder = opened.enter(UserRole.ADMIN), Path(opened.desk.settings.desk.folder)
    assert "识别服务没有在运行" in admin.get("/settings/live").text
    SignOfLife(state="ready").leave(folder)
    assert "没有打开接收声音的端口" in admin.get("/settings/live").text
    SignOfLife(state="ready", live_ports={"live": 18711}).leave(folder)
    page = admin.get("/settings/live").text
    assert "正在接收，现在有0通电话" in page
    assert re.findall('"address">ws://127.0.0.1:18711/live/([a-z]+)<', page) == [name for name, *_ in CONVENTIONS]
    assert {name for name, *_ in CONVENTIONS} == set(server._CONVENTIONS)


def test_a_token_is_shown_once_does_what_it_may_and_is_revoked(opened: OpenDesk) -> None:
    admin = opened.enter(UserRole.ADMIN)
    form = {"name": "工单系统", "user": "admin", "days": "30", "scopes": ["calls:read", "rules:read"]}
    secret = secret_on(admin.post("/settings/tokens", data=form).text)
    page = admin.get("/settings/tokens").text
    assert secret not in page
    assert "上传录音，改通话信息 <code>calls:write</code>" in page
    program = opened.browser()
    program.headers["authorization"] = f"Bearer {secret}"
    assert program.get("/api/v1/me").json()["token"] == form["name"]
    assert program.post("/api/v1/tokens", json={"name": "more", "scopes": ["calls:read"]}).status_code == 403
    assert program.get("/api/v1/audit").status_code == 403
    number = opened.desk.store.tokens.list()[0].token_id
    admin.post(f"/settings/tokens/{number}/revoke")
    assert program.get("/api/v1/me").status_code == 401


def test_a_token_made_when_tokens_could_delete_calls_and_change_settings_may_do_neither(opened: OpenDesk) -> None:
    tokens, admin = opened.desk.store.tokens, opened.users[UserRole.ADMIN]
    old = (Permission.CALLS_READ, Permission.CALLS_DELETE, Permission.SETTINGS_WRITE)
    made, secret = tokens.add("old", admin.user_id, old, at=opened.clock.now, lasts=timedelta(days=9))
    assert made.scopes == (Permission.CALLS_READ,)
    program = opened.browser()
    program.headers["authorization"] = f"Bearer {secret}"
    assert program.get("/api/v1/users").status_code == 403
    assert program.get("/api/v1/calls").status_code == 200
    call_id = program.get("/api/v1/calls").json()["items"][0]["call_id"]
    assert program.delete(f"/api/v1/calls/{call_id}", params={"confirm": call_id}).status_code == 403
    shown = opened.enter(UserRole.ADMIN).get("/settings/tokens").text
    assert "calls:delete" not in shown
    assert "settings:write" not in shown


@pytest.mark.parametrize(
    "form",
    [
        {"name": "t"},
        {"name": "", "scopes": "x"},
        *({"name": "t", "scopes": scope} for scope in ("appeals:write", "calls:delete", "settings:write")),
    ],
)
def test_a_token_that_may_do_nothing_or_too_much_is_not_made(opened: OpenDesk, form: dict[str, str]) -> None:
    assert opened.enter(UserRole.ADMIN).post("/settings/tokens", data=form).status_code == 422
    assert opened.desk.store.tokens.list() == ()


def test_an_auditor_lands_on_the_log_filters_it_and_takes_it_out(opened: OpenDesk) -> None:
    opened.enter(UserRole.ADMIN).post("/settings/users", data={"name": "=cmd|x", "role": "agent", "agent_id": "A1"})
    auditor = opened.enter(UserRole.AUDITOR)
    assert auditor.get("/").headers["location"] == "/audit"
    page = auditor.get("/audit", params={"action": "users."}).text
    assert ">用户 =cmd|x</a>" in page
    assert "<small>角色：客服</small>" in page
    assert "日志完整" in page
    assert "没有这样的记录" in auditor.get("/audit", params={"actor": "nobody"}).text
    assert "没有这样的记录" in auditor.get("/audit", params={"until": "2026-11-01"}).text
    rows = list(csv.DictReader(io.StringIO(auditor.get("/audit/export").content.decode("utf-8-sig"))))
    assert [row["action"] for row in rows] == ["audit.export", "users.add"]
    assert rows[1]["object"] == "user:=cmd|x"
    lines = auditor.get("/audit/export", params={"format": "jsonl", "action": "users.add"}).text.splitlines()
    assert len(lines) == 1


def test_every_action_of_the_log_is_called_by_words() -> None:
    known = {code for _, group in auditing.GROUPS for code in group}
    made = set(recorded_actions(ROOT / "qareport")) | {TRIMMED}
    assert "calls.search_number" in made
    assert made <= known
    assert {f"qa.{state}" for state in QaState} <= known


def recorded_actions(folder: Path) -> Iterator[str]:
    """Yield the actions that the code writes into the log."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name not in ("record", "entry", "_record", "_entry", "AuditEntry", "original_of"):
                continue
            said = [*node.args[:3], *(keyword.value for keyword in node.keywords if keyword.arg == "action")]
            words = [str(each.value) for each in said if isinstance(each, ast.Constant)]
            yield from (word for word in words if re.fullmatch(r"[a-z]+(\.[a-z_]+)?", word))


def test_a_cell_that_a_spreadsheet_would_compute_is_disarmed(opened: OpenDesk) -> None:
    opened.browser().post("/login", data={"name": "=HYPERLINK(1)", "password": "x"})
    text = opened.enter(UserRole.AUDITOR).get("/audit/export").text
    assert "'=HYPERLINK(1)" in text


def test_a_changed_line_of_the_log_is_named(opened: OpenDesk) -> None:
    opened.browser().post("/login", data={"name": "x", "password": "x"})
    from sqlalchemy import text

    with opened.desk.store.database.write() as session:
        session.execute(text("UPDATE audit SET actor = 'somebody else'"))
    auditor = opened.enter(UserRole.AUDITOR)
    assert "第 1 行被改动过" in auditor.get("/audit").text
    assert auditor.get("/api/v1/audit/verify").json()["whole"] is False


def test_a_new_team_takes_the_place_of_none(opened: OpenDesk) -> None:
    client, teams = opened.enter(UserRole.ADMIN), opened.desk.store.teams.list
    before = teams()
    answer = client.post("/settings/teams", data={"new": "true", "team_id": "red", "name": "x", "agents": ""})
    assert answer.status_code == 422
    assert "已经有团队 red 了" in answer.text
    assert teams() == before
    assert client.post("/settings/teams", data={"team_id": "red", "name": "x", "agents": "A1"}).status_code == 303


def test_a_form_names_its_fields_as_the_page_does_and_an_agent_has_a_number(opened: OpenDesk) -> None:
    client = opened.enter(UserRole.ADMIN)
    assert "能做什么没有填" in client.post("/settings/tokens", data={"name": "x", "user": "1", "days": "9"}).text
    answer = client.post("/settings/users", data={"name": "new", "role": "agent"})
    assert answer.status_code == 422
    assert "就要填客服工号" in answer.text
    assert client.post("/settings/users", data={"name": "new", "role": "agent", "agent_id": "A2"}).status_code == 200
