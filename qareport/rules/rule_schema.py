"""How a rule, a rule file and `synonyms.yaml` are written."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, ClassVar

import pydantic
from pydantic import (
    BeforeValidator,
    Field,
    StrictInt,
    model_validator,
)
from pydantic_core import PydanticCustomError

from qareport.model import FATAL_POINTS, Severity
from qareport.rules.diagnostics import Diagnostics
from qareport.rules.rule import Occurrence, Shared, Status
from qareport.rules.schema_types import Form, Keyword, Keywords
from qareport.strict_yaml import YamlSource


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
    #: Added to the score when the rule hits; `fatal` fails the call. `scorecard` says how points add up.
    points: Annotated[StrictInt, BeforeValidator(_points), Field(ge=-100, le=100)]
    category: Keyword
    status: Status = Status.ACTIVE
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


class SharedForm(Form):
    """`synonyms.yaml` as it is written."""

    schema_: Annotated[StrictInt, Field(alias="schema", ge=1, le=1)]
    synonyms: dict[str, Keywords] = Field(default_factory=dict)
    stages: dict[str, Keywords] = Field(default_factory=dict)
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
    return Shared(lists=form.synonyms, stages=form.stages, false_friends=form.false_friends)


def version_of(rule: dict[str, Any], shared: Shared) -> str:
    """Hash what is written in a rule, and the shared words that it uses; 8 hexadecimal digits."""
    parts: dict[str, Any] = {"rule": rule}
    used = {word[1:] for word in _texts(rule) if word[:1] == "$"} & shared.lists.keys()
    if used:
        parts["lists"] = {name: shared.lists[name] for name in sorted(used)}
    if shared.stages and (isinstance(rule.get("advice"), dict) or "stage" in set(_texts(rule))):
        parts["stages"] = dict(shared.stages)
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
