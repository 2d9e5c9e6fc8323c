"""Addresses below the district; what only sounds like a street stays."""

from __future__ import annotations

import pytest

from qareport.privacy import find, mask


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("寄到广东省佛山市南海区桂城街道灯湖东路1号友邦金融中心", "寄到广东省佛山市南海区[地址]"),
        ("松江区文汇路218号锦绣苑6栋1103。", "松江区[地址]。"),
        ("沪南公路23号", "[地址]"),
        ("天府三街69号附5号", "[地址]"),
        ("沈阳市皇姑区，黄河南大街，十二号", "沈阳市皇姑区，[地址]"),
        ("寄到上海南京西路1266号", "寄到上海[地址]"),
        ("我老家在滨州博兴县，店子镇小马村", "我老家在滨州博兴县，[地址]"),
        ("我是三单元四零一她是三单元四零二", "我是[地址]她是[地址]"),
        ("我住翠屏国际城，开车过去", "我住[地址]，开车过去"),
        ("门牌好像是4178号。", "门牌好像是[地址]。"),
        ("it is at tower B, twenty one zero three", "it is at [地址]"),
        ("绍兴柯桥，钱清镇联兴村", "绍兴柯桥，[地址]"),
        ("清源县柳河镇卫生院隔壁，谢谢", "清源县[地址]，谢谢"),
        ("收货是南岸区回龙路那里", "收货是南岸区[地址]那里"),
        ("我们锦水花园没名额", "我们[地址]没名额"),
        ("没货了，东湖苑这块没到", "没货了，[地址]这块没到"),
        ("寄河南许昌瓷都路88号", "寄河南[地址]"),
        ("Flat 12B, 88 Huaihai Road", "[地址]"),
    ],
)
def test_addresses_are_masked_from_the_street_on(text: str, masked: str) -> None:
    assert mask(text)[0] == masked


@pytest.mark.parametrize(
    "text",
    [
        "原路退回到您卡里",
        "这条路走不通",
        "物流一直停在杭州市转运中心",
        "十五号给我送到",
        "5号电池装不进去",
        "我知道3号发货",
        "家里三号到",
        "我是二小的后勤，那五十五套运动服里有两套小了",
        "建设路那家店有货",
        "心放肚里，三号前一定到",
        "北京仓发货要几天",
    ],
)
def test_talk_stays(text: str) -> None:
    assert find(text) == []
