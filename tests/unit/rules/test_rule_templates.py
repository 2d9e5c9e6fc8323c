"""A new rule is written without seeing YAML, with two tests that it passes."""

from __future__ import annotations

import pytest

from qareport import rules
from qareport.errors import ConfigError
from qareport.rules import NewRule, RuleFiles, RuleTemplate
from tests.support.calls import analyse_transcript
from tests.support.rule_folder import RULES, TESTS


def new(template: RuleTemplate = RuleTemplate.CUSTOMER_SAYS, **values: object) -> NewRule:
    given: dict[str, object] = {
        "template": template, "rule_id": "returns.new-1", "title": "新规则：一", "category": "退货",
        "advice": "说：“好的”。", "words": ("货不对板", "yes"), "reply": ("给您换",),
    }  # fmt: skip
    return NewRule(**(given | values))  # type: ignore[arg-type]


@pytest.mark.parametrize("template", RuleTemplate)
@pytest.mark.parametrize("text", [RULES, rules.rewrite(RULES, "rules", "chinese"), ""])
def test_a_rule_of_each_template_loads_without_warnings_and_passes_its_tests(template: RuleTemplate, text: str) -> None:
    written, tests = rules.add_rule(text, TESTS if text else "", new(template))
    ruleset = rules.load(RuleFiles.from_texts({"returns.yaml": written, "returns.test.yaml": tests}))
    assert rules.lint(ruleset) == ()
    assert [result.failures for result in rules.run_rule_tests(ruleset, analyse_transcript)] == [()] * (
        4 if text else 2
    )
    assert written.startswith(text.rstrip("\n"))


def test_a_chinese_file_gets_a_rule_in_chinese() -> None:
    written, _tests = rules.add_rule(rules.rewrite(RULES, "rules", "chinese"), TESTS, new())
    assert "  - 编号: returns.new-1\n    标题: 新规则：一" in written


def test_everything_that_is_not_filled_in_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as raised:
        rules.add_rule(
            RULES, TESTS, new(RuleTemplate.NO_REPLY, rule_id="A b", title=" ", words=(), reply=(), seconds=0)
        )
    assert len(raised.value.problems) == 5


def test_an_id_is_free_and_follows_the_file() -> None:
    assert rules.next_id("returns", {"returns.new-1": None}) == "returns.new-2"
    assert rules.next_id("7天", {}) == "rules-7.new-1"
