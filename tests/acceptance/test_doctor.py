"""`qareport doctor` looks at everything that a run needs, and says of each fault what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from qareport import cli

MINE = ("--config", "mine/config", "--templates", "mine/templates", "--model", "demo")


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Make a folder of one's own; return what says how it is."""
    monkeypatch.chdir(tmp_path)
    assert cli.main(["init", "mine"]) == 0

    def run(*options: str, status: int = 0) -> str:
        capsys.readouterr()
        assert cli.main(["doctor", *MINE, *options]) == status
        return capsys.readouterr().out

    return run


def test_a_sound_machine_has_no_fault(doctor: Callable[..., str]) -> None:
    said = doctor()
    assert "FAULT" not in said
    looked_at = dict.fromkeys(line.split()[0] for line in said.splitlines()[1:])
    assert list(looked_at) == [
        "engine",
        "model",
        "fonts",
        "config",
        "rules",
        "templates",
        "store",
        "disk",
        "sources",
        "mail",
        "schedule",
    ]
    assert "every template was filled" in said
    assert "does not exist yet, `qareport run` creates it" in said


def test_every_fault_is_found_in_one_go(doctor: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "mine/config/rules/logistics.yaml").write_text("schema: 1\nrules:\n  - id: x\n    wenn: 3\n", "utf-8")
    (tmp_path / "mine/templates/mail.txt.j2").write_text("{{ mail.subjekt }}\n", "utf-8")
    (tmp_path / "broken.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    said = doctor("--model", "nowhere", "--store", "sqlite:///broken.db", status=2)
    for what, where in (
        ("rules", "logistics.yaml:3"),
        ("model", "nowhere"),
        ("templates", "mail.txt.j2:1"),
        ("store", "broken.db"),
    ):
        assert any(line.startswith(f"{what:<9} FAULT") and where in line for line in said.splitlines()), what
