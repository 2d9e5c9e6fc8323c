"""The starter rules as a whole: their own advice costs nothing, and harmless talk is not punished."""

from __future__ import annotations

import re

import pytest

from qareport import rules
from qareport.model import Act, Finding, Role, Segment, SpokenAct
from qareport.rules.rule_tests import RuleTest, load_rule_tests
from qareport.settings import ScoreSettings
from tests.support.calls import AGENT, CUSTOMER, analyse_transcript, call, say
from tests.support.rule_texts import SHIPPED

RULES = rules.load(SHIPPED)
HIT = [(test, expected.rule) for test in load_rule_tests(RULES) for expected in test.must_hit]
#: What a recommended sentence does: it owns up, answers and commits.
GOOD = tuple(SpokenAct(act=act) for act in (Act.APOLOGISE, Act.ANSWER, Act.OFFER, Act.PROMISE))


def findings(*segments: Segment) -> tuple[Finding, ...]:
    transcript = call(*segments)
    return rules.judge(RULES, transcript, analyse_transcript(transcript), ScoreSettings()).findings


def spoken_lines(rule_id: str) -> list[str]:
    """Return what the advice of a rule has the agent say."""
    rule = RULES.find(rule_id)
    assert rule is not None
    texts = [advice.text for advice in (rule.advice, *rule.variants.values())]
    return [line for text in texts for line in re.findall("可以说：“([^”]+)”", text)]


@pytest.mark.parametrize(("test", "rule_id"), HIT, ids=[rule_id for _, rule_id in HIT])
def test_the_recommended_words_cost_nothing_right_after_the_trigger(test: RuleTest, rule_id: str) -> None:
    trigger = [segment for segment in test.transcript.segments if segment.role is Role.CUSTOMER][:1]
    start_ms = trigger[0].end_ms + 500 if trigger else 1000
    for line in spoken_lines(rule_id):
        answer = Segment(
            start_ms=start_ms, end_ms=start_ms + 200 * len(line), role=AGENT, text="您好，" + line, acts=GOOD
        )
        assert [finding.rule_id for finding in findings(*trigger, answer) if finding.points < 0] == []


def test_every_rule_that_takes_points_has_words_to_say_or_an_order_to_follow() -> None:
    costly = [rule for rule in RULES.rules if rule.points < 0]
    assert [rule.id for rule in costly if not spoken_lines(rule.id)] == ["logistics.shipping-doubt"]


def test_advice_invents_neither_money_nor_times() -> None:
    invented = re.compile(r"[0-9一二三四五六七八九十两百]+(块|元|折|年质保|天价保|小时内|点前|点之前)|全额")
    assert [rule.id for rule in RULES.rules if invented.search(" ".join(spoken_lines(rule.id)))] == []


def test_praise_is_no_advice_and_does_not_come_while_the_customer_is_unsettled() -> None:
    settled = (
        say(1, 4, CUSTOMER, "我要投诉你们", acts="threaten"),
        say(5, 9, AGENT, "您好，下午三点前给您回电", acts="promise"),
        say(10, 11, CUSTOMER, "行，谢谢", acts="accept thank"),
    )
    (praise,) = (finding for finding in findings(*settled) if finding.is_praise)
    assert (praise.rule_id, praise.advice) == ("complaint.handled-well", "")
    assert praise.praise
    upset = say(12, 14, CUSTOMER, "可你们这样我还是不满意", acts="complain")
    assert not any(finding.is_praise for finding in findings(*settled, upset))


#: What cost points although nobody did wrong: word lists took it for something else.
HARMLESS = (
    ("agent", "explain", "不需要提供密码，我只核对姓名"),
    ("agent", "explain", "验证码您不用告诉我，自己输入就行"),
    ("agent", "explain", "密码千万别告诉我们以外的人，也别告诉我"),
    ("agent", "ask_info", "麻烦您提供一下密码锁的型号"),
    ("agent", "apologise", "让您有爱要不要的感觉，是我们不对，非常抱歉"),
    ("agent", "ask_info", "麻烦您提供一下订单号"),
    ("agent", "ask_info", "麻烦您提供一下手机尾号"),
    ("agent", "offer", "不用您找快递，我来联系"),
    ("agent", "explain", "不支持退差价，不过可以给您申请一张券"),
    ("customer", "inform", "我在小红书看到推荐的"),
    ("customer", "inform", "给领导买的礼物，订单尾号315"),
    ("customer", "ask", "烟雾报警器不响怎么办"),
    ("customer", "inform", "我是采购经理"),
    ("customer", "inform", "本来想给差评，后来处理得挺好"),
    ("customer", "inform", "外包装划伤，屏幕有一道划伤"),
    ("customer", "ask", "皮肤容易过敏，这个面料能穿吗"),
    ("customer", "inform", "直播间都炸了"),
    ("customer", "ask", "请问是不是正品"),
    ("customer", "inform", "在别家买到假货"),
    ("customer", "inform", "赠品不要了，发票不要了，旧的那台不要了"),
    ("customer", "inform", "那算了不改了"),
    ("customer", "thank", "你们发货真快"),
    ("customer", "inform", "我还没退货呢"),
    ("customer", "inform", "我多收到了一件，没有少发"),
    ("customer", "inform", "卡在付款页面了"),
    ("customer", "ask", "会不会掉色，偏大吗，有色差吗"),
    ("customer", "inform", "不用改地址了，不用维修了"),
    ("customer", "inform", "你们比别的店便宜，我知道要什么码"),
    ("customer", "accept", "行吧"),
)


@pytest.mark.parametrize(("role", "act", "text"), HARMLESS)
def test_harmless_words_cost_nothing(role: str, act: str, text: str) -> None:
    said = say(3, 6, Role(role), text, acts=act)
    if said.role is CUSTOMER:
        talk = (said, say(6.5, 8, AGENT, "好的，这边记下了", acts="answer"))
    else:
        talk = (say(1, 2.5, CUSTOMER, "我问一下", acts="small"), said)
    greeting = say(0, 0.9, AGENT, "您好", acts="greet")
    assert [finding.rule_id for finding in findings(greeting, *talk) if finding.points < 0] == []


#: Plain faults that no rule saw: what the agent says to which act, after which words of the customer.
FAULTS = (
    ("compliance.off-platform", ("request", "怎么退"), ("offer", "您加我微信，我线下转账给您")),
    ("compliance.asks-for-identity", ("request", "怎么退"), ("ask_info", "身份证正反面拍照发给我")),
    ("service.asks-for-secrets", ("request", "怎么退"), ("ask_info", "收到的验证码念一下")),
    ("compliance.unverified-change", ("request", "帮我改地址，改到新家"), ("answer", "改好了")),
    ("service.abusive", ("complain", "怎么还没弄好"), ("rude", "你脑子有问题吧")),
    ("service.impatient", ("ask", "那是几号"), ("rude", "我刚才不是说过了吗，干嘛老问")),
    ("service.threatens-to-hang-up", ("complain", "你们怎么这样"), ("rude", "再说我就挂电话了")),
    ("compliance.absolute-claims", ("ask", "会坏吗"), ("answer", "绝对不会坏，全网第一")),
    ("compliance.pays-for-reviews", ("complain", "不好用"), ("offer", "您改成好评，我返您十块红包")),
    ("returns.seven-days-refused", ("ask", "七天无理由能退吗"), ("refuse", "活动款一律不能退")),
    ("compliance.guarantee-denied", ("complain", "你们写了假一赔十"), ("refuse", "那个只是宣传，赔不了")),
    ("compliance.live-promise-denied", ("complain", "直播间说送的"), ("blame", "那是主播说的，不作数")),
    ("returns.refund-only-stalled", ("request", "给我办仅退款"), ("blame", "仅退款您找平台，我们做不了主")),
    ("returns.freight-insurance", ("ask", "运费险怎么没赔"), ("blame", "您问保险公司")),
    ("logistics.missing-or-damaged", ("complain", "瓶子碎了，只收到两件"), ("blame", "出仓的时候都是好的")),
    ("price.protection-expired", ("ask", "价保怎么算"), ("evade", "过期了就没办法")),
    ("price.membership", ("ask", "会员权益怎么用"), ("evade", "这个不清楚，您自己看")),
    ("service.human-refused", ("request", "给我转人工客服"), ("refuse", "转不了")),
    ("service.sends-to-platform", ("ask", "怎么赔"), ("blame", "那是平台的事")),
    ("service.doubts-customer", ("complain", "怎么弄都不行"), ("blame", "是不是您自己弄坏的")),
)


@pytest.mark.parametrize(("rule_id", "asked", "answered"), FAULTS, ids=[fault[0] for fault in FAULTS])
def test_a_plain_fault_costs_points(rule_id: str, asked: tuple[str, str], answered: tuple[str, str]) -> None:
    talk = (
        say(0, 0.9, AGENT, "您好", acts="greet"),
        say(1, 3, CUSTOMER, asked[1], acts=asked[0]),
        say(3.5, 6, AGENT, answered[1], acts=answered[0]),
    )
    costly = [finding.rule_id for finding in findings(*talk) if finding.points < 0 or finding.fatal]
    assert rule_id in costly


def test_one_fault_costs_once_whatever_number_of_rules_see_it() -> None:
    talk = (
        say(0, 1, AGENT, "您好", acts="greet"),
        say(2, 4, CUSTOMER, "什么时候发货", acts="ask"),
        say(4.5, 6, AGENT, "会尽快的", acts="evade"),
        say(6.5, 8, CUSTOMER, "所以是哪天", acts="ask_again"),
        say(8.5, 10, AGENT, "请您耐心等待", acts="evade"),
        say(14, 15, CUSTOMER, "算了", acts="give_up"),
        say(15.5, 16, AGENT, "好的", acts="small"),
    )
    found = findings(*talk)
    covered = [finding for finding in found if finding.covered_by]
    assert sum(finding.points for finding in found) >= -20
    assert {"logistics.vague-promise", "service.evaded-twice"} & {finding.rule_id for finding in covered}
    assert all(finding.points == 0 and RULES.find(finding.covered_by or "") for finding in covered)
