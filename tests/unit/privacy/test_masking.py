"""Personal data: found however it is said, and gone from everything in a report."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qareport import codec
from qareport.model import (
    CallMetrics,
    CallReport,
    Evidence,
    Finding,
    Moment,
    MomentKind,
    Note,
    PersonalKind,
    Role,
    Segment,
    Severity,
    Silence,
    Token,
)
from qareport.privacy import find, mask, mask_phone, mask_report, mask_segments, shorten_numbers

PHONE, CARD = PersonalKind.PHONE, PersonalKind.BANK_CARD


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("我的手机号是13800138000", "我的手机号是[电话]"),
        ("一三八零零一三八零零零", "[电话]"),
        ("幺三八，那个，零零幺三，嗯八零零零", "[电话]"),
        ("要三八零零一三八零零零", "[电话]"),
        ("一三八三个零一三八零零", "[电话]"),
        ("家里电话零二一，五八八八六六六六", "家里电话[电话]"),
        ("+86 138-0013-8000", "[电话]"),
        ("my phone is one three eight, zero zero one three, uh eight triple zero", "my phone is [电话]"),
        ("尾号是八零零零，全号一五九 二二三三 四四五五", "尾号是八零零零，全号[电话]"),
        ("身份证号三三零一零六一九九零零一零一一二三叉", "身份证号[身份证号]"),
        ("33010619900101123X", "[身份证号]"),
        ("我的银行卡6222021234567890123", "我的银行卡[银行卡号]"),
        ("六二二二零二一二三四，五六七八九零一二三", "[银行卡号]"),
        ("邮箱是xiaoming@163.com", "邮箱是[邮箱]"),
        ("一二三四五六七八艾特qq点com", "[邮箱]"),
        ("john dot smith at gmail dot com", "[邮箱]"),
        ("我住在浙江省杭州市余杭区文一西路九百六十九号3幢2单元501室", "我住在浙江省杭州市余杭区[地址]"),
        ("寄到南京西路1266号", "寄到[地址]"),
        ("我住三栋二单元五零一", "我住[地址]"),
        ("please ship it to 12 Nanjing Road, Room 501", "please ship it to [地址]"),
        ("车牌是沪B零八八九六", "车牌是[车牌号]"),
        ("京A12345", "[车牌号]"),
        ("验证码是八三四二一零", "验证码是[验证码]"),
        ("您收到的六位数是482913", "您收到的六位数是[验证码]"),
        ("短信里那个数字是四八二九一三", "短信里那个数字是[验证码]"),
        ("固话是八八一五七七八八", "固话是[电话]"),
        ("寄到成都武侯区人民南路四段11号", "寄到成都武侯区[地址]"),
        ("手机号壹叁玖壹贰叁肆伍陆柒捌", "手机号[电话]"),
        ("车牌是粤B D一二三四五", "车牌是[车牌号]"),
    ],
)
def test_personal_data_is_replaced_by_its_kind(text: str, masked: str) -> None:
    assert mask(text)[0] == masked


@pytest.mark.parametrize(
    "text",
    [
        "一共一千三百八十元",
        "二零二四一一零五九九八八七七",
        "2026-11-21 09:13:05",
        "我买了三件，五天了",
        "订单号是4012345678901234567",
        "运单号七五三一二三四五六七八九",
        "这里5号发货",
        "家里三号到",
        "验证码收不到，我付了1299元",
        "48小时内发货",
        "手机尾号8000",
        "满300减50",
        "共3笔，1299，2599，3999",
        "打12315",
        "客服电话400-800-1234",
        "身高一六五体重一百二",
        "已签收，状态显示正常",
    ],
)
def test_amounts_times_counts_and_orders_stay(text: str) -> None:
    assert mask(text) == (text, ())


def test_order_numbers_are_masked_where_the_settings_say_so() -> None:
    assert mask("订单号是4012345678901234567", kinds={PersonalKind.ORDER})[0] == "订单号是[订单号]"


def test_an_order_named_in_an_earlier_sentence_hides_no_identity_card() -> None:
    spoken_text = "单号是YT7734512098761。\n这里是330106199001011231。"
    assert mask(spoken_text)[0] == "单号是YT7734512098761。\n这里是[身份证号]。"


def test_what_was_asked_tells_what_a_bare_number_is() -> None:
    assert mask("八三四二一零")[1] == ()
    assert [place.kind for place in find("八三四二一零", context="请您报一下验证码")] == [PersonalKind.CODE]


def test_a_span_points_at_the_words_that_were_masked() -> None:
    text = "打幺三八零零幺三八零零零找我"
    (place,) = mask(text)[1]
    assert text[place.start : place.end] == "幺三八零零幺三八零零零"


def say(start_ms: int, end_ms: int, role: Role, text: str) -> Segment:
    return Segment(start_ms=start_ms, end_ms=end_ms, role=role, text=text)


def test_a_number_that_goes_on_in_the_next_segment_is_masked_in_both() -> None:
    done = mask_segments(
        [
            say(0, 2000, Role.CUSTOMER, "号码是一三八零零"),
            say(2100, 2500, Role.AGENT, "嗯"),
            say(2600, 4000, Role.CUSTOMER, "一三八零零零"),
        ]
    )
    assert [segment.text for segment in done.segments] == ["号码是[电话]", "嗯", "[电话]"]
    assert [(span.kind, span.exact) for span in done.spans] == [(PHONE, False), (PHONE, False)]


def test_parts_of_a_number_an_hour_apart_are_no_number() -> None:
    done = mask_segments(
        [say(0, 2000, Role.CUSTOMER, "一三八零零"), say(99_000, 99_500, Role.CUSTOMER, "一三八零零零")]
    )
    assert done.spans == ()


def test_an_agent_who_repeats_part_of_the_number_gives_nothing_away() -> None:
    done = mask_segments([say(0, 9, Role.CUSTOMER, "13800138000"), say(10, 19, Role.AGENT, "后面是138000对吗")])
    assert done.segments[1].text == "后面是[电话]对吗"


def test_tokens_are_masked_and_give_the_audio_span() -> None:
    text = "打13800138000吧"
    tokens = tuple(Token(letter, 100 * place, 100 * place + 90) for place, letter in enumerate(text))
    segment = Segment(start_ms=0, end_ms=1400, role=Role.CUSTOMER, text=text, raw=f"<|zh|>{text}", tokens=tokens)
    done = mask_segments([segment])
    assert done.segments[0].tokens == (Token("打", 0, 90), Token("[电话]", 100, 1190), Token("吧", 1200, 1290))
    assert done.segments[0].raw == "<|zh|>打[电话]吧"
    assert [(span.start_ms, span.end_ms, span.exact) for span in done.spans] == [(100, 1190, True)]


def test_a_name_has_its_span_for_the_sound_too() -> None:
    text = "我叫张伟。"
    tokens = tuple(Token(letter, 100 * place, 100 * place + 90) for place, letter in enumerate(text))
    done = mask_segments([Segment(start_ms=0, end_ms=500, role=Role.CUSTOMER, text=text, tokens=tokens)])
    (span,) = done.spans
    assert (span.kind, span.start_ms, span.end_ms, span.exact) == (PersonalKind.NAME, 200, 390, True)


def test_tokens_that_do_not_spell_the_text_are_left_out_where_it_is_masked() -> None:
    segment = Segment(start_ms=0, end_ms=9, role=Role.CUSTOMER, text="13800138000", tokens=(Token("一三八", 0, 9),))
    assert mask_segments([segment]).segments[0].tokens == ()


def test_nothing_in_a_masked_report_holds_the_number() -> None:
    text = "我手机13800138000，什么时候发货"
    report = CallReport(
        call_id="c",
        metrics=CallMetrics(
            duration_ms=9, talk_ms=9, non_talk_ms=0, overlap_ms=0, silence_count=0, silence_ms=0, longest_silence_ms=0
        ),
        silences=(Silence(start_ms=5, end_ms=9, last_said=text),),
        moments=(Moment(at_ms=0, end_ms=5, kind=MomentKind.REPEAT, role=Role.CUSTOMER, label="催问", quote=text),),
        findings=(
            Finding(
                rule_id="r",
                rule_version="1",
                title="t",
                category="c",
                severity=Severity.INFO,
                at_ms=0,
                evidence=(Evidence(at_ms=0, end_ms=5, role=Role.CUSTOMER, quote=text),),
                advice=f"客户说“{text}”时……",
                praise=f"“{text}”",
                points=0,
            ),
        ),
        segments=(say(0, 5, Role.CUSTOMER, text),),
        notes=(Note(code="n", values={"said": text}),),
    )
    masked = mask_report(report)
    assert "138" not in codec.to_json(masked)
    assert [span.kind for span in masked.masked] == [PHONE]
    assert masked.findings[0].advice == "客户说“我手机[电话]，什么时候发货”时……"
    assert masked.findings[0].praise == "“我手机[电话]，什么时候发货”"
    assert dataclasses.replace(mask_report(report, ()), masked=()) == report


NUMBERS = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
PAUSES = st.sampled_from(["", "，", "嗯，", " ", "…", "那个"])


@given(NUMBERS, st.lists(st.integers(1, 10), max_size=3), PAUSES, st.booleans())
def test_a_mobile_number_is_found_however_it_is_broken_up(
    number: str, cuts: list[int], pause: str, spoken: bool
) -> None:
    spoken_text = number.translate(str.maketrans("0123456789", "零幺二三四五六七八九")) if spoken else number
    parts = [spoken_text[a:b] for a, b in zip([0, *sorted(cuts)], [*sorted(cuts), 11], strict=True)]
    assert mask(f"我的号码是{pause.join(part for part in parts if part)}谢谢")[0] == "我的号码是[电话]谢谢"


@given(st.text(alphabet="0123456789一二三幺零十百，。 -号路区京Aa@.com验证码电话订单[]\n", max_size=40))
def test_masking_twice_is_masking_once_and_spans_do_not_overlap(text: str) -> None:
    masked, finds = mask(text)
    assert mask(masked)[0] == masked
    assert all(place.start < place.end for place in finds)
    assert all(first.end <= second.start for first, second in itertools.pairwise(finds))


@pytest.mark.parametrize(
    ("number", "masked"), [(None, None), ("13800001234", "138****1234"), ("12345", "****"), ("", "****")]
)
def test_a_number_to_call_back_is_masked(number: str | None, masked: str | None) -> None:
    assert mask_phone(number) == masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("我的号码是138.1234.5678", "我的号码是[电话]"),
        ("打（138）1234-5678", "打[电话]"),
        ("(0755)26543210", "[电话]"),
        ("我电话前面是一三八中间四个八后面是零零零一", "我电话前面是[电话]"),
        ("打我一百三十八零零一三八零零零", "打我[电话]"),
        ("一百三十八，零零一三，八零零零", "[电话]"),
        ("一百三十八块，零零一三", "一百三十八块，零零一三"),
        ("电话是(010)88886666", "电话是[电话]"),
        ("存折账号6013820800099888777", "存折账号[银行卡号]"),
        ("我住翠苑四区二十八幢", "我住[地址]"),
        ("西湖区文一路附5号", "西湖区[地址]"),
        ("我住Room 1203", "我住[地址]"),
        ("我在2舍305", "我在[地址]"),
        ("邮箱是abc圈a新浪点com", "邮箱是[邮箱]"),
        ("浙江的A，12345", "[车牌号]"),
        ("823746，这是刚才收到的验证码", "[验证码]，这是刚才收到的验证码"),
    ],
)
def test_forms_in_which_people_say_and_recognisers_write_personal_data(text: str, shown: str) -> None:
    assert mask(text)[0] == shown


def test_the_way_is_no_road() -> None:
    for text in ("等了一路100号还没到", "一路上都在催", "这一路2号线很挤"):
        assert mask(text)[0] == text


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("OUT-013812345678-8001-20260101-101010-1767", "OUT-x5678-8001-20260101-101010-1767"),
        ("13812345678-20261121", "x5678-20261121"),
        ("20261121091305-8001-02126543210", "20261121091305-8001-x3210"),
        ("330106199001011234", "x1234"),
        ("1767231010.123", "1767231010.123"),
    ],
)
def test_names_of_files_keep_the_last_four_digits_of_persons_numbers(name: str, short: str) -> None:
    assert shorten_numbers(name) == short
