"""Hostile rule files: whatever they hold, only a `ConfigError` with places comes out, never an error of a library."""

from __future__ import annotations

import pytest

from qareport import rules
from qareport.errors import ConfigError, Diagnostic
from qareport.rules import RuleFiles
from tests.support.calls import analyse_transcript
from tests.support.rule_texts import CASE, RULE

DEEP = "[" * 50_000
WHOLE_FILES = {
    "nothing": "",
    "zero bytes": "\0" * 100,
    "control characters": "schema: 1\nrules: \x01\x02\x7f",
    "a bell in a key": "\a: 1",
    "deep brackets": DEEP,
    "deep braces": "{a: " * 3000,
    "deep dashes": "- " * 3000 + "a",
    "an escape that is no character": 'schema: "\\UFFFFFFFF"',
    "an escape above Unicode": 'schema: "\\U00110000"',
    "half an escape": 'schema: "\\u12',
    "an escaped surrogate": RULE.replace("标题", '"\\ud800"'),
    "a long directive": "%YAML " + "9" * 5000 + ".1\n---\na: 1",
    "an unknown directive": "%X y\n--- a",
    "an unknown tag handle": "a: !x!y z",
    "a Python object": "a: !!python/object/apply:os.system [ls]",
    "laughing aliases": "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]",
    "an alias of itself": "a: &a [*a]",
    "an unknown alias": "a: *nowhere",
    "an anchor given twice": "a: &x 1\nb: &x 2",
    "keys that are lists": "? [a, b]\n: 1\n? {c: d}\n: 2",
    "a merge key": "a: {<<: 1}",
    "many documents": "---\n" * 100,
    "a number as long as a book": f"schema: {'9' * 100_000}",
    "a date": "schema: 2026-11-01",
    "no-break spaces": "schema:\u00a01\nrules:\u2028- id: a",
    "only tabs": "\t\t\t",
    "null everywhere": "schema: ~\nrules: [~, ~]",
    "rules of rules": "schema: 1\nrules: [[[]], {id: {id: {}}}, 3, x]",
    "a list for everything": "schema: [1]\nrules: {id: [a]}",
}
PARTS = {
    "infinite points": ("points: -10", f"points: {'9' * 400}.0"),
    "a number where a word is": ("id: a.rule", f"id: {'9' * 30}"),
    "a mapping where a word is": ("title: 标题", "title: {a: {b: c}}"),
    "advice that divides by nothing": ("advice: 好", "advice: '{{ 1/0 }}'"),
    "advice that is deep": ("advice: 好", f"advice: '{{{{ {'(' * 500} }}}}'"),
    "advice that calls": ("advice: 好", "advice: '{{ quote.__class__.__mro__[1].__subclasses__() }}'"),
    "advice that includes": ("advice: 好", "advice: '{% include \"/etc/passwd\" %}'"),
    "advice with half a statement": ("advice: 好", "advice: '{% if'"),
    "loops in loops": (
        "advice: 好",
        'advice: \'{% for i in "a" * 9999 %}{% for j in "a" * 9999 %}{% endfor %}{% endfor %}好\'',
    ),
    "a huge text": ("advice: 好", "advice: '{{ quote | center(999999999) }}'"),
    "a huge number": ("advice: 好", "advice: '{{ 9 ** 9 ** 9 }}'"),
    "a range without end": ("advice: 好", "advice: '{% for i in range(999999999) %}x{% endfor %}'"),
    "a deep expression": ("[发货]", f"{{regex: '{'(' * 140}a{')' * 140}'}}"),
    "an expression that repeats without end": ("[发货]", "{regex: 'a{99999999999}'}"),
    "a set in a set": ("[发货]", "{regex: '[[a]'}"),
    "an unknown group": ("[发货]", "{regex: '(?P=x)(?<n>a)'}"),
    "a flag": ("[发货]", "{regex: '(?z)a'}"),
    "a day that is no day": ("points", "effective: {from: 0000-00-00}, points"),
    "a year 1": ("points", "effective: {from: 0001-01-01}, points"),
    "a length of ages": ("{customer says: [发货]}", "{earlier calls: {within: 999999d}}"),
    "a clock of 99 hours": ("{customer says: [发货]}", "{time of day: '24:00-00:00'}"),
    "a condition of nothing": ("{customer says: [发货]}", "{}"),
    "a condition in a string": ("{customer says: [发货]}", "'{silence: 2s}'"),
    "lists in lists": ("[发货]", "[[发货], {a: b}, ~, true]"),
    "bounds of infinity": ("{customer says: [发货]}", f"{{metric: {{name: talk_s, above: {'9' * 400}.5}}}}"),
    "an unhashable stage": ("{customer says: [发货]}", "{stage: {is: [{}, []]}}"),
    "an unhashable weekday": ("{customer says: [发货]}", "{weekday: [{}]}"),
    "a scope of lists": ("{customer says: [发货]}", "{silence: 2s, first: [], last: {}, between: 3, nth: x, times: ~}"),
}
TESTS = {
    "a second after the end of time": ("12.0-14.5", f"{'9' * 400}-{'9' * 401}"),
    "a level of thunder": ("ANGRY", f"-{'9' * 400}dB"),
    "a score of many": ("ANGRY", "ANGRY=9"),
    "calls before the year 1": ("name: 问发货", "name: 问发货\n    earlier_calls: [999999d]"),
    "a start that is no time": ("name: 问发货", "name: 问发货\n    started_at: {}"),
    "a start in the year 1": (
        "name: 问发货",
        "name: 问发货\n    started_at: 0001-01-01T00:00:00\n    earlier_calls: [1d]",
    ),
    "an expectation at infinity": ("at: 12", f"at: {'9' * 400}.5"),
    "a rule that is a list": ("{rule: a.rule, at: 12}", "{rule: [a.rule]}"),
    "an utterance that is a list": ("什么时候发货", "[a, {b: c}]"),
    "no utterances": ("      - agent 15-16: 您好\n", "      - {}\n      - 3\n"),
}


def answer(texts: dict[str, str]) -> None:
    """Do all that an editor does with rule files; a `ConfigError` is the only error that may come out."""
    try:
        ruleset = rules.load(RuleFiles.from_texts(texts))
        tests = rules.load_rule_tests(ruleset)
        rules.lint(ruleset, tests=tests, topics=[])
        rules.run_rule_tests(ruleset, analyse_transcript, tests=tests)
    except ConfigError as error:
        for problem in error.problems:
            assert isinstance(problem, Diagnostic)
            assert problem.where is not None
            assert "\n" not in str(problem)
            assert not any(
                word in str(problem).casefold() for word in ("pydantic", "traceback", "jinja", "yaml.reader")
            )


@pytest.mark.parametrize("text", WHOLE_FILES.values(), ids=WHOLE_FILES)
@pytest.mark.parametrize("name", ["a.yaml", "a.test.yaml", "synonyms.yaml"])
def test_a_hostile_file_is_a_configuration_error(name: str, text: str) -> None:
    answer({"a.yaml": RULE, "a.test.yaml": CASE, name: text})


@pytest.mark.parametrize(("old", "new"), PARTS.values(), ids=PARTS)
def test_a_hostile_value_in_a_rule_is_a_configuration_error_or_harmless(old: str, new: str) -> None:
    assert old in RULE
    answer({"a.yaml": RULE.replace(old, new, 1), "a.test.yaml": CASE})


@pytest.mark.parametrize(("old", "new"), TESTS.values(), ids=TESTS)
def test_a_hostile_value_in_a_test_is_a_configuration_error_or_harmless(old: str, new: str) -> None:
    assert old in CASE
    earlier = RULE.replace("{customer says: [发货]}", "{any: [{customer says: [发货]}, {earlier calls: {within: 9d}}]}")
    for text in (RULE, earlier):
        answer({"a.yaml": text, "a.test.yaml": CASE.replace(old, new, 1)})


@pytest.mark.parametrize(
    "text",
    ["schema: 1\nsynonyms: {a: [], b: ~, ' ': [x], 1: x}", "schema: 1\nstages: [a]", "schema: 1\nfalse_friends: {a: b}",
     "schema: 1\nsynonyms: {a: [$a]}", "schema: 1\nsynonyms: [[[]]]"],
)  # fmt: skip
def test_hostile_synonyms_are_a_configuration_error(text: str) -> None:
    with pytest.raises(ConfigError):
        rules.load(RuleFiles.from_texts({"a.yaml": RULE, "synonyms.yaml": text}))
    answer({"a.yaml": RULE, "synonyms.yaml": text})
