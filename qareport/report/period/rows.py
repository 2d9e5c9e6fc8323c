"""Word the rows of a period's tables: customers, agents, rules, promises, calls that failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from qareport.model import (
    AdviceOutcome,
    Agent,
    AgentFault,
    AgentPraise,
    AgentRow,
    Callback,
    CallbackReason,
    FailedCall,
    GroupRow,
    OfCall,
    PeriodEvidence,
    PeriodReport,
    PromiseDue,
    PromiseState,
    Risk,
    RuleRow,
)
from qareport.model.period_figures import CallTotals
from qareport.presentation import topic_wording, wording
from qareport.presentation.links import Links
from qareport.presentation.locale import _, plural
from qareport.presentation.view_types import Phrase, TextRun
from qareport.report.period import terms
from qareport.report.period.view_types import CallbackRow, CoachView, PeriodTable

T = TypeVar("T")

_RISK_STYLES = {Risk.HIGH: "risk-high", Risk.MEDIUM: "risk-medium", Risk.LOW: "risk-low"}
#: Said by other columns, or by the sentence about the customer's calls.
_SAID_ELSEWHERE = frozenset(
    {
        CallbackReason.HIGH_RISK,
        CallbackReason.REPEATED_CALLS,
        CallbackReason.BROKEN_PROMISE,
        CallbackReason.PROMISE_DUE,
    }
)


@dataclass(frozen=True, slots=True)
class RowWriter:
    """Words rows: knows the period's time zone, the agents' names, and what can be linked."""

    report: PeriodReport
    links: Links
    _people: dict[str, Agent] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Keep the agents by their id."""
        self._people.update((agent.id, agent) for agent in self.report.people)

    # --- parts --------------------------------------------------------------------------------------------------------

    def agent(self, agent_id: str | None) -> str:
        """Name an agent in a sentence: 王芳（A017）; without a known name the id."""
        if agent_id is None:
            return _(wording.UNKNOWN)
        person = self._people.get(agent_id)
        if person is None or not person.name:
            return terms.name(agent_id)
        return wording.beside(terms.name(person.name), terms.name(agent_id))

    def agent_cell(self, agent_id: str | None) -> Phrase:
        """Name an agent in a table: the name, below it id and group in small."""
        if agent_id is None:
            return words(_("（客服未知）"))
        person = self._people.get(agent_id)
        name, group = (person.name, person.group) if person else ("", "")
        small = " ".join(terms.name(text) for text in (agent_id if name else "", group) if text)
        runs = [TextRun(text=terms.name(name or agent_id))]
        return Phrase(runs=(*runs, TextRun(text=f"\n{small}", style="muted")) if small else tuple(runs))

    def when(self, item: Callback | PeriodEvidence) -> str:
        """Say when a call began."""
        return terms.moment_of(item.started_at, self.report.period) if item.started_at else _("时间未知")

    def order(self, item: OfCall) -> Phrase:
        """Name an order, linked where there is something to open."""
        return words(terms.name(item.subject), href=self.links.order(item))

    def listen(self, item: Callback | PeriodEvidence) -> Phrase:
        """Say at which second to listen and what is said there, linked where there is something to open."""
        if not item.at_ms and not item.quote:
            return Phrase()  # the start of a call that has no moment of its own is no place
        return words(terms.quoted(item.at_ms, item.quote), href=self.links.place(item, item.at_ms))

    def place(self, item: PeriodEvidence) -> Phrase:
        """Name order, time and second of what is to be heard."""
        apart = TextRun(text="　")
        return Phrase(
            runs=(*self.order(item).runs, apart, TextRun(text=self.when(item)), apart, *self.listen(item).runs)
        )

    # --- customers ----------------------------------------------------------------------------------------------------

    def callback(self, callback: Callback) -> CallbackRow:
        """Word one customer to call back."""
        score = _("未判定")
        if callback.score is not None:
            score = plural("客服{points}分", callback.score, points=callback.score)
            if callback.reviewed_score not in (None, callback.score):
                score += _("，") + _("经复核{score}").format(score=callback.reviewed_score)
        return CallbackRow(
            rank=str(callback.rank),
            order=self.order(callback),
            phone=terms.name(callback.customer_phone or "") or _("电话未知"),
            agent=self.agent(callback.agent_id),
            when=self.when(callback),
            why=self.why(callback),
            listen=self.listen(callback),
            promise=self.promise_of(callback),
            risk=Phrase(
                runs=(
                    TextRun(text=wording.RISKS[callback.risk], style=_RISK_STYLES[callback.risk]),
                    TextRun(text=f" {score}"),
                )
            ),
        )

    def why(self, callback: Callback) -> str:
        """Say what the customer calls about, and what makes it urgent: 第3次为“退款”来电（…）；要求升级或投诉."""
        reasons = [_(terms.REASONS[reason]) for reason in callback.reasons if reason not in _SAID_ELSEWHERE]
        said = wording.clauses(text for text in (self._calls(callback), *reasons) if text) or _("高风险")
        return wording.capital(said)

    def _calls(self, callback: Callback) -> str:
        issue = topic_wording.named(terms.name(callback.issue or ""))
        known, about = callback.calls_known, callback.calls_about_issue
        if issue and about > 1:
            said = _("第{number}次为“{issue}”来电").format(number=about, issue=issue)
        elif known > 1:
            said = _("第{number}次来电").format(number=known)
            if issue:
                said = _("{said}，这次为“{issue}”").format(said=said, issue=issue)
        else:
            return _("为“{issue}”来电").format(issue=issue) if issue else ""
        return wording.beside(said, wording.clauses(self._history(callback)))

    def _history(self, callback: Callback) -> Iterable[str]:
        if callback.first_called_at is not None:
            yield _("{when}起").format(when=terms.moment_of(callback.first_called_at, self.report.period)[:5])
        if callback.last_promise is not None:
            made = callback.last_promise
            promise = _("{by}{action}").format(by=terms.name(made.by), action=_action(made.action))
            if made.due_at is not None:  # "tomorrow" is another day for who reads this
                when = terms.moment_of(made.due_at, self.report.period)
                promise = _("{when}前{action}").format(when=when, action=_action(made.action))
            yield _("上次答应{promise}").format(promise=promise)

    def promise_of(self, callback: Callback) -> str:
        """Say what was promised to a customer and when it falls or fell due; a dash where nothing was."""
        if callback.promise is None:
            return "—"
        when = terms.moment_of(callback.promise.due_at, self.report.period)
        if callback.promise.state is PromiseState.BROKEN:
            return _("{action} {when} 已过期").format(action=_action(callback.promise.action), when=when)
        return _("{action} {when} 到期").format(action=_action(callback.promise.action), when=when)

    # --- agents -------------------------------------------------------------------------------------------------------

    def agent_row(self, row: AgentRow) -> tuple[Phrase, ...]:
        """Word one agent."""
        return cells(
            self.agent_cell(row.agent_id),
            f"{row.calls:,}",
            self._score(row),
            self._against(row),
            self._passed(row),
            self._high_risk(row),
            self._handling(row),
            self._fault_cell(row.main_fault),
            self._praise_cell(row.praise),
        )

    def group_row(self, row: GroupRow) -> tuple[Phrase, ...]:
        """Word one group of agents."""
        return cells(
            terms.name(row.group) if row.group else _("（没有组别）"),
            f"{row.agents}",
            f"{row.calls:,}",
            self._scores(row),
            self._against(row),
            self._passed(row),
            self._high_risk(row),
            self._handling(row),
            self._fault_cell(row.main_fault),
        )

    def _high_risk(self, row: CallTotals) -> str:
        return f"{row.high_risk}" if not row.fatal else wording.beside(f"{row.high_risk}", self._fatal(row))

    def _handling(self, row: CallTotals) -> str:
        return wording.duration(round(row.handling_ms)) if row.handling_ms is not None else "—"

    def _passed(self, row: CallTotals) -> str:
        """Write the pass rate without its counts, which the column of calls says."""
        return terms.rate(row.passed) if row.passed.small or not row.passed.share else terms.percent(row.passed.share)

    def _fatal(self, row: CallTotals) -> str:
        return _("一票否决{count}").format(count=row.fatal)

    def _score(self, row: AgentRow) -> Phrase:
        score = TextRun(text=self._scores(row))
        if not row.outlier or row.sigma is None:
            return Phrase(runs=(score,))
        mark = _("明显偏低") if row.sigma < 0 else _("明显偏高")
        return Phrase(runs=(score, TextRun(text=" "), TextRun(text=mark, style="outlier")))

    def _scores(self, row: CallTotals) -> str:
        """Write the mean score, and what reviewers left of it where that is another one: 82.3（经复核84.1）."""
        scores = [terms.mean(figure) for figure in (row.mean_score, row.reviewed_score) if figure is not None]
        if len(set(scores)) < 2:
            return scores[0]
        return wording.beside(scores[0], _("经复核{score}").format(score=scores[1]))

    def _against(self, row: CallTotals) -> Phrase:
        before, now = row.baseline_score or row.previous_score, row.mean_score.value
        if before is None or before.value is None or now is None:
            return words("—")
        change = now - before.value
        style = ("better" if change > 0 else "worse") if row.baseline_clear else ""
        return words(wording.signed(change), style=style)

    def _fault_cell(self, fault: AgentFault | None) -> Phrase:
        if fault is None:
            return words("—")
        return self._with_place(fault_words(fault), fault.evidence)

    def _praise_cell(self, praise: AgentPraise | None) -> Phrase:
        return words("—") if praise is None else self._with_place(praise_words(praise), praise.evidence)

    def _with_place(self, text: str, evidence: PeriodEvidence) -> Phrase:
        """Put order and second below a text, short enough for a table."""
        order, second = terms.name(evidence.subject), wording.second(evidence.at_ms)
        where = TextRun(
            text="\n" + _("听{order} {second}").format(order=order, second=second),
            style="muted",
            href=self.links.place(evidence, evidence.at_ms),
        )
        return Phrase(runs=(TextRun(text=text), where))

    def coaching(self, row: AgentRow, fault: AgentFault) -> CoachView:
        """Word whom to coach on what."""
        return CoachView(
            agent=self.agent(row.agent_id),
            what=fault_words(fault),
            listen=self.place(fault.evidence),
            advice=terms.prose(fault.advice),
        )

    def praise(self, row: AgentRow, praise: AgentPraise) -> CoachView:
        """Word whom to praise for what."""
        return CoachView(
            agent=self.agent(row.agent_id), what=praise_words(praise), listen=self.place(praise.evidence), advice=""
        )

    # --- promises and failures ----------------------------------------------------------------------------------------

    def promise_row(self, promise: PromiseDue) -> tuple[Phrase, ...]:
        """Word a promise that fell or falls due."""
        said = wording.named(_action(promise.action), terms.quoted(promise.at_ms, promise.quote))
        if promise.again_at is not None:
            said += _("；{when}又来电").format(when=terms.moment_of(promise.again_at, self.report.period))
        style = "outlier" if promise.state is PromiseState.BROKEN else ""
        phone = terms.name(promise.customer_phone or "")
        return cells(
            words(_(terms.STATES[promise.state]), style=style),
            Phrase(runs=(*self.order(promise).runs, *((TextRun(text=f" {phone}"),) if phone else ()))),
            words(said, href=self.links.place(promise, promise.at_ms)),
            terms.moment_of(promise.due_at, self.report.period),
            self.agent(promise.agent_id),
        )

    def failed_row(self, call: FailedCall) -> tuple[Phrase, ...]:
        """Word a call that could not be processed."""
        when = terms.moment_of(call.started_at, self.report.period) if call.started_at else _("时间未知")
        step = wording.STEPS.get(call.step, call.step)
        return cells(
            terms.name(call.call_id),
            when,
            self.agent(call.agent_id),
            terms.prose(wording.named(step, str(call))),
        )

    # --- tables -------------------------------------------------------------------------------------------------------

    def table(
        self, items: Sequence[T], row: Callable[[T], tuple[Phrase, ...]], limit: int, empty: str, with_workbook: bool
    ) -> PeriodTable:
        """Make a table of the first rows, and say how many more there are and where."""
        return PeriodTable(
            rows=tuple(row(item) for item in items[:limit]),
            more=more_rows(len(items) - limit, with_workbook),
            empty=empty,
        )


def more_rows(hidden: int, with_workbook: bool) -> str:
    """Say how many rows are not shown, and in which workbook they are; "" when all are."""
    if hidden <= 0:
        return ""
    if not with_workbook:
        return plural("另有{count}行没有列出。", hidden, count=hidden)
    return plural("另有{count}行，见同名的 xlsx 明细表。", hidden, count=hidden)


def words(text: str, *, style: str = "", href: str = "") -> Phrase:
    """Make a phrase of one run."""
    return Phrase(runs=(TextRun(text=text, style=style, href=href),))


def cells(*texts: str | Phrase) -> tuple[Phrase, ...]:
    """Make the cells of a row."""
    return tuple(text if isinstance(text, Phrase) else words(text) for text in texts)


def _action(name: str) -> str:
    return topic_wording.named(terms.name(name))


def fault_words(fault: AgentFault) -> str:
    """Say what cost an agent points: 退款进度答不出时间：4通，失32分."""
    lost = plural("{count}通，失{points}分", fault.calls, count=fault.calls, points=fault.points_lost)
    return wording.named(terms.name(fault.title), lost)


def praise_words(praise: AgentPraise) -> str:
    """Say what an agent did well: 把客户的火气安抚下来：2通."""
    title = terms.name(praise.title) if praise.title else _("客户由不满转为平静")
    return wording.named(title, plural("{count}通", praise.calls, count=praise.calls))


def rule_row(row: RuleRow) -> tuple[Phrase, ...]:
    """Word one rule with its hits."""
    return cells(
        terms.name(row.title),
        wording.SEVERITIES[row.severity],
        terms.rate(row.now),
        terms.rate(row.previous),
        terms.rate(row.baseline),
        wording.points(row.points),
    )


def outcome_row(outcome: AdviceOutcome) -> tuple[Phrase, ...]:
    """Word the outcome of a rule's advice."""
    change = "—"
    if outcome.change is not None and outcome.change_low is not None and outcome.change_high is not None:
        low, high = (wording.signed(value * 100) for value in (outcome.change_low, outcome.change_high))
        change = _("{change}（{low} 至 {high}）").format(
            change=wording.signed(outcome.change * 100), low=low, high=high
        )
    advice = TextRun(text=" " + wording.named(_("建议"), terms.prose(outcome.advice)), style="muted")
    return cells(
        Phrase(runs=(TextRun(text=terms.name(outcome.title)), advice)),
        plural("{count}人", len(outcome.agents), count=len(outcome.agents)),
        terms.rate(outcome.before),
        terms.rate(outcome.after),
        change,
        _(terms.VERDICTS[outcome.verdict]),
    )
