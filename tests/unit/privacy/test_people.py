"""Names and birthdays of customers; what only sounds like one stays."""

from __future__ import annotations

import pytest

from qareport.privacy import find, mask, mask_segments
from tests.support.calls import AGENT, say


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("我叫张伟，想问退货。", "我叫[姓名]，想问退货。"),
        ("我姓欧阳，叫欧阳娜娜。", "我姓[姓名]，叫[姓名]。"),
        ("免贵姓诸葛，诸葛明。", "免贵姓[姓名]，[姓名]。"),
        ("收件人是彭予安", "收件人是[姓名]"),
        ("收货人写的陈晨，耳东陈", "收货人写的[姓名]，耳东陈"),
        ("户名贺春梅", "户名[姓名]"),
        ("尹晓枫，18916620473", "[姓名]，[电话]"),
        ("My name is Zhang Wei.", "My name is [姓名]."),
        ("我生日是1990年3月7日。", "我生日是[生日]。"),
        ("一九五八年三月十二号生的", "[生日]生的"),
        ("My birthday is March 7, 1990.", "My birthday is [生日]."),
    ],
)
def test_names_and_birthdays_are_masked(text: str, masked: str) -> None:
    assert mask(text)[0] == masked


@pytest.mark.parametrize(
    "text",
    [
        "我叫了外卖",
        "我叫你们经理来",
        "收件人和电话换吗",
        "您贵姓",
        "姓名写错了",
        "周三，13812345678打不通",
        "我姓段，段落的段",
        "她二十一号生日",
        "生日礼物11月3号要用",
        "江宁区，明天送",
        "This is about my order",
    ],
)
def test_what_is_no_name_stays(text: str) -> None:
    kinds = {place.kind.value for place in find(text)} - {"phone"}
    assert kinds <= {"name"}
    assert [text[place.start : place.end] for place in find(text) if place.kind.value != "phone"] in ([], ["段"])


def test_an_agents_own_name_and_work_number_stay() -> None:
    text = "您好，我叫李明，工号7731，请问有什么可以帮您"
    assert mask_segments([say(0, 3, AGENT, text)]).segments[0].text == text
