"""What the bundled reader looks at: n-grams, neighbours, and the numbers beside them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qareport.model import AudioEvent, Emotion
from qareport.understanding.features import (
    CONTEXTS,
    FORM,
    LONGEST_GRAM,
    NUMBERS,
    Utterance,
    Vocabulary,
    grams_of,
    neighbours,
    normal_form,
    numbers_of,
    plain_form,
)
from tests.support.calls import AGENT, CUSTOMER, say

TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)


def listed(text: str) -> list[str]:
    """Write the n-grams of a text out, in the order of `grams_of`."""
    marked = f"^{text}$"
    return [
        marked[start : start + size]
        for size in range(1, LONGEST_GRAM + 1)
        for start in range(len(marked) - size + 1)
    ]  # fmt: skip


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_every_n_gram_of_every_sentence_is_hashed_and_none_across_sentences(texts: list[str]) -> None:
    keys, owners, sizes, offsets = grams_of(texts)
    known: dict[str, int] = {}
    for key, owner, size, offset in zip(keys.tolist(), owners.tolist(), sizes.tolist(), offsets.tolist(), strict=True):
        gram = f"^{texts[owner]}$"[offset : offset + size]
        assert len(gram) == size
        assert known.setdefault(gram, key) == key
    assert len(set(known.values())) == len(known)
    assert len(keys) == sum(len(listed(text)) for text in texts)


def test_hashes_are_those_that_trained_models_know() -> None:
    """They are in the model file: other hashes need another `FORM`, and a new model."""
    keys, _, sizes, _ = grams_of(["发货"])
    assert FORM == 5
    assert [hex(key) for key in keys[sizes == LONGEST_GRAM].tolist()] == ["0x4ce36cba649b9db6"]


def test_a_vocabulary_finds_what_it_knows_once_a_sentence() -> None:
    keys = np.unique(grams_of(["发货"])[0])
    vocabulary = Vocabulary(keys, np.arange(len(keys), dtype=np.int32)[::-1].copy())
    owners, grams = vocabulary.encode(["什么", "发货发货", "货"])
    assert owners.tolist() == sorted(owners.tolist())
    counts = np.bincount(owners, minlength=3)
    # ^ and $ of the first; all but ^发货$ of the second, once; ^ 货 $ 货$ of the third.
    assert counts.tolist() == [2, len(keys) - 1, 4]
    assert all(len(set(grams[owners == index].tolist())) == counts[index] for index in range(3))


@given(st.sets(st.integers(0, 2**64 - 1), min_size=1, max_size=40), st.lists(st.integers(0, 2**64 - 1), max_size=9))
def test_a_vocabulary_finds_every_hash_that_it_has_and_no_other(known: set[int], others: list[int]) -> None:
    keys = np.array(sorted(known), dtype=np.uint64)
    found = Vocabulary(keys, np.arange(len(keys), dtype=np.int32)).find(np.array([*sorted(known), *others], np.uint64))
    place = {key: number for number, key in enumerate(sorted(known))}
    assert found.tolist() == [*range(len(keys)), *(place.get(key, -1) for key in others)]


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("订单 20240512 发了没？", "订单 0 发了没?"),
        ("３２８．５元，ＯＫ", "0元,ok"),
        ("  a\n\tB  ", "a b"),
        ("8:30 到 9:00", "0 到 0"),
    ],
)
def test_numbers_and_widths_make_no_difference(text: str, normal: str) -> None:
    assert normal_form(text) == normal
    assert normal_form(normal) == normal


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("@中国联通广东客服 网太慢", "网太慢"),
        ("再不修我就@工信部 了", "再不修我就 工信部 了"),
        ("看这里 https://example.com/a?b=1 [呵呵]", "看这里"),
    ],
)
def test_chats_lose_what_nobody_says_but_keep_whom_they_call_in(text: str, normal: str) -> None:
    assert normal_form(text) == normal
    assert normal_form(normal) == normal


def around(name: str, customers: list[bool]) -> dict[int, list[int]]:
    stretches = neighbours(np.array(customers, dtype=np.bool_))[name]
    edges = zip(*(edge.tolist() for edge in stretches), strict=True)
    return {target: list(range(*stretch)) for target, stretch in enumerate(edges) if stretch[0] != stretch[1]}


def test_turns_around_a_sentence_are_its_context() -> None:
    # c c c c | a a a | c | a
    customers = [True] * 4 + [False] * 3 + [True, False]
    assert around("turn", customers) == {1: [0], 2: [0, 1], 3: [0, 1, 2], 5: [4], 6: [4, 5]}
    assert around("before", customers) == {
        4: [1, 2, 3], 5: [1, 2, 3], 6: [1, 2, 3], 7: [4, 5, 6], 8: [7],
    }  # fmt: skip
    assert around("own_before", customers) == {7: [1, 2, 3], 8: [4, 5, 6]}
    assert around("next", customers) == {**{index: [4, 5] for index in range(4)}, 4: [7], 5: [7], 6: [7], 7: [8]}


def test_nobody_and_a_single_sentence_have_no_context() -> None:
    for customers in ([], [True]):
        assert all(around(name, customers) == {} for name in CONTEXTS)


def sentence(
    text: str, *, customer: bool = True, at: float = 0, emotion: Emotion | None = Emotion.NEUTRAL
) -> Utterance:
    return Utterance(normal_form(text), customer, at, at + 2, emotion)


def number(name: str, *sentences: Utterance) -> list[float]:
    return [round(float(value), 3) for value in numbers_of(sentences)[:, NUMBERS.index(name)]]


def test_numbers_tell_place_question_and_pauses() -> None:
    said = (sentence("发货了吗？"), sentence("在的", customer=False, at=6), sentence("好", at=9))
    assert number("question", *said) == [1, 0, 0]
    assert number("first", *said) == [1, 0, 0]
    assert number("last", *said) == [0, 0, 1]
    assert number("place", *said) == [0, 0.5, 1]
    assert number("pause_before", *said) == [0, 1, 0.25]
    assert number("pause_after", *said) == [1, 0.25, 0]
    assert number("goes_on", *said) == [0, 0, 0]


def test_numbers_tell_what_was_said_before() -> None:
    said = (
        sentence("我的橘子什么时候发货"),
        sentence("橘子很甜", customer=False),
        sentence("橘子到底什么时候发货"),
    )
    before, back = number("said_before", *said), number("says_back", *said)
    assert before[0] == before[1] == 0
    assert before[2] > 0.6
    assert back[1] > 0
    assert 0 < back[2] < before[2]


def test_what_was_not_heard_is_zero_and_told_apart_from_calm() -> None:
    calm, unheard = sentence("好"), sentence("好", at=9, emotion=None)
    assert number("judged", calm, unheard) == [1, 0]
    assert number("is_neutral", calm, unheard) == [1, 0]
    assert number("pause_before", calm, unheard)[1] == 0


def test_numbers_stay_small_in_a_call_of_any_length() -> None:
    said = [sentence("什么时候发货？" * 40, customer=index % 3 > 0, at=index * 90.0) for index in range(200)]
    values = numbers_of(said)
    assert values.shape == (200, len(NUMBERS))
    assert values.min() >= -1
    assert values.max() <= 2


def test_a_sentence_is_made_of_what_a_segment_holds() -> None:
    segment = say(1, 3, CUSTOMER, "呵呵，2 天了？", Emotion.ANGRY, events=(AudioEvent.LAUGHTER,))
    words, plain = "呵呵,0 天了?", "呵呵,2,天了?"
    assert Utterance.of(segment) == Utterance(words, True, 1.0, 3.0, Emotion.ANGRY, laughs=True, said=plain)
    assert not Utterance.of(say(1, 3, AGENT, "好")).is_customer


def test_plain_form_keeps_the_place_of_each_letter() -> None:
    assert plain_form("再不退　錢！我就去１２３１５…Ｔel：１？") == "再不退,钱,我就去12315,tel:1?"
