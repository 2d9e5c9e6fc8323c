"""Names that come with the program's own topics and rules: issue types, stages, actions, categories.

They are written in Chinese in config/topics.yaml and config/rules/; here the catalogues find them. A name of the user's
own stays as it was written.
"""

from __future__ import annotations

from collections.abc import Iterable

from qareport.presentation.locale import N_, _

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
