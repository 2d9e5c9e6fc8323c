"""What stands on the pages of a call report: plain strings, ready to print. Templates see nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from qareport.presentation.view_types import Chart, Metric, Phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The grid at the top of an order or of one of its calls."""

    #: The order number; in a call's grid, the call's own id.
    name: str
    #: Which call of how many.
    calls: str
    when: str
    agent: str
    issue: str
    trend: str
    roles: str
    hits: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdviceLine:
    """A suggested line (建议话术) and the rule that says so."""

    text: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyMomentView:
    """One key moment of a call, with what to say next time."""

    number: str
    at: str
    span: str
    story: Phrase
    advice: tuple[AdviceLine, ...]
    anchor: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Deduction:
    """One hit of a rule with its points and its evidence."""

    at: str
    title: str
    rule: str
    severity: str
    points: str
    evidence: tuple[str, ...]
    advice: str
    #: What counts of the points when the category's limit cut them; else empty.
    counted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreGroup:
    """One category of the scorecard with its hits; a category without any says so in `empty`."""

    name: str
    points: str
    limit: str
    judged: str
    #: Rules that had no opportunity: neither kept nor broken. Empty when there was none.
    not_applicable: str
    hits: tuple[Deduction, ...]
    empty: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One measure of the call beside what is usual in the team."""

    label: str
    value: str
    #: The team's median.
    usual: str
    #: From the lower to the upper quartile: half of all calls lie in it.
    range: str
    #: How the call stands out, or empty.
    remark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """What is different in a call from the one before it."""

    number: str
    after: str
    score: str
    feeling: str
    issues: str
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseRow:
    """A promise, and what the order's calls tell about it."""

    number: str
    at: str
    quote: str
    promise: str
    due: str
    outcome: Phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRow:
    """An issue type or a stage with the words that say so."""

    number: str
    kind: str
    name: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierView:
    """What all calls of the order together tell."""

    changes: tuple[ChangeRow, ...] = ()
    promises: tuple[PromiseRow, ...] = ()
    classes: tuple[ClassRow, ...] = ()
    #: Why there is nothing to show, where there is nothing.
    no_promises: str = ""
    no_classes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleMetric:
    """One measure by speaker; a speaker who was not heard has an empty cell."""

    label: str
    customer: str
    agent: str
    unknown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptLine:
    """One line of the transcript: a turn, or a silence between turns."""

    #: turn or silence.
    kind: str
    #: customer, agent, unknown or silence.
    side: str
    time: str
    who: str
    text: Phrase
    anchor: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewRow:
    """One line of the overview of an order's calls; a failed call stands here with its reason."""

    number: str
    when: str
    length: str
    agent: str
    trend: str
    badge: Phrase
    remark: str
    #: The chapter's anchor; empty for a failed call.
    anchor: str
    #: What is different from the call before, in short; empty for the first.
    change: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRow:
    """A call that could not be worked on."""

    number: str
    call_id: str
    when: str
    agent: str
    reason: Phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class CallView:
    """One call's chapter."""

    number: str
    title: str
    anchor: str
    badge: Phrase
    facts: Facts
    #: The customer's number, masked.
    phone: str
    sentence: str
    notes: tuple[str, ...]
    trajectory: Phrase
    chart: Chart
    key_moments: tuple[KeyMomentView, ...]
    #: Hits that have no room among the key moments.
    further: tuple[Deduction, ...]
    deductions: tuple[Deduction, ...]
    deduction_total: str
    scorecard: tuple[ScoreGroup, ...]
    #: Where the score began and ended, and whether the call passed.
    score_line: str
    metrics: tuple[Metric, ...]
    compared: tuple[Compared, ...]
    #: Which calls `compared` compares with, or why there is nothing to compare with.
    norm: str
    role_metrics: tuple[RoleMetric, ...]
    #: Whether some speech belongs to nobody known: then the table by speaker has a third column.
    unknown_speaker: bool
    transcript: tuple[TranscriptLine, ...]
    legend: Phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """A whole document."""

    title: str
    subject: str
    organisation: str
    badge: Phrase
    facts: Facts
    demo_notice: str
    sentence: str
    #: More than one call (failed ones count): an overview comes first and each call has its chapter.
    several: bool
    overview: tuple[OverviewRow, ...]
    calls: tuple[CallView, ...]
    dossier: DossierView
    failed: tuple[FailedRow, ...]
    methods: tuple[Metric, ...]
    signatures: tuple[str, ...]
    footer: str
    #: When the document was made for its reader's program, ISO 8601 or empty; never the wall clock.
    created: str
