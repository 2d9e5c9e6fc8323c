"""Promises: what the agent says will be done, and when it is due."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta, timezone

import pytest

from qareport import analysis
from qareport.model import Promise, Role, Segment
from qareport.settings import AnalysisSettings
from tests.support.calls import AGENT, CUSTOMER, TOPICS, call, say

#: A Friday.
STARTED = datetime(2026, 11, 20, 9, 30, tzinfo=timezone(timedelta(hours=8)))


def promises(text: str, role: Role = AGENT, started_at: datetime | None = STARTED) -> tuple[Promise, ...]:
    transcript = dataclasses.replace(call(say(0, 3, role, text)), started_at=started_at)
    return analysis.analyse(transcript, AnalysisSettings(), TOPICS).promises


@pytest.mark.parametrize(
    ("text", "action", "by", "due"),
    [
        ("48小时内给您发货", "发货", "48小时内", "2026-11-22T09:30:00"),
        ("四十八小时之内发货", "发货", "四十八小时之内", "2026-11-22T09:30:00"),
        ("今天退款", "退款", "今天", "2026-11-20T23:59:59"),
        ("今天下午六点前给您发货", "发货", "今天下午六点前", "2026-11-20T18:00:00"),
        ("明天给您回电", "回电", "明天", "2026-11-21T23:59:59"),
        ("两个半小时内联系您", "回电", "两个半小时内", "2026-11-20T12:00:00"),
        ("三个工作日内到账", "退款", "三个工作日内", "2026-11-25T09:30:00"),
        ("we will ship it within 2 days", "发货", "2 days", "2026-11-22T09:30:00"),
        ("you will get your refund in three days", "退款", "three days", "2026-11-23T09:30:00"),
        ("I will call you back on Monday", "回电", "Monday", "2026-11-23T23:59:59"),
        ("明天上午给您回电", "回电", "明天上午", "2026-11-21T12:00:00"),
        ("明天下午三点给您回电话", "回电", "明天下午三点", "2026-11-21T15:00:00"),
        ("今晚八点前安排发出", "发货", "今晚八点前", "2026-11-20T20:00:00"),
        ("下午给您打电话", "回电", "下午", "2026-11-20T18:00:00"),
        ("本周五前给您处理好", "处理", "本周五前", "2026-11-20T23:59:59"),
        ("周三给您寄出", "发货", "周三", "2026-11-25T23:59:59"),
        ("下周一之前发货", "发货", "下周一之前", "2026-11-23T23:59:59"),
        ("下周给您补发", "发货", "下周", "2026-11-29T23:59:59"),
        ("月底之前到货", "送达", "月底之前", "2026-11-30T23:59:59"),
        ("25号之前发货", "发货", "25号之前", "2026-11-25T23:59:59"),
        ("十号给您寄出", "发货", "十号", "2026-12-10T23:59:59"),
        ("12月3日发货", "发货", "12月3日", "2026-12-03T23:59:59"),
        ("三日内发货", "发货", "三日内", "2026-11-23T09:30:00"),
        ("今天准到", "送达", "今天", "2026-11-20T23:59:59"),
        ("两个工作日就退", "退款", "两个工作日", "2026-11-24T09:30:00"),
        ("今明两天就能到", "送达", "今明两天", "2026-11-21T23:59:59"),
        ("储蓄卡一到七个工作日", "退款", "一到七个工作日", "2026-12-01T09:30:00"),
        ("十九号师傅找您装", "上门", "十九号", "2026-12-19T23:59:59"),
        ("your refund will land by tomorrow", "退款", "tomorrow", "2026-11-21T23:59:59"),
    ],
)
def test_a_promise_is_due_after_its_span(text: str, action: str, by: str, due: str) -> None:
    (promise,) = promises(text)
    assert promise.due_at is not None
    assert (promise.action, promise.by, promise.due_at.isoformat()) == (action, by, f"{due}+08:00")


def test_without_the_start_of_the_call_the_span_is_known_and_the_time_is_not() -> None:
    (promise,) = promises("48小时内发货", started_at=None)
    assert (promise.within_ms, promise.due_at) == (48 * 3_600_000, None)


def test_one_sentence_can_hold_several_promises_each_with_its_action() -> None:
    found = promises("发票今天开，明天寄出，走快递")
    assert [(promise.action, promise.by) for promise in found] == [("开票", "今天"), ("发货", "明天")]


@pytest.mark.parametrize(
    ("text", "action", "by"),
    [
        ("48小时内给您回电可以吗？", "回电", "48小时内"),
        ("您的包裹已经到南宁了，预计后天送达。", "送达", "后天"),
        ("您提交的服务单，明天18点前审核完毕。", "处理", "明天18点前"),
        ("礼拜六上午九点到十一点师傅上门，您看行吗", "上门", "礼拜六上午九点到十一点"),
        ("十七号能给您送到的", "送达", "十七号"),
        ("发票两天内发到您下单的邮箱", "开票", "两天内"),
        ("七点四十五之前给您送到", "送达", "七点四十五之前"),
        ("快的话明天退款", "退款", "明天"),
        ("四天内退给您", "退款", "四天内"),
        ("今天没办法，明天给您补发", "发货", "明天"),
    ],
)
def test_a_veto_is_of_its_clause_and_asking_for_leave_is_none(text: str, action: str, by: str) -> None:
    (promise,) = promises(text)
    assert (promise.action, promise.by) == (action, by)


def talk(*segments: Segment) -> list[tuple[str, str]]:
    transcript = dataclasses.replace(call(*segments), started_at=STARTED)
    found = analysis.analyse(transcript, AnalysisSettings(), TOPICS).promises
    return [(promise.action, promise.by) for promise in found]


def test_a_time_alone_belongs_to_the_action_of_the_sentence_before_or_of_the_question_it_answers() -> None:
    assert talk(say(0, 2, AGENT, "我给您申请退款"), say(2.5, 4, AGENT, "三个工作日之内。")) == [
        ("退款", "三个工作日之内")
    ]
    asked = say(0, 2, CUSTOMER, "那退款多久能到")
    assert talk(asked, say(3, 4, AGENT, "一般24小时之内。")) == [("退款", "24小时之内")]
    assert talk(say(0, 2, CUSTOMER, "退款的事我知道了"), say(3, 4, AGENT, "24小时。")) == []


def test_who_is_asked_when_promises_by_a_time_and_next_to_nothing_else() -> None:
    asked = say(0, 2, CUSTOMER, "这个得等几天呢")
    assert talk(asked, say(3, 4, AGENT, "大概一个礼拜吧。")) == [("处理", "大概一个礼拜")]
    assert talk(asked, say(3, 4, AGENT, "路上要三四天。")) == [("处理", "三四天")]
    assert talk(asked, say(3, 4, AGENT, "我查查"), say(5, 6, CUSTOMER, "嗯"), say(7, 8, AGENT, "得两天。")) == [
        ("处理", "两天")
    ]
    assert talk(say(0, 2, CUSTOMER, "保价管几天"), say(3, 4, AGENT, "七天。")) == []


def test_how_it_usually_is_commits_only_who_was_asked_when() -> None:
    usual = say(3, 4, AGENT, "一般两天到。")
    assert talk(say(0, 2, CUSTOMER, "发什么快递"), usual) == []
    assert talk(say(0, 2, CUSTOMER, "几天能到"), usual) == [("送达", "两天")]


def test_who_only_reads_back_promises_nothing_new_and_who_says_goodbye_may() -> None:
    visit = "好，明天下午师傅上门，再见"
    assert talk(say(0, 2, AGENT, visit, acts="confirm")) == []
    assert talk(say(0, 2, AGENT, visit, acts="close")) == [("上门", "明天下午")]
    assert talk(say(0, 2, AGENT, visit), say(3, 5, AGENT, visit, acts="close")) == [("上门", "明天下午")]


@pytest.mark.parametrize(
    ("text", "by"),
    [
        ("后天，礼拜天上午，师傅上门", "后天，礼拜天上午"),
        ("您的花架二十一号送到，就是明天", "二十一号送到，就是明天"),
        ("明天也就是周六给您发货", "明天也就是周六"),
        ("今天三小时内给您回电", "今天三小时内"),
        ("今天或者明天发货", "今天或者明天"),
    ],
)
def test_one_time_said_in_two_halves_is_one_promise(text: str, by: str) -> None:
    assert [promise.by for promise in promises(text)] == [by]


def test_a_promise_said_again_in_other_words_for_the_day_or_in_working_days_is_one() -> None:
    first = say(0, 2, AGENT, "明天给您送到")
    assert talk(first, say(3, 5, AGENT, "说了明儿送到的")) == [("送达", "明天")]
    assert talk(say(0, 2, AGENT, "明天中午十二点前回电"), say(3, 5, AGENT, "明天中午之前一定给您回电")) == [
        ("回电", "明天中午十二点前")
    ]
    refund = say(0, 2, AGENT, "大概一到三天给您退款")
    assert talk(refund, say(3, 5, AGENT, "一到三个工作日内到账")) == [("退款", "大概一到三天")]


def test_a_question_is_open_until_it_is_answered() -> None:
    asked = say(0, 2, CUSTOMER, "藤椅几时能到", acts="ask")
    number = [say(3, 4, AGENT, "单号报一下", acts="ask_info"), say(5, 6, CUSTOMER, "四四零二", acts="inform")]
    answer = say(7, 8, AGENT, "一般四天。", acts="answer")
    assert talk(asked, *number, answer) == [("送达", "四天")]
    told = say(3, 4, AGENT, "还在海关", acts="answer")
    assert talk(asked, told, say(5, 6, CUSTOMER, "椅垫是棉的吗", acts="ask"), answer) == []


@pytest.mark.parametrize("asked", ["这个摆件什么时候签收的", "床垫保价管几天", "你们几点打烊"])
def test_who_asks_for_the_past_for_terms_or_for_hours_is_promised_nothing(asked: str) -> None:
    assert talk(say(0, 2, CUSTOMER, asked, acts="ask"), say(3, 4, AGENT, "二十号上午。", acts="answer")) == []


def test_by_how_much_it_is_late_is_a_promise_to_who_asks_when() -> None:
    late = say(3, 5, AGENT, "路上塌方，要晚两天", acts="answer")
    assert talk(say(0, 2, CUSTOMER, "那到底几时能到", acts="ask"), late) == [("送达", "两天")]
    assert talk(say(0, 2, CUSTOMER, "怎么不动了", acts="ask"), late) == []


def test_how_long_something_takes_is_a_promise_and_how_long_it_takes_to_look_is_none() -> None:
    assert talk(say(0, 2, AGENT, "重新刻字要五个工作日", acts="answer")) == [("处理", "五个工作日")]
    assert talk(say(0, 2, AGENT, "要三分钟", acts="hold")) == []


def test_a_promise_said_again_in_fewer_words_or_with_a_hedge_is_one() -> None:
    first = say(0, 2, AGENT, "两到四天给您发货")
    assert talk(first, say(3, 4, AGENT, "大概两到四天发货")) == [("发货", "两到四天")]
    assert talk(first, say(3, 4, AGENT, "两到四天", acts="promise")) == [("发货", "两到四天")]


def test_where_a_promise_was_heard_its_action_may_be_in_words_that_nobody_listed() -> None:
    assert talk(say(0, 2, AGENT, "明天下午三点给您弄妥", acts="promise")) == [("处理", "明天下午三点")]
    assert talk(say(0, 2, AGENT, "明天下午三点看看", acts="answer")) == []


@pytest.mark.parametrize(
    "text",
    [
        "您三天前申请的退款",
        "您三号申请的退款",
        "上周五发货了",
        "上个月25号发货的",
        "您昨天下午买的，会给您发货",
        "货在五号仓，正在发货",
        "48小时内发货吗？",
        "今天没办法发货",
        "已经等了三天没发货",
        "48小时内不能发货",
        "会尽快发货",
        "我们支持七天无理由退款",
        "今天天气不错",
        "晚上好，有什么问题我可以帮您处理或解决呢",
        "亲，今天不发货了哦。",
        "您今天在家吗，师傅想上门",
        "七天里能退，十五天里给换",
        "晚上八点往后报的给您打电话",
        "师傅会在送货头一天打给您",
        "活动八点开抢",
        "打包票的话明天也不好讲",
        "今天二十号，已经给您退款",
        "货今天进的站，正在派送",
        "八点四十就进站了，给您派送",
        "当天就给您报上去了，会给您退款",
        "二号上午审过的，钱已退款",
        "您明天留意接电话",
        "今晚之前您先把照片发过来，好给您退款",
        "收到货十天之内降价可以申请补差价",
        "这张券管三十天，给您补偿",
        "师傅请假两天，会上门的",
        "顺丰次日达，已经发货",
        "碰上周末不算，审核顺延",
        "四点以后的第二天审核",
        "一般头天出，第二天送到",
        "今晚八点还有一场，优惠券多",
        "今天送不成了",
        "您选的送货日期是十二号",
        "今天害您白跑，会给您补偿",
        "等三分钟，给您处理",
        "明天拿不到货的",
        "今天能帮到您，给您处理好了",
        "拨打24小时服务电话，有人给您处理",
        "您明天来咨询一下，好给您处理",
    ],
)
def test_questions_refusals_and_the_past_are_no_promise(text: str) -> None:
    assert promises(text) == ()


def test_a_customer_promises_nothing() -> None:
    assert promises("你们说48小时内发货", CUSTOMER) == ()
