"""Days, weeks and months: many judged calls aggregated. Pure functions, from values to values.

`summarise_call` keeps what a period needs of a call; `build_period` aggregates these summaries into the report from
which every document and mail of a period is drawn; `team_norm` says what is usual in the team.
docs/guide/daily-report.md says what each number means.
"""

from qareport.periods.build import build_brief, build_heat, build_period, repeated_calls
from qareport.periods.call_summaries import call_measures, dossier, summarise_call, team_norm
from qareport.periods.headlines import Compared, add_calls
from qareport.periods.scope import baseline_of, bounds, day_around, earlier_periods, local_day, period_of, range_of
from qareport.periods.trend import TrendTotals, trend_start

__all__ = [
    "Compared",
    "TrendTotals",
    "add_calls",
    "baseline_of",
    "bounds",
    "build_brief",
    "build_heat",
    "build_period",
    "call_measures",
    "day_around",
    "dossier",
    "earlier_periods",
    "local_day",
    "period_of",
    "range_of",
    "repeated_calls",
    "summarise_call",
    "team_norm",
    "trend_start",
]
