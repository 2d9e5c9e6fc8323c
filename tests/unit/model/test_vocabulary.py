"""Facts that several packages share: one value each, and the words and documents that tell of them agree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qareport.analysis.emotion import WEIGHTS
from qareport.codec import to_data
from qareport.model import (
    CALLBACK_REPEATS,
    CALLBACK_SCORE_WEIGHT,
    CALLBACK_WEIGHTS,
    NEGATIVE_EMOTIONS,
    CallbackReason,
    Moment,
    MomentKind,
    MomentLabel,
    Role,
)
from qareport.presentation import wording
from qareport.presentation.locale import speaking
from qareport.report.period import terms
from qareport.settings import AnalysisSettings, load
from tests.support.paths import ROOT


def test_negative_emotions_are_those_of_negative_valence() -> None:
    assert set(NEGATIVE_EMOTIONS) == {emotion for emotion, weight in WEIGHTS.items() if weight < 0}


def test_the_silence_of_the_bundled_settings_is_the_default() -> None:
    assert load(ROOT / "config").analysis.silence_ms == AnalysisSettings().silence_ms


def test_every_reason_to_call_back_has_a_weight_and_is_worded() -> None:
    assert set(CALLBACK_WEIGHTS) == set(CallbackReason) == set(terms.REASONS)


@pytest.mark.parametrize("path", sorted((ROOT / "docs").rglob("daily-report*.md")), ids=lambda path: path.name)
def test_the_documentation_gives_the_weights_of_callbacks(path: Path) -> None:
    rows = re.findall(r"^\| [^|]+ \| (\D{0,12}\d+[^|]*) \| [^|]+ \|$", path.read_text("utf-8"), re.MULTILINE)
    most = CALLBACK_WEIGHTS[CallbackReason.REPEATED_CALLS] * CALLBACK_REPEATS
    expected = [[str(weight)] for weight in CALLBACK_WEIGHTS.values()] + [[str(CALLBACK_SCORE_WEIGHT)]]
    expected[list(CALLBACK_WEIGHTS).index(CallbackReason.REPEATED_CALLS)].append(str(most))
    assert [re.findall(r"\d+", row) for row in rows] == expected


def test_every_label_of_the_program_is_worded_and_can_be_named_by_its_code_or_in_chinese() -> None:
    assert set(wording.LABELS) == set(MomentLabel)
    for code, text in wording.LABEL_SOURCES.items():
        assert wording.label_code(code.value) is wording.label_code(text) is code
    assert wording.label_code("追问") is None


def test_the_json_holds_the_label_in_chinese_beside_its_code() -> None:
    moment = Moment(
        at_ms=0, end_ms=1, kind=MomentKind.REPEAT, role=Role.CUSTOMER, label_code=MomentLabel.GIVE_UP, quote=""
    )
    data = to_data(wording.with_label(moment))
    assert (data["label"], data["label_code"]) == ("放弃", "give_up")
    with speaking("en"):
        assert wording.with_label(moment).label == "放弃"
        assert wording.label(moment) == "about to give up"


def test_the_label_of_another_program_stays_as_it_was_written() -> None:
    moment = Moment(at_ms=0, end_ms=1, kind=MomentKind.REPEAT, role=Role.CUSTOMER, label="追问", quote="")
    assert wording.with_label(moment) == moment
    with speaking("en"):
        assert wording.label(moment) == "追问"
