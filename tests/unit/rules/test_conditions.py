"""Single conditions: turns, emotions that last, who speaks last, silences, promises, agents."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from qareport import rules
from qareport.errors import ConfigError
from qareport.model import Emotion, Role, Segment
from qareport.settings import ScoreSettings
from tests.support.calls import AGENT, CUSTOMER, analyse, analyse_transcript, call, say
from tests.support.rule_texts import hits, judge, rule_set

ANGRY = Emotion.ANGRY


def um(start: float, role: Role = CUSTOMER) -> Segment:
    return say(start, start + 0.3, role, "嗯。")


#: The agent explains; the customer hums under it.
EXPLAINED = (say(0, 20, AGENT, "我跟您说一下"), um(10), say(20.5, 22, AGENT, "您看可以吗"))
#: The customer tells; the agent hums and answers after eight seconds.
TOLD = (say(0, 10, CUSTOMER, "我跟你说"), um(5, AGENT), say(18, 20, AGENT, "我看看"))


def test_a_back_channel_is_no_question_that_waits_for_an_answer(tmp_path: Path) -> None:
    assert hits(tmp_path, "{response delay: {by: agent, longer: 5s}}", *EXPLAINED) == []
    assert analyse(*EXPLAINED).metrics.longest_response_ms is None


def test_a_back_channel_is_no_answer(tmp_path: Path) -> None:
    assert hits(tmp_path, "{response delay: {by: agent, longer: 5s}}", *TOLD) == [0]
    assert hits(tmp_path, "{response delay: {by: agent, longer: 8001ms}}", *TOLD) == []
    assert analyse(*TOLD).metrics.longest_response_ms == 8000


def test_a_delay_counts_from_the_last_sentence_of_a_turn(tmp_path: Path) -> None:
    talk = (say(0, 3, CUSTOMER, "我的衣服呢"), say(4, 6, CUSTOMER, "什么时候发货"), say(12, 13, AGENT, "我看看"))
    assert hits(tmp_path, "{response delay: 6s}", *talk) == [4]
    assert hits(tmp_path, "{response delay: 6001ms}", *talk) == []


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("{turns: {above: 1}}", []),
        ("{turns: {below: 2}}", [22]),
        ("{turns: {role: customer, below: 1}}", [22]),
        ("{utterances: {above: 2}}", [22]),
        ("{agent says: 可以吗, first: 1 turn}", [20.5]),
        ("{agent says: 可以吗, last: 1 turn}", [20.5]),
        ("{agent says: 说一下, last: 1 turn}", [0]),
    ],
)
def test_a_back_channel_takes_no_turn(tmp_path: Path, when: str, expected: list[float]) -> None:
    assert hits(tmp_path, when, *EXPLAINED) == expected


def test_no_greeting_in_the_first_turns_looks_at_turns_alone(tmp_path: Path) -> None:
    talk = (say(0, 9, CUSTOMER, "喂我跟你说"), um(3, AGENT), um(6, AGENT), say(9.5, 11, AGENT, "您好"))
    assert hits(tmp_path, "{none: [{agent says: 您好}], first: 2 turns}", *talk) == []


@pytest.mark.parametrize(
    ("talk", "expected"),
    [
        ((say(50, 60, AGENT, "再见"), um(55)), "agent"),
        ((say(50, 60, AGENT, "再见"), say(59.7, 60, CUSTOMER, "嗯")), "agent"),
        ((say(50, 60, AGENT, "再见"), say(55, 61, CUSTOMER, "等一下")), "customer"),
        ((say(50, 60, AGENT, "再见"), say(52, 58, CUSTOMER, "等一下我还有事")), "agent"),
        ((say(50, 60, AGENT, "再见"), um(60.5)), "customer"),
        ((say(50, 60, AGENT, "再见"), say(61, 62, Role.UNKNOWN, "喂")), None),
    ],
)
def test_who_ends_last_has_the_last_word(tmp_path: Path, talk: tuple[Segment, ...], expected: str | None) -> None:
    held = [role for role in ("agent", "customer") if hits(tmp_path, f"{{last speaker: {role}}}", *talk)]
    assert held == ([expected] if expected else [])


def outburst(start: float, end: float, text: str = "什么") -> Segment:
    return say(start, end, CUSTOMER, text, ANGRY)


@pytest.mark.parametrize(
    ("talk", "seconds"),
    [
        ((outburst(0, 4),), 4.0),
        ((outburst(0, 2), outburst(2, 4)), 4.0),
        ((outburst(0, 2), outburst(2.5, 4)), 4.0),
        ((outburst(0, 2), outburst(5, 7)), 4.0),
        ((outburst(0, 0.5), say(1, 3, AGENT, "您别急"), outburst(3.5, 4)), 1.0),
        ((outburst(0, 2), say(2.1, 2.4, AGENT, "嗯"), outburst(2.5, 4)), 3.5),
        ((outburst(0, 3), outburst(1, 2)), 3.0),
        ((outburst(0, 3), say(3, 12, AGENT, "您别急"), outburst(12, 14)), 3.0),
    ],
)
def test_an_emotion_lasts_as_long_as_it_is_heard(tmp_path: Path, talk: tuple[Segment, ...], seconds: float) -> None:
    when = "{emotion: {is: ANGRY, lasts: %dms}}"
    assert hits(tmp_path, when % round(seconds * 1000), *talk) == [0]
    assert hits(tmp_path, when % (round(seconds * 1000) + 1), *talk) == []
    (finding,) = judge(tmp_path, "{emotion: ANGRY}", *talk).findings
    assert finding.advice.split("|")[2] == f"{seconds:.1f}"


def test_an_explanation_shows_how_long_an_emotion_lasted(tmp_path: Path) -> None:
    transcript = call(outburst(2, 5), say(5, 7, AGENT, "您别急"), outburst(8, 10))
    context = rules.MatchContext.of(transcript, analyse_transcript(transcript))
    (rule,) = rule_set(tmp_path, "{emotion: {is: ANGRY, lasts: 2s}}").rules
    text = "\n".join(rules.draw(rules.explain(rule, context)))
    assert "第 2 秒，5 秒" in text
    (longer,) = rule_set(tmp_path, "{emotion: {is: ANGRY, lasts: 6s}}").rules
    assert "(最长 5 秒)" in "\n".join(rules.draw(rules.explain(longer, context)))


def test_an_interruption_is_found_across_the_border_of_two_sentences(tmp_path: Path) -> None:
    talk = (say(0, 3, CUSTOMER, "我上周下的单"), say(3.1, 5, CUSTOMER, "一直没发"), say(2.6, 6, AGENT, "您先听我说"))
    ordered = sorted(talk, key=lambda segment: segment.start_ms)
    assert hits(tmp_path, "{interruption: {by: agent, lasts: 2s}}", *ordered) == [2.6]
    assert analyse(*ordered).metrics.interruptions == {"customer": 0, "agent": 1}


def test_a_new_sentence_after_a_pause_is_not_the_same_breath(tmp_path: Path) -> None:
    talk = (say(0, 3, CUSTOMER, "我上周下的单"), say(2.9, 3.2, AGENT, "嗯"), say(3.4, 5, CUSTOMER, "一直没发"))
    assert hits(tmp_path, "{interruption: {}}", *talk) == []


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("{silence: {shorter: 5s}}", [2]),
        ("{silence: {longer: 3s, shorter: 8s}}", [2]),
        ("{silence: {longer: 3s, shorter: 3s1}}", None),
        ("{silence: {longer: 5s, shorter: 3s}}", None),
        ("{silence: {}}", None),
        ("{silence: {shorter: 3s}}", []),
        ("{silence: {shorter: 10s, after: agent}}", [6]),
    ],
)
def test_a_silence_may_be_asked_to_be_shorter(tmp_path: Path, when: str, expected: list[float] | None) -> None:
    talk = (say(0, 2, CUSTOMER, "喂"), say(5, 6, AGENT, "您好"), say(14, 15, CUSTOMER, "喂"))
    if expected is None:
        with pytest.raises(ConfigError):
            rule_set(tmp_path, when)
    else:
        assert hits(tmp_path, when, *talk) == expected


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("{promise: 发货}", [3]),
        ("{promise: [发货, 退款]}", [3, 9]),
        ("{promise: {}}", [3, 9]),
        ("{promise: {is: 发货, longer: 48h}}", [3]),
        ("{promise: {longer: 49h}}", []),
        ("{promise: {is: 发货, shorter: 48h}}", []),
        ("{promise: {is: 发货, shorter: 72h}}", [3]),
        ("{promise: 换货}", []),
        ("{sequence: [{customer says: 发货}, {promise: 发货, within: 5s}]}", [0]),
        ("{none: [{promise: 换货}]}", [11]),
    ],
)
def test_a_promise_is_what_the_analysis_found(tmp_path: Path, when: str, expected: list[float]) -> None:
    talk = (
        say(0, 2, CUSTOMER, "什么时候发货"), say(3, 6, AGENT, "四十八小时内给您发货", acts="promise"),
        say(9, 11, AGENT, "明天给您退款", acts="promise"),
    )  # fmt: skip
    assert hits(tmp_path, when, *talk) == expected


def test_promises_and_the_agent_are_known_of_stored_calls(tmp_path: Path) -> None:
    transcript = replace(call(say(3, 6, AGENT, "48小时内给您发货", acts="promise")), agent_id="A017")
    for when in ("{promise: {is: 发货, longer: 48h}}", "{agent: [A017, A018]}"):
        (rule,) = rule_set(tmp_path, when).rules
        context = rules.MatchContext.of(transcript, analyse_transcript(transcript))
        assert rule.when.first(context) is not None


@pytest.mark.parametrize(("agent_id", "when", "held"), [
    ("A017", "{agent: A017}", True),
    ("A017", "{agent: [A018, A017]}", True),
    ("A018", "{agent: A017}", False),
    (None, "{agent: A017}", False),
    ("A018", "{none: [{agent: A017}]}", True),
    (None, "{none: [{agent: A017}]}", False),
    ("A017", "{all: [{agent: A017}, {agent says: 您好}], together: 2s}", True),
])  # fmt: skip
def test_rules_may_be_for_some_agents(tmp_path: Path, agent_id: str | None, when: str, held: bool) -> None:
    transcript = replace(call(say(0, 2, AGENT, "您好")), agent_id=agent_id)
    judged = rules.judge(rule_set(tmp_path, when), transcript, analyse_transcript(transcript), ScoreSettings())
    assert bool(judged.findings) is held


@pytest.mark.parametrize(("shop", "when", "held"), [
    ("旗舰店", "{shop: 旗舰店}", True),
    ("Tmall店", "{shop: ' ｔmall店'}", True),
    ("专营店", "{shop: 旗舰店}", False),
    ("专营店", "{none: [{店铺: [旗舰店, 工厂店]}]}", True),
    (None, "{none: [{shop: 旗舰店}]}", False),
])  # fmt: skip
def test_rules_may_be_for_some_shops(tmp_path: Path, shop: str | None, when: str, held: bool) -> None:
    transcript = replace(call(say(0, 2, AGENT, "您好")), shop=shop)
    judged = rules.judge(rule_set(tmp_path, when), transcript, analyse_transcript(transcript), ScoreSettings())
    assert bool(judged.findings) is held


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("{repeats: {role: customer, within: 2 sentences}}", [4]),
        ("{repeats: {role: customer, within: 1 sentence}}", []),
        ("{repeats: {role: customer, except: [发货]}}", []),
        ("{repeats: {role: customer, except: [退款]}}", [4]),
    ],
)
def test_a_repetition_may_be_near_and_leave_words_out(tmp_path: Path, when: str, expected: list[float]) -> None:
    talk = (
        say(0, 2, CUSTOMER, "什么时候发货"), say(2, 3, AGENT, "您好"), say(4, 6, CUSTOMER, "什么时候发货"),
    )  # fmt: skip
    assert hits(tmp_path, when, *talk) == expected


def points(folder: Path, more: str, *segments: Segment) -> list[int]:
    return [finding.points for finding in judge(folder, "{customer says: 发货}", *segments, more=more).findings]


def test_a_rule_that_counts_every_time_may_have_a_limit(tmp_path: Path) -> None:
    talk = tuple(say(at, at + 1, CUSTOMER, "发货") for at in range(0, 20, 5))
    assert points(tmp_path, "    occurrence: every\n", *talk) == [-10, -10, -10, -10]
    assert points(tmp_path, "    occurrence: every\n    most: -25\n", *talk) == [-10, -10, -5, 0]
    assert judge(tmp_path, "{customer says: 发货}", *talk, more="    occurrence: every\n    most: -25\n").score == 75


@pytest.mark.parametrize("more", ["most: -20", "occurrence: every\n    most: -5", "occurrence: every\n    most: 20"])
def test_a_limit_that_means_nothing_is_refused(tmp_path: Path, more: str) -> None:
    with pytest.raises(ConfigError, match="most"):
        rule_set(tmp_path, "{customer says: 发货}", f"    {more}\n")


@pytest.mark.parametrize(
    ("said", "stage"),
    [
        (["还没签收"], "运输中"),
        (["没签收了"], None),
        (["显示签收了，我没有收到"], "运输中"),
        (["显示签收了。", "我没有收到"], "运输中"),
        (["我已经签收了"], "已签收"),
        (["我收到了，碎了"], "已签收"),
        (["我還沒收到貨"], "运输中"),
        (["我不退款，什么时候发货"], "待发货"),
        (["不要退款"], None),
    ],
)
def test_the_stage_is_what_the_customer_says_and_not_what_is_denied(said: list[str], stage: str | None) -> None:
    shipped = rules.load(Path(__file__).parents[3] / "config" / "rules")
    transcript = call(*(say(at, at + 1, CUSTOMER, text) for at, text in enumerate(said)))
    context = rules.MatchContext.of(transcript, analyse_transcript(transcript), stages=shipped.stages)
    assert context.stage == stage


def test_a_stage_may_name_what_only_looks_like_it(tmp_path: Path) -> None:
    shared = "schema: 1\nstages: {已签收: {any: [签收了], except: [显示签收了]}, 运输中: [没收到]}\n"
    (tmp_path / "synonyms.yaml").write_text(shared, encoding="utf-8")
    assert hits(tmp_path, "{stage: 已签收}", say(0, 1, CUSTOMER, "显示签收了")) == []
    assert hits(tmp_path, "{stage: 已签收}", say(0, 1, CUSTOMER, "签收了")) == [1]
    assert hits(tmp_path, "{stage: 运输中}", say(0, 1, CUSTOMER, "显示签收了，没收到")) == [1]


def test_anyones_voice_is_compared_with_what_the_same_role_said_before(tmp_path: Path) -> None:
    loud = [
        replace(say(0, 1, CUSTOMER, "一"), loudness_dbfs=-28.0),
        replace(say(2, 3, AGENT, "二"), loudness_dbfs=-18.0),
        replace(say(4, 5, CUSTOMER, "三"), loudness_dbfs=-20.0),
    ]
    assert hits(tmp_path, "{loudness: {role: anyone, rises: 8}}", *loud) == [4]
