"""Rules in Chinese words are the rules in English ones, and can be written in either."""

from __future__ import annotations

import pytest
import yaml

from qareport import rules
from qareport.errors import ConfigError
from qareport.rules import RuleFiles
from qareport.rules.rule_files import kind_of
from qareport.rules.translation import rewrite
from tests.support.calls import analyse_transcript
from tests.support.rule_texts import CASE, RULE, SHIPPED

CHINESE = """# 谁负责：质检组
格式: 1
规则:
  - 编号: gift.missing   # 不要再改
    标题: 漏发赠品没有道歉
    严重程度: 一般
    分数: -5
    类别: 服务态度与流程
    计次: 每次
    命中条件:
      先后:
        - 客户说: [赠品没有收到, 愤怒]
        - 沉默: 2秒
          以内: 3句
        - 情绪: {是: [愤怒, 'SAD'], 谁: 客户, 持续: 1.5秒}
      除非:
        - 客服在做: {行为: [道歉, 给方案], 把握: 0.8}
          以内: 30秒
      开头: 20 %
    节点名称: 疑虑
    建议话术:
      默认: >-
        先道歉。
      待发货: 分数不重要
"""
ENGLISH = """# 谁负责：质检组
schema: 1
rules:
  - id: gift.missing   # 不要再改
    title: 漏发赠品没有道歉
    severity: minor
    points: -5
    category: 服务态度与流程
    occurrence: every
    when:
      sequence:
        - customer says: [赠品没有收到, 愤怒]
        - silence: 2s
          within: 3 sentences
        - emotion: {is: [ANGRY, 'SAD'], role: customer, lasts: 1.5s}
      unless:
        - agent does: {act: [apologise, offer], score: 0.8}
          within: 30s
      first: 20 %
    moment: 疑虑
    advice:
      default: >-
        先道歉。
      待发货: 分数不重要
"""
SYNONYMS = "schema: 1\nstages: {待发货: [没发货]}\n"


def load(text: str) -> rules.RuleSet:
    return rules.load(RuleFiles.from_texts({"a.yaml": text, "synonyms.yaml": SYNONYMS}))


def test_a_rule_in_chinese_words_is_the_rule_in_english_ones() -> None:
    (chinese,), (english,) = load(CHINESE).rules, load(ENGLISH).rules
    assert chinese.written == english.written
    assert chinese.version == english.version
    assert (chinese.severity, chinese.points, chinese.location.line) == ("minor", -5, 4)


def test_a_file_is_written_in_one_language_and_all_else_stays() -> None:
    assert rewrite(CHINESE, "rules", "english") == ENGLISH
    back = rewrite(ENGLISH, "rules", "chinese")
    assert back == CHINESE.replace("'SAD'", "'失望'")
    assert rewrite(back, "rules", "chinese") == back


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.name)
def test_a_shipped_file_comes_back_from_chinese_as_it_was(path: object) -> None:
    text = path.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    kind = kind_of(path.name)  # type: ignore[attr-defined]
    english = rewrite(text, kind, "english")
    chinese = rewrite(text, kind, "chinese")
    assert rewrite(chinese, kind, "english") == english
    assert rewrite(chinese, kind, "chinese") == chinese
    assert yaml.safe_load(chinese) != yaml.safe_load(text)


def test_all_shipped_rules_in_chinese_are_the_same_rules_and_their_tests_hold() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in SHIPPED.glob("*.yaml")}
    chinese = {name: rewrite(text, kind_of(name), "chinese") for name, text in texts.items()}
    before, after = rules.load(RuleFiles.from_texts(texts)), rules.load(RuleFiles.from_texts(chinese))
    assert after.versions == before.versions
    assert [test.transcript for test in rules.load_rule_tests(after)] == [
        test.transcript for test in rules.load_rule_tests(before)
    ]


def test_both_languages_may_stand_in_one_file_but_not_for_one_key() -> None:
    mixed = RULE.replace("severity: major", "严重程度: major").replace("customer says", "客户说")
    (rule,) = load(mixed).rules
    assert rule.written == {"when": {"customer says": ["发货"]}}
    with pytest.raises(ConfigError, match="'分数' and 'points' are the same key"):
        load(RULE.replace("points: -10", "points: -10, 分数: -5"))


def test_a_word_of_the_language_is_one_only_where_it_belongs() -> None:
    (rule,) = load(RULE.replace("[发货]", "[愤怒, 规则, 2秒, ANGRY]").replace("标题", "严重程度")).rules
    assert rule.written == {"when": {"customer says": ["愤怒", "规则", "2秒", "ANGRY"]}}
    assert rule.title == "严重程度"


def test_a_test_in_chinese_words_is_the_test_in_english_ones() -> None:
    chinese = rewrite(CASE, "tests", "chinese")
    assert "客户 12.0-14.5 愤怒: 什么时候发货" in chinese
    assert "客服 15-16: 您好" in chinese
    assert "应当命中: [{规则: a.rule, 第几秒: 12}]" in chinese
    ruleset = rules.load(RuleFiles.from_texts({"a.yaml": RULE, "a.test.yaml": chinese}))
    assert [result.failures for result in rules.run_rule_tests(ruleset, analyse_transcript)] == [()]
    assert rewrite(chinese, "tests", "english") == CASE.replace("客户", "customer")


def test_a_mistake_in_a_chinese_file_is_answered_with_the_words_of_the_file() -> None:
    with pytest.raises(ConfigError) as raised:
        load(
            CHINESE.replace("一般", "很一般")
            .replace("以内: 30秒", "以内: 30")
            .replace("类别: 服务态度与流程", "类被: 物流")
        )
    answers = [str(problem).split(": ", 2)[1:] for problem in raised.value.problems]
    assert [
        "gift.missing",
        "严重程度: got '很一般'; expected one of info, minor, major, critical; did you mean '一般'?",
    ] in answers
    assert ["gift.missing", "unknown key '类被'; did you mean '类别'?"] in answers
    assert any(answer[1].startswith("以内: got 30; expected a length of time") for answer in answers)
    assert len(answers) == 3
