"""The numbers at the top of the page, each against the period before and the mean of those before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from qareport.model import (
    NEGATIVE_EMOTIONS,
    CallSummary,
    Emotion,
    Figure,
    Headline,
    HeadlineName,
    Risk,
)
from qareport.periods.scope import Scope

_NEGATIVE = frozenset(NEGATIVE_EMOTIONS)


def headlines(scope: Scope, failed: int) -> tuple[Headline, ...]:
    """Make the headline numbers.

    - calls: listened to, failed ones apart; high_risk: of them, judged as high.
    - angry_share, negative_share: calls in which the customer turned angry, or showed any negative emotion, of those in
      which the model named an emotion of the customer at all.
    - unbridged_silences: silences (not calls) over `analysis.check_in_ms` after a question or a topic.
    - mean_score, passed_share: over the calls that have a score.
    - failed: calls that could not be worked on; they are in no other number.

    Baseline of a count: its mean over the earlier periods that have calls. Baseline of a mean or a share: over all
    calls of those periods together, so a quiet day weighs less.
    """
    counts: tuple[tuple[HeadlineName, Callable[[CallSummary], int]], ...] = (
        (HeadlineName.CALLS, lambda _: 1),
        (HeadlineName.HIGH_RISK, is_high),
        (HeadlineName.UNBRIDGED_SILENCES, lambda call: call.unbridged_silences),
    )
    shares: tuple[tuple[HeadlineName, Callable[[CallSummary], bool | None]], ...] = (
        (HeadlineName.ANGRY_SHARE, lambda call: _showed(call, frozenset({Emotion.ANGRY.value}))),
        (HeadlineName.NEGATIVE_SHARE, lambda call: _showed(call, _NEGATIVE)),
        (HeadlineName.PASSED_SHARE, lambda call: call.passed if call.score is not None else None),
    )
    by_name = {name: _count(scope, name, of) for name, of in counts}
    by_name |= {name: _compared(scope, name, partial(scope.share_where, of)) for name, of in shares}
    by_name[HeadlineName.MEAN_SCORE] = _compared(scope, HeadlineName.MEAN_SCORE, scope.mean_score)
    by_name[HeadlineName.FAILED] = Headline(
        name=HeadlineName.FAILED, now=scope.figure(float(failed), failed + len(scope.now))
    )
    return tuple(by_name[name] for name in HeadlineName)


def is_high(call: CallSummary) -> bool:
    """Tell whether a call was judged and found of high risk."""
    return call.score is not None and call.risk is Risk.HIGH


def _showed(call: CallSummary, emotions: frozenset[str]) -> bool | None:
    return not emotions.isdisjoint(call.emotions) if call.dominant_emotion is not None else None


def _count(scope: Scope, name: HeadlineName, of: Callable[[CallSummary], int]) -> Headline:
    def total(calls: Sequence[CallSummary], periods: int = 1) -> Figure:
        return scope.figure(sum(of(call) for call in calls) / periods, len(calls))

    return Headline(
        name=name,
        now=total(scope.now),
        previous=total(scope.previous) if scope.previous is not None else None,
        baseline=total(scope.baseline, scope.baseline_periods) if scope.baseline_periods else None,
    )


def _compared(scope: Scope, name: HeadlineName, of: Callable[[Sequence[CallSummary]], Figure]) -> Headline:
    return Headline(
        name=name,
        now=of(scope.now),
        previous=of(scope.previous) if scope.previous is not None else None,
        baseline=of(scope.baseline) if scope.baseline_periods else None,
    )
