"""A rule set read from a folder, from memory, or from a git revision; every problem in it at once."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pydantic

from qareport.errors import ConfigError, Problem, SourceLocation
from qareport.rules.condition_parser import Reader, keys_of
from qareport.rules.conditions.logic import Counted
from qareport.rules.diagnostics import Complaints, Path_, did_you_mean
from qareport.rules.rule import Advice, AdviceError, Rule, RuleSet
from qareport.rules.rule_schema import EffectiveForm, OccurrenceForm, RuleForm, version_of
from qareport.rules.synonyms import FILE_NAME, Shared, read_shared
from qareport.strict_yaml import YamlSource, parse_yaml

#: YAML's `>-` puts a space where a line ends; between Chinese characters there is none.
_FOLD = re.compile(r"(?<=[\u3000-\u9fff\uff00-\uffef“”…]) (?=[\u3000-\u9fff\uff00-\uffef“”…])")
TEST_SUFFIX = ".test.yaml"


def load(rules_dir: Path) -> RuleSet:
    """Read all `*.yaml` below a folder, apart from `*.test.yaml`.

    Raises:
        ConfigError: every problem in every file, with line and column; also no folder and no rules at all.
    """
    contents: dict[str, bytes] = {}
    problems: list[Problem] = []
    for path in rule_files(rules_dir):
        try:
            contents[path.relative_to(rules_dir).as_posix()] = path.read_bytes()
        except OSError as error:
            what = f"cannot be read: {error.strerror}"
            problems.append(Problem(what=what, where=str(path), to_do="check the path and its permissions"))
    return load_files(contents, where=str(rules_dir), problems=problems)


def load_files(contents: Mapping[str, bytes], *, where: str, problems: list[Problem] | None = None) -> RuleSet:
    """Read rule files that are in memory already; see `load`.

    Args:
        contents: by name, as a path below the folder.
        where: how messages name the folder.
        problems: what is wrong already.
    """
    problems = list(problems or ())
    digest = hashlib.sha256()
    sources: dict[str, YamlSource] = {}
    for name, content in contents.items():
        for part in (name.encode(), content):
            digest.update(len(part).to_bytes(8, "big") + part)
        try:
            sources[name] = parse_yaml(content, name=f"{where}/{name}")
        except ConfigError as error:
            problems += error.problems
    shared = Shared()
    if FILE_NAME in sources:
        complaints = Complaints(sources.pop(FILE_NAME))
        shared = read_shared(complaints.source, complaints)
        problems += complaints.problems
    rules: list[Rule] = []
    ids: list[tuple[str, SourceLocation]] = []
    for source in sources.values():
        complaints = Complaints(source)
        rules += _read_file(source, complaints, shared)
        ids += _ids(source)
        problems += complaints.problems
    problems += _double_ids(ids)
    if problems:
        raise ConfigError(sorted(problems, key=_place))
    files = {name: content.decode("utf-8-sig") for name, content in contents.items()}
    return RuleSet(
        rules=tuple(rules), sha256=digest.hexdigest(), shared=shared, stages=shared.stage_lists(), files=files
    )


def rule_files(rules_dir: Path) -> list[Path]:
    """Name the rule files of a folder, and its shared lists, in a fixed order.

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
    if not any(path.name != FILE_NAME for path in found):
        raise ConfigError([Problem(what="no rules here", where=str(rules_dir), expected="at least one *.yaml")])
    return found


def _place(problem: Problem) -> tuple[str, int, int]:
    where = problem.where
    return (where.file, where.line, where.column) if isinstance(where, SourceLocation) else (str(where), 0, 0)


def _read_file(source: YamlSource, complaints: Complaints, shared: Shared) -> list[Rule]:
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
        rule = _read_rule(item, ("rules", index), complaints, shared)
        if rule is not None:
            rules.append(rule)
    complaints.subject = ""
    return rules


def _read_rule(item: Any, path: Path_, complaints: Complaints, shared: Shared) -> Rule | None:
    name = item.get("id") if isinstance(item, dict) else None
    complaints.subject = name if isinstance(name, str) and name else f"rule {int(path[-1]) + 1}"
    before = len(complaints.problems)
    form = None
    try:
        form = RuleForm.model_validate(item)
    except pydantic.ValidationError as error:
        complaints.explain(error, path, [*keys_of(RuleForm), *keys_of(EffectiveForm), *keys_of(OccurrenceForm)])
    # Conditions and advice are read even when the rest is wrong: all problems at once.
    given = item if isinstance(item, dict) else {}
    reader = Reader(complaints, shared)
    conditions = {
        key: reader.condition(given[key], (*path, key))
        for key in ("when", "applies_when")
        if isinstance(given.get(key), dict)
    }
    advice = _read_advice(given.get("advice"), (*path, "advice"), complaints, shared)
    _known_stages(given, path, complaints, shared)
    when = conditions.get("when")
    if form is None or when is None or advice is None or len(complaints.problems) > before:
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
        version=version_of(given, shared),
        location=complaints.source.locate((*path, "id")),
    )


def _read_advice(given: Any, path: Path_, complaints: Complaints, shared: Shared) -> dict[str, Advice] | None:
    texts = {"default": given} if isinstance(given, str) else given
    if not isinstance(texts, dict):
        return None
    advice = {}
    for stage, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            continue
        place = path if isinstance(given, str) else (*path, stage)
        if stage != "default" and stage not in shared.stages:
            complaints.add(place, f"advice: no stage {stage!r}", to_do=_near_stage(stage, shared))
        try:
            advice[stage] = Advice(_FOLD.sub("", text))
        except AdviceError as error:
            expected = "{{ quote }}, {{ topic }}, {{ seconds }} or {{ order_id }}"
            complaints.add(place, f"advice: {error}", expected=expected)
    if "default" not in advice and isinstance(given, dict):
        complaints.add(path, "advice: no `default`", to_do="add `default:` for calls whose stage is not known")
    return advice if "default" in advice else None


def _near_stage(stage: str, shared: Shared) -> str:
    known = ", ".join(shared.stages) or "none"
    return did_you_mean(stage, shared.stages) or f"stages of {FILE_NAME}: {known}"


def _known_stages(node: Any, path: Path_, complaints: Complaints, shared: Shared) -> None:
    """Refuse stages in conditions that synonyms.yaml does not list: they could never hold."""
    if isinstance(node, list):
        for index, child in enumerate(node):
            _known_stages(child, (*path, index), complaints, shared)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "stage":
                given = value.get("is") if isinstance(value, dict) else value
                for stage in given if isinstance(given, list) else [given]:
                    if isinstance(stage, str) and stage.strip() and stage not in shared.stages:
                        to_do = _near_stage(stage, shared)
                        complaints.add((*path, key), f"stage: no stage {stage!r}", to_do=to_do)
            elif key != "advice":
                _known_stages(value, (*path, key), complaints, shared)


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


_TIMEOUT_S = 30


def load_revision(name: str, rules_dir: Path) -> RuleSet:
    """Read a rule set by the name of a folder, or of a git revision of the rule folder.

    Args:
        name: a folder of rules, a configuration folder that holds `rules`, or a revision such as HEAD~1.
        rules_dir: the folder whose history is meant.

    Raises:
        ConfigError: neither a folder nor a revision, or rules that are broken there.
    """
    folder = Path(name)
    if folder.is_dir():
        return load(folder / "rules" if (folder / "rules").is_dir() else folder)
    if name.startswith("-"):
        raise ConfigError([Problem(what=f"no folder or git revision {name!r}", to_do="for example HEAD~1")])
    # The paths are those below the folder itself: `-- .` from inside it.
    listed = _git(rules_dir, name, "ls-tree", "-r", "--name-only", name, "--", ".").decode().splitlines()
    names = [one for one in listed if one.endswith(".yaml") and not one.endswith(TEST_SUFFIX)]
    contents = {one: _git(rules_dir, name, "show", f"{name}:./{one}") for one in sorted(names)}
    if not contents:
        raise ConfigError([Problem(what=f"no rules at revision {name!r}", where=str(rules_dir))])
    return load_files(contents, where=f"{name}:{rules_dir}")


def _git(folder: Path, name: str, *arguments: str) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program; the revision is an argument, never a shell's text
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - git is where PATH says
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError([Problem(what=f"git cannot be run: {error}", to_do="name a folder instead")]) from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        what = f"no folder or git revision {name!r}" + (f" ({said[0]})" if said else "")
        raise ConfigError([Problem(what=what, where=str(folder), to_do="for example HEAD~1, or a folder of rules")])
    return done.stdout
