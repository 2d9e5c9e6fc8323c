"""What programs may rely on: keys that make a request repeatable, ETags, signed cursors, fields that are refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from qareport.model import JobKind, UserRole
from tests.support.desk import OpenDesk, open_desk
from tests.support.live_board import put_alert, put_call

API = "/api/v1"


def post(client: TestClient, path: str, body: object, key: str) -> tuple[int, dict[str, object]]:
    answer = client.post(f"{API}{path}", json=body, headers={"idempotency-key": key})
    return answer.status_code, answer.json()


def test_a_request_that_is_sent_again_makes_nothing_more_and_tells_no_secret_twice(opened: OpenDesk) -> None:
    admin = opened.enter(UserRole.ADMIN)
    first = post(admin, "/users", {"name": "li", "role": "agent"}, "k1")
    again = post(admin, "/users", {"name": "li", "role": "agent"}, "k1")
    assert first[0] == again[0] == 201
    assert first[1]["password"]
    assert again[1] == first[1] | {"password": None}
    uploads = [post(admin, "/uploads", {"file_name": "a.wav"}, "k2")[1]["upload_id"] for _ in range(3)]
    assert len(set(uploads)) == 1
    assert len(opened.desk.store.jobs.list(JobKind.UPLOAD, limit=9)) == 1


def test_a_key_belongs_to_one_request_of_one_person_for_a_day(opened: OpenDesk) -> None:
    admin = opened.enter(UserRole.ADMIN)
    assert post(admin, "/teams", {"team_id": "a"}, "k")[0] == 201
    status, problem = post(admin, "/teams", {"team_id": "b"}, "k")
    assert (status, problem["code"]) == (422, "idempotency_mismatch")
    other = opened.enter(UserRole.SUPERVISOR)
    assert post(other, "/uploads", {"file_name": "a.wav", "agent_id": "A1"}, "k")[0] == 201
    opened.clock.move(hours=25)
    assert post(opened.enter(UserRole.ADMIN), "/teams", {"team_id": "b"}, "k")[0] == 201


def test_a_request_that_was_refused_may_be_put_right_under_the_same_key(opened: OpenDesk) -> None:
    admin = opened.enter(UserRole.ADMIN)
    assert post(admin, "/teams", {"team_id": "a", "agent": ["A1"]}, "k")[0] == 422
    assert post(admin, "/teams", {"team_id": "a", "agents": ["A1"]}, "k")[0] == 201


def test_a_request_under_way_is_not_begun_again(opened: OpenDesk) -> None:
    admin = opened.enter(UserRole.ADMIN)
    answers, begin = opened.desk.store.answers, opened.desk.store.answers.begin
    keys: list[str] = []
    answers.begin = lambda key, asked, *, at: keys.append(key) or begin(key, asked, at=at)  # type: ignore[method-assign]
    post(admin, "/teams", {"team_id": "a"}, "k")
    answers.forget(keys[0])
    begin(keys[0], "0" * 64, at=opened.clock.now)
    status, problem = post(admin, "/teams", {"team_id": "a"}, "k")
    assert (status, problem["code"]) == (409, "conflict")


def test_a_user_who_was_changed_meanwhile_is_not_changed_by_what_was_read_before(opened: OpenDesk) -> None:
    admin = opened.enter(UserRole.ADMIN)
    user = f"{API}/users/{opened.users[UserRole.AGENT].user_id}"
    read = admin.get(user)
    etag = read.headers["etag"]
    changed = admin.patch(user, json={"display": "李敏"}, headers={"if-match": etag})
    assert changed.status_code == 200
    late = admin.patch(user, json={"display": "王芳"}, headers={"if-match": etag})
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    assert admin.get(user).headers["etag"] == changed.headers["etag"] != etag
    assert admin.get(user).json()["display"] == "李敏"


@pytest.mark.parametrize("sort", ["-started", "started", "score"])
def test_a_list_is_read_to_its_end_by_cursors_and_says_how_many_there_are(opened: OpenDesk, sort: str) -> None:
    admin = opened.enter(UserRole.ADMIN)
    found, after = [], ""
    while True:
        page = admin.get(f"{API}/calls", params={"sort": sort, "limit": 1, "after": after}).json()
        assert (page["total"], page["total_is"]) == (4, "exact")
        found += [call["call_id"] for call in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert sorted(found) == ["c1", "c2", "c3", "c4"]


def read_to_the_end(client: TestClient, path: str) -> tuple[list[int], set[tuple[int, str]]]:
    """Read a list two at a time. Returns how many each page had, and what was said of the whole."""
    sizes, totals, after = [], set(), ""
    while after is not None:
        page = client.get(f"{API}{path}", params={"limit": 2, "after": after}).json()
        sizes.append(len(page["items"]))
        totals.add((page["total"], page["total_is"]))
        after = page["next"]
    return sizes, totals


def test_lists_of_exports_deliveries_and_alerts_say_on_each_page_how_many_there_are(opened: OpenDesk) -> None:
    admin, supervisor = opened.enter(UserRole.ADMIN), opened.enter(UserRole.SUPERVISOR)
    webhook = admin.post(f"{API}/webhooks", json={"url": "https://crm.example.com/hook"}).json()["webhook_id"]
    call = put_call(opened, "l1", "A1")
    for _ in range(5):
        assert supervisor.post(f"{API}/exports", json={"kind": "calls"}).status_code == 202
        admin.post(f"{API}/webhooks/{webhook}/test")
        put_alert(opened, call)
    for client, path in (
        (admin, "/exports"), (supervisor, "/exports"), (admin, f"/webhooks/{webhook}/deliveries"),
    ):  # fmt: skip
        assert read_to_the_end(client, path) == ([2, 2, 1], {(5, "exact")})
    pages = [admin.get(f"{API}/alerts", params={"state": "all", "limit": 2}).json()]
    assert (pages[0]["total"], pages[0]["total_is"]) == (5, "exact")


def test_users_teams_tokens_and_webhooks_are_read_in_pages_too_also_while_one_goes(opened: OpenDesk) -> None:
    admin = opened.enter(UserRole.ADMIN)
    for number in range(3):
        admin.post(f"{API}/teams", json={"team_id": f"t{number}"})
        admin.post(f"{API}/tokens", json={"name": f"t{number}", "scopes": ["calls:read"]})
        admin.post(f"{API}/webhooks", json={"url": f"https://crm.example.com/{number}"})
    for path in ("/users", "/teams"):
        assert read_to_the_end(admin, path) == ([2, 2, 1], {(5, "exact")})
    for path in ("/tokens", "/webhooks"):
        assert read_to_the_end(admin, path) == ([2, 1], {(3, "exact")})
    first = admin.get(f"{API}/teams?limit=2").json()
    seen = [team["team_id"] for team in first["items"]]
    assert admin.delete(f"{API}/teams/{seen[-1]}").status_code == 204
    rest = admin.get(f"{API}/teams", params={"after": first["next"]}).json()["items"]
    assert len({*seen, *(team["team_id"] for team in rest)}) == 5


def test_a_total_is_counted_to_a_bound(opened: OpenDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("qareport.web.api.lists", "qareport.web.live_reading"):
        monkeypatch.setattr(f"{module}.MOST_COUNTED", 3)
    call = put_call(opened, "l1", "A1")
    for _ in range(5):
        put_alert(opened, call)
    page = opened.enter(UserRole.ADMIN).get(f"{API}/alerts", params={"state": "all", "limit": 2}).json()
    assert (page["total"], page["total_is"]) == (3, "at_least")


def test_the_audit_log_is_read_to_its_end(opened: OpenDesk) -> None:
    client = opened.enter(UserRole.ADMIN)
    for language in ("zh", "en", "zh"):
        client.post("/account/language", data={"language": language})
    first = client.get(f"{API}/audit?limit=2").json()
    rest = client.get(f"{API}/audit", params={"limit": 2, "after": first["next"]}).json()
    assert [len(page["items"]) for page in (first, rest)] == [2, 1]
    assert (first["total"], first["total_is"], rest["next"]) == (3, "exact", None)


@pytest.mark.parametrize(
    ("method", "path", "body", "told"),
    [
        ("GET", "/calls?limit=0", None, ("query.limit", '"0"', "1")),
        ("GET", "/qa-pairs?state=x", None, ("query.state.0", '"x"', "mined, approved, edited, rejected")),
        ("POST", "/uploads", {"file_name": "a.wav", "colour": "red"}, ("body.colour", '"red"', "没有这个字段")),
        ("POST", "/uploads", {}, ("body.file_name", None, "必须给出")),
        ("POST", "/uploads", [], ("body", "[]", "{ }")),
    ],
)
def test_what_is_wrong_with_a_request_is_said_in_the_readers_language(
    opened: OpenDesk, method: str, path: str, body: object, told: tuple[str, str | None, str]
) -> None:
    admin = opened.enter(UserRole.ADMIN)
    answer = admin.request(method, API + path, json=body)
    problem = answer.json()
    (error,) = problem["errors"]
    assert (answer.status_code, problem["code"], error["at"], error["got"]) == (422, "invalid", *told[:2])
    assert told[2] in error["expected"]
    for text in (problem["title"], problem["detail"], error["expected"]):
        assert re.search("[\u3400-\u9fff]", text)
        assert not re.search("[a-z]{3,} [a-z]{2,}", text)
    english = admin.request(method, API + path, json=body, headers={"accept-language": "en"}).json()
    assert not re.search("[\u3400-\u9fff]", str(english))


def test_what_the_framework_refuses_by_itself_is_said_in_the_readers_language(opened: OpenDesk) -> None:
    admin = opened.enter(UserRole.ADMIN)
    assert admin.get(f"{API}/nothing").json()["detail"] == "没有这个东西，或者无权看到"
    assert admin.put(f"{API}/me").json()["detail"] == "这个地址没有这种方法"
    broken = admin.post(f"{API}/uploads", content=b"{bad", headers={"content-type": "application/json"}).json()
    assert broken["detail"] == "不是 JSON：少了一个用英文双引号括起的名称"


def test_what_is_not_known_is_refused(opened: OpenDesk) -> None:
    admin = opened.enter(UserRole.ADMIN)
    for path in ("/calls?colour=red", "/me?x=1", "/heat?form=2026-11-01"):
        answer = admin.get(f"{API}{path}")
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), path
    form = admin.post(f"{API}/teams", data={"team_id": "a"})
    assert (form.status_code, form.json()["code"]) == (415, "unsupported_media")
    for number in ("0", "99999999999999999999"):
        assert admin.get(f"{API}/users/{number}").status_code == 422


def test_an_upload_waits_a_day_for_its_bytes(opened: OpenDesk) -> None:
    admin = opened.enter(UserRole.ADMIN)
    added = admin.post(f"{API}/uploads", json={"file_name": "a.wav"}).json()
    assert added["expires_at"].startswith("2026-11-23T01:00")
    opened.clock.move(hours=25)
    late = opened.enter(UserRole.ADMIN).put(added["put_url"], content=b"RIFF")
    assert (late.status_code, late.json()["code"]) == (410, "gone")


def test_a_full_queue_says_when_to_come_again(opened: OpenDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(opened.desk.store.jobs), "count_waiting", lambda *_: 10_000)
    answer = opened.enter(UserRole.ADMIN).post(f"{API}/uploads", json={"file_name": "a.wav"})
    assert (answer.status_code, answer.json()["code"]) == (503, "overload")
    assert int(answer.headers["retry-after"]) > 0


def test_an_agent_notes_what_was_found_and_a_program_reads_the_curve(opened: OpenDesk) -> None:
    agent = opened.enter(UserRole.AGENT)
    assert agent.post(f"{API}/calls/c1/acknowledge").status_code == 204
    assert [entry.action for entry in opened.desk.store.audit.list(limit=9)] == ["call.acknowledge"]
    assert agent.post(f"{API}/calls/c3/acknowledge").status_code == 404
    assert opened.enter(UserRole.ANALYST).post(f"{API}/calls/c1/acknowledge").status_code == 403
    points = agent.get(f"{API}/calls/c1/curve").json()
    assert points
    assert all(-5 <= point["value"] <= 5 for point in points)


def test_lists_heat_and_kept_answers_are_the_same_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    answers = []
    for url in ("", postgres_url):
        folder = tmp_path / ((url and "postgresql") or "sqlite")
        folder.mkdir()
        with open_desk(folder, url=url) as opened:
            answers.append(_everything(opened.enter(UserRole.ADMIN)))
    assert answers[0] == answers[1]


def _everything(admin: TestClient) -> list[object]:
    queries = (
        "", "issue:退换货", "emotion:ANGRY risk:high", "emotion:ANGRY agent:A1", "team:red", "score:<90",
        "NOT team:red", "ANGRY AND 退货", "date:2026-11-21 emotion:ANGRY",
    )  # fmt: skip
    found: list[object] = []
    for query in queries:
        for sort in ("-started", "score"):
            page = admin.get(f"{API}/calls", params={"q": query, "sort": sort, "limit": 2}).json()
            calls = [call["call_id"] for call in page["items"]]
            if page["next"]:
                page = admin.get(f"{API}/calls", params={"q": query, "sort": sort, "after": page["next"]}).json()
                calls += [call["call_id"] for call in page["items"]]
            found.append((query, sort, page["total"], calls))
    found.append(admin.get(f"{API}/heat?from=2026-11-01&to=2026-11-30").json())
    found += [post(admin, "/teams", {"team_id": "x"}, "k") for _ in range(2)]
    return found


def test_a_page_that_does_not_exist_is_told_of_in_the_language_of_the_reader(opened: OpenDesk) -> None:
    client = opened.enter(UserRole.SUPERVISOR)
    assert "没有 /nowhere 这一页" in client.get("/nowhere").text
    assert "Not Found" not in client.get("/nowhere").text


def test_who_is_refused_is_led_back_to_the_own_page_and_nowhere_else(opened: OpenDesk) -> None:
    client = opened.enter(UserRole.SUPERVISOR)
    form = {"agent_id": "B1"}

    def refused(referer: str) -> str:
        return client.post("/calls/c1/facts", data=form, headers={"referer": referer}).text

    assert 'href="/calls/c1">回到刚才的页面</a>' in refused("http://127.0.0.1:8710/calls/c1")
    for referer in ("https://evil.example/calls/c1", "http://127.0.0.1:8710//evil.example", ""):
        assert "回到刚才的页面" not in refused(referer)
    assert "Method Not Allowed" not in client.get("/logout").text
