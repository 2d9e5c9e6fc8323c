"""The queue of the review: what a reviewer looks at next.

In it are the findings without a verdict in the day's sample; those of calls that were judged anew and have lost a
verdict; findings that were right and that the rules no longer make; and others' verdicts that wait for a second look,
which look like any finding without a verdict. First come findings of low certainty, then those of rules that were
seldom reviewed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from qareport import periods, privacy
from qareport.model import (
    GUESSED_SOURCES,
    CallReport,
    Finding,
    PeriodKind,
    Permission,
    Role,
    Segment,
    Verdict,
    VerdictKind,
    review_findings,
    visible_to,
)
from qareport.web.access import Access

#: A rule with fewer reviewed findings is new to reviewers.
NEW_BELOW: Final = 20
#: Calls that the queue reads at once; the rest come when these are done.
MOST_CALLS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueItem:
    """A finding that waits for a verdict."""

    call: CallReport
    #: Not masked; the finding of `stale`, as the reviewer saw it.
    finding: Finding
    #: The words or the speaker are only guessed.
    doubtful: bool
    #: Its rule was seldom reviewed.
    is_new_rule: bool
    #: It was judged before, and the verdict is lost: the call was judged anew.
    rejudged: bool = False
    #: The verdict "right" on a finding that the rules no longer make.
    stale: Verdict | None = None

    @property
    def item_id(self) -> str:
        """Name it within the queue."""
        kind = f"stale-{self.stale.verdict_id}" if self.stale else f"{self.finding.rule_id}@{self.finding.at_ms}"
        return f"{self.call.call_id}/{kind}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewQueue:
    """What waits, the first first."""

    #: The day of the sample; None: there is no call with findings.
    day: date | None
    items: tuple[QueueItem, ...]

    def place_of(self, item_id: str) -> int:
        """Return the place of an item; 0 for what is not in the queue."""
        return next((place for place, item in enumerate(self.items) if item.item_id == item_id), 0)


def build_queue(access: Access, day: date | None = None) -> ReviewQueue:
    """Build the queue of who asks.

    Args:
        access: who asks.
        day: whose calls are sampled; None: the newest day that has calls with findings.

    Raises:
        ForbiddenError: they may not review.
    """
    access.require(Permission.REVIEW_WRITE)
    agents, store = access.agents(Permission.REVIEW_WRITE), access.desk.store
    chosen, sample = _sample(access, day)
    stale = store.reviews.list_stale(agents)
    looks = store.reviews.list_second_looks(agents, access.principal.user.user_id)
    # Verdicts that were lost with a wrong finding ask for nothing by themselves, and stay: they come last.
    lost = sorted(stale, key=lambda verdict: verdict.kind is not VerdictKind.CONFIRMED)
    asking = [verdict.call_id for verdict in lost if verdict.kind is VerdictKind.CONFIRMED]
    others = [verdict.call_id for verdict in lost[len(asking) :]]
    waiting = (*asking, *(verdict.call_id for verdict in looks), *sample, *others)
    call_ids = [*dict.fromkeys(waiting)][:MOST_CALLS]
    reviewed = {rule.rule_id: rule.reviewed for rule in store.reviews.precisions(agents)}
    items = _items(access, call_ids, frozenset(sample), reviewed)
    return ReviewQueue(day=chosen, items=tuple(sorted(items, key=lambda item: _order(item, reviewed))))


def count_waiting(access: Access) -> int:
    """Count the calls in which something waits for a verdict of who asks, without reading them."""
    access.require(Permission.REVIEW_WRITE)
    agents, reviews = access.agents(Permission.REVIEW_WRITE), access.desk.store.reviews
    _, sample = _sample(access, None)
    lost = (verdict for verdict in reviews.list_stale(agents) if verdict.kind is VerdictKind.CONFIRMED)
    looks = reviews.list_second_looks(agents, access.principal.user.user_id)
    return len({*reviews.list_unreviewed(sample), *(verdict.call_id for verdict in (*lost, *looks))})


def _sample(access: Access, day: date | None) -> tuple[date | None, tuple[str, ...]]:
    """Return the day of a sample, and its calls; without a day that of the newest calls with findings."""
    agents, store = access.agents(Permission.REVIEW_WRITE), access.desk.store
    zone = access.desk.settings.period.time_zone
    newest = store.reviews.find_newest_start(agents) if day is None else None
    chosen = day if newest is None else periods.local_day(newest, zone)
    if chosen is None:
        return None, ()
    first, last = periods.bounds(periods.period_of(PeriodKind.DAY, chosen, zone))
    return chosen, store.reviews.sample(first, last, access.desk.settings.review.sample_per_agent, agents)


def _order(item: QueueItem, reviewed: Mapping[str, int]) -> tuple[bool, int, bool, bool, str, int]:
    rule_id = item.finding.rule_id
    return (
        not item.doubtful, min(reviewed.get(rule_id, 0), NEW_BELOW), not (item.rejudged or item.stale),
        item.finding.points == 0 and not item.finding.fatal,
        item.call.call_id, item.finding.at_ms,
    )  # fmt: skip


def _items(
    access: Access, call_ids: list[str], sample: frozenset[str], reviewed: Mapping[str, int]
) -> Iterator[QueueItem]:
    """Yield what waits in these calls."""
    known = access.desk.store.reviews.list_many(call_ids)
    for record in access.desk.store.results.list(call_ids):
        call = record.report
        if call is None:
            continue
        verdicts = known.get(call.call_id, ())
        current = review_findings(call.findings, verdicts)
        seen = review_findings(call.findings, visible_to(access.principal.user.user_id, verdicts))
        replaced = {verdict.replaces for verdict in verdicts}
        lost = [verdict for verdict in verdicts if verdict.stale and verdict.verdict_id not in replaced]
        second = {item.finding_id for item in current if item.verdict is not None}
        for item in seen:
            rejudged = any(verdict.rule_id == item.finding.rule_id for verdict in lost)
            in_queue = call.call_id in sample or rejudged or item.finding_id in second
            if item.verdict is None and in_queue:
                yield _item(call, item.finding, reviewed, rejudged=rejudged)
        for verdict in lost:
            if verdict.kind is VerdictKind.CONFIRMED:
                yield _item(call, verdict.finding, reviewed, stale=verdict)


def _item(
    call: CallReport, finding: Finding, reviewed: Mapping[str, int], *, rejudged: bool = False,
    stale: Verdict | None = None,
) -> QueueItem:  # fmt: skip
    return QueueItem(
        call=call, finding=finding, doubtful=is_doubtful(finding, call), rejudged=rejudged, stale=stale,
        is_new_rule=reviewed.get(finding.rule_id, 0) < NEW_BELOW,
    )  # fmt: skip


def is_doubtful(finding: Finding, call: CallReport) -> bool:
    """Tell whether the words of a finding were known by their sound only, or who said them is guessed."""
    spans = [(evidence.at_ms, evidence.end_ms) for evidence in finding.evidence]
    said = (segment for segment in call.segments if any(_meets(segment, span) for span in spans))
    guessed = any(segment.role is Role.UNKNOWN or segment.role_source in GUESSED_SOURCES for segment in said)
    return guessed or any(evidence.fuzzy for evidence in finding.evidence)


def context_of(access: Access, item: QueueItem, *, around_ms: int = 15_000) -> tuple[Finding, tuple[Segment, ...]]:
    """Return a finding as it is shown, and what is said around it, both masked as the settings say."""
    masking = access.desk.settings.privacy
    call, finding = item.call, item.finding
    if masking.enabled:
        call = privacy.mask_report(call, masking.kinds)
        if item.stale is None:
            place = next(place for place, own in enumerate(item.call.findings) if own == finding)
            finding = call.findings[place]
    first = min((evidence.at_ms for evidence in finding.evidence), default=finding.at_ms) - around_ms
    last = max((evidence.end_ms for evidence in finding.evidence), default=finding.at_ms) + around_ms
    return finding, tuple(segment for segment in call.segments if first <= segment.start_ms <= last)


def _meets(segment: Segment, span: tuple[int, int]) -> bool:
    return segment.start_ms < span[1] and span[0] < segment.end_ms
