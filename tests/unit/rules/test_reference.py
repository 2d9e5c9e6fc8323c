"""The reference of conditions: generated, complete, and every example in it loads."""

from __future__ import annotations

import textwrap

import pytest

from qareport import rules
from qareport.rules import CODES, RuleFiles
from qareport.rules.condition_parser import BRANCHES, MODIFIERS, keys_of
from qareport.rules.conditions import LEAVES, logic, sequence
from qareport.rules.named_conditions import NAMED
from qareport.rules.reference import ConditionSection, condition_sections
from tests.support.calls import TOPICS

SECTIONS = condition_sections()
RULE = """schema: 1
rules:
  - id: a.rule
    title: 标题
    severity: minor
    points: -1
    category: 物流
    advice: 好
    when:
"""
SYNONYMS = "schema: 1\nstages: {待发货: [没发货]}\n"


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.module.__name__.rsplit(".", 1)[-1])
def test_the_example_of_a_condition_loads_without_diagnostics(section: ConditionSection) -> None:
    text = RULE + textwrap.indent(section.example, " " * 6) + "\n"
    ruleset = rules.load(RuleFiles.from_texts({"a.yaml": text, "synonyms.yaml": SYNONYMS}))
    warnings = rules.lint(ruleset, topics=[topic.name for topic in TOPICS.topics])
    assert [str(warning) for warning in warnings if warning.code != "rule-without-test"] == []


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.module.__name__.rsplit(".", 1)[-1])
def test_a_condition_documents_each_of_its_keys_and_no_other(section: ConditionSection) -> None:
    heads = [head for head, form in LEAVES.items() if form.__module__ == section.module.__name__]
    for head in heads:
        assert f"`{head}`" in section.title
        documented = section.keys.get(head) or section.keys[""]
        assert list(documented) == keys_of(LEAVES[head])


def test_conditions_of_conditions_document_their_lists_and_every_modifier() -> None:
    by_module = {section.module: set(section.keys[""]) for section in SECTIONS if section.module in (logic, sequence)}
    documented = by_module[logic] | by_module[sequence]
    beside = {key for keys in BRANCHES.values() for key in keys}
    assert documented == {*BRANCHES, NAMED, *beside, *MODIFIERS, "within", "before", "around", "earliest"}


def test_the_reference_names_every_condition_with_types_and_defaults() -> None:
    text = rules.conditions_reference()
    for head in (*LEAVES, *BRANCHES):
        assert f"`{head}`" in text
    assert "| `longer` | length of time (`2s`) | one of these | The shortest pause that counts." in text
    assert "| `above` | number | one of these | Faster than this. |" in text
    assert "| `below` | number | one of these | Slower than this. |" in text
    assert "| `role` | `agent` `customer` `unknown` | `agent` | Who speaks. |" in text
    assert text.count("```yaml\nwhen:\n") == len(SECTIONS)


def test_the_codes_are_listed_with_their_meaning() -> None:
    text = rules.codes_reference()
    assert all(f"| `{code}` | {meaning} |" in text for code, meaning in CODES.items())
