"""The review of calls as documents print it: computed from the result and the verdicts whenever it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from qareport.model import CallReport, CallReview, CallSummary, FindingReview, Verdict, review_findings
from qareport.settings import ScoreSettings

if TYPE_CHECKING:
    from qareport.store import Store


def review_calls(store: Store, calls: Sequence[CallReport], score: ScoreSettings) -> dict[str, CallReview]:
    """Return the reviews of the calls that have verdicts that count, by call id.

    Args:
        store: where verdicts and users are kept.
        calls: the newest results, not masked.
        score: the thresholds of a pass and of a fatal finding.
    """
    known = store.reviews.list_many([call.call_id for call in calls])
    if not known:
        return {}
    names = {user.user_id: user.display for user in store.users.list()}
    reviews = ((call.call_id, _review(call, known.get(call.call_id, ()), names, score)) for call in calls)
    return {call_id: review for call_id, review in reviews if review is not None}


def review_summaries(store: Store, summaries: Sequence[CallSummary], score: ScoreSettings) -> tuple[CallSummary, ...]:
    """Lay what reviewers left of calls over their summaries; those that nobody reviewed stay as they are.

    Args:
        store: where verdicts and results are kept.
        summaries: of the newest results.
        score: as in `review_calls`.
    """
    with_verdicts = store.reviews.list_reviewed()
    chosen = [summary.call_id for summary in summaries if summary.call_id in with_verdicts]
    if not chosen:
        return tuple(summaries)
    reports = [record.report for record in store.results.list(chosen) if record.report is not None]
    reviews = review_calls(store, reports, score)
    return tuple(
        replace(summary, reviewed_score=review.score, reviewed_passed=review.passed)
        if (review := reviews.get(summary.call_id)) is not None
        else summary
        for summary in summaries
    )


def _review(
    call: CallReport, verdicts: Sequence[Verdict], names: dict[int, str], score: ScoreSettings
) -> CallReview | None:
    items = review_findings(call.findings, verdicts)
    given = [(item, item.verdict) for item in items if item.verdict is not None]
    if not given:
        return None
    from qareport import rules  # a report without verdicts does without the rules

    card = rules.reviewed_card(call.scorecard, items, score) if call.scorecard is not None else None
    by_time = sorted((verdict for _item, verdict in given), key=lambda verdict: verdict.verdict_id)
    zone = call.started_at.tzinfo if call.started_at is not None else None  # dates as in the rest of the document
    return CallReview(
        score=card.score if card else None,
        passed=card.passed if card else None,
        reviewers=tuple(dict.fromkeys(names[v.user_id] for v in by_time if v.user_id in names)),
        reviewed_at=by_time[-1].at.astimezone(zone) if zone else by_time[-1].at,
        findings=tuple(
            FindingReview(
                rule_id=item.finding.rule_id, at_ms=item.finding.at_ms, title=item.finding.title, verdict=verdict.kind,
                reason=verdict.reason, points=item.finding.points if item.added else 0, added=item.added,
            )
            for item, verdict in given
        ),
    )  # fmt: skip
