"""`config/qareport.yaml`: every setting, its default, and how mistakes are answered."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from qareport import settings
from qareport.errors import ConfigError
from qareport.settings import Settings
from qareport.strict_yaml import read_yaml
from tests.support.paths import ROOT

SHIPPED = ROOT / "config" / "qareport.yaml"


def test_the_shipped_file_says_every_setting_and_nothing_else() -> None:
    written = read_yaml(SHIPPED).data
    assert {section: list(keys) for section, keys in written.items()} == {
        section.name: [field.name for field in dataclasses.fields(getattr(Settings(), section.name))]
        for section in dataclasses.fields(Settings)
    }


def test_the_shipped_file_equals_the_defaults() -> None:
    assert settings.load(ROOT / "config") == Settings()


def test_every_setting_has_a_chinese_comment_above_it() -> None:
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if line and not line.lstrip().startswith("#"):
            comment = lines[number - 1].strip()
            assert comment.startswith("# "), line
            assert any("\u4e00" <= letter <= "\u9fff" for letter in comment), line


def test_a_folder_without_a_file_gives_the_defaults(tmp_path: Path) -> None:
    assert settings.load(tmp_path) == Settings()


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "qareport.yaml").write_text("# nothing\n", encoding="utf-8")
    assert settings.load(tmp_path) == Settings()


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("audio:\n  max_duration_minutes: 0", "max_duration_minutes: got 0"),
        ("asr:\n  max_segment_ms: 5", "max_segment_ms: got 5"),
        ("asr:\n  max_end_silence_ms: -5", "max_end_silence_ms: got -5"),
        ("asr:\n  batch_seconds: 0", "batch_seconds: got 0"),
        ("analysis:\n  emotion_score: 50", "emotion_score: got 50"),
    ],
)
def test_a_value_with_which_nothing_would_be_heard_is_refused(tmp_path: Path, written: str, says: str) -> None:
    (tmp_path / "qareport.yaml").write_text(written + "\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=f"qareport.yaml:2:3: {says}; expected "):
        settings.load(tmp_path)


def test_all_mistakes_are_answered_at_once_with_their_places(tmp_path: Path) -> None:
    text = "analysis:\n  silence_mss: 900\n  check_in_ms: soon\nscore:\n  start: 1.5\n"
    (tmp_path / "qareport.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        settings.load(tmp_path)
    problems = [str(problem).replace(f"{tmp_path}/", "") for problem in raised.value.problems]
    assert len(problems) == 3
    assert problems[0].startswith("qareport.yaml:") or problems[1].startswith("qareport.yaml:")
    assert any(
        "qareport.yaml:2:3: unknown key 'silence_mss'; did you mean 'silence_ms'?" in problem for problem in problems
    )
    assert any("qareport.yaml:3:3: check_in_ms: got 'soon'" in problem for problem in problems)
    assert any("qareport.yaml:5:3: start: got 1.5" in problem for problem in problems)


def test_settings_cannot_be_changed_once_read() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().analysis.silence_ms = 1  # type: ignore[misc]
