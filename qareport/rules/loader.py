"""Load rules: the form of rules, rule files and `synonyms.yaml`, and the rule set that is read from them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pydantic
from pydantic import (
    BeforeValidator,
    Field,
    StrictInt,
    model_validator,
)
from pydantic_core import PydanticCustomError

from qareport.errors import ConfigError, Diagnostic, Problem, SourceLocation
from qareport.model import FATAL_POINTS, Severity
from qareport.rules.condition_parser import ConditionParser, keys_of
from qareport.rules.conditions.logic import Counted
from qareport.rules.diagnostics import Diagnostics, did_you_mean
from qareport.rules.rule import Advice, AdviceError, Occurrence, Rule, RuleSet, RuleStatus, Shared
from qareport.rules.rule_files import SYNONYMS, RuleFiles
from qareport.rules.schema_types import Form, Keywords
from qareport.strict_yaml import NodePath, YamlSource, parse_yaml
from qareport.text.wordlist import Keyword, WordList


def _points(value: Any) -> Any:
    return -FATAL_POINTS if value == "fatal" else value


def _mode(value: Any) -> Any:
    return Occurrence.ONCE if value == "first" else value


def _day(value: Any) -> date:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise PydanticCustomError("day", "a date such as 2026-11-01")


def _variants(value: Any) -> Any:
    return {"default": value} if isinstance(value, str) else value


Day = Annotated[date, BeforeValidator(_day)]


class EffectiveForm(Form):
    """From and to which day a rule counts, both included."""

    from_: Day | None = Field(default=None, alias="from")
    to: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> EffectiveForm:
        if self.from_ is not None and self.to is not None and self.from_ > self.to:
            raise PydanticCustomError("effective", "`from` not after `to`: the rule would never count")
        return self


class OccurrenceForm(Form):
    """`once` (or `first`), `every`, `{nth: 2}`, `{at_least: 3}`."""

    bare: ClassVar[str | None] = "mode"

    mode: Annotated[Occurrence, BeforeValidator(_mode)] = Occurrence.ONCE
    nth: Annotated[StrictInt, Field(ge=1, le=1000)] | None = None
    at_least: Annotated[StrictInt, Field(ge=1, le=1000)] | None = None

    @model_validator(mode="after")
    def _one_of(self) -> OccurrenceForm:
        if self.nth is not None and self.at_least is not None:
            raise PydanticCustomError("occurrence", "`nth` or `at_least`, not both")
        return self


class RuleForm(Form):
    """One rule as it is written."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*([.-][a-z0-9]+)*$")]
    title: Keyword
    severity: Severity
    #: Added to the score when the rule hits; `fatal` fails the call. `judge` says how points add up.
    points: Annotated[StrictInt, BeforeValidator(_points), Field(ge=-100, le=100)]
    category: Keyword
    status: RuleStatus = RuleStatus.ACTIVE
    occurrence: OccurrenceForm = OccurrenceForm()
    effective: EffectiveForm = EffectiveForm()
    owner: Keyword | None = None
    tags: Keywords = ()
    replaces: Keywords = ()
    applies_when: dict[str, Any] | None = None
    when: dict[str, Any]
    moment: Keyword | None = None
    advice: Annotated[dict[str, Keyword], BeforeValidator(_variants)]


class FileForm(Form):
    """A rule file as it is written."""

    schema_: Annotated[StrictInt, Field(alias="schema", ge=1, le=1)]
    rules: Annotated[list[RuleForm], Field(min_length=1)]


class StageWordsForm(Form):
    """The words that tell a stage, and phrases that hold one of them and do not tell it; bare: the words."""

    bare: ClassVar[str | None] = "any"

    any: Keywords
    except_: Keywords = Field(default=(), alias="except")


class SharedForm(Form):
    """`synonyms.yaml` as it is written."""

    schema_: Annotated[StrictInt, Field(alias="schema", ge=1, le=1)]
    synonyms: dict[str, Keywords] = Field(default_factory=dict)
    stages: dict[str, StageWordsForm] = Field(default_factory=dict)
    false_friends: Keywords = ()


def read_shared(source: YamlSource, diagnostics: Diagnostics) -> Shared:
    """Read `synonyms.yaml`; errors go to `diagnostics`."""
    try:
        form = SharedForm.model_validate(source.data)
    except pydantic.ValidationError as error:
        diagnostics.explain(error, (), ["schema", "synonyms", "stages", "false_friends"])
        return Shared()
    for name in form.synonyms:
        if name[:1].isdigit() or " " in name:
            what, to_do = f"list {name!r} cannot be named in a rule", "rename it: no digit first, no spaces"
            diagnostics.add("invalid-list-name", ("synonyms", name), what, to_do=to_do)
    stages = {name: WordList(words.any, words.except_) for name, words in form.stages.items()}
    return Shared(lists=form.synonyms, stages=stages, false_friends=form.false_friends)


def version_of(rule: dict[str, Any], shared: Shared) -> str:
    """Hash what is written in a rule, and the shared words that it uses; 8 hexadecimal digits."""
    parts: dict[str, Any] = {"rule": rule}
    used = {word[1:] for word in _texts(rule) if word[:1] == "$"} & shared.lists.keys()
    if used:
        parts["lists"] = {name: shared.lists[name] for name in sorted(used)}
    if shared.stages and (isinstance(rule.get("advice"), dict) or "stage" in set(_texts(rule))):
        parts["stages"] = {name: [*words.words, *words.exceptions] for name, words in shared.stages.items()}
    if shared.false_friends and "sounds_like" in set(_texts(rule)):
        parts["false_friends"] = shared.false_friends
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield key
            yield from _texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value)


#: YAML's `>-` puts a space where a line ends; between Chinese characters there is none.
_FOLD = re.compile(r"(?<=[\u3000-\u9fff\uff00-\uffef“”…]) (?=[\u3000-\u9fff\uff00-\uffef“”…])")


def load(source: RuleFiles | Path) -> RuleSet:
    """Read a rule set from rule files, or from a folder of them. Tests beside the rules are not read yet.

    Raises:
        ConfigError: every problem in every file as `Diagnostic`, with line and column; also no folder and no rules.
    """
    files = RuleFiles.from_folder(source) if isinstance(source, Path) else source
    problems: list[Problem] = list(files.unread)
    sources: dict[str, YamlSource] = {}
    for name in files.rule_names:
        try:
            sources[name] = parse_yaml(files.contents[name], name=files.path_of(name))
        except ConfigError as error:
            problems += error.problems
    if not problems and not sources.keys() - {SYNONYMS}:
        problems.append(Diagnostic(code="no-rules", what="no rules here", where=files.where))
    shared = Shared()
    rules: list[Rule] = []
    ids: list[tuple[str, SourceLocation]] = []
    # The shared lists first: rules name them.
    for name, document in sorted(sources.items(), key=lambda item: item[0] != SYNONYMS):
        diagnostics = Diagnostics(document)
        if name == SYNONYMS:
            shared = read_shared(document, diagnostics)
        else:
            rules += _read_file(document, diagnostics, shared)
            ids += _ids(document)
        problems += diagnostics.errors
    problems += _double_ids(ids)
    if problems:
        raise ConfigError(sorted(problems, key=_place))
    return RuleSet(
        rules=tuple(rules),
        sha256=files.sha256,
        shared=shared,
        stages=shared.stages,
        origin=files,
        sources={document.file: document for document in sources.values()},
    )


def _place(problem: Problem) -> tuple[str, int, int]:
    where = problem.where
    return (where.file, where.line, where.column) if isinstance(where, SourceLocation) else (str(where), 0, 0)


def _read_file(source: YamlSource, diagnostics: Diagnostics, shared: Shared) -> list[Rule]:
    data = source.data
    if not isinstance(data, dict):
        diagnostics.add("no-rules", (), "no rules here", expected="`schema: 1` and a list `rules:`")
        return []
    for key in data:
        if key not in ("schema", "rules"):
            diagnostics.unknown_key((), key, ("schema", "rules"))
    if data.get("schema") != 1 or isinstance(data.get("schema"), bool):
        what, to_do = f"schema: got {data.get('schema')!r}", "write `schema: 1` first"
        diagnostics.add("schema-version", ("schema",), what, expected="1", to_do=to_do)
    items = data.get("rules")
    if not isinstance(items, list) or not items:
        diagnostics.add("no-rules", ("rules",), "rules: no list of rules", expected="rules, each after a dash")
        return []
    rules = []
    for index, item in enumerate(items):
        rule = _read_rule(item, ("rules", index), diagnostics, shared)
        if rule is not None:
            rules.append(rule)
    diagnostics.subject = ""
    return rules


def _read_rule(item: Any, path: NodePath, diagnostics: Diagnostics, shared: Shared) -> Rule | None:
    name = item.get("id") if isinstance(item, dict) else None
    diagnostics.subject = name if isinstance(name, str) and name else f"rule {int(path[-1]) + 1}"
    before = len(diagnostics.errors)
    form = None
    try:
        form = RuleForm.model_validate(item)
    except pydantic.ValidationError as error:
        diagnostics.explain(error, path, [*keys_of(RuleForm), *keys_of(EffectiveForm), *keys_of(OccurrenceForm)])
    # Conditions and advice are read even when the rest has errors: all problems at once.
    given = item if isinstance(item, dict) else {}
    parser = ConditionParser(diagnostics, shared)
    conditions = {
        key: parser.condition(given[key], (*path, key))
        for key in ("when", "applies_when")
        if isinstance(given.get(key), dict)
    }
    advice = _read_advice(given.get("advice"), (*path, "advice"), diagnostics, shared)
    _known_stages(given, path, diagnostics, shared)
    when = conditions.get("when")
    if form is None or when is None or advice is None or len(diagnostics.errors) > before:
        return None
    if form.occurrence.nth or form.occurrence.at_least:
        when = Counted(condition=when, nth=form.occurrence.nth, at_least=form.occurrence.at_least)
    same = ("id", "title", "severity", "points", "category", "status", "moment", "owner", "tags", "replaces")
    return Rule(
        **{key: getattr(form, key) for key in same},
        fatal=given["points"] == "fatal",
        occurrence=form.occurrence.mode,
        when=when,
        applies_when=conditions.get("applies_when"),
        advice=advice.pop("default"),
        variants=advice,
        effective_from=form.effective.from_,
        effective_to=form.effective.to,
        written={key: given[key] for key in conditions},
        parts={place[len(path) :]: condition for place, condition in parser.parts.items()},
        version=version_of(given, shared),
        location=diagnostics.source.locate((*path, "id")),
        path=path,
    )


def _read_advice(given: Any, path: NodePath, diagnostics: Diagnostics, shared: Shared) -> dict[str, Advice] | None:
    texts = {"default": given} if isinstance(given, str) else given
    if not isinstance(texts, dict):
        return None
    advice = {}
    for stage, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            continue
        place = path if isinstance(given, str) else (*path, stage)
        if stage != "default" and stage not in shared.stages:
            diagnostics.add("unknown-stage", place, f"advice: no stage {stage!r}", to_do=_near_stage(stage, shared))
        try:
            advice[stage] = Advice(_FOLD.sub("", text))
        except AdviceError as error:
            expected = "{{ quote }}, {{ topic }}, {{ seconds }} or {{ order_id }}"
            diagnostics.add("invalid-advice", place, f"advice: {error}", expected=expected)
    if "default" not in advice and isinstance(given, dict):
        to_do = "add `default:` for calls whose stage is not known"
        diagnostics.add("advice-without-default", path, "advice: no `default`", to_do=to_do)
    return advice if "default" in advice else None


def _near_stage(stage: str, shared: Shared) -> str:
    known = ", ".join(shared.stages) or "none"
    return did_you_mean(stage, shared.stages) or f"stages of {SYNONYMS}: {known}"


def _known_stages(node: Any, path: NodePath, diagnostics: Diagnostics, shared: Shared) -> None:
    """Refuse stages in conditions that synonyms.yaml does not list: they never hold."""
    if isinstance(node, list):
        for index, child in enumerate(node):
            _known_stages(child, (*path, index), diagnostics, shared)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "stage":
                given = value.get("is") if isinstance(value, dict) else value
                for stage in given if isinstance(given, list) else [given]:
                    if isinstance(stage, str) and stage.strip() and stage not in shared.stages:
                        to_do = _near_stage(stage, shared)
                        diagnostics.add("unknown-stage", (*path, key), f"stage: no stage {stage!r}", to_do=to_do)
            elif key != "advice":
                _known_stages(value, (*path, key), diagnostics, shared)


def _ids(source: YamlSource) -> Iterator[tuple[str, SourceLocation]]:
    """Yield the ids of a file, also those of rules that have other errors."""
    items = source.data.get("rules") if isinstance(source.data, dict) else None
    for index, item in enumerate(items if isinstance(items, list) else []):
        if isinstance(item, dict) and isinstance(item.get("id"), str):
            yield item["id"], source.locate(("rules", index, "id"))


def _double_ids(ids: list[tuple[str, SourceLocation]]) -> list[Diagnostic]:
    first: dict[str, SourceLocation] = {}
    problems = []
    for rule_id, where in ids:
        if rule_id in first:
            to_do = f"first given at {first[rule_id]}: rename one"
            what = f"{rule_id}: this id is given twice"
            problems.append(Diagnostic(code="duplicate-id", what=what, where=where, to_do=to_do))
        first.setdefault(rule_id, where)
    return problems
