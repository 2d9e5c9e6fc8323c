"""A rule is edited, tried and published: nothing counts unseen, nothing that anyone wrote is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from qareport.errors import BusyError, ConfigError, NotFoundError
from qareport.model import Agents, AuditEntry, JobState, ProposalState, User, UserRole
from qareport.workflows import rule_publishing
from qareport.workflows.rejudging import judge_again
from qareport.workflows.rule_desk import RuleDesk, check_name, sibling_of
from qareport.workflows.rule_publishing import PublishRefusedError, RulePublisher
from tests.support.desk import OpenDesk, open_desk
from tests.support.rule_folder import RULES, TESTS, make_config

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
#: Also hits the bundled calls' 我要投诉你们.
MORE = RULES.replace("[投诉, 曝光]", "[投诉, 曝光, 三遍]")
FILE = "returns.yaml"


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[OpenDesk]:
    with open_desk(tmp_path, config=make_config(tmp_path)) as desk:
        yield desk


@pytest.fixture
def publisher(opened: OpenDesk) -> RulePublisher:
    return opened.desk.rules


@pytest.fixture
def admin(opened: OpenDesk) -> User:
    return opened.users[UserRole.ADMIN]


def entry(action: str = "rules.publish") -> AuditEntry:
    return AuditEntry(at=NOW, actor="admin", actor_kind="person", action=action, object=f"rules:{FILE}")


def look(publisher: RulePublisher, user: User, name: str = FILE) -> None:
    """Replay what the user would publish."""
    edit = {draft.file: draft.text for draft in publisher.drafts_of(name, user, now=NOW)}
    _result, sha256 = publisher.desk.replay(edit, user.user_id, first=None, last=None, agents=Agents())
    publisher.mark_replay(name, user, sha256, now=NOW)


def publish(publisher: RulePublisher, user: User, **more: object) -> ProposalState:
    drafts = publisher.drafts_of(FILE, user, now=NOW)
    values: dict[str, object] = {"reason": "客户常这样说", "accept_warnings": False, "now": NOW}
    return publisher.publish(drafts, user, entry(), **(values | more))  # type: ignore[arg-type]


def test_the_list_says_what_lint_finds_and_how_often_rules_hit(opened: OpenDesk) -> None:
    desk = opened.desk.rules.desk
    by_name = {listed.name: listed for listed in desk.list_files()}
    assert [title for _id, title in by_name[FILE].rules] == ["客户要投诉", "问运费没有答"]
    assert (by_name[FILE].errors, by_name[FILE].warnings, by_name[FILE].hits) == (0, 0, 8)
    assert by_name["returns.test.yaml"].hits is None
    fresh = RuleDesk(opened.desk.workspace)
    assert {listed.name: listed.hits for listed in fresh.list_files(Agents(only=frozenset(["A1"])))}[FILE] == 2


def test_an_edit_is_checked_in_place_of_the_file(publisher: RulePublisher) -> None:
    broken = publisher.desk.check({FILE: RULES.replace("severity: minor", "severity: bad")})
    (error,) = broken.of_file(publisher.desk.path_of(FILE))
    assert (str(error.where).rsplit(":", 2)[1:], broken.sha256) == (["15", "5"], None)
    assert publisher.desk.check({FILE: MORE}).errors == ()
    assert publisher.desk.read(FILE).text == RULES


def test_tests_explanation_and_replay_use_the_edit(publisher: RulePublisher, admin: User) -> None:
    desk = publisher.desk
    assert all(result.passed for result in desk.test({FILE: MORE}, admin.user_id))
    assert [result.passed for result in desk.test({FILE: RULES.replace("运费", "邮费")}, admin.user_id)] == [
        True,
        False,
    ]
    (first, *_rest) = desk.explain({FILE: RULES.replace("投诉,", "三遍,")}, "c1", "returns.complaint")
    assert "returns.complaint" in first
    result, _sha256 = desk.replay({FILE: MORE}, admin.user_id, first=None, last=None, agents=Agents())
    assert (result.calls, result.changed_calls) == (4, 4)
    few, _sha256 = desk.replay(
        {FILE: MORE}, admin.user_id, first=None, last=None, agents=Agents(only=frozenset(["B1"]))
    )
    assert {change.call_id for change in few.gained} == {"c3"}
    late, _sha256 = desk.replay({FILE: MORE}, admin.user_id, first=date(2026, 11, 22), last=None, agents=Agents())
    assert late.calls == 0


def test_a_person_runs_one_replay_at_a_time(publisher: RulePublisher, admin: User) -> None:
    with publisher.desk._turn(admin.user_id):
        with pytest.raises(BusyError):
            publisher.desk.test({}, admin.user_id)
        publisher.desk.test({}, admin.user_id + 1)


def test_a_draft_is_kept_and_goes_when_it_is_as_the_file_is(publisher: RulePublisher, admin: User) -> None:
    publisher.save(FILE, admin, MORE.replace("\n", "\r\n").rstrip(), now=NOW)
    assert publisher.open(FILE, admin, now=NOW).text == MORE
    publisher.save(FILE, admin, RULES, now=NOW)
    assert publisher.desk.workspace.store.rule_proposals.find_draft(FILE, admin.user_id) is None


def test_what_is_not_seen_is_not_published(publisher: RulePublisher, admin: User) -> None:
    def refused(text: str, **more: object) -> str:
        publisher.save(FILE, admin, text, now=NOW)
        with pytest.raises((PublishRefusedError, ConfigError)) as raised:
            publish(publisher, admin, **more)
        return getattr(raised.value, "code", "lint")

    assert refused(MORE, reason=" ") == "reason"
    assert refused(RULES) == "unchanged"
    assert refused(RULES.replace("severity: minor", "severity: bad")) == "lint"
    assert refused(RULES.replace("运费", "邮费")) == "tests"
    assert refused(MORE) == "replay"
    look(publisher, admin)
    assert refused(MORE.replace("三遍", "四遍")) == "replay"
    untested = MORE + RULES[RULES.index("  - id: returns.freight") :].replace("returns.freight", "returns.two")
    publisher.save(FILE, admin, untested, now=NOW)
    look(publisher, admin)
    assert refused(untested) == "warnings"
    assert publisher.desk.read(FILE).text == RULES


def test_a_published_file_counts_at_once_and_its_older_texts_are_kept(
    opened: OpenDesk, publisher: RulePublisher, admin: User
) -> None:
    before = opened.desk.workspace.rule_book.ruleset.sha256
    publisher.save(FILE, admin, MORE, now=NOW)
    look(publisher, admin)
    assert publish(publisher, admin) is ProposalState.PUBLISHED
    path = opened.desk.workspace.rules_dir / FILE
    assert path.read_text("utf-8") == MORE
    assert [other.name for other in path.parent.iterdir() if other.suffix != ".yaml"] == []
    assert opened.desk.workspace.rule_book.ruleset.sha256 != before
    newest, oldest = opened.desk.store.rule_proposals.list_history(FILE)
    assert (newest.text, newest.reason, newest.user_id) == (MORE, "客户常这样说", admin.user_id)
    assert (oldest.text, oldest.state) == (RULES, ProposalState.FOUND)
    assert [line.action for line in opened.desk.store.audit.list(action="rules.")] == ["rules.publish"]
    assert publisher.drafts_of(FILE, admin, now=NOW)[0].text == MORE
    job = publisher.judge_stored(admin, now=NOW)
    taken = opened.desk.store.jobs.take([job.kind], "w", at=NOW)
    assert taken is not None
    judge_again(opened.desk.workspace, taken, "w")
    done = opened.desk.store.jobs.get(job.job_id)
    assert (done.state, done.progress) == (JobState.DONE, {"calls": 4})
    assert sum(finding.at_ms == 10_000 for finding in opened.desk.store.results.get("c1").findings) >= 1


def test_a_rule_and_its_tests_are_published_together(publisher: RulePublisher, admin: User) -> None:
    publisher.save(FILE, admin, RULES.replace("运费", "邮费"), now=NOW)
    publisher.save("returns.test.yaml", admin, TESTS.replace("运费谁出", "邮费谁出"), now=NOW)
    look(publisher, admin)
    publish(publisher, admin)
    assert "邮费" in publisher.desk.read("returns.test.yaml").text
    (_newest, *_older) = publisher.desk.workspace.store.rule_proposals.list_history("returns.test.yaml")


def test_what_someone_else_wrote_meanwhile_is_not_overwritten(publisher: RulePublisher, admin: User) -> None:
    publisher.save(FILE, admin, MORE, now=NOW)
    path = publisher.desk.workspace.rules_dir / FILE
    other = RULES.replace("先安抚", "先道歉")
    path.write_text(other, "utf-8")
    look(publisher, admin)
    with pytest.raises(PublishRefusedError) as raised:
        publish(publisher, admin)
    assert raised.value.code == "conflict"
    assert "+    advice: 先道歉，再给办法。" in raised.value.diff
    assert (path.read_text("utf-8"), publisher.open(FILE, admin, now=NOW).text) == (other, MORE)
    publisher.rebase(FILE, admin, now=NOW)
    look(publisher, admin)
    publish(publisher, admin)
    found = publisher.desk.workspace.store.rule_proposals.list_history(FILE)[-1]
    assert (found.state, found.text) == (ProposalState.FOUND, other)


def test_a_file_that_cannot_be_written_leaves_everything_as_it_was(
    publisher: RulePublisher, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher.save(FILE, admin, RULES.replace("运费", "邮费"), now=NOW)
    publisher.save("returns.test.yaml", admin, TESTS.replace("运费谁出", "邮费谁出"), now=NOW)
    look(publisher, admin)
    whole = rule_publishing.write_whole

    def full(path: Path, content: bytes) -> None:
        if path.name == "returns.test.yaml":
            raise OSError(28, "No space left on device")
        whole(path, content)

    monkeypatch.setattr(rule_publishing, "write_whole", full)
    with pytest.raises(PublishRefusedError, match="No space left"):
        publish(publisher, admin)
    assert publisher.desk.read(FILE).text == RULES
    assert publisher.desk.workspace.store.rule_proposals.list_history(FILE) == ()
    assert publisher.desk.workspace.store.audit.list(action="rules.") == ()
    assert publisher.open(FILE, admin, now=NOW).text != RULES


def test_a_second_person_agrees_or_refuses(tmp_path: Path) -> None:
    with open_desk(tmp_path, config=make_config(tmp_path, need_second=True)) as opened:
        publisher, admin = opened.desk.rules, opened.users[UserRole.ADMIN]
        second = opened.users[UserRole.SUPERVISOR]
        publisher.save(FILE, admin, MORE, now=NOW)
        look(publisher, admin)
        assert publish(publisher, admin) is ProposalState.PROPOSED
        (waiting,) = opened.desk.store.rule_proposals.list_open(FILE)
        assert (waiting.state, publisher.desk.read(FILE).text) == (ProposalState.PROPOSED, RULES)
        with pytest.raises(PublishRefusedError, match="second person"):
            publisher.agree(waiting.batch or 0, admin, entry("rules.agree"), now=NOW)
        publisher.refuse(waiting.batch or 0, second, entry("rules.refuse"), now=NOW)
        assert publisher.open(FILE, admin, now=NOW).text == MORE
        publish(publisher, admin)
        (waiting,) = opened.desk.store.rule_proposals.list_open(FILE)
        publisher.agree(waiting.batch or 0, second, entry("rules.agree"), now=NOW)
        assert publisher.desk.read(FILE).text == MORE
        newest, oldest = opened.desk.store.rule_proposals.list_history(FILE)
        assert (newest.second_user_id, oldest.text) == (second.user_id, RULES)
        with pytest.raises(NotFoundError):
            publisher.agree(waiting.batch or 0, second, entry("rules.agree"), now=NOW)


def test_two_people_who_publish_at_once_do_not_overwrite_each_other(opened: OpenDesk, publisher: RulePublisher) -> None:
    people = [opened.users[UserRole.ADMIN], opened.users[UserRole.SUPERVISOR]]
    for person, word in zip(people, ("三遍", "四遍"), strict=True):
        publisher.save(FILE, person, MORE.replace("三遍", word), now=NOW)
        look(publisher, person)
    outcomes: list[str] = []

    def work(person: User) -> None:
        try:
            outcomes.append(publish(publisher, person).value)
        except PublishRefusedError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=work, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) in (["conflict", "published"], ["published", "replay"])


@pytest.mark.parametrize(
    "name", ["../x.yaml", "/etc/x.yaml", "x.yml", ".x.yaml", "a/../x.yaml", "x\n.yaml", "", "a//x.yaml"]
)
def test_no_name_leads_out_of_the_folder(publisher: RulePublisher, name: str) -> None:
    with pytest.raises(NotFoundError):
        publisher.desk.read(name)
    assert check_name("team/new-1.test.yaml")


def test_rules_and_tests_stand_beside_each_other() -> None:
    assert sibling_of("a/returns.yaml") == "a/returns.test.yaml"
    assert sibling_of("returns.test.yaml") == "returns.yaml"
    assert sibling_of("synonyms.yaml") is None


def test_a_draft_of_the_same_text_keeps_nothing(publisher: RulePublisher, admin: User) -> None:
    draft = publisher.open(FILE, admin, now=NOW)
    assert replace(draft, at=NOW) == publisher.save(FILE, admin, RULES, now=NOW)
