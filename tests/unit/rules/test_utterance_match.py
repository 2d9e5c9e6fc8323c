"""What is written in a rule and what is said are compared in one form."""

from __future__ import annotations

from pathlib import Path

import pytest

from qareport import rules
from qareport.errors import ConfigError
from qareport.rules.utterance_match import never_matches
from tests.support.calls import AGENT, CUSTOMER, say
from tests.support.rule_texts import hits, judge, rule_set


@pytest.mark.parametrize(
    ("when", "text"),
    [
        ("{customer says: {regex: '(APP|VIP)会员'}}", "我是VIP会员。"),
        ("{customer says: {regex: '[A-Z]{3}会员'}}", "我是vip会员"),
        ("{customer says: {regex: 'ＶＩＰ会员'}}", "我是VIP会员。"),
        ("{customer says: {regex: '1[3-9][0-9]{9}'}}", "加我微信，138 1234 5678。"),
        ("{customer says: {regex: '1[3-9][0-9]{9}'}}", "加我微信，138-1234-5678。"),
        ("{customer says: {regex: 'iPhone ?15'}}", "我买的 iPhone 15。"),
        ("{customer says: {regex: '[0-9]+小时'}}", "四十八小时还没到"),
        ("{customer says: {regex: '發貨'}}", "怎么还不发货"),
        ("{customer says: {regex: 'don’t'}}", "I don't know"),
        ("{customer says: [12315]}", "我打1 2 3 1 5。"),
        ("{customer says: [12315]}", "我打一二三一五。"),
        ("{customer says: [一二三一五]}", "我打12315。"),
        ("{customer says: [iPhone15]}", "我买的 iPhone 15。"),
        ("{customer says: [iPhone 15]}", "我买的iPhone15。"),
        ("{customer says: [48小时]}", "说好四十八小时的"),
        ("{customer says: [四十八小时]}", "说好48小时的"),
        ("{customer says: [3天]}", "等了三天了"),
        ("{customer says: [发货]}", "幾時發貨？"),
        ("{customer says: [訂單]}", "我的订单呢"),
        ("{customer says: [don't]}", "I don’t want it"),
        ("{customer says: [ＶＩＰ]}", "我是vip"),
        ("{customer says: [Wi-Fi]}", "家里WiFi连不上"),
        ("{customer says: [Wi-Fi]}", "my wifi is down"),
        ("{customer says: [Wi-Fi]}", "家里 wi fi 连不上"),
        ("{customer says: [WiFi]}", "Wi-Fi连不上"),
        ("{customer says: [wi fi]}", "WiFi6的路由器"),
        ("{customer says: [wifi]}", "Wi‑Fi 6 的路由器"),
        ("{customer says: [email]}", "给我发个 e-mail 吧"),
        ("{customer says: [USB-C]}", "USBC口的"),
        ("{customer says: {regex: 'wifi'}}", "家里 Wi-Fi 连不上"),
        ("{customer says: [hold on]}", "hold on"),
        ("{customer says: {all: [三天, 訂單]}}", "我的订单等了3天"),
        ("{customer says: {any: [三天, 订单], at_least: 2}}", "订单等了3天"),
        ("{customer says: {exact: [四十八小时]}}", "48小时。"),
        ("{customer says: {exact: [12315]}}", "1 2 3 1 5"),
        ("{customer says: {like: [四十八小时还没發貨], similarity: 0.9}}", "48小时还没发货"),
        ("{customer says: [APP]}", "你们的A P P打不开"),
        ("{customer says: [iPhone15]}", "my iPhone 15 Pro is broken"),
        ("{customer says: [15 Pro]}", "15Pro"),
        ("{customer says: [9块9]}", "九块九包邮"),
        ("{customer says: [39.9元]}", "卖三十九块九的"),
        ("{customer says: [三十九块九]}", "¥39.90的那款"),
        ("{customer says: {exact: [39.9元]}}", "三十九块九。"),
        ("{customer says: {regex: '返.{0,4}10元'}}", "好评返现十块"),
        ("{customer says: {regex: '39块9'}}", "39.9元的"),
        ("{customer says: [三个]}", "3个"),
        ("{customer says: {regex: '等.{0,3}三天'}}", "等了3天"),
        ("{customer says: {regex: '(三|五)[个天]'}}", "5天"),
        ("{customer says: {regex: '[三五]天'}}", "3天"),
        ("{customer says: {any: [退款], negated: true}}", "我不要 退款"),
        ("{customer says: {any: [退款], negated: true}}", "我沒有申請退款"),
        ("{customer says: {any: [3天], negated: true}}", "我不要三天"),
    ],
)
def test_what_is_meant_is_found_however_it_is_written(tmp_path: Path, when: str, text: str) -> None:
    assert hits(tmp_path, when, say(3, 5, CUSTOMER, text)) == [3]


@pytest.mark.parametrize(
    ("when", "text"),
    [
        ("{customer says: [3天]}", "等了十三天了"),
        ("{customer says: [12315]}", "单号是9 1 2 3 1 5 0"),
        ("{customer says: [1天]}", "等一下"),
        ("{customer says: [WiFi]}", "the wi of fi"),
        ("{customer says: [efi]}", "家里 wi fi 连不上"),
        ("{customer says: {any: [3天], except: [前3天]}}", "前三天还在"),
        ("{customer says: {any: [48小时, 四十八小时, 退款], at_least: 2}}", "四十八小时"),
        ("{customer says: {regex: '[0-9]+小时', except: [48小时]}}", "四十八小时"),
        ("{customer says: {regex: '小时', except_regex: '48'}}", "四十八小时"),
        ("{customer says: {any: [小时], except: [48小时]}}", "四十八小时"),
        ("{customer says: {regex: '小时', except: [48小时]}}", "四十八小时"),
        ("{customer says: [三个]}", "十三个"),
        ("{customer says: [百分之五]}", "百分之五十"),
        ("{customer says: [不是正品]}", "请问是不是正品？"),
        ("{customer says: [refund]}", "I don't want a refund."),
        ("{customer says: [退款]}", "我沒有申請退款"),
        ("{customer says: [退款]}", "我不要 退款"),
        ("{customer says: {exact: [48小时]}}", "四十八小时啊"),
        ("{customer says: {exact: [发货], except: [發貨]}}", "发货"),
        ("{customer says: {like: [发货了], except: [發貨]}}", "发货了"),
    ],
)
def test_what_is_not_meant_is_not_found_in_the_other_form_either(tmp_path: Path, when: str, text: str) -> None:
    assert hits(tmp_path, when, say(3, 5, CUSTOMER, text)) == []


def test_the_evidence_is_the_text_as_it_was_said(tmp_path: Path) -> None:
    judged = judge(tmp_path, "{customer says: [48小时]}", say(3, 5, CUSTOMER, "說好四十八小時！"))
    (finding,) = judged.findings
    assert [(evidence.at_ms, evidence.end_ms, evidence.quote) for evidence in finding.evidence] == [
        (3000, 5000, "說好四十八小時！")
    ]
    assert finding.advice.startswith("48小时|說好四十八小時！|")


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("{customer says: {all: [保价, 运费], over: call}}", [1]),
        ("{customer says: {all: [保价, 时效], over: call}}", []),
        ("{customer says: {any: [保价, 时效, 运费], at_least: 2, over: call}}", [1]),
        ("{customer says: {any: [保价, 时效, 运费], at_least: 3, over: call}}", []),
        ("{customer says: {all: [保价, 运费]}}", []),
        ("{customer says: {all: [运费], any: [保价, 时效], over: call}}", [1]),
        ("{customer says: {all: [保价, 运费], over: call}, first: 3s}", []),
    ],
)
def test_words_may_be_asked_for_over_the_whole_call(tmp_path: Path, when: str, expected: list[float]) -> None:
    talk = (say(1, 2, CUSTOMER, "保价吗"), say(3, 4, AGENT, "时效三天"), say(8, 9, CUSTOMER, "运费呢"))
    assert hits(tmp_path, when, *talk) == expected


@pytest.mark.parametrize("more", ["regex: '运费'", "exact: [运费]", "like: [运费]"])
def test_only_words_may_be_asked_for_over_the_whole_call(tmp_path: Path, more: str) -> None:
    with pytest.raises(ConfigError, match="over"):
        rule_set(tmp_path, f"{{customer says: {{any: [保价], {more}, over: call}}}}")


@pytest.mark.parametrize(
    ("pattern", "letter"),
    [
        ("怎么还没发货？", "？"),
        ("$道歉.{0,5}退款", "$"),
        ("发货^", "^"),
        ("退款 到账", " "),
        ("[，。]好", "，"),
        ("(好，|行。)", "，"),
        ("(好的，|行)", None),
        ("退款[！!]?", None),
        ("iPhone 15", None),
        ("^(你|我)$", None),
        ("39\\.9|50%", None),
        ("好的(?!，)", None),
    ],
)
def test_what_keeps_an_expression_from_ever_matching_is_named(pattern: str, letter: str | None) -> None:
    assert never_matches(pattern) == letter


def test_lint_warns_of_an_expression_that_no_text_can_match(tmp_path: Path) -> None:
    ruleset = rule_set(
        tmp_path, "{all: [{customer says: {regex: '怎么还没发货？'}}, {customer says: {regex: '发货'}}]}"
    )
    warnings = [warning for warning in rules.lint(ruleset) if warning.code == "never-matches"]
    assert [str(warning.what) for warning in warnings] == [
        "a.rule: regex: can never match, because texts are searched without '？'"
    ]
