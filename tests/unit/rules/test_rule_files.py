"""Rule files in memory: from an editor, a folder, a git revision or the store, and all that is done with them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from qareport import rules
from qareport.errors import ConfigError
from qareport.model import Call
from qareport.presentation.locale import speaking
from qareport.rules import CallSnapshot, RuleFiles, StoredJudgement, loader, translation
from qareport.settings import ScoreSettings, Settings
from qareport.workflows.judge import RuleBook, judge_call
from tests.support.calls import AGENT, CUSTOMER, TOPICS, analyse_transcript, call, say
from tests.support.rule_texts import CASE, RULE, SHIPPED

TEXTS = {"a.yaml": RULE, "a.test.yaml": CASE}
TALK = call(say(12, 14.5, CUSTOMER, "什么时候发货"), say(15, 16, AGENT, "您好"))


def test_unsaved_text_is_checked_tested_explained_and_replayed_without_a_file() -> None:
    ruleset = rules.load(RuleFiles.from_texts(TEXTS, where="editor"))
    assert ruleset.rules[0].location.file == "editor/a.yaml"
    assert [result.passed for result in rules.run_rule_tests(ruleset, analyse_transcript)] == [True]
    assert [warning.code for warning in rules.lint(ruleset)] == ["rule-without-test"]
    explanation = rules.explain(ruleset.rules[0], rules.MatchContext.of(TALK, analyse_transcript(TALK)))
    assert (explanation.outcome, explanation.at_ms) == ("hit", (12_000,))
    assert rules.replay(ruleset, [stored(ruleset)], ScoreSettings()).changed_calls == 0
    edited = rules.load(ruleset.origin.edited("a.yaml", RULE.replace("发货", "退款")))
    assert [change.rule_id for change in rules.replay(edited, [stored(ruleset)], ScoreSettings()).lost] == ["a.rule"]


def stored(ruleset: rules.RuleSet) -> StoredJudgement:
    """Judge the talk as a store keeps it."""
    book = RuleBook(settings=Settings(), topics=TOPICS, ruleset=ruleset)
    judged = judge_call(Call(call_id=TALK.call_id, audio_path=""), TALK, book)
    snapshot = CallSnapshot.read(CallSnapshot.take(judged, None).to_json())
    assert snapshot is not None
    return StoredJudgement(snapshot=snapshot, order_id=None, versions=ruleset.versions, earlier=lambda: None)


def test_a_broken_edit_is_answered_with_codes_and_the_names_of_the_editor() -> None:
    files = RuleFiles.from_texts(TEXTS, where="editor").edited("a.yaml", RULE.replace("severity", "severty"))
    with pytest.raises(ConfigError) as raised:
        rules.load(files)
    assert [(problem.code, str(problem.where)) for problem in raised.value.problems] == [  # type: ignore[attr-defined]
        ("unknown-key", "editor/a.yaml:3:29"),
    ]


def test_text_that_no_file_can_hold_is_an_error_with_its_line() -> None:
    with pytest.raises(ConfigError, match=r"rules/a\.yaml:3:1: not UTF-8 text"):
        rules.load(RuleFiles.from_texts({"a.yaml": RULE.replace("标题", "\ud800")}))


def test_nothing_reads_the_folder_again_once_it_is_in_memory(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "rules"))
    ruleset = rules.load(folder)
    shutil.rmtree(folder)
    tests = rules.load_rule_tests(ruleset)
    assert rules.lint(ruleset, tests=tests) == ()
    assert all(result.passed for result in rules.run_rule_tests(ruleset, analyse_transcript, tests=tests))


def test_a_set_has_one_hash_wherever_its_files_come_from(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    for name, text in {
        **TEXTS,
        "b/c.yaml": RULE.replace("a.rule", "b.rule"),
        "b.yaml": RULE.replace("a.", "c."),
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", str(tmp_path)]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *command], check=True, capture_output=True)
    ruleset = rules.load(folder)
    kept = RuleFiles.from_texts(dict(reversed(ruleset.files.items())), where="store")
    revision = RuleFiles.from_revision("HEAD", folder)
    assert [name for name in revision.contents if name.endswith(".test.yaml")] == ["a.test.yaml"]
    assert {ruleset.sha256, rules.load(kept).sha256, rules.load(revision).sha256} == {ruleset.sha256}
    assert ruleset.sha256 == rules.load(ruleset.origin.edited("a.test.yaml", "")).sha256


def test_no_files_at_all_are_an_error() -> None:
    for files in (RuleFiles.from_texts({}), RuleFiles.from_texts({"synonyms.yaml": "schema: 1\n"})):
        with pytest.raises(ConfigError, match="no rules here"):
            rules.load(files)


WHEN = """schema: 1
rules:
  - id: a.rule
    title: 标题
    severity: minor
    points: -1
    category: 物流
    advice: 好
    applies_when: {turns: {above: 1}}
    when:
      any:
        - sequence: [{customer says: 发货}, {silence: 9s, within: 1m}]
        - agent says: [耐心等待]
        - customer says: 发货
          nth: 1
          unless:
            - agent says: [您好]
              within: 1s
            - agent says: [您好]
"""


def test_an_explanation_is_in_one_language() -> None:
    (rule,) = rules.load(RuleFiles.from_texts({"a.yaml": WHEN})).rules
    context = rules.MatchContext.of(TALK, analyse_transcript(TALK))
    assert list(rules.draw(rules.explain(rule, context))) == [
        "a.rule 标题: 未命中",
        "  适用条件",
        "    ✓ 轮数: {高于: 1}",
        "      · 第 16 秒 “[2 轮]”",
        "  ✗ 任一",
        "    ✗ 先后",
        "      ✓ 客户说: 发货",
        "        · 第 12 秒 “什么时候发货”",
        "      ✗ 沉默: 9秒, 以内: 1分钟 (最长 0 秒)",
        "    ✗ 客服说: [耐心等待] (看了 1 句)",
        "    ✗ 客户说: 发货, 第几次: 1",
        "      ✓ 除非 客服说: [您好], 以内: 1秒 (因此不算)",
        "        · 第 15 秒 “您好”",
        "      ✓ 除非 客服说: [您好] (因此不算)",
        "        · 第 15 秒 “您好”",
    ]
    with speaking("en"):
        lines = list(rules.draw(rules.explain(rule, context)))
    assert lines[0] == "a.rule 标题: missed"
    assert "    ✗ agent says: [耐心等待] (1 utterances searched)" in lines
    assert "        · at 12 s “什么时候发货”" in lines


PARTS = """schema: 1
rules:
  - id: a.rule
    title: 标题
    severity: minor
    points: -1
    category: 物流
    advice: 好
    when:
      any:
        - none: [{agent says: [$问候]}]
          first: 2s
        - customer says: 发货
          times: 3
        - emotion: {is: ANGRY, role: agent}
        - customer says: 退款
          unless: [{agent says: 您好}]
"""


def test_an_explanation_looks_where_the_condition_looks_and_says_what_was_measured() -> None:
    synonyms = "schema: 1\nsynonyms: {问候: [您好, 你好]}\n"
    ruleset = rules.load(RuleFiles.from_texts({"a.yaml": PARTS, "synonyms.yaml": synonyms}))
    context = rules.MatchContext.of(TALK, analyse_transcript(TALK))
    lines = list(rules.draw(rules.explain(ruleset.rules[0], context, lists=ruleset.shared.lists)))
    assert "    ✓ 都没有, 开头: 2秒" in lines
    assert "      ✗ 客服说: [$问候（您好、你好 等 2 个）] (看了 0 句)" in lines
    assert "    ✗ 客户说: 发货, 满几次: 3 (成立 1 次，要 3 次)" in lines
    assert "    ✗ 情绪: {是: 愤怒, 谁: 客服} (最长 0 秒)" in lines
    assert "      ✗ 除非 客服说: 您好 (没有命中，不用看例外)" in lines


def test_an_exported_test_is_masked_and_says_where_masking_changes_the_judgement() -> None:
    digits = RULE.replace("[发货]", "{regex: '[0-9]{11}'}")
    (rule,) = (ruleset := rules.load(RuleFiles.from_texts({"a.yaml": digits}))).rules
    talk = call(say(1, 4, CUSTOMER, "我的电话是13812345678"))
    text = rules.export_rule_test(talk, rule, ruleset, analyse_transcript)
    assert "13812345678" not in text
    assert text.splitlines()[:2] == [
        "  # 个人信息已遮住，请检查有没有漏掉的，再保存",
        "  # 遮住个人信息以后，这条规则的判定和原来的通话不同",
    ]
    tested = rules.load(ruleset.origin.edited("a.test.yaml", "schema: 1\ncases:\n" + text))
    assert [result.failures for result in rules.run_rule_tests(tested, analyse_transcript)] == [()]


def test_of_the_drafts_of_a_file_the_last_three_are_kept_and_a_file_that_stays_is_read_once() -> None:
    def load(points: int) -> rules.RuleSet:
        edited = {
            "a.yaml": RULE.replace("points: -10", f"points: -{points}"),
            "b.yaml": RULE.replace("a.rule", "b.rule"),
        }
        return rules.load(RuleFiles.from_texts(edited, where="drafts"))

    before = len(loader._known), len(translation._read)
    loaded = [load(points) for points in range(1, 21)]
    assert len({id(ruleset.find("b.rule")) for ruleset in loaded}) == 1
    assert [ruleset.find("a.rule").points for ruleset in loaded] == [-points for points in range(1, 21)]  # type: ignore[union-attr]
    assert (len(loader._known) - before[0], len(translation._read) - before[1]) == (3 + 1, 3 + 1)
    assert load(20).find("a.rule") is loaded[-1].find("a.rule")
    assert load(1).find("a.rule") is not loaded[0].find("a.rule")
