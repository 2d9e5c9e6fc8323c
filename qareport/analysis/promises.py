"""Promises: what an agent says will be done, and by when."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
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
    r"等(?:我|您|一|个)?[一两几]|给我|建议|每[天周个月]|提前|最多|够用|"
    r"can't|cannot|unable|yesterday|last (?:week|month)|if ",
    re.IGNORECASE,
)
#: What follows a time that is the customer's, or long past: 今天下单, 四点以前报的, 十八号那天.
_NOT_AHEAD = re.compile(r"的?(?:下单|付|拍|买|报|交|没|就考|那天|放|到头|开始|[0-9一二两三]+[次遍])|到晚")
#: What stands before a time that something lasts until, or was said before: 能用到明天, 写着十三号.
_NO_DUE = re.compile(r"(?:用到|挂到|能到|写着|写的是|那就是|别等)$")
#: A clause that says when something was done: 今天上午开的.
_DONE = re.compile(r"(?:开|送|发|寄|到|签|放|修|退|走)的[呢哦啊]?$|(?:送|发|退|寄|出)(?:完|走|出)?了$|在派")
#: A minute is noted of what has been: 上午十点零二.
_TO_THE_MINUTE = re.compile(r"[点時](?:零|[一二三四五]?十[一二三四六七八九]|[0-9])|:[0-9]")
#: A reader that hears only these hears no promise.
_NO_PROMISE_ACTS = frozenset(
    {Act.EXPLAIN, Act.SMALL, Act.GREET, Act.ASK_INFO, Act.EVADE, Act.REFUSE, Act.APOLOGISE, Act.EMPATHISE, Act.BLAME}
)
#: A question about the customer: 您今天在家吗. 可以吗 and 行吗 ask for leave.
_ASKS = re.compile(r"吗|[?？]|还是|哪[天个]|几[点号]|是不是|对吧|是吧")
_ASKS_LEAVE = re.compile(r"(?:可以|可唔可以|行|好|成|方便|得唔得|能)(?:不|吗|么|吧)|您看|行不|好不|成不|怎么样")
#: What the customer does is no promise of the agent.
_CUSTOMERS = re.compile(
    r"^(?:那|然后|麻烦|请)?(?:您|你|亲)(?!的|那|这|放心|好|看|留|电话|手机|收)(?!.*(?:给您|帮您|为您|到您))"
)
#: Who asks this wants a time: then a time alone is an answer.
_ASKS_WHEN = re.compile(
    r"什么时候|啥时候|几时|何时|多久|多长时间|几天|几点|几号|哪天|哪一天|啥时|多会儿|什么时间|when|how long",
    re.IGNORECASE,
)
#: Short replies around a time that stands alone.
_ALONE = re.compile(
    r"^(?:嗯|对|是|的|哦|那|好|就|这个|正常|一般|大概|大约|预计|估计|估摸着?|最晚|最快|应该|可能|差不多|会|要|需要|得|在|呢|哈|啊|吧|了|亲|您好|都|能|左右|的话)*$"
)
#: A time that stands alone is an answer about what will be when it is a span, or a day that is near.
_NEAR = re.compile(r"小时|钟|工作日|天|内|前|days?|hours?", re.IGNORECASE)
#: How far back the action of a time that stands alone is looked for, in segments.
_LOOK_BACK = 6
#: Where the action is known by the act alone.
_ANY_ACTION = "处理"
_MAY_HOLD_TIME = re.compile(
    r"[0-9零一二两三四五六七八九十半]|[今明后当听聽次隔][天日晚早儿夜]|[上中下]午|晚上|傍晚|周|礼拜|星期|月底|下班|day|night|week",
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
            known = said.setdefault(action, [])
            if any(due.words in words or words in due.words for words in known):  # said once more
                continue
            known.append(due.words)
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
        if _NOT_AHEAD.match(after) or _NO_DUE.search(before) or _TO_THE_MINUTE.search(due.words):
            continue
        if not promised and _DONE.search(clause.text.rstrip("，。！,.! ")):
            continue
        rest = before + after
        action = _action(scene, rest)
        if action is None and _ALONE.match(normalise(rest)) and (promised or _NEAR.search(due.words)):
            action = _action_beside(scene, clauses, place) or _action_before(scene, index, promised=promised)
        if action is None and promised:
            action = _action_beside(scene, clauses, place) or _ANY_ACTION
        if action is not None and (promised or not _CUSTOMERS.search(clause.text)):
            yield action, due


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
        if segment.role is Role.CUSTOMER:
            asks = _ASKS_WHEN.search(segment.text) is not None
            return action if asks or promised else None
        if action is not None:
            return action
    return None
