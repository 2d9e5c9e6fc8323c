"""The example call of the product's description: what is said of it is the users' own words."""

from __future__ import annotations

import pytest

from qareport import analysis, rules
from qareport.model import (
    Analysis,
    Judgement,
    MomentKind,
    MomentLabel,
    Risk,
    Severity,
)
from qareport.settings import ScoreSettings
from tests.support.calls import EXAMPLE, analyse_transcript
from tests.support.paths import ROOT


@pytest.fixture(scope="module")
def result() -> Analysis:
    return analyse_transcript(EXAMPLE)


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
    assert folded == [
        MomentKind.SILENCE, MomentKind.NO_ANSWER, MomentKind.NO_ANSWER, MomentKind.NO_ANSWER,
        MomentKind.SILENCE, MomentKind.CHURN_SIGNAL,
    ]  # fmt: skip


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
