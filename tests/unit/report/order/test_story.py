"""The summary of a call: what it was about, what the agent left undone, where the customer turned."""

from __future__ import annotations

from dataclasses import replace

from qareport.model import CallReport, Moment, MomentKind, MomentLabel, Role
from qareport.report.order import key_moments
from qareport.report.order.story import main_topic, story
from qareport.report.order.transcript_lines import Speakers
from tests.support import report_samples as samples

CUSTOMER, AGENT = Role.CUSTOMER, Role.AGENT


def told(call: CallReport) -> str:
    return story(call, Speakers(call.segments, call.silences))


def threat(at_ms: int, quote: str, count: int = 1) -> Moment:
    return Moment(
        at_ms=at_ms, end_ms=at_ms + 1000, kind=MomentKind.ESCALATION, role=CUSTOMER,
        label_code=MomentLabel.ESCALATION, quote=quote, salience=90.0, count=count,
    )  # fmt: skip


def test_a_story_names_each_thing_once_with_its_count_and_repeats_no_verdict() -> None:
    assert told(samples.CALL) == (
        "客户为“发货”来电，追问2次；客服没有正面回应，第42秒起5.0秒没有接话；"
        "客户第87秒发怒，第125秒沉默6.0秒，第131秒要放弃“算了”，第170秒说反话“呵……你们自己看看是不是太麻烦了”。"
    )


def test_what_a_customer_does_again_is_counted() -> None:
    call = replace(samples.CALL, moments=(threat(5000, "我要投诉"), threat(30_000, "叫你们主管来", count=3)))
    assert told(call) == "客户第5秒要求升级或投诉“我要投诉”（2次）。"
    shown = key_moments.choose(call, 5)
    times = [key_moments.key_moment(item, 1, Speakers(call.segments, call.silences), "c1").others for item in shown]
    assert "共2次，另在第30秒" in times, "the key moment counts the same times"


def test_a_call_in_which_nothing_happened_says_so() -> None:
    assert told(replace(samples.CALL, moments=())) == "没有发现需要关注的节点。"


def test_a_call_without_words_says_that_nothing_can_be_judged() -> None:
    assert told(samples.EMPTY.calls[0]) == "录音中没有识别到语音，无法判断。"


def test_what_limits_the_judgement_is_said() -> None:
    assert told(samples.UNKNOWN_ROLES.calls[0]).endswith("情绪未判定，结论只依据文字与停顿。未评分：说话人不明。")


def test_a_guessed_speaker_is_marked() -> None:
    assert told(samples.GUESSED_CALL) == "客户（推断）为“物流”来电。"


def test_a_call_is_about_the_issue_that_most_speaks_for() -> None:
    few = replace(samples.RICH_CALL.issues[0], name="物流查询", evidence=samples.RICH_CALL.issues[0].evidence)
    much = replace(few, name="退款", evidence=few.evidence * 3)
    assert main_topic(replace(samples.CALL, issues=(few, much), moments=())) == "退款"
    assert main_topic(samples.RICH_CALL) == "发货", "the customer's own word, where it is a name"
    odd = replace(samples.MOMENTS[0], topic="了还没到")
    assert main_topic(replace(samples.CALL, moments=(odd,))) == "物流延迟", "a scrap of words is no name"
    assert main_topic(replace(samples.CALL, moments=())) == ""
