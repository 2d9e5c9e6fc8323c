"""What templates of an order's report can print: plain strings, ready to print. They have access to nothing else."""

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
    #: When the (latest) call began and how long it was.
    when: str
    #: Who spoke for the centre.
    agent: str
    #: What troubles the customer.
    issue: str
    #: How the customer's mood went.
    trend: str
    #: How the speakers were distinguished.
    roles: str
    #: How many rules hit and what they cost.
    hits: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """One line of what came of the call and what is to be done: who, what and until when."""

    #: What the line says: result, agreed, or next step.
    label: str
    #: What it is; what is overdue stands out.
    text: Phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class AdviceLine:
    """A suggested line (建议话术) and the rule that says so."""

    #: What to say next time; empty where the rule has none, or gave it above already.
    text: str
    #: The rule that says so, with its severity and points.
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyMomentView:
    """One key moment of a call, with what to say next time."""

    #: Its number on the page and in the picture.
    number: str
    #: When it happened: 第42秒.
    at: str
    #: Where that is in the transcript and on the chart's axis, and how long it lasted if that tells something.
    span: str
    #: What happened, in words and marks.
    story: Phrase
    #: Where else the same happened: 共3次，另在第60秒、第81秒; empty if nowhere.
    others: str
    #: One line for each rule that hit there; rules whose points another one takes are in the scorecard alone.
    advice: tuple[AdviceLine, ...]
    #: Its anchor on the HTML page.
    anchor: str
    #: When it happened, in ms, for what can be played.
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Deduction:
    """One hit of a rule with its points and its evidence."""

    #: The number of the key moment that it belongs to; empty if it has none.
    node: str
    #: When it happened: at the second of its key moment.
    at: str
    #: The rule's title.
    title: str
    #: The rule's id.
    rule: str
    #: How grave it is, in words.
    severity: str
    #: What it costs or earns.
    points: str
    #: The words that say so, one line each.
    evidence: tuple[str, ...]
    #: What to say next time; empty where its key moment gives it already.
    advice: str
    #: What counts of the points when the category's limit cut them, or another rule took them; else empty.
    counted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PraiseLine:
    """What was done well, and the rule that says so."""

    #: When it was done.
    at: str
    #: What was done well.
    text: str
    #: The words that show it; may be empty.
    quotes: str
    #: The rule that says so, with its severity and points.
    rule: str
    #: When it was done, in ms, for what can be played.
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreGroup:
    """One category of the scorecard in which rules hit."""

    #: The category.
    name: str
    #: What it cost.
    points: str
    #: How much it may cost at most; empty where there is no limit.
    limit: str
    #: Its hits.
    hits: tuple[Deduction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureRow:
    """One measure of the call, beside what is usual in the team where that is known."""

    #: What is measured.
    label: str
    #: This call's value.
    value: str
    #: The team's median; empty where it is not known.
    usual: str
    #: What is to be known about it, and how the call deviates.
    remark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """What is different in a call from the one before it."""

    #: Which call of the order.
    number: str
    #: How long after the call before.
    after: str
    #: Change of the score.
    score: str
    #: Change of the customer's mood.
    feeling: str
    #: Same, new and gone issues.
    issues: str
    #: Says that another agent spoke; else empty.
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseRow:
    """A promise, and what the order's calls tell about it."""

    #: In which call it was made.
    number: str
    #: When in that call.
    at: str
    #: The words.
    quote: str
    #: What was promised, and by when, in the words used.
    promise: str
    #: When it fell due.
    due: str
    #: What the order's calls tell about it.
    outcome: Phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRow:
    """An issue type or a stage with the words that say so."""

    #: In which call.
    number: str
    #: Issue type or stage.
    kind: str
    #: Which.
    name: str
    #: The words that say so: one line.
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierView:
    """What all calls of the order together tell."""

    #: What is different from call to call; empty for an order with one call.
    changes: tuple[ChangeRow, ...] = ()
    #: The agents' promises.
    promises: tuple[PromiseRow, ...] = ()
    #: Issue types and stages with their evidence.
    classes: tuple[ClassRow, ...] = ()
    #: Why there is no promise to show; else empty.
    no_promises: str = ""
    #: Why there is no issue type to show; else empty.
    no_classes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleMetric:
    """One measure by speaker; a speaker who was not heard has an empty cell."""

    #: What is measured.
    label: str
    #: The customer's value.
    customer: str
    #: The agent's value.
    agent: str
    #: The value of who is not known.
    unknown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeMark:
    """The number of a key moment, beside the line of the transcript in which it happens."""

    #: Its number on the page and in the picture.
    number: str
    #: The key moment's anchor on the HTML page.
    anchor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptLine:
    """One line of the transcript: a turn, or a pause between turns."""

    #: turn or silence (a wait with music is one, too).
    kind: str
    #: customer, agent, unknown or silence.
    side: str
    #: When it begins: 0:42.
    time: str
    #: The speaker, marked when guessed.
    who: str
    #: The words with their marks.
    text: Phrase
    #: Its anchor on the HTML page.
    anchor: str
    #: When it begins, in ms, for what can be played.
    at_ms: int
    #: The key moments that happen in it.
    nodes: tuple[NodeMark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewRow:
    """One line of the overview of an order's calls; a failed call is listed with its reason."""

    #: Which call of the order.
    number: str
    #: When it began.
    when: str
    #: How long it was.
    length: str
    #: Who spoke for the centre.
    agent: str
    #: How the customer's mood went.
    trend: str
    #: The customer's risk, or that the call failed.
    risk: Phrase
    #: The agent's score; empty where there is none.
    score: str
    #: The issue, or why it failed.
    remark: str
    #: The chapter's anchor; empty for a failed call.
    anchor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRow:
    """A call that could not be processed."""

    #: Which call of the order.
    number: str
    #: The call's id.
    call_id: str
    #: When it began.
    when: str
    #: Who spoke for the centre.
    agent: str
    #: The step that failed, and why.
    reason: Phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class CallView:
    """One call's chapter."""

    #: Which call of the order.
    number: str
    #: The title of its chapter.
    title: str
    #: The chapter's anchor on the HTML page.
    anchor: str
    #: The order's worst call: its picture and its key moments are on the first page, not in its chapter.
    is_first: bool
    #: A call without trouble among several: its chapter has no picture, no measures and no scorecard.
    is_brief: bool
    #: Risk and score.
    badge: Phrase
    #: The grid at its top.
    facts: Facts
    #: The customer's number, masked.
    phone: str
    #: The call in one or two sentences.
    sentence: str
    #: What could not be judged or is uncertain.
    notes: tuple[str, ...]
    #: The customer's emotions in order.
    trajectory: Phrase
    #: The picture: `{{ call.chart | svg }}` on a page, `{{ call.chart }}` in Word.
    chart: Chart
    #: The moments that matter most, in order of time: as many as there is room for.
    key_moments: tuple[KeyMomentView, ...]
    #: What was done well, in order of time; such hits are not among the key moments.
    praise: tuple[PraiseLine, ...]
    #: All hits in order of time, besides the scorecard. For your own templates.
    deductions: tuple[Deduction, ...]
    #: What they add up to.
    deduction_total: str
    #: Every category in which something happened, with its hits.
    scorecard: tuple[ScoreGroup, ...]
    #: The other categories in a line, and rules that had no opportunity; empty without a scorecard.
    score_rest: str
    #: Where the score began and ended, and whether the call passed; empty without a scorecard.
    score_line: str
    #: Measures of the call, beside the team's.
    metrics: tuple[MeasureRow, ...]
    #: Whether there are values of the team to compare with.
    has_norm: bool
    #: Which calls are compared, or why none are.
    norm: str
    #: Measures by speaker.
    role_metrics: tuple[RoleMetric, ...]
    #: Whether some speech has no known speaker: then the table by speaker has a third column.
    unknown_speaker: bool
    #: All turns and silences.
    transcript: tuple[TranscriptLine, ...]
    #: The marks of this transcript and what they mean.
    legend: Phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """A complete document."""

    #: What the document is: 通话质检报告.
    title: str
    #: The order, or the call where no order is known.
    subject: str
    #: The setting `report.organisation`; may be empty.
    organisation: str
    #: The customer's risk and the agent's score, of the order's worst call.
    badge: Phrase
    #: The grid on the first page.
    facts: Facts
    #: Says that the bundled small model was used; else empty.
    demo_notice: str
    #: The order in one or two sentences.
    sentence: str
    #: What came of it, what was agreed, and what is to be done next by whom and until when.
    follow_up: tuple[FollowUp, ...]
    #: More than one call (failed ones count): an overview comes first and each call has its chapter.
    several: bool
    #: One line for each call.
    overview: tuple[OverviewRow, ...]
    #: The calls that were processed, in order of time.
    calls: tuple[CallView, ...]
    #: What all calls of the order tell together.
    dossier: DossierView
    #: The calls that failed.
    failed: tuple[FailedRow, ...]
    #: How the report was made, and what it cannot say.
    methods: tuple[Metric, ...]
    #: Names of the fields to sign: three.
    signatures: tuple[str, ...]
    #: The reviews of the calls, or the name of a line for one by hand; then that of a line for the agent's appeal.
    reviews: tuple[str, ...]
    #: The line at the foot of each page.
    footer: str
    #: Date of the document for programs, ISO 8601 or empty; never the wall clock.
    created: str
