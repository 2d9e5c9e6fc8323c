"""Review of findings by people: verdicts, appeals, and how both follow a finding when its call is judged anew.

A verdict is about a finding, not about a result: it belongs to the finding of the same rule that has the same words, or
that lies within `SAME_MS` of it. Of several verdicts on a finding the newest counts; the older ones stay.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from qareport.model.order_report import Finding
from qareport.model.vocabulary import VerdictKind, VerdictReason

#: A finding that moved by no more than this, in milliseconds, is still the same.
SAME_MS: Final = 2000
#: Agreement of two reviewers says something about a rule from so many findings on.
LEAST_PAIRS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one reviewer said of one finding, at one time."""

    verdict_id: int = 0
    call_id: str
    rule_id: str
    at_ms: int
    #: Of the words of the finding (`quote_hash`).
    quote_sha256: str
    #: The result that the reviewer saw.
    report_key: str = ""
    kind: VerdictKind
    reason: VerdictReason | None = None
    comment: str = ""
    user_id: int | None
    at: datetime
    #: Its finding is gone since the call was judged anew: it counts no longer.
    stale: bool = False
    #: The verdict that it replaces.
    replaces: int | None = None
    #: A second reviewer is to judge it without seeing this verdict.
    second_wanted: bool = False
    #: This reviewer did not see the verdict that it replaces.
    blind: bool = False
    #: The finding as the reviewer saw it, masked; of a missed one, what it adds.
    finding: Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewedFinding:
    """A finding of the rules, or one that a reviewer added, with the verdict that counts."""

    finding: Finding
    verdict: Verdict | None = None
    #: The rules did not find it.
    added: bool = False

    @property
    def finding_id(self) -> str:
        """Name it within its call: rule and time."""
        return f"{self.finding.rule_id}@{self.finding.at_ms}"

    @property
    def stands(self) -> bool:
        """Tell whether its points count."""
        return self.verdict is None or self.verdict.kind.stands


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """An agent has read what was found in a call."""

    call_id: str
    user_id: int
    at: datetime


class AppealState(StrEnum):
    """How far an appeal is. Only a dismissed one can go on, once, as an open one of level 2."""

    OPEN = "open"
    UPHELD = "upheld"
    DISMISSED = "dismissed"
    WITHDRAWN = "withdrawn"
    #: Nobody decided it in time.
    EXPIRED = "expired"
    FINAL_UPHELD = "final_upheld"
    FINAL_DISMISSED = "final_dismissed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Appeal:
    """An agent's objection to a finding."""

    appeal_id: int = 0
    call_id: str
    rule_id: str
    at_ms: int
    #: The verdict that counted when it was made; None: nobody had reviewed the finding.
    verdict_id: int | None = None
    user_id: int | None
    comment: str
    state: AppealState = AppealState.OPEN
    opened_at: datetime
    #: An open one expires then.
    due_at: datetime
    #: 1; 2 once it was escalated.
    level: int = 1
    decided_by: int | None = None
    decided_at: datetime | None = None
    decision_comment: str = ""
    #: The finding as it was, masked.
    finding: Finding

    def is_overdue(self, now: datetime) -> bool:
        """Tell whether it is open and expires now."""
        return self.state is AppealState.OPEN and now >= self.due_at

    def days_left(self, now: datetime) -> int:
        """Return the days until it expires, begun ones counted whole; 0 when none are left."""
        return max(0, math.ceil((self.due_at - now) / timedelta(days=1)))

    def may_escalate(self, now: datetime, days: int) -> bool:
        """Tell whether it was dismissed for the first time, no longer than so many days ago."""
        decided = self.decided_at
        return self.state is AppealState.DISMISSED and decided is not None and now < decided + timedelta(days=days)


# --- verdicts and findings --------------------------------------------------------------------------------------------


def quote_hash(finding: Finding) -> str:
    """Return the SHA-256 of the words of a finding; "" where nobody speaks, which is like any other silence."""
    words = [evidence.quote for evidence in finding.evidence if evidence.quote and not evidence.quote.startswith("[")]
    return hashlib.sha256("\n".join(words).encode()).hexdigest() if words else ""


def current_verdicts(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Return the verdicts that no other one replaces, oldest first."""
    known = sorted(verdicts, key=lambda verdict: verdict.verdict_id)
    replaced = {verdict.replaces for verdict in known}
    return [verdict for verdict in known if verdict.verdict_id not in replaced]


def review_findings(findings: Sequence[Finding], verdicts: Iterable[Verdict]) -> tuple[ReviewedFinding, ...]:
    """Lay the verdicts on a call over its findings.

    Args:
        findings: of the newest result of the call, not masked.
        verdicts: all on this call.

    Returns:
        The findings in their order, then those that reviewers added and the rules still do not find, by time.
    """
    known = list(verdicts)
    current = current_verdicts(known)
    verdict_of = _assign(findings, current)
    assigned = {verdict.verdict_id for verdict in verdict_of.values()}
    added = _added(known, current, assigned)
    own = [ReviewedFinding(finding=finding, verdict=verdict_of.get(i)) for i, finding in enumerate(findings)]
    return (*own, *sorted(added, key=lambda item: item.finding.at_ms))


def _assign(findings: Sequence[Finding], current: Sequence[Verdict]) -> dict[int, Verdict]:
    """Give each verdict the nearest finding that is its own, and each finding one verdict at most."""
    hashes = [quote_hash(finding) for finding in findings]
    pairs = [
        (abs(finding.at_ms - verdict.at_ms), -verdict.verdict_id, index, verdict)
        for index, finding in enumerate(findings)
        for verdict in current
        if finding.rule_id == verdict.rule_id
        and (
            abs(finding.at_ms - verdict.at_ms) <= SAME_MS
            or (hashes[index] != "" and hashes[index] == verdict.quote_sha256)
        )
    ]
    verdict_of: dict[int, Verdict] = {}
    taken: set[int] = set()
    for _, _, index, verdict in sorted(pairs, key=lambda pair: pair[:3]):
        if index not in verdict_of and verdict.verdict_id not in taken:
            verdict_of[index] = verdict
            taken.add(verdict.verdict_id)
    return verdict_of


def _added(verdicts: Iterable[Verdict], current: Sequence[Verdict], assigned: Iterable[int]) -> list[ReviewedFinding]:
    """Return the findings that reviewers added: a chain of verdicts that began with a missed one keeps its finding."""
    by_id = {verdict.verdict_id: verdict for verdict in verdicts}
    added = []
    for verdict in current:
        chain = [verdict]
        while (earlier := by_id.get(chain[-1].replaces or 0)) is not None:
            chain.append(earlier)
        missed = next((link for link in chain if link.kind is VerdictKind.MISSED), None)
        if missed is not None and verdict.verdict_id not in assigned:
            added.append(ReviewedFinding(finding=missed.finding, verdict=verdict, added=True))
    return added


def stale_verdicts(findings: Sequence[Finding], verdicts: Sequence[Verdict]) -> set[int]:
    """Return the ids of the verdicts that count no longer: their finding is gone."""
    followed = {item.verdict.verdict_id for item in review_findings(findings, verdicts) if item.verdict is not None}
    return {verdict.verdict_id for verdict in current_verdicts(verdicts)} - followed


def wants_second_look(verdict: Verdict, share: float) -> bool:
    """Choose the share of verdicts that go to a second reviewer: by their finding, so that nobody can steer it."""
    number = hashlib.sha256(f"{verdict.call_id}\0{verdict.rule_id}\0{verdict.at_ms}".encode()).digest()
    first = verdict.replaces is None and verdict.kind is not VerdictKind.MISSED
    return first and int.from_bytes(number[:8]) < share * 2**64


def awaiting_second_look(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Return the verdicts that still wait for a second reviewer, oldest first."""
    return [verdict for verdict in current_verdicts(verdicts) if verdict.second_wanted and not verdict.stale]


def visible_to(user_id: int, verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Leave out what a possible second reviewer must not see: others' verdicts that wait for a second look."""
    known = list(verdicts)
    hidden = {verdict.verdict_id for verdict in awaiting_second_look(known) if verdict.user_id != user_id}
    return [verdict for verdict in known if verdict.verdict_id not in hidden]


# --- how good rules and reviewers are ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePrecision:
    """How many of the reviewed findings of a rule were right."""

    rule_id: str
    confirmed: int = 0
    rejected: int = 0
    not_applicable: int = 0
    #: Findings that two reviewers judged without seeing each other's verdict, and on how many they agreed.
    pairs: int = 0
    agreed: int = 0
    #: Cohen's kappa; None: fewer than `LEAST_PAIRS` pairs, or it cannot be computed.
    kappa: float | None = None

    @property
    def reviewed(self) -> int:
        """How many findings were reviewed."""
        return self.confirmed + self.rejected + self.not_applicable

    @property
    def share(self) -> float | None:
        """The share that was right, 0 … 1; None: nothing was reviewed."""
        return self.confirmed / self.reviewed if self.reviewed else None

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % Wilson interval of the share."""
        return wilson_interval(self.confirmed, self.reviewed)


def wilson_interval(right: int, count: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the Wilson interval of a share, 0 … 1; of nothing, all that is possible."""
    if count == 0:
        return (0.0, 1.0)
    share, square = right / count, z * z
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = z * math.sqrt(share * (1 - share) / count + square / (4 * count * count)) / (1 + square / count)
    return (max(0.0, middle - half), min(1.0, middle + half))


def cohen_kappa(pairs: Sequence[tuple[VerdictKind, VerdictKind]]) -> float | None:
    """Return the agreement of two reviewers beyond chance, -1 … 1; None: nothing was judged, or all of it alike."""
    if not pairs:
        return None
    first, second = Counter(pair[0] for pair in pairs), Counter(pair[1] for pair in pairs)
    observed = sum(mine is theirs for mine, theirs in pairs) / len(pairs)
    expected = sum(first[kind] * second[kind] for kind in VerdictKind) / len(pairs) ** 2
    return None if expected == 1 else (observed - expected) / (1 - expected)
