"""E-mail addresses, accounts, papers, plates and pick-up codes."""

from __future__ import annotations

import pytest

from qareport.privacy import find, mask


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("发到finance@hengzheng-law.example。", "发到[邮箱]。"),
        ("m o m o，二零一九，艾特一六三点com", "[邮箱]"),
        ("h，m，z，七九零二，艾特，幺六三，点com", "[邮箱]"),
        ("邮箱abc圈a新浪点com点cn。", "邮箱[邮箱]。"),
        ("it's j dot lim at school dot edu dot sg", "it's [邮箱]"),
        ("加我微信zhangwei_1990。", "加我微信[账号]。"),
        ("微信号是ypsh，下划线，5208。", "微信号是[账号]。"),
        ("我的QQ是123456789。", "我的QQ是[账号]。"),
        ("旺旺名叫爱吃鱼的猫tb8812。", "旺旺名叫[账号]。"),
        ("My WeChat is lily-shop88.", "My WeChat is [账号]."),
        ("护照号E12345678。", "护照号[证件号]。"),
        ("港澳通行证是C12345678", "港澳通行证是[证件号]"),
        ("军官证，南字第1234567号", "军官证，[证件号]"),
        ("取件码七杠二杠三零四四", "取件码[取件码]"),
        ("驿站短信说取件码6-3-1204", "驿站短信说取件码[取件码]"),
        ("取件码A0815", "取件码[取件码]"),
        ("提货码B2-0815", "提货码[取件码]"),
        ("取件码是A零八幺五", "取件码是[取件码]"),
        ("我的取件码12-3-4567，在菜鸟", "我的取件码[取件码]，在菜鸟"),
        ("A0815是取件码", "[取件码]是取件码"),
        ("我的旺旺名是小鱼儿爱喝水", "我的旺旺名是[账号]"),
        ("旺旺号小鱼儿爱喝水，帮我查", "旺旺号[账号]，帮我查"),
        ("旺旺ID小鱼儿爱喝水", "旺旺ID[账号]"),
        ("浙江的A，12345", "[车牌号]"),
    ],
)
def test_what_leads_to_a_person_is_masked(text: str, masked: str) -> None:
    assert mask(text)[0] == masked


@pytest.mark.parametrize(
    "text",
    [
        "Not at all. Have a good day.",
        "please look at the order. Thanks",
        "这款是A1234型号的",
        "MK3308，加我微信说",
        "微信支付了299",
        "取件号Q50817",
        "热线400-618-2299，取件的事问他们",
        "昵称是什么",
        "旺旺号报一下",
        "旺旺号是你们的",
        "旺旺消息没人看",
        "旺旺客服说可以退",
        "取件码没收到",
        "取件码发到138开头的手机了",
        "型号A0815",
    ],
)
def test_what_leads_to_nobody_stays(text: str) -> None:
    assert find(text) == []
