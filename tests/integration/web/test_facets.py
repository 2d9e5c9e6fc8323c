"""The form beside the list of calls makes a query; what it offers is counted of the calls that may be seen."""

from __future__ import annotations

import re

import pytest

from qareport.model import UserRole
from tests.support.desk import OpenDesk


@pytest.mark.parametrize(
    ("choice", "calls"),
    [
        ({"agent": "A1"}, 1), ({"team": "red"}, 2), ({"team": "blue", "agent": "A1"}, 0), ({"issue": "退换货"}, 4),
        ({"issue": "退换货", "agent": "B1"}, 1), ({"emotion": "ANGRY"}, 4),
        ({"from": "2026-11-21", "to": "2026-11-21"}, 4),
        ({"from": "2026-11-22"}, 0), ({"to": "2026-11-20"}, 0), ({"q": "退货 OR 运费", "team": "red"}, 2),
        ({"issue": "没有这样的问题"}, 0),
    ],
)  # fmt: skip
def test_what_is_chosen_is_what_is_listed(opened: OpenDesk, choice: dict[str, str], calls: int) -> None:
    page = opened.login(UserRole.ADMIN).get("/calls", params={**choice, "in": "call"})
    assert page.status_code == 200
    assert f"共{calls}通电话" in page.text


def test_what_is_offered_is_counted_of_the_calls_that_may_be_seen(opened: OpenDesk) -> None:
    admin, supervisor = (opened.login(role).get("/calls").text for role in (UserRole.ADMIN, UserRole.SUPERVISOR))
    assert "退换货 (4)" in admin
    assert "退换货 (2)" in supervisor
    assert "B1" in admin
    assert "B1" not in supervisor
    assert "blue" not in supervisor


def test_pages_of_a_facet_follow_each_other_without_gap_or_repetition(opened: OpenDesk) -> None:
    client = opened.login(UserRole.ADMIN)
    for sort in ("-started", "started", "score"):
        seen, after = [], ""
        while True:
            page = client.get(
                "/api/v1/calls", params={"q": "issue:退换货 emotion:ANGRY", "sort": sort, "limit": 1, "after": after}
            ).json()
            seen += [call["call_id"] for call in page["items"]]
            assert (page["total"], page["total_is"]) == (4, "exact")
            after = page["next"]
            if after is None:
                break
        assert sorted(seen) == ["c1", "c2", "c3", "c4"]


def test_a_call_without_an_agent_is_not_of_an_agent(opened: OpenDesk) -> None:
    page = opened.login(UserRole.ADMIN).get("/api/v1/calls", params={"q": "NOT agent:A1"}).json()
    assert {call["call_id"] for call in page["items"]} == {"c2", "c3", "c4"}


def test_a_call_that_is_deleted_is_filed_under_nothing_any_more(opened: OpenDesk) -> None:
    store = opened.desk.store
    store.deletion.delete(store.deletion.find_calls(order="o2"), by="order", selector="o2", now=opened.clock.now)
    client = opened.login(UserRole.ADMIN)
    assert client.get("/api/v1/calls", params={"q": "issue:退换货"}).json()["total"] == 3
    assert "退换货 (3)" in client.get("/calls").text


def test_who_searches_for_a_person_by_number_is_noted_without_the_number_and_told_what_helps(opened: OpenDesk) -> None:
    client = opened.enter(UserRole.SUPERVISOR)
    assert "按号码搜不到" in client.get("/calls", params={"q": "13812345678 退货"}).text
    assert "按号码搜不到" not in client.get("/calls", params={"q": "退货 order:20261105318204"}).text
    client.get("/api/v1/calls", params={"q": "13812345678"})
    noted = opened.desk.store.audit.list(limit=9)
    assert [(entry.action, entry.details["query"]) for entry in noted] == [
        ("calls.search_number", "[电话]"), ("calls.search_number", "[电话] 退货"),
    ]  # fmt: skip


def test_a_sentence_that_was_found_is_shown_with_who_said_it_and_how(opened: OpenDesk) -> None:
    page = opened.enter(UserRole.SUPERVISOR).get("/calls", params={"q": "愤怒"}).text
    assert '<small>客户</small> <span lang="zh">' in page
    assert '<span class="tag-ANGRY" data-word="愤怒">[ANGRY]</span>' in page


def test_who_finds_nothing_or_writes_what_cannot_be_read_is_told_how_to_go_on(opened: OpenDesk) -> None:
    client = opened.enter(UserRole.SUPERVISOR)
    nothing = client.get("/calls", params={"q": "没有这样的词"}).text
    assert re.search('<a href="/calls[?]q=[^"]*in=call">在同一通电话里找</a>', nothing)
    assert "在同一通电话里找</a>" not in client.get("/calls", params={"q": "没有这样的词", "in": "call"}).text
    assert "最简单的写法" in client.get("/calls", params={"q": "("}).text
