"""What templates of a period's report can print: plain strings, ready to print."""

from __future__ import annotations

from dataclasses import dataclass

from qareport.presentation.view_types import HeatChart, Metric, Phrase, TrendChart


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One number at the top: its value and what it is against."""

    #: What is counted.
    label: str
    #: The number.
    value: str
    #: Says that few calls made it; else empty.
    remark: str
    #: What it was before: one line for the period before, one for the mean of several.
    changes: tuple[Phrase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackRow:
    """One customer to call back."""

    #: 1 for the most urgent.
    rank: str
    #: The order, or the call where no order is known.
    order: Phrase
    #: The customer's number, masked.
    phone: str
    #: Whose call it was.
    agent: str
    #: When the call began.
    when: str
    #: What the customer calls about, how often, since when, what was promised, and what makes it urgent.
    why: str
    #: Where to listen, and the words there.
    listen: Phrase
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
    evidence: tuple[Phrase, ...]
    #: What to say instead; may be empty.
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CoachView:
    """Whom to coach or to praise, for what, and the place to listen to together."""

    #: Name and id of the agent.
    agent: str
    #: What it is about, and in how many calls.
    what: str
    #: Order, time of the call, second and words.
    listen: Phrase
    #: What to say instead; empty for praise.
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodTable:
    """One table of a report: as many rows as a page can hold, and a line that says how many more there are."""

    #: Rows of cells; the columns are named at each table.
    rows: tuple[tuple[Phrase, ...], ...]
    #: How many more rows there are; empty when all are shown.
    more: str
    #: Printed when there is no row.
    empty: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodView:
    """A complete document."""

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
    #: Why calls are missing; empty for a complete report.
    partial: tuple[str, ...]
    #: The period in one sentence.
    sentence: str
    #: Ten numbers.
    tiles: tuple[Tile, ...]
    #: Title of the trend.
    trend_title: str
    #: Three measures over the last periods: `{{ chart | svg }}` on a page, `{{ chart }}` in Word. Empty without any.
    trend: tuple[TrendChart, ...]
    #: Title of the customers to call back, with their number.
    callbacks_title: str
    #: The most urgent of them, at most five.
    callbacks: tuple[CallbackRow, ...]
    #: Title of those that the first page has no room for.
    callbacks_rest_title: str
    #: Those that the first page has no room for.
    callbacks_rest: tuple[CallbackRow, ...]
    #: Says how many follow later in the document; else empty.
    callbacks_follow: str
    #: Says how many are not in the document, and where they are; else empty.
    callbacks_more: str
    #: Printed when there is no customer to call back.
    callbacks_empty: str
    #: Title of what to coach on.
    coaching_title: str
    #: Whom to coach on what, at most five.
    coaching: tuple[CoachView, ...]
    #: Printed when there is nobody to coach.
    coaching_empty: str
    #: Title of the praise.
    praise_title: str
    #: Whom to praise for what, at most three.
    praise: tuple[CoachView, ...]
    #: Title of the heat map.
    heat_title: str
    #: The heat map: a table on a page, `{{ report.heat }}` (a picture) in Word.
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
    #: Columns: agent, calls, mean score, against before, passed, high risk, mean length, main fault, done well.
    agents: PeriodTable
    #: What a mark beside a score means; empty where there is none.
    agents_note: str
    #: Columns: group, agents, calls, mean score, against before, passed, high risk, mean length, main fault. No rows
    #: where fewer than two groups are known.
    groups: PeriodTable
    #: Columns: rule, severity, calls and rate, before, mean, points.
    rules: PeriodTable
    #: Columns: rule and advice, agents, before, after, change, verdict. In monthly reports, rules that changed.
    outcomes: PeriodTable
    #: What is compared, and what it cannot prove.
    outcomes_note: str
    #: Columns: state, order and phone, promise, due, agent. Broken ones, and those of the next day.
    promises: PeriodTable
    #: What a recording cannot prove, and how many promises are open.
    promises_note: str
    #: Columns: call, when, agent, reason.
    failed: PeriodTable
    #: Whether the period just before has calls: else the tables have no column about it.
    has_previous: bool
    #: Whether there is a mean of several earlier periods, or one that is not the period just before.
    has_baseline: bool
    #: Head of a column about the period before.
    previous_head: str
    #: Head of a column about the mean of several.
    baseline_head: str
    #: Head of a column of differences from the mean of several, or from the period before.
    against: str
    #: How the numbers were computed.
    methods: tuple[Metric, ...]
    #: The line at the foot of each page.
    footer: str
    #: Date of the document for programs, ISO 8601; never the wall clock.
    created: str
