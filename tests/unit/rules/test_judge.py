"""Conditions, findings, score and risk."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from qareport import analysis, rules
from qareport.model import AudioEvent, Emotion, Finding, Judgement, Risk, RiskReason, Role, Segment
from qareport.rules.rule import Advice
from qareport.settings import AnalysisSettings, ScoreSettings
from tests.support.calls import AGENT, CUSTOMER, TOPICS, call, say
from tests.support.rule_texts import hits, judge

ANGRY = Emotion.ANGRY


ASK = say(10, 12, CUSTOMER, "我的衣服，什么时候发货？", acts="ask")
TALK = (
    say(1, 3, AGENT, "您好"),
    ASK,
    say(17, 19, AGENT, "请稍等", acts="hold"),
    say(20, 24, CUSTOMER, "太慢了！", ANGRY),
)


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("{customer says: [衣服什么时候]}", [10]),  # punctuation does not stand between
        ("{customer says: 发货}", [10]),
        ("{agent says: [发货]}", []),
        ("{anyone says: [您好, 发货]}", [1, 10]),
        ("{customer says: {all: [衣服, 发货]}}", [10]),
        ("{customer says: {all: [衣服, 退款]}}", []),
        ("{customer says: {any: [发货], except: [什么时候发货]}}", []),
        ("{customer says: {regex: '衣服.{0,6}发货'}}", [10]),
        ("{emotion: ANGRY}", [20]),
        ("{emotion: {is: [SAD, ANGRY], lasts: 4s}}", [20]),
        ("{emotion: {is: ANGRY, lasts: 4001ms}}", []),
        ("{emotion: {is: ANGRY, role: agent}}", []),
        ("{silence: 5s}", [3, 12]),
        ("{silence: 5s, after: customer}", [12]),
        ("{silence: {longer: 5s, before: customer}}", [3]),
        ("{silence: 7001ms}", []),
        ("{moment: topic_mention}", [10]),
        ("{moment: {is: topic_mention, issue: 退款}}", []),
        ("{moment: {is: topic_mention, label: 疑虑}}", [10]),
        ("{moment: {is: topic_mention, label: doubt}}", [10]),
        ("{moment: {is: topic_mention, label: 放弃}}", []),
        ("{all: [{customer says: 发货}, {emotion: ANGRY}]}", [10]),
        ("{all: [{customer says: 发货}, {emotion: ANGRY}], together: 8s}", [10]),
        ("{all: [{customer says: 发货}, {emotion: ANGRY}], together: 7999ms}", []),
        ("{any: [{emotion: ANGRY}, {customer says: 发货}]}", [10, 20]),
        ("{none: [{agent says: 抱歉}]}", [24]),
        ("{none: [{agent says: 您好}]}", []),
        ("{none: [{agent says: 请稍等}], first: 10s}", [1]),
        ("{anyone says: [您好, 太慢], first: 5s}", [1]),
        ("{anyone says: [您好, 太慢], last: 5s}", [20]),
        ("{sequence: [{customer says: 发货}, {silence: 2s, within: 10s}]}", [10]),
        ("{sequence: [{silence: 2s, after: customer}, {emotion: ANGRY, within: 3s}]}", [12]),
        ("{sequence: [{silence: 2s, after: customer}, {emotion: ANGRY, within: 2999ms}]}", []),
        ("{sequence: [{emotion: ANGRY}, {customer says: 发货}]}", []),
        ("{sequence: [{customer says: 发货}, {silence: 2s}], unless: [{agent says: 请稍等, within: 5s}]}", []),
        ("{sequence: [{customer says: 发货}, {silence: 2s}], unless: [{agent says: 请稍等, within: 4s}]}", [10]),
        ("{emotion: ANGRY, unless: [{agent says: 请稍等, before: 1s}]}", []),
        ("{emotion: ANGRY, unless: [{agent says: 请稍等, before: 999ms}]}", [20]),
        ("{emotion: ANGRY, unless: [{agent says: 请稍等, before: 1 sentences}]}", []),
        ("{agent says: 您好, unless: [{customer says: 太慢了, within: 2 sentences}]}", [1]),
        ("{agent says: 您好, unless: [{customer says: 太慢了, within: 3 sentences}]}", []),
        ("{emotion: ANGRY, unless: [{agent says: 您好}]}", []),
    ],
)  # fmt: skip
def test_a_condition_holds_where_it_reads_that_it_does(tmp_path: Path, when: str, expected: list[float]) -> None:
    assert hits(tmp_path, when, *TALK) == expected


def test_a_score_must_be_reached_where_there_are_scores(tmp_path: Path) -> None:
    weak, strong = {"ANGRY": 0.55}, {"ANGRY": 0.65}
    talk = (say(0, 2, CUSTOMER, "慢", ANGRY, scores=weak), say(5, 7, CUSTOMER, "慢", ANGRY, scores=strong))
    assert hits(tmp_path, "{emotion: {is: ANGRY, score: 0.6}}", *talk) == [5]


def test_sounds_count_also_without_words(tmp_path: Path) -> None:
    cry = say(0, 2, CUSTOMER, "", events=(AudioEvent.CRY,))
    judged = judge(tmp_path, "{event: Cry}", cry, say(3, 4, AGENT, "您好"))
    assert [(evidence.at_ms, evidence.quote) for evidence in judged.findings[0].evidence] == [(0, "[CRY]")]


def test_an_interruption_counts_for_whoever_did_it(tmp_path: Path) -> None:
    talk = (say(0, 6, CUSTOMER, "我上周下的单"), say(4, 8, AGENT, "您先听我说"))
    assert hits(tmp_path, "{interruption: {by: agent}}", *talk) == [4]
    assert hits(tmp_path, "{interruption: customer}", *talk) == []
    assert hits(tmp_path, "{interruption: {by: agent, lasts: 3s}}", *talk) == []


def test_the_silence_after_the_last_word_counts_when_the_length_is_known(tmp_path: Path) -> None:
    talk = say(0, 2, CUSTOMER, "什么时候发货")
    assert hits(tmp_path, "{silence: 5s}", talk) == []
    assert hits(tmp_path, "{silence: 5s}", talk, duration=9) == [2]


def test_a_sequence_takes_a_later_second_step_when_only_that_one_leads_on(tmp_path: Path) -> None:
    talk = (
        say(0, 1, CUSTOMER, "甲"), say(2, 3, AGENT, "乙"), say(10, 11, AGENT, "乙"), say(12, 13, CUSTOMER, "丙"),
    )  # fmt: skip
    when = "{sequence: [{customer says: 甲}, {agent says: 乙}, {customer says: 丙, within: 2s}]}"
    assert hits(tmp_path, when, *talk) == [0]


def test_two_starts_that_end_in_one_place_are_one_hit(tmp_path: Path) -> None:
    talk = (say(0, 1, CUSTOMER, "发货"), say(1.1, 2, CUSTOMER, "发货"), say(9, 10, AGENT, "您好"))
    assert hits(tmp_path, "{sequence: [{customer says: 发货}, {silence: 2s}]}", *talk) == [0]


def finding(folder: Path, when: str, *segments: Segment) -> Finding:
    (only,) = judge(folder, when, *segments).findings
    return only


def test_advice_is_filled_with_topic_quote_length_and_order(tmp_path: Path) -> None:
    hit = finding(tmp_path, "{sequence: [{customer says: [发货]}, {silence: 2s}]}", *TALK)
    assert hit.advice == "发货|我的衣服，什么时候发货？|5.0|20241105998877"


def test_advice_words_what_a_call_does_not_have(tmp_path: Path) -> None:
    hit = finding(tmp_path, "{none: [{agent says: 抱歉}]}", *TALK)
    assert hit.advice == "该问题||0.0|20241105998877"
    assert hit.evidence == ()


def test_quotes_are_put_into_advice_as_text_and_never_run(tmp_path: Path) -> None:
    hit = finding(tmp_path, "{customer says: 发货}", say(0, 1, CUSTOMER, "发货 {{ 7*7 }} <b>"))
    assert "发货 {{ 7*7 }} <b>" in hit.advice


def test_a_rule_hits_once_a_call_unless_it_says_every(tmp_path: Path) -> None:
    talk = (say(0, 1, CUSTOMER, "发货"), say(5, 6, CUSTOMER, "发货"))
    once = judge(tmp_path, "{customer says: 发货}", *talk)
    assert ([finding.at_ms for finding in once.findings], once.score) == ([0], 90)
    every = judge(tmp_path, "{customer says: 发货}", *talk, more="    occurrence: every\n")
    assert ([finding.at_ms for finding in every.findings], every.score) == ([0, 5000], 80)


@pytest.mark.parametrize("status", ["draft", "retired"])
def test_a_rule_that_is_not_active_judges_nothing(tmp_path: Path, status: str) -> None:
    assert judge(tmp_path, "{customer says: 发货}", ASK, more=f"    status: {status}\n").findings == ()


def test_the_score_stays_within_nothing_and_a_hundred(tmp_path: Path) -> None:
    talk = tuple(say(at, at + 1, CUSTOMER, "发货") for at in range(0, 40, 2))
    assert judge(tmp_path, "{customer says: 发货}", *talk, more="    occurrence: every\n").score == 0
    assert judge(tmp_path, "{customer says: 没有}", *talk).score == 100


def test_where_nobody_speaks_nothing_is_judged(tmp_path: Path) -> None:
    judged = judge(tmp_path, "{none: [{agent says: 您好}]}", duration=30)
    assert judged == Judgement(findings=(), score=None, risk=Risk.LOW)


def test_nobody_known_hits_no_rule_about_a_role(tmp_path: Path) -> None:
    assert hits(tmp_path, "{customer says: 发货}", say(0, 1, Role.UNKNOWN, "发货")) == []
    assert hits(tmp_path, "{anyone says: 发货}", say(0, 1, Role.UNKNOWN, "发货")) == [0]


@pytest.mark.parametrize(
    ("acts", "points", "severity", "risk"),
    [
        ("small", -31, "major", Risk.LOW),
        ("small", -5, "critical", Risk.MEDIUM),
        ("sarcasm", 0, "info", Risk.MEDIUM),
        ("threaten", 0, "info", Risk.HIGH),
    ],
)
def test_risk_is_what_stands_open_and_not_the_score(
    tmp_path: Path, acts: str, points: int, severity: str, risk: Risk
) -> None:
    (tmp_path / "a.yaml").write_text(
        f"schema: 1\nrules: [{{id: a, title: 标题, severity: {severity}, points: {points}, category: 物流, advice: 好, "
        "when: {customer says: 你好}}]\n",
        encoding="utf-8",
    )
    transcript = call(say(0, 2, CUSTOMER, "你好", acts=acts))
    analysed = analysis.analyse(transcript, AnalysisSettings(), TOPICS)
    assert rules.judge(rules.load(tmp_path), transcript, analysed, ScoreSettings()).risk is risk


def test_where_most_sentences_have_no_known_speaker_there_is_no_score_and_a_note(tmp_path: Path) -> None:
    known, unknown = say(0, 2, AGENT, "您好"), say(3, 4, Role.UNKNOWN, "喂")
    half = judge(tmp_path, "{customer says: 没有}", known, unknown)
    assert (half.score, half.notes) == (100, ())
    most = judge(tmp_path, "{customer says: 没有}", known, unknown, say(5, 6, Role.UNKNOWN, "在吗"))
    assert (most.score, most.scorecard) == (None, None)
    assert [(note.code, dict(note.values)) for note in most.notes] == [("not_scored_speakers", {"share": "0.67"})]


def test_the_schema_knows_every_condition_and_is_plain_json() -> None:
    schema = rules.json_schema()
    assert json.loads(json.dumps(schema)) == schema
    properties = schema["$defs"]["condition"]["properties"]
    for head in ("customer says", "agent says", "anyone says", "emotion", "event", "silence", "interruption", "moment",
                 "all", "any", "none", "sequence", "unless", "first", "last", "after", "together"):  # fmt: skip
        assert head in properties
    assert "within" in schema["$defs"]["step"]["properties"]
    assert "before" in schema["$defs"]["exception"]["properties"]


def test_a_word_is_found_by_its_sound_only_where_the_rule_says_so_and_is_marked(tmp_path: Path) -> None:
    misheard = say(0, 2, CUSTOMER, "我的退宽呢")
    assert hits(tmp_path, "{customer says: {any: [退款]}}", misheard) == []
    hit = finding(tmp_path, "{customer says: {any: [退款], sounds_like: true}}", misheard)
    assert (hit.evidence[0].quote, hit.evidence[0].fuzzy) == ("我的退宽呢", True)
    assert hit.advice.startswith("退款|")
    plain = finding(tmp_path, "{customer says: {any: [退款], sounds_like: true}}", say(0, 2, CUSTOMER, "我的退款呢"))
    assert not plain.evidence[0].fuzzy


def test_all_words_may_be_found_by_their_sounds(tmp_path: Path) -> None:
    when = "{customer says: {all: [退款, 到账], sounds_like: true}}"
    assert hits(tmp_path, when, say(0, 2, CUSTOMER, "退宽什么时候到帐")) == [0]
    assert hits(tmp_path, when, say(0, 2, CUSTOMER, "退宽怎么还没好")) == []


def test_false_friends_of_the_shared_file_and_exceptions_are_not_taken_for_the_word(tmp_path: Path) -> None:
    talk = say(0, 2, CUSTOMER, "你给我记着")
    assert hits(tmp_path, "{customer says: {any: [记者], sounds_like: true}}", talk) == [0]
    assert hits(tmp_path, "{customer says: {any: [记者], except: [记着], sounds_like: true}}", talk) == []
    (tmp_path / "synonyms.yaml").write_text("schema: 1\nfalse_friends: [记着]\n", encoding="utf-8")
    assert hits(tmp_path, "{customer says: {any: [记者], sounds_like: true}}", talk) == []


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("^好的", [4]),
        ("(退|换)货$", [6]),
        ("(?<!不)好的", [4]),
        ("[^甲]+货", [0, 6]),
        ("好[^甲]{0,40}货", []),
        (".+货", [0, 6]),
        ("\\\\d+", [2]),
    ],
)
def test_a_regular_expression_looks_at_each_utterance_by_itself(
    tmp_path: Path, pattern: str, expected: list[float]
) -> None:
    talk = (
        say(0, 1, CUSTOMER, "什么时候发货呀"), say(2, 3, CUSTOMER, "不好的，12345"),
        say(4, 5, CUSTOMER, "好的"), say(6, 7, CUSTOMER, "我要退货"),
    )  # fmt: skip
    assert hits(tmp_path, f'{{customer says: {{regex: "{pattern}"}}}}', *talk) == expected


def test_words_that_stand_in_exceptions_do_not_count_towards_the_number_asked_for(tmp_path: Path) -> None:
    when = "{customer says: {any: [退款, 投诉], at_least: 2, except: [不投诉], negated: either}}"
    assert hits(tmp_path, when, say(0, 2, CUSTOMER, "退款就好，我不投诉")) == []
    assert hits(tmp_path, when, say(0, 2, CUSTOMER, "不退款我就投诉")) == [0]


@pytest.mark.parametrize(
    "when",
    [
        "{emotion: {is: ANGRY, role: anyone}}",
        "{repeats: {role: anyone, similarity: 0.9}}",
    ],
)
def test_anyone_may_be_meant_where_a_role_is_named(tmp_path: Path, when: str) -> None:
    talk = (say(0, 2, CUSTOMER, "什么时候发货"), say(3, 5, AGENT, "什么时候发货", ANGRY))
    assert hits(tmp_path, when, *talk) == [3]


def test_english_speed_is_counted_in_words(tmp_path: Path) -> None:
    talk = say(0, 6, AGENT, "let me check the order status for you please wait a moment now")
    assert hits(tmp_path, "{speed: {role: agent, above: 129, below: 131}}", talk) == [0]


def test_an_exception_counts_if_it_was_still_being_said_in_the_time_before(tmp_path: Path) -> None:
    talk = (say(0, 14, AGENT, "我这边系统有点慢，请稍等"), say(22, 23, AGENT, "您好"))
    assert hits(tmp_path, "{silence: 5s, unless: [{agent says: 请稍等, before: 3s}]}", *talk) == []


def test_two_rule_sets_may_give_one_shared_name_to_different_words(tmp_path: Path) -> None:
    spoken = call(say(0, 2, CUSTOMER, "退款"))
    context = rules.MatchContext.of(spoken, analysis.analyse(spoken, AnalysisSettings(), TOPICS))
    counts = []
    for words in ("退款", "发货"):
        folder = tmp_path / words
        folder.mkdir()
        (folder / "synonyms.yaml").write_text(f"schema: 1\nsynonyms: {{事: [{words}]}}\n", encoding="utf-8")
        judge(folder, "{customer says: $事}", say(0, 2, CUSTOMER, "退款"))
        counts.append(len(rules.load(folder).rules[0].when.find(context)))
    assert counts == [1, 0]


def test_false_friends_are_a_part_of_the_rules_that_they_bear_on(tmp_path: Path) -> None:
    versions = []
    for friends, when in itertools.product(
        ("[记着]", "[记账]"), ("{customer says: {any: [记者], sounds_like: true}}", "{customer says: [记者]}")
    ):
        (tmp_path / "synonyms.yaml").write_text(f"schema: 1\nfalse_friends: {friends}\n", encoding="utf-8")
        judge(tmp_path, when, say(0, 2, CUSTOMER, "你好"))
        versions.append(rules.load(tmp_path).rules[0].version)
    tolerant, exact, other_tolerant, other_exact = versions
    assert tolerant != other_tolerant
    assert exact == other_exact


def test_a_sentence_in_which_several_conditions_of_any_hold_is_one_hit(tmp_path: Path) -> None:
    either = "{any: [{customer says: [投诉]}, {customer says: [举报]}]}"
    talk = say(3, 5, CUSTOMER, "我要投诉举报你们")
    assert hits(tmp_path, either, talk) == [3]
    assert hits(tmp_path, either[:-1] + ", times: 2}", talk) == []
    assert hits(tmp_path, either[:-1] + ", times: 2}", talk, say(6, 7, CUSTOMER, "举报")) == [6]


def test_two_outbursts_far_apart_are_not_one_that_lasts(tmp_path: Path) -> None:
    angry = (say(3, 3.5, CUSTOMER, "什么", ANGRY), say(60.5, 61, CUSTOMER, "什么", ANGRY))
    assert hits(tmp_path, "{emotion: {is: ANGRY, lasts: 2s}}", *angry) == []
    assert hits(tmp_path, "{emotion: {is: ANGRY, lasts: 500ms}}", *angry) == [3, 60.5]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "先接住情绪。订单 {{ order_id }} 今天需回访。可以说：“您先别取消，行吗？”",
            "先接住情绪。可以说：“您先别取消，行吗？”",
        ),
        ("“{{ quote }}”是抱怨。先道歉。", "先道歉。"),
        ("这次沉默了 {{ seconds }} 秒。", "这次沉默了 0.0 秒。"),
        ("客户提出“{{ topic }}”时给单号。", ""),
        ("给单号。", ""),
    ],
)
def test_advice_for_a_team_leaves_out_what_belongs_to_one_call(text: str, told: str) -> None:
    assert Advice(text).for_team("发货") == told


def test_a_judgement_keeps_what_stands_open_and_makes_the_risk(tmp_path: Path) -> None:
    threat = say(10, 12, CUSTOMER, "我要去12315投诉你们。", acts="threaten")
    judged = judge(tmp_path, "{customer says: [发货]}", say(1, 3, AGENT, "您好"), threat)
    assert (judged.risk, judged.risk_reasons) == (Risk.HIGH, (RiskReason.OPEN_THREAT,))
