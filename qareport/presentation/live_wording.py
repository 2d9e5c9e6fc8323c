"""Names of signals and of the states of live calls and alerts, as pages and messages word them."""

from __future__ import annotations

from collections.abc import Mapping

from qareport.model import Alert, AlertState, LiveState, Signal
from qareport.presentation import topic_wording
from qareport.presentation.locale import N_, Translated

SIGNALS: Mapping[Signal, str] = Translated(
    {
        Signal.ANGER: N_("客户生气了"),
        Signal.CHURN: N_("客户要放弃"),
        Signal.ESCALATION: N_("客户说要投诉"),
        Signal.IRONY: N_("客户在说反话"),
        Signal.WAITING: N_("客户在等答复"),
        Signal.NO_ANSWER: N_("客服没有正面回答"),
        Signal.HOLD: N_("客户被晾了很久"),
    }
)
#: What to do; a rule has its own advice.
ADVICE: Mapping[Signal, str] = Translated(
    {
        Signal.ANGER: N_("当前通话情绪风险升高，建议介入：提醒客服先道歉、先安抚，再谈办法。"),
        Signal.CHURN: N_("客户可能不买了，建议介入：看能不能给一个办法留住他。"),
        Signal.ESCALATION: N_("当前通话情绪风险升高，建议介入：主管接过来，或者马上给出处理时间。"),
        Signal.IRONY: N_("客户嘴上没发火，其实不满意：提醒客服问清楚哪里没解决。"),
        Signal.WAITING: N_("提醒客服先应一声，说明正在查什么、还要多久。"),
        Signal.NO_ANSWER: N_("提醒客服正面回答客户的问题。"),
        Signal.HOLD: N_("提醒客服回来说明进度，或者约好回电时间。"),
    }
)
LIVE_STATES: Mapping[LiveState, str] = Translated(
    {
        LiveState.OPEN: N_("通话中"),
        LiveState.HELD: N_("保持中"),
        LiveState.ENDED: N_("已挂断，录音正在判定"),
        LiveState.LOST: N_("中断了，录音正在判定"),
        LiveState.MERGED: N_("已判定"),
        LiveState.MERGE_FAILED: N_("录音没能判定"),
    }
)
ALERT_STATES: Mapping[AlertState, str] = Translated(
    {
        AlertState.NEW: N_("等人处理"),
        AlertState.ACKED: N_("有人在处理"),
        AlertState.SNOOZED: N_("稍后再提醒"),
        AlertState.FALSE_ALARM: N_("误报"),
        AlertState.CLOSED: N_("已结束"),
    }
)
FINDING_STATES: Mapping[str, str] = Translated(
    {"open": N_("还来得及"), "confirmed": N_("已成立"), "cleared": N_("已补救")}
)


def alert_title(alert: Alert) -> str:
    """Word what an alert is about: a signal in the reader's language, a rule by its title."""
    return SIGNALS[alert.signal] if alert.signal else topic_wording.rule(alert.title)


def alert_advice(alert: Alert) -> str:
    """Word what to do about an alert."""
    return alert.advice or (ADVICE[alert.signal] if alert.signal else "")
