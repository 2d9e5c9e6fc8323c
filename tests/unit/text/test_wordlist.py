"""Words that are found by their sound: homophones as recognisers write them, and not what only sounds alike."""

from __future__ import annotations

import pytest

from qareport.rules.role_speech import RoleSpeech
from qareport.text import wordlist
from qareport.text.pinyin import sound
from qareport.text.wordlist import Match, WordList
from tests.support.calls import TOPICS


@pytest.mark.parametrize(
    ("first", "second"),
    [("退款", "推宽"), ("主管", "组管"), ("牛奶", "流来"), ("进京", "惊今"), ("山城", "三层"), ("帮忙", "班满")],
)
def test_homophones_and_what_many_do_not_tell_apart_sound_the_same(first: str, second: str) -> None:
    assert sound(first) == sound(second)


@pytest.mark.parametrize(("first", "second"), [("退款", "贷款"), ("发货", "发话"), ("运费", "运货")])
def test_other_syllables_sound_different(first: str, second: str) -> None:
    assert sound(first) != sound(second)


def test_a_sound_is_as_long_as_its_text_and_leaves_latin_letters_alone() -> None:
    assert len(sound("买了2件XL的")) == len("买了2件XL的")
    assert sound("order 39.9") == "order 39.9"


def test_a_homophone_is_found_only_where_the_list_allows_it_and_is_marked() -> None:
    strict, tolerant = WordList(("退款",)), WordList(("退款",), sounds_like=True)
    assert strict.match("我的退宽呢") is None
    assert tolerant.match("我的退宽呢") == Match("退款", "退宽", fuzzy=True)
    assert tolerant.find("我的退宽呢") is None
    assert not strict._sound_spelling  # made for nothing, it would load the sounds of all characters


def test_an_exact_word_wins_over_an_earlier_one_that_only_sounds_like_it() -> None:
    assert WordList(("退款",), sounds_like=True).match("退宽就是退款") == Match("退款", "退款")


@pytest.mark.parametrize("text", ["等了五六天", "一位女士", "你尽力吧", "帮我加个微信"])
def test_what_shares_no_character_with_the_word_is_not_taken_for_it(text: str) -> None:
    words = WordList(("物流", "律师", "经理", "价格"), sounds_like=True)
    assert words.match(text) is None


def test_false_friends_and_exceptions_are_not_taken_for_the_word() -> None:
    words = WordList(("记者",), ("寄着",), sounds_like=True, false_friends=("记着",))
    assert words.match("你给我记着") is None
    assert words.match("我找记折") == Match("记者", "记折", fuzzy=True)


def test_a_misheard_word_is_found_and_marked() -> None:
    refund = WordList(("退款",), sounds_like=True)
    assert refund.match("我的退宽呢") == Match("退款", "退宽", fuzzy=True)
    assert refund.match("我的退款呢") == Match("退款", "退款")


def test_anger_at_a_person_is_no_talk_of_shipping() -> None:
    shipping = WordList(("发货",), sounds_like=True, false_friends=TOPICS.topics[0].words.false_friends)
    assert shipping.match("你别对我发火") is None
    assert shipping.match("什么时候能发火") == Match("发货", "发火", fuzzy=True)


@pytest.mark.parametrize(("word", "text"), [("iphone", "我的iphone15坏了"), ("qq", "加qq12345"), ("5g", "5g手机")])
def test_a_latin_word_is_found_beside_a_number(word: str, text: str) -> None:
    assert WordList((word,)).find(text) == word


@pytest.mark.parametrize(
    ("word", "text"), [("三天", "等了十三天"), ("十分钟", "等了四十分钟"), ("一次", "二十一次"), ("一点", "十一点到的")]
)
def test_a_part_of_a_number_in_words_is_not_found(word: str, text: str) -> None:
    assert WordList((word,)).find(text) is None


@pytest.mark.parametrize(
    ("word", "text"), [("三天", "等了三天"), ("一次", "第一次"), ("一下", "万一下雨"), ("一定", "千万一定要")]
)
def test_a_word_that_only_begins_like_a_number_is_found_anywhere(word: str, text: str) -> None:
    assert WordList((word,)).find(text) == word


@pytest.mark.parametrize(("word", "text"), [("refund", "refunded"), ("15", "iphone15"), ("12315", "9123150")])
def test_a_part_of_a_latin_word_or_of_a_number_is_not_found(word: str, text: str) -> None:
    assert WordList((word,)).find(text) is None


def test_what_was_heard_of_one_call_is_let_go_when_the_next_is_judged() -> None:
    kept = wordlist._pairs_of_sentence.cache_info
    before = kept().currsize
    speech = RoleSpeech((), tuple(f"第{number}句话说的是别的事" for number in range(300)), ("",) * 300)
    assert speech.text
    assert kept().currsize == before
