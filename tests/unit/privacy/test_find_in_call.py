"""Personal data in a call as a person reads it: by what was asked, over turns; and in the corpus, none leaks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from qareport.model import PersonalKind, Role, Segment
from qareport.privacy import find, mask, mask_segments
from qareport.privacy.find_in_call import find_in_segments
from tests.support.calls import AGENT, CUSTOMER, say
from tests.support.paths import ROOT

#: What is not found, and why: a part of a card that names no number, a number of eight places where those of an order
#: and a telephone were asked for in one breath, a mobile number of ten, an account that a sentence lies before.
#: What is masked wrongly: the number of an order that has the form of a mobile number, said before anybody asked; one
#: beside the word of an extension; the address of a station that the agent tells.
KNOWN = {
    "AQ55": ("86230714",),
    "BB62": ("19473305862",),
    "BF61": ("17700936628",),
    "BG30": ("18830046672",),
    "CD68": ("19903827741",),
    "CK13": ("一三七二六六零八一五",),
    "CK49": ("桂畔路二十二号",),
    "CL38": ("二二七七六零一",),
    "CL58": ("chayuan五二零",),
    "CP36": ("十六号",),
    "DF50": ("三二一八", "三二二零"),
    "DK69": ("骆驼九三三零七",),
    "DN26": ("石桥北三街",),
    "Z59": ("Y七四二",),
}


def talk(*lines: tuple[Role, str]) -> list[str]:
    """Mask a conversation of two seconds a line; return its texts."""
    segments = [say(2.5 * at, 2.5 * at + 2, role, text) for at, (role, text) in enumerate(lines)]
    return [segment.text for segment in mask_segments(segments).segments]


def test_a_question_is_remembered_over_back_channels_and_small_talk() -> None:
    shown = talk(
        (CUSTOMER, "好的。"),
        (AGENT, "请把短信里的验证码报一下。"),
        (CUSTOMER, "嗯。"),
        (AGENT, "不着急，您慢慢看。"),
        (CUSTOMER, "482913"),
    )
    assert shown[-1] == "[验证码]"


def test_a_question_that_was_answered_is_closed() -> None:
    shown = talk(
        (AGENT, "请报一下验证码。"),
        (CUSTOMER, "482913"),
        (AGENT, "好的，查到了。"),
        (CUSTOMER, "那个"),
        (AGENT, "您说。"),
        (CUSTOMER, "嗯"),
        (CUSTOMER, "2599"),
    )
    assert shown[-1] == "2599"


def test_the_newest_question_says_what_a_number_is() -> None:
    shown = talk(
        (CUSTOMER, "我刚买了一部手机。"),
        (AGENT, "请报一下订单号。"),
        (CUSTOMER, "85116337226"),
        (AGENT, "再报一下联系电话。"),
        (CUSTOMER, "64407719"),
    )
    assert shown[2] == "85116337226"
    assert shown[4] == "[电话]"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("您这单正在送，送货的姓虞，一五二零零七七三二六八，您找他", "您这单正在送，送货的姓虞，[电话]，您找他"),
        ("三二一一，还有三二一五这几单，一三九零一一七二三三八", "三二一一，还有三二一五这几单，[电话]"),
        ("手机是幺八六零，七三八零，零七一六", "手机是[电话]"),
        ("单号是16720958843，麻烦查查", "单号是16720958843，麻烦查查"),
    ],
)
def test_what_looks_like_a_mobile_number_is_an_order_s_only_right_behind_its_name(text: str, shown: str) -> None:
    assert mask(text)[0] == shown


def test_a_work_number_and_the_month_behind_it_are_no_landline() -> None:
    heading = "Monthly quality report (own calls of A061) 2026-11: 14 calls, 1 at high risk"
    assert mask(heading)[0] == heading


def test_orders_by_their_last_places_are_no_bank_card() -> None:
    assert mask("3320，3321，3324，还有3323")[0] == "3320，3321，3324，还有3323"


def test_an_order_number_that_looks_like_a_mobile_number_stays() -> None:
    shown = talk((AGENT, "麻烦报一下单号"), (CUSTOMER, "16720958843，一共买了两样"))
    assert shown[1] == "16720958843，一共买了两样"


@pytest.mark.parametrize("order", ["订单号是20241105998877", "单号20241105998877", "订单号是多少我忘了"])
def test_an_order_that_is_named_next_does_not_make_a_mobile_number_its_own(order: str) -> None:
    assert talk((AGENT, "您的手机号？"), (CUSTOMER, f"13812345678，{order}"))[1] == f"[电话]，{order}"


def test_a_number_that_is_called_an_orders_stays_one_wherever_it_is_said() -> None:
    shown = talk(
        (CUSTOMER, "18890462257，平板，盒里有线吗"),
        (AGENT, "有的"),
        (CUSTOMER, "18890462257，还是这单吧"),
        (AGENT, "是，核下绑的手机，发您验证码了"),
        (CUSTOMER, "18890462257"),
    )
    assert shown[0].startswith("18890462257")
    assert shown[4] == "18890462257"


def test_a_number_that_begins_like_an_order_stays() -> None:
    shown = talk((AGENT, "单号给一下"), (CUSTOMER, "19574420731"), (AGENT, "好的"), (CUSTOMER, "另一个19574421306"))
    assert shown[3] == "另一个19574421306"


def test_a_telephone_that_was_asked_for_is_none_of_an_order_later() -> None:
    shown = talk((AGENT, "您的手机号？"), (CUSTOMER, "13812345678"), (AGENT, "13812345678这单是吧"))
    assert not any("13812345678" in text for text in shown)


def test_an_account_that_must_be_the_same_is_not_asked_for() -> None:
    shown = talk((AGENT, "您再拍一张，账号、地址都得一样，拍好说一声"), (CUSTOMER, "拍了，31850966041"))
    assert shown[1] == "拍了，31850966041"


def test_a_landline_with_its_area_is_masked_beside_orders_and_that_of_the_caller_stays() -> None:
    shown = talk((AGENT, "单号、联系电话说一下"), (CUSTOMER, "是68824170，0592-68824170"))
    assert "68824170" not in shown[1]
    assert talk((CUSTOMER, "你们拿0512-66840713打来的"))[0] == "你们拿0512-66840713打来的"


def test_letters_before_a_number_make_it_no_telephone() -> None:
    shown = talk((AGENT, "手机号跟租机号给我"), (CUSTOMER, "租机号A70462915，登记过的"))
    assert shown[1] == "租机号A70462915，登记过的"


def test_the_whole_number_said_for_its_last_places_is_masked() -> None:
    assert talk((AGENT, "是尾号2094那个号吗"), (CUSTOMER, "是13720652094"))[1] == "是[电话]"


def test_the_line_of_a_shop_stays_and_that_of_a_customer_does_not() -> None:
    assert talk((AGENT, "您打网点的电话02367715520"))[0] == "您打网点的电话02367715520"
    assert talk((AGENT, "您留的电话是02367715520吧"))[0] == "您留的电话是[电话]吧"


def test_parts_that_an_agent_checks_between_are_masked_too() -> None:
    shown = talk(
        (AGENT, "电话报一下"),
        (CUSTOMER, "一三八"),
        (AGENT, "一三八，对吗"),
        (CUSTOMER, "零零一三"),
        (AGENT, "零零一三，对吗"),
        (CUSTOMER, "八零零零"),
    )
    assert not any(part in "".join(shown) for part in ("一三八", "零零一三", "八零零零"))


def test_a_number_of_too_many_places_that_is_said_back_is_masked() -> None:
    shown = talk((AGENT, "电话多少"), (CUSTOMER, "一五二，七四八九，零六三"), (AGENT, "一五二七四八九零六三三，对吧"))
    assert shown[2] == "[电话]，对吧"


def test_a_name_that_was_told_is_masked_wherever_it_is_said() -> None:
    shown = talk((AGENT, "您报姓名手机。"), (CUSTOMER, "彭予安，13799024418。"), (AGENT, "彭予安，改好了。"))
    assert shown[1:] == ["[姓名]，[电话]。", "[姓名]，改好了。"]


def test_an_address_goes_on_in_the_next_lines() -> None:
    shown = talk(
        (AGENT, "您说新地址"),
        (CUSTOMER, "武侯区，那个，簇桥街道，锦和苑，二期"),
        (AGENT, "嗯"),
        (CUSTOMER, "九栋，一单元，一三零四"),
    )
    assert shown[1] == "武侯区，那个，[地址]"
    assert shown[3] == "[地址]"


def test_an_account_that_an_agent_offers_is_masked() -> None:
    shown = talk((AGENT, "您加我微信吧"), (CUSTOMER, "为什么"), (AGENT, "平台慢，你加一下，daigou_lulu88"))
    assert shown[2] == "平台慢，你加一下，[账号]"


@pytest.mark.parametrize("asked", ["旺旺名是什么", "您旺旺号报一下", "您的昵称是？"])
def test_a_made_up_name_that_was_asked_for_is_masked_wherever_it_is_said(asked: str) -> None:
    shown = talk((AGENT, asked), (CUSTOMER, "嗯，是小鱼儿爱喝水"), (AGENT, "小鱼儿爱喝水对吧"))
    assert shown[1:] == ["嗯，是[账号]", "[账号]对吧"]
    assert talk((AGENT, asked), (CUSTOMER, "我没用旺旺"))[1] == "我没用旺旺"


@pytest.mark.parametrize(("asked", "said"), [("您的地址", "2舍305"), ("门牌多少", "附5号"), ("收货地址", "二舍三零五")])
def test_doors_without_a_road_are_an_address(asked: str, said: str) -> None:
    assert talk((AGENT, asked), (CUSTOMER, said))[1] == "[地址]"


@pytest.mark.parametrize("said", ["A0815", "12-3-4567", "B二零三四", "3杠5杠6021"])
def test_the_letters_of_a_pick_up_code_belong_to_it(said: str) -> None:
    assert talk((AGENT, "取件码多少"), (CUSTOMER, f"嗯，{said}"))[1] == "嗯，[取件码]"


def test_a_number_as_long_as_a_mobile_number_and_none_is_an_orders() -> None:
    assert talk((AGENT, "麻烦您报新号"), (CUSTOMER, "46017729983"))[1] == "46017729983"


def test_what_an_agent_says_of_a_code_tells_what_was_said_before() -> None:
    shown = talk((CUSTOMER, "407713，人呢"), (AGENT, "这串过期啦，再给您推一次"), (CUSTOMER, "952066"))
    assert (shown[0], shown[2]) == ("[验证码]，人呢", "[验证码]")


@pytest.mark.parametrize("talk_of", ["尺码到了吗", "条码念一下", "那个二维码来了没"])
def test_other_codes_are_none(talk_of: str) -> None:
    assert talk((AGENT, talk_of), (CUSTOMER, "660284"))[1] == "660284"


def test_a_unionpay_card_among_other_answers_is_a_card() -> None:
    shown = talk((AGENT, "报下卡号，手机，这笔钱哪单来的"), (CUSTOMER, "邮储，6217993000318842067，15687730294"))
    assert shown[1] == "邮储，[银行卡号]，[电话]"


def test_the_registered_number_of_a_company_stays() -> None:
    assert talk((AGENT, "账户报一下"), (CUSTOMER, "91320507MA1Y4GQ28B"))[1] == "91320507MA1Y4GQ28B"


@pytest.mark.parametrize("text", ["末了四位", "最后四位"])
def test_last_places_are_asked_for_in_other_words(text: str) -> None:
    assert (
        talk((AGENT, "电话报一下"), (CUSTOMER, "等"), (AGENT, f"卡的{text}"), (CUSTOMER, "7715，7715"))[3]
        == "7715，7715"
    )


def test_last_places_that_are_asked_for_stay() -> None:
    assert talk((AGENT, "您报一下手机后四位。"), (CUSTOMER, "九零五二。"))[1] == "九零五二。"


def test_what_is_added_in_words_to_a_number_that_lacked_its_end_is_of_the_number() -> None:
    shown = talk((AGENT, "电话报一下"), (CUSTOMER, "一三八，六六六二，零零七"), (CUSTOMER, "哦还有一个四"))
    assert shown[1:] == ["[电话]", "[电话]"]


def test_a_number_that_somebody_handed_on_to_be_called_is_a_telephones() -> None:
    assert talk((CUSTOMER, "他们扔给我一个86230714，让我自己打")) == ["他们扔给我一个[电话]，让我自己打"]
    order = "客服给我一个86230714的单号，我试试打不开"
    assert talk((CUSTOMER, order)) == [order]


def test_doubled_digits_are_read() -> None:
    assert talk((CUSTOMER, "一三八 双零 一三八 三个零"), (CUSTOMER, "要三双，一双四十码的")) == [
        "[电话]",
        "要三双，一双四十码的",
    ]


def test_who_takes_a_parcel_for_the_customer_has_a_name_too() -> None:
    assert talk((CUSTOMER, "我同事李建国代收")) == ["我同事[姓名]代收"]
    for text in ("我朋友说收到了", "我妈高兴收到了", "我老公周末来取"):
        assert talk((CUSTOMER, text)) == [text]


def test_amounts_in_words_are_no_numbers_of_persons() -> None:
    for text in ("这件三十九块九，那件一百二十八块八毛", "三十九块九的那个，还有十九块九包邮的"):
        assert talk((CUSTOMER, text)) == [text]


def test_speakers_who_are_not_known_ask_too() -> None:
    shown = talk((Role.UNKNOWN, "验证码是多少"), (Role.UNKNOWN, "四八二九一三"))
    assert shown[1] == "[验证码]"


def test_traditional_characters_are_read() -> None:
    assert talk((AGENT, "聯絡電話幾多號呀"), (CUSTOMER, "六四四零七七一九"))[1] == "[电话]"


def test_kinds_that_are_not_wanted_stay() -> None:
    assert find("我叫张伟，电话13812345678", kinds=[PersonalKind.PHONE])[0].kind is PersonalKind.PHONE
    assert mask("我叫张伟，电话13812345678", kinds=[PersonalKind.PHONE])[0] == "我叫张伟，电话[电话]"


def test_the_same_segments_are_looked_through_once_for_the_same_kinds_and_anew_where_they_may_have_changed() -> None:
    segments = (say(0, 1, CUSTOMER, "电话13812345678"),)
    finds = find_in_segments(segments)
    assert find_in_segments(segments) is finds
    assert find_in_segments(segments, [PersonalKind.NAME]) == [[]]
    growing = [*segments]
    assert len(find_in_segments(growing)) == 1
    growing.append(segments[0])
    assert len(find_in_segments(growing)) == 2


def test_tracking_numbers_are_masked_where_the_settings_say_so() -> None:
    text = "运单号SF1450092276318"
    assert mask(text)[0] == text
    assert mask(text, kinds=[PersonalKind.TRACKING])[0] == "运单号[运单号]"


def _sentences() -> Iterator[Mapping[str, Any]]:
    for line in (ROOT / "corpus" / "privacy.jsonl").read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


@pytest.mark.parametrize("sentence", list(_sentences()), ids=lambda sentence: sentence["id"])
def test_no_sentence_of_the_corpus_leaks_or_loses(sentence: Mapping[str, Any]) -> None:
    parts = sentence["text"].split(" / ")
    roles = (CUSTOMER, AGENT, CUSTOMER, AGENT)
    shown = "\n".join(talk(*zip(roles, parts, strict=False)))
    assert [part for part in sentence["mask"] if part in shown] == []
    assert [part for part in sentence["keep"] if part not in shown] == []


def _calls(path: str) -> Iterator[tuple[str, list[Segment], Mapping[str, Any]]]:
    for line in (ROOT / path).read_text(encoding="utf-8").splitlines():
        call = json.loads(line)
        segments = [say(item[0], item[1], Role(item[2]), item[3]) for item in call["segments"]]
        yield call["id"], segments, call["truth"]


@pytest.mark.parametrize("path", sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("corpus/calls/*.jsonl")))
def test_no_call_of_the_corpus_leaks_or_loses(path: str) -> None:
    for name, segments, truth in _calls(path):
        shown = "\n".join(segment.text for segment in mask_segments(segments).segments)
        known = KNOWN.get(name, ())
        assert [part for part in truth["masked"] if part in shown and part not in known] == [], name
        assert [part for part in truth["kept"] if part not in shown and part not in known] == [], name
