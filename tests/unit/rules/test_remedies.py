"""Slips of the keyboard: each is answered with what to write."""

from __future__ import annotations

import pytest

from qareport.rules import remedies


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        (20, "add the unit: 20秒"),
        ("二十秒", "write 20秒"),
        ("20秒以内", "write 20秒"),
        ("两分钟内", "write 2分钟"),
        ("一周", "write 7天"),
        ("1分30秒", "write one number: 90秒"),
        ("２０秒", "write half-width letters and digits: 20秒"),
        ("２０s", "write half-width letters and digits: 20s"),
        ("20 seconds", "write 20秒"),
        ("前三句", "write 3句"),
        ("客服前三句", "write 客服3句"),
        (["20秒"], "write 20秒"),
        (800, "add the unit: 800毫秒 or 800秒"),
        ("10秒，30秒", "the comma is a Chinese one (，): write [甲, 乙]"),
    ],
)
def test_a_length_is_written_as_rules_take_it(written: object, answer: str) -> None:
    assert str(remedies.of_length(written, chinese=True)) == answer


def test_what_is_no_length_at_all_has_no_remedy() -> None:
    assert remedies.of_length("马上", chinese=True) is None
    assert str(remedies.of_length(20, chinese=False)) == "add the unit: 20s"


@pytest.mark.parametrize(
    ("written", "number"),
    [("－５", "-5"), ("−5", "-5"), ("负5", "-5"), ("-5分", "-5"), ("两", "2"), ("010", "10"), ("第二次", "2")],
)
def test_a_number_is_written_without_quotes_and_unit(written: str, number: str) -> None:
    assert str(remedies.of_number(written)) == f"write {number}, without quotes and unit"


@pytest.mark.parametrize("written", ["一票否定", "高", "一定"])
def test_what_is_no_number_is_not_read_as_one(written: str) -> None:
    assert remedies.of_number(written) is None


def test_a_share_lies_between_nothing_and_one() -> None:
    assert str(remedies.of_number("40%")) == "write 0.4"


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        ("2026年11月1日", "write 2026-11-01"),
        ("2026/11/1", "write 2026-11-01"),
        ("2026-11-31", "there is no such day"),
        ("十一月", "None"),
    ],
)
def test_a_day_is_written_with_dashes(written: str, answer: str) -> None:
    assert str(remedies.of_day(written)) == answer


@pytest.mark.parametrize("written", ["09:00～21:00", "09：00-21：00", "9点到21点", "9:00至21:00"])
def test_hours_are_written_with_a_dash(written: str) -> None:
    assert str(remedies.of_clocks(written)) == "write 09:00-21:00"


@pytest.mark.parametrize(
    ("key", "known", "meant"),
    [
        ("长于", ["longer", "shorter"], "不短于"),
        ("长于", ["by", "lasts"], "持续"),
        ("不应命中", ["must_hit", "must_not_hit"], "不该命中"),
        ("会话", ["conversation", "call"], "对话"),
        ("用户说", ["customer says", "agent says"], "客户说"),
        ("catagory", ["category"], "category"),
        ("客户 说", ["customer says", "agent says"], "客户说"),
        ("顺序", ["sequence", "all"], "先后"),
        ("关键词", ["customer says", "any"], "客户说"),
        ("关键词", ["any", "all"], "任一"),
    ],
)
def test_a_key_is_understood_by_its_meaning_and_then_by_its_letters(key: str, known: list[str], meant: str) -> None:
    assert str(remedies.near_key(key, known)) == f"did you mean {meant!r}?"


def test_several_values_in_one_are_parted_by_an_english_comma() -> None:
    assert "is a Chinese one (、)" in str(remedies.of_choice("周六、周日", ["周六", "周日"]))
    assert str(remedies.of_choice("周末", ["周六", "周日"])) == "write [周六, 周日]"


@pytest.mark.parametrize(
    ("written", "words", "meant"),
    [("高", ["提示", "严重"], "严重"), ("关闭", ["生效", "停用"], "停用"), ("买家", ["客服", "客户"], "客户")],
)
def test_a_value_is_understood_by_its_meaning(written: str, words: list[str], meant: str) -> None:
    assert str(remedies.of_choice(written, words)) == f"did you mean {meant!r}?"


def test_a_chinese_colon_is_the_cause_whatever_stands_around_it() -> None:
    assert "the colon is a Chinese one" in str(remedies.of_choice("是：愤怒", ["愤怒"]))


def test_a_key_without_its_colon_is_written_with_it() -> None:
    assert (
        str(remedies.missing_colon("客户说[发货]", ["customer says"])) == "the colon is missing: write 客户说: [发货]"
    )
    assert remedies.missing_colon("发货", ["customer says"]) is None
