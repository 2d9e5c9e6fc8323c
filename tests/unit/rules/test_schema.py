"""The JSON Schema for editors takes what lint takes, and refuses what lint refuses for its structure."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from qareport import rules
from qareport.errors import ConfigError
from qareport.rules.reference import condition_sections
from qareport.rules.rule_files import kind_of
from qareport.rules.schema import FileKind, json_schema
from qareport.strict_yaml import parse_yaml
from tests.support.paths import ROOT
from tests.support.rule_texts import CASE, RULE, SHIPPED

VALIDATORS = {kind: Draft202012Validator(json_schema(kind)) for kind in ("rules", "tests", "synonyms")}
BROKEN = sorted(
    path for path in (ROOT / "tests" / "unit" / "rules" / "broken_rules").glob("*.yaml") if path.stem != "expected"
)
#: What a schema cannot know, by the broken file.
BEYOND_A_SCHEMA = {
    "list-unknown": "synonyms.yaml",
    "stage-unknown": "synonyms.yaml",
    "advice-attribute": "what a placeholder may do",
    "advice-unclosed-placeholder": "placeholders in a text",
    "advice-unknown-placeholder": "placeholders in a text",
    "advice-full-width-braces": "placeholders in a text",
    "advice-single-braces": "placeholders in a text",
    "effective-no-such-day": "the days of a month",
    "between-backwards": "which of two values is greater",
    "effective-backwards": "which of two values is greater",
    "metric-bounds-crossed": "which of two values is greater",
    "at-least-too-many": "the length of a list beside it",
    "regex-broken": "regular expressions",
    "regex-matches-everything": "regular expressions",
    "regex-refers-back": "regular expressions",
    "regex-runs-away": "regular expressions",
    "sounds-like-alone": "a key that only the value true of another asks for",
    "custom-tag": "what YAML leaves of it",
}


RULE_HEAD = """schema: 1
rules:
  - id: a.rule
    title: 标题
    severity: minor
    points: -1
    category: 物流
    advice: 好
"""


def complaints(kind: FileKind, text: str) -> list[str]:
    data: Any = parse_yaml(text.encode(), name="f.yaml").data
    return [f"{'/'.join(map(str, error.path))}: {error.message}"[:300] for error in VALIDATORS[kind].iter_errors(data)]


def is_read(text: str) -> bool:
    try:
        rules.load(rules.RuleFiles.from_texts({"a.yaml": text, "synonyms.yaml": SYNONYMS}))
    except ConfigError:
        return False
    return True


SYNONYMS = "schema: 1\nsynonyms: {道歉: [抱歉]}\nstages: {待发货: [没发货]}\n"


def with_condition(condition: str) -> str:
    return RULE.replace("{customer says: [发货]}", condition)


@pytest.mark.parametrize("kind", VALIDATORS)
def test_the_schema_is_one(kind: FileKind) -> None:
    Draft202012Validator.check_schema(json_schema(kind))


@pytest.mark.parametrize("kind", VALIDATORS)
def test_editors_whose_expressions_know_no_chinese_letters_read_it_alike(kind: FileKind) -> None:
    assert re.search(r"\\\\[wWbB]", json.dumps(json_schema(kind))) is None


@pytest.mark.parametrize("name", ["1道歉", "道 歉", "_道歉"])
def test_a_list_that_no_rule_can_name_is_refused_by_both(name: str) -> None:
    text = SYNONYMS.replace("道歉", name)
    assert complaints("synonyms", SYNONYMS) == []
    assert complaints("synonyms", text) != []
    with pytest.raises(ConfigError, match="cannot be named in a rule"):
        rules.load(rules.RuleFiles.from_texts({"a.yaml": RULE, "synonyms.yaml": text}))


@pytest.mark.parametrize(
    ("condition", "taken"),
    [
        ("{customer says: [发货]}", True),
        ("{任一: [{客户说: [发货]}, {沉默: 3秒}]}", True),
        ("{customer says: [发货], unless: [{agent says: [抱歉], within: 9s}]}", True),
        ("{condition: 催}", False),
        ("{条件: 催, 次数: 2}", False),
        ("{any: [{customer says: [发货]}, {condition: 催}]}", False),
        ("{sequence: [{customer says: [发货]}, {condition: 催}]}", False),
        ("{customer says: [发货], unless: [{condition: 催}]}", False),
        ("{customer say: [发货]}", False),
        ("[customer says]", False),
        ("~", False),
    ],
)
def test_lint_and_the_schema_agree_about_shared_conditions(condition: str, *, taken: bool) -> None:
    shared = f"{SYNONYMS}conditions:\n  催: {{customer says: [催]}}\n  二: {condition}\n"
    try:
        rules.load(rules.RuleFiles.from_texts({"a.yaml": RULE, "synonyms.yaml": shared}))
        is_taken = True
    except ConfigError:
        is_taken = False
    assert is_taken is taken
    assert (complaints("synonyms", shared) == []) is taken


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.name)
def test_every_shipped_file_is_taken(path: Path) -> None:
    assert complaints(kind_of(path.name), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", ["rules.md", "rules.zh-CN.md"])
def test_the_examples_of_the_guide_are_taken(name: str) -> None:
    guide = (ROOT / "docs" / "guide" / name).read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", guide, flags=re.DOTALL)
    assert len(blocks) > 15
    for block in blocks:
        if "cases:" in block or "例子:" in block:
            assert complaints("tests", block) == []
        elif "conditions:" in block or "共用条件:" in block:
            assert complaints("synonyms", block) == []
        elif re.match(r"schema:|格式:", block):
            assert complaints("rules", block) == []
        else:
            assert complaints("rules", RULE_HEAD + textwrap.indent(block, "    ")) == [], block


@pytest.mark.parametrize("section", condition_sections(), ids=lambda section: section.module.__name__)
def test_the_examples_of_the_reference_are_taken(section: Any) -> None:
    assert complaints("rules", RULE_HEAD + "    when:\n" + textwrap.indent(section.example, "      ")) == []


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_file_is_refused_unless_a_schema_cannot_know(path: Path) -> None:
    try:
        found = complaints("rules", path.read_text(encoding="utf-8"))
    except ConfigError:
        return  # not even YAML, or a key that is given twice
    assert bool(found) is (path.stem not in BEYOND_A_SCHEMA), found


TAKEN = [
    "{emotion: ANGRY}", "{emotion: {is: ANGRY}}", "{emotion: [愤怒, SAD]}", "{time of day: 22:00-08:00}",
    "{silence: 3s, after: customer}", "{沉默: 3秒, 谁说完后: 客户}", "{customer says: 12315}", "{weekday: 周六}",
    "{turns: {above: 3}}", "{call length: 10m}", "{指标: {名称: 无人说话占通话, 高于: 0.4}}",
    "{any: [{silence: 2s}, {event: Cry}], at_least: 2}", "{all: [{silence: 2s}], together: 3 sentences}",
    "{sequence: [{silence: 2s}, {event: 哭, 以内: 5句}]}", "{silence: 2s, first: 20%}",
    "{silence: 2s, between: [10s, -30s]}",
    "{silence: 2s, unless: [{agent says: 您好, before: 2 sentences}]}", "{customer does: [要投诉, give_up]}",
    "{customer says: 好, times: 3, within: 2m}", "{客户说: 好, 满几次: 3, 以内: 2分钟}",
    "{response delay: {by: 客服, longer: 5s}}", "{earlier calls: 2}", "{customer says: {any: 好, negated: either}}",
    "{customer says: {any: 好, negated: 是}}", "{moment: {is: repeat, label: 放弃}}",
    "{customer says: {like: 好的呀, similarity: 0.8}}", "{客户说: {意思相近: 好的呀, 相似度: 0.8, 任一: 好}}",
]  # fmt: skip
REFUSED = [
    "{silence: 2s, within: 2 turns}", "{silence: 2s, within: 3s}",
    "{silence: 2s, unless: [{agent says: 您好, within: 2 turns}]}", "{silence: 2}",
    "{emotion: {role: agent}}", "{emotion: angry}", "{event: Cry, after: customer}", "{silence: 2s, together: 3s}",
    "{all: [{silence: 2s}], at_least: 1}", "{silence: 2s, event: Cry}", "{silence: 2s, first: 120%}", "{nth: 2}",
    "{silence: 2s, between: [3 turns, 4 turns]}", "{silence: 2s, nth: 1, times: 2}", "{customer says: {any: []}}",
    "{silence: 2s, first: 3s, last: 3s}", "{turns: {}}", "{speed: {role: agent}}", "{turns: {above: '3'}}",
    "{customer says: ['', 好]}", "{customer says: ['。', 好]}", "{sequence: [{silence: 2s, within: 3s}, {event: Cry}]}",
    "{sequence: [{silence: 2s}, {none: [{event: Cry}]}]}", "{weekday: 周八}", "{metric: {name: talk, above: 1}}",
    "{情绪: 愤怒, emotion: ANGRY}", "{customer says: {any: 好, negated: maybe}}", "{silence: {longer: 2s, 不短于: 3s}}",
    "{silence: 2s, first: 3.5 turns}", "{call length: {}}", "{customer says: {except: [好]}}",
    "{customer says: [＄道歉]}", "{customer says: {any: 好, similarity: 0.8}}", "{客服说: {正则: 好, 相似度: 0.8}}",
]  # fmt: skip


@pytest.mark.parametrize("condition", TAKEN)
def test_what_lint_takes_the_schema_takes(condition: str) -> None:
    assert is_read(with_condition(condition))
    assert complaints("rules", with_condition(condition)) == []


@pytest.mark.parametrize("condition", REFUSED)
def test_what_lint_refuses_the_schema_refuses(condition: str) -> None:
    assert not is_read(with_condition(condition))
    assert complaints("rules", with_condition(condition))


@pytest.mark.parametrize(
    ("old", "new", "taken"),
    [
        ("points: -10", "points: fatal", True),
        ("points: -10", "分数: 一票否决", True),
        ("points: -10", "points: -500", False),
        ("severity: major", "severity: 主要", True),
        ("severity: major", "severity: 高", False),
        ("points: -10", "points: -10, occurrence: {nth: 2}", True),
        ("points: -10", "points: -10, occurrence: first", True),
        ("points: -10", "points: -10, effective: {from: 2026-11-1}", False),
        ("advice: 好", "advice: {default: 好, 待发货: 好}", True),
        ("advice: 好", "advice: {待发货: 好}", False),
        ("advice: 好", "建议话术: {默认: 好}", True),
        ("title: 标题", "title: 标题, applies_when: ~", True),
    ],
)
def test_lint_and_the_schema_agree_about_the_keys_of_a_rule(old: str, new: str, *, taken: bool) -> None:
    assert old in RULE
    text = RULE.replace(old, new)
    assert is_read(text) is taken
    assert (complaints("rules", text) == []) is taken


@pytest.mark.parametrize(
    ("old", "new", "taken"),
    [
        ("at: 12", "at: 12.5", True),
        ("at: 12", "at: soon", False),
        ("cases:", "例子:", True),
        ("12.0-14.5 ANGRY", "12.0-14.5 愤怒", True),
        ("12.0-14.5", "12.0", False),
        ("name: 问发货", "name: 问发货\n    duration: 60秒", True),
        ("name: 问发货", "name: 问发货\n    started_at: 2026-11-05T10:00:00+08:00", True),
        ("name: 问发货", "name: 问发货\n    started_at: 早上", False),
    ],
)
def test_lint_and_the_schema_agree_about_tests(old: str, new: str, *, taken: bool) -> None:
    assert old in CASE
    text = CASE.replace(old, new)
    try:
        rules.load_rule_tests(rules.load(rules.RuleFiles.from_texts({"a.yaml": RULE, "a.test.yaml": text})))
        is_taken = True
    except ConfigError:
        is_taken = False
    assert is_taken is taken
    assert (complaints("tests", text) == []) is taken


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ANGRY", "暴怒"), ("ANGRY", "ANGRY=2"), ("客户 12.0", "用户 12.0"), ("客户 12.0", "客户 [apologise] 12.0"),
        ("    must_hit: [{rule: a.rule, at: 12}]\n", ""), ("name: 问发货", "name: 问发货\n    call: c1"),
    ],
)  # fmt: skip
def test_a_test_that_is_refused_is_refused_by_the_schema(old: str, new: str) -> None:
    assert old in CASE
    assert complaints("tests", CASE) == []
    assert complaints("tests", CASE.replace(old, new)) != []
    with pytest.raises(ConfigError):
        rules.load_rule_tests(
            rules.load(rules.RuleFiles.from_texts({"a.yaml": RULE, "a.test.yaml": CASE.replace(old, new)}))
        )


@pytest.mark.parametrize(
    "head", ["客户 [再次追问, 抱怨=0.8] 1-2 愤怒=0.9 笑声 -20.5dB", "客服 [道歉] 1-2", "unknown 1-2"]
)
def test_a_line_with_acts_emotions_and_sounds_is_taken(head: str) -> None:
    assert complaints("tests", CASE.replace("客户 12.0-14.5 ANGRY", head)) == []


def test_the_limit_of_a_rule_that_hits_once_is_refused() -> None:
    rule = RULE.replace("points: -10", "points: -10, most: -20")
    assert complaints("rules", rule) != []
    assert complaints("rules", rule.replace("most", "occurrence: every, most")) == []
    assert complaints("rules", rule.replace("most", "计次: 每次, 最多")) == []
