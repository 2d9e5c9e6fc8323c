"""What is usual in a team, measure by measure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable

from qareport.model import NORM_MEASURES, CallSummary, MeasuredCall, MetricNorm, TeamNorm
from qareport.periods.days import local_day


def team_norm(digests: Iterable[CallSummary | MeasuredCall], time_zone: str) -> TeamNorm:
    """Find median and quartiles of each measure over the calls that have it.

    Quartiles: linear interpolation between order statistics (definition 7 of Hyndman and Fan 1996, the `inclusive`
    method of Python's statistics); of one call all three are its value. Calls outside the model's domain are left out:
    their words and speakers are not known.

    Args:
        digests: the calls of the team, usually of the days before the call that is compared.
        time_zone: IANA name of the zone in which `first` and `last` are days.
    """
    known = [one for one in digests if not one.outside_domain]
    starts = [one.started_at for one in known if one.started_at is not None]
    values: dict[str, list[float]] = {name: [] for name in NORM_MEASURES}
    for one in known:
        for name, value in one.metrics.items():
            if name in values:
                values[name].append(value)
    return TeamNorm(
        first=local_day(min(starts), time_zone) if starts else None,
        last=local_day(max(starts), time_zone) if starts else None,
        calls=len(known),
        metrics={name: _norm(found) for name, found in values.items() if found},
    )


def _norm(values: list[float]) -> MetricNorm:
    lower = middle = upper = values[0]
    if len(values) > 1:
        lower, middle, upper = statistics.quantiles(values, n=4, method="inclusive")
    return MetricNorm(n=len(values), lower_quartile=lower, median=middle, upper_quartile=upper)
