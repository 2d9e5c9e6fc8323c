"""Promises: what an agent says will be done, and by when."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from qareport.analysis.context import Scene
from qareport.analysis.due_times import DueTime, find_due_times
from qareport.analysis.promise_vetoes import SaidTime
from qareport.model import Act, Promise, Role, Segment
from qareport.text.wordlist import normalise

#: Clauses end here; a veto of one says nothing about its neighbours.
_CLAUSE = re.compile(r"[，,。.！!？?；;、\s…]*[，,。！!？?；;…][，,。.！!？?；;\s…]*")
#: A reader that hears only these hears no promise.
_NO_PROMISE_ACTS = frozenset(
    {
        Act.EXPLAIN, Act.GREET, Act.ASK_INFO, Act.REFUSE, Act.APOLOGISE, Act.EMPATHISE, Act.BLAME, Act.CONFIRM,
    }
)  # fmt: skip
#: After these a question of the customer is still open.
_LEAVES_OPEN = frozenset(
    {Act.HOLD, Act.ASK_INFO, Act.CONFIRM, Act.SMALL, Act.GREET, Act.APOLOGISE, Act.EMPATHISE, Act.EVADE}
)
#: What the customer does is no promise of the agent.
_CUSTOMERS = re.compile(
    r"^(?:那|然后|麻烦|请)?(?:您|你|亲)(?!的|那|这|放心|好|看|留|电话|手机|收)(?!.*(?:给您|帮您|为您|到您))"
)
#: Where people talk of terms or of hours, a time alone is one of them.
_TERMS = re.compile(r"价保|保价|降价|质保|保修|无理由|试用|[退换]货期|打烊|关门|营业|[上下]班|开门|落锁|没人")
#: Who asks this wants a time: then a time alone is an answer. How long a term lasts (保价管几天) is another matter.
_ASKS_WHEN = re.compile(
    r"(?<![管保])(?:什么时候|啥时候|几时|何时|多久|多长时间|几天|几点|几号|哪天|哪一天|啥时|多会儿|什么时间|多少天|多少时间"
    r"|几个?钟头|啥前儿|哪会儿|啥会儿)(?![^，,?？]{0,6}[收签买拍下付发寄审送退开交报]的)|when|how long",
    re.IGNORECASE,
)
#: Short replies around a time that stands alone.
_ALONE = re.compile(
    r"^(?:嗯|对|是|的|哦|那|好|就|这个|这|正常|一般|平常|大概|大约|约莫|预计|估计|估摸着?|最晚|最快|最多|应该|可能|差不多|怕是|恐怕"
    r"|会|要|需要|得|在|还|也|再|等|可以|没问题|行|只|也就|呢|哈|啊|呀|吧|了|亲|您好|都|能|左右|上下|的?样子|光景|的话|红的|白的|黑的)*$"
)
#: A time that stands alone is an answer about what will be when it is a span, or a day that is near.
_NEAR = re.compile(r"小时|钟|工作日|天|内|前|礼拜|星期|周|月|[今明]|[上下]午|晚上|days?|hours?|weeks?", re.IGNORECASE)
#: So many characters around a time that answers the question when are its subject.
_NEXT_TO_NOTHING = 5
#: A customer who says no more than this only listens.
_BACK_CHANNEL = 2
#: What stands before how long something takes: 换一回要三个工作日.
_TAKES = re.compile(r"(?:要|得|需要?)(?:再?等)?(?:大概|差不多|约莫)?$")
#: How far back the action of a time that stands alone is looked for, in segments.
_LOOK_BACK = 6
#: A verb right after a time, with or without what hedges it, is what will be done: 今天准到, 两个工作日就退.
_VERB = re.compile(
    r"[的呢，, ]?(?:就|会|能|可以|自动|系统|直接|马上|肯定|一定|准|才|要|再|也|都|可|货|钱|给|帮|替|您|你|这边|我们?"
    r"|师傅|往外)*"
    r"(?P<verb>到(?![仓店站期时今明后下上晚早0-9一二三四五六七八九十两半我这])|开(?![工抢门始会业放卖])|出(?!现|去)|过[去来]"
    r"|来(?=货|拿|取|收|装|修|送|[的了呢呀]*(?:[，,。]|$))|[发退送审换装寄修补](?!现|出去|票))(?!不)"
)
#: The same between two halves of a time: 九号到，就是明天.
_VERB_WITHIN = re.compile(r"(?P<verb>[到送发来])[，,]")
#: Terms of trade, of which the customer makes use or not: 七天能退, 十五天里给换, 三天内都能补.
_TERM = re.compile(r"(?:[天月年周]|礼拜|星期)(?:之?内|以内|里头?)?$")
_TERM_VERBS = frozenset("退换修补")
#: 退成 and 退给您 are none.
_DONE_WITH = re.compile(r"[成好完到给回还]")
#: What such a verb means, as `promises` of topics.yaml names it.
_VERBS = {
    "到": "送达", "送": "送达", "发": "发货", "出": "发货", "寄": "发货", "退": "退款", "审": "处理", "开": "开票",
    "换": "换货", "装": "上门", "修": "上门", "补": "补偿", "来": "送达", "过去": "上门", "过来": "上门",
}  # fmt: skip
#: Other words for the same time.
_PLAIN = (
    (re.compile(r"大概|大约|^约|个(?=工作日|小时|钟头)|(?:之|以)?内$|里[头面]?$|左右$|上下$|(?:之|以)?前$"), ""),
    (re.compile(r"今[儿日]个?"), "今天"),
    (re.compile(r"明[儿日]个?|听日|聽日"), "明天"),
    (re.compile(r"工作日"), "天"),
)
#: Where the action is known by the act alone.
_ANY_ACTION = "处理"
_MAY_HOLD_TIME = re.compile(
    r"[0-9零一二两三四五六七八九十半]|[今明后当听聽次隔][天日晚早儿夜]|[上中下]午|晚上|傍晚|周|礼拜|星期|月|年底|下班"
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

    A clause that names a time ahead (see `find_due_times`) which commits somebody (see `SaidTime`) and an action of
    `promises` in topics.yaml, its own or that of a neighbouring clause or segment of the agent. Where a reader heard a
    promise the action may be missing; a time alone counts as an answer to "when". Public holidays are not known.

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
    words = _gist(words)
    return any(
        words in known or known in words
        for other, times in said.items()
        if other == action or _ANY_ACTION in (other, action)
        for known in map(_gist, times)
    )


def _gist(words: str) -> str:
    """Return a time without hedges, and days as they are usually said: 大概两到四个工作日里 is 两到四天."""
    for pattern, plain in _PLAIN:
        words = pattern.sub(plain, words)
    return words


def _promised(scene: Scene, index: int, segment: Segment, started_at: datetime | None) -> Iterator[tuple[str, DueTime]]:
    if scene.acts[index] and _NO_PROMISE_ACTS.issuperset(scene.acts[index]):
        return
    clauses = _clauses(segment.text)
    asked, promised = _was_asked_when(scene, index), scene.does(index, Act.PROMISE)
    for number, due in enumerate(find_due_times(segment.text, started_at)):
        first, last = clauses[_place(clauses, due.start)], _place(clauses, due.end - 1)
        said = SaidTime(
            due=due,
            before=segment.text[first.start : due.start],
            after=segment.text[due.end : clauses[last].end],
            rest=segment.text[due.end : clauses[min(last + 1, len(clauses) - 1)].end],
            is_second=number > 0,
            was_asked=asked,
            is_promised=promised,
        )
        if said.commits_nobody() or (due.is_span and "分" in due.words and _waits(scene, index)):
            continue
        action = _what(scene, said) or _around(scene, index, said, clauses, last)
        if action is not None and (promised or not _CUSTOMERS.search(said.clause)):
            yield action, due


def _what(scene: Scene, said: SaidTime) -> str | None:
    """Return what will be done as the clause of a time says it."""
    return _action(scene, said.before + said.after) or _by_verb(said) or _action(scene, said.due.words)


def _around(scene: Scene, index: int, said: SaidTime, clauses: Sequence[_Clause], place: int) -> str | None:
    """Return what will be done where the clause of a time does not say it."""
    action = None
    if _stands_alone(said) and (said.is_promised or _NEAR.search(said.due.words)):
        action = _action_beside(scene, clauses, place) or _action_before(
            scene, index, asked=said.was_asked, promised=said.is_promised
        )
    takes = said.due.is_span and _TAKES.search(said.before) is not None and not normalise(said.after)
    if action is None and (said.is_promised or takes):
        action = _action_beside(scene, clauses, place) or _ANY_ACTION
    return action


def _waits(scene: Scene, index: int) -> bool:
    """Tell whether the agent asks to wait rather than promises."""
    waits, promises = (scene.acts[index].get(act) for act in (Act.HOLD, Act.PROMISE))
    return waits is not None and (promises is None or (waits.score or 1) >= (promises.score or 1))


def _place(clauses: Sequence[_Clause], at: int) -> int:
    return next(number for number, clause in enumerate(clauses) if at < clause.end)


def _was_asked_when(scene: Scene, index: int) -> bool:
    """Tell whether the customer asked when, and was not answered since."""
    first = scene.turn_start(index)
    for before in range(first - 1, max(-1, first - 1 - _LOOK_BACK), -1):
        segment = scene.spoken[before]
        if segment.role is not Role.CUSTOMER:
            if not _LEAVES_OPEN.issuperset(scene.acts[before]):
                return False
        elif _ASKS_WHEN.search(segment.text):
            return True
        elif len(normalise(segment.text)) > _BACK_CHANNEL and scene.does(before, Act.ASK, Act.REQUEST, Act.COMPLAIN):
            turn = range(scene.turn_start(before), before)
            return any(_ASKS_WHEN.search(scene.spoken[place].text) for place in turn)
    return False


def _stands_alone(said: SaidTime) -> bool:
    """Tell whether nothing but a time is said, or next to nothing after the question when: 路上要三天."""
    words = normalise(said.before + said.after)
    if _ALONE.match(words):
        return True
    return said.was_asked and len(words) <= _NEXT_TO_NOTHING


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


def _by_verb(said: SaidTime) -> str | None:
    """Return what is done by the verb right after a time, unless it is a term of trade."""
    found = _VERB.match(said.after) or _VERB_WITHIN.search(said.due.words)
    if found is None:
        return None
    is_term = found["verb"] in _TERM_VERBS and _TERM.search(said.due.words) is not None
    return None if is_term and not _DONE_WITH.match(said.after, found.end()) else _VERBS[found["verb"]]


def _action_beside(scene: Scene, clauses: Sequence[_Clause], place: int) -> str | None:
    """Return the action of the clause after, or else before: 今天下午，快递员上门."""
    for near in (place + 1, place - 1):
        if 0 <= near < len(clauses) and (action := _action(scene, clauses[near].text)) is not None:
            return action
    return None


def _action_before(scene: Scene, index: int, *, asked: bool, promised: bool) -> str | None:
    """Return the action that a time alone belongs to: of the agent's last words, or of the question that it answers."""
    for before in range(index - 1, max(-1, index - 1 - _LOOK_BACK), -1):
        segment = scene.spoken[before]
        action = _action(scene, segment.text)
        if segment.role is Role.CUSTOMER and len(normalise(segment.text)) > _BACK_CHANNEL:
            if any(_TERMS.search(said.text) for said in scene.spoken[max(0, before - 3) : before + 1]):
                return None
            if _ASKS_WHEN.search(segment.text):
                return action or _ANY_ACTION
            if promised or not asked:
                return action if promised else None
        elif action is not None and segment.role is Role.AGENT:
            return action
    return None
