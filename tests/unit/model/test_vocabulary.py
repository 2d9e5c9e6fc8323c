"""Facts that several packages share: one value each, and the words and documents that tell of them agree."""

from __future__ import annotations

import re

from qareport.analysis.emotion import WEIGHTS
from qareport.model import (
    CALLBACK_REPEATS,
    CALLBACK_SCORE_WEIGHT,
    CALLBACK_WEIGHTS,
    NEGATIVE_EMOTIONS,
    CallbackReason,
)
from qareport.report.period import period_wording
from qareport.settings import AnalysisSettings, load
from tests.support.paths import ROOT


def test_negative_emotions_are_those_of_negative_valence() -> None:
    assert set(NEGATIVE_EMOTIONS) == {emotion for emotion, weight in WEIGHTS.items() if weight < 0}


def test_the_silence_of_the_bundled_settings_is_the_default() -> None:
    assert load(ROOT / "config").analysis.silence_ms == AnalysisSettings().silence_ms


def test_every_reason_to_call_back_has_a_weight_and_the_documentation_names_it() -> None:
    assert set(CALLBACK_WEIGHTS) == set(CallbackReason) == set(period_wording.REASONS)
    page = (ROOT / "docs/daily-report.md").read_text("utf-8")
    documented = [re.findall(r"\d+", row) for row in re.findall(r"^\| \S+ \| ([^|\d]*\d[^|]*) \|", page, re.MULTILINE)]
    most = CALLBACK_WEIGHTS[CallbackReason.REPEATED_CALLS] * CALLBACK_REPEATS
    expected = [[str(weight)] for weight in CALLBACK_WEIGHTS.values()] + [[str(CALLBACK_SCORE_WEIGHT)]]
    expected[list(CALLBACK_WEIGHTS).index(CallbackReason.REPEATED_CALLS)].append(str(most))
    assert documented == expected
