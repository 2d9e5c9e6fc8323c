"""The numbers at the top of a period's report, against the period before and the mean of several: made from sums."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from qareport.model import (
    NEGATIVE_EMOTIONS,
    CallFigures,
    CallSummary,
    CallSums,
    Emotion,
    Figure,
    Headline,
    HeadlineName,
)
from qareport.periods.scope import Scope, is_fatal, is_high
from qareport.periods.significance import Sample, counts_differ, means_differ, shares_differ

_NEGATIVE = frozenset(NEGATIVE_EMOTIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The sums of a period and of those that it is compared with."""

    now: CallSums
    #: Of the period just before; None when it has no call.
    previous: CallSums | None
    baseline: CallSums
    #: Periods with calls that `baseline` comes from.
    periods: int


def add_calls(calls: Iterable[CallSummary | CallFigures], *, repeated: int = 0) -> CallSums:
    """Add calls up.

    Args:
        calls: those of a period.
        repeated: how many of them are of an order that was called about shortly before.
    """
    calls = tuple(calls)
    heard = [call.emotions for call in calls if call.dominant_emotion is not None]
    graded = [call.passed for call in calls if call.score is not None and call.passed is not None]
    scores = [call.score for call in calls if call.score is not None]
    return CallSums(
        calls=len(calls),
        high_risk=sum(map(is_high, calls)),
        fatal=sum(map(is_fatal, calls)),
        unbridged_silences=sum(call.unbridged_silences for call in calls),
        heard=len(heard),
        angry=sum(Emotion.ANGRY.value in shown for shown in heard),
        negative=sum(not _NEGATIVE.isdisjoint(shown) for shown in heard),
        graded=len(graded),
        passed=sum(graded),
        scored=len(scores),
        score=sum(scores),
        score_squared=sum(score * score for score in scores),
        duration_ms=sum(call.duration_ms for call in calls),
        duration_squared=sum(call.duration_ms * call.duration_ms for call in calls),
        with_order=sum(bool(call.order_id) for call in calls),
        repeated=repeated,
    )


def compare(scope: Scope) -> Compared:
    """Add up the calls of a period and of those that it is compared with."""

    def added(calls: Sequence[CallSummary]) -> CallSums:
        return add_calls(calls, repeated=sum(_is_repeated(call, scope.repeated) for call in calls))

    return Compared(
        now=added(scope.now),
        previous=None if scope.previous is None else added(scope.previous),
        baseline=added(scope.baseline),
        periods=scope.baseline_periods,
    )


def _is_repeated(call: CallSummary, repeated: Collection[str]) -> bool:
    return bool(call.order_id) and call.call_id in repeated


def headlines(sums: Compared, scope: Scope, failed: int) -> tuple[Headline, ...]:
    """Make the headline numbers.

    - calls: listened to, failed ones apart; high_risk: of them, judged as high; fatal: failed by one
      finding.
    - angry_share, negative_share: calls in which the customer turned angry, or showed any negative emotion, of those in
      which the model named an emotion of the customer at all.
    - unbridged_silences: silences (not calls) over `analysis.check_in_ms` after a question or a topic.
    - mean_score, passed_share: over the calls that have a score.
    - repeat_share: of the calls with an order, those whose order was called about in the `period.repeat_days` before.
    - handling_time: mean length in ms.
    - failed: calls that could not be processed; they are in no other number.

    Baseline of a count: its mean over the earlier periods that have calls. Baseline of a mean or a share: over all
    calls of those periods together, so a quiet day weighs less. A difference is clear when it is larger than chance
    makes in nineteen cases of twenty (`periods.significance`).

    Args:
        sums: of the period and those that it is compared with.
        scope: its calls, for what reviewers left of them, and from how many calls on a number is large.
        failed: how many calls could not be processed.
    """
    counts: tuple[tuple[HeadlineName, Callable[[CallSums], int]], ...] = (
        (HeadlineName.CALLS, lambda calls: calls.calls),
        (HeadlineName.HIGH_RISK, lambda calls: calls.high_risk),
        (HeadlineName.UNBRIDGED_SILENCES, lambda calls: calls.unbridged_silences),
        (HeadlineName.FATAL, lambda calls: calls.fatal),
    )
    shares: tuple[tuple[HeadlineName, Callable[[CallSums], tuple[int, int]]], ...] = (
        (HeadlineName.ANGRY_SHARE, lambda calls: (calls.angry, calls.heard)),
        (HeadlineName.NEGATIVE_SHARE, lambda calls: (calls.negative, calls.heard)),
        (HeadlineName.PASSED_SHARE, lambda calls: (calls.passed, calls.graded)),
        (HeadlineName.REPEAT_SHARE, lambda calls: (calls.repeated, calls.with_order)),
    )
    means: tuple[tuple[HeadlineName, Callable[[CallSums], Sample]], ...] = (
        (HeadlineName.MEAN_SCORE, lambda calls: Sample(calls.scored, calls.score, calls.score_squared)),
        (HeadlineName.HANDLING_TIME, lambda calls: Sample(calls.calls, calls.duration_ms, calls.duration_squared)),
    )
    by_name = {name: _count(sums, scope, name, of) for name, of in counts}
    by_name |= {name: _share(sums, scope, name, of) for name, of in shares}
    by_name |= {name: _mean(sums, scope, name, of) for name, of in means}
    by_name[HeadlineName.FAILED] = Headline(
        name=HeadlineName.FAILED, now=scope.figure(float(failed), failed + sums.now.calls)
    )
    for name, figure in (
        (HeadlineName.MEAN_SCORE, scope.reviewed_score(scope.now)),
        (HeadlineName.PASSED_SHARE, scope.reviewed_share(scope.now)),
    ):
        by_name[name] = replace(by_name[name], reviewed=figure)
    return tuple(by_name[name] for name in HeadlineName)


def _count(sums: Compared, scope: Scope, name: HeadlineName, of: Callable[[CallSums], int]) -> Headline:
    def figure(calls: CallSums, periods: int = 1) -> Figure:
        return scope.figure(of(calls) / periods, calls.calls)

    now = float(of(sums.now))
    previous = None if sums.previous is None else figure(sums.previous)
    baseline = figure(sums.baseline, sums.periods) if sums.periods else None
    return Headline(
        name=name,
        now=figure(sums.now),
        previous=previous,
        baseline=baseline,
        previous_clear=previous is not None and counts_differ(previous.value or 0.0, now),
        baseline_clear=baseline is not None and counts_differ(baseline.value or 0.0, now, sums.periods),
    )


def _share(sums: Compared, scope: Scope, name: HeadlineName, of: Callable[[CallSums], tuple[int, int]]) -> Headline:
    now, previous, baseline = (
        scope.rate(*of(calls)) for calls in (sums.now, sums.previous or CallSums(), sums.baseline)
    )
    return Headline(
        name=name,
        now=scope.figure(now.share, now.n),
        previous=scope.figure(previous.share, previous.n) if sums.previous is not None else None,
        baseline=scope.figure(baseline.share, baseline.n) if sums.periods else None,
        previous_clear=shares_differ(previous, now),
        baseline_clear=shares_differ(baseline, now),
    )


def _mean(sums: Compared, scope: Scope, name: HeadlineName, of: Callable[[CallSums], Sample]) -> Headline:
    now, previous, baseline = map(of, (sums.now, sums.previous or CallSums(), sums.baseline))
    return Headline(
        name=name,
        now=scope.figure(now.mean, now.n),
        previous=scope.figure(previous.mean, previous.n) if sums.previous is not None else None,
        baseline=scope.figure(baseline.mean, baseline.n) if sums.periods else None,
        previous_clear=means_differ(previous, now),
        baseline_clear=means_differ(baseline, now),
    )
