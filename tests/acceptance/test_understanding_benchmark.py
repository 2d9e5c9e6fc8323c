"""The scorer of what is understood: it counts as the guide says, and as the scorer beside the labelled sets does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmarks.recogniser_errors import spoil_calls
from benchmarks.understanding import COUNTED, SHARES, batch_of, figures, language_of, report_of, score_calls
from corpus.check import problems
from corpus.score import ALARMS, CallScore, Count, score_report
from qareport.settings import default_dir
from qareport.workflows.judge import RuleBook
from qareport.workflows.workspace import Workspace
from tests.support.corpus_calls import read_cases, transcript_of
from tests.support.paths import ROOT, SHARED

SCORER = SHARED / "assets" / "field" / "score_field.py"
#: Calls of a batch that is in training: enough of every kind, and nothing is learned from them here.
CALLS = 40


@pytest.fixture(scope="module")
def rule_book() -> RuleBook:
    return Workspace.open(config=default_dir("config")).rule_book


@pytest.fixture(scope="module")
def cases() -> list[dict[str, Any]]:
    return list(read_cases(("H",)))[:CALLS]


@pytest.mark.skipif(not SCORER.is_file(), reason="needs ../shared/assets")
def test_counts_are_those_of_the_scorer_beside_the_labelled_sets(
    cases: list[dict[str, Any]], rule_book: RuleBook, tmp_path: Path
) -> None:
    (tmp_path / "calls.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases), "utf-8")
    program = tmp_path / "qareport"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m qareport "$@"\n', "utf-8")
    program.chmod(0o755)
    command = [sys.executable, str(SCORER), str(program), str(tmp_path / "calls.jsonl")]
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    rows = {row[0]: Count(*map(int, row[1:])) for row in re.findall(r"^(\w+) +(\d+) +(\d+) +(\d+)", told, re.MULTILINE)}
    ours = figures(score_calls(cases, rule_book), intervals=False)
    assert rows == {kind: Count(*(ours[kind][name] for name in Count._fields)) for kind in COUNTED}
    shares = re.findall(r"(\d+) of (\d+)", told)
    assert shares == [(str(ours[name]["count"]), str(ours[name]["of"])) for name in SHARES]


def test_a_report_that_says_what_the_labels_say_is_right_in_everything(rule_book: RuleBook) -> None:
    (case,) = [case for case in read_cases(("H",)) if len({kind for kind, _ in case["truth"]["moments"]}) >= 4][:1]
    report, text = report_of(transcript_of(case, with_acts=True), rule_book)
    score = score_report(case, report, text)
    assert sum(score.counts[kind].right for kind in ALARMS) >= 3
    assert {kind: count for kind, count in score.counts.items() if count.false or count.missed} == {}
    assert score.risk_right
    assert score.accused is not score.agent_ok


def test_optional_moments_count_neither_way_and_others_do(rule_book: RuleBook) -> None:
    case = next(
        case for case in read_cases(("H",)) if [kind for kind, _ in case["truth"]["moments"]].count("escalation") == 1
    )
    report, text = report_of(transcript_of(case, with_acts=True), rule_book)
    ((kind, at_s),) = [moment for moment in case["truth"]["moments"] if moment[0] == "escalation"]

    def count(moments: list[list[object]], optional: list[list[object]]) -> Count:
        truth = {**case["truth"], "moments": moments, "optional": optional}
        return score_report({**case, "truth": truth}, report, text).counts["escalation"]

    assert count([[kind, at_s + 2.9]], []) == (1, 0, 0)
    assert count([[kind, at_s + 3.1]], []) == (0, 1, 1)
    assert count([], [[kind, at_s]]) == (0, 0, 0)
    assert count([], []) == (0, 1, 0)


def scores(*counts: Count) -> list[tuple[dict[str, Any], CallScore]]:
    return [
        ({"id": f"X{place}"}, CallScore(dict.fromkeys(COUNTED, count), True, True, False, 0))
        for place, count in enumerate(counts)
    ]


def test_intervals_hold_the_figure_narrow_with_more_calls_and_are_the_same_each_time() -> None:
    few, many = (scores(*[Count(1, 0, 0), Count(0, 1, 1), Count(2, 0, 1)] * times) for times in (4, 40))
    for name in ("precision", "recall", "f1"):
        low, high = figures(few)["irony"][f"{name}_95"]
        assert low < figures(few)["irony"][name] < high
        narrow_low, narrow_high = figures(many)["irony"][f"{name}_95"]
        assert narrow_high - narrow_low < (high - low) / 2
    assert figures(few) == figures(few)


def test_what_was_never_labelled_nor_found_has_no_figures() -> None:
    nothing = figures(scores(Count(), Count()))["irony"]
    assert nothing == {
        "right": 0, "false": 0, "missed": 0, "precision": None, "recall": None, "f1": None,
        "precision_95": None, "recall_95": None, "f1_95": None,
    }  # fmt: skip


def test_languages_and_batches_are_told_apart() -> None:
    batch = list(read_cases(("Z",)))
    assert Counter(map(language_of, batch)) == {"mandarin": 46, "cantonese": 12, "english": 12}
    assert {batch_of(case) for case in batch} == {"Z"}
    assert {batch_of(case) for case in read_cases(("AE",))} == {"AE"}


@pytest.fixture(scope="module")
def spoiled(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list(spoil_calls(cases, {"的": "得", "了": "乐"}))


def test_spoiled_calls_keep_their_labels_at_their_sentences(
    cases: list[dict[str, Any]], spoiled: list[dict[str, Any]]
) -> None:
    for case, copy in zip(cases, spoiled, strict=True):
        starts = {segment[0] for segment in copy["segments"]}
        assert [kind for kind, _ in copy["truth"]["moments"]] == [kind for kind, _ in case["truth"]["moments"]]
        assert all(at_s in starts for kind, at_s in copy["truth"]["moments"] if kind != "silence")
        assert [problem for problem in problems(copy) if "silence" in problem] == []


def words_of(case: dict[str, Any]) -> str:
    return "".join(segment[3] for segment in case["segments"])


def test_spoiled_calls_are_spoiled_and_the_same_each_time(
    cases: list[dict[str, Any]], spoiled: list[dict[str, Any]]
) -> None:
    assert list(spoil_calls(cases, {"的": "得", "了": "乐"})) == spoiled
    assert sum(len(case["segments"]) for case in spoiled) < sum(len(case["segments"]) for case in cases)
    assert "".join(map(words_of, spoiled)).count("乐") > "".join(map(words_of, cases)).count("乐")
    assert any("，" not in words_of(copy) for copy in spoiled)
    assert any(segment[4] == "EMO_UNKNOWN" for copy in spoiled for segment in copy["segments"])
