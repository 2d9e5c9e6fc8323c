"""The forms of rule files, of `synonyms.yaml` and of the tests beside rules: what may be written in them."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    StrictInt,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from qareport.messages import say
from qareport.model import FATAL_POINTS, Severity
from qareport.rules.rule import Occurrence, RuleStatus
from qareport.rules.rule_test_lines import LINE_PATTERN
from qareport.rules.schema_types import DurationMs, Flag, Form, Keywords, Number
from qareport.strict_yaml import refusal
from qareport.text.wordlist import WORD_PATTERN, Keyword, not_blank

#: A list that a rule can name: `$道歉`.
_LIST_NAME = f"^(?![0-9_ ]){WORD_PATTERN}[^ ]*$"
_TEXT = {"type": "string", "pattern": WORD_PATTERN}
_DAY = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"


def _points(value: Any) -> Any:
    return -FATAL_POINTS if value == "fatal" else value


def _mode(value: Any) -> Any:
    return Occurrence.ONCE if value == "first" else value


def _day(value: Any) -> date:
    if isinstance(value, str) and re.fullmatch(_DAY, value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise refusal("day", say("a date such as 2026-11-01"))


def _moment(value: Any) -> datetime:
    if isinstance(value, str) and re.match(f"{_DAY}[T ][0-9]{{2}}:[0-9]{{2}}", value):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    raise refusal("moment", say("a date and a time such as 2026-11-01T09:30:00+08:00"))


def _variants(value: Any) -> Any:
    return {"default": value} if isinstance(value, str) else value


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "pattern": f"^{_DAY}$"})]
_Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "pattern": f"^{_DAY}[T ][0-9]{{2}}:[0-9]{{2}}"}),
]
_Points = Annotated[
    StrictInt,
    Field(ge=-100, le=100),
    BeforeValidator(_points),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": -100, "maximum": 100}, {"enum": ["fatal"]}]}),
]
_Mode = Annotated[
    Occurrence, BeforeValidator(_mode), WithJsonSchema({"type": "string", "enum": ["once", "first", "every"]})
]
_Advice = Annotated[
    dict[str, Annotated[str, AfterValidator(not_blank)]],
    BeforeValidator(_variants),
    WithJsonSchema(
        {
            "anyOf": [
                _TEXT,
                {
                    "type": "object",
                    "title": "Advice",
                    "properties": {"default": _TEXT},
                    "required": ["default"],
                    "additionalProperties": _TEXT,
                },
            ]
        }
    ),
]
#: One utterance: what is before the colon, and the words.
_Line = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "propertyNames": {"pattern": LINE_PATTERN},
            "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
        }
    ),
]
_Version = Annotated[StrictInt, Field(alias="schema", ge=1, le=1)]


class EffectiveForm(Form):
    """From and to which day a rule counts, both included."""

    from_: Day | None = Field(default=None, alias="from")
    to: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> EffectiveForm:
        if self.from_ is not None and self.to is not None and self.from_ > self.to:
            raise refusal("effective", say("`from` not after `to`: the rule would never count"), at="to")
        return self


class OccurrenceForm(Form):
    """`once` (or `first`), `every`, `{nth: 2}`, `{at_least: 3}`."""

    bare: ClassVar[str | None] = "mode"
    exclusive: ClassVar[tuple[str, ...]] = ("nth", "at_least")

    mode: _Mode = Occurrence.ONCE
    nth: Annotated[StrictInt, Field(ge=1, le=1000)] | None = None
    at_least: Annotated[StrictInt, Field(ge=1, le=1000)] | None = None

    @model_validator(mode="after")
    def _one_of(self) -> OccurrenceForm:
        if self.nth is not None and self.at_least is not None:
            raise refusal("occurrence", say("`nth` or `at_least`, not both"), at="at_least")
        return self


class RuleForm(Form):
    """One rule as it is written."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*([.-][a-z0-9]+)*$")]
    title: Keyword
    severity: Severity
    #: Added to the score when the rule hits; `fatal` fails the call. `judge` says how points add up.
    points: _Points
    category: Keyword
    status: RuleStatus = RuleStatus.ACTIVE
    occurrence: OccurrenceForm = OccurrenceForm()
    #: Judged while a call is on, too, and raises an alert then.
    live: Flag = False
    #: With `occurrence: every`: what all hits of a call cost or earn together at most.
    most: Annotated[StrictInt, Field(ge=-100, le=100)] | None = None
    effective: EffectiveForm = EffectiveForm()
    owner: Keyword | None = None
    tags: Keywords = ()
    replaces: Keywords = ()
    applies_when: dict[str, Any] | None = None
    when: dict[str, Any]
    moment: Keyword | None = None
    advice: _Advice

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = super().__get_pydantic_json_schema__(core_schema, handler)
        every: JsonSchemaValue = {"enum": ["every"]}
        of_every = {"anyOf": [every, {"type": "object", "properties": {"mode": every}, "required": ["mode"]}]}
        limited = {"required": ["occurrence"], "properties": {"occurrence": of_every}}
        schema["allOf"] = [{"anyOf": [{"not": {"required": ["most"]}}, limited]}]
        return schema

    @model_validator(mode="after")
    def _can_be_limited(self) -> RuleForm:
        if self.most is None:
            return self
        if self.occurrence.mode is not Occurrence.EVERY or self.points == 0:
            raise refusal(
                "occurrence", say("`most` together with `occurrence: every`, of a rule with points"), at="most"
            )
        if self.most * self.points <= 0 or abs(self.most) < abs(self.points):
            raise refusal(
                "bounds", say("`most` with the sign of `points`, and no less: one hit must fit in"), at="most"
            )
        return self


class FileForm(Form):
    """A rule file as it is written."""

    schema_: _Version
    rules: Annotated[list[RuleForm], Field(min_length=1)]


class StageWordsForm(Form):
    """The words that tell a stage, and phrases that hold one of them and do not tell it; bare: the words."""

    bare: ClassVar[str | None] = "any"

    any: Keywords
    except_: Keywords = Field(default=(), alias="except")


class SharedForm(Form):
    """`synonyms.yaml` as it is written."""

    schema_: _Version
    synonyms: Annotated[dict[str, Keywords], Field(json_schema_extra={"propertyNames": {"pattern": _LIST_NAME}})] = (
        Field(default_factory=dict)
    )
    stages: dict[str, StageWordsForm] = Field(default_factory=dict)
    false_friends: Keywords = ()
    #: Read by `loader`, as `when` is.
    conditions: dict[str, dict[str, Any]] = Field(default_factory=dict)


class ExpectedHit(Form):
    """A rule that must hit, perhaps at a second."""

    bare: ClassVar[str | None] = "rule"

    rule: str
    at: Annotated[Number, Field(ge=0)] | None = None


class RuleTestForm(Form):
    """One test as it is written."""

    one_of: ClassVar[tuple[str, ...]] = ("must_hit", "must_not_hit")
    exclusive: ClassVar[tuple[str, ...]] = ("conversation", "call")

    name: Keyword
    conversation: Annotated[list[_Line], Field(min_length=1)] | None = None
    #: Id of a stored call, in place of a conversation.
    call: Keyword | None = None
    #: Length of the recording; without it the pause after the last word is unknown.
    duration: DurationMs | None = None
    #: When the call began, for rules about the time of day and earlier calls.
    started_at: _Moment | None = None
    #: How long before this call the earlier calls of its order began.
    earlier_calls: tuple[DurationMs, ...] | None = None
    must_hit: tuple[ExpectedHit, ...] = ()
    must_not_hit: tuple[str, ...] = ()


class RuleTestFileForm(Form):
    """A test file as it is written."""

    schema_: _Version
    cases: Annotated[list[RuleTestForm], Field(min_length=1)]
