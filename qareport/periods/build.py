"""Calls added up to the report of a period."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from qareport import __version__, privacy
from qareport.model import (
    MOSTLY,
    NOT_JUDGED,
    CallSummary,
    Coverage,
    FailedCall,
    Note,
    Period,
    PeriodProvenance,
    PeriodReport,
    Risk,
)
from qareport.periods.advice_outcomes import advice_outcomes
from qareport.periods.agents import agent_rows
from qareport.periods.callbacks import rank_callbacks
from qareport.periods.days import baseline_of, local_day
from qareport.periods.headlines import headlines
from qareport.periods.heat_map import heat_map
from qareport.periods.promises import promises_due
from qareport.periods.rules import rule_rows, weak_links
from qareport.periods.scope import Scope
from qareport.settings import PeriodSettings


def build_period(
    period: Period,
    calls: Iterable[CallSummary],
    before: Iterable[CallSummary],
    failures: Iterable[FailedCall],
    settings: PeriodSettings,
    *,
    agent_id: str | None = None,
    partial: Sequence[Note] = (),
    notes: Sequence[Note] = (),
) -> PeriodReport:
    """Add a period up.

    Args:
        period: the days; `period_of` makes one.
        calls: the calls of the period, one a call; those whose start is not known are the caller's to place.
        before: calls before it, in any order: at least as many periods as the baseline has (`settings.baseline_*`);
            older ones help to join promises and repeated calls with their orders. Those that do not begin before the
            period, or at an unknown time, are left out.
        failures: calls of the period that could not be worked on; they are listed and are in no rate.
        settings: thresholds.
        agent_id: makes this agent's own edition: nobody else's calls count or are shown.
        partial: why calls of the period are missing, for a report that says so at its top.
        notes: what else a reader must know.
    """
    scope = make_scope(period, _only(calls, agent_id), _only(before, agent_id), settings)
    failed = tuple(_masked(failure) for failure in failures if agent_id is None or failure.agent_id == agent_id)
    promises = promises_due(scope)
    callbacks = rank_callbacks(scope, promises.due)
    return PeriodReport(
        period=period,
        agent_id=agent_id,
        headlines=headlines(scope, len(failed)),
        baseline_periods=scope.baseline_periods,
        baseline_looked_at=scope.baseline_looked_at,
        callbacks=callbacks[: settings.callbacks],
        callbacks_total=len(callbacks),
        heat=heat_map(scope),
        weak_links=weak_links(scope),
        agents=agent_rows(scope),
        rules=rule_rows(scope),
        outcomes=advice_outcomes(scope),
        promises=promises.due,
        promises_open=promises.open,
        promises_undated=promises.undated,
        failed_calls=failed,
        coverage=_coverage(scope.now, failed),
        partial=tuple(partial),
        notes=tuple(notes),
        small_n=settings.small_n,
        outlier_sigma=settings.outlier_sigma,
        provenance=_provenance(scope.now),
    )


def make_scope(
    period: Period, calls: Iterable[CallSummary], before: Iterable[CallSummary], settings: PeriodSettings
) -> Scope:
    """Sort the calls before a period into the periods that it is compared with."""
    compared = baseline_of(period, settings)
    place = {
        other.first + timedelta(days=offset): index
        for index, other in enumerate(compared)
        for offset in range((other.last - other.first).days + 1)
    }
    buckets: list[list[CallSummary]] = [[] for _ in compared]
    earlier: list[CallSummary] = []
    for call in before:
        day = local_day(call.started_at, period.time_zone) if call.started_at is not None else None
        if day is None or day >= period.first:
            continue
        earlier.append(call)
        if day in place:
            buckets[place[day]].append(call)
    return Scope(
        period=period,
        settings=settings,
        now=tuple(calls),
        previous=tuple(buckets[0]) if buckets[0] else None,
        baseline=tuple(call for bucket in buckets for call in bucket),
        earlier=tuple(earlier),
        baseline_periods=sum(bool(bucket) for bucket in buckets),
        baseline_looked_at=len(compared),
    )


def _only(calls: Iterable[CallSummary], agent_id: str | None) -> Iterable[CallSummary]:
    return calls if agent_id is None else (call for call in calls if call.agent_id == agent_id)


def _masked(failure: FailedCall) -> FailedCall:
    """Mask what names of recordings and reasons may hold; the call's id stays, the recording is found by it."""
    return replace(failure, reason=privacy.mask(failure.reason)[0], audio_path=privacy.mask(failure.audio_path)[0])


def _coverage(calls: Sequence[CallSummary], failed: Sequence[FailedCall]) -> Coverage:
    judged = sum(call.score is not None for call in calls)
    risks = Counter(call.risk.value if call.score is not None else NOT_JUDGED for call in calls)
    return Coverage(
        calls=len(calls) + len(failed),
        judged=judged,
        not_judged=len(calls) - judged,
        failed=len(failed),
        outside_domain=sum(call.outside_domain for call in calls),
        emotion_mostly_unknown=sum((call.unknown_emotion_share or 0.0) > MOSTLY for call in calls),
        roles_guessed=sum(call.roles_guessed for call in calls),
        without_agent=sum(call.agent_id is None for call in calls),
        without_order=sum(call.order_id is None for call in calls),
        risks={name: risks[name] for name in (*(risk.value for risk in Risk), NOT_JUDGED)},
    )


def _provenance(calls: Iterable[CallSummary]) -> PeriodProvenance:
    models, rules = set(), set()
    for call in calls:
        if call.model is not None:
            models.add(f"{call.model.name}@{call.model.revision}")
        if call.rules_sha256:
            rules.add(call.rules_sha256)
    return PeriodProvenance(qareport=__version__, models=tuple(sorted(models)), rules_sha256=tuple(sorted(rules)))
