"""Batches hold chunks of like length within their budget."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qareport.asr.interfaces import plan_batches


def test_chunks_of_like_length_go_together() -> None:
    assert plan_batches([10, 100, 12, 90], budget=200) == [[1, 3], [2, 0]]


def test_a_chunk_over_the_budget_has_a_batch_to_itself() -> None:
    assert plan_batches([5, 500, 5], budget=20) == [[1], [0, 2]]


def test_no_chunks_make_no_batches() -> None:
    assert plan_batches([], budget=10) == []


@given(st.lists(st.integers(1, 300), max_size=60), st.integers(1, 2000))
def test_every_chunk_is_in_one_batch_and_padding_counts(frames: list[int], budget: int) -> None:
    batches = plan_batches(frames, budget=budget)
    assert sorted(index for batch in batches for index in batch) == list(range(len(frames)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(frames[index] for index in batch) <= budget
