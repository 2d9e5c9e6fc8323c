"""Traditional characters and numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qareport.text.spelling import in_digits, simplify
from qareport.text.wordlist import WordList, forms_of, normalise


@pytest.mark.parametrize(
    ("spoken", "written"),
    [
        ("四十八小时", "48小时"),
        ("二十四个小时", "24小时"),
        ("十分钟", "10分钟"),
        ("三天", "3天"),
        ("两天", "2天"),
        ("一百零五块", "105块"),
        ("三百五", "350"),
        ("一万二", "12000"),
        ("十五万", "150000"),
        ("二零二四年", "2024年"),
        ("一二三一五", "12315"),
        ("幺三八", "138"),
        ("百分之二十五", "25%"),
        ("百分之百", "100%"),
        ("双十一", "双11"),
        ("1 2 3 1 5", "12315"),
        ("138 1234 5678", "13812345678"),
        ("iphone 15", "iphone15"),
        ("iphone 15 pro max", "iphone15promax"),
        ("call 1 2 3 1 5 now", "call 12315 now"),
        ("三十九点九元", "39.9元"),
        ("三点五小时", "3.5小时"),
        ("百分之九十九点九", "99.9%"),
        ("三点五分", "3点五分"),
        ("零点五元", "0.5元"),
        ("半个小时", "半小时"),
        ("1万元", "10000元"),
        ("1.5万元", "15000元"),
        ("3千块", "3000块"),
        ("五星好评", "5星好评"),
        ("wi fi", "wifi"),
        ("wi fi 6", "wifi6"),
        ("t shirt", "tshirt"),
        ("a p p打不开", "app打不开"),
        ("v.i.p会员", "vip会员"),
        ("my iphone 15 is broken", "my iphone15is broken"),
        ("500 g", "500g"),
        ("a 0 1 7", "a017"),
        ("三个", "3个"),
        ("五月三日", "5月3日"),
        ("第一名", "第1名"),
        ("九块九", "9块9"),
        ("九五折", "95折"),
        ("八点零五", "8点05"),
    ],
)
def test_a_number_that_is_spoken_is_written_in_digits(spoken: str, written: str) -> None:
    assert in_digits(spoken) == written


@pytest.mark.parametrize(
    "text",
    [
        "一下",
        "一直",
        "万一",
        "千万",
        "十分满意",
        "七八天",
        "十几天",
        "三番四复",
        "周一一直",
        "百货",
        "三四十块",
        "iphone pro",
        "the wi fi is down",
        "i don't want it",
    ],
)
def test_what_only_looks_like_a_number_stays(text: str) -> None:
    assert in_digits(text) == text


def test_traditional_characters_are_simplified_where_they_stand() -> None:
    assert simplify("發貨訂單還沒到，裡面") == "发货订单还没到，里面"
    assert simplify("don’t") == "don't"


def test_letters_that_are_written_for_others_are_brought_to_one_where_they_are_in_use() -> None:
    assert simplify("甚麼時候到帳，我很著急，等妳答覆") == "什么时候到账，我很着急，等你答复"
    assert simplify("甚至顯著的帳篷，著名品牌") == "甚至显著的帐篷，著名品牌"


@given(st.text())
def test_simplifying_moves_no_letter_and_is_done_once(text: str) -> None:
    assert len(simplify(text)) == len(text)
    assert simplify(simplify(text)) == simplify(text)


@given(st.text(alphabet="零一二两三四五六七八九十百千万幺天小时个块 12ab我要", max_size=20))
def test_a_text_has_at_most_two_forms_and_the_first_is_its_own(text: str) -> None:
    normalised = normalise(text)
    forms = forms_of(normalised)
    assert forms[0] == normalised
    assert forms == (normalised,) or forms == (normalised, in_digits(normalised))


AMOUNT = (
    "39.9元",
    "39.90元",
    "39块9",
    "39.9块",
    "39元9角",
    "39块9毛",
    "¥39.9",
    "三十九块九",
    "三十九点九元",
    "三十九块九毛钱",
)


def is_found(word: str, text: str) -> bool:
    return any(WordList((word,)).find(form) for form in forms_of(normalise(text)))


@pytest.mark.parametrize("word", AMOUNT)
@pytest.mark.parametrize("said", AMOUNT)
def test_an_amount_of_money_is_one_however_it_is_written_and_spoken(word: str, said: str) -> None:
    assert is_found(word, f"卖{said}的")


@pytest.mark.parametrize("word", AMOUNT)
@pytest.mark.parametrize("said", ["9.9元", "九块九", "39元", "三十九块", "139.9元", "39.95元", "39.8元"])
def test_another_amount_is_another(word: str, said: str) -> None:
    assert not is_found(word, f"卖{said}的")


@pytest.mark.parametrize(
    ("word", "said", "found"),
    [
        ("39元", "三十九块", True), ("39元", "三十九块钱", True), ("39元", "39块9", False), ("10元", "十块一张", True),
        ("100元", "一百块", True), ("返10元", "好评返十块", True), ("5毛", "0.5元", True), ("0.5元", "五毛钱", True),
        ("9.95元", "九块九毛五", True), ("1元", "我们一块去", False), ("3元", "三块饼干", False),
        ("3元", "3块钱", True), ("9元", "39.9元", False), ("39", "39.9元", False),
        ("39块", "39块9", False), ("39块", "39块", True),
    ],
)  # fmt: skip
def test_whole_amounts_and_parts_of_a_yuan_are_the_same_in_both_spellings(word: str, said: str, *, found: bool) -> None:
    assert is_found(word, said) is found
