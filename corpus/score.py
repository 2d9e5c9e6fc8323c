"""Compare what a report says of a call with the labels of that call: what is right, what is false, what is missed.

The definitions of the labels are in `labels.md`. Labels are complete: what is neither labelled nor optional is false,
and what is optional counts neither way.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol

from qareport.model import STATE_SILENCE, CallReport, Classification, Moment, MomentKind, Promise, Silence

#: The kinds of moments that are labelled.
KINDS: Final = (
    "churn_signal", "escalation", "repeat", "no_answer", "recovery", "irony", "broken_promise", "silence",
)  # fmt: skip
#: Those that say of somebody that something went wrong.
ALARMS: Final = ("churn_signal", "escalation", "repeat", "no_answer", "irony", "broken_promise")
#: Points for greeting and closing accuse nobody: `agent_ok` leaves them apart.
FORMAL: Final = ("greeting", "closing", "farewell")
#: A moment is the one that was labelled when it is no farther away than this.
TOLERANCE_S: Final = 3.0
#: In seconds: how far the moment of a silence may reach beyond the silence, and begin away from it.
_WITHIN_S, _BESIDE_S = 0.5, 1.5

Case = Mapping[str, Any]


class Count(NamedTuple):
    """How many were found that are labelled, found that are not, and labelled that were not found."""

    right: int = 0
    false: int = 0
    missed: int = 0

    @property
    def precision(self) -> float | None:
        """The share of what was found that is labelled; None when nothing was found."""
        return self.right / (self.right + self.false) if self.right + self.false else None

    @property
    def recall(self) -> float | None:
        """The share of what is labelled that was found; None when nothing is labelled."""
        return self.right / (self.right + self.missed) if self.right + self.missed else None

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return 2 * self.right / max(1, 2 * self.right + self.false + self.missed)


def total(counts: Collection[Count]) -> Count:
    """Add counts up."""
    return Count(*map(sum, zip(*counts, strict=True))) if counts else Count()


class Analysed(Protocol):
    """What is compared: the analysis of a call, or its report."""

    @property
    def moments(self) -> Sequence[Moment]:
        """The key moments."""

    @property
    def silences(self) -> Sequence[Silence]:
        """The pauses in which nobody speaks."""

    @property
    def promises(self) -> Sequence[Promise]:
        """What the agent committed to."""

    @property
    def issues(self) -> Sequence[Classification]:
        """The topics."""


@dataclass(frozen=True, slots=True)
class CallScore:
    """How the report of one call compares with its labels."""

    #: By kind of moment, and `topics` and `promises`.
    counts: Mapping[str, Count]
    risk_right: bool
    agent_ok: bool
    #: The agent lost points, greeting and closing apart.
    accused: bool
    #: Strings of personal data, and those of them that can still be read in the report.
    masked: int
    leaked: tuple[str, ...] = field(default=())
    #: Strings that must stay, and those of them that are gone.
    kept: int = 0
    lost: tuple[str, ...] = field(default=())


def score_report(case: Case, report: CallReport, text: str) -> CallScore:
    """Compare a report as it leaves the store, and its text as JSON, with the labels of its call."""
    truth = case["truth"]
    masked, kept = truth.get("masked", ()), truth.get("kept", ())
    return CallScore(
        counts={
            **{kind: count_moments(case, report, kind) for kind in KINDS},
            "topics": count_topics(case, report),
            "promises": count_promises(case, report),
        },
        risk_right=report.risk in truth["risk"],
        agent_ok=bool(truth["agent_ok"]),
        accused=bool(deducting_rules(report)),
        masked=len(masked),
        leaked=tuple(part for part in masked if part in text),
        kept=len(kept),
        lost=tuple(part for part in kept if part not in text),
    )


def deducting_rules(report: CallReport) -> list[str]:
    """Name the rules that took points, greeting and closing apart."""
    return [
        finding.rule_id
        for finding in report.findings
        if finding.points < 0 and not any(word in finding.rule_id for word in FORMAL)
    ]


def count_moments(case: Case, analysed: Analysed, kind: str) -> Count:
    """Compare the moments of one kind with the labels, each with the nearest one that is left."""
    left = sorted(at_s for labelled, at_s in case["truth"]["moments"] if labelled == kind)
    allowed = [at_s for labelled, at_s in case["truth"].get("optional", ()) if labelled == kind] + left
    right = false = 0
    for at_s in sorted(times_of(analysed, kind)):
        near = min(left, key=lambda label: abs(label - at_s), default=None)
        if near is not None and abs(near - at_s) <= TOLERANCE_S:
            left.remove(near)
            right += 1
        elif not any(abs(label - at_s) <= TOLERANCE_S for label in allowed):
            false += 1
    return Count(right, false, len(left))


def times_of(analysed: Analysed, kind: str) -> list[float]:
    """Return when the moments of a kind begin, in seconds; of telling silences: when the silence begins."""
    if kind != MomentKind.SILENCE:
        return [moment.at_ms / 1000 for moment in analysed.moments if moment.kind == kind]
    telling = [moment for moment in analysed.moments if moment.kind == kind or STATE_SILENCE in moment.tags]
    starts = [
        silence.start_ms / 1000
        for silence in analysed.silences
        if any(_is_about(moment, silence) for moment in telling)
    ]
    return starts or [moment.at_ms / 1000 for moment in telling]


def _is_about(moment: Moment, silence: Silence) -> bool:
    around_ms, beside_ms = _WITHIN_S * 1000, _BESIDE_S * 1000
    covers = moment.at_ms <= silence.start_ms + around_ms and moment.end_ms >= silence.end_ms - around_ms
    return covers or abs(moment.at_ms - silence.start_ms) < beside_ms


def count_topics(case: Case, analysed: Analysed) -> Count:
    """Compare the topics of the whole call."""
    found = {issue.name for issue in analysed.issues}
    wanted, optional = set(case["truth"]["topics"]), set(case["truth"].get("topics_optional", ()))
    return Count(len(found & wanted), len(found - wanted - optional), len(wanted - found))


def count_promises(case: Case, analysed: Analysed) -> Count:
    """Compare the promises by the words of their time."""
    left = [promise.by for promise in analysed.promises]
    right = missed = 0
    for _action, by in case["truth"]["promises"]:
        found = next((words for words in left if by in words or words in by), None)
        if found is None:
            missed += 1
        else:
            left.remove(found)
            right += 1
    allowed = [by for _action, by in case["truth"].get("promises_optional", ())]
    false = sum(not any(by in words or words in by for by in allowed) for words in left)
    return Count(right, false, missed)
