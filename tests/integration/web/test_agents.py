"""An agent's page tells of the own calls alone, to who may see them."""

from __future__ import annotations

import re

import pytest

from qareport.model import UserRole
from tests.support.desk import OpenDesk


@pytest.mark.parametrize(
    ("role", "agent", "status"),
    [
        (UserRole.ADMIN, "B1", 200), (UserRole.SUPERVISOR, "A2", 200), (UserRole.SUPERVISOR, "B1", 404),
        (UserRole.AGENT, "A1", 200), (UserRole.AGENT, "A2", 404), (UserRole.AUDITOR, "A1", 403),
        (UserRole.ADMIN, "Z9", 404),
    ],
)  # fmt: skip
def test_an_agent_is_there_for_who_may_see_the_calls(opened: OpenDesk, role: UserRole, agent: str, status: int) -> None:
    assert opened.login(role).get(f"/agents/{agent}").status_code == status


def test_the_page_shows_losses_with_the_second_to_listen_to(opened: OpenDesk) -> None:
    client = opened.login(UserRole.SUPERVISOR)
    page = client.get("/agents/A1").text
    assert re.search(r'href="http://127\.0\.0\.1:8710/calls/c1\?t=\d+"', page)
    assert "建议话术" in page
    assert not re.search(r">[^<]*\b(c2|c3|A2|B1)\b|/(c2|c3|A2|B1)\b", page)
    assert re.search(r"听完的通话</span>\s*<strong>1</strong>", page)
