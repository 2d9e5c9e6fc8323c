"""Numbers by their form and by the words beside them."""

from __future__ import annotations

import time

import pytest

from qareport.privacy import find, mask


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("138.1234.5678", "[电话]"),
        ("138/0013/8000", "[电话]"),
        ("（138）1234-5678", "[电话]"),
        ("(0755)26543210", "[电话]"),
        ("call me at (977) 625-2661", "call me at [电话]"),
        ("打+852 9123 4567", "打[电话]"),
        ("my number is plus forty four, seven seven one two, three zero nine, six five eight", "my number is [电话]"),
        ("前面是一三八中间四个八后面是一二三四", "前面是[电话]"),
        ("电话是一三八，空格，零零一三，再，八零零零", "电话是[电话]"),
        ("138 1234，哦不对，138 1234 5679。", "[电话]，哦不对，[电话]。"),
        ("订单号忘了，就一三九一二三四五六七八这个号", "订单号忘了，就[电话]这个号"),
        ("订单20261105000042，13800138000，对吧", "订单20261105000042，[电话]，对吧"),
        ("823746，这是刚才收到的验证码。", "[验证码]，这是刚才收到的验证码。"),
        ("退到6222021234567890123这张卡", "退到[银行卡号]这张卡"),
        ("存折账号6228480447193302117", "存折账号[银行卡号]"),
    ],
)
def test_personal_numbers_are_masked(text: str, masked: str) -> None:
    assert mask(text)[0] == masked


@pytest.mark.parametrize(
    "text",
    [
        "我查两单，19283305567，跟19283305802",
        "17730265984，是这一单吧",
        "税号91330106MA2KX8T95Q",
        "报障号是053577120468",
        "您可以打九六一一零问一下",
        "尾号一一八七、一一九零、一二零四，都是同一天的",
        "价格从1599降到1299，手机也贵",
    ],
)
def test_numbers_of_things_stay(text: str) -> None:
    assert find(text) == []


@pytest.mark.parametrize("piece", ["市", "路", "13812345678，", "一", "五号", "单号", "a ", "我叫", "省市区"])
def test_time_grows_with_the_length_of_a_text_and_not_faster(piece: str) -> None:
    begun = time.process_time()
    find(piece * (60_000 // len(piece)))
    assert time.process_time() - begun < 10
