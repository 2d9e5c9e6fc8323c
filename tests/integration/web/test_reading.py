"""The API gives programs what pages show, masked, as far as it may be seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qareport.model import UserRole
from tests.support.desk import OpenDesk

PARTS = ["", "/transcript", "/report", "/tags", "/documents/json"]


@pytest.mark.parametrize("part", PARTS)
def test_each_part_of_a_call_is_there_for_who_may_see_it(opened: OpenDesk, part: str) -> None:
    client = opened.login(UserRole.SUPERVISOR)
    assert client.get(f"/api/v1/calls/c1{part}").status_code == 200
    foreign = client.get(f"/api/v1/calls/c3{part}")
    assert (foreign.status_code, foreign.json()["code"]) == (404, "not_found")
    assert client.get(f"/api/v1/calls/c9{part}").json()["detail"] == foreign.json()["detail"].replace("c3", "c9")


def test_a_list_is_a_page_with_the_place_where_the_next_begins(opened: OpenDesk) -> None:
    client = opened.login(UserRole.ADMIN)
    first = client.get("/api/v1/calls", params={"limit": 3}).json()
    second = client.get("/api/v1/calls", params={"limit": 3, "after": first["next"]}).json()
    assert [call["call_id"] for call in first["items"] + second["items"]] == ["c4", "c3", "c2", "c1"]
    assert (second["next"], first["total"], first["total_is"]) == (None, 4, "exact")


def test_a_query_that_cannot_be_read_and_an_unknown_parameter_are_refused(opened: OpenDesk) -> None:
    client = opened.login(UserRole.ADMIN)
    wrong = client.get("/api/v1/calls", params={"q": "emotion:HUNGRY"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "query_error")
    assert client.get("/api/v1/calls", params={"colour": "red"}).status_code == 422
    assert client.get("/api/v1/calls", params={"limit": 201}).status_code == 422


def test_tags_are_few_short_sorted_and_each_has_its_words(opened: OpenDesk) -> None:
    tags = opened.login(UserRole.ADMIN).get("/api/v1/calls/c1/tags").json()
    assert {"问题/退换货", "情绪/ANGRY"} <= set(tags["tags"])
    assert tags["tags"] == sorted(tags["tags"])[:20]
    assert max(map(len, tags["tags"])) <= 50
    evidence = {item["tag"]: item for item in tags["evidence"]}
    assert "退货" in evidence["问题/退换货"]["quote"]
    assert evidence["情绪/ANGRY"]["role"] == "customer"
    assert set(evidence) <= set(tags["tags"])


def test_a_finding_that_a_reviewer_rejected_is_no_tag_any_more(opened: OpenDesk) -> None:
    client = opened.enter(UserRole.ADMIN)
    before = client.get("/api/v1/calls/c1/tags").json()
    (rule,) = [tag for tag in before["tags"] if tag.startswith("规则/")][:1]
    findings = client.get("/api/v1/calls/c1/findings").json()["findings"]
    for finding in findings:
        if f"规则/{finding['rule_id']}" == rule:
            body = {"verdict": "rejected", "reason": "wrong_rule"}
            answer = client.put(f"/api/v1/calls/c1/findings/{finding['finding_id']}/verdict", json=body)
            assert answer.status_code == 200, answer.text
    after = client.get("/api/v1/calls/c1/tags").json()
    assert (before["reviewed"], after["reviewed"]) == (False, True)
    assert set(before["tags"]) - set(after["tags"]) == {rule}
    assert rule not in {item["tag"] for item in after["evidence"]}


def test_the_ticket_of_a_call_is_with_its_tags_and_on_its_page(opened: OpenDesk) -> None:
    calls, client = opened.desk.store.calls, opened.enter(UserRole.ADMIN)
    known, _ = calls.list_recordings(["c1"])["c1"]
    calls.put(replace(known, external_ref="T-<b>42"))
    assert client.get("/api/v1/calls/c1/tags").json()["external_ref"] == "T-<b>42"
    assert client.get("/api/v1/calls/c2/tags").json()["external_ref"] is None
    assert "<dt>工单号</dt><dd>T-&lt;b&gt;42</dd>" in client.get("/calls/c1").text
    assert "工单号" not in client.get("/calls/c2").text


def test_who_may_see_no_calls_is_refused(opened: OpenDesk) -> None:
    client = opened.login(UserRole.AUDITOR)
    for path in ("calls", "calls/c1", "orders/o1", "heat", "digests/day/2026-11-21"):
        assert client.get(f"/api/v1/{path}").status_code == 403, path


def test_who_is_not_known_is_told_so(opened: OpenDesk) -> None:
    assert opened.browser().get("/api/v1/calls").status_code == 401


def test_programs_learn_at_which_character_a_query_goes_wrong(opened: OpenDesk) -> None:
    answer = opened.enter(UserRole.ADMIN).get("/api/v1/calls", params={"q": "退货 ((("}).json()
    assert (answer["code"], answer["errors"][0]["at"]) == ("query_error", "q:7")
