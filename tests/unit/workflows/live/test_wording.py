"""What leaves of a call that is on: no number that is still being said, no personal data."""

from __future__ import annotations

import pytest

from qareport.settings import PrivacySettings
from qareport.workflows.live.wording import held_back, masked_lines, masked_partial
from tests.support.calls import AGENT, CUSTOMER, say


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("我的手机号是138", "我的手机号是"),
        ("我的电话是一三八，零零", "我的电话是"),
        ("微信号是abc", "微信号是"),
        ("my name is Jo", "my name is"),
        ("我要投诉", "我要投诉"),
        ("到底几点发货？", "到底几点发货？"),
        ("138", ""),
    ],
)
def test_a_number_that_may_go_on_is_held_back(text: str, shown: str) -> None:
    assert held_back(text) == shown


def test_personal_data_is_masked_also_by_what_was_asked_before() -> None:
    asked = say(0, 2, AGENT, "请问您的手机号是多少？")
    number = say(3, 6, CUSTOMER, "13812345678。")
    segments, lines = masked_lines([asked], [number], PrivacySettings())
    assert lines[0].text == segments[0].text == "[电话]。"
    assert "138" not in masked_partial([asked], say(3, 5, CUSTOMER, "我的号码是1381234"), PrivacySettings()).text
    assert masked_lines([], [number], PrivacySettings(enabled=False))[1][0].text == number.text
