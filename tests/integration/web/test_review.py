"""Review and appeal: who may do what to whose calls, in time, by other eyes, and with one audit line each."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from qareport.model import Agents, ApiToken, Permission, UserRole
from qareport.web.reviewing import active_rules
from tests.support.desk import NOW, PASSWORD, OpenDesk

ADMIN, SUPERVISOR, ANALYST, AGENT, AUDITOR = (
    UserRole.ADMIN, UserRole.SUPERVISOR, UserRole.ANALYST, UserRole.AGENT, UserRole.AUDITOR,
)  # fmt: skip


@pytest.fixture(autouse=True)
def no_second_looks(opened: OpenDesk) -> None:
    configure(opened, blind_second=0)


def configure(opened: OpenDesk, **values: Any) -> None:
    settings = opened.desk.settings
    opened.desk.settings = replace(settings, review=replace(settings.review, **values))  # type: ignore[misc]


def findings(client: TestClient, call_id: str = "c1") -> dict[str, Any]:
    answer = client.get(f"/api/v1/calls/{call_id}/findings")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def costly(client: TestClient, call_id: str = "c1") -> dict[str, Any]:
    """Return the first finding that costs points."""
    found: dict[str, Any] = next(item for item in findings(client, call_id)["findings"] if item["points"] < 0)
    return found


def give(client: TestClient, finding_id: str, verdict: str = "rejected", call_id: str = "c1", **fields: str) -> Any:
    return client.put(f"/api/v1/calls/{call_id}/findings/{finding_id}/verdict", json={"verdict": verdict, **fields})


def audit(opened: OpenDesk, prefix: str) -> list[str]:
    return [line.action for line in reversed(opened.desk.store.audit.list(limit=200)) if line.action.startswith(prefix)]


# --- verdicts ---------------------------------------------------------------------------------------------------------


def test_verdicts_that_were_lost_with_wrong_findings_keep_no_call_from_the_queue(
    opened: OpenDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qareport.web.review_queue.MOST_CALLS", 1)
    client = opened.enter(UserRole.ANALYST)
    finding = client.get("/api/v1/calls/c3/findings").json()["findings"][0]["finding_id"]
    client.put(f"/api/v1/calls/c3/findings/{finding}/verdict", json={"verdict": "rejected"})
    with opened.desk.store.database.write() as session:
        session.execute(text("UPDATE verdicts SET stale = 1, rule_id = 'a.rule-that-is-gone'"))
    page = client.get("/review").text
    assert "/calls/c3" not in page
    assert re.search("/calls/c[124]", page)


def test_a_rejected_finding_gives_its_points_back_and_both_scores_stay(opened: OpenDesk) -> None:
    client = opened.login(SUPERVISOR)
    before, item = findings(client), costly(client)
    assert (before["reviewed"], before["score"]) == (False, before["reviewed_score"])
    assert give(client, item["finding_id"], reason="wrong_role", comment="是别人说的").status_code == 200
    after = findings(client)
    assert after["score"] == before["score"]
    assert after["reviewed_score"] == before["score"] - item["points"]
    page = client.get("/calls/c1").text
    assert f"机器评分{after['score']}分，复核后{after['reviewed_score']}分" in page
    assert "说话人判错了" in page
    assert audit(opened, "review.") == ["review.verdict"]


def test_the_same_verdict_once_more_changes_nothing(opened: OpenDesk) -> None:
    client = opened.login(SUPERVISOR)
    finding_id = costly(client)["finding_id"]
    first, second = (give(client, finding_id).json() for _ in range(2))
    assert first == second
    assert len(opened.desk.store.reviews.list("c1")) == len(audit(opened, "review.")) == 1


def test_the_newest_verdict_counts_and_the_older_ones_stay(opened: OpenDesk) -> None:
    client = opened.login(SUPERVISOR)
    finding_id = costly(client)["finding_id"]
    give(client, finding_id)
    changed = give(client, finding_id, "confirmed").json()
    assert changed["replaces"] == 1
    assert findings(client)["reviewed_score"] == findings(client)["score"]
    assert len(opened.desk.store.reviews.list("c1")) == 2


def test_a_missed_finding_takes_the_points_of_its_rule_once(opened: OpenDesk) -> None:
    client = opened.login(SUPERVISOR)
    score = findings(client)["score"]
    there = {item["rule_id"] for item in findings(client)["findings"]}
    rule = next(
        rule
        for rule in opened.desk.workspace.rule_book.ruleset.rules
        if rule.points < 0 and not rule.fatal and rule.id not in there
    )
    body = {"rule_id": rule.id, "at_ms": 4000, "comment": "电话13812345678没人接"}
    answers = [client.post("/api/v1/calls/c1/findings", json=body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert "13812345678" not in answers[0].text
    after = findings(client)
    assert after["reviewed_score"] == max(0, score + rule.points)
    (added,) = (item for item in after["findings"] if item["added"])
    assert added["quotes"] == ["我要退货，运费谁出？"]
    assert client.post("/api/v1/calls/c1/findings", json=body | {"comment": ""}).status_code == 409
    assert client.post("/api/v1/calls/c1/findings", json=body | {"at_ms": 10**7}).status_code == 422
    assert client.post("/api/v1/calls/c1/findings", json=body | {"rule_id": "no.such"}).status_code == 404
    give(client, added["finding_id"], "rejected")
    assert findings(client)["reviewed_score"] == score


@pytest.mark.parametrize(
    ("role", "call_id", "status"),
    [
        (ADMIN, "c3", 200), (ANALYST, "c3", 200), (SUPERVISOR, "c1", 200), (SUPERVISOR, "c3", 404), (AGENT, "c1", 403),
        (AGENT, "c2", 404), (AUDITOR, "c1", 403), (ANALYST, "c9", 404),
    ],
)  # fmt: skip
def test_verdicts_are_given_by_who_may_on_calls_within_their_reach(
    opened: OpenDesk, role: UserRole, call_id: str, status: int
) -> None:
    finding_id = costly(opened.login(ADMIN))["finding_id"]
    client = opened.login(role)
    assert give(client, finding_id, call_id=call_id).status_code == status
    form = client.post(f"/calls/{call_id}/findings/{finding_id}/verdict", data={"verdict": "confirmed"})
    assert form.status_code == (303 if status == 200 else status)


def test_a_finding_that_there_is_not_and_a_verdict_that_there_is_not_are_refused(opened: OpenDesk) -> None:
    client = opened.login(ANALYST)
    assert give(client, "no.such@1").status_code == 404
    finding_id = costly(client)["finding_id"]
    assert give(client, finding_id, "missed").status_code == 422
    assert give(client, finding_id, "maybe").status_code == 422
    assert give(client, finding_id, extra="1").status_code == 422
    assert client.post(f"/calls/c1/findings/{finding_id}/verdict", data={"verdict": "missed"}).status_code == 422
    assert audit(opened, "review.") == []


def test_a_token_gives_verdicts_only_with_the_scope(opened: OpenDesk) -> None:
    finding_id = costly(opened.login(ADMIN))["finding_id"]
    statuses = []
    for scopes in ([Permission.CALLS_READ], [Permission.CALLS_READ, Permission.REVIEW_WRITE]):
        token: tuple[ApiToken, str] = opened.desk.store.tokens.add(
            "t", opened.users[ANALYST].user_id, scopes, at=NOW, lasts=NOW - NOW.replace(hour=0)
        )
        client = opened.browser()
        client.headers["authorization"] = f"Bearer {token[1]}"
        statuses.append(give(client, finding_id).status_code)
    assert statuses == [403, 200]


def test_form_fields_of_a_missed_finding_take_minutes_and_seconds(opened: OpenDesk) -> None:
    client = opened.login(ANALYST)
    found = {item["rule_id"] for item in findings(client, "c3")["findings"]}
    rule_id = next(rule.id for rule in active_rules(opened.desk) if rule.id not in found)
    data = {"rule_id": rule_id, "second": "0:04"}
    assert client.post("/calls/c3/findings", data=data).headers["location"] == f"/calls/c3#finding-{rule_id}@4000"
    for wrong in ("", "abc", "1:2:3:4", "-1", "nan", "9:59"):
        assert client.post("/calls/c3/findings", data=data | {"second": wrong}).status_code == 422, wrong


# --- queue ------------------------------------------------------------------------------------------------------------


def test_the_queue_shows_each_finding_of_the_sample_until_it_has_a_verdict(opened: OpenDesk) -> None:
    client = opened.login(SUPERVISOR)
    waiting = [(c, item["finding_id"]) for c in ("c1", "c2") for item in findings(client, c)["findings"]]
    page = client.get("/review").text
    assert f"还有{len(waiting)}条要看" in page
    for call_id, finding_id in waiting:
        give(client, finding_id, "confirmed", call_id)
    page = client.get("/review").text
    assert "都看完了" in page
    assert "100%" in page


def test_the_queue_takes_so_many_calls_of_each_agent_of_the_day_asked_for(opened: OpenDesk) -> None:
    client = opened.login(ANALYST)
    configure(opened, sample_per_agent=0)
    assert "都看完了" in client.get("/review").text
    configure(opened, sample_per_agent=1)
    assert "条要看" in client.get("/review?day=2026-11-21").text
    assert "都看完了" in client.get("/review?day=2026-11-20").text
    assert client.get("/review?day=nonsense").status_code == 200


@pytest.mark.parametrize(("role", "status"), [(ADMIN, 200), (ANALYST, 200), (AGENT, 403), (AUDITOR, 403)])
def test_the_queue_is_for_reviewers(opened: OpenDesk, role: UserRole, status: int) -> None:
    assert opened.login(role).get("/review").status_code == status


def test_after_a_verdict_the_queue_goes_on_and_a_foreign_address_is_not_followed(opened: OpenDesk) -> None:
    client = opened.login(ANALYST)
    path = f"/calls/c1/findings/{costly(client)['finding_id']}/verdict"
    data = {"verdict": "confirmed"}
    onward = client.post(path, data=data | {"back": "/review?at=x"}).headers["location"]
    assert onward.startswith("/review?at=x&done=c1+finding-")
    assert "已经记下" in client.get(onward).text
    assert (
        client.post(path, data=data | {"back": "https://evil.example/review?"})
        .headers["location"]
        .startswith("/calls/c1")
    )


def test_a_second_reviewer_does_not_see_the_first_verdict_until_the_look_is_over(opened: OpenDesk) -> None:
    configure(opened, blind_second=1)
    first, second = opened.login(SUPERVISOR), opened.login(ANALYST)
    item = costly(first)
    give(first, item["finding_id"], reason="wrong_words", comment="第一次看的备注")
    assert costly(first)["verdict"]["verdict"] == "rejected"
    unseen = findings(second)
    assert costly(second)["verdict"] is None
    assert unseen["reviewed_score"] == unseen["score"]
    for path in ("/calls/c1", "/review"):
        page = second.get(path).text
        assert "第一次看的备注" not in page
    assert give(second, item["finding_id"], "confirmed").json()["blind"] is True
    assert costly(first)["verdict"]["verdict"] == "confirmed"
    assert "第一次看的备注" in second.get("/calls/c1").text
    (rule,) = opened.desk.store.reviews.precisions(Agents())
    assert (rule.pairs, rule.agreed) == (1, 0)


def test_a_finding_whose_verdict_got_stale_comes_back(opened: OpenDesk) -> None:
    client = opened.login(ANALYST)
    configure(opened, sample_per_agent=0)
    item = costly(client)
    give(client, item["finding_id"], "confirmed")
    store = opened.desk.store
    report = store.results.get("c1")
    kept = tuple(finding for finding in report.findings if finding.rule_id != item["rule_id"])
    store.results.replace("c1", "k2", replace(report, findings=kept), rules_sha256="r", snapshot="[]")
    page = client.get("/review").text
    assert "现在规则不再命中" in page
    assert client.post("/review/stale/1", data={"call_id": "c1", "verdict": "confirmed"}).status_code == 303
    assert "都看完了" in client.get("/review").text
    (added,) = (found for found in findings(client)["findings"] if found["added"])
    assert added["rule_id"] == item["rule_id"]
    assert client.post("/review/stale/1", data={"call_id": "c1", "verdict": "confirmed"}).status_code == 404


def test_a_rejected_finding_becomes_a_counterexample_that_can_be_read_again(opened: OpenDesk) -> None:
    client = opened.login(ANALYST)
    item = costly(client)
    path = f"/calls/c1/findings/{item['finding_id']}/counterexample"
    assert client.get(path).status_code == 409
    give(client, item["finding_id"])
    assert f"must_not_hit: [{item['rule_id']}]" in client.get(path).text
    text = client.get(f"{path}?download=1").text
    assert text.startswith("schema: 1\ncases:\n")
    assert opened.login(SUPERVISOR).get(path.replace("c1", "c3")).status_code == 404
    assert audit(opened, "review.counterexample") == ["review.counterexample"] * 2


def test_a_counterexample_is_written_into_the_draft_of_the_tests_where_the_rule_fails_it(opened: OpenDesk) -> None:
    client = opened.login(SUPERVISOR)
    item = costly(client)
    path = f"/calls/c1/findings/{item['finding_id']}/counterexample"
    assert client.post(path).status_code == 409
    give(client, item["finding_id"])
    answer = client.post(path)
    assert answer.status_code == 303
    file = answer.headers["location"].partition("?")[0]
    assert file.endswith(".test.yaml")
    page = client.get(answer.headers["location"]).text
    assert "例子已经写进草稿" in page
    assert f"must_not_hit: [{item['rule_id']}]" in page
    assert "1个没过" in client.post(file, data={"action": "test"}).text
    assert (
        opened.login(ANALYST).get(file).text.count(f"must_not_hit: [{item['rule_id']}]")
        == page.count(f"must_not_hit: [{item['rule_id']}]") - 1
    ), "a draft is one's own"


# --- agents -----------------------------------------------------------------------------------------------------------


def test_an_agent_acknowledges_an_own_call_once(opened: OpenDesk) -> None:
    client = opened.login(AGENT)
    assert "我看过了" in client.get("/calls/c1").text
    for _ in range(2):
        assert client.post("/calls/c1/acknowledge").status_code == 303
    assert "你已确认看过" in client.get("/calls/c1").text
    assert audit(opened, "call.acknowledge") == ["call.acknowledge"]
    assert client.post("/calls/c2/acknowledge").status_code == 404
    assert opened.login(SUPERVISOR).post("/calls/c1/acknowledge").status_code == 403


def appeal(opened: OpenDesk, comment: str = "我已经回答了") -> int:
    client = opened.login(AGENT)
    body = {"call_id": "c1", "finding_id": costly(client)["finding_id"], "comment": comment}
    answer = client.post("/api/v1/appeals", json=body)
    assert answer.status_code == 201, answer.text
    number: int = answer.json()["appeal_id"]
    return number


def decide(client: TestClient, number: int, decision: str = "upheld") -> Any:
    return client.post(f"/api/v1/appeals/{number}/decision", json={"decision": decision, "comment": "听了录音"})


def test_an_upheld_appeal_rejects_the_finding(opened: OpenDesk) -> None:
    number, client = appeal(opened), opened.login(SUPERVISOR)
    before, item = findings(client), costly(client)
    assert decide(client, number).json()["state"] == "upheld"
    assert costly(client)["verdict"]["verdict"] == "rejected"
    assert findings(client)["reviewed_score"] == before["score"] - item["points"]
    assert decide(client, number).status_code == 409
    assert audit(opened, "appeal.") == ["appeal.open", "appeal.decide"]
    assert "听了录音" in opened.login(AGENT).get("/appeals").text


def test_appeals_are_made_by_the_agent_of_the_call_alone_and_once_per_finding(opened: OpenDesk) -> None:
    number = appeal(opened)
    assert appeal(opened) == number  # the same words once more
    client = opened.login(AGENT)
    body = {"call_id": "c1", "finding_id": costly(client)["finding_id"], "comment": "又一次"}
    assert client.post("/api/v1/appeals", json=body).status_code == 409
    assert client.post("/api/v1/appeals", json=body | {"call_id": "c2"}).status_code == 404
    assert client.post("/api/v1/appeals", json=body | {"comment": " "}).status_code == 422
    assert opened.login(SUPERVISOR).post("/api/v1/appeals", json=body).status_code == 403
    assert audit(opened, "appeal.") == ["appeal.open"]


def test_a_finding_that_was_taken_back_needs_no_appeal(opened: OpenDesk) -> None:
    finding_id = costly(opened.login(ADMIN))["finding_id"]
    give(opened.login(ADMIN), finding_id)
    body = {"call_id": "c1", "finding_id": finding_id, "comment": "不对"}
    assert opened.login(AGENT).post("/api/v1/appeals", json=body).status_code == 422


def test_after_the_days_for_it_nobody_can_appeal(opened: OpenDesk) -> None:
    client = opened.login(AGENT)
    finding_id = costly(client)["finding_id"]
    # The days begin with the judgement, which is as old as this test, or with the call, whichever is later.
    opened.clock.now = max(NOW, datetime.now(UTC)) + timedelta(days=7, minutes=5)
    client = opened.login(AGENT)
    answer = client.post("/api/v1/appeals", json={"call_id": "c1", "finding_id": finding_id, "comment": "不对"})
    assert answer.status_code == 409
    assert "7" in answer.json()["detail"]


def test_an_appeal_that_nobody_decides_expires(opened: OpenDesk) -> None:
    number = appeal(opened)
    assert "还剩7天" in opened.login(SUPERVISOR).get("/appeals").text
    opened.clock.move(days=7)
    client = opened.login(SUPERVISOR)
    assert "过期未处理" in client.get("/appeals").text
    assert decide(client, number).status_code == 409
    assert audit(opened, "appeal.") == ["appeal.open", "appeal.expire"]


def test_a_dismissed_appeal_is_escalated_once_and_decided_finally_by_the_analyst(opened: OpenDesk) -> None:
    number = appeal(opened)
    agent, supervisor, analyst = (opened.login(role) for role in (AGENT, SUPERVISOR, ANALYST))
    assert agent.post(f"/api/v1/appeals/{number}/escalate").status_code == 409  # not decided yet
    decide(supervisor, number, "dismissed")
    assert agent.post(f"/api/v1/appeals/{number}/escalate").json()["level"] == 2
    assert decide(supervisor, number).status_code == 403
    assert decide(analyst, number, "dismissed").json()["state"] == "final_dismissed"
    assert agent.post(f"/api/v1/appeals/{number}/escalate").status_code == 409
    assert audit(opened, "appeal.") == ["appeal.open", "appeal.decide", "appeal.escalate", "appeal.decide"]


def test_a_dismissed_appeal_is_final_after_the_days_for_it(opened: OpenDesk) -> None:
    number = appeal(opened)
    decide(opened.login(SUPERVISOR), number, "dismissed")
    opened.clock.move(days=3)
    assert opened.login(AGENT).post(f"/api/v1/appeals/{number}/escalate").status_code == 409


@pytest.mark.parametrize(("four_eyes", "status"), [(True, 403), (False, 200)])
def test_nobody_decides_on_the_own_verdict_where_four_eyes_are_asked_for(
    opened: OpenDesk, four_eyes: bool, status: int
) -> None:
    configure(opened, four_eyes=four_eyes)
    client = opened.login(SUPERVISOR)
    give(client, costly(client)["finding_id"], "confirmed")
    number = appeal(opened)
    assert decide(client, number).status_code == status
    if four_eyes:
        assert decide(opened.login(ADMIN), number).status_code == 200


def test_nobody_decides_the_same_appeal_twice_where_four_eyes_are_asked_for(opened: OpenDesk) -> None:
    number, analyst = appeal(opened), opened.login(ANALYST)
    decide(analyst, number, "dismissed")
    opened.login(AGENT).post(f"/api/v1/appeals/{number}/escalate")
    assert decide(analyst, number).status_code == 403
    assert decide(opened.login(ADMIN), number).json()["state"] == "final_upheld"


def test_only_who_appealed_withdraws_and_may_appeal_again(opened: OpenDesk) -> None:
    number = appeal(opened)
    assert opened.login(SUPERVISOR).post(f"/api/v1/appeals/{number}/withdraw").status_code == 403
    agent = opened.login(AGENT)
    assert [agent.post(f"/api/v1/appeals/{number}/withdraw").json()["state"] for _ in range(2)] == ["withdrawn"] * 2
    assert appeal(opened, "再想了想") == number + 1
    assert audit(opened, "appeal.") == ["appeal.open", "appeal.withdraw", "appeal.open"]


def test_appeals_outside_ones_reach_do_not_exist(opened: OpenDesk) -> None:
    number = appeal(opened)
    store = opened.desk.store
    store.users.add("other", SUPERVISOR, at=NOW, password=store.users.password_of("supervisor"))
    foreign = opened.browser()
    assert foreign.post("/login", data={"name": "other", "password": PASSWORD}).status_code == 303
    assert decide(foreign, number).status_code == decide(foreign, 99).status_code == 404
    assert foreign.get("/api/v1/appeals").json()["items"] == []
    assert opened.login(AUDITOR).get("/appeals").status_code == 403
    assert [item["appeal_id"] for item in opened.login(AGENT).get("/api/v1/appeals").json()["items"]] == [number]


def test_forms_of_appeals_work_without_scripts(opened: OpenDesk) -> None:
    agent, supervisor = opened.login(AGENT), opened.login(SUPERVISOR)
    finding_id = costly(agent)["finding_id"]
    assert "我不同意，要申诉" in agent.get("/calls/c1").text
    answer = agent.post(f"/calls/c1/findings/{finding_id}/appeal", data={"comment": "不对"})
    assert answer.headers["location"] == f"/calls/c1#finding-{finding_id}"
    assert "申诉不成立" in supervisor.get("/appeals").text
    data = {"decision": "dismissed", "comment": "听过了"}
    assert supervisor.post("/appeals/1/decision", data=data).headers["location"] == "/appeals#appeal-1"
    assert "请终审" in agent.get("/appeals").text
    assert agent.post("/appeals/1/escalate").status_code == 303
    assert agent.post("/appeals/1/withdraw").status_code == 303
    assert supervisor.post("/appeals/1/decision", data=data | {"decision": "x"}).status_code == 422


# --- what others are told ---------------------------------------------------------------------------------------------


def test_both_sides_of_an_appeal_are_told_on_their_first_page(opened: OpenDesk) -> None:
    number = appeal(opened)
    supervisor, agent = opened.enter(SUPERVISOR), opened.enter(AGENT)
    assert "1件申诉等你处理" in supervisor.get("/").text
    assert "申诉等你处理" not in agent.get("/").text
    decide(supervisor, number, "dismissed")
    page = agent.get("/").text
    assert f'href="/appeals#appeal-{number}">申诉不成立：' in page
    assert "申诉不成立" not in supervisor.get("/").text  # who decided knows
    agent.post(f"/appeals/{number}/escalate")
    assert "1件申诉等你处理" in opened.enter(ANALYST).get("/").text
    assert "申诉等你处理" not in supervisor.get("/").text
    decide(opened.enter(ANALYST), number, "upheld")
    assert "终审：申诉成立" in agent.get("/").text
    assert "终审：申诉成立" in supervisor.get("/").text
    opened.clock.move(days=7)
    assert "终审" not in opened.enter(AGENT).get("/").text


def test_reports_and_documents_print_the_reviewed_score_beside_that_of_the_rules(opened: OpenDesk) -> None:
    client = opened.enter(SUPERVISOR)
    score, item = findings(client)["score"], costly(client)
    plain = client.get("/api/v1/digests/day/2026-11-21").json()
    assert all(headline["reviewed"] is None for headline in plain["headlines"])
    give(client, item["finding_id"])
    left = score - item["points"]
    digest = client.get("/api/v1/digests/day/2026-11-21").json()
    assert digest["coverage"]["reviewed"] == 1
    by_name = {headline["name"]: headline for headline in digest["headlines"]}
    assert by_name["mean_score"]["now"]["value"] == score
    assert by_name["mean_score"]["reviewed"]["value"] == (score + left) / 2
    assert {row["agent_id"]: row["reviewed_score"] and row["reviewed_score"]["value"] for row in digest["agents"]} == {
        "A1": left, "A2": None,
    }  # fmt: skip
    assert f"经复核{(score + left) / 2:.1f}" in client.get("/").text
    whole = client.get("/reports/day/2026-11-21/document").text
    assert f"经复核{left:.1f}" in whole
    assert "1通经人复核" in whole
    order = client.get("/api/v1/orders/o1/documents/html").text
    assert f"，经复核{left}（" in order
    assert opened.enter(ANALYST).get("/api/v1/digests/day/2026-11-20").json()["coverage"]["reviewed"] == 0


def test_a_damaged_verdict_appeal_job_or_line_of_the_log_is_found_by_the_check_of_the_store(opened: OpenDesk) -> None:
    store, agent = opened.desk.store, opened.enter(UserRole.AGENT)
    finding = agent.get("/api/v1/calls/c1/findings").json()["findings"][0]["finding_id"]
    appeal = {"call_id": "c1", "finding_id": finding, "comment": "当时道歉了"}
    assert agent.post("/api/v1/appeals", json=appeal).status_code == 201
    analyst = opened.enter(UserRole.ANALYST)
    analyst.put(f"/api/v1/calls/c1/findings/{finding}/verdict", json={"verdict": "confirmed"})
    analyst.post("/api/v1/exports", json={"kind": "calls"})
    assert list(store.maintenance.verify_rows()) == []
    columns = {"verdicts": "finding", "appeals": "finding", "jobs": "payload", "audit": "details"}
    with store.database.write() as session:
        for table, column in columns.items():
            session.execute(text(f"UPDATE {table} SET {column} = 'no JSON'"))  # noqa: S608 - our own words
    faults = "\n".join(store.maintenance.verify_rows())
    for what in ("verdict 1", "appeal 1", "job 1", "line of the audit log 1"):
        assert what in faults


def test_titles_of_shipped_rules_are_in_the_language_of_the_reader(opened: OpenDesk) -> None:
    client = opened.enter(UserRole.SUPERVISOR)
    titles = {finding.title for finding in opened.desk.store.results.get("c1").findings}
    assert titles
    english = {"accept-language": "en"}
    for path in ("/calls/c1", "/review", "/rules"):
        page = client.get(path, headers=english).text
        assert [title for title in titles if title in page] == [], path
    assert all(title in client.get("/calls/c1").text for title in titles)
