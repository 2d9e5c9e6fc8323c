"""A rule and a set of rules, as they are matched."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from qareport.errors import SourceLocation
from qareport.model import Severity
from qareport.rules.advice import Advice
from qareport.rules.conditions import Condition


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
    category: str
    status: Status
    occurrence: Occurrence
    when: Condition
    moment: str | None
    advice: Advice
    #: Changes whenever anything in the rule does.
    version: str
    location: SourceLocation


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """All rules of a folder, in order of file name and place."""

    rules: tuple[Rule, ...]
    #: Hash over the names and contents of the rule files (tests beside them not counted).
    sha256: str

    def find(self, rule_id: str) -> Rule | None:
        """Return the rule with this id."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)
