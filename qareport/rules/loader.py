"""Load rules: the form of rules, rule files and `synonyms.yaml`, and the rule set that is read from them."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pydantic

from qareport.errors import ConfigError, Diagnostic, Problem, SourceLocation
from qareport.messages import Message, say
from qareport.rules.aliases import did_you_mean, nearest, words_of
from qareport.rules.condition_parser import ConditionParser
from qareport.rules.conditions import Condition
from qareport.rules.conditions.logic import Counted
from qareport.rules.diagnostics import Diagnostics
from qareport.rules.file_forms import RuleForm, SharedForm
from qareport.rules.named_conditions import spell_out
from qareport.rules.remedies import mistyped_colon
from qareport.rules.rule import Advice, AdviceError, Rule, RuleSet, Shared
from qareport.rules.rule_files import SYNONYMS, NewestVersions, RuleFiles, kind_of
from qareport.rules.translation import read_english, slot_of
from qareport.rules.yaml_style import unfold
from qareport.strict_yaml import NodePath, YamlSource
from qareport.text.wordlist import WordList

#: What may follow the `$` that names a list.
_NAME: Final = re.compile(r"(?![0-9_])\w")


def read_shared(source: YamlSource, diagnostics: Diagnostics) -> Shared:
    """Read `synonyms.yaml`; errors go to `diagnostics`."""
    try:
        form = SharedForm.model_validate(source.data, context={"synonyms": None})
    except pydantic.ValidationError as error:
        diagnostics.explain(error, ())
        return Shared()
    for name in form.synonyms:
        if not _NAME.match(name) or " " in name:
            what = say("list {name!r} cannot be named in a rule", name=name)
            to_do = say("rename it: no digit first, no spaces")
            diagnostics.add("invalid-list-name", ("synonyms", name), what, to_do=to_do)
    stages = {name: WordList(words.any, words.except_) for name, words in form.stages.items()}
    shared = Shared(lists=form.synonyms, stages=stages, false_friends=form.false_friends)
    conditions: dict[str, Mapping[str, Any] | None] = {}
    for name, written in form.conditions.items():
        diagnostics.subject, place = name, ("conditions", name)
        _known_stages(written, place, diagnostics, shared)
        read = ConditionParser(diagnostics, shared).condition(written, place)
        conditions[name] = None if read is None else written
    diagnostics.subject = ""
    return replace(shared, conditions=conditions)


def version_of(rule: dict[str, Any], shared: Shared) -> str:
    """Hash what is written in a rule, and the shared words that it uses; 8 hexadecimal digits."""
    # Whether it is judged live changes none of its findings.
    parts: dict[str, Any] = {"rule": {key: value for key, value in rule.items() if key != "live"}}
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
            sources[name], twins = read_english(files.contents[name], files.path_of(name), kind_of(name))
        except ConfigError as error:
            problems += error.problems
            continue
        problems += twins
    if not problems and not sources.keys() - {SYNONYMS}:
        problems.append(Diagnostic(code="no-rules", what=say("no rules here"), where=files.where))
    shared = Shared()
    rules: list[Rule] = []
    ids: list[tuple[str, SourceLocation]] = []
    # The shared lists first: rules name them.
    for name, document in sorted(sources.items(), key=lambda item: item[0] != SYNONYMS):
        diagnostics = Diagnostics(document, slot_of(kind_of(name)))
        if name == SYNONYMS:
            shared = read_shared(document, diagnostics)
        else:
            rules += _read_file_once(files, name, document, diagnostics, shared)
            ids += _ids(document)
        problems += diagnostics.errors
    problems += _double_ids(ids)
    if problems:
        raise ConfigError(sorted(_causes(problems, files.path_of(SYNONYMS)), key=_place))
    return RuleSet(
        rules=tuple(rules),
        sha256=files.sha256,
        shared=shared,
        stages=shared.stages,
        origin=files,
        sources={document.file: document for document in sources.values()},
    )


def _causes(problems: list[Problem], synonyms: str) -> list[Problem]:
    """Leave out what follows from errors of `synonyms.yaml`: lists and stages that are unknown because of them."""
    if not any(_file_of(problem) == synonyms for problem in problems):
        return problems
    follow = ("unknown-list", "unknown-stage", "unknown-named-condition")
    return [
        problem
        for problem in problems
        if _file_of(problem) == synonyms or not (isinstance(problem, Diagnostic) and problem.code in follow)
    ]


def _file_of(problem: Problem) -> str:
    return problem.where.file if isinstance(problem.where, SourceLocation) else str(problem.where)


def _place(problem: Problem) -> tuple[str, int, int]:
    where = problem.where
    return (where.file, where.line, where.column) if isinstance(where, SourceLocation) else (str(where), 0, 0)


#: Rules of files without errors, by where the file is, its content and that of the shared lists.
_known: Final = NewestVersions[tuple[Rule, ...]]()


def _read_file_once(
    files: RuleFiles, name: str, source: YamlSource, diagnostics: Diagnostics, shared: Shared
) -> Sequence[Rule]:
    version = files.contents[name], files.contents.get(SYNONYMS, b"")
    if (rules := _known.get(source.file, version)) is not None:
        return rules
    read = _read_file(source, diagnostics, shared)
    if not diagnostics.errors:
        _known.keep(source.file, version, tuple(read))
    return read


def _read_file(source: YamlSource, diagnostics: Diagnostics, shared: Shared) -> list[Rule]:
    data = source.data
    if not isinstance(data, dict):
        expected = say("`schema: 1` and a list `rules:`")
        to_do = mistyped_colon(data) if isinstance(data, str) else None
        diagnostics.add("no-rules", (), say("no rules here"), expected=expected, to_do=to_do)
        return []
    known = ("schema", "rules")
    strange = [key for key in data if key not in known]
    for key in strange:
        diagnostics.unknown_key((), key, known)
    words = [word for key in known for word in words_of(key)]
    meant = {diagnostics.slot.key(nearest(key, words) or "") for key in strange}
    if (data.get("schema") != 1 or isinstance(data.get("schema"), bool)) and "schema" not in meant - data.keys():
        what = diagnostics.got(("schema",), data.get("schema"))
        diagnostics.add("schema-version", ("schema",), what, expected=say("1"), to_do=say("write `schema: 1` first"))
    items = data.get("rules")
    if not isinstance(items, list) or not items:
        if "rules" not in meant - data.keys():
            what, expected = say("rules: no list of rules"), say("rules, each after a dash")
            diagnostics.add("no-rules", ("rules",), what, expected=expected)
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
    nameless = say("rule {number}", number=int(path[-1]) + 1)
    diagnostics.subject = name if isinstance(name, str) and name else nameless
    before = len(diagnostics.errors)
    if isinstance(item, dict):
        conditions_of = (key for key in ("when", "applies_when") if key in item)
        item = item | {key: spell_out(item[key], shared.conditions) for key in conditions_of}
    form = None
    try:
        form = RuleForm.model_validate(item)
    except pydantic.ValidationError as error:
        diagnostics.explain(error, path)
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
    return _rule(form, given, path, conditions, parser.parts, advice, diagnostics.source, shared)


def _rule(
    form: RuleForm,
    given: dict[str, Any],
    path: NodePath,
    conditions: Mapping[str, Condition | None],
    parts: Mapping[NodePath, Condition],
    advice: dict[str, Advice],
    source: YamlSource,
    shared: Shared,
) -> Rule:
    when = conditions["when"]
    if when is None:
        raise ValueError(f"{form.id}: no condition was read")
    if form.occurrence.nth or form.occurrence.at_least:
        when = Counted(condition=when, nth=form.occurrence.nth, at_least=form.occurrence.at_least)
    same = (
        "id",
        "title",
        "severity",
        "points",
        "category",
        "status",
        "moment",
        "owner",
        "tags",
        "replaces",
        "most",
        "live",
    )
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
        parts={place[len(path) :]: condition for place, condition in parts.items()},
        version=version_of(given, shared),
        location=source.locate((*path, "id")),
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
            diagnostics.add(
                "unknown-stage", place, say("advice: no stage {stage!r}", stage=stage), to_do=_near_stage(stage, shared)
            )
        try:
            advice[stage] = _compile_advice(unfold(text))
        except AdviceError as error:
            expected = say("{placeholders}", placeholders="{{ quote }}, {{ topic }}, {{ seconds }}, {{ order_id }}")
            what = say("advice: {problem}", problem=error.message)
            diagnostics.add("invalid-advice", place, what, expected=expected)
    if "default" not in advice and isinstance(given, dict):
        to_do = say("add `default:` for calls whose stage is not known")
        diagnostics.add("advice-without-default", path, say("advice: no `default`"), to_do=to_do)
    return advice if "default" in advice else None


@functools.lru_cache(maxsize=1024)
def _compile_advice(text: str) -> Advice:
    """Check a text and keep it: an editor loads the same rules at each pause of the keyboard."""
    return Advice(text)


def _near_stage(stage: str, shared: Shared) -> Message:
    if not shared.stages:
        return say("synonyms.yaml lists no stages")
    known = ", ".join(shared.stages)
    return did_you_mean(stage, shared.stages) or say("stages of synonyms.yaml: {known}", known=known)


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
                        what = say("stage: no stage {stage!r}", stage=stage)
                        diagnostics.add("unknown-stage", (*path, key), what, to_do=to_do)
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
            to_do = say("first given at {where}: rename one", where=first[rule_id])
            what = say("{rule}: this id is given twice", rule=rule_id)
            problems.append(Diagnostic(code="duplicate-id", what=what, where=where, to_do=to_do))
        first.setdefault(rule_id, where)
    return problems
