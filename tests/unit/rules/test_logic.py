"""Conditions made of conditions: what is unknown, what is near, what counts once, and what excuses."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from qareport.errors import ConfigError
from qareport.model import AudioEvent, Emotion, Role, Segment
from tests.support.calls import AGENT, CUSTOMER, say
from tests.support.rule_texts import hits, judge, rule_set

ANGRY, HAPPY = Emotion.ANGRY, Emotion.HAPPY

#: Nothing is known of these calls but the words.
NO_EMOTION = (say(0, 2, CUSTOMER, "退款", None), say(3, 5, AGENT, "您好", None))
NO_SPEAKER = (say(0, 2, Role.UNKNOWN, "退款"), say(3, 5, Role.UNKNOWN, "您好"))


@pytest.mark.parametrize(
    ("when", "talk"),
    [
        ("{none: [{emotion: {is: HAPPY, role: customer}}], last: 25%}", NO_EMOTION),
        ("{none: [{emotion: {is: HAPPY, role: customer}, last: 25%}]}", NO_EMOTION),
        ("{none: [{none: [{emotion: ANGRY}]}]}", NO_EMOTION),
        ("{none: [{any: [{emotion: HAPPY}, {customer says: 没有}]}]}", NO_EMOTION),
        ("{none: [{all: [{emotion: HAPPY}, {customer says: 退款}]}]}", NO_EMOTION),
        ("{none: [{sequence: [{customer says: 退款}, {emotion: {is: HAPPY, role: agent}}]}]}", NO_EMOTION),
        ("{none: [{emotion: HAPPY, times: 2}]}", NO_EMOTION),
        ("{none: [{moment: emotion}]}", NO_EMOTION),
        ("{none: [{moment: recovery}]}", NO_EMOTION),
        ("{none: [{event: Laughter}]}", NO_EMOTION),
        ("{none: [{loudness: {role: customer, above: -20}}]}", NO_EMOTION),
        ("{none: [{trend: improving}]}", NO_EMOTION),
        ("{none: [{weekday: 周六}]}", NO_EMOTION),
        ("{none: [{time of day: 09:00-21:00}]}", NO_EMOTION),
        ("{none: [{earlier calls: 1}]}", NO_EMOTION),
        ("{none: [{agent: A017}]}", NO_EMOTION),
        ("{none: [{metric: {name: customer_sentiment, above: 0}}]}", NO_EMOTION),
        ("{none: [{agent does: apologise}]}", NO_EMOTION),
        ("{none: [{agent says: [感谢您的来电]}]}", NO_SPEAKER),
        ("{none: [{response delay: {by: agent, longer: 9s}}]}", NO_SPEAKER),
        ("{none: [{repeats: agent}]}", NO_SPEAKER),
        ("{none: [{last speaker: agent}]}", NO_SPEAKER),
        ("{none: [{interruption: agent}]}", NO_SPEAKER),
        ("{none: [{silence: 9s, after: customer}]}", NO_SPEAKER),
        ("{none: [{promise: 发货}]}", NO_SPEAKER),
        ("{none: [{stage: 待发货}]}", NO_SPEAKER),
        ("{none: [{speed: {role: agent, above: 330}}]}", NO_SPEAKER),
        ("{none: [{turns: {above: 5}}]}", NO_SPEAKER),
        ("{turns: {below: 2}}", NO_SPEAKER),
        ("{utterances: {role: customer, below: 2}}", NO_SPEAKER),
        ("{none: [{agent says: [您好]}]}", (*NO_SPEAKER, say(6, 7, AGENT, "请问"))),
        ("{customer says: 退款, unless: [{emotion: HAPPY}]}", NO_EMOTION),
        ("{customer says: 退款, unless: [{agent does: apologise, within: 9s}]}", NO_EMOTION),
        ("{anyone says: 退款, unless: [{agent says: 抱歉, within: 9s}]}", NO_SPEAKER),
        ("{all: [{customer says: 退款}, {none: [{emotion: HAPPY}]}]}", NO_EMOTION),
        ("{all: [{customer says: 退款}, {none: [{emotion: HAPPY}]}], together: 9s}", NO_EMOTION),
    ],
)
def test_what_was_not_judged_is_held_against_nobody(tmp_path: Path, when: str, talk: tuple[Segment, ...]) -> None:
    (tmp_path / "synonyms.yaml").write_text("schema: 1\nstages: {待发货: [不发货]}\n", encoding="utf-8")
    assert hits(tmp_path, when, *talk) == []


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        # One part that certainly fails is enough to know.
        ("{none: [{all: [{emotion: HAPPY}, {customer says: 没有}]}]}", [5]),
        ("{none: [{sequence: [{customer says: 没有}, {emotion: HAPPY}]}]}", [5]),
        ("{none: [{any: [{emotion: HAPPY}, {agent says: 没有}], at_least: 2}]}", [5]),
        # And one that certainly holds.
        ("{any: [{emotion: HAPPY}, {customer says: 退款}]}", [0]),
        ("{any: [{none: [{emotion: HAPPY}]}, {customer says: 退款}]}", [0]),
        ("{none: [{none: [{customer says: 退款}, {emotion: HAPPY}]}]}", [5]),
        ("{customer says: 退款, unless: [{agent says: 抱歉}]}", [0]),
        ("{none: [{utterances: {above: 5}}]}", [5]),
    ],
)
def test_what_is_certain_without_it_is_judged_all_the_same(tmp_path: Path, when: str, expected: list[float]) -> None:
    assert hits(tmp_path, when, *NO_EMOTION) == expected


def test_an_emotion_that_was_judged_and_is_another_is_none(tmp_path: Path) -> None:
    talk = (say(0, 2, CUSTOMER, "退款"), say(90, 99, CUSTOMER, "好"))
    assert hits(tmp_path, "{none: [{emotion: HAPPY}], last: 25%}", *talk) == [99]
    assert hits(tmp_path, "{none: [{event: Cry}]}", say(0, 2, CUSTOMER, "退款", events=(AudioEvent.SPEECH,))) == [2]


TRIO = (say(0, 1, CUSTOMER, "甲事"), say(7, 8, AGENT, "乙事"), say(15, 16, CUSTOMER, "丙事"))
PARTS = ("{customer says: 甲事}", "{agent says: 乙事}", "{customer says: 丙事}")


@pytest.mark.parametrize("order", list(itertools.permutations(PARTS)))
def test_together_means_any_two_of_them_in_whatever_order_they_are_written(
    tmp_path: Path, order: tuple[str, ...]
) -> None:
    when = f"{{all: [{', '.join(order)}], together: "
    assert hits(tmp_path, when + "10s}", *TRIO) == []
    assert hits(tmp_path, when + "13999ms}", *TRIO) == []
    assert hits(tmp_path, when + "14s}", *TRIO) == [0]
    assert hits(tmp_path, when + "1 sentences}", *TRIO) == []
    assert hits(tmp_path, when + "2 sentences}", *TRIO) == [0]


def test_each_time_that_they_come_together_is_one_hit(tmp_path: Path) -> None:
    when = "{all: [{customer says: 骗人}, {emotion: ANGRY}], together: 5s}"
    calm, angry = say(0, 1, CUSTOMER, "骗人"), say(3, 4, CUSTOMER, "什么", ANGRY)
    assert hits(tmp_path, when, calm, angry, say(5, 6, CUSTOMER, "骗人")) == [0]
    assert hits(tmp_path, when, calm, angry, say(60, 61, CUSTOMER, "骗人", ANGRY)) == [0, 60]
    assert hits(tmp_path, when, calm, say(50, 51, CUSTOMER, "骗人"), say(53, 54, CUSTOMER, "什么", ANGRY)) == [50]


@pytest.mark.parametrize(
    "order", list(itertools.permutations(("{customer says: 压单}", "{none: [{agent says: 抱歉}]}")))
)
def test_none_beside_together_looks_around_the_others(tmp_path: Path, order: tuple[str, ...]) -> None:
    when = f"{{all: [{', '.join(order)}], together: 10s}}"
    asked = say(600, 602, CUSTOMER, "你们压单")
    assert hits(tmp_path, when, asked) == [600]
    assert hits(tmp_path, when, say(0, 2, AGENT, "抱歉"), asked) == [600]
    assert hits(tmp_path, when, say(588, 590, AGENT, "抱歉"), asked) == []
    assert hits(tmp_path, when, say(588, 589.9, AGENT, "抱歉"), asked) == [600]
    assert hits(tmp_path, when, asked, say(612, 613, AGENT, "抱歉")) == []
    assert hits(tmp_path, when, asked, say(612.1, 613, AGENT, "抱歉")) == [600]
    assert hits(tmp_path, when, say(588, 590, AGENT, "抱歉"), asked, say(700, 702, CUSTOMER, "压单")) == [700]


@pytest.mark.parametrize("fact", ["{call length: 1s}", "{utterances: {above: 1}}", "{any: [{call length: 1s}]}"])
def test_a_fact_of_the_call_is_near_everything(tmp_path: Path, fact: str) -> None:
    talk = (say(0, 1, CUSTOMER, "压单"), say(90, 99, AGENT, "您好"))
    for parts in ((fact, "{customer says: 压单}"), ("{customer says: 压单}", fact)):
        assert hits(tmp_path, f"{{all: [{', '.join(parts)}], together: 5s}}", *talk) == [0]
    assert hits(tmp_path, f"{{all: [{fact}, {{customer says: 没有}}], together: 5s}}", *talk) == []


@pytest.mark.parametrize(
    "branches",
    [
        "{customer says: [投诉]}, {customer says: [举报]}",
        "{customer says: [投诉]}, {anyone says: [举报]}",
        "{customer says: [投诉]}, {customer says: {any: [举抱], sounds_like: true}}",
        "{customer says: [投诉]}, {emotion: ANGRY}",
        "{any: [{customer says: [投诉]}, {emotion: ANGRY}]}, {customer says: [举报]}",
    ],
)
def test_a_sentence_counts_once_whatever_holds_in_it(tmp_path: Path, branches: str) -> None:
    talk = (say(3, 5, CUSTOMER, "我要投诉举报你们", ANGRY), say(6, 7, CUSTOMER, "别拦我", ANGRY))
    assert hits(tmp_path, f"{{any: [{branches}]}}", *talk) == [3]
    assert hits(tmp_path, f"{{any: [{branches}], times: 2}}", *talk) == []
    assert hits(tmp_path, f"{{any: [{branches}], times: 2}}", *talk, say(20, 21, CUSTOMER, "投诉")) == [20]


MENTIONS = tuple(say(at, at + 1, CUSTOMER, "发货") for at in (0, 100, 200))


def test_the_count_comes_first_and_then_the_exception(tmp_path: Path) -> None:
    when = "{customer says: [发货], times: 3, unless: [{agent says: [抱歉], within: 30s}]}"
    assert hits(tmp_path, when, MENTIONS[0], say(5, 6, AGENT, "抱歉"), *MENTIONS[1:]) == [200]
    assert hits(tmp_path, when, *MENTIONS, say(230, 231, AGENT, "抱歉")) == []
    assert hits(tmp_path, when, *MENTIONS, say(231.5, 232, AGENT, "抱歉")) == [200]
    second = "{customer says: [发货], nth: 2, unless: [{agent says: [抱歉], within: 30s}]}"
    assert hits(tmp_path, second, MENTIONS[0], say(5, 6, AGENT, "抱歉"), *MENTIONS[1:]) == [100]


def test_the_occurrence_of_a_rule_counts_the_hits_that_nothing_excuses(tmp_path: Path) -> None:
    when = "{customer says: [发货], unless: [{agent says: [抱歉], within: 30s}]}"
    talk = (MENTIONS[0], say(5, 6, AGENT, "抱歉"), *MENTIONS[1:])
    assert judge(tmp_path, when, *talk, more="    occurrence: {at_least: 3}\n").findings == ()
    (hit,) = judge(tmp_path, when, *talk, more="    occurrence: {at_least: 2}\n").findings
    assert hit.at_ms == 200_000


def test_the_time_after_a_repetition_counts_from_its_last_sentence(tmp_path: Path) -> None:
    when = "{repeats: customer, unless: [{agent says: 抱歉, within: 5s}]}"
    talk = (say(0, 2, CUSTOMER, "什么时候发货"), say(50, 52, CUSTOMER, "什么时候发货"))
    assert hits(tmp_path, when, *talk) == [50]
    assert hits(tmp_path, when, *talk, say(56, 57, AGENT, "抱歉")) == []
    assert hits(tmp_path, when, say(-0.0, 1, AGENT, "抱歉"), *talk) == [50]


def test_an_exception_may_lie_around_the_hit(tmp_path: Path) -> None:
    when = "{silence: 8s, unless: [{agent says: 请稍等, around: 3s}]}"
    wait, after = say(0, 2, AGENT, "请稍等"), say(12, 13, AGENT, "请稍等")
    assert hits(tmp_path, when, wait, say(12, 13, AGENT, "您好")) == []
    assert hits(tmp_path, when, say(0, 2, AGENT, "嗯"), after) == []
    assert hits(tmp_path, when, say(0, 2, AGENT, "嗯"), say(12, 13, AGENT, "您好")) == [2]
    with pytest.raises(ConfigError, match="around"):
        rule_set(tmp_path, "{silence: 8s, unless: [{agent says: 请稍等, around: 3s, within: 3s}]}")


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("{customer says: 发货, times: 2, within: 30s}", [40, 230]),
        ("{customer says: 发货, times: 3, within: 30s}", []),
        ("{customer says: 发货, times: 3, within: 40s}", [50]),
        ("{customer says: 发货, times: 2, within: 1 sentence}", [50, 230]),
        ("{any: [{customer says: 发货}, {agent says: 嗯}], times: 2, within: 5s}", [15]),
    ],
)
def test_so_many_may_be_asked_for_in_some_time(tmp_path: Path, when: str, expected: list[float]) -> None:
    talk = (
        say(10, 11, CUSTOMER, "发货"), say(15, 16, AGENT, "嗯"), say(40, 41, CUSTOMER, "发货"),
        say(50, 51, CUSTOMER, "发货"), say(201, 202, CUSTOMER, "发货"), say(230, 231, CUSTOMER, "发货"),
    )  # fmt: skip
    assert hits(tmp_path, when, *talk) == expected


def test_a_time_needs_something_that_is_counted_in_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="within"):
        rule_set(tmp_path, "{customer says: 发货, within: 30s}")


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("{agent says: 您好, first: 2 agent sentences}", [3, 5]),
        ("{agent says: 您好, first: 1 agent sentence}", [3]),
        ("{agent says: 您好, first: 1 agent turn}", [3, 5]),
        ("{agent says: 您好, last: 1 agent turn}", [9]),
        ("{agent says: 您好, last: 2 agent sentences}", [5, 9]),
        ("{agent says: 您好, last: 9 customer sentences}", [3, 5, 9]),
        ("{agent says: 您好, first: 2 sentences}", [3]),
    ],
)
def test_the_sentences_and_turns_of_one_role_may_be_counted(tmp_path: Path, when: str, expected: list[float]) -> None:
    talk = (
        say(0, 2, CUSTOMER, "喂"), say(3, 4, AGENT, "您好"), say(5, 6, AGENT, "您好"), say(7, 8, CUSTOMER, "喂"),
        say(9, 10, AGENT, "您好"),
    )  # fmt: skip
    assert hits(tmp_path, when, *talk) == expected


def test_sentences_of_a_role_are_no_distance(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="within"):
        rule_set(tmp_path, "{sequence: [{customer says: 发货}, {silence: 2s, within: 3 agent sentences}]}")


def test_sentences_of_a_role_may_be_written_in_chinese(tmp_path: Path) -> None:
    talk = (say(0, 2, CUSTOMER, "喂"), say(3, 4, AGENT, "您好"), say(5, 6, AGENT, "您好"))
    assert hits(tmp_path, "{客服说: 您好, 开头: 客服1句}", *talk) == [3]


ASKED_THREE_TIMES = (
    say(0, 2, CUSTOMER, "什么时候发货"),
    say(3, 4, AGENT, "不清楚"),
    say(5, 6, CUSTOMER, "那怎么办"),
    say(10, 12, AGENT, "不清楚"),
)


@pytest.mark.parametrize(
    ("window", "seconds"),
    [
        ("within: 4 sentences", [0]),
        ("earliest: 2 sentences, within: 4 sentences", [0]),
        ("earliest: 2 sentences, within: 2 sentences", []),
        ("earliest: 4 sentences", []),
        ("earliest: 8s", [0]),
        ("earliest: 9s", []),
        ("最早: 2句, 以内: 4句", [0]),
    ],
)
def test_a_step_may_have_to_come_some_sentences_later(tmp_path: Path, window: str, seconds: list[float]) -> None:
    when = f"{{sequence: [{{customer says: [发货]}}, {{agent says: [不清楚], {window}}}]}}"
    assert hits(tmp_path, when, *ASKED_THREE_TIMES) == seconds


@pytest.mark.parametrize(
    ("window", "seconds"),
    [
        ("earliest: 1 sentence", []),
        ("earliest: 2 sentences", []),
        ("earliest: 4 sentences", [0]),
        ("earliest: 8s", []),
        ("earliest: 8.5s", [0]),
        ("earliest: 2s, within: 5s", [0]),
    ],
)
def test_what_comes_too_early_does_not_excuse(tmp_path: Path, window: str, seconds: list[float]) -> None:
    when = f"{{customer says: [发货], unless: [{{agent says: [不清楚], {window}}}]}}"
    assert hits(tmp_path, when, *ASKED_THREE_TIMES) == seconds


def test_the_earliest_place_lies_before_the_last(tmp_path: Path) -> None:
    when = "{sequence: [{customer says: [发货]}, {agent says: [不清楚], earliest: 5 sentences, within: 4 sentences}]}"
    with pytest.raises(ConfigError, match="earliest: later than `within`, so nothing fits; write the smaller one here"):
        rule_set(tmp_path, when)
    with pytest.raises(ConfigError, match="the first step follows nothing"):
        rule_set(tmp_path, "{sequence: [{customer says: [发货], earliest: 2s}, {agent says: [不清楚]}]}")
    with pytest.raises(ConfigError, match="it belongs to a later step of `sequence`, or to an exception of `unless`"):
        rule_set(tmp_path, "{customer says: [发货], earliest: 2s}")
