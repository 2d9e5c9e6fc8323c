"""Names of verdicts, of their reasons and of the states of appeals, as pages and documents word them."""

from __future__ import annotations

from collections.abc import Mapping

from qareport.model import AppealState, VerdictKind, VerdictReason
from qareport.presentation.locale import N_, Translated

VERDICTS: Mapping[VerdictKind, str] = Translated(
    {
        VerdictKind.CONFIRMED: N_("对"),
        VerdictKind.REJECTED: N_("不对"),
        VerdictKind.NOT_APPLICABLE: N_("不适用"),
        VerdictKind.MISSED: N_("人工补充"),
    }
)
REASONS: Mapping[VerdictReason, str] = Translated(
    {
        VerdictReason.OTHER: N_("其他原因"),
        VerdictReason.WRONG_WORDS: N_("文字听错了"),
        VerdictReason.WRONG_ROLE: N_("说话人判错了"),
        VerdictReason.WRONG_EMOTION: N_("情绪判错了"),
        VerdictReason.WRONG_RULE: N_("规则不该命中"),
        VerdictReason.JUSTIFIED: N_("客服这样做有理由"),
    }
)
APPEALS: Mapping[AppealState, str] = Translated(
    {
        AppealState.OPEN: N_("等待处理"),
        AppealState.UPHELD: N_("申诉成立"),
        AppealState.DISMISSED: N_("申诉不成立"),
        AppealState.WITHDRAWN: N_("已撤回"),
        AppealState.EXPIRED: N_("过期未处理"),
        AppealState.FINAL_UPHELD: N_("终审：申诉成立"),
        AppealState.FINAL_DISMISSED: N_("终审：申诉不成立"),
    }
)
