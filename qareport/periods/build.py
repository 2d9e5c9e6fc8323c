"""Build the report of a day, a week or a month from the summaries of its calls: headline, agents, heat map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from qareport import __version__, privacy
from qareport.model import (
    MOSTLY,
    NEGATIVE_EMOTIONS,
    NOT_JUDGED,
    STATE_SILENCE,
    TAG_IRONY,
    CallSummary,
    Coverage,
    Emotion,
    FailedCall,
    HeatCell,
    HeatCounts,
    HeatMap,
    HeatRow,
    Note,
    Period,
    PeriodProvenance,
    PeriodReport,
    PromiseDue,
    Risk,
    Roster,
)
from qareport.periods.agents import agent_rows, group_rows
from qareport.periods.callbacks import promises_due, rank_callbacks
from qareport.periods.headlines import Compared, compare, headlines
from qareport.periods.rules import advice_outcomes, rule_rows, weak_links
from qareport.periods.scope import Scope, baseline_of, find_repeated, local_day
from qareport.periods.trend import TrendTotals
from qareport.settings import PeriodSettings

_NEGATIVE = frozenset(NEGATIVE_EMOTIONS)
NOBODY = Roster()


def build_period(
    period: Period,
    calls: Iterable[CallSummary],
    before: Iterable[CallSummary],
    failures: Iterable[FailedCall],
    settings: PeriodSettings,
    *,
    agent_id: str | None = None,
    roster: Roster = NOBODY,
    trend: TrendTotals | None = None,
    repeated: frozenset[str] | None = None,
    partial: Sequence[Note] = (),
    notes: Sequence[Note] = (),
) -> PeriodReport:
    """Build the report of a period.

    Args:
        period: the days; `period_of` makes one.
        calls: the calls of the period, one a call; those whose start is not known are the caller's to place.
        before: calls before it, in any order: at least as many periods as the baseline has (`settings.baseline_*`);
            older ones help to join promises and repeated calls with their orders. Those that do not begin before the
            period, or at an unknown time, are left out.
        failures: calls of the period that could not be processed; they are listed and are in no rate.
        settings: thresholds.
        agent_id: makes this agent's own edition: no other agent's calls count or are shown.
        roster: names and groups of agents.
        trend: the earlier periods added up; None: made from `before`.
        repeated: what `repeated_calls` found; None: it is found among `before` and `calls`, those of other agents too.
        partial: why calls of the period are missing, for a report that says so at its top.
        notes: what else a reader must know.
    """
    calls, before = tuple(calls), tuple(before)
    trend = trend or TrendTotals.of(period, (*before, *calls), settings)
    if repeated is None:
        repeated = repeated_calls((*before, *calls), settings)
    scope = make_scope(period, _only(calls, agent_id), _only(before, agent_id), settings, repeated=repeated)
    failed = tuple(_masked(failure) for failure in failures if agent_id is None or failure.agent_id == agent_id)
    brief = _brief(scope, compare(scope), failed, agent_id=agent_id, roster=roster)
    return replace(
        brief,
        trend=trend.points(agent_id),
        agents=agent_rows(scope),
        groups=group_rows(scope, roster) if agent_id is None else (),
        rules=rule_rows(scope),
        outcomes=advice_outcomes(scope),
        partial=tuple(partial),
        notes=tuple(notes),
    )


def build_brief(
    period: Period,
    calls: Iterable[CallSummary],
    earlier: Iterable[CallSummary],
    compared: Compared,
    failures: Iterable[FailedCall],
    settings: PeriodSettings,
    *,
    agent_id: str | None = None,
    roster: Roster = NOBODY,
) -> PeriodReport:
    """Build what the first page shows of a period: the report without trend, agents and rules.

    Args:
        period: the days.
        calls: the calls of the period that count.
        earlier: of the calls before it those of the same orders, and those with promises that fall due in the period
            or on the day after it.
        compared: the period and the earlier ones added up.
        failures: calls of the period that could not be processed.
        settings: thresholds.
        agent_id: the agent whose own edition this is.
        roster: names and groups of agents.
    """
    scope = replace(make_scope(period, calls, earlier, settings), previous=None, baseline=())
    return _brief(scope, compared, tuple(map(_masked, failures)), agent_id=agent_id, roster=roster)


def _brief(
    scope: Scope, compared: Compared, failed: tuple[FailedCall, ...], *, agent_id: str | None, roster: Roster
) -> PeriodReport:
    promises = promises_due(scope)
    callbacks = rank_callbacks(scope, promises.due)
    return PeriodReport(
        period=scope.period,
        agent_id=agent_id,
        headlines=headlines(compared, scope, len(failed)),
        baseline_periods=compared.periods,
        baseline_looked_at=scope.baseline_looked_at,
        people=tuple(roster.only(_agents(scope, failed, promises.due))),
        callbacks=callbacks,
        callbacks_total=len(callbacks),
        heat=heat_map(scope),
        weak_links=weak_links(scope),
        promises=promises.due,
        promises_open=promises.open,
        promises_undated=promises.undated,
        failed_calls=failed,
        coverage=_coverage(scope.now, failed),
        small_n=scope.settings.small_n,
        outlier_sigma=scope.settings.outlier_sigma,
        provenance=_provenance(scope.now),
    )


def make_scope(
    period: Period,
    calls: Iterable[CallSummary],
    before: Iterable[CallSummary],
    settings: PeriodSettings,
    *,
    repeated: frozenset[str] = frozenset(),
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
        repeated=repeated,
        baseline_periods=sum(bool(bucket) for bucket in buckets),
        baseline_looked_at=len(compared),
    )


def repeated_calls(calls: Iterable[CallSummary], settings: PeriodSettings) -> frozenset[str]:
    """Name the calls of orders that were called about within `settings.repeat_days` before, by whomever."""
    return frozenset(call.call_id for call, again in find_repeated(calls, settings.repeat_days) if again)


def _agents(scope: Scope, failed: Iterable[FailedCall], promises: Iterable[PromiseDue]) -> Iterator[str | None]:
    """Name the agents whom a report may name."""
    for calls in (scope.now, failed, promises):
        yield from (call.agent_id for call in calls)


def _only(calls: Iterable[CallSummary], agent_id: str | None) -> Iterable[CallSummary]:
    return calls if agent_id is None else (call for call in calls if call.agent_id == agent_id)


def _masked(failure: FailedCall) -> FailedCall:
    """Mask what names of recordings and reasons may hold; the call's id stays, the recording is found by it."""
    shown = failure.reworded(lambda text: privacy.mask(text)[0])
    return replace(shown, audio_path=privacy.mask(failure.audio_path)[0])


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
        reviewed=sum(call.reviewed_score is not None for call in calls),
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


_EMOTIONS = tuple(emotion.value for emotion in NEGATIVE_EMOTIONS)
#: Columns that are always there; the other negative emotions have one where a call showed them.
_ALWAYS = frozenset({Emotion.ANGRY.value, Emotion.SAD.value, STATE_SILENCE, TAG_IRONY})


def heat_map(scope: Scope) -> HeatMap:
    """Count calls by issue and by what the customer showed.

    A call with two issues is in both rows, one that showed two emotions in both columns; the total row counts each
    call once. Shares: of an emotion, of the row's calls in which the model named any emotion; of silence and irony, of
    all calls of the row. Stages: of the calls that are mainly about the issue. Calls outside the model's domain are
    left out. Rows: most troubled calls first, calls without a known issue last.
    """
    inside = [call for call in scope.now if not call.outside_domain]
    by_issue: dict[str | None, list[CallSummary]] = {"": inside}
    for call in inside:
        for issue in call.issues or (None,):
            by_issue.setdefault(issue, []).append(call)
    return build_heat({issue: _counts(issue, calls) for issue, calls in by_issue.items()}, scope.settings)


def build_heat(counts: Mapping[str | None, HeatCounts], settings: PeriodSettings) -> HeatMap:
    """Build a heat map (see `heat_map`) of what was counted by issue: None: no issue, "": all calls together."""
    whole = counts[""]
    emotions = tuple(
        name for name in (*_EMOTIONS, STATE_SILENCE, TAG_IRONY) if name in _ALWAYS or whole.emotions.get(name)
    )
    rows = [_heat_row(issue, counted, emotions, settings) for issue, counted in counts.items() if issue != ""]
    rows.sort(key=lambda row: (row.issue is None, -row.troubled, -row.calls, row.issue or ""))
    return HeatMap(emotions=emotions, rows=tuple(rows), total=_heat_row(None, whole, emotions, settings))


def _counts(issue: str | None, calls: Sequence[CallSummary]) -> HeatCounts:
    own = [call for call in calls if not issue or call.issues[0] == issue]
    shown = dict.fromkeys(emotion for call in calls for emotion in call.emotions)
    return HeatCounts(
        calls=len(calls),
        heard=sum(call.dominant_emotion is not None for call in calls),
        troubled=sum(bool(call.emotions) for call in calls),
        emotions={emotion: sum(emotion in call.emotions for call in calls) for emotion in shown},
        stages=_stages(own),
        emotion_stages={emotion: _stages(call for call in own if emotion in call.emotions) for emotion in shown},
    )


def _stages(calls: Iterable[CallSummary]) -> Counter[str]:
    return Counter(stage for call in calls for stage in dict.fromkeys(call.stages))


def _heat_row(issue: str | None, counts: HeatCounts, emotions: Sequence[str], settings: PeriodSettings) -> HeatRow:
    return HeatRow(
        issue=issue,
        calls=counts.calls,
        troubled=counts.troubled,
        cells=tuple(_cell(emotion, counts) for emotion in emotions),
        stages=tuple(_most_first(counts.stages)),
        small=counts.calls < settings.small_n,
    )


def _cell(emotion: str, counts: HeatCounts) -> HeatCell:
    with_it = counts.emotions.get(emotion, 0)
    n = max(counts.heard if emotion in _EMOTIONS else counts.calls, with_it)
    stage, stage_calls = next(iter(_most_first(counts.emotion_stages.get(emotion, {}))), (None, 0))
    return HeatCell(
        emotion=emotion,
        calls=with_it,
        n=n,
        share=with_it / n if n else None,
        stage=stage,
        stage_calls=stage_calls,
    )


def _most_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
