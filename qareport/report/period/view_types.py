"""What templates of a day's, week's or month's report can print: plain strings, ready to print."""

from __future__ import annotations

from dataclasses import dataclass

from qareport.presentation.view_types import HeatChart, Metric, Phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One headline number: its value, what it is of, and what it is against."""

    #: What is counted.
    label: str
    #: The number.
    value: str
    #: What it is of, and whether that is a small sample; empty for the count of calls.
    n: str
    #: What it was before: one line for the period before, one for the mean of several.
    changes: tuple[Phrase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackRow:
    """One customer to call back."""

    #: 1 for the most urgent.
    rank: str
    #: The order, or the call where no order is known.
    order: str
    #: The customer's number, masked.
    phone: str
    #: Whose call it was.
    agent: str
    #: The reasons.
    why: str
    #: Where to listen, and the words there.
    listen: str
    #: What falls due when, or "—".
    promise: str
    #: Risk and score.
    risk: Phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class WeakView:
    """One weak link."""

    #: 1 for the weakest.
    number: str
    #: What to improve, with issue and stage.
    title: str
    #: How often it happened, and what it cost.
    story: str
    #: Where to hear it, one line each.
    evidence: tuple[str, ...]
    #: What to say instead; may be empty.
    advice: str
    #: The rule's id.
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodTable:
    """One table of a report: as many rows as a page bears, and a line that says how many more there are."""

    #: Rows of cells; the columns are named at each table.
    rows: tuple[tuple[Phrase, ...], ...]
    #: How many more rows there are; empty when all are shown.
    more: str
    #: Printed when there is no row.
    empty: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodView:
    """A whole document."""

    #: What the document is: 客服质检日报.
    title: str
    #: The days.
    subject: str
    #: The setting `report.organisation`; may be empty.
    organisation: str
    #: Whose own edition this is; empty for the team's.
    edition: str
    #: Says that the bundled small model was used; else empty.
    demo_notice: str
    #: Why calls are missing; empty for a whole report.
    partial: tuple[str, ...]
    #: The period in one sentence.
    sentence: str
    #: Eight headline numbers.
    tiles: tuple[Tile, ...]
    #: Title of the customers to call back, with their number.
    callbacks_title: str
    #: The most urgent of them, at most five.
    callbacks: tuple[CallbackRow, ...]
    #: Those that the first page has no room for.
    callbacks_rest: tuple[CallbackRow, ...]
    #: Says how many follow later in the document; else empty.
    callbacks_follow: str
    #: Says how many are in no table; else empty.
    callbacks_more: str
    #: Printed when there is no customer to call back.
    callbacks_empty: str
    #: Title of the heat map.
    heat_title: str
    #: The heat map: `{{ report.heat | svg }}` on a page, `{{ report.heat }}` in Word.
    heat: HeatChart
    #: How to read it.
    heat_notes: tuple[str, ...]
    #: Title of the weak links.
    weak_title: str
    #: What to improve first, with its evidence.
    weak_links: tuple[WeakView, ...]
    #: Printed when there is no weak link.
    weak_empty: str
    #: What could not be judged, in one line.
    not_judged: str
    #: Columns: agent, calls, mean score, against before, against the mean, passed, high risk, points lost, mark.
    agents: PeriodTable
    #: What the mark means.
    agents_note: str
    #: Columns: rule, severity, calls and rate, before, mean, hits, points.
    rules: PeriodTable
    #: Columns: rule and advice, agents, before, after, change, verdict.
    outcomes: PeriodTable
    #: What is compared, and what it cannot prove.
    outcomes_note: str
    #: Columns: state, order and phone, promise, due, agent.
    promises: PeriodTable
    #: What a recording cannot prove, and how many promises are open.
    promises_note: str
    #: Columns: call, when, agent, reason.
    failed: PeriodTable
    #: Head of a column about the period before.
    previous_head: str
    #: Head of a column about the mean of several.
    baseline_head: str
    #: Head of a column of differences from the period before: 较前一天.
    previous_against: str
    #: Head of a column of differences from the mean.
    baseline_against: str
    #: How the numbers came about.
    methods: tuple[Metric, ...]
    #: The line at the foot of each page.
    footer: str
    #: Date of the document for programs, ISO 8601; never the wall clock.
    created: str
