"""Near duplicates share a group; answers that cannot both hold are named."""

from __future__ import annotations

import random

import pytest

from qareport.analysis.qa_groups import ALIKE, Place, Text, contradicts, find_places, jaccard


def places(*texts: tuple[str, str, str]) -> dict[int, Place]:
    pairs = [Text(number, *text) for number, text in enumerate(texts, start=1)]
    return dict(find_places(lambda: iter(pairs)))


def test_questions_in_nearly_the_same_words_share_a_group_and_answers_that_say_the_same_a_number() -> None:
    found = places(
        ("answer", "七天无理由退货的运费谁出", "运费由我们承担，原路退回"),
        ("answer", "七天无理由退货的运费谁出啊？", "运费由我们承担，原路退回的"),
        ("answer", "七天无理由退货的运费谁出呢", "运费您自己出"),
        ("answer", "发票怎么开", "在订单页点发票"),
        ("preference", "七天无理由退货的运费谁出", "运费由我们承担，原路退回"),
    )
    assert [found[number][:2] for number in range(1, 6)] == [(1, 1), (1, 1), (1, 3), (4, 4), (5, 5)]


def test_answers_with_other_figures_contradict_each_other() -> None:
    found = places(
        ("answer", "退款几天到账啊请问", "一般三个工作日到账"),
        ("answer", "退款几天到账啊请问", "七个工作日才到账"),
        ("answer", "退款几天到账啊请问", "到账会有短信"),
    )
    assert [found[number].contradicted for number in (1, 2, 3)] == [True, True, False]


@pytest.mark.parametrize(
    ("first", "second", "clash"),
    [
        ("可以退，七天内", "不可以退", True),
        ("四十八小时内发货", "48小时内发货", False),
        ("两天内发货", "三天内发货", True),
        ("满九十九元包邮", "七天内能退", False),
    ],
)
def test_contradictions_are_of_yes_and_no_or_of_figures_of_one_unit(first: str, second: str, clash: bool) -> None:
    assert contradicts(first, second) is clash is contradicts(second, first)


def test_hardly_any_near_duplicate_among_thousands_is_missed_and_none_is_wrong() -> None:
    dice = random.Random(20)
    letters = "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么"
    texts: list[tuple[str, str, str]] = []
    for _ in range(1000):
        question = "".join(dice.choices(letters, k=30))
        texts += [("answer", question, ""), ("answer", question + dice.choice(letters), "")]
    found = places(*texts)
    together = 0
    for number in range(1, len(texts), 2):
        first, second = texts[number - 1][1], texts[number][1]
        assert jaccard(first, second) >= ALIKE
        together += found[number].group == found[number + 1].group
    assert together >= 995
    assert len({place.group for place in found.values()}) >= 1000


def test_nothing_to_group_gives_nothing() -> None:
    assert places() == {}
