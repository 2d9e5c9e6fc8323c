"""The rule editor works without scripts, refuses who may not, and publishes what was seen."""

from __future__ import annotations

import queue
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from qareport.model import UserRole
from qareport.rules import Replay
from qareport.workflows.rule_background import ReplayRun
from tests.support.desk import OpenDesk, open_desk
from tests.support.patience import wait_for
from tests.support.rule_folder import RULES, make_config

MORE = RULES.replace("[投诉, 曝光]", "[投诉, 曝光, 三遍]")
URL, API = "/rules/returns.yaml", "/api/v1/rules"


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenDesk]:
    monkeypatch.setattr("qareport.web.pages.rules._AT_ONCE_S", 60.0)  # a busy machine may take longer than users wait
    with open_desk(tmp_path, config=make_config(tmp_path)) as desk:
        yield desk


def work(client: TestClient, action: str, **fields: str) -> str:
    answer = client.post(URL, data={"action": action, **fields})
    assert answer.status_code in (200, 303), answer.text
    return answer.text


def needs(page: str) -> list[str]:
    """Return what the box of publication says is done and what is not, by their first words."""
    return [f"{mark} {what.strip()}" for mark, what in re.findall(r"<strong>([✓✗]) [^<]+</strong> ([^<：]+)", page)]


def test_what_is_still_needed_is_said_of_a_draft_with_errors_and_while_a_replay_is_under_way(opened: OpenDesk) -> None:
    client, desk = opened.login(UserRole.ADMIN), opened.desk.rules.desk
    with desk._turn(opened.users[UserRole.ADMIN].user_id):  # as a replay of theirs takes it
        assert needs(work(client, "save", text=MORE))[:3] == ["✓ 检查", "✗ 测试", "✗ 回放"]
    assert needs(client.get(URL).text)[1] == "✓ 测试"
    broken = work(client, "save", text=RULES.replace("severity: minor", "severity: bad"))
    assert needs(broken)[:3] == ["✗ 检查", "✗ 测试", "✗ 回放"]
    assert "检查：1处错误" in broken


def test_why_a_call_was_found_is_a_link_away(opened: OpenDesk) -> None:
    page = opened.enter(UserRole.SUPERVISOR).get("/calls/c1").text
    link = re.findall(r'href="(/rules/returns[^"]+rule=returns.complaint)#panel">为什么这样判', page)[0]
    answer = opened.enter(UserRole.SUPERVISOR).get(link.replace("&amp;", "&")).text
    assert "<h2>解释的结果</h2>" in answer
    assert "returns.complaint" in answer
    assert "为什么这样判" not in opened.enter(UserRole.AGENT).get("/calls/c1").text
    assert opened.enter(UserRole.SUPERVISOR).get(f"{URL}?tab=explain&call=c3").status_code == 404


#: Status of each thing that is asked for, by role.
ALLOWED = {
    UserRole.ADMIN: {"list": 200, "read": 200, "lint": 200, "publish": 422},
    UserRole.SUPERVISOR: {"list": 200, "read": 200, "lint": 200, "publish": 422},
    UserRole.ANALYST: {"list": 200, "read": 200, "lint": 200, "publish": 403},
    UserRole.AGENT: {"list": 200, "read": 200, "lint": 403, "publish": 403},
    UserRole.AUDITOR: {"list": 403, "read": 403, "lint": 403, "publish": 403},
}


@pytest.mark.parametrize("role", ALLOWED)
def test_everyone_may_what_their_role_grants(opened: OpenDesk, role: UserRole) -> None:
    client = opened.login(role)
    body = {"text": RULES, "reason": "x"}
    api = {
        "list": client.get(f"{API}/files").status_code,
        "read": client.get(f"{API}/files/returns.yaml").status_code,
        "lint": client.post(f"{API}/lint", json={"files": {}}).status_code,
        "publish": client.put(f"{API}/files/returns.yaml", json=body).status_code,
    }
    pages = {
        "list": client.get("/rules").status_code,
        "read": client.get(URL).status_code,
        "lint": client.post(URL, data={"action": "check"}).status_code,
        "publish": client.post(URL, data={"action": "publish", "reason": "x"}).status_code,
    }
    # An API publication without If-Match is a conflict before it is anything else.
    assert api == ALLOWED[role] | ({"publish": 409} if ALLOWED[role]["publish"] == 422 else {})
    assert pages == ALLOWED[role]


def test_a_rule_is_edited_tried_and_published_without_scripts(opened: OpenDesk) -> None:
    client = opened.login(UserRole.SUPERVISOR)
    assert "客户要投诉" in client.get("/rules").text
    page = client.get(URL + "?tab=form&rule=returns.complaint").text
    assert 'name="words:when/customer says/any"' in page
    assert "没有要发布的" in page
    form = {"form": "edit", "rule_id": "returns.complaint", "words:when/customer says/any": "投诉、曝光、三遍"}
    answer = client.post("/rule-forms/returns.yaml", data=form)
    assert answer.headers["location"].endswith("#publish")
    assert needs(client.get(answer.headers["location"]).text) == [
        "✓ 检查",
        "✓ 测试",
        "✗ 回放",
        "✗ 写明为什么改（写在下面）",
    ]
    assert "三遍" in work(client, "diff")
    assert "没有问题" in work(client, "check")
    assert "2个通过，0个没过" in work(client, "test")
    assert "returns.complaint" in work(client, "explain", call_id="c1", rule_id="returns.complaint")
    assert client.post(URL, data={"action": "publish", "reason": "客户常说"}).status_code == 422
    replayed = work(client, "replay")
    assert "2通电话，2通有变化" in replayed  # those of her team
    assert needs(replayed)[:3] == ["✓ 检查", "✓ 测试", "✓ 回放"]
    answer = client.post(URL, data={"action": "publish", "reason": "客户常说"})
    assert (answer.status_code, answer.headers["location"]) == (303, URL + "?tab=published")
    assert (opened.desk.workspace.rules_dir / "returns.yaml").read_text("utf-8") == MORE
    (line,) = opened.desk.store.audit.list(action="rules.")
    assert (line.actor, line.action, line.object, line.details["reason"]) == (
        "supervisor", "rules.publish", "rules:returns.yaml", "客户常说",
    )  # fmt: skip
    assert client.post("/rules").status_code == 303
    assert "排队中" in client.get("/rules").text


@dataclass
class SlowReplay:
    """A replay of an administrator that walks through a thousand calls, when it is let."""

    run: ReplayRun
    walked: queue.SimpleQueue[int] = field(default_factory=queue.SimpleQueue)

    def work(self) -> Replay:
        for _call in self.run.counted(iter(self.walked.get, 0)):
            pass
        return Replay(
            calls=self.run.done, changed_calls=0, unread=0, rules=(), gained=(), lost=(), before=None, after=None,
            agents=(), seconds=1.0,
        )  # fmt: skip


@pytest.fixture
def slow(opened: OpenDesk) -> Iterator[SlowReplay]:
    desk, user = opened.desk.rules.desk, opened.users[UserRole.ADMIN]
    opened.desk.rules.save("returns.yaml", user, MORE, now=opened.clock())
    sha256 = desk.check({"returns.yaml": MORE}).sha256 or ""
    run = ReplayRun(
        {"returns.yaml": MORE}, user.user_id, sha256=sha256, total=1000, first=None, last=date(2026, 11, 21)
    )
    desk._replays[user.user_id] = run
    slow = SlowReplay(run)
    run.start(slow.work, at_end=lambda: None)
    for _ in range(250):
        slow.walked.put(1)
    wait_for(lambda: run.done == 250, what="250 calls", seconds=30)
    yield slow
    slow.walked.put(0)


def test_a_long_replay_says_how_far_it_is_and_is_there_when_one_comes_back(opened: OpenDesk, slow: SlowReplay) -> None:
    client = opened.login(UserRole.ADMIN)
    for address in (URL, f"{URL}?tab=replay"):
        page = client.get(address).text
        assert "已经试了250通，共1000通" in page
        assert '<progress value="250" max="1000"' in page
        assert 'name="last" value="2026-11-21"' in page
    assert "returns.yaml：回放已经试了250通，共1000通" in client.get("/rules").text
    assert "已经试了" not in opened.login(UserRole.SUPERVISOR).get(f"{URL}?tab=replay").text
    state = client.get(f"{API}/replays/{slow.run.run_id}").json()
    assert (state["state"], state["done"], state["total"], state["result"]) == ("running", 250, 1000, None)
    assert client.post(URL, data={"action": "publish", "reason": "x"}).status_code == 422  # nothing was seen yet

    slow.walked.put(0)
    slow.run.wait()
    assert "250通电话，0通有变化" in client.get(URL).text
    assert "250通电话" not in client.get(URL).text  # it was shown
    assert "250通电话" in client.get(f"{URL}?tab=replay").text
    assert client.post(URL, data={"action": "publish", "reason": "x"}).status_code == 303


def test_a_result_of_an_earlier_text_says_so(opened: OpenDesk, slow: SlowReplay) -> None:
    slow.walked.put(0)
    slow.run.wait()
    client = opened.login(UserRole.ADMIN)
    work(client, "save", text=MORE.replace("三遍", "四遍"))
    assert "改动之前那份文字" in client.get(f"{URL}?tab=replay").text


def test_a_replay_is_stopped_by_who_asked_for_it(opened: OpenDesk, slow: SlowReplay) -> None:
    place = f"{API}/replays/{slow.run.run_id}"
    other = opened.login(UserRole.SUPERVISOR)
    assert {other.get(place).status_code, other.delete(place).status_code} == {404}
    work(other, "stop")
    assert not slow.run.wait(0.2)
    client = opened.login(UserRole.ADMIN)
    assert client.delete(place).status_code == 204
    slow.walked.put(1)
    assert "停在第250通，共1000通" in work(client, "stop")
    assert client.get(place).json()["state"] == "stopped"
    assert "停在第" not in client.get(URL).text


def test_programs_need_not_wait_for_a_replay(opened: OpenDesk) -> None:
    client = opened.login(UserRole.SUPERVISOR)
    asked = client.post(f"{API}/replay", json={"files": {"returns.yaml": MORE}}, headers={"prefer": "respond-async"})
    assert (asked.status_code, asked.json()["total"]) == (202, 4)
    ended = wait_for(lambda: (told := client.get(asked.headers["location"]).json())["result"] and told, what="the end")
    assert (ended["state"], ended["done"], ended["result"]["calls"]) == ("done", 4, 2)
    order = {"text": MORE, "reason": "客户常说"}
    etag = client.get(f"{API}/files/returns.yaml").headers["etag"]
    published = client.put(f"{API}/files/returns.yaml", json=order, headers={"if-match": etag})
    assert published.status_code == 200, published.text


def test_an_older_text_comes_back_as_a_draft(opened: OpenDesk) -> None:
    client = opened.login(UserRole.ADMIN)
    work(client, "replay", text=MORE)
    work(client, "publish", reason="试试")
    oldest = opened.desk.store.rule_proposals.list_history("returns.yaml")[-1].proposal_id
    assert "从现在的文件变回它" in client.get(f"{URL}?version={oldest}").text
    assert client.post("/rule-forms/returns.yaml", data={"form": "restore", "version": oldest}).status_code == 303
    assert opened.desk.rules.open("returns.yaml", opened.users[UserRole.ADMIN], now=opened.clock()).text == RULES


def test_a_new_rule_is_written_with_its_tests(opened: OpenDesk) -> None:
    client = opened.login(UserRole.ADMIN)
    form = {
        "form": "add", "template": "silence-after", "new_id": "returns.new-1", "title": "问了没人答",
        "category": "退货", "severity": "minor", "points": "-3", "words": "谁出", "seconds": "3", "advice": "马上答。",
    }  # fmt: skip
    assert client.post("/rule-forms/returns.yaml", data=form).status_code == 303
    assert "4个通过，0个没过" in work(client, "test")
    assert "没有问题" in work(client, "check")
    refused = client.post("/rule-forms/returns.yaml", data=form | {"points": "x"})
    assert refused.status_code == 422
    assert "马上答。" in refused.text  # what was filled in stays
    assert client.post("/rule-forms/returns.yaml", data=form | {"template": "x"}).status_code == 422
    work(client, "replay")
    work(client, "publish", reason="新规则")
    assert "returns.new-1" in (opened.desk.workspace.rules_dir / "returns.test.yaml").read_text("utf-8")


def test_a_conflict_shows_what_changed_and_keeps_the_draft(opened: OpenDesk) -> None:
    client = opened.login(UserRole.ADMIN)
    work(client, "replay", text=MORE)
    path = opened.desk.workspace.rules_dir / "returns.yaml"
    path.write_text(RULES.replace("先安抚", "先道歉"), "utf-8")
    work(client, "replay")
    answer = client.post(URL, data={"action": "publish", "reason": "x"})
    assert answer.status_code == 409
    assert "先道歉" in answer.text
    assert "三遍" in answer.text
    client.post("/rule-forms/returns.yaml", data={"form": "rebase"})
    work(client, "replay")
    assert client.post(URL, data={"action": "publish", "reason": "x"}).status_code == 303


def test_what_two_people_changed_at_different_places_is_put_together(opened: OpenDesk) -> None:
    client = opened.login(UserRole.ADMIN)
    work(client, "save", text=MORE)
    path = opened.desk.workspace.rules_dir / "returns.yaml"
    path.write_text(RULES.replace("先安抚", "先道歉"), "utf-8")
    page = client.get(URL).text
    assert "两边改的不是同一处" in page
    client.post("/rule-forms/returns.yaml", data={"form": "merge", "seen": seen_on(page)})
    assert draft_of(opened) == MORE.replace("先安抚", "先道歉")
    assert "别人也改了这个文件" not in client.get(URL).text


def test_a_line_that_two_people_changed_is_chosen_by_the_one_who_publishes_last(opened: OpenDesk) -> None:
    client = opened.login(UserRole.ADMIN)
    path = opened.desk.workspace.rules_dir / "returns.yaml"
    for side, kept in (("mine", ["先安慰"]), ("theirs", ["先道歉"]), ("both", ["先安慰", "先道歉"])):
        path.write_text(RULES, "utf-8")
        client.post("/rule-forms/returns.yaml", data={"form": "drop"})
        work(client, "save", text=RULES.replace("先安抚", "先安慰"))
        path.write_text(RULES.replace("先安抚", "先道歉"), "utf-8")
        page = client.get(URL).text
        assert "有1处两边都改了" in page
        form = {"form": "merge", "seen": seen_on(page), "side:0": side}
        late = client.post("/rule-forms/returns.yaml", data=form | {"seen": "0"})
        assert (late.status_code, "再选一次" in late.text) == (422, True)
        client.post("/rule-forms/returns.yaml", data=form)
        assert [word for word in ("先安抚", "先安慰", "先道歉") if word in draft_of(opened)] == kept


def seen_on(page: str) -> str:
    """Return the hash of the file that a page of a conflict shows."""
    found = re.search(r'name="seen" value="([0-9a-f]{64})"', page)
    assert found is not None
    return found.group(1)


def draft_of(opened: OpenDesk) -> str:
    """Return the administrator's text of the file."""
    user = opened.users[UserRole.ADMIN]
    return opened.desk.rules.open("returns.yaml", user, now=opened.clock.now).text


def test_calls_outside_ones_reach_are_neither_explained_nor_replayed(opened: OpenDesk) -> None:
    client = opened.login(UserRole.SUPERVISOR)
    foreign = client.post(f"{API}/explain", json={"files": {}, "call_id": "c3"})
    unknown = client.post(f"{API}/explain", json={"files": {}, "call_id": "c9"})
    assert (foreign.status_code, unknown.status_code) == (404, 404)
    answer = client.post(f"{API}/replay", json={"files": {"returns.yaml": MORE}}).json()
    assert {change["call_id"] for change in answer["gained"]} == {"c1", "c2"}
    assert {agent["agent_id"] for agent in answer["agents"]} == {"A1", "A2"}


def test_a_program_publishes_what_it_has_seen(opened: OpenDesk) -> None:
    client = opened.login(UserRole.ADMIN)
    tag = client.get(f"{API}/files/returns.yaml").headers["etag"]
    broken = client.post(f"{API}/lint", json={"files": {"returns.yaml": MORE.replace("major", "mayor")}}).json()
    assert [(found["file"], found["line"], found["severity"]) for found in broken["problems"]] == [
        ("returns.yaml", 6, "error")
    ]
    assert client.post(f"{API}/test", json={"files": {"returns.yaml": MORE}}).json() == {"passed": 2, "failed": []}
    order = {"text": MORE, "reason": "x"}
    unseen = client.put(f"{API}/files/returns.yaml", json=order, headers={"if-match": tag})
    assert (unseen.status_code, unseen.json()["code"]) == (422, "replay")
    assert client.post(f"{API}/replay", json={"files": {"returns.yaml": MORE}}).status_code == 200
    stale = client.put(f"{API}/files/returns.yaml", json=order, headers={"if-match": '"0"'})
    assert (stale.status_code, stale.json()["code"]) == (409, "conflict")
    done = client.put(f"{API}/files/returns.yaml", json=order, headers={"if-match": tag})
    assert (done.status_code, done.json()["state"]) == (200, "published")
    assert client.get(f"{API}/files/returns.yaml").headers["etag"] == done.headers["etag"]
    assert client.get(f"{API}/schema?kind=tests").json()["title"] == "qareport rule tests"


def test_a_new_file_is_published(opened: OpenDesk) -> None:
    client = opened.login(UserRole.ADMIN)
    text = RULES.replace("returns.", "other.").replace("title: ", "title: 另外")
    client.post(f"{API}/replay", json={"files": {"team/other.yaml": text}})
    order = {"text": text, "reason": "x", "accept_warnings": True}
    done = client.put(f"{API}/files/team/other.yaml", json=order, headers={"if-match": "*"})
    assert done.status_code == 200, done.text
    assert client.get("/rules/team/other.yaml").status_code == 200


def test_a_name_that_no_file_has_is_not_found_until_there_is_a_draft_of_it(opened: OpenDesk) -> None:
    client = opened.enter(UserRole.SUPERVISOR)
    assert client.get("/rules/nothing.yaml").status_code == 404
    assert client.get("/rules/nothing.yaml?download=true").status_code == 404
    assert client.put(f"{API}/drafts/nothing.yaml", json={"text": RULES}).status_code == 204
    assert client.get("/rules/nothing.yaml").status_code == 200


@pytest.mark.parametrize("name", ["..%2Fqareport.yaml", "%2Fetc%2Fpasswd", "x.yml"])
def test_no_name_leads_out_of_the_folder(opened: OpenDesk, name: str) -> None:
    client = opened.login(UserRole.ADMIN)
    assert client.get(f"/rules/{name}").status_code == 404
    assert client.get(f"{API}/files/{name}").status_code == 404
    assert client.put(f"{API}/drafts/{name}", json={"text": "x"}).status_code == 404


def test_texts_of_rules_are_shown_and_never_run(opened: OpenDesk) -> None:
    client = opened.login(UserRole.ADMIN)
    nasty = RULES.replace("客户要投诉", '"</textarea><script>alert(1)</script>"')
    for page in (work(client, "check", text=nasty), client.get(URL).text, client.get(URL + "?tab=diff").text):
        assert "<script>alert" not in page
    assert re.search(r"&lt;/textarea&gt;&lt;script&gt;", client.get(URL).text)
    assert client.get(URL + "?download=1").headers["content-disposition"].startswith("attachment")


def test_others_see_a_draft_who_may_write(opened: OpenDesk) -> None:
    opened.login(UserRole.ANALYST).put(f"{API}/drafts/returns.yaml", json={"text": MORE})
    assert "别人的草稿和提交" in opened.login(UserRole.ADMIN).get(URL).text
    assert "三遍" not in opened.login(UserRole.AGENT).get(URL).text


def test_a_rule_is_found_by_its_title_or_its_id(opened: OpenDesk) -> None:
    client = opened.login(UserRole.SUPERVISOR)
    for words in ("运费 没有答", "RETURNS.freight"):
        page = client.get("/rules", params={"q": words}).text
        assert f"{URL}?tab=form&amp;rule=returns.freight" in page
        assert "returns.complaint" not in page
    assert "没有名称或编号含有这些字的规则" in client.get("/rules", params={"q": "没有这样的"}).text


def test_a_rule_that_fails_a_call_is_made_one_in_the_words_of_the_page(opened: OpenDesk) -> None:
    client = opened.login(UserRole.SUPERVISOR)
    form = {"form": "edit", "rule_id": "returns.complaint", "points": "一票否决"}
    answer = client.post("/rule-forms/returns.yaml", data=form)
    assert answer.headers["location"].endswith("#publish")
    page = client.get(URL + "?tab=form&rule=returns.complaint").text
    assert 'name="points" type="text" value="一票否决"' in page
    assert needs(client.get(answer.headers["location"]).text)[0] == "✓ 检查"
