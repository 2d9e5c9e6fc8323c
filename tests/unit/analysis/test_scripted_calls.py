"""Scripted conversations: what was written is what is found, where no understanding of words is needed."""

from __future__ import annotations

import pytest

from tests.corpus.score import Count, score
from tests.corpus.script import PER_SPLIT, write_conversation, write_split
from tests.support.calls import analyse_transcript

#: A little below what benchmarks/results/analysis_quality.json holds, so that a slip fails and a re-wording does not.
FLOOR = 0.93


@pytest.fixture(scope="module")
def counts() -> dict[str, Count]:
    return score(write_split(held_out=True), lambda conversation: analyse_transcript(conversation.transcript))


@pytest.mark.parametrize("kind", ["emotion", "interruption", "pauses", "overlaps"])
def test_every_kind_is_found_in_conversations_that_nothing_was_tuned_on(counts: dict[str, Count], kind: str) -> None:
    count = counts[kind]
    assert count.hits + count.missed >= 30, "too few to say anything"
    assert count.f1 >= FLOOR


def test_personal_data_is_found_and_amounts_times_and_orders_are_left_alone(counts: dict[str, Count]) -> None:
    assert counts["personal"].hits + counts["personal"].missed >= 100
    assert counts["personal"].recall >= 0.99
    assert counts["personal"].precision >= 0.97


def test_the_script_is_the_same_every_time_and_its_splits_share_no_sentence() -> None:
    assert write_conversation(7, held_out=True) == write_conversation(7, held_out=True)
    tuned, held_out = (
        {segment.text for conversation in write_split(held_out=side) for segment in conversation.transcript.segments}
        for side in (False, True)
    )
    assert tuned & held_out == {"嗯。", "对。", "好的，再见。"}
    assert 2 * PER_SPLIT == 300
