"""A folder of rule files becomes a rule set, or one error that names every problem in all of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pydantic
from pydantic import Field, StrictInt

from qareport.errors import ConfigError, Problem, SourceLocation
from qareport.model import Severity
from qareport.rules.advice import Advice, AdviceError
from qareport.rules.forms import Form, Word
from qareport.rules.problems import Complaints, Path_
from qareport.rules.reading import Reader, keys_of
from qareport.rules.rule import Occurrence, Rule, RuleSet, Status
from qareport.yamlsource import YamlSource, read_yaml

TEST_SUFFIX = ".test.yaml"


class RuleForm(Form):
    """One rule as it is written."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*([.-][a-z0-9]+)*$")]
    title: Word
    severity: Severity
    #: Added to the score when the rule hits.
    points: Annotated[StrictInt, Field(ge=-100, le=100)]
    category: Word
    status: Status = Status.ACTIVE
    occurrence: Occurrence = Occurrence.ONCE
    when: dict[str, Any]
    moment: Word | None = None
    advice: Word


class FileForm(Form):
    """A rule file as it is written."""

    bare: ClassVar[str | None] = None

    schema_: Annotated[StrictInt, Field(alias="schema", ge=1, le=1)]
    rules: Annotated[list[RuleForm], Field(min_length=1)]


def load(rules_dir: Path) -> RuleSet:
    """Read all `*.yaml` below a folder, apart from `*.test.yaml`.

    Raises:
        ConfigError: every problem in every file, with line and column; also no folder and no rules at all.
    """
    problems: list[Problem] = []
    rules: list[Rule] = []
    ids: list[tuple[str, SourceLocation]] = []
    digest = hashlib.sha256()
    for path in rule_files(rules_dir):
        try:
            source = read_yaml(path)
            content = path.read_bytes()
        except ConfigError as error:
            problems += error.problems
            continue
        for part in (path.relative_to(rules_dir).as_posix().encode(), content):
            digest.update(len(part).to_bytes(8, "big") + part)
        complaints = Complaints(source)
        rules += _read_file(source, complaints)
        ids += _ids(source)
        problems += complaints.problems
    problems += _double_ids(ids)
    if problems:
        raise ConfigError(problems)
    return RuleSet(rules=tuple(rules), sha256=digest.hexdigest())


def rule_files(rules_dir: Path) -> list[Path]:
    """Name the rule files of a folder in a fixed order.

    Raises:
        ConfigError: no folder, no rule file, or a file whose name would be overlooked.
    """
    if not rules_dir.is_dir():
        raise ConfigError([Problem(what="no such folder", where=str(rules_dir), expected="a folder of rule files")])
    misnamed = sorted(rules_dir.rglob("*.yml"))
    if misnamed:
        raise ConfigError(
            [Problem(what="ends with .yml", where=str(path), to_do="rename it to .yaml") for path in misnamed]
        )
    found = sorted(path for path in rules_dir.rglob("*.yaml") if not path.name.endswith(TEST_SUFFIX))
    if not found:
        raise ConfigError([Problem(what="no rules here", where=str(rules_dir), expected="at least one *.yaml")])
    return found


def _read_file(source: YamlSource, complaints: Complaints) -> list[Rule]:
    data = source.data
    if not isinstance(data, dict):
        complaints.add((), "no rules here", expected="`schema: 1` and a list `rules:`")
        return []
    for key in data:
        if key not in ("schema", "rules"):
            complaints.unknown_key((), key, ("schema", "rules"))
    if data.get("schema") != 1 or isinstance(data.get("schema"), bool):
        complaints.add(
            ("schema",), f"schema: got {data.get('schema')!r}", expected="1", to_do="write `schema: 1` first"
        )
    items = data.get("rules")
    if not isinstance(items, list) or not items:
        complaints.add(("rules",), "rules: no list of rules", expected="rules, each after a dash")
        return []
    rules = []
    for index, item in enumerate(items):
        rule = _read_rule(item, ("rules", index), source, complaints)
        if rule is not None:
            rules.append(rule)
    complaints.subject = ""
    return rules


def _read_rule(item: Any, path: Path_, source: YamlSource, complaints: Complaints) -> Rule | None:
    name = item.get("id") if isinstance(item, dict) else None
    complaints.subject = name if isinstance(name, str) and name else f"rule {int(path[-1]) + 1}"
    before = len(complaints.problems)
    form = None
    try:
        form = RuleForm.model_validate(item)
    except pydantic.ValidationError as error:
        complaints.explain(error, path, keys_of(RuleForm))
    # Conditions and advice are read even when the rest is wrong: all problems at once.
    given = item if isinstance(item, dict) else {}
    when = None
    if isinstance(given.get("when"), dict):
        when = Reader(complaints).condition(given["when"], (*path, "when"))
    advice = None
    if isinstance(given.get("advice"), str) and given["advice"].strip():
        advice = _read_advice(given["advice"], (*path, "advice"), complaints)
    if form is None or when is None or advice is None or len(complaints.problems) > before:
        return None
    fields = {key: getattr(form, key) for key in RuleForm.model_fields if key not in ("when", "advice")}
    return Rule(**fields, when=when, advice=advice, version=_version(given), location=source.locate((*path, "id")))


def _read_advice(text: str, path: Path_, complaints: Complaints) -> Advice | None:
    try:
        return Advice(text)
    except AdviceError as error:
        expected = "{{ quote }}, {{ topic }}, {{ seconds }} or {{ order_id }}"
        complaints.add(path, f"advice: {error}", expected=expected)
        return None


def _version(rule: dict[str, Any]) -> str:
    canonical = json.dumps(rule, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:8]


def _ids(source: YamlSource) -> Iterator[tuple[str, SourceLocation]]:
    """Name the ids of a file, also those of rules that are wrong otherwise."""
    items = source.data.get("rules") if isinstance(source.data, dict) else None
    for index, item in enumerate(items if isinstance(items, list) else []):
        if isinstance(item, dict) and isinstance(item.get("id"), str):
            yield item["id"], source.locate(("rules", index, "id"))


def _double_ids(ids: list[tuple[str, SourceLocation]]) -> list[Problem]:
    first: dict[str, SourceLocation] = {}
    problems = []
    for rule_id, where in ids:
        if rule_id in first:
            to_do = f"first given at {first[rule_id]}: rename one"
            problems.append(Problem(what=f"{rule_id}: this id is given twice", where=where, to_do=to_do))
        first.setdefault(rule_id, where)
    return problems
