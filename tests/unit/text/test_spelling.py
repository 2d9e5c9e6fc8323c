"""Traditional characters and numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qareport.text.spelling import in_digits, simplify
from qareport.text.wordlist import forms_of, normalise


@pytest.mark.parametrize(
    ("spoken", "written"),
    [
        ("四十八小时", "48小时"),
        ("二十四个小时", "24个小时"),
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
    ],
)
def test_what_only_looks_like_a_number_stays(text: str) -> None:
    assert in_digits(text) == text


def test_traditional_characters_are_simplified_where_they_stand() -> None:
    assert simplify("發貨訂單還沒到，裡面") == "发货订单还没到，里面"
    assert simplify("don’t") == "don't"


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
