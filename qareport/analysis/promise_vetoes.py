"""Times that commit nobody: refused, past, of terms, of the customer's doing, late by so much."""

from __future__ import annotations

import re
from dataclasses import dataclass

from qareport.analysis.due_times import DueTime
from qareport.text.wordlist import normalise

#: Not a promise: a refusal, a condition, something looked back at, a term, hours, a wish that the customer waits.
_NO_PROMISE = re.compile(
    r"不能|没办法|无法|不可以|没法|不了|[送发到来退派办装拿收取修]不[成上到着]|不(?:送|派|发|来)了|不敢|不一定|不好[讲说]|[讲说]不[准好定]|"
    r"来不及|不发货|没有货|满了|如果|要是|假如|万一|超过|以后再(?:打|看|试)|再(?:瞧|看|试|留意)|"
    r"已经(?!.*(?:会|给您(?:打|退|发|回)))|刚才|刚刚|刚(?:派|发|到|进|出|送|寄|交|报|提|走|下|开|收|转)|"
    r"昨天|前天|上周|上个?(?:月|礼拜|星期)|上次|早上.*了$|"
    r"无理由|价保|保价|质保|保修|在保|有效|到期|截止|免押|试用|售后期|换新期|期限|能用|够用|"
    r"营业|上班|休息|开到|关门|打烊|值班|都有人|得闲|有空|活动(?:时间|期)|顺延|往后[延推]|除外|不算|"
    r"耽误|害您|帮[到上]您|打进来|[让叫]您(?:白|跑|受|久等)|等(?:我|您)?(?:一[下会]|个?[一两三四五几]+分)|给我|建议|每[天周个月]|"
    r"can't|cannot|unable|yesterday|last (?:week|month)|if ",
    re.IGNORECASE,
)
#: None, unless it answers when: 恐怕得明天.
_DOUBTFUL = re.compile(r"怕是|恐怕")
#: A question about the customer: 您今天在家吗. 可以吗 and 行吗 ask for leave.
_ASKS = re.compile(r"吗|[?？]|还是|哪[天个]|几[点号]|是不是|对吧|是吧")
_ASKS_LEAVE = re.compile(r"(?:可以|可唔可以|行|好|成|方便|得唔得|能)(?:不|吗|么|吧)|您看|行不|好不|成不|怎么样")
#: What follows a time that is the customer's, of something else, or long past: 今天下单, 十八号那天, 明天要送的话.
_NOT_AHEAD = re.compile(
    r"(?:往后)?的?(?:下单|付|拍(?!照|视频|图|张)|买|报|交|填|申|提|递|没|就考|那天|放|就?到头|开始(?!往外|[送派发])|[0-9一二两三]+[次遍])"
    r"|到晚|的(?:就|得|拖)|达|以上|起|还有|那[通次单张个]|延后|(?:服务|客服|热线|在线)|[到至](?:周|星期|礼拜)|[^，,]{0,6}的时候|[^，,的]{1,5}的话"
)
#: 三点多 looks back, but for what comes then: 三点多再去.
_AFTER_SOME = re.compile(r"再|就|会|能|给|可以|[来到送]")
#: What is of before or after a time: 四点以后的第二天审.
_OF_THEN = re.compile(r"的(?!话|时候)")
#: What stands before a time that something lasts until, that was fixed before, or that other things depend on.
_NO_DUE = re.compile(
    r"(?:除开?|节假日(?:还有|和|跟|及)?|用到|挂到|能到|放到|留到|存到|那就是|别等|按|[要得]看|只有|完成是"
    r"|[约选排定填登下完][成单记]?的[^，,]{0,6}是)$"
)
#: What stands before a span that something lasts: 请假三天, 券管三十天.
_LASTS = re.compile(
    r"(?:请假|放假|留|管|能用|还在|还差|[发出]货期是?|维?修的话|维修|[检维]修的?时间[是为])[^，,到在]{0,3}$"
)
#: By how much something is late: an answer to who asks when, else none.
_LATE_BY = re.compile(r"(?:(?<![最今明当])[晚早]|拖|挪|推迟?|[延推]后|延[误期迟长]?|往后)[^，,到在]{0,3}$")
#: The same time once more: 九号送到，刚查过，就是明天.
_THAT_IS = re.compile(r"^(?:也|那)?(?:就|正|刚好|正好|确实|应该)?是$")
#: What day it is: 今天六号.
_TODAYS_DATE = re.compile(r"今(?:天|日|儿个?)[，, ]?(?:才|是|都)*[0-9一二三四五六七八九十月]+[号日]")
#: The day before another: 送货头一天.
_DAY_BEFORE = re.compile(r"[头早隔]一天$")
#: A day after another one, which nobody named to this customer: 一般头天出，第二天到.
_AFTER_ANOTHER = re.compile(r"(?:当[天日]|次日|第二天|隔天)")
#: A minute is noted of what has been: 上午十点零二.
_TO_THE_MINUTE = re.compile(r"[点時](?:零|[一二三四五]?十[一二三四六七八九]|[0-9])|:[0-9]")
#: When something was done: 今天进的站. What a reader heard as a promise may end in it: 今天给您发的.
_DONE = re.compile(
    r"(?:申请|提交|签收|购买|下单|付款|买|拍|放|到|出|发|派|更新|[审核]过?)的(?!话|邮箱|手机|地址|电话|号码?|微信|卡)|下的单|"
    r"(?:进|出|到|派|发|寄|送|取|签|交|收)的(?:站|库|仓|货|件|单)"
)
_JUST_DONE = re.compile(r"(?:开|送|发|寄|到|签|放|修|退|走)的[呢哦啊]?$|(?:送|发|退|寄|出)(?:完|走|出)?了$|在派")
#: A clause with these is of what has not been yet: 五号给您送到的.
_AHEAD = re.compile(r"会|能|给[您你]|明[天日早晚儿]|后天|下周")
#: An hour or a day with what came of it: 八点四十就进站了, 当天就给您报上去了, 九号我打电话说了.
_CAME_OF_IT = re.compile(
    r"[^，,]{0,8}(?:联系|打|回复|通知)过(?![去来])"
    r"|(?:就|已|才|也)?(?:进|出|通|走|派|开|扫|签|揽)[^到会能，,]{0,3}了"
    r"|(?:就|已|才|也)?[给跟和][^会能，,]{0,8}[发报写打寄交提登催](?:上去|过去|过来|[上过好下])?了"
    r"|(?:我|我们|这边|就|才|已|也)*[发报写打登提催][^会能，,]{0,8}[说讲报登催提写][上过好下]?[去来]?了"
    r"|(?:我|我们|这边|就|才|已|也)*[打发报写登][^会能到，,]{0,4}[上过好下]?[去来]?了"
)
#: What the customer is asked to do: 您明天留神接电话.
_CUSTOMER_DOES = re.compile(
    r"(?:^|[，,])(?:那|然后|麻烦|请|辛苦)?(?:您|你|亲)(?:也|就|再|先|都|多|可以|自己|记得|到时候?)*"
    r"(?:留[意神心]|注意|给[到我]|[发寄]过?[来给回]|盯|看[着下]|[跟和找把](?!您)|打(?!开)|拨|问|联系|申请|提交|确认|填|点|关注"
    r"|过来|带|来?咨询|来问)(?![了过好完])"
    r"|^(?:可以|请)?再?(?:联系|咨询|找)(?:我们|客服)|^(?:得|要|需要|必须)(?:确认收货|申请|提交|交钱|付)"
)
#: A span, or an end, within which the customer may do something: 七天里都能退, 三十天内降价可以申请.
_TERM = re.compile(r"(?:[天月年周]|礼拜|星期)(?:之?内|以内|里头?)?$|之?前$")
_RIGHTS = re.compile(
    r"(?:能|可以?|支持|享受?)(?:申请|退|换|保|修|提|用|补|报)(?![给到回您])|都(?:行|成|可以|能)|[降跌掉]了?价|[跌降掉]了"
)
#: How it usually is: that commits nobody who was not asked when.
_USUALLY = re.compile(r"一般|正常|平常|通常|照例|平时")


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidTime:
    """A time and what is said around it."""

    due: DueTime
    #: What stands before and after it in its clause.
    before: str
    after: str
    #: All that stands after it in its clause and in the next.
    rest: str
    #: Whether a time was named before it in the same sentence.
    is_second: bool
    #: Whether the customer asked when, and whether a reader heard a promise.
    was_asked: bool
    is_promised: bool

    @property
    def clause(self) -> str:
        """Return the clause."""
        return self.before + self.due.words + self.after

    def commits_nobody(self) -> bool:
        """Tell whether the time is none by which the agent will have done something."""
        return self._is_none() or self._is_past() or self._is_no_due() or self._is_the_customers()

    def _is_none(self) -> bool:
        """Tell whether the clause refuses, asks, looks back or states terms."""
        clause, sure = self.clause, self.was_asked or self.is_promised
        if _NO_PROMISE.search(clause) or (not sure and (_DOUBTFUL.search(clause) or _USUALLY.search(clause))):
            return True
        return _ASKS.search(clause) is not None and not _ASKS_LEAVE.search(clause)

    def _is_past(self) -> bool:
        clause = self.clause
        if not _AHEAD.search(clause) and _DONE.search(clause):
            return True
        if not _AHEAD.search(clause) and not self.is_promised and _JUST_DONE.search(clause.rstrip("，。！,.! ")):
            return True
        if _TO_THE_MINUTE.search(self.due.words) or (self.due.words[-1] == "多" and not _AFTER_SOME.match(self.after)):
            return True
        return not self.due.is_span and _CAME_OF_IT.match(self.after) is not None

    def _is_no_due(self) -> bool:
        """Tell from what stands around a time whether it is one of something else."""
        words, before, after = self.due.words, self.before, self.after
        if _NOT_AHEAD.match(after) or _NO_DUE.search(before) or (words[-1] in "前后" and _OF_THEN.match(after)):
            return True
        if _DAY_BEFORE.search(before + words):
            return True
        if self.due.is_span:
            asked = self.was_asked and not self.is_second
            return _LASTS.search(before) is not None or (not asked and _LATE_BY.search(before) is not None)
        if not normalise(after) and self._is_a_date_only():
            return True
        other = _AFTER_ANOTHER.fullmatch(words) is not None
        return other and not self.was_asked and not self.is_promised and "您" not in after

    def _is_a_date_only(self) -> bool:
        return _TODAYS_DATE.fullmatch(self.due.words) is not None or (
            self.is_second and _THAT_IS.search(self.before) is not None
        )

    def _is_the_customers(self) -> bool:
        """Tell whether it is the customer who does something then, or may do it until then."""
        if _CUSTOMER_DOES.search(self.before + self.after):
            return True
        return _TERM.search(self.due.words) is not None and _RIGHTS.search(self.rest) is not None
