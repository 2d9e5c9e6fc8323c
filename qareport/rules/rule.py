"""A rule and a set of rules, as they are matched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from qareport.errors import SourceLocation
from qareport.model import Severity
from qareport.rules.advice import Advice
from qareport.rules.conditions import Condition
from qareport.rules.synonyms import Shared
from qareport.text.wordlist import WordList


class Status(StrEnum):
    """Whether a rule counts."""

    #: Matched and counted.
    ACTIVE = "active"
    #: Tested beside its file, but matched against no call yet.
    DRAFT = "draft"
    #: Kept for its history only.
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
    status: Status
    occurrence: Occurrence
    when: Condition
    #: Where it does not hold, the rule is not applicable: neither kept nor broken.
    applies_when: Condition | None = None
    moment: str | None
    advice: Advice
    #: Other advice for calls in a stage.
    variants: Mapping[str, Advice] = field(default_factory=dict)
    effective_from: date | None = None
    effective_to: date | None = None
    owner: str | None = None
    tags: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    #: `when` and `applies_when` as they are written, for explaining.
    written: Mapping[str, Any] = field(default_factory=dict)
    #: Changes whenever anything in the rule does, the shared lists that it names included.
    version: str
    location: SourceLocation

    def in_effect(self, day: date | None) -> bool:
        """Tell whether the rule counts on a day; a call of unknown date is judged by every rule."""
        if day is None:
            return True
        return (self.effective_from is None or day >= self.effective_from) and (
            self.effective_to is None or day <= self.effective_to
        )

    def advice_for(self, stage: str | None) -> Advice:
        """Return the advice for a stage."""
        return self.variants.get(stage, self.advice) if stage is not None else self.advice


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """All rules of a folder, in order of file name and place."""

    rules: tuple[Rule, ...]
    #: Hash over the names and contents of the rule files and the shared lists (tests beside them not counted).
    sha256: str
    shared: Shared = field(default_factory=Shared)
    stages: Mapping[str, WordList] = field(default_factory=dict)
    #: Names and contents of the files, so that a set can be kept and read again.
    files: Mapping[str, str] = field(default_factory=dict)

    def find(self, rule_id: str) -> Rule | None:
        """Return the rule with this id."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)

    @property
    def versions(self) -> dict[str, str]:
        """Return the version of each rule by its id."""
        return {rule.id: rule.version for rule in self.rules}
