"""What came of an order's calls, what was agreed, and what is to be done: by whom and until when.

Everything is measured from the calls, never from today's clock, so the same calls always give the same lines. A call
back is due at 18:00 on the day after the latest call: the day on which the daily report names the same customer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta

from qareport.model import (
    NEGATIVE_EMOTIONS,
    TROUBLE_KINDS,
    CallReport,
    Dossier,
    MomentKind,
    OrderPromise,
    OrderReport,
    PromiseOutcome,
    Risk,
    RiskReason,
    Roster,
)
from qareport.presentation import topic_wording, wording
from qareport.presentation.locale import N_, Translated, _, plural
from qareport.presentation.view_types import Phrase, TextRun
from qareport.report.order import history, story, verdict
from qareport.report.order.view_types import FollowUp

#: Until when a customer is to be called back, on the day after the call.
_CALL_BACK_BY = time(18)
#: The first page names this many promises; all are in the dossier.
_PROMISES = 2
_RESULTS: Mapping[RiskReason, str] = Translated(
    {
        RiskReason.OPEN_THREAT: N_("客户要投诉，没有平息"),
        RiskReason.OPEN_GIVING_UP: N_("客户要放弃，没有挽回"),
        RiskReason.OPEN_BROKEN_PROMISE: N_("客户追究没兑现的承诺，没有平息"),
        RiskReason.OPEN_IRONY: N_("客户带着不满结束通话"),
        RiskReason.OPEN_ANGER: N_("客户带着不满结束通话"),
        RiskReason.OPEN_COMPLAINT: N_("客户的问题没有得到解决"),
        RiskReason.CRITICAL_FINDING: N_("客服有严重失误"),
        RiskReason.SETTLED_ALARM: N_("客户曾要投诉或放弃，后来接受了处理"),
    }
)
#: The gravest first: a result names the first that holds.
_GRAVITY = tuple(_RESULTS)
#: What a supervisor takes over.
_FOR_SUPERVISOR = frozenset({RiskReason.OPEN_THREAT, RiskReason.OPEN_BROKEN_PROMISE, RiskReason.CRITICAL_FINDING})
#: With these alone nothing is left to answer.
_NOTHING_OPEN = frozenset({RiskReason.SETTLED_ALARM, RiskReason.CRITICAL_FINDING})
#: With this many calls about an order, the supervisor takes over.
_MANY_CALLS = 3
#: Which promises a reader must know of first.
_URGENCY = (
    PromiseOutcome.BROKEN,
    PromiseOutcome.OPEN,
    PromiseOutcome.ASKED_AGAIN,
    PromiseOutcome.UNCONFIRMED,
    PromiseOutcome.UNDATED,
)


def build(report: OrderReport, numbers: Mapping[str, int]) -> tuple[FollowUp, ...]:
    """Word the lines below the summary; none where no call was judged.

    Args:
        report: the order.
        numbers: which call of the order each is, by call id.
    """
    scored = [call for call in report.calls if call.score is not None]
    if not scored:
        return ()
    latest = max(scored, key=lambda call: numbers[call.call_id])
    promises = _by_urgency(report.dossier or Dossier())
    people = Roster(report.people)
    agents = {call.call_id: call.agent_id and verdict.agent(call.agent_id, people) for call in report.calls}
    several = len(numbers) > 1
    lines = [
        FollowUp(label=_("结果"), text=_plain(_result(latest, numbers[latest.call_id] if several else None))),
        *(_agreed(promise, numbers, agents) for promise in promises[:_PROMISES]),
    ]
    if len(promises) > _PROMISES:
        more = len(promises) - _PROMISES
        lines.append(FollowUp(label="", text=_plain(plural("另有{count}项承诺，见订单档案。", more, count=more))))
    steps = _steps(latest, promises, agents, len(numbers))
    return (*lines, *(FollowUp(label=_("下一步"), text=_styled(step, "due")) for step in steps))


def result(call: CallReport) -> str:
    """Say in a few words how a call ended."""
    if call.score is None:
        return story.unscored(call)
    reason = next((reason for reason in _GRAVITY if reason in call.risk_reasons), None)
    if reason is not None:
        return _RESULTS[reason]
    if call.risk is not Risk.LOW:
        return _("客户的不满没有平息")
    kinds = {moment.kind for moment in call.moments}
    if MomentKind.RECOVERY in kinds:
        return _("客户情绪缓和，没有留下问题")
    upset = any(tag in NEGATIVE_EMOTIONS for moment in call.moments for tag in moment.tags)
    return _("客户接受了处理") if upset or kinds & TROUBLE_KINDS else _("没有留下问题")


def _result(call: CallReport, number: int | None) -> str:
    text = result(call)
    if set(call.risk_reasons) - _NOTHING_OPEN and not any(item.points < 0 or item.fatal for item in call.findings):
        text = _("{result}；客服没有失分，风险在于客户的事还没了结").format(result=text)
    if number is not None:
        text = wording.named(wording.nth_call(number), text)
    return _("{text}。").format(text=text)


def _by_urgency(dossier: Dossier) -> list[OrderPromise]:
    return sorted(
        dossier.promises,
        key=lambda promise: (
            _URGENCY.index(promise.outcome),
            promise.due_at.timestamp() if promise.due_at else math.inf,
            promise.at_ms,
        ),
    )


def _agreed(promise: OrderPromise, numbers: Mapping[str, int], agents: Mapping[str, str | None]) -> FollowUp:
    """Word a promise: who promised what; until when it is to be done, or what became of it."""
    what = _("{who}答应：{what}").format(who=_who(agents.get(promise.call_id)), what=_promised(promise))
    if promise.outcome is PromiseOutcome.OPEN and promise.due_at is not None:
        todo = _("须在{deadline}办到。").format(deadline=wording.deadline(promise.due_at))
        return _agreement(TextRun(text=what + _("，")), TextRun(text=todo, style="due"))
    due = _("，{when}到期").format(when=wording.instant(promise.due_at)) if promise.due_at is not None else ""
    style = "label" if promise.outcome is PromiseOutcome.BROKEN else ""
    outcome = TextRun(text=history.outcome(promise, numbers), style=style)
    return _agreement(TextRun(text=what + due + _("；")), outcome, TextRun(text=_("。")))


def _agreement(*runs: TextRun) -> FollowUp:
    return FollowUp(label=_("约定"), text=Phrase(runs=runs))


def _promised(promise: OrderPromise) -> str:
    return wording.beside(topic_wording.named(promise.action), promise.by)


def _steps(
    latest: CallReport, promises: Sequence[OrderPromise], agents: Mapping[str, str | None], calls: int
) -> Iterator[str]:
    """Say what is to be done: call back where something stands open, listen to a grave fault, ask after a promise."""
    reasons = set(latest.risk_reasons)
    if RiskReason.CRITICAL_FINDING in reasons:
        yield _("班组长听录音，与{who}复盘。").format(who=_who(agents[latest.call_id]))
    if latest.risk is not Risk.LOW and (not reasons or reasons - _NOTHING_OPEN):
        yield _call_back(latest, agents[latest.call_id], promises, calls)
    for promise in promises[:_PROMISES]:
        if promise.outcome is PromiseOutcome.UNCONFIRMED:
            who = _who(agents.get(promise.call_id))
            yield _("{who}核实是否已经办到：{what}。").format(who=who, what=_promised(promise))


def _call_back(call: CallReport, agent: str | None, promises: Sequence[OrderPromise], calls: int) -> str:
    supervisor = calls >= _MANY_CALLS or not _FOR_SUPERVISOR.isdisjoint(call.risk_reasons)
    topic = story.main_topic(call)
    words = {
        "deadline": wording.deadline(_call_back_by(call.started_at, promises)) if call.started_at else _("尽快"),
        "who": _("班组长") if supervisor else _who(agent),
    }
    if topic:
        return _("{deadline}，{who}给客户回电，就“{topic}”给出确切答复。").format(**words, topic=topic)
    return _("{deadline}，{who}给客户回电，给出处理结果。").format(**words)


def _call_back_by(started_at: datetime, promises: Sequence[OrderPromise]) -> datetime:
    """Return the end of the next day's work, or when the earliest promise that is still open falls due."""
    usual = datetime.combine(started_at.date() + timedelta(days=1), _CALL_BACK_BY, started_at.tzinfo)
    due = (item.due_at for item in promises if item.outcome is PromiseOutcome.OPEN and item.due_at is not None)
    return min([usual, *due])


def _who(agent: str | None) -> str:
    if not agent or agent.startswith(_("客服")):  # as many shops name them: 客服01
        return agent or _("客服")
    return _("客服{agent}").format(agent=agent)


def _plain(text: str) -> Phrase:
    return _styled(text, "")


def _styled(text: str, style: str) -> Phrase:
    return Phrase(runs=(TextRun(text=text, style=style),))
