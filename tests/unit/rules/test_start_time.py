"""Days and hours are those of the time zone in the settings."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from qareport import rules
from qareport.settings import ScoreSettings
from tests.support.calls import AGENT, analyse_transcript, call, say
from tests.support.rule_texts import RULE, rule_set

SHANGHAI = ZoneInfo("Asia/Shanghai")
WHEN = "{agent says: 您好}"


def held(folder: Path, when: str, started_at: str | None, more: str = "") -> bool:
    began = None if started_at is None else datetime.fromisoformat(started_at)
    transcript = replace(call(say(0, 2, AGENT, "您好")), started_at=began)
    judged = rules.judge(
        rule_set(folder, when, more), transcript, analyse_transcript(transcript), ScoreSettings(), time_zone=SHANGHAI
    )
    return bool(judged.findings)


@pytest.mark.parametrize(
    ("started_at", "expected"),
    [
        ("2026-11-30T20:00:00Z", False),  # 1 December 04:00 in Shanghai
        ("2026-11-30T15:59:59Z", True),
        ("2026-10-31T15:59:59Z", False),
        ("2026-10-31T16:00:00Z", True),
        ("2026-11-30T23:59:59+08:00", True),
        ("2026-11-30T09:00:00-08:00", False),
        ("2026-11-30T23:00:00", True),  # no offset: taken as it is
    ],
)
def test_a_rule_is_in_effect_on_days_of_the_time_zone(tmp_path: Path, started_at: str, expected: bool) -> None:
    assert held(tmp_path, WHEN, started_at, "    effective: {from: 2026-11-01, to: 2026-11-30}\n") is expected


@pytest.mark.parametrize(
    ("when", "started_at", "expected"),
    [
        ("{time of day: 09:00-21:00}", "2026-11-21T01:00:00Z", True),
        ("{time of day: 09:00-21:00}", "2026-11-21T00:59:59Z", False),
        ("{time of day: 09:00-21:00}", "2026-11-21T13:00:00Z", False),
        ("{time of day: 22:00-08:00}", "2026-11-21T23:00:00Z", True),
        ("{weekday: 周六}", "2026-11-21T01:00:00Z", True),
        ("{weekday: 周六}", "2026-11-20T16:00:00Z", True),
        ("{weekday: 周六}", "2026-11-20T15:59:00Z", False),
        ("{weekday: 周日}", "2026-11-21T20:00:00Z", True),
        ("{weekday: 周六}", None, False),
        ("{none: [{weekday: 周六}]}", None, False),
        ("{none: [{weekday: 周六}]}", "2026-11-20T15:59:00Z", True),
    ],
)
def test_hours_and_weekdays_are_those_of_the_time_zone(
    tmp_path: Path, when: str, started_at: str | None, expected: bool
) -> None:
    assert held(tmp_path, when, started_at) is expected


def test_a_call_of_unknown_date_is_judged_by_the_rules_of_today(tmp_path: Path) -> None:
    today = datetime.now(SHANGHAI).date()
    before, after = today - timedelta(days=1), today + timedelta(days=1)
    assert held(tmp_path, WHEN, None)
    assert held(tmp_path, WHEN, None, f"    effective: {{from: {before}, to: {after}}}\n")
    assert not held(tmp_path, WHEN, None, f"    effective: {{to: {before}}}\n")
    assert not held(tmp_path, WHEN, None, f"    effective: {{from: {after}}}\n")


def test_the_tests_of_rules_count_by_the_same_clock(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(RULE.replace("customer says: [发货]", "weekday: 周六"), encoding="utf-8")
    case = (
        "schema: 1\ncases:\n  - name: 周六\n    started_at: 2026-11-20T16:00:00Z\n"
        "    conversation: [{客服 0-2: 您好}]\n    must_hit: [a.rule]\n"
    )
    (tmp_path / "a.test.yaml").write_text(case, encoding="utf-8")
    ruleset = rules.load(tmp_path)
    (result,) = rules.run_rule_tests(ruleset, analyse_transcript, time_zone=SHANGHAI)
    assert result.passed
    (elsewhere,) = rules.run_rule_tests(ruleset, analyse_transcript, time_zone=ZoneInfo("UTC"))
    assert not elsewhere.passed
