"""Names that come with the program's own topics and rules: issue types, stages, actions, categories.

They are written in Chinese in config/topics.yaml and config/rules/; here the catalogues find them. A name of the user's
own stays as it was written. The titles of the shipped rules, what they call a moment and what they praise are in the
catalogues, too, collected from config/rules/; their advice is not: it is said to customers in the rules' own language.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final, TypeVar

from qareport.model import (
    AdviceOutcome,
    AgentFault,
    AgentPraise,
    AgentRow,
    Finding,
    FindingReview,
    GroupRow,
    OrderReport,
    PeriodReport,
    RuleRow,
    WeakLink,
)
from qareport.presentation.locale import LOCALES, N_, _, current, pgettext

#: The context of what rules say, in the catalogues.
RULES: Final = "rule"
_Titled = TypeVar("_Titled", Finding, FindingReview, WeakLink, RuleRow, AdviceOutcome, AgentFault, AgentPraise)
_Row = TypeVar("_Row", AgentRow, GroupRow)

#: Every name of the shipped configuration; a test holds it complete.
SHIPPED = frozenset(
    {
        # issue types
        N_("物流延迟"),
        N_("物流查询"),
        N_("发错漏发"),
        N_("尺码不符"),
        N_("质量"),
        N_("退换货"),
        N_("退款"),
        N_("价格"),
        N_("发票"),
        N_("订单修改"),
        N_("安装维修"),
        N_("商品咨询"),
        N_("账户支付"),
        N_("客服响应慢"),
        # stages
        N_("发货前"),
        N_("派送中"),
        N_("收货后"),
        N_("退货时"),
        N_("首次接入"),
        N_("转接后"),
        # what agents promise
        N_("发货"),
        N_("开票"),
        N_("补偿"),
        N_("换货"),
        N_("上门"),
        N_("回电"),
        N_("送达"),
        N_("处理"),
        # categories of rules
        N_("服务态度与流程"),
        N_("流失与投诉"),
        N_("合规与诚信"),
        N_("物流"),
        N_("尺码与质量"),
        N_("退换与退款"),
    }
)


def named(name: str) -> str:
    """Write a name in the document's language, if it is one of the program's."""
    return _(name) if name in SHIPPED else name


def named_all(names: Iterable[str]) -> tuple[str, ...]:
    """Write names in the document's language; see `named`."""
    return tuple(named(name) for name in names)


def rule(text: str) -> str:
    """Write a rule's title, or what it calls a moment, in the document's language, if the program ships it."""
    return pgettext(RULES, text)


def name_rules_in_order(report: OrderReport) -> OrderReport:
    """Write titles and praise of the shipped rules in an order's report in the document's language."""
    if current() == LOCALES[0]:
        return report
    calls = tuple(
        replace(call, findings=tuple(replace(_titled(item), praise=rule(item.praise)) for item in call.findings))
        for call in report.calls
    )
    reviews = {
        call_id: replace(review, findings=tuple(map(_titled, review.findings)))
        for call_id, review in report.reviews.items()
    }
    return replace(report, calls=calls, reviews=reviews)


def name_rules_in_period(report: PeriodReport) -> PeriodReport:
    """Write titles of the shipped rules in a period's report in the document's language."""
    if current() == LOCALES[0]:
        return report
    return replace(
        report,
        weak_links=tuple(map(_titled, report.weak_links)),
        rules=tuple(map(_titled, report.rules)),
        outcomes=tuple(map(_titled, report.outcomes)),
        agents=tuple(
            replace(_with_fault(row), praise=None if row.praise is None else _titled(row.praise))
            for row in report.agents
        ),
        groups=tuple(map(_with_fault, report.groups)),
    )


def _titled(item: _Titled) -> _Titled:
    return replace(item, title=rule(item.title))


def _with_fault(row: _Row) -> _Row:
    return row if row.main_fault is None else replace(row, main_fault=_titled(row.main_fault))
