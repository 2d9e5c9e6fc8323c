"""The heat map counts the calls that may be seen, and each square leads to exactly the calls that it counts."""

from __future__ import annotations

import html
import re

import pytest

from qareport.model import UserRole
from tests.support.desk import OpenDesk

NOVEMBER = {"from": "2026-11-01", "to": "2026-11-30"}
#: Calls that each role sees.
SEEN = {UserRole.ADMIN: 4, UserRole.SUPERVISOR: 2, UserRole.AGENT: 1}


def _squares(page: str) -> list[tuple[str, int]]:
    return [
        (html.unescape(address), int(count))
        for address, count in re.findall(r'<a href="(/calls\?[^"]*)"[^>]*>(\d+)</a>', page)
    ]


@pytest.mark.parametrize("role", SEEN)
def test_a_square_leads_to_as_many_calls_as_it_counts(opened: OpenDesk, role: UserRole) -> None:
    client = opened.login(role)
    squares = _squares(client.get("/heat", params=NOVEMBER).text)
    assert any("emotion" in address for address, _ in squares)
    for address, count in squares:
        assert f"共{count}通电话" in client.get(address).text, address
    assert max(count for _, count in squares) == SEEN[role]


def test_a_stage_has_a_tab_of_its_own_whose_squares_lead_to_its_calls(opened: OpenDesk) -> None:
    client = opened.login(UserRole.ADMIN)
    heat = client.get("/api/v1/heat", params=NOVEMBER).json()["heat"]
    for stage, calls in heat["total"]["stages"]:
        page = client.get("/heat", params={**NOVEMBER, "stage": stage}).text
        assert all(f"共{count}通电话" in client.get(address).text for address, count in _squares(page))
        own = client.get("/api/v1/heat", params={**NOVEMBER, "stage": stage}).json()["heat"]
        assert own["total"]["calls"] == calls
    nothing = client.get("/api/v1/heat", params={**NOVEMBER, "stage": "没有这个环节"}).json()["heat"]
    assert nothing["total"]["calls"] == 0


def test_a_team_narrows_the_map_and_a_foreign_team_does_not_exist(opened: OpenDesk) -> None:
    admin = opened.login(UserRole.ADMIN)
    blue = admin.get("/api/v1/heat", params={**NOVEMBER, "team": "blue"}).json()["heat"]
    assert blue["total"]["calls"] == 1
    supervisor = opened.login(UserRole.SUPERVISOR)
    assert supervisor.get("/api/v1/heat", params={**NOVEMBER, "team": "blue"}).status_code == 404
    assert supervisor.get("/heat", params={**NOVEMBER, "team": "blue"}).status_code == 404
    assert supervisor.get("/heat", params={**NOVEMBER, "team": "red"}).status_code == 200


def test_days_without_calls_say_so(opened: OpenDesk) -> None:
    page = opened.login(UserRole.ADMIN).get("/heat", params={"from": "2026-01-01", "to": "2026-01-31"}).text
    assert "这段时间没有通话" in page


def test_days_that_are_no_days_and_ends_before_beginnings_still_give_a_map(opened: OpenDesk) -> None:
    client = opened.login(UserRole.ADMIN)
    assert client.get("/heat", params={"from": "yesterday", "to": "2026-13-99"}).status_code == 200
    swapped = client.get("/api/v1/heat", params={"from": "2026-11-30", "to": "2026-11-01"}).json()
    assert (swapped["period"]["first"], swapped["period"]["last"]) == ("2026-11-01", "2026-11-30")


def test_who_may_see_no_calls_sees_no_heat_map(opened: OpenDesk) -> None:
    assert opened.login(UserRole.AUDITOR).get("/heat").status_code == 403


def test_issues_and_stages_of_the_program_are_written_in_the_language_of_the_page(opened: OpenDesk) -> None:
    client = opened.login(UserRole.ADMIN)
    chinese, english = (client.get("/heat", headers={"accept-language": language}).text for language in ("zh", "en"))
    assert '<th scope="row">退换货</th>' in chinese
    assert '<th scope="row">退换货</th>' not in english
    assert '<th scope="row">return or exchange</th>' in english
