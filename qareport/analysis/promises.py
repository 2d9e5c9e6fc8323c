"""Promises: what an agent says will be done, and by when."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from qareport.analysis.context import Scene
from qareport.analysis.due_times import DueTime, find_due_times
from qareport.model import Act, Promise, Role, Segment
from qareport.text.wordlist import normalise

#: Clauses end here; a veto of one says nothing about its neighbours.
_CLAUSE = re.compile(r"[，,。.！!？?；;、\s…]*[，,。！!？?；;…][，,。.！!？?；;\s…]*")
#: Not a promise: a refusal, a condition, something done or looked back at, a term, a wish that the customer waits.
_NO_PROMISE = re.compile(
    r"不能|没办法|无法|不可以|没法|不了|不敢|不一定|怕是|恐怕|来不及|不发货|没有货|满了|"
    r"如果|要是|假如|万一|的话|超过|以后再(?:打|看|试)|再(?:瞧|看|试|留意)|"
    r"已经(?!.*(?:会|给您(?:打|退|发|回)))|刚才|刚刚|昨天|前天|上周|上个?(?:月|礼拜|星期)|上次|早上.*了$|"
    r"(?:申请|提交|签收|购买|下单|付款|买|拍|放|到|出|发|派)的(?!话)|下的单|"
    r"无理由|价保|保价|质保|保修|在保|有效|到期|截止|免押|试用|售后期|换新期|期限|营业|上班|休息|开到|关门|"
    r"等(?:我|您|一|个)?[一两几]|给我|建议|每[天周个月]|最多|够用|"
    r"can't|cannot|unable|yesterday|last (?:week|month)|if ",
    re.IGNORECASE,
)
#: What follows a time that is the customer's, or long past: 今天下单, 四点以前报的, 十八号那天.
_NOT_AHEAD = re.compile(
    r"(?:往后)?的?(?:下单|付|拍|买|报|交|填|申|提|递|没|就考|那天|放|到头|开始|[0-9一二两三]+[次遍])|到晚|的(?:[，,]|就|得|拖)"
)
#: What stands before a time that something lasts until, or was said before: 能用到明天, 写着十三号.
_NO_DUE = re.compile(r"(?:用到|挂到|能到|写着|写的是|那就是|别等)$")
#: The day before another: 送货头一天.
_DAY_BEFORE = re.compile(r"[头早隔]一天$")
#: A clause that says when something was done: 今天上午开的.
_DONE = re.compile(r"(?:开|送|发|寄|到|签|放|修|退|走)的[呢哦啊]?$|(?:送|发|退|寄|出)(?:完|走|出)?了$|在派")
#: A minute is noted of what has been: 上午十点零二.
_TO_THE_MINUTE = re.compile(r"[点時](?:零|[一二三四五]?十[一二三四六七八九]|[0-9])|:[0-9]")
#: A reader that hears only these hears no promise.
_NO_PROMISE_ACTS = frozenset(
    {
        Act.EXPLAIN, Act.SMALL, Act.GREET, Act.ASK_INFO, Act.EVADE, Act.REFUSE, Act.APOLOGISE, Act.EMPATHISE, Act.BLAME,
        Act.CONFIRM, Act.CLOSE,
    }
)  # fmt: skip
#: A question about the customer: 您今天在家吗. 可以吗 and 行吗 ask for leave.
_ASKS = re.compile(r"吗|[?？]|还是|哪[天个]|几[点号]|是不是|对吧|是吧")
_ASKS_LEAVE = re.compile(r"(?:可以|可唔可以|行|好|成|方便|得唔得|能)(?:不|吗|么|吧)|您看|行不|好不|成不|怎么样")
#: What the customer does is no promise of the agent.
_CUSTOMERS = re.compile(
    r"^(?:那|然后|麻烦|请)?(?:您|你|亲)(?!的|那|这|放心|好|看|留|电话|手机|收)(?!.*(?:给您|帮您|为您|到您))"
)
#: Who asks this wants a time: then a time alone is an answer. How long a term lasts (保价管几天) is another matter.
_ASKS_WHEN = re.compile(
    r"(?<![管保])(?:什么时候|啥时候|几时|何时|多久|多长时间|几天|几点|几号|哪天|哪一天|啥时|多会儿|什么时间|多少天|多少时间"
    r"|几个?钟头)|when|how long",
    re.IGNORECASE,
)
#: Short replies around a time that stands alone.
_ALONE = re.compile(
    r"^(?:嗯|对|是|的|哦|那|好|就|这个|这|正常|一般|平常|大概|大约|约莫|预计|估计|估摸着?|最晚|最快|最多|应该|可能|差不多|怕是|恐怕"
    r"|会|要|需要|得|在|还|也|再|等|可以|没问题|行|只|也就|呢|哈|啊|呀|吧|了|亲|您好|都|能|左右|上下|的?样子|光景|的话|红的|白的|黑的)*$"
)
#: A time that stands alone is an answer about what will be when it is a span, or a day that is near.
_NEAR = re.compile(r"小时|钟|工作日|天|内|前|礼拜|星期|周|月|[今明]|days?|hours?|weeks?", re.IGNORECASE)
#: So many characters around a time that answers the question when are its subject.
_NEXT_TO_NOTHING = 5
#: A customer who says no more than this only listens.
_BACK_CHANNEL = 2
#: How far back the action of a time that stands alone is looked for, in segments.
_LOOK_BACK = 6
#: A verb right after a time, with or without what hedges it, is what will be done: 今天准到, 两个工作日就退.
_VERB = re.compile(
    r"[的呢，, ]?(?:就|会|能|可以|肯定|一定|准|才|要|再|也|都|可|货|钱|给|帮|替|您|你|这边|我们?|师傅|往外)*"
    r"(?P<verb>到(?![仓店站期时今明后下上晚早0-9一二三四五六七八九十])|开(?![工抢门始会业放卖])|出(?!现|去)|[发退送审换装寄修补](?!现|出去|票))(?!不)"
)
#: Terms of trade, of which the customer makes use or not: 七天能退, 十五天里给换, 三天内都能补.
_TERM = re.compile(r"[天月年周](?:之?内|以内|里头?)?$")
_TERM_VERBS = frozenset("退换修补")
#: How it usually is: that commits nobody who was not asked when.
_USUALLY = re.compile(r"一般|正常|平常|通常|照例|平时")
#: What such a verb means, as `promises` of topics.yaml names it.
_VERBS = {
    "到": "送达", "送": "送达", "发": "发货", "出": "发货", "寄": "发货", "退": "退款", "审": "处理", "开": "开票",
    "换": "换货", "装": "上门", "修": "上门", "补": "补偿",
}  # fmt: skip
_HEDGE = re.compile(r"^(?:大概|大约|约)")
#: Where the action is known by the act alone.
_ANY_ACTION = "处理"
_MAY_HOLD_TIME = re.compile(
    r"[0-9零一二两三四五六七八九十半]|[今明后当听聽次隔][天日晚早儿夜]|[上中下]午|晚上|傍晚|周|礼拜|星期|月底|下班"
    r"|day|night|week|hour|minute|tomorrow",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Clause:
    start: int
    end: int
    text: str


def find_promises(scene: Scene, started_at: datetime | None) -> Iterator[Promise]:
    """Find what the agent says will be done by a time.

    A clause that names a time ahead (see `find_due_times`) and an action of `promises` in topics.yaml, its own or
    that of a neighbouring clause or segment of the agent, and holds no refusal, condition, question about the customer
    or term. Where a reader heard a promise the action may be missing; a time alone counts as an answer to "when".
    Public holidays are not known.

    Args:
        scene: the call.
        started_at: when it began; None leaves `due_at` open.
    """
    said: dict[str, list[str]] = {}
    for index in scene.roles.get(Role.AGENT, ()):
        segment = scene.spoken[index]
        if _MAY_HOLD_TIME.search(segment.text) is None:
            continue
        for action, due in _promised(scene, index, segment, started_at):
            if _is_known(said, action, due.words):
                continue
            said.setdefault(action, []).append(due.words)
            yield Promise(
                at_ms=segment.start_ms,
                end_ms=segment.end_ms,
                role=segment.role,
                quote=segment.text,
                action=action,
                by=due.words,
                within_ms=due.within_ms,
                due_at=due.at,
            )


def _is_known(said: Mapping[str, Sequence[str]], action: str, words: str) -> bool:
    """Tell whether a promise is said once more, be it in fewer words or without what will be done."""
    words = _HEDGE.sub("", words)
    return any(
        words in known or known in words
        for other, times in said.items()
        if other == action or _ANY_ACTION in (other, action)
        for known in (_HEDGE.sub("", time) for time in times)
    )


def _promised(scene: Scene, index: int, segment: Segment, started_at: datetime | None) -> Iterator[tuple[str, DueTime]]:
    promised = scene.does(index, Act.PROMISE)
    if scene.acts[index] and _NO_PROMISE_ACTS.issuperset(scene.acts[index]):
        return
    clauses = _clauses(segment.text)
    for due in find_due_times(segment.text, started_at):
        place = next(number for number, clause in enumerate(clauses) if due.start < clause.end)
        clause = clauses[place]
        if _NO_PROMISE.search(clause.text) or (_ASKS.search(clause.text) and not _ASKS_LEAVE.search(clause.text)):
            continue
        before, after = segment.text[clause.start : due.start], segment.text[due.end : clause.end]
        if _DAY_BEFORE.search(before + due.words):
            continue
        if _NOT_AHEAD.match(after) or _NO_DUE.search(before) or _TO_THE_MINUTE.search(due.words):
            continue
        if not promised and (
            _DONE.search(clause.text.rstrip("，。！,.! "))
            or (_USUALLY.search(clause.text) and not _was_asked_when(scene, index))
        ):
            continue
        rest = before + after
        action = _action(scene, rest) or _by_verb(due, after)
        if action is None and _stands_alone(scene, index, rest) and (promised or _NEAR.search(due.words)):
            action = _action_beside(scene, clauses, place) or _action_before(scene, index, promised=promised)
        if action is None and promised:
            action = _action_beside(scene, clauses, place) or _ANY_ACTION
        if action is not None and (promised or not _CUSTOMERS.search(clause.text)):
            yield action, due


def _was_asked_when(scene: Scene, index: int) -> bool:
    """Tell whether the customer's turn before asked when."""
    first = scene.turn_start(index)
    return first > 0 and any(_ASKS_WHEN.search(scene.spoken[place].text) for place in scene.turn_before(first))


def _stands_alone(scene: Scene, index: int, rest: str) -> bool:
    """Tell whether nothing but a time is said, or next to nothing after the question when: 路上要三天."""
    words = normalise(rest)
    if _ALONE.match(words):
        return True
    return len(words) <= _NEXT_TO_NOTHING and _was_asked_when(scene, index)


def _clauses(text: str) -> Sequence[_Clause]:
    clauses, start = [], 0
    for gap in (*_CLAUSE.finditer(text), None):
        end = gap.end() if gap else len(text)
        if end > start:
            clauses.append(_Clause(start, end, text[start:end]))
        start = end
    return clauses


def _action(scene: Scene, text: str) -> str | None:
    words = normalise(text)
    return next((topic.name for topic in scene.topics.promises if topic.words.find(words)), None)


def _by_verb(due: DueTime, after: str) -> str | None:
    """Return what is done by the verb right after a time, unless it is a term of trade."""
    found = _VERB.match(after)
    if found is None or (found["verb"] in _TERM_VERBS and _TERM.search(due.words)):
        return None
    return _VERBS[found["verb"]]


def _action_beside(scene: Scene, clauses: Sequence[_Clause], place: int) -> str | None:
    """Return the action of the clause after, or else before: 今天下午，快递员上门."""
    for near in (place + 1, place - 1):
        if 0 <= near < len(clauses) and (action := _action(scene, clauses[near].text)) is not None:
            return action
    return None


def _action_before(scene: Scene, index: int, *, promised: bool) -> str | None:
    """Return the action that a time alone belongs to: of the agent's last words, or of the question that it answers."""
    for before in range(index - 1, max(-1, index - 1 - _LOOK_BACK), -1):
        segment = scene.spoken[before]
        action = _action(scene, segment.text)
        if segment.role is Role.CUSTOMER and len(normalise(segment.text)) > _BACK_CHANNEL:
            asks = _ASKS_WHEN.search(segment.text) is not None
            return action or (_ANY_ACTION if asks else None) if asks or promised else None
        if action is not None and segment.role is Role.AGENT:
            return action
    return None
