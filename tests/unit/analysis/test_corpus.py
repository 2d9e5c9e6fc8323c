"""The labelled corpus: with the acts of its labels, moments, promises and risk are the labelled ones."""

from __future__ import annotations

from collections import Counter

import pytest

from corpus.score import count_moments, count_promises, total
from qareport.model import Analysis
from qareport.rules import assess_risk
from tests.support.calls import analyse_transcript
from tests.support.corpus_calls import HELD_OUT, read_cases, transcript_of

KINDS = ("churn_signal", "escalation", "repeat", "no_answer", "recovery", "irony", "broken_promise")


@pytest.fixture(scope="module")
def analysed() -> list[tuple[dict[str, object], Analysis]]:
    return [(case, analyse_transcript(transcript_of(case, with_acts=True))) for case in read_cases(HELD_OUT)]


@pytest.mark.parametrize("kind", KINDS)
def test_moments_on_acts_are_the_labelled_ones(analysed: list[tuple[dict[str, object], Analysis]], kind: str) -> None:
    count = total([count_moments(case, analysis, kind) for case, analysis in analysed])
    assert count.right + count.missed >= 15, "too few to say anything"
    assert count.f1 >= 0.95


def test_telling_silences_are_the_labelled_ones(analysed: list[tuple[dict[str, object], Analysis]]) -> None:
    count = total([count_moments(case, analysis, "silence") for case, analysis in analysed])
    assert count.right + count.missed >= 30
    assert count.f1 >= 0.85


def test_promises_are_the_labelled_ones(analysed: list[tuple[dict[str, object], Analysis]]) -> None:
    assert total([count_promises(case, analysis) for case, analysis in analysed]).f1 >= 0.85


def test_the_risk_is_one_of_the_labelled_ones(analysed: list[tuple[dict[str, object], Analysis]]) -> None:
    right = Counter(
        assess_risk((), analysis.moments, transcript_of(case, with_acts=True).segments).risk in case["truth"]["risk"]  # type: ignore[index]
        for case, analysis in analysed
    )
    assert right[True] >= 0.9 * len(analysed)
