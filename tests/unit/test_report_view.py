"""What documents say: wording, rounding, selection, and that nothing hostile gets through."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qareport import codec
from qareport.model import (
    STATE_NOT_JUDGED,
    AudioEvent,
    CurvePoint,
    Emotion,
    MomentKind,
    Note,
    OrderReport,
    Risk,
    Role,
    Severity,
    TrajectoryState,
)
from qareport.report import charts, file_name, wording
from qareport.report.speech import Speakers, trajectory
from qareport.report.text import clean, clean_value
from qareport.report.view import build_view
from qareport.report.viewdata import OrderView
from qareport.settings import ReportSettings
from tests import report_samples as samples

GOLDEN = Path(__file__).parent.parent / "golden"


def view(report: OrderReport) -> OrderView:
    return build_view(clean_value(report), ReportSettings(organisation="客户服务中心"))


@pytest.mark.parametrize(
    "name", ["EXAMPLE", "TWO_CALLS", "FAILED_ONLY", "EMPTY", "UNKNOWN_ROLES", "RICH", "FIVE_CALLS"]
)
def test_view_is_what_was_reviewed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    path = GOLDEN / f"report_view_{name.lower()}.json"
    made = codec.to_json(view(getattr(samples, name)), indent=1) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(made, encoding="utf-8")
    assert json.loads(made) == json.loads(path.read_text(encoding="utf-8"))


def test_sentence_tells_the_call_in_order() -> None:
    assert view(samples.EXAMPLE).sentence == (
        "客户在第42秒提及“发货”后沉默，第87秒情绪转为愤怒，第131秒流露放弃之意“算了”。"
        "客户情绪转差，命中规则4条，扣38分，得62分，高风险。"
    )


def test_trajectory_merges_states_that_repeat() -> None:
    assert view(samples.EXAMPLE).calls[0].trajectory.plain == "[SILENCE] → [ANGRY] → [SILENCE]"


def test_long_trajectory_is_cut_in_its_middle_and_says_so() -> None:
    states = [TrajectoryState(start_ms=i, end_ms=i + 1, state=("ANGRY", "SAD")[i % 2]) for i in range(40)]
    assert "…（中间 28 次变化）…" in trajectory(states).plain


def test_transcript_carries_rich_text_marks() -> None:
    lines = [line.text.plain for line in view(samples.EXAMPLE).calls[0].transcript]
    assert "这衣服尺码根本不对![ANGRY]我按你们详情页的尺寸表买的![ANGRY]退货运费谁出?[ANGRY]" in lines


def test_neutral_unknown_not_judged_and_failed_look_different() -> None:
    shown = view(samples.TWO_CALLS)
    marks = {
        (piece.text, piece.style) for call in shown.calls for line in call.transcript for piece in line.text.pieces
    }
    expected = {
        ("[NEUTRAL]", "tag-neutral"),
        ("[EMO_UNKNOWN]", "tag-unknown"),
        ("[未判定]", "tag-unjudged"),
    }
    assert expected <= marks
    assert shown.overview[-1].badge.pieces[0].text == "处理失败"
    assert shown.overview[-1].badge.pieces[0].style == "failed"


def test_guessed_role_is_marked_everywhere() -> None:
    first = view(samples.TWO_CALLS).calls[0]
    assert [line.who for line in first.transcript] == ["客户（推断）", "客服（推断）", "说话人未知", "客户（推断）"]
    assert first.nodes[0].story.plain.startswith("客户（推断）")
    assert first.sentence.startswith("客户（推断）")


def test_calls_and_failed_calls_are_numbered_by_time() -> None:
    shown = view(samples.TWO_CALLS)
    assert [row.when for row in shown.overview] == ["2026-11-20 14:02", "2026-11-21 09:13", "2026-11-22 07:30"]
    assert [call.number for call in shown.calls] == ["第1次来电", "第2次来电"]
    assert shown.overview[2].remark.startswith("读取录音：")


def test_every_finding_is_on_the_page_even_when_moments_have_no_room() -> None:
    few = build_view(samples.EXAMPLE, ReportSettings(key_moments=1)).calls[0]
    assert [node.at for node in few.nodes] == ["第87秒"]
    assert [hit.at for hit in few.further] == ["第42秒", "第131秒", "第150秒"]
    assert len(few.deductions) == 4


def test_findings_join_their_moment_and_keep_their_advice() -> None:
    nodes = view(samples.EXAMPLE).calls[0].nodes
    assert nodes[2].at == "第87秒"
    assert nodes[2].advice[0].rule == "质疑未正面回应（attitude.trust-broken） · 严重 · −20分"


def test_every_note_that_the_program_makes_has_words_of_its_own() -> None:
    package = Path(wording.__file__).parent.parent
    sources = "".join(path.read_text("utf-8") for path in package.rglob("*.py"))
    codes = set(re.findall(r'Note\(code="(\w+)"', sources)) | {"outside_model_domain"}
    assert len(codes) > 10
    assert codes <= set(wording.NOTES)


def test_a_grave_moment_without_a_rule_comes_before_a_light_one_with_a_rule() -> None:
    call = view(samples.EXAMPLE).calls[0]
    assert [node.at for node in call.nodes] == ["第42秒", "第66秒", "第87秒", "第131秒", "第170秒"]
    assert [hit.at for hit in call.further] == ["第150秒"]


def test_finding_joins_the_moment_of_its_evidence() -> None:
    early = replace(samples.FINDINGS[0], at_ms=38_000)
    moment = replace(samples.MOMENTS[0], at_ms=42_900, salience=0.0)
    call = replace(samples.CALL, findings=(early,), moments=(moment,))
    nodes = view(replace(samples.EXAMPLE, calls=(call,))).calls[0].nodes
    assert [(node.at, len(node.advice)) for node in nodes] == [("第42秒", 1)]


def test_moment_that_another_one_tells_takes_no_room() -> None:
    call = replace(samples.CALL, findings=(), moments=(replace(samples.MOMENTS[0], salience=0.0),))
    assert view(replace(samples.EXAMPLE, calls=(call,))).calls[0].nodes == ()


@pytest.mark.parametrize(
    ("note", "text"),
    [
        (Note(code="roles_unknown", values={"share": "0.25"}), "有25%的语句不知道是谁说的。"),
        (
            Note(code="roles_guessed", values={"source": "words", "share": "1.00"}),
            "有100%的语句按用语推断说话人，标有“（推断）”，可能有误。",
        ),
        (
            Note(code="channel_map_does_not_fit", values={"roles": "agent|customer", "channels": "1"}),
            "登记的声道说明（客服、客户）与录音的1个声道不符，没有采用。",
        ),
        (
            Note(code="channels_maybe_swapped", values={"at_ms": "1200", "quote": "您好，客服"}),
            "声道可能接反：第1秒在客户声道听到“您好，客服”。说话人未作改动，请核对。",
        ),
    ],
)
def test_notes_are_worded(note: Note, text: str) -> None:
    assert wording.note(note) == text


def test_demo_model_says_so() -> None:
    assert "合成演示语音" in view(samples.UNKNOWN_ROLES).demo_notice
    assert view(samples.EXAMPLE).demo_notice == ""


def test_scores_are_never_called_probabilities() -> None:
    assert "概率" not in codec.to_json(view(samples.TWO_CALLS))


def test_unscored_call_has_no_risk() -> None:
    shown = view(samples.EMPTY)
    assert shown.badge.plain == "无法评分"
    assert shown.facts.issue == "未判定"


def test_unknown_note_is_shown_with_its_values() -> None:
    assert view(samples.TWO_CALLS).calls[0].notes == ("a_note_from_tomorrow（share＝8%）",)


def test_note_whose_values_do_not_fit_is_shown_raw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wording, "NOTES", {"cut": "切断于 {second}"})
    assert wording.note(Note(code="cut", values={"second": "3"})) == "切断于 3"
    assert wording.note(Note(code="cut", values={"minute": "3"})) == "cut（minute＝3）"


@pytest.mark.parametrize(
    ("length_ms", "text"),
    [
        (0, "0.0秒"),
        (5_040, "5.0秒"),
        (59_949, "59.9秒"),
        (59_950, "1分00秒"),
        (184_320, "3分04秒"),
        (None, "未测得"),
        (3_723_000, "1小时02分03秒"),
    ],
)
def test_durations(length_ms: int | None, text: str) -> None:
    assert wording.duration(length_ms) == text


def test_times_round_down() -> None:
    assert (wording.second(42_999), wording.clock(42_999), wording.clock(3_661_000)) == ("第42秒", "0:42", "1:01:01")


def test_instant_names_an_offset_that_is_not_chinas() -> None:
    assert wording.instant(datetime(2026, 11, 21, 1, 13, tzinfo=UTC)) == "2026-11-21 01:13 UTC"
    assert wording.instant(samples.CALL.started_at) == "2026-11-21 09:13"


def test_numbers_have_a_real_minus_and_no_negative_zero() -> None:
    assert (wording.signed(-3.14), wording.signed(-0.04), wording.points(-10)) == ("−3.1", "0.0", "−10分")
    assert (wording.share(0.004), wording.share(0.0), wording.share(None)) == ("不足1%", "0%", "未测得")


def test_catalogues_are_complete() -> None:
    for catalogue, kind in (
        (wording.PREDICATES, MomentKind),
        (wording.SEVERITIES, Severity),
        (wording.RISKS, Risk),
        (wording.ROLES, Role),
        (wording.EVENTS, AudioEvent),
        (wording.EMOTIONS, Emotion),
        (wording.TAG_STYLES, Emotion),
    ):
        assert set(kind) <= set(catalogue)
    assert wording.tag(STATE_NOT_JUDGED) == "[未判定]"


@given(st.text(st.characters(exclude_categories=[])))
def test_clean_text_is_legal_xml_and_keeps_what_can_be_printed(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode("utf-8")
    assert all(ord(c) >= 32 and not 0x7F <= ord(c) <= 0x9F and ord(c) & 0xFFFE != 0xFFFE for c in cleaned)
    assert clean(cleaned) == cleaned
    assert [c for c in text if c.isalnum() and c.isprintable()] == [c for c in cleaned if c.isalnum() and c in text]


def test_clean_shows_where_something_stood() -> None:
    assert clean("a\x07b\ud83dc\u202ed\te") == "a\ufffdb\ufffdc\ufffdd e"
    assert clean("\ud83d\ude00") == "😀"


def test_speakers_without_segments_are_not_guesses() -> None:
    assert Speakers(()).name(Role.CUSTOMER) == "客户"


def test_file_names_are_safe_and_never_shared() -> None:
    names = ["20241105", "a/b", "a_b", "../x", "CON", "长" * 300, "", "a b", ".hidden", "订单1", "x" * 61, "x" * 62]
    made = [file_name(replace(samples.EXAMPLE, order_id=name, calls=()), "pdf") for name in names]
    assert made[0] == "20241105.pdf"
    assert made[9] == "订单1.pdf"
    assert len({name.casefold() for name in made}) == len(names)
    for name in made:
        assert not name.startswith((".", "CON."))
        assert len(name.encode()) < 255
        assert not set(name) & set('/\\:*?"<>| \n')


def test_chart_discs_do_not_touch() -> None:
    chart = replace(view(samples.EXAMPLE).calls[0].chart, discs=tuple((i + 1, 87_000 + i * 400) for i in range(9)))
    places: list[tuple[float, float]] = []
    for _, at_ms in chart.discs:
        x, y = charts._x(chart, at_ms), charts._y(charts._value(chart, at_ms))
        places.append(charts._place(x, y, places))
    gaps = [((ax - bx) ** 2 + (ay - by) ** 2) ** 0.5 for i, (ax, ay) in enumerate(places) for bx, by in places[:i]]
    assert min(gaps) >= 17


def test_chart_without_judged_emotion_says_so() -> None:
    assert "没有可用的情绪判定" in charts.svg(view(samples.UNKNOWN_ROLES).calls[0].chart)
    assert "没有识别到语音" in charts.svg(view(samples.EMPTY).calls[0].chart)


def test_chart_survives_odd_values() -> None:
    call = replace(
        samples.CALL,
        metrics=replace(samples.METRICS, duration_ms=0),
        curve=tuple(CurvePoint(at_ms=0, role=Role.CUSTOMER, value=v) for v in (float("nan"), float("inf"), 99.0)),
        moments=(),
        findings=(),
        silences=(),
    )
    drawn = charts.svg(view(replace(samples.EXAMPLE, calls=(call,))).calls[0].chart)
    assert "nan" not in drawn
    assert "inf" not in drawn


def test_chart_lines_differ_without_colour() -> None:
    assert len({style.split("stroke-width")[1] for style in charts._STROKES.values()}) == 3
    assert "stroke-dasharray" not in charts._STROKES["customer"]
