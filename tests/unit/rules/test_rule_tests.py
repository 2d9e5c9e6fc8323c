"""The rules that travel with qareport, their tests, and the guide that tells how to write one."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
import yaml

from qareport import rules
from qareport.errors import ConfigError
from qareport.model import Act, SpokenAct, Transcript
from qareport.rules.aliases import KEYS, UNIT_WORDS, VALUES
from tests.support.calls import CUSTOMER, analyse_transcript, call, say
from tests.support.paths import ROOT
from tests.support.rule_texts import CASE, RULE, SHIPPED, rule_set, run_case

GUIDE = (ROOT / "docs" / "guide" / "rules.zh-CN.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", GUIDE, flags=re.DOTALL)


def test_the_shipped_rules_are_in_seven_files_and_categories() -> None:
    ruleset = rules.load(SHIPPED)
    assert len({Path(rule.location.file).name for rule in ruleset.rules}) == 7
    assert {rule.category for rule in ruleset.rules} == {
        "物流", "尺码与质量", "退换与退款", "价格", "服务态度与流程", "流失与投诉", "合规与诚信",
    }  # fmt: skip


def test_every_shipped_rule_is_tested_in_both_directions_and_holds() -> None:
    ruleset = rules.load(SHIPPED)
    assert [
        (result.name, result.failures)
        for result in rules.run_rule_tests(ruleset, analyse_transcript)
        if result.failures
    ] == []
    assert [str(warning) for warning in rules.lint(ruleset)] == []


def test_the_guides_rule_loads_and_its_cases_hold(tmp_path: Path) -> None:
    rule, case = BLOCKS[:2]
    results = run_case(tmp_path, rule, case)
    assert len(results) == 2
    assert [result.failures for result in results if not result.passed] == []
    assert rules.lint(rules.load(tmp_path)) == ()


#: What stands in synonyms.yaml, and what its conditions stand for.
SHARED_BLOCKS = [block for block in BLOCKS if "共用条件:" in block]


@pytest.mark.parametrize("block", [block for block in BLOCKS[2:] if block not in SHARED_BLOCKS])
def test_each_condition_in_the_guide_loads(tmp_path: Path, block: str) -> None:
    (rule,) = yaml.safe_load(RULE)["rules"]
    rule |= yaml.safe_load(block)
    if "命中条件" in rule:
        del rule["when"]
    text = yaml.safe_dump({"schema": 1, "rules": [rule]}, allow_unicode=True)
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "synonyms.yaml").write_text(SHARED_BLOCKS[0] + "共用说法: {道歉: [抱歉]}\n", encoding="utf-8")
    assert len(rules.load(tmp_path).rules) == 1


def test_the_guide_names_every_word_of_the_language_in_chinese_and_english() -> None:
    for english, chinese in (*KEYS.items(), *VALUES.items()):
        assert f"{'/'.join(chinese)} `{english}`" in GUIDE, english
    assert all(f"{word} `{unit}`" in GUIDE for unit, word in UNIT_WORDS.items())


def test_a_case_that_holds_passes_and_a_rule_may_hit_a_little_beside(tmp_path: Path) -> None:
    assert [result.passed for result in run_case(tmp_path)] == [True]
    assert [result.passed for result in run_case(tmp_path, case=CASE.replace("at: 12", "at: 12.9"))] == [True]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("at: 12", "at: 30", "a.rule 命中在第 12 秒，应当在第 30 秒"),
        ("什么时候发货", "你好", "a.rule 没有命中，应当命中在第 12 秒"),
        ("must_hit: [{rule: a.rule, at: 12}]", "must_not_hit: [a.rule]",
         "a.rule 不该命中，却在第 12 秒命中：“什么时候发货”"),
    ],
)  # fmt: skip
def test_a_case_that_fails_says_why(tmp_path: Path, old: str, new: str, why: str) -> None:
    (result,) = run_case(tmp_path, case=CASE.replace(old, new))
    assert result.failures == (why,)
    assert str(result.location).endswith("a.test.yaml:3:5")


def test_a_rule_that_missed_is_told_condition_by_condition(tmp_path: Path) -> None:
    (result,) = run_case(tmp_path, case=CASE.replace("什么时候发货", "你好"))
    assert result.why == ("a.rule 标题: 未命中", "  ✗ 客户说: [发货] (看了 1 句)")
    (wrong_second,) = run_case(tmp_path, case=CASE.replace("at: 12", "at: 30"))
    assert wrong_second.why == ()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("rule: a.rule", "rule: a.rul", "no rule 'a.rul'; did you mean 'a.rule'?"),
        ("客户 12.0-14.5", "客人 12.0-14.5", "unknown speaker '客人'"),
        ("客户 12.0-14.5", "用户 12.0-14.5", "did you mean '客户'?"),
        ("客户 12.0-14.5 ANGRY", "ANGRY 客户12.0至14.5", "write 客户 12.0-14.5 ANGRY"),
        ("客户 12.0-14.5", "客户 【提问】 0:12-1:02", "write 客户 [提问] 12-62 ANGRY"),
        ("客户 12.0-14.5", "客户 [提问=80%] 12.0-14.5", "a score is a number from 0 to 1: 提问=0.8"),
        ("ANGRY", "ANGY", "; did you mean 'ANGRY'?"),
        ("12.0-14.5", "12.0", "expected `客户 12.0-14.5 ANGRY: 说的话`"),
        ("12.0-14.5", "14.5-12.0", "before it starts"),
        ("must_hit: [{rule: a.rule, at: 12}]", "must_hits: []", "did you mean 'must_hit'?"),
        ("    must_hit: [{rule: a.rule, at: 12}]\n", "", "nothing is expected"),
        ("schema: 1", "schema: one", "schema: got 'one'"),
    ],
)
def test_a_broken_case_is_refused_with_its_line(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in CASE
    with pytest.raises(ConfigError) as raised:
        run_case(tmp_path, case=CASE.replace(old, new))
    assert expected in str(raised.value)
    assert re.search(r"a\.test\.yaml:\d+:\d+: ", str(raised.value))


def test_draft_rules_are_tested_too(tmp_path: Path) -> None:
    assert [result.passed for result in run_case(tmp_path, RULE.replace("points", "status: draft, points"))] == [True]


def test_lint_warns_of_missing_directions_lost_topics_and_equal_titles(tmp_path: Path) -> None:
    second = RULE.splitlines()[2].replace("a.rule", "b.rule").replace("advice: 好", "advice: '{{ topic }}'")
    second = second.replace("customer says: [发货]", "silence: 2s")
    run_case(tmp_path, RULE + second + "\n")
    warnings = [str(warning).replace(f"{tmp_path}/", "") for warning in rules.lint(rules.load(tmp_path))]
    assert [warning.split("; ")[0] for warning in warnings] == [
        "a.yaml:3:6: a.rule: no test has it in `must_not_hit`",
        "a.yaml:4:6: b.rule: no test has it in `must_hit`",
        "a.yaml:4:6: b.rule: no test has it in `must_not_hit`",
        "a.yaml:4:6: b.rule: advice names {{ topic }}, but `when` does not always find one",
        "a.yaml:4:6: b.rule: title '标题' is that of another rule",
    ]


ACT_RULE = RULE.replace("customer says: [发货]", "customer does: {act: ask_again, score: 0.8}")


def test_a_line_may_say_what_it_does(tmp_path: Path) -> None:
    case = CASE.replace("客户 12.0", "客户 [ask_again=0.8, 抱怨] 12.0")
    assert [result.passed for result in run_case(tmp_path, ACT_RULE, case)] == [True]
    case = CASE.replace("客户 12.0", "客户 [ask_again=0.79] 12.0")
    assert [result.passed for result in run_case(tmp_path, ACT_RULE, case)] == [False]
    with pytest.raises(ConfigError, match="unknown act 'evade' of customer"):
        run_case(tmp_path, ACT_RULE, CASE.replace("客户 12.0", "客户 [evade] 12.0"))


def test_lines_without_acts_are_read_and_others_stay_as_they_are_written(tmp_path: Path) -> None:
    def read(transcript: Transcript) -> Transcript:
        heard = (SpokenAct(act=Act.ASK_AGAIN),)
        return dataclasses.replace(
            transcript, segments=tuple(dataclasses.replace(segment, acts=heard) for segment in transcript.segments)
        )

    for written, passed in (("客户 12.0", True), ("客户 [ask] 12.0", False)):
        (tmp_path / "a.yaml").write_text(ACT_RULE, encoding="utf-8")
        (tmp_path / "a.test.yaml").write_text(CASE.replace("客户 12.0", written), encoding="utf-8")
        results = rules.run_rule_tests(rules.load(tmp_path), analyse_transcript, read=read)
        assert [result.passed for result in results] == [passed]


def test_an_exported_test_says_what_its_lines_do(tmp_path: Path) -> None:
    ruleset = rule_set(tmp_path, "{customer does: ask_again}")
    talk = call(say(1, 3, CUSTOMER, "到底什么时候发", acts="ask_again=0.93 complain"))
    text = rules.export_rule_test(talk, ruleset.rules[0], ruleset, analyse_transcript)
    assert "客户 [ask_again=0.930, complain] 1.00-3.00 NEUTRAL:" in text
    (tmp_path / "a.test.yaml").write_text(f"schema: 1\ncases:\n{text}", encoding="utf-8")
    assert [result.passed for result in rules.run_rule_tests(rules.load(tmp_path), analyse_transcript)] == [True]
