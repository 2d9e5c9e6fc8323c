"""Broken rule files: each is answered with its line, its column and a message that a person understands."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml

from qareport import rules
from qareport.errors import ConfigError
from tests.support.paths import ROOT

FOLDER = ROOT / "tests" / "unit" / "rules" / "broken_rules"
EXPECTED: dict[str, list[str]] = yaml.safe_load((FOLDER / "expected.yaml").read_text(encoding="utf-8"))


def test_there_are_at_least_sixty_of_them_and_each_has_its_answer() -> None:
    names = {path.stem for path in FOLDER.glob("*.yaml")} - {"expected"}
    assert names == set(EXPECTED)
    assert len(names) >= 60


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_broken_file_is_answered_with_all_its_problems_and_their_places(tmp_path: Path, name: str) -> None:
    shutil.copy(FOLDER / f"{name}.yaml", tmp_path)
    with pytest.raises(ConfigError) as raised:
        rules.load(tmp_path)
    answers = [str(problem).replace(f"{tmp_path}/", "") for problem in raised.value.problems]
    assert answers == EXPECTED[name]
    assert all(re.match(rf"{name}\.yaml:\d+:\d+: ", answer) for answer in answers)
    assert not any("Traceback" in answer or "pydantic" in answer for answer in answers)
