"""Everyone sees what their role shows them: what lies outside does not exist, what lies inside may still be refused."""

from __future__ import annotations

import pytest

from qareport.model import GRANTS, Permission, UserRole
from tests.support.desk import CALLS, OpenDesk

#: The calls that each role sees: the supervisor those of her team, the agent his own, the auditor none.
SEEN = {
    UserRole.ADMIN: {"c1", "c2", "c3", "c4"},
    UserRole.SUPERVISOR: {"c1", "c2"},
    UserRole.ANALYST: {"c1", "c2", "c3", "c4"},
    UserRole.AGENT: {"c1"},
}


@pytest.mark.parametrize("role", SEEN)
def test_a_call_page_is_there_for_who_may_see_the_call(opened: OpenDesk, role: UserRole) -> None:
    client = opened.login(role)
    statuses = {call_id: client.get(f"/calls/{call_id}").status_code for call_id, *_ in CALLS}
    assert statuses == {call_id: 200 if call_id in SEEN[role] else 404 for call_id, *_ in CALLS}


@pytest.mark.parametrize(
    ("language", "said"),
    [("zh-CN", "您的角色没有这项权限：导出数据"), ("en", "your role does not include this: export data")],
)
def test_who_may_not_do_a_thing_reads_what_it_is(opened: OpenDesk, language: str, said: str) -> None:
    answer = opened.enter(UserRole.AGENT).get("/exports", headers={"accept-language": language})
    assert answer.status_code == 403
    assert said in answer.text
    assert "exports:write" not in answer.text


def test_a_call_that_may_not_be_seen_answers_as_one_that_does_not_exist(opened: OpenDesk) -> None:
    client = opened.login(UserRole.AGENT)
    foreign, unknown = client.get("/calls/c3"), client.get("/calls/c9")
    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert foreign.text.replace("c3", "c9") == unknown.text


@pytest.mark.parametrize("role", SEEN)
@pytest.mark.parametrize("query", ["", "退货", "[ANGRY]", "risk:high OR risk:medium OR risk:low"])
def test_lists_and_their_counts_hold_what_may_be_seen(opened: OpenDesk, role: UserRole, query: str) -> None:
    page = opened.login(role).get("/calls", params={"q": query}).text
    assert {call_id for call_id, *_ in CALLS if f'href="/calls/{call_id}"' in page} == SEEN[role]
    assert f"共{len(SEEN[role])}通电话" in page


def test_calls_of_an_order_that_may_not_be_seen_are_left_out_of_its_call_page(opened: OpenDesk) -> None:
    assert "c2" not in opened.login(UserRole.AGENT).get("/calls/c1").text


def test_who_may_see_no_calls_is_refused(opened: OpenDesk) -> None:
    client = opened.login(UserRole.AUDITOR)
    assert client.get("/calls").status_code == 403
    assert client.get("/calls/c1").status_code == 403


@pytest.mark.parametrize("path", ["/", "/calls", "/calls/c1", "/account"])
def test_who_is_not_logged_in_is_sent_to_the_log_in_page(opened: OpenDesk, path: str) -> None:
    answer = opened.browser().get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next={path}")


def test_every_role_has_its_grants_and_every_permission_someone_who_has_it() -> None:
    assert set(GRANTS) == set(UserRole)
    assert {right for grants in GRANTS.values() for right in grants} == set(Permission)
