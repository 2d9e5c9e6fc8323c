"""Rule files: what loads, and how everything else is answered, all at once and with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import assume, example, given
from hypothesis import strategies as st

from qareport import analysis, rules
from qareport.errors import ConfigError, SourceLocation
from qareport.settings import AnalysisSettings
from qareport.text.wordlist import normalise
from tests.support.calls import CUSTOMER, TOPICS, call, say
from tests.support.hypothesis_profiles import examples
from tests.support.paths import ROOT

RULE = """schema: 1
rules:
  - id: a.rule
    title: 标题
    severity: major
    points: -10
    category: 物流
    when:
      customer says: [发货]
    advice: 请说“{{ topic }}”。
"""


def write(folder: Path, text: str, name: str = "a.yaml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def problems(folder: Path, text: str) -> list[str]:
    """Load what must not load, and return its problems without the folder."""
    with pytest.raises(ConfigError) as raised:
        rules.load(write(folder, text))
    for problem in raised.value.problems:
        assert isinstance(problem.where, SourceLocation), problem
        assert problem.where.line >= 1
    return [str(problem).replace(f"{folder}/", "") for problem in raised.value.problems]


def test_a_rule_is_read_with_its_defaults(tmp_path: Path) -> None:
    (rule,) = rules.load(write(tmp_path, RULE)).rules
    assert (rule.id, rule.points, rule.status, rule.occurrence, rule.moment) == (
        "a.rule", -10, rules.RuleStatus.ACTIVE, rules.Occurrence.ONCE, None,
    )  # fmt: skip
    assert (rule.location.line, rule.location.column) == (3, 5)


def test_the_hash_follows_the_contents_and_names_and_not_the_place(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("a", "b", "c")]
    for folder in folders:
        folder.mkdir()
    first, same = rules.load(write(folders[0], RULE)), rules.load(write(folders[1], RULE))
    other = rules.load(write(folders[2], RULE.replace("-10", "-11")))
    assert first.sha256 == same.sha256 != other.sha256
    assert first.rules[0].version == same.rules[0].version != other.rules[0].version


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "severity: major",
            "severity: mayor",
            (
                "a.yaml:5:5: a.rule: severity: got 'mayor'; expected one of info, minor, "
                "major, critical; did you mean 'major'?"
            ),
        ),
        ("severity:", "severty:", "a.yaml:5:5: a.rule: unknown key 'severty'; did you mean 'severity'?"),
        ("points: -10", "points: true", "a.yaml:6:5: a.rule: points: got true; expected a whole number"),
        (
            "customer says",
            "customer say",
            ("a.yaml:9:7: a.rule: unknown condition 'customer say'; did you mean 'customer says'?"),
        ),
        ("[发货]", "[]", "a.yaml:9:7: a.rule: customer says: got []; expected at least one word"),
        ("[发货]", "[发货, '']", "a.yaml:9:27: a.rule: customer says: got ''; expected words, not a blank"),
        ("[发货]", "{any: [发货], excpt: [x]}", "did you mean 'except'?"),
        ("[发货]", "{regex: '('}", "expected a regular expression"),
        ("    advice: 请说“{{ topic }}”。\n", "", "a.yaml:3:5: a.rule: 'advice' is missing; add `advice:`"),
        (
            "{{ topic }}",
            "{{ topik }}",
            (
                "a.yaml:10:5: a.rule: advice: unknown placeholder {{ topik }}; expected "
                "{{ quote }}, {{ topic }}, {{ seconds }}, {{ order_id }}"
            ),
        ),
        ("{{ topic }}", "{{ topic", "a.yaml:10:5: a.rule: advice: a placeholder is broken"),
        ("{{ topic }}", "{{ topic.__class__.__mro__ }}", "a.yaml:10:5: a.rule: advice: a placeholder is broken"),
        ("id: a.rule", "id: 规则", "a.yaml:3:5: 规则: id: got '规则'"),
        ("schema: 1", "schema: 9", "a.yaml:1:1: schema: got 9; expected 1"),
        (
            "customer says: [发货]",
            "silence: 2",
            ("a.yaml:9:7: a.rule: silence: got 2; expected a length of time with its unit: 2s, 1500ms or 1m"),
        ),
        ("customer says: [发货]", "emotion: {is: ANGY}", "did you mean 'ANGRY'?"),
        ("customer says: [发货]", "moment: churn", "did you mean 'churn_signal'?"),
        ("customer says: [发货]", "sequence: [{silence: 2s}]", "a sequence of 1; expected 2 to 10 steps"),
        ("customer says: [发货]", "all: []", "all: an empty list"),
        ("customer says: [发货]", "{}", "no condition here"),
        (
            "customer says: [发货]",
            "silence: 2s\n      event: Cry",
            ("several conditions at once: silence, event; put them in a list below `all:` or `any:`"),
        ),
        ("customer says: [发货]", "silence: 2s\n      first: 3s\n      last: 3s", "keep one of them"),
        ("customer says: [发货]", "silence: 2s\n      within: 3s", "'within' does not belong here"),
        ("customer says: [发货]", "silence: 2s\n      unless: []", "unless: an empty list"),
        ("    when:\n      customer says: [发货]\n", "    when: 发货\n", "when: got '发货'"),
    ],
)
def test_a_mistake_is_answered_with_its_place_and_what_to_do(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in RULE
    answers = problems(tmp_path, RULE.replace(old, new, 1))
    assert any(expected in answer for answer in answers), answers


def test_all_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    write(
        tmp_path,
        RULE.replace("major", "mayor").replace("[发货]", "[]").replace("topic", "topik").replace("a.rule", "b.rule"),
        "b.yaml",
    )
    write(tmp_path, "schema: 1\nrules: [", "c.yaml")
    answers = problems(tmp_path, RULE.replace("points: -10", "points: -1000"))
    assert len(answers) == 5
    assert [answer.split(":")[0] for answer in answers] == ["a.yaml", "b.yaml", "b.yaml", "b.yaml", "c.yaml"]


def test_an_id_given_twice_in_two_files_names_both(tmp_path: Path) -> None:
    write(tmp_path, RULE, "b.yaml")
    (problem,) = problems(tmp_path, RULE)
    assert problem == "b.yaml:3:5: a.rule: this id is given twice; first given at a.yaml:3:5: rename one"


def test_none_as_a_step_is_sent_to_unless(tmp_path: Path) -> None:
    text = RULE.replace(
        "customer says: [发货]",
        "sequence:\n        - customer says: [发货]\n        - none: [{agent says: [好]}]\n          within: 5s",
    )
    assert any("below `unless:`" in problem for problem in problems(tmp_path, text))


@pytest.mark.parametrize("text", ["", "[]", "rules: 3", "schema: 1\nrules: []", "schema: 1\nrules: [3, null]"])
def test_a_file_without_rules_is_refused(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text)


def test_a_folder_without_rules_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(ConfigError):
            rules.load(folder)


def test_a_file_that_would_be_overlooked_is_refused(tmp_path: Path) -> None:
    write(tmp_path, RULE)
    (tmp_path / "b.yml").write_text(RULE, encoding="utf-8")
    with pytest.raises(ConfigError, match="rename it to .yaml"):
        rules.load(tmp_path)


@given(st.text(st.characters(blacklist_categories=["Cs", "Cc", "Cn"]), min_size=1, max_size=12))
@example('"1')
@examples(60)
def test_any_words_load_as_a_keyword_and_find_themselves(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    assume(normalise(text).strip() and not text.startswith("$"))  # $ names a shared list
    document = yaml.safe_load(RULE)
    document["rules"][0]["when"] = {"customer says": [text]}
    folder = tmp_path_factory.mktemp("rules")
    try:
        (rule,) = rules.load(write(folder, yaml.safe_dump(document, allow_unicode=True))).rules
    except ConfigError as error:
        pytest.fail(str(error))
    spoken = call(say(0, 1, CUSTOMER, text))
    hit = rule.when.first(rules.MatchContext.of(spoken, analysis.analyse(spoken, AnalysisSettings(), TOPICS)))
    assert hit is not None
    assert hit.topic == text


def place_of(problem_of: ConfigError) -> list[object]:
    return [problem.where for problem in problem_of.problems]


@given(st.data())
@examples(150)
def test_broken_yaml_is_always_a_configuration_error_with_a_place(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    shipped = (ROOT / "config" / "rules" / "logistics.yaml").read_text(encoding="utf-8")
    start = data.draw(st.integers(0, len(shipped) - 1))
    length = data.draw(st.integers(0, 40))
    junk = data.draw(st.text(st.sampled_from("abc: -[]{}\n\t'\"#&*!|>%@`,?{}发12"), max_size=8))
    folder = tmp_path_factory.mktemp("rules")
    write(folder, shipped[:start] + junk + shipped[start + length :])
    try:
        rules.load(folder)
    except ConfigError as error:
        assert all(isinstance(where, SourceLocation) for where in place_of(error)), str(error)


@given(st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["2s", "ANGRY", "发货", "agent", ""]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from([
            "all", "any", "none", "sequence", "unless", "within", "before", "after", "first", "last", "together",
            "customer says", "emotion", "event", "silence", "interruption", "moment", "is", "by", "regex", "x",
        ]),
        inner, max_size=3,
    ),
    max_leaves=12,
))  # fmt: skip
@examples(200)
def test_whatever_stands_under_when_loads_or_is_a_configuration_error(
    tmp_path_factory: pytest.TempPathFactory, when: object
) -> None:
    document = yaml.safe_load(RULE)
    document["rules"][0]["when"] = when
    folder = write(tmp_path_factory.mktemp("rules"), yaml.safe_dump(document, allow_unicode=True))
    try:
        rules.load(folder)
    except ConfigError as error:
        assert all(isinstance(where, SourceLocation) for where in place_of(error)), str(error)
