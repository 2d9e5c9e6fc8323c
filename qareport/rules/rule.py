"""A rule as it is used, the set of rules that are loaded together, and the template of advice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

import jinja2
from jinja2 import meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from qareport.errors import SourceLocation
from qareport.messages import Message, say
from qareport.model import Severity
from qareport.rules.conditions import Condition
from qareport.rules.rule_files import RuleFiles
from qareport.strict_yaml import NodePath, YamlSource
from qareport.text.wordlist import WordList

#: What advice may name, with the value it is tried with when rules are loaded.
#: quote: the words of the first evidence. topic: the keyword found. seconds: how long the pause or the emotion lasted.
PLACEHOLDERS = {"quote": "什么时候发货？", "topic": "发货", "seconds": "3.2", "order_id": "20241105000001"}
#: Replaces a value that the call does not have.
MISSING = {"quote": "", "topic": "该问题", "seconds": "0.0", "order_id": "（未提供订单号）"}

_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, autoescape=False)
#: Placeholders that belong to one call and have no place in a report of many.
OF_ONE_CALL = frozenset({"quote", "seconds", "order_id"})
_OTHER_BRACES = re.compile(rf"[｛｝]|(?<!{{){{\s*(?:{'|'.join(PLACEHOLDERS)})\s*}}(?!}})")
_SENTENCE = re.compile(r"[^。！？!?\n]*[。！？!?\n]+[”’」』)）]*|[^。！？!?\n]+$")
#: Longer advice is no advice; it also bounds what a template can cost.
_MAX_LENGTH = 2000
#: What advice is made of: placeholders, and choices between texts. Loops, calls and sums could run for hours.
_PARTS = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.If, nodes.CondExpr, nodes.Compare,
    nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Test, nodes.Filter, nodes.Getattr, nodes.Getitem,
)  # fmt: skip
_FILTERS = frozenset({"default", "lower", "upper", "trim"})


class AdviceError(ValueError):
    """Advice that cannot be rendered; the message says why."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Advice:
    """A checked text with placeholders."""

    text: str
    _template: jinja2.Template = field(init=False, repr=False, compare=False)
    #: The text itself where it names nothing.
    _plain: str | None = field(init=False, repr=False, compare=False, default=None)
    #: The text without the sentences that name what belongs to one call; None where there are none.
    _team: jinja2.Template | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        """Compile and try the text.

        Raises:
            AdviceError: broken braces, an unknown placeholder, a result that is empty or too long.
        """
        try:
            _refuse_other_braces(self.text)
            parsed = _ENVIRONMENT.parse(self.text)
            _refuse_programs(parsed)
            unknown = meta.find_undeclared_variables(parsed) - PLACEHOLDERS.keys()
            if unknown:
                names = ", ".join(f"{{{{ {name} }}}}" for name in sorted(unknown))
                raise AdviceError(say("unknown placeholder {names}", names=names))
            object.__setattr__(self, "_template", _ENVIRONMENT.from_string(self.text))
            sample = self._template.render(PLACEHOLDERS)
        except AdviceError:
            raise
        except Exception as error:  # a template can raise anything; the user learns what
            what = say("a placeholder is broken: what stands between {braces} is no name", braces="{{ }}")
            raise AdviceError(what) from error
        if any(self.names(name) for name in OF_ONE_CALL):
            object.__setattr__(self, "_team", _ENVIRONMENT.from_string(_without_one_call(self.text)))
        if "{" not in self.text:
            object.__setattr__(self, "_plain", sample.strip())
        if not sample.strip():
            raise AdviceError(say("nothing is said"))
        if len(sample) > _MAX_LENGTH:
            raise AdviceError(say("{length} characters long, at most {most}", length=len(sample), most=_MAX_LENGTH))

    def names(self, placeholder: str) -> bool:
        """Tell whether the text uses a placeholder."""
        return placeholder in meta.find_undeclared_variables(_ENVIRONMENT.parse(self.text))

    def for_team(self, topic: str | None) -> str:
        """Fill in the topic alone: the text for reports of many calls; "" where it is the same as `render`'s."""
        return "" if self._team is None else self._team.render({**MISSING, "topic": topic or MISSING["topic"]}).strip()

    def render(self, **values: str | None) -> str:
        """Fill in the values; None becomes the words of `MISSING`."""
        if self._plain is not None:
            return self._plain
        return self._template.render(
            {name: MISSING[name] if values.get(name) is None else values[name] for name in PLACEHOLDERS}
        ).strip()


def _refuse_other_braces(text: str) -> None:
    """Refuse what was meant for a placeholder and would be printed as it stands: ｛｛ quote ｝｝, {quote}."""
    found = _OTHER_BRACES.search(text)
    if found is not None:
        written, name = found.group(), "{{ quote }}"
        raise AdviceError(say("{written!r} is no placeholder: write {name}", written=written, name=name))


def _refuse_programs(parsed: nodes.Template) -> None:
    """Refuse what is more than a text with placeholders and choices."""
    for node in parsed.find_all(nodes.Node):
        if not isinstance(node, _PARTS) or (isinstance(node, nodes.Filter) and node.name not in _FILTERS):
            kind = node.name if isinstance(node, nodes.Filter) else type(node).__name__.lower()
            raise AdviceError(say("advice holds placeholders and choices (if) alone, not: {kind}", kind=kind))


def _without_one_call(text: str) -> str:
    """Leave out the sentences that name what belongs to one call; all of them, or a text with blocks, stay."""
    names = "|".join(sorted(OF_ONE_CALL))
    parts = _SENTENCE.findall(text)
    kept = [part for part in parts if not re.search(rf"{{{{[^}}]*\b({names})\b", part)]
    whole = all(part.count("{{") == part.count("}}") for part in parts)
    return "".join(kept) if kept and whole and "{%" not in text else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What rules share: the lists of `synonyms.yaml`."""

    #: Words by the name of their list; rules write `$name`.
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Words that tell the stage of an order, by stage.
    stages: Mapping[str, WordList] = field(default_factory=dict)
    #: Conditions by the name that rules write, in English; None: one that cannot be read.
    conditions: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    #: Words that sound like others and mean something else; no condition takes them for what it looks for.
    false_friends: tuple[str, ...] = ()


class RuleStatus(StrEnum):
    """Whether a rule counts."""

    #: Matched and counted.
    ACTIVE = "active"
    #: Tested beside its file, but matched against no call yet.
    DRAFT = "draft"
    #: Kept only for its history.
    RETIRED = "retired"


class Occurrence(StrEnum):
    """How often a rule may hit in one call."""

    ONCE = "once"
    EVERY = "every"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule."""

    id: str
    title: str
    severity: Severity
    #: Added to the score; negative takes away.
    points: int
    #: One hit makes the whole call fail, whatever the points.
    fatal: bool = False
    category: str
    status: RuleStatus
    occurrence: Occurrence
    #: Whether it is judged while a call is on, too (see `live`).
    live: bool = False
    #: What all its hits in a call cost or earn together at most; None: no limit.
    most: int | None = None
    when: Condition
    #: Where it does not hold, the rule is not applicable: it costs nothing and is counted apart.
    applies_when: Condition | None = None
    moment: str | None
    #: What the agent could say; of a rule that gives points, what was done well.
    advice: Advice
    #: Other advice for calls in a stage.
    variants: Mapping[str, Advice] = field(default_factory=dict)
    effective_from: date | None = None
    effective_to: date | None = None
    owner: str | None = None
    tags: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    #: `when` and `applies_when` as they are written.
    written: Mapping[str, Any] = field(default_factory=dict)
    #: The compiled condition of each place in `written`: ("when",), ("when", "all", 0), ("when", "unless", 0) …
    parts: Mapping[NodePath, Condition] = field(default_factory=dict, repr=False)
    #: Changes whenever anything in the rule does, the shared lists that it names included.
    version: str
    location: SourceLocation
    #: Its place in the document of its file: ("rules", 0).
    path: NodePath

    def in_effect(self, day: date) -> bool:
        """Tell whether the rule counts on a day; see `MatchContext.day`."""
        return (self.effective_from is None or day >= self.effective_from) and (
            self.effective_to is None or day <= self.effective_to
        )

    def advice_for(self, stage: str | None) -> Advice:
        """Return the advice for a stage."""
        return self.variants.get(stage, self.advice) if stage is not None else self.advice


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """All rules of some files, in order of file name and place."""

    rules: tuple[Rule, ...]
    #: Hash over the names and contents of the rule files and the shared lists; tests do not count.
    sha256: str
    shared: Shared = field(default_factory=Shared)
    stages: Mapping[str, WordList] = field(default_factory=dict)
    #: What the set was read from, with the tests beside the rules.
    origin: RuleFiles
    #: The parsed rule files and `synonyms.yaml`, by their path in messages.
    sources: Mapping[str, YamlSource] = field(default_factory=dict, repr=False)

    @property
    def files(self) -> dict[str, str]:
        """Return names and texts of the rule files, so that the set can be kept and read again."""
        return self.origin.rule_texts()

    def source_of(self, rule: Rule) -> YamlSource:
        """Return the document that a rule of this set is written in."""
        return self.sources[rule.location.file]

    def find(self, rule_id: str) -> Rule | None:
        """Return the rule with this id."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)

    @property
    def versions(self) -> dict[str, str]:
        """Return the version of each rule by its id."""
        return {rule.id: rule.version for rule in self.rules}
