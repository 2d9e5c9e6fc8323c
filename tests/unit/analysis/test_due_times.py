"""Times ahead: where they are, what of them is a range, and what only looks like one."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from qareport.analysis.due_times import find_due_times, read_number

#: A Friday.
STARTED = datetime(2026, 11, 20, 9, 30, tzinfo=timezone(timedelta(hours=8)))


@pytest.mark.parametrize(
    ("text", "words", "due"),
    [
        ("礼拜六上午九点到十一点来", "礼拜六上午九点到十一点", "2026-11-21T11:00:00"),
        ("一到三个工作日退回", "一到三个工作日", "2026-11-25T09:30:00"),
        ("两三天就到", "两三天", "2026-11-23T09:30:00"),
        ("今天下班前给您", "今天下班前", "2026-11-20T18:00:00"),
        ("听日下昼两点到六点", "听日下昼两点到六点", "2026-11-21T18:00:00"),
        ("七点半前送到", "七点半前", "2026-11-20T19:30:00"),
        ("明早十点前", "明早十点前", "2026-11-21T10:00:00"),
        ("两个钟内退", "两个钟内", "2026-11-20T11:30:00"),
        ("得等两个礼拜左右了", "两个礼拜左右", "2026-12-04T09:30:00"),
        ("到了四十八小时里审", "四十八小时里", "2026-11-22T09:30:00"),
        ("两个钟头就退", "两个钟头", "2026-11-20T11:30:00"),
        ("要十来天", "十来天", "2026-11-30T09:30:00"),
        ("这两天就发", "这两天", "2026-11-22T23:59:59"),
        ("下午三点一位师傅来", "下午三点", "2026-11-20T15:00:00"),
        ("二十五到二十八号往后来货", "二十五到二十八号", "2026-11-28T23:59:59"),
        ("下月初补发", "下月初", "2026-12-10T23:59:59"),
        ("下个月来货", "下个月", "2026-12-31T23:59:59"),
        ("一月中旬发货", "一月中旬", "2027-01-20T23:59:59"),
        ("十二月之前补您", "十二月之前", "2026-11-30T23:59:59"),
        ("年底前上线", "年底前", "2026-12-31T23:59:59"),
        ("后天，下午三点送到", "后天，下午三点", "2026-11-22T15:00:00"),
        ("within two business days", "two business days", "2026-11-24T09:30:00"),
    ],
)
def test_a_time_is_due_when_its_range_ends(text: str, words: str, due: str) -> None:
    (time,) = find_due_times(text, STARTED)
    assert time.at is not None
    assert (time.words, time.at.isoformat()) == (words, f"{due}+08:00")


def test_all_times_of_a_sentence_are_found_in_order() -> None:
    times = find_due_times("今天六点前发顺丰，单号今天晚上短信给您，大概周五到", STARTED)
    assert [time.words for time in times] == ["今天六点前", "今天晚上", "周五"]


@pytest.mark.parametrize(
    "text",
    [
        "等了三天了",
        "上周五",
        "六号螺丝",
        "升到三点二版",
        "七天无理由",
        "每三天一次",
        "早就发了",
        "快一点",
        "晚上好",
        "上半天",
        "一天天在铺",
        "99999999个工作日",
        "拼单三天内没拼满",
    ],
)
def test_what_looks_back_counts_things_or_states_terms_is_no_time_ahead(text: str) -> None:
    assert list(find_due_times(text, STARTED)) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [("48", 48), ("四十八", 48), ("十", 10), ("十五", 15), ("二十", 20), ("一百二十", 120), ("半", 0.5), ("三四", 4)],
)
def test_numbers_are_read_in_both_scripts(text: str, value: float) -> None:
    assert read_number(text) == value
