"""Every problem of a rule has a code that is documented; warnings can be ignored by it, errors cannot."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from qareport import rules
from qareport.errors import ConfigError, Diagnostic
from qareport.rules import CODES, HitCounts, RuleFiles
from tests.support.paths import ROOT
from tests.support.rule_texts import CASE, RULE

PACKAGE = ROOT / "qareport"
#: A rule with tests in both directions: no warnings.
CALM = {"a.yaml": RULE, "a.test.yaml": CASE + CASE.split("cases:\n")[1].replace("must_hit: [{rule: a.rule, at: 12}]",
        "must_not_hit: [a.rule]").replace("发货", "您好")}  # fmt: skip


def when(condition: str) -> dict[str, str]:
    return {**CALM, "a.yaml": RULE.replace("{customer says: [发货]}", condition)}


def rule(old: str, new: str) -> dict[str, str]:
    assert old in RULE
    return {**CALM, "a.yaml": RULE.replace(old, new, 1)}


def case(old: str, new: str) -> dict[str, str]:
    assert old in CASE
    return {**CALM, "a.test.yaml": CASE.replace(old, new, 1)}


def second(old: str, new: str, more: str = "") -> dict[str, str]:
    """Two rules, the second a variant of the first."""
    own = RULE.replace("a.rule", "b.rule").replace("标题", "另一个")
    assert old in own
    return {**CALM, "a.yaml": RULE.replace("points", f"{more}points"), "b.yaml": own.replace(old, new)}


def comment(codes: str) -> dict[str, str]:
    return {**CALM, "a.yaml": RULE.rstrip() + f"  # qareport: ignore[{codes}]\n"}


BROKEN: dict[str, dict[str, str]] = {
    "no-rules": {"a.yaml": "schema: 1\n"},
    "file-too-large": {"a.yaml": RULE + "#" * 2_000_000},
    "not-utf8": rule("标题", "\ud800"),
    "invalid-yaml": {"a.yaml": "a: ["},
    "yaml-tag": rule("标题", "!x 标题"),
    "yaml-alias": {"a.yaml": "a: &x [1]\nb: *x\n"},
    "yaml-merge-key": {"a.yaml": "a: {<<: {b: 1}}\n"},
    "yaml-key": {"a.yaml": "? [1]\n: 2\n"},
    "yaml-nesting": {"a.yaml": "[" * 60 + "]" * 60},
    "duplicate-key": rule("title: 标题", "title: 标题, title: 另一个"),
    "schema-version": rule("schema: 1", "schema: 2"),
    "unknown-key": rule("points", "pionts: 3, points"),
    "missing-key": rule("points: -10, ", ""),
    "invalid-value": rule("major", "mayor"),
    "invalid-length": when("{silence: 2}"),
    "invalid-bounds": when("{turns: {above: 5, below: 3}}"),
    "conflicting-keys": when("{silence: 2s, nth: 1, times: 2}"),
    "invalid-regex": when("{customer says: {regex: '('}}"),
    "unknown-list": when("{customer says: [$道歉]}"),
    "invalid-list-name": {**CALM, "synonyms.yaml": "schema: 1\nsynonyms: {1a: [x]}\n"},
    "duplicate-id": {**CALM, "b.yaml": RULE},
    "missing-condition": when("{all: []}"),
    "unknown-condition": when("{customer say: [发货]}"),
    "several-conditions": when("{silence: 2s, event: Cry}"),
    "impossible-count": when("{any: [{silence: 2s}], at_least: 2}"),
    "sequence-length": when("{sequence: [{silence: 2s}]}"),
    "sequence-step": when("{sequence: [{none: [{silence: 2s}]}, {silence: 2s}]}"),
    "unknown-named-condition": when("{condition: 催发货}"),
    "unknown-stage": when("{stage: 待发货}"),
    "invalid-advice": rule("advice: 好", "advice: '{{ topik }}'"),
    "advice-without-default": rule("advice: 好", "advice: {}"),
    "unknown-rule": case("rule: a.rule", "rule: b.rule"),
    "test-without-expectation": case("    must_hit: [{rule: a.rule, at: 12}]\n", ""),
    "test-without-call": case("name: 问发货", "name: 问发货\n    call: c1"),
    "invalid-utterance": case("12.0-14.5", "12.0"),
}
WEAK: dict[str, dict[str, str]] = {
    "rule-without-test": {"a.yaml": RULE},
    "advice-without-topic": rule(
        "advice: 好, when: {customer says: [发货]}", "advice: '{{ topic }}', when: {silence: 2s}"
    ),
    "advice-not-excused": rule(
        "advice: 好, when: {customer says: [发货]}",
        "advice: 可以说：“我马上催仓库发货。”, when: {customer says: [发货], unless: [{agent says: [抱歉]}]}",
    ),
    "duplicate-title": second("另一个", "标题"),
    "ambiguous-scalar": when("{customer says: [yes]}"),
    "inside-longer-word": when("{customer says: [钱呢]}"),
    "short-silence": when("{silence: 1s}"),
    "impossible-speed": when("{speed: {above: 2000}}"),
    "impossible-metric": when("{metric: {name: non_talk_share, above: 40}}"),
    "unknown-topic": when("{topic: 物流}"),
    "unknown-promise": when("{promise: 送货}"),
    "unknown-label": when("{moment: {is: repeat, label: 放弃了}}"),
    "unknown-category": rule("category: 物流", "category: 尺码和质量"),
    "chinese-punctuation": when("{customer says: [发货，物流单号]}"),
    "retired-rule-tested": rule("points", "status: retired, points"),
    "never-matches": when("{customer says: {regex: '怎么还没发货？'}}"),
    "shadowed-word": when("{customer says: {any: [发货], except: [发货]}}"),
    "always-excused": when("{silence: 2s, unless: [{silence: 2s}]}"),
    "contradiction": when("{all: [{silence: 2s}, {none: [{silence: 2s}]}]}"),
    "zero-within": when("{silence: 2s, unless: [{agent says: 您好, within: 0s}]}"),
    "ended-rule": rule("points", "effective: {to: 2026-10-01}, points"),
    "replaces-unknown": rule("points", "replaces: no.such, points"),
    "replaces-itself": rule("points", "replaces: a.rule, points"),
    "replaces-active": second("发货", "退款", "replaces: b.rule, "),
    "shadowed-rule": second("另一个", "另一个"),
    "never-hits": CALM,
    "live-needs-end": {**CALM, "a.yaml": RULE.replace("points", "live: true, points").replace("货]", "货], last: 9s")},
    "unknown-ignore": comment("no-such-code"),
    "unused-ignore": comment("short-silence"),
}  # fmt: skip


def lint(texts: dict[str, str]) -> list[Diagnostic]:
    ruleset = rules.load(RuleFiles.from_texts(texts))
    counts = HitCounts(calls=1, by_rule={}, recent={"a.rule": 1, "b.rule": 1} if texts is not CALM else {})
    return list(
        rules.lint(
            ruleset,
            topics=["物流延迟"],
            promises=["发货"],
            today=date(2026, 11, 22),
            counts=counts,
            categories=["尺码与质量"],
        )
    )


def codes_of(raise_: Callable[[], object]) -> set[str]:
    with pytest.raises(ConfigError) as raised:
        raise_()
    assert all(isinstance(problem, Diagnostic) for problem in raised.value.problems)
    return {problem.code for problem in raised.value.problems if isinstance(problem, Diagnostic)}


@pytest.mark.parametrize(("code", "texts"), BROKEN.items(), ids=BROKEN)
def test_an_error_has_its_code(code: str, texts: dict[str, str]) -> None:
    assert code in codes_of(lambda: rules.load_rule_tests(rules.load(RuleFiles.from_texts(texts))))


@pytest.mark.parametrize(("code", "texts"), WEAK.items(), ids=WEAK)
def test_a_warning_has_its_code_and_nothing_else_is_said_of_its_rule(code: str, texts: dict[str, str]) -> None:
    warnings = lint(texts)
    assert code in {warning.code for warning in warnings}
    assert {warning.severity for warning in warnings} == {"warning"}


def test_errors_of_folders_have_their_codes(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").mkdir()
    assert codes_of(lambda: rules.load(tmp_path)) == {"unreadable-file"}
    (tmp_path / "b.yml").write_text(RULE, encoding="utf-8")
    assert codes_of(lambda: rules.load(tmp_path)) == {"wrong-suffix"}
    assert codes_of(lambda: rules.load(tmp_path / "none")) == {"no-rules"}
    assert codes_of(lambda: RuleFiles.from_revision("--all", tmp_path)) == {"unknown-revision"}


def test_every_code_is_documented_and_raised_here() -> None:
    assert {*BROKEN, *WEAK, "unreadable-file", "wrong-suffix", "unknown-revision"} == set(CODES)


def test_every_code_in_the_source_is_documented() -> None:
    used = set()
    for path in (*(PACKAGE / "rules").rglob("*.py"), PACKAGE / "strict_yaml.py"):
        text = path.read_text(encoding="utf-8")
        used |= set(re.findall(r'(?:code=|diagnostics\.add\(\s*|_warning\(\s*|_refuse\(\w+, )"([a-z0-9-]+)"', text))
    assert used
    assert used <= set(CODES)


@pytest.mark.parametrize("code", sorted(WEAK.keys() - {"unknown-ignore", "unused-ignore", "retired-rule-tested"}))
def test_a_comment_at_the_rule_silences_a_warning(code: str) -> None:
    texts = dict(WEAK[code])
    for name in ("a.yaml", "b.yaml"):
        if name in texts:
            texts[name] = texts[name].rstrip() + f"  # qareport: ignore[{code}]\n"
    if WEAK[code] is CALM:
        ruleset = rules.load(RuleFiles.from_texts(texts))
        assert rules.lint(ruleset, counts=HitCounts(calls=1, by_rule={}, recent={})) == ()
    else:
        assert code not in {warning.code for warning in lint(texts)}


LONG = """schema: 1
rules:
  - id: a.rule
    title: 标题
    severity: minor
    points: -1
    category: 物流
    advice: 好
    when:
      any:
        - silence: 1s
        - silence: 500ms
"""


def ignored(text: str, **more: str) -> list[str]:
    warnings = rules.lint(rules.load(RuleFiles.from_texts({"a.yaml": text, **more})))
    return [f"{warning.code}:{str(warning.where).split(':')[1]}" for warning in warnings]


def test_a_comment_silences_its_line_or_at_the_id_the_whole_rule() -> None:
    without = ["rule-without-test:3", "rule-without-test:3"]
    assert ignored(LONG) == [*without, "short-silence:11", "short-silence:12"]
    line = LONG.replace("silence: 1s", "silence: 1s  # qareport: ignore[short-silence]")
    assert ignored(line) == [*without, "short-silence:12"]
    whole = LONG.replace("a.rule", "a.rule  # legal wants it. qareport: ignore[short-silence, rule-without-test]")
    assert ignored(whole.replace("# legal wants it. ", "# ")) == []


def test_a_comment_of_one_rule_does_not_silence_the_next() -> None:
    text = LONG + LONG.split("rules:\n")[1].replace("a.rule", "b.rule").replace("标题", "另一个")
    text = text.replace("a.rule", "a.rule  # qareport: ignore[rule-without-test, short-silence]")
    assert [warning.split(":")[0] for warning in ignored(text)] == [
        "rule-without-test", "rule-without-test", "short-silence", "short-silence", "shadowed-rule",
    ]  # fmt: skip


def test_text_that_looks_like_a_comment_silences_nothing() -> None:
    text = LONG.replace("advice: 好", 'advice: "好 # qareport: ignore[short-silence]"')
    assert "short-silence:11" in ignored(text)


def test_a_comment_that_silences_nothing_or_names_no_code_is_told_with_its_place() -> None:
    text = "# qareport: ignore[short-silense]\n" + LONG.replace(
        "标题", "标题  # qareport: ignore[never-hits, contradiction]"
    )
    (unknown, unused) = [
        warning
        for warning in rules.lint(rules.load(RuleFiles.from_texts({"a.yaml": text})))
        if "ignore" in warning.code
    ]
    assert str(unknown) == "rules/a.yaml:1:1: ignore: there is no code 'short-silense'; did you mean 'short-silence'?"
    # Hits were not counted, so that the comment about them may be needed.
    assert str(unused) == "rules/a.yaml:5:16: ignore: nothing here is silenced by 'contradiction'; take it out"


def test_a_comment_in_a_test_file_or_for_an_error_is_unused() -> None:
    texts = {**CALM, "a.test.yaml": CALM["a.test.yaml"] + "# qareport: ignore[rule-without-test]\n"}
    assert [warning.code for warning in rules.lint(rules.load(RuleFiles.from_texts(texts)))] == ["unused-ignore"]
    broken = rule("severity: major", "severity: mayor")
    broken["a.yaml"] = broken["a.yaml"].rstrip() + "  # qareport: ignore[invalid-value]\n"
    assert codes_of(lambda: rules.load(RuleFiles.from_texts(broken))) == {"invalid-value"}


def test_a_diagnostic_cannot_be_changed() -> None:
    (warning, *_) = lint(WEAK["short-silence"])
    with pytest.raises(dataclasses.FrozenInstanceError):
        warning.code = "other"  # type: ignore[misc]
