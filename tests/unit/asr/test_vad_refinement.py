"""Long utterances are cut where they are quietest."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qareport.asr.vad_refinement import merge_spans, split_long


def loud_with_gaps(seconds: int, *gaps_ms: int) -> np.ndarray:
    samples = np.random.default_rng(0).standard_normal(seconds * 16_000).astype(np.float32) * 0.1
    for gap in gaps_ms:
        samples[gap * 16 - 800 : gap * 16 + 800] *= 0.01
    return samples


def test_a_short_utterance_stays_whole() -> None:
    assert split_long(loud_with_gaps(5), [(0, 5000)], max_ms=5000) == [(0, 5000)]


def test_the_cut_falls_into_the_gap() -> None:
    first, second = split_long(loud_with_gaps(20, 9000), [(0, 20_000)], max_ms=15_000)
    assert abs(first[1] - 9000) <= 20
    assert second == (first[1], 20_000)


def test_a_gap_before_a_third_of_the_limit_is_left_alone() -> None:
    first, _ = split_long(loud_with_gaps(20, 2000, 12_000), [(0, 20_000)], max_ms=15_000)
    assert abs(first[1] - 12_000) <= 20


def test_dead_silence_is_cut_too() -> None:
    spans = split_long(np.zeros(16_000 * 40, np.float32), [(0, 40_000)], max_ms=15_000)
    assert all(end - start <= 15_000 for start, end in spans)


@given(
    start=st.integers(0, 3000),
    length=st.integers(1, 30_000),
    max_ms=st.integers(300, 15_000),
    seed=st.integers(0, 5),
)
def test_cuts_lose_nothing_and_keep_the_limit(start: int, length: int, max_ms: int, seed: int) -> None:
    end = start + length
    samples = np.random.default_rng(seed).standard_normal(end * 16).astype(np.float32)
    spans = split_long(samples, [(start, end)], max_ms=max_ms)
    assert (spans[0][0], spans[-1][1]) == (start, end)
    assert all(before[1] == after[0] for before, after in itertools.pairwise(spans))
    assert all(0 < last - first <= max_ms for first, last in spans)


def test_near_utterances_of_one_channel_are_joined_up_to_the_length() -> None:
    spans = [(0, 1000), (1500, 2500), (3000, 9000), (9700, 9900)]
    assert merge_spans([spans], gap_ms=500, length_ms=8000) == [[(0, 2500), (3000, 9000), (9700, 9900)]]
    assert merge_spans([spans], gap_ms=700, length_ms=20_000) == [[(0, 9900)]]
    assert merge_spans([spans], gap_ms=0, length_ms=20_000) == [spans]


def test_utterances_with_an_answer_between_them_stay_apart() -> None:
    agent, customer = [(0, 1000), (1500, 2500), (2900, 4000)], [(1200, 1400)]
    assert merge_spans([agent, customer], gap_ms=600, length_ms=9000) == [[(0, 1000), (1500, 4000)], customer]


def test_speech_that_began_earlier_on_another_channel_parts_nothing() -> None:
    assert merge_spans([[(0, 1000), (1500, 2500)], [(800, 3000)]], gap_ms=600, length_ms=9000)[0] == [(0, 2500)]
