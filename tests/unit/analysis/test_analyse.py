"""The example call of the product's description: what is said of it is the users' own words."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from qareport import analysis, rules
from qareport.model import (
    Analysis,
    AudioEvent,
    AudioInfo,
    Emotion,
    Judgement,
    MomentKind,
    MomentLabel,
    Risk,
    Role,
    Segment,
    Severity,
    Transcript,
)
from qareport.settings import AnalysisSettings, ScoreSettings
from tests.support.paths import ROOT

TOPICS = analysis.load_topics(ROOT / "config" / "topics.yaml")
AGENT, CUSTOMER = Role.AGENT, Role.CUSTOMER


def say(
    start: float,
    end: float,
    role: Role,
    text: str,
    emotion: Emotion | None = Emotion.NEUTRAL,
    *,
    scores: Mapping[str, float] | None = None,
    events: tuple[AudioEvent, ...] = (),
) -> Segment:
    """Make a segment from seconds."""
    return Segment(
        start_ms=round(start * 1000),
        end_ms=round(end * 1000),
        role=role,
        text=text,
        emotion=emotion,
        emotion_scores=scores,
        events=events,
    )


def call(*segments: Segment, duration: float | None = None) -> Transcript:
    """Make a transcript; `duration` in seconds."""
    audio = None
    if duration is not None:
        audio = AudioInfo(path="a.wav", sha256="0", duration_ms=round(duration * 1000), sample_rate=8000, channels=2)
    return Transcript(call_id="c", order_id="20241105998877", audio=audio, segments=segments)


def analyse(*segments: Segment, duration: float | None = None) -> Analysis:
    """Analyse a conversation with the shipped settings and topics."""
    return analysis.analyse(call(*segments, duration=duration), AnalysisSettings(), TOPICS)


EXAMPLE = call(
    say(0.5, 4, AGENT, "您好，请问有什么可以帮您？"),
    say(4.8, 9, CUSTOMER, "你好，我买了一件羽绒服。"),
    say(9.6, 14, AGENT, "好的，请您提供一下订单号。"),
    say(14.8, 24, CUSTOMER, "二零二四一一零五九九八八七七。"),
    say(25, 33, AGENT, "好的，我看到您的订单了。"),
    say(34, 41.5, AGENT, "请问您想了解什么？"),
    say(42, 44.5, CUSTOMER, "我想问一下到底什么时候发货？"),
    say(49.5, 57, AGENT, "这个系统显示正常的。"),
    say(57.8, 66, CUSTOMER, "可是我下单已经好几天了呀。"),
    say(66.5, 75, AGENT, "这个要看仓库的安排，我这边也看不到。"),
    say(75.6, 86, AGENT, "最近活动订单比较多。"),
    say(87, 90.2, CUSTOMER, "你们是不是压单！", Emotion.ANGRY, scores={"ANGRY": 0.9, "NEUTRAL": 0.1}),
    say(90.8, 104, AGENT, "没有的，我们会安排的。"),
    say(104.6, 114, AGENT, "请您耐心等待。"),
    say(114.8, 124.3, AGENT, "您再等等看吧。"),
    say(125, 128, CUSTOMER, "所以到底什么时候发货？"),
    say(134, 135, CUSTOMER, "算了。"),
    duration=140,
)


@pytest.fixture(scope="module")
def result() -> Analysis:
    return analysis.analyse(EXAMPLE, AnalysisSettings(), TOPICS)


@pytest.fixture(scope="module")
def judged(result: Analysis) -> Judgement:
    return rules.judge(rules.load(ROOT / "config" / "rules"), EXAMPLE, result, ScoreSettings())


def test_the_customers_trajectory_reads_silence_angry_silence(result: Analysis) -> None:
    assert analysis.arrow_form(result.trajectory) == "[SILENCE] → [ANGRY] → [SILENCE]"


def test_three_moments_tell_the_story_at_their_seconds_with_their_names(result: Analysis) -> None:
    story = [(moment.at_ms // 1000, moment.label_code, moment.tags) for moment in result.moments if moment.salience > 0]
    assert story == [
        (42, MomentLabel.DOUBT, ("SILENCE",)),
        (87, MomentLabel.TRUST_BROKEN, ("ANGRY",)),
        (125, MomentLabel.GIVE_UP, ("SILENCE",)),
    ]


def test_the_first_mention_names_the_word_and_the_issue(result: Analysis) -> None:
    (mention,) = [moment for moment in result.moments if moment.kind is MomentKind.TOPIC_MENTION]
    assert (mention.topic, mention.issue) == ("发货", "物流延迟")


def test_the_anger_lasts_three_point_two_seconds(result: Analysis) -> None:
    (anger,) = [moment for moment in result.moments if moment.kind is MomentKind.EMOTION]
    assert (anger.end_ms - anger.at_ms, anger.quote) == (3200, "你们是不是压单！")


def test_what_a_moment_tells_already_is_found_but_not_told_again(result: Analysis) -> None:
    folded = [moment.kind for moment in result.moments if moment.salience == 0]
    assert folded == [MomentKind.SILENCE, MomentKind.NO_ANSWER, MomentKind.SILENCE, MomentKind.CHURN_SIGNAL]


def test_the_shipping_doubt_is_found_with_evidence_and_the_exact_advice(judged: Judgement) -> None:
    (doubt,) = [finding for finding in judged.findings if finding.rule_id == "logistics.shipping-doubt"]
    assert doubt.at_ms == 42_000
    assert [(evidence.at_ms, evidence.quote) for evidence in doubt.evidence] == [
        (42_000, "我想问一下到底什么时候发货？"),
        (44_500, "[SILENCE]"),
    ]
    assert doubt.advice == "在客户提出“发货”疑问时，应立即提供物流单号及预计发出时间，避免沉默真空。"
    assert (doubt.severity, doubt.points, doubt.moment) == (Severity.MAJOR, -10, "疑虑")


def test_giving_up_makes_the_call_one_of_high_risk(judged: Judgement) -> None:
    assert "churn.gave-up-after-repeat" in {finding.rule_id for finding in judged.findings}
    assert judged.risk is Risk.HIGH
    assert judged.score == 100 + sum(finding.points for finding in judged.findings)
