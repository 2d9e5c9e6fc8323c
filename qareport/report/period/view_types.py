"""What stands on the pages of a day's, week's or month's report: plain strings, ready to print."""

from __future__ import annotations

from dataclasses import dataclass

from qareport.presentation.view_types import HeatChart, Metric, Phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One headline number: its value, what it is of, and what it is against."""

    label: str
    value: str
    n: str
    changes: tuple[Phrase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackRow:
    """One customer to call back."""

    rank: str
    order: str
    phone: str
    agent: str
    why: str
    #: Where to listen, and the words there.
    listen: str
    promise: str
    risk: Phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class WeakView:
    """One weak link."""

    number: str
    title: str
    story: str
    evidence: tuple[str, ...]
    advice: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodTable:
    """One table of a report: as many rows as a page bears, and a line that says how many more there are."""

    rows: tuple[tuple[Phrase, ...], ...]
    #: Empty when all rows stand.
    more: str
    #: What is said when there is no row.
    empty: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodView:
    """A whole document."""

    title: str
    subject: str
    organisation: str
    #: Whose own edition this is; empty for the team's.
    edition: str
    demo_notice: str
    #: Why calls are missing; empty for a whole report.
    partial: tuple[str, ...]
    sentence: str
    tiles: tuple[Tile, ...]
    callbacks_title: str
    callbacks: tuple[CallbackRow, ...]
    #: Those that the first page has no room for, and a line on those that stand nowhere.
    callbacks_rest: tuple[CallbackRow, ...]
    callbacks_follow: str
    callbacks_more: str
    callbacks_empty: str
    heat_title: str
    heat: HeatChart
    heat_notes: tuple[str, ...]
    weak_title: str
    weak_links: tuple[WeakView, ...]
    weak_empty: str
    not_judged: str
    #: Columns: agent, calls, mean score, against before, against the mean, passed, high risk, points lost, mark.
    agents: PeriodTable
    agents_note: str
    #: Columns: rule, severity, calls and rate, before, mean, hits, points.
    rules: PeriodTable
    #: Columns: rule, before, after, change, verdict.
    outcomes: PeriodTable
    outcomes_note: str
    #: Columns: state, order and phone, promise, due, agent.
    promises: PeriodTable
    promises_note: str
    #: Columns: call, when, agent, reason.
    failed: PeriodTable
    #: Heads of the columns that speak of the period before and of the mean of several.
    previous_head: str
    baseline_head: str
    #: The same, as the heads of differences: 较前一天.
    previous_against: str
    baseline_against: str
    methods: tuple[Metric, ...]
    footer: str
    created: str
