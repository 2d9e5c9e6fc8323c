"""What of an agent's sentence holds for every customer."""

from __future__ import annotations

import pytest

from qareport.analysis.general_answers import general_part, without_fillers


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("您好，七天内退货运费由我们承担", "七天内退货运费由我们承担"),
        ("您这单还没走完，走完了才有", "走完了才有"),
        ("原路退回，一般一到三天", "原路退回，一般一到三天"),
        ("签收后十五天里都能申请，您放心", "签收后十五天里都能申请"),
        ("Hello, you can return it within thirty days. Please wait", "you can return it within thirty days"),
    ],
)
def test_what_holds_for_all_stays(said: str, kept: str) -> None:
    assert general_part(said).rstrip("。") == kept


@pytest.mark.parametrize(
    "said",
    [
        "您好，很高兴为您服务",
        "请稍等，我帮您查一下",
        "实在抱歉，给您添麻烦了",
        "您这单已经发出了",
        "预计明天到",
        "二十三号送到您那儿",
        "已经给您取消了",
        "单号是88412093756120",
        "[电话]",
        "麻烦报一下订单号",
        "这个我也说不准",
        "有结果尽快联系您",
        "",
    ],
)
def test_courtesy_waiting_and_what_is_of_one_order_go(said: str) -> None:
    assert general_part(said) == ""


def test_what_people_say_before_they_begin_goes() -> None:
    assert without_fillers("喂，您好，那个，我想问一下，退货怎么弄") == "退货怎么弄"
