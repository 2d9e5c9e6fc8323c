"""The labelled calls follow the guide, and the check of them can fail."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from corpus.check import check, problems
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
