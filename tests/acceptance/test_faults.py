"""Runs that are killed at random moments beside a server that misbehaves (benchmarks/faults.py, a short version)."""

from __future__ import annotations

from pathlib import Path

from tests.support.fault_injection import FaultInjection

KILLS = 15


def test_kills_lose_no_call_send_no_mail_twice_and_leave_no_half_document(tmp_path: Path) -> None:
    tally = FaultInjection(tmp_path, None, seed=7, attach=("html",), kills_a_round=5).run(KILLS)
    assert tally.faults == []
    assert tally.kills == KILLS
    assert tally.delivered > 0
