"""`qareport doctor` looks at everything that a run needs, and says of each fault what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from qareport import cli
from qareport.cli.doctor import judge_timer

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
        "desk",
        "clock",
    ]
    assert "every template was filled" in said
    assert "does not exist yet, `qareport run` creates it" in said


def test_a_cluster_that_does_not_answer_is_a_fault(doctor: Callable[..., str], tmp_path: Path) -> None:
    settings = tmp_path / "mine/config/qareport.yaml"
    settings.write_text(re.sub(r"(?m)^( +on:).*$", r"\1 ray://127.0.0.1:9", settings.read_text("utf-8")), "utf-8")
    (said,) = (line for line in doctor(status=2).splitlines() if line.startswith("cluster"))
    assert "FAULT" in said
    assert "ray://127.0.0.1:9" in said
    assert "cannot be reached" in said


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


def test_mail_sources_and_disk_are_looked_at_with_what_to_do(doctor: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "mine/config/qareport.yaml").write_text(
        "daily:\n  sources: ['calls/{date}', 'gone/{day}', 's3://bucket/x']\n"
        "mail:\n  host: mail.example.com\n  user: li\n  sender: li@example.com\n  password_file: secret\n",
        "utf-8",
    )
    (tmp_path / "calls").mkdir()
    (tmp_path / "secret").write_text("pass")
    (tmp_path / "secret").chmod(0o644)
    lines = doctor(status=2).splitlines()
    for said in (
        "sources   calls: is there",
        "sources   FAULT gone: no such file or folder; create or mount it",
        "sources   s3://bucket/x: is opened by each run",
        "mail      FAULT secret: others may read it (mode 0644); expected mode 0600; chmod 600 secret",
    ):
        assert any(line.startswith(said) for line in lines), said
    assert any(line.startswith("disk ") and "GiB free" in line for line in lines)


def test_a_server_that_nobody_can_reach_is_a_fault_only_where_it_is_asked_for(
    doctor: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "mine/config/qareport.yaml").write_text(
        "mail:\n  host: 127.0.0.1\n  port: 9\n  security: none\n"
        "  sender: li@example.com\n  operator: [li@example.com]\n"
    )
    assert "HINT mail.team and mail.agents name nobody" in doctor()
    assert "FAULT 127.0.0.1:9: connection refused" in doctor("--connect", status=2)


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ({}, "HINT qareport-daily.timer is not installed"),
        ({"LoadState": "loaded", "ActiveState": "inactive"}, "sudo systemctl enable --now qareport-daily.timer"),
        ({"LoadState": "loaded", "ActiveState": "active", "NextElapseUSecRealtime": "07:00"}, "next run 07:00"),
    ],
)
def test_the_timer_of_the_daily_run_is_judged_by_what_systemd_says(state: dict[str, str], says: str) -> None:
    assert says in str(judge_timer(state))
