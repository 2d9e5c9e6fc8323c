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
    CallReview,
    CurvePoint,
    Emotion,
    MomentKind,
    Note,
    NoteCode,
    OrderReport,
    Risk,
    Role,
    Severity,
    TrajectoryState,
)
from qareport.presentation import emotion_chart, note_wording, wording
from qareport.presentation.view_types import Chart, clean, clean_value
from qareport.report import file_name
from qareport.report.order import call_view
from qareport.report.order.transcript_lines import Speakers, trajectory
from qareport.report.order.view import build_view
from qareport.report.order.view_types import OrderView
from qareport.settings import ReportSettings, default_dir
from tests.support import report_samples as samples
from tests.support.paths import GOLDEN


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
    marks = {(run.text, run.style) for call in shown.calls for line in call.transcript for run in line.text.runs}
    expected = {
        ("[EMO_UNKNOWN]", "tag-unknown"),
        ("[未判定]", "tag-unjudged"),
    }
    assert expected <= marks
    assert not any("NEUTRAL" in text for text, _style in marks)
    assert all(call.legend.plain.endswith("没有标记：中性") for call in shown.calls)
    assert shown.overview[-1].risk.runs[0].text == "处理失败"
    assert shown.overview[-1].risk.runs[0].style == "failed"


def test_a_call_without_any_emotion_says_so_once_and_not_after_every_sentence() -> None:
    call = view(samples.UNKNOWN_ROLES).calls[0]
    assert [line.text.plain for line in call.transcript] == ["喂，你好。我想退货。"]
    assert call.legend.plain == "没有标记：未做情绪判定"


def test_guessed_role_is_marked_everywhere() -> None:
    first = view(samples.TWO_CALLS).calls[0]
    assert [line.who for line in first.transcript] == ["客户（推断）", "客服（推断）", "说话人未知", "客户（推断）"]
    assert first.key_moments[0].story.plain.startswith("客户（推断）")
    assert first.sentence.startswith("客户（推断）")


def test_calls_and_failed_calls_are_numbered_by_time() -> None:
    shown = view(samples.TWO_CALLS)
    assert [row.when for row in shown.overview] == ["2026-11-20 14:02", "2026-11-21 09:13", "2026-11-22 07:30"]
    assert [call.number for call in shown.calls] == ["第1次来电", "第2次来电"]
    assert shown.overview[2].remark == "读取录音"
    assert "读取录音：" in shown.failed[0].reason.plain


def test_advice_stands_once_at_its_key_moment_or_else_in_the_scorecard() -> None:
    few = build_view(samples.EXAMPLE, ReportSettings(key_moments=1)).calls[0]
    assert [moment.at for moment in few.key_moments] == ["第87秒"]
    hits = [(hit.at, hit.node, bool(hit.advice)) for group in few.scorecard for hit in group.hits]
    assert hits == [("第42秒", "", True), ("第87秒", "1", False), ("第131秒", "", True), ("第150秒", "", True)]
    assert len(few.deductions) == 4


def test_findings_join_their_moment_and_keep_their_advice() -> None:
    moments = {moment.at: moment for moment in view(samples.EXAMPLE).calls[0].key_moments}
    assert moments["第87秒"].advice[0].rule == "质疑未正面回应 · 严重 · −20分"


def test_every_note_that_the_program_makes_has_words_of_its_own() -> None:
    package = Path(wording.__file__).parent.parent
    sources = "".join(path.read_text("utf-8") for path in package.rglob("*.py"))
    literals = set(re.findall(r'Note\(code="(\w+)"', sources))
    assert literals <= set(NoteCode)
    assert set(NoteCode) == set(note_wording.NOTES)


def test_a_grave_moment_without_a_rule_comes_before_a_light_one_with_a_rule() -> None:
    times = [moment.at for moment in view(samples.EXAMPLE).calls[0].key_moments]
    assert times == ["第42秒", "第87秒", "第118秒", "第131秒", "第170秒"]


def test_the_worst_call_is_on_the_first_page_and_an_untroubled_one_is_brief() -> None:
    calls = view(samples.FIVE_CALLS).calls
    assert [(call.is_first, call.is_brief) for call in calls] == [
        (False, False),
        (False, False),
        (True, False),
        (False, True),
    ]
    assert len(calls[0].key_moments) == 5, "only the first page has no room"
    assert not any(line.nodes for line in calls[3].transcript)
    (single,) = view(samples.EXAMPLE).calls
    assert (single.is_first, single.is_brief) == (True, False)


def test_a_hit_stands_at_the_second_of_its_key_moment_and_carries_its_number() -> None:
    early = replace(samples.FINDINGS[0], at_ms=38_000)
    call = view(replace(samples.EXAMPLE, calls=(replace(samples.CALL, findings=(early,)),))).calls[0]
    (hit,) = [hit for group in call.scorecard for hit in group.hits]
    node = next(moment for moment in call.key_moments if moment.advice)
    assert (hit.at, hit.node) == (node.at, node.number) == ("第42秒", "1")


def test_finding_joins_the_moment_of_its_evidence() -> None:
    early = replace(samples.FINDINGS[0], at_ms=38_000)
    moment = replace(samples.MOMENTS[0], at_ms=42_900, salience=0.0)
    call = replace(samples.CALL, findings=(early,), moments=(moment,))
    moments = view(replace(samples.EXAMPLE, calls=(call,))).calls[0].key_moments
    assert [(moment.at, len(moment.advice)) for moment in moments] == [("第42秒", 1)]


def test_moment_that_another_one_tells_takes_no_room() -> None:
    call = replace(samples.CALL, findings=(), moments=(replace(samples.MOMENTS[0], salience=0.0),))
    assert view(replace(samples.EXAMPLE, calls=(call,))).calls[0].key_moments == ()


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
    assert note_wording.note(note) == text


@pytest.mark.parametrize(("mood", "words"), [(-4.0, "一直偏负面"), (-0.5, "平稳"), (4.0, "一直偏正面"), (None, "平稳")])
def test_a_mood_that_stays_bad_is_not_called_steady(mood: float | None, words: str) -> None:
    customer = replace(samples.METRICS.roles["customer"], sentiment=mood)
    metrics = replace(samples.METRICS, trend="steady", roles={"customer": customer})
    assert wording.trend(metrics) == words


@pytest.mark.parametrize(
    ("trend", "mood", "quarters", "words"),
    [
        ("worsening", -1.0, (0.4, -3.0), "转差（+0.4 → −3.0）"),
        ("worsening", -1.0, (0.0, -4.0, 0.0), "转差"),
        ("improving", 1.0, (0.02, 0.04), "好转"),
        ("steady", -2.0, (0.0, -4.0, 0.1), "一直偏负面"),
        ("steady", -2.0, (-2.0, -1.0), "一直偏负面（−2.0 → −1.0）"),
        ("steady", 0.1, (0.0, 0.3), "平稳（0.0 → +0.3）"),
    ],
)
def test_numbers_beside_a_trend_show_that_trend(
    trend: str, mood: float, quarters: tuple[float, ...], words: str
) -> None:
    customer = replace(samples.METRICS.roles["customer"], sentiment=mood, sentiment_quarters=quarters)
    assert call_view.trend(replace(samples.METRICS, trend=trend, roles={"customer": customer})) == words


def test_reviews_stand_where_they_are_signed() -> None:
    assert view(samples.EXAMPLE).reviews == ("复核意见", "客服申诉")
    review = CallReview(
        score=80, passed=True, reviewers=("李主管",), reviewed_at=datetime(2026, 11, 30, tzinfo=UTC), findings=()
    )
    shown = view(replace(samples.EXAMPLE, reviews={samples.EXAMPLE.calls[0].call_id: review}))
    assert shown.reviews == ("经复核：李主管，2026-11-30，得80分，合格。", "客服申诉")
    assert not [row for row in shown.methods if "复核" in row.value]


def test_demo_model_says_so() -> None:
    assert "合成演示语音" in view(samples.UNKNOWN_ROLES).demo_notice
    assert view(samples.EXAMPLE).demo_notice == ""


def test_scores_are_never_called_probabilities() -> None:
    assert "概率" not in codec.to_json(view(samples.TWO_CALLS))


def test_unscored_call_has_no_risk() -> None:
    shown = view(samples.EMPTY)
    assert shown.badge.plain == "无法评分"
    assert shown.facts.issue == "未判定"


def test_a_call_of_unknown_speakers_says_why_it_has_no_score_where_the_score_would_be() -> None:
    shown = view(samples.UNKNOWN_ROLES)
    assert shown.badge.plain == "未评分：说话人不明"
    assert "未评分：说话人不明。" in shown.sentence
    assert shown.calls[0].deduction_total == "未评分：说话人不明。"


def test_risk_and_score_are_two_things() -> None:
    shown = view(samples.EXAMPLE)
    assert [run.text.strip() for run in shown.badge.runs] == ["客户高风险", "客服得分62"]
    assert [run.style for run in shown.badge.runs] == ["risk-high", "score"]


def test_praise_has_its_own_place_and_is_no_advice() -> None:
    call = view(samples.RICH).calls[0]
    assert [(line.at, line.text) for line in call.praise] == [("第150秒", "客服问清还有没有别的事，才道别。")]
    told = [advice.rule for moment in call.key_moments for advice in moment.advice]
    assert not any("结束语完整" in rule for rule in told)


def test_unknown_note_is_shown_with_its_values() -> None:
    assert view(samples.TWO_CALLS).calls[0].notes == ("a_note_from_tomorrow（share＝8%）",)


def test_note_whose_values_do_not_fit_is_shown_raw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(note_wording, "NOTES", {"cut": "切断于 {second}"})
    assert note_wording.note(Note(code="cut", values={"second": "3"})) == "切断于 3"
    assert note_wording.note(Note(code="cut", values={"minute": "3"})) == "cut（minute＝3）"


@pytest.mark.parametrize(
    ("length_ms", "text"),
    [
        (0, "0.0秒"),
        (5_040, "5.0秒"),
        (59_949, "59.9秒"),
        (59_999, "59.9秒"),
        (60_000, "1分00秒"),
        (62_700, "1分02秒"),
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


def test_only_what_is_not_clean_is_copied() -> None:
    assert clean_value(samples.EXAMPLE) is samples.EXAMPLE
    spoilt = replace(samples.EXAMPLE, order_id="a\x07b")
    assert clean_value(spoilt).order_id == "a\ufffdb"
    assert clean_value(spoilt).calls is spoilt.calls
    assert clean_value({"a\x07": ("b", "c\t")}) == {"a\ufffd": ("b", "c ")}


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


def test_chart_discs_do_not_touch_and_no_line_crosses_a_number() -> None:
    chart = replace(view(samples.EXAMPLE).calls[0].chart, discs=tuple((i + 1, 87_000 + i * 400) for i in range(9)))
    places = emotion_chart.place_discs(chart)
    gaps = [((ax - bx) ** 2 + (ay - by) ** 2) ** 0.5 for i, (ax, ay) in enumerate(places) for bx, by in places[:i]]
    assert min(gaps) >= 17
    drawn = emotion_chart.svg(chart)
    leaders = [match.start() for match in re.finditer('stroke="#1f2933" stroke-width="1"/>', drawn)]
    assert leaders
    assert max(leaders) < drawn.index('font-weight="bold"'), "every line lies below every disc"


def test_the_narrow_chart_fits_a_telephone_with_text_as_large_as_the_pages() -> None:
    chart = view(samples.RICH).calls[0].chart
    narrow = emotion_chart.svg(chart, emotion_chart.NARROW)
    assert 'viewBox="0 0 360 ' in narrow
    assert float(re.findall(r'font-size="([0-9.]+)"><title>', narrow)[0]) >= 12
    assert all(x <= 360 for x in map(float, re.findall(r' (?:cx|x|x2)="([0-9.]+)"', narrow)))


def test_chart_without_judged_emotion_says_so() -> None:
    assert "没有可用的情绪判定" in emotion_chart.svg(view(samples.UNKNOWN_ROLES).calls[0].chart)
    assert "没有识别到语音" in emotion_chart.svg(view(samples.EMPTY).calls[0].chart)


def test_chart_survives_odd_values() -> None:
    call = replace(
        samples.CALL,
        metrics=replace(samples.METRICS, duration_ms=0),
        curve=tuple(CurvePoint(at_ms=0, role=Role.CUSTOMER, value=v) for v in (float("nan"), float("inf"), 99.0)),
        moments=(),
        findings=(),
        silences=(),
    )
    drawn = emotion_chart.svg(view(replace(samples.EXAMPLE, calls=(call,))).calls[0].chart)
    assert "nan" not in drawn
    assert "inf" not in drawn


def test_chart_lines_differ_without_colour() -> None:
    assert len({style.split("stroke-width")[1] for style in emotion_chart._STROKES.values()}) == 3
    assert "stroke-dasharray" not in emotion_chart._STROKES["customer"]


def test_the_scorecard_has_the_categories_in_which_something_happened_and_the_rest_in_a_line() -> None:
    call = view(samples.RICH).calls[0]
    groups = {group.name: group for group in call.scorecard}
    assert list(groups) == ["物流延迟", "服务态度", "流失", "服务规范"]
    limited = groups["物流延迟"]
    assert (limited.points, limited.limit, groups["服务态度"].limit) == ("−6分", "最多扣6分", "")
    assert [(hit.points, hit.counted) for hit in limited.hits] == [("−10分", "封顶后计−6分")]
    assert limited.hits[0].evidence[1] == "第42秒 客服5.0秒没有接话 [SILENCE]"
    assert call.score_rest == "其余类别没有命中：价格、退换与退款；3条规则没有机会出现，不扣分也不加分。"
    assert call.score_line == "起始100分，各类合计−29分，得71分（满分100分），不合格。"


def test_a_rule_on_a_sentence_that_cost_already_is_named_below_the_scorecard() -> None:
    covered = replace(samples.FINDINGS[0], points=0, covered_by="attitude.trust-broken")
    call = replace(samples.CALL, findings=(covered, samples.FINDINGS[1]))
    made = view(replace(samples.EXAMPLE, calls=(call,))).calls[0]
    assert [hit.at for group in made.scorecard for hit in group.hits] == ["第87秒"]
    assert made.score_rest.startswith("一句话只计一次分，另有1条规则也命中：“发货疑问后的沉默”")
    assert not any(advice.rule.startswith("发货疑问") for moment in made.key_moments for advice in moment.advice)


def test_fatal_hit_is_named() -> None:
    fatal = replace(samples.FINDINGS[1], fatal=True, points=0)
    card = replace(samples.SCORECARD, score=0, fatal=(fatal.rule_id,))
    call = replace(samples.RICH_CALL, findings=(fatal,), scorecard=card, score=0)
    made = view(replace(samples.EXAMPLE, calls=(call,))).calls[0]
    assert [hit.points for group in made.scorecard for hit in group.hits] == ["一票否决"]
    assert made.score_line.endswith("不合格。一票否决：质疑未正面回应。")


def test_report_without_a_scorecard_still_shows_every_hit() -> None:
    made = view(samples.EXAMPLE).calls[0]
    assert [(group.name, group.limit, len(group.hits)) for group in made.scorecard] == [
        ("物流延迟", "", 1),
        ("服务态度", "", 1),
        ("流失", "", 1),
        ("服务规范", "", 1),
    ]
    assert (made.score_line, made.score_rest) == ("", "")


def test_measures_stand_once_beside_what_is_usual_in_the_team() -> None:
    made = view(samples.RICH).calls[0]
    rows = {row.label: row for row in made.metrics}
    assert len(rows) == len(made.metrics)
    assert (rows["客服首次响应"].value, rows["客服首次响应"].usual) == ("0.6秒", "1.4秒")
    assert rows["客服首次响应"].remark == "低于四分之三的通话"
    assert (rows["沉默次数"].value, rows["沉默次数"].remark) == ("5次", "高于四分之三的通话")
    assert rows["客服抢话"].remark == ""
    assert rows["客户语速"].usual == "", "the team has no value for it"
    assert "客服说话占比" not in rows, "by speaker it is told already, and the team has no value for it"
    assert rows["让客户等待"].remark == "2次，有音乐1次"
    assert "客户抢话" not in rows, "nothing of it, and nothing unusual"
    assert made.norm == "团队值：2026-11-14 至 2026-11-20 的412通电话的中位数。"
    assert view(samples.EXAMPLE).calls[0].norm == "此前几天没有可比的通话，没有与团队比较。"
    assert not view(samples.EXAMPLE).calls[0].has_norm


def test_dossier_tells_changes_promises_and_their_fate() -> None:
    made = view(samples.FIVE_CALLS)
    assert [(row.number, row.after, row.score) for row in made.dossier.changes] == [
        ("第2次", "距第1次 24小时", "−13分"),
        ("第3次", "距第2次 47小时", "−18分"),
        ("第4次", "距第3次 30小时", "+58分"),
    ]
    assert [(row.at, row.due, row.outcome.plain) for row in made.dossier.promises] == [
        ("第91秒", "2026-11-23 09:14", "到期后客户又来电（第3次）"),
        ("第150秒", "不明", "到期时间不明"),
    ]
    assert [row.name for row in made.dossier.classes][:2] == ["物流延迟", "发货前（读音相近）"]


def test_words_known_by_sound_only_are_marked_and_explained() -> None:
    made = view(samples.RICH)
    assert "客户提及“发货”，客服5.0秒没有接话（读音相近）" in made.calls[0].key_moments[0].story.plain
    assert any(row.label == "读音相近" for row in made.methods)
    assert not any(row.label == "读音相近" for row in view(samples.EXAMPLE).methods)


def test_evidence_known_by_sound_only_is_marked_and_explained() -> None:
    finding = replace(samples.CALL.findings[0], evidence=(replace(samples.CALL.findings[0].evidence[0], fuzzy=True),))
    made = view(replace(samples.EXAMPLE, calls=(replace(samples.CALL, findings=(finding,)),)))
    (line,) = [line for group in made.calls[0].scorecard for hit in group.hits for line in hit.evidence]
    assert line.endswith("”（读音相近）")
    assert any(row.label == "读音相近" for row in made.methods)


def test_what_was_not_judged_is_said() -> None:
    methods = {row.label: row.value for row in view(samples.TWO_CALLS).methods}
    assert methods["未能判定"] == "第3次来电处理失败，不在任何数字里。"
    assert {row.label: row.value for row in view(samples.EMPTY).methods}["未能判定"] == "第1次来电没有评分。"
    assert {row.label: row.value for row in view(samples.RICH).methods}["未能判定"] == "没有。"


def test_one_figure_stands_for_the_mood_at_the_end_wherever_it_is_told() -> None:
    made = view(samples.RICH)
    assert made.facts.trend == "转差（+0.4 → −2.4）"
    assert made.calls[0].chart.alt.endswith("转差（+0.4 → −2.4），四段均值 +0.4 / −1.2 / −3.8 / −2.4")
    quarters = next(row for row in made.calls[0].role_metrics if row.label == "情绪分（通话四段）")
    assert quarters.customer == "+0.4 / −1.2 / −3.8 / −2.4"


def test_speakers_are_told_apart_without_colour() -> None:
    drawn = emotion_chart.svg(view(samples.RICH).calls[0].chart)
    lines = re.findall(r"<polyline [^>]*>", drawn)
    assert len(lines) == 2
    assert len({re.sub(r'(points|stroke)="[^"]*"', "", line) for line in lines}) == 2


def _contrast(first: str, second: str) -> float:
    """Return the contrast of two colours (WCAG 2.2)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_every_mark_can_be_read_in_grey_too() -> None:
    sheets = [(default_dir("templates") / name).read_text(encoding="utf-8") for name in ("base.css", "call.css")]
    styles = "".join(sheets).replace("#fff;", "#ffffff;")
    marks = {*wording.TAG_STYLES.values(), "tag-event", "risk-high", "risk-medium", "risk-low"}
    for mark in marks:
        body = " ".join(re.findall(rf"(?m)^\.{mark} {{([^}}]*)}}", styles))
        ink = re.search(r"(?<![-\w])color: (#\w{6})", body)
        fill = re.search(r"background: (#\w{6})", body)
        assert ink, mark
        assert _contrast(ink[1], fill[1] if fill else "#ffffff") >= 4.5, mark


def test_curve_of_an_hour_is_drawn_as_means_and_says_so() -> None:
    chart = view(samples.long_call(2_000)).calls[0].chart
    assert [len(curve.points) for curve in chart.curves] == [150, 150]
    assert chart.curves[0].points[0] == (18_000, 0.0), "the mean of the first 40 s: seven turns, from -3 to 3"
    assert chart.caption == "情绪曲线由模型得分得出，未经校准；每40.0秒取均值；未知情绪占12%"
    assert "取均值" not in view(samples.RICH).calls[0].chart.caption


def test_a_pause_too_narrow_for_strokes_is_grey_and_a_wide_one_is_hatched() -> None:
    chart = Chart(
        duration_ms=3 * 3_600_000, curves=(), silences=((60_000, 66_000), (5_000_000, 6_000_000)), discs=(), message="",
        caption="", alt="",
    )  # fmt: skip
    drawn = re.findall(r'<g data-ms="(\d+)">(.*?)</g>', emotion_chart.svg(chart))
    assert [(begin, "<path" in inside) for begin, inside in drawn] == [("60000", False), ("5000000", True)]
