"""The labelled calls follow the guide, and the check of them can fail."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from corpus.agreement import compare, first_labels, kappa, second_labels
from corpus.check import check, problems
from corpus.convert import convert, read
from tests.support.paths import ROOT

BATCHES = sorted((ROOT / "corpus" / "calls").glob("*.jsonl"))
CALL: dict[str, Any] = json.loads(BATCHES[-1].read_text("utf-8").splitlines()[0])


@pytest.mark.parametrize("path", BATCHES, ids=lambda path: path.stem)
def test_every_call_of_a_batch_follows_the_guide(path: Path) -> None:
    assert check(path) == []


def test_no_call_is_in_two_batches() -> None:
    ids = [json.loads(line)["id"] for path in BATCHES for line in path.read_text("utf-8").splitlines()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda call: call["segments"][0].__setitem__(2, "boss"), "role 'boss'"),
        (lambda call: call["segments"][0].__setitem__(6, ["sing"]), "acts ['sing']"),
        (lambda call: call["segments"][0].__setitem__(1, -1.0), "segment 1: from"),
        (lambda call: call["truth"]["moments"].append(["irony", 12345.0]), "no segment begins there"),
        (lambda call: call["truth"]["topics"].append("天气"), "topic '天气'"),
        (lambda call: call["truth"]["masked"].append("13900000000000"), "is in no segment"),
        (lambda call: call["truth"].pop("risk"), "truth lacks risk"),
        (lambda call: call["truth"].__setitem__("risk", ["huge"]), "risk ['huge']"),
    ],
)
def test_a_call_that_breaks_the_guide_is_named(change: Any, says: str) -> None:
    call = copy.deepcopy(CALL)
    assert list(problems(call)) == []
    change(call)
    assert any(says in problem for problem in problems(call))


def test_the_example_of_how_calls_are_written_converts_and_follows_the_guide() -> None:
    page = (ROOT / "corpus" / "writing.md").read_text("utf-8")
    (draft,) = read(page.split("```text\n")[1].split("```")[0].splitlines())
    assert not isinstance(draft, str)
    call = convert(draft)
    assert list(problems(call)) == []
    silence, irony = call["truth"]["moments"]
    assert (silence[0], irony[0], call["truth"]["optional"][0][0]) == ("silence", "irony", "repeat")
    assert call["segments"][5][4:] == ["ANGRY", ["Speech", "Laughter"], ["sarcasm"]]
    assert call["segments"][3][0] - call["segments"][2][1] == pytest.approx(6.0)
    assert call == convert(draft)


def test_a_line_that_is_not_understood_is_named() -> None:
    draft, *_ = read(["## X1 note", "x what is this"])
    assert draft == "line 2 is not understood: x what is this"


def test_kappa_is_that_of_the_textbook() -> None:
    # Observed agreement 0.7, expected 0.5: Cohen (1960) gives 0.4.
    pairs = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15
    assert kappa(pairs) == pytest.approx(0.4)


def test_a_labeller_agrees_with_himself_and_not_with_one_who_sees_nothing() -> None:
    calls = [json.loads(line) for line in (ROOT / "corpus" / "calls" / "R.jsonl").read_text("utf-8").splitlines()]
    roles = [[segment[2] for segment in call["segments"]] for call in calls]
    labels = [first_labels(call) for call in calls]
    same = compare(list(zip(labels, labels, strict=True)), roles)
    assert {value["f1"] for value in same["moments_f1"].values()} == {1.0}
    assert set(same["acts_kappa"].values()) == {1.0}
    blind = [second_labels([f"## {call['id']}", "s 0 low"], {})[call["id"]] for call in calls]
    other = compare(list(zip(labels, blind, strict=True)), roles)
    assert {value["f1"] for value in other["moments_f1"].values()} == {0.0}
    assert other["agent_ok_kappa"] == 0


def test_every_second_labelling_is_of_a_batch_and_of_all_its_lines() -> None:
    for path in sorted((ROOT / "corpus" / "second").glob("*.txt")):
        calls = [
            json.loads(line) for line in (ROOT / "corpus/calls" / f"{path.stem}.jsonl").read_text("utf-8").splitlines()
        ]
        roles = {call["id"]: [segment[2] for segment in call["segments"]] for call in calls}
        second = second_labels(path.read_text("utf-8").splitlines(), roles)
        assert {name: sorted(labels.acts) for name, labels in second.items()} == {
            name: list(range(1, len(who) + 1)) for name, who in roles.items()
        }
