"""The registry of measures: a name means one number in rules, norms, reports and exports."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qareport.model import (
    MEASURES,
    NORM_MEASURES,
    Call,
    CallMetrics,
    CallReport,
    Hold,
    MeasuredCall,
    Role,
    RoleMetrics,
    Unit,
)
from qareport.periods import call_measures, team_norm
from qareport.presentation import wording
from qareport.report.order import call_view, measures
from qareport.rules.conditions.metric import METRICS, value_of
from qareport.store import CallRecord
from qareport.workflows.export.columns import KINDS, Item

MILLISECONDS = st.integers(0, 3_600_000)
PERHAPS_MS = st.none() | MILLISECONDS
SPEED = st.none() | st.floats(0, 600)
MOOD = st.none() | st.floats(-5, 5)
ROLES = st.sampled_from([*Role])

role_metrics = st.builds(
    RoleMetrics,
    segments=st.integers(1, 900),
    talk_ms=MILLISECONDS,
    longest_monologue_ms=MILLISECONDS,
    characters_per_minute=SPEED,
    words_per_minute=SPEED,
    loudness_dbfs=st.none() | st.floats(-90, 0),
    sentiment=MOOD,
    sentiment_start=MOOD,
    sentiment_end=MOOD,
)
call_metrics = st.builds(
    CallMetrics,
    duration_ms=MILLISECONDS,
    talk_ms=MILLISECONDS,
    non_talk_ms=MILLISECONDS,
    overlap_ms=MILLISECONDS,
    silence_count=st.integers(0, 99),
    silence_ms=MILLISECONDS,
    longest_silence_ms=MILLISECONDS,
    interruptions=st.dictionaries(st.sampled_from(["agent", "customer"]), st.integers(0, 99)),
    interruption_ms=st.dictionaries(st.sampled_from(["agent", "customer"]), MILLISECONDS),
    first_response_ms=PERHAPS_MS,
    median_response_ms=PERHAPS_MS,
    longest_response_ms=PERHAPS_MS,
    unknown_emotion_share=st.none() | st.floats(0, 1),
    roles=st.dictionaries(st.sampled_from([role.value for role in Role]), role_metrics),
    holds=st.lists(
        st.builds(
            lambda start_ms, length_ms: Hold(start_ms=start_ms, end_ms=start_ms + length_ms, music=False),
            MILLISECONDS,
            MILLISECONDS,
        ),
        max_size=3,
    ).map(tuple),
)


def metrics(**changes: Any) -> CallMetrics:
    base: dict[str, Any] = dict.fromkeys(
        ("duration_ms", "talk_ms", "non_talk_ms", "overlap_ms", "silence_count", "silence_ms", "longest_silence_ms"), 0
    )
    return CallMetrics(**base | changes)


def talk(talk_ms: int) -> RoleMetrics:
    return RoleMetrics(segments=1, talk_ms=talk_ms, longest_monologue_ms=talk_ms)


@given(call_metrics)
def test_a_rule_and_a_norm_have_the_same_value_of_every_measure_that_both_know(call: CallMetrics) -> None:
    norms = call_measures(call)
    for name, measure in METRICS.items():
        value = value_of(call, name)
        factor = 1000 if measure.unit is Unit.MILLISECONDS else 1
        if measure.id in NORM_MEASURES:
            assert norms.get(measure.id) == (None if value is None else pytest.approx(value * factor)), name


@given(call_metrics)
def test_an_export_has_the_value_of_the_registry(call: CallMetrics) -> None:
    report = CallReport(call_id="c1", metrics=call)
    record = CallRecord(call=Call(call_id="c1", audio_path="c1.wav"), report=report, failure=None, rules_sha256=None)
    columns = [column for column in KINDS["calls"].columns if column.name in MEASURES]
    assert len(columns) == 10
    for column in columns:
        assert column.value(Item(record=record, started_at=None)) == MEASURES[column.name].of(call)


@given(call_metrics)
def test_a_report_shows_the_value_of_the_registry_beside_its_label(call: CallMetrics) -> None:
    page = call_view.build(CallReport(call_id="c1", metrics=call), 1, (), is_first=True, several=False)
    shown = {row.label: row.value for row in page.metrics}
    for name in ("duration_ms", "overlap_ms", "first_response_ms", "median_response_ms", "longest_response_ms"):
        value = MEASURES[name].of(call)
        written = wording.NOT_MEASURED if value is None else wording.duration(int(value))
        assert shown.get(wording.MEASURES[name], written) == written
    assert wording.MEASURES["duration_ms"] in shown


@given(call_metrics)
def test_the_talk_share_of_a_page_is_that_of_rules(call: CallMetrics) -> None:
    row = call_view.build(CallReport(call_id="c1", metrics=call), 1, (), is_first=True, several=False).role_metrics
    value = value_of(call, "agent_talk_share")
    if value is not None:
        assert row[1].agent.endswith(f"（{wording.share(value)}）")


@given(call_metrics)
def test_a_measure_beside_the_norm_of_its_own_call_is_usual(call: CallMetrics) -> None:
    norm = team_norm([MeasuredCall(metrics=call_measures(call))], "Asia/Shanghai")
    assert [row.remark for row in measures.rows(call, norm) if "四分之三" in row.remark] == []


def test_names_say_their_unit() -> None:
    endings = {
        Unit.MILLISECONDS: "_ms",
        Unit.SHARE: "_share",
        Unit.PER_MINUTE: "_per_minute",
        Unit.DBFS: "_dbfs",
    }
    for measure in MEASURES.values():
        other = {ending for unit, ending in endings.items() if unit is not measure.unit}
        assert measure.id.endswith(endings.get(measure.unit, ""))
        assert not any(measure.id.endswith(ending) for ending in other)
        assert measure.formula


def test_every_measure_is_labelled_and_known_to_rules() -> None:
    assert set(wording.MEASURES) == set(MEASURES) == {measure.id for measure in METRICS.values()}
    assert set(NORM_MEASURES) <= set(MEASURES)
    assert {"talk_s", "agent_talk_s", "first_response_s", "agent_talk_share", "silence_count"} <= set(METRICS)


def test_talk_shares_are_of_agent_and_customer_alone() -> None:
    call = metrics(talk_ms=16_000, roles={"agent": talk(9_000), "customer": talk(3_000), "unknown": talk(4_000)})
    assert MEASURES["agent_talk_share"].of(call) == 0.75
    assert MEASURES["customer_talk_share"].of(call) == 0.25
    alone = metrics(talk_ms=13_000, roles={"agent": talk(9_000), "unknown": talk(4_000)})
    assert MEASURES["agent_talk_share"].of(alone) is None
    assert MEASURES["customer_talk_share"].of(alone) is None


def test_what_was_not_measured_has_no_value() -> None:
    empty = metrics()
    values = {name: measure.of(empty) for name, measure in MEASURES.items()}
    assert {name for name, value in values.items() if value is not None} == {
        "duration_ms",
        "talk_ms",
        "non_talk_ms",
        "overlap_ms",
        "silence_count",
        "silence_ms",
        "longest_silence_ms",
        "hold_count",
        "hold_ms",
        "longest_hold_ms",
    }
