"""Find what a call teaches: questions with answers that hold for everyone, check-ins after silence, poor replies.

Only calls that were solved give answers. `corpus/pairs.md` defines what a pair is; `benchmarks/results/knowledge.json`
says how far pairs are found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from qareport.analysis.general_answers import general_part, has_cue, without_fillers
from qareport.analysis.solved import ASKS, CONTENT, NO_ANSWER, REPLIES, is_solved
from qareport.model import (
    GUESSED_SOURCES,
    NEGATIVE_EMOTIONS,
    Act,
    CallReport,
    Finding,
    FoundPair,
    NoteCode,
    QaKind,
    Role,
    Segment,
)

#: What says that a sentence is no reply, where no act says that it is one.
_NO_REPLY: Final = frozenset(
    (Act.HOLD, Act.ASK_INFO, Act.CLOSE, Act.APOLOGISE, Act.EMPATHISE, Act.SMALL, Act.CONFIRM, Act.PROMISE)
)
#: Turns of the agent that answer one question, at most.
_TURNS: Final = 3
#: Letters: what is shorter says nothing.
_SHORTEST_QUESTION, _SHORTEST_ANSWER, _SHORTEST_REPLY = 4, 2, 6
#: A pause that is long enough to be worth asking on from.
_CHECK_IN_MS: Final = 2_000
#: What follows so soon belongs together: a reply to a question, relief to an answer.
_WITHIN_MS: Final = 60_000
_NUMBERS: Final = re.compile(r"[\d零〇一二三四五六七八九幺两十百 ，,、.\-]{6,}|\[[^\]]{2,6}\]")
_NO_WORDS: Final = re.compile(r"[\W_]+")
#: What was bought, as customers and agents name it.
_PRODUCT: Final = re.compile(
    r"(?:买|拍|订|入手)(?:了|的是|的|过)(?:你们家?的?)?(?:那|这)?(?:一|两|二|三|四|几|俩)?(?:个|台|件|双|条"
    r"|箱|套|款|把|瓶|盒|只|张|本|袋|部|辆|支|包)(?:的)?"
    r"([A-Za-z\u4e00-\u9fff]{2,8}?)(?=[，,。！!？?、 ]|$|怎|咋|不|能|有|坏|没|还|是|到|降|上|什么|啥|呢|啊"
    r"|呀|吧|吗|的|它)"
)
_POINTS_BACK: Final = re.compile(r"^(那|它|这个|那个|这款|那款|这东西|它的)|它|这东西")
_NO_PRODUCT: Final = frozenset(("东西", "单子", "订单", "问题", "快递", "电话", "客服", "时候", "情况", "事情", "一下"))
#: The words to say, within the advice of a rule.
_SAY: Final = re.compile(r"(?:可以|应当?|不妨)?说[：:]“([^”]{8,})”")
#: A question of more characters keeps what was asked, and of the rest what is nearest to it.
_LONG_QUESTION: Final = 80


@dataclass(slots=True)
class _Exchange:
    """A question, and what was replied to it so far; `turns` are those of the agent in which something was."""

    question: list[int] = field(default_factory=list)
    replies: list[int] = field(default_factory=list)
    #: Of the replies, those that follow right after something was asked.
    direct: set[int] = field(default_factory=set)
    #: The customer asked something; else the customer only told of something.
    asks: bool = False
    turns: int = 0


def find_pairs(report: CallReport) -> tuple[FoundPair, ...]:
    """Find the pairs of a call, in order of their answers.

    Nothing is found where a speaker is only guessed, and nothing in voices outside the model's domain.

    Args:
        report: the result of the call, masked: what is found is kept and shown as it is.
    """
    if any(note.code == NoteCode.OUTSIDE_MODEL_DOMAIN for note in report.notes):
        return ()
    spoken = [segment for segment in report.segments if segment.text.strip()]
    if any(segment.role is Role.UNKNOWN or segment.role_source in GUESSED_SOURCES for segment in spoken):
        return ()
    found = [*_poor_replies(report)]
    if is_solved(spoken):
        found += [*_answers(report), *_check_ins(report)]
    named = (_with_circumstances(report, pair) for pair in found)
    return tuple(sorted(named, key=lambda pair: (pair.a_ms, pair.kind)))


def _answers(report: CallReport) -> Iterator[FoundPair]:
    product = _product(report.segments)
    for exchange in _exchanges(report.segments):
        pair = _pair_of(report.segments, exchange, product)
        if pair is not None:
            yield pair


def _exchanges(segments: Sequence[Segment]) -> Iterator[_Exchange]:
    """Divide a call into questions with the replies to each."""
    open_ = _Exchange()
    same_turn = False
    for place, segment in enumerate(segments):
        if not segment.text.strip():
            continue
        acts = {claim.act for claim in segment.acts}
        is_question = not acts and segment.text.rstrip().endswith(("？", "?"))
        if segment.role is Role.CUSTOMER:
            if open_.replies and (acts & ASKS or is_question):
                yield open_
                open_ = _Exchange()
            if acts - {Act.SMALL, *CONTENT} or is_question:
                open_.question.append(place)
                open_.asks |= bool(acts & ASKS) or is_question
        elif open_.question and _replies(segment, acts) and (same_turn or open_.turns < _TURNS):
            open_.turns += not same_turn
            open_.replies.append(place)
            if open_.asks and open_.turns == 1:
                open_.direct.add(place)
            same_turn = True
        same_turn = same_turn and segment.role is Role.AGENT
    if open_.replies:
        yield open_


def _replies(segment: Segment, acts: set[Act]) -> bool:
    """Tell whether a sentence of the agent replies; a reader may have missed it where it has words of a rule."""
    if acts & NO_ANSWER or (Act.ASK_INFO in acts and Act.ANSWER not in acts):
        return False
    return bool(acts & REPLIES) or (not acts & _NO_REPLY and has_cue(general_part(segment.text), strong=True))


def _pair_of(segments: Sequence[Segment], exchange: _Exchange, product: str) -> FoundPair | None:
    answer: list[tuple[int, str]] = []
    for place in exchange.replies:
        text = general_part(segments[place].text)
        if len(_NO_WORDS.sub("", text)) >= _SHORTEST_ANSWER and (
            place in exchange.direct or has_cue(text, strong=True)
        ):
            answer.append((place, text))
    asked = [place for place in exchange.question if answer and place < answer[0][0]]
    question = _question(segments, asked)
    if not answer or len(_NO_WORDS.sub("", question)) < _SHORTEST_QUESTION:
        return None
    if product and product not in question and _POINTS_BACK.search(question):
        question = f"{product}：{question}"
    return FoundPair(
        kind=QaKind.ANSWER,
        question=question,
        answer=_joined([text for _, text in answer]),
        q_ms=segments[asked[0]].start_ms,
        a_ms=segments[answer[0][0]].start_ms,
        question_places=tuple(asked),
        answer_places=tuple(place for place, _ in answer),
    )


def _question(segments: Sequence[Segment], places: Sequence[int]) -> str:
    """Join what a customer says to ask something, without numbers and names."""
    texts = {place: without_fillers(segments[place].text) for place in places}
    texts = {place: text for place, text in texts.items() if text and not _NUMBERS.search(text)}
    asked = [place for place in texts if any(claim.act in ASKS for claim in segments[place].acts)] or list(texts)[-1:]
    kept, length = set(asked), sum(len(texts[place]) for place in asked)
    for place in sorted(texts, key=lambda place: min(abs(place - other) for other in asked)):
        length += len(texts[place]) if place not in kept else 0
        if length <= _LONG_QUESTION:
            kept.add(place)
    return _joined([text for place, text in texts.items() if place in kept])


def _joined(texts: Sequence[str]) -> str:
    """Put sentences behind each other, with a comma where none ends."""
    joined = ""
    for text in dict.fromkeys(texts):
        mark = "" if not joined or not joined[-1].isalnum() else ", " if joined.isascii() and text.isascii() else "，"
        joined += mark + (" " if joined and joined.isascii() and not mark else "") + text
    return joined


def _product(segments: Sequence[Segment]) -> str:
    """Return what was bought, where somebody names it in one of the usual forms; else nothing."""
    names = (match[1] for segment in segments for match in _PRODUCT.finditer(segment.text))
    return next((name for name in names if name not in _NO_PRODUCT), "")


def _check_ins(report: CallReport) -> Iterator[FoundPair]:
    """Find where the customer fell silent, the agent asked on, and the customer then said something."""
    segments = report.segments
    for silence in report.silences:
        if silence.before is not Role.AGENT or silence.duration_ms < _CHECK_IN_MS:
            continue
        earlier = [place for place, segment in enumerate(segments) if segment.end_ms <= silence.start_ms + 500]
        later = [place for place, segment in enumerate(segments) if segment.start_ms >= silence.end_ms - 500]
        if len(later) < 2 or segments[later[0]].role is not Role.AGENT:
            continue
        acts = {claim.act for claim in segments[later[0]].acts}
        working = earlier and any(claim.act is Act.HOLD for claim in segments[earlier[-1]].acts)
        said = [place for place in earlier if _says_something(segments[place])]
        engaged = any(_says_something(segments[place]) for place in later[1:3])
        if working or not said or not engaged or not acts & {Act.ASK_INFO, Act.OFFER, Act.CONFIRM, Act.EMPATHISE}:
            continue
        question = _question(segments, said[-1:])
        answer = without_fillers(segments[later[0]].text)
        if len(_NO_WORDS.sub("", answer)) >= _SHORTEST_REPLY and not _NUMBERS.search(answer) and question:
            yield FoundPair(
                kind=QaKind.SILENCE_CHECK_IN,
                question=question,
                answer=answer,
                q_ms=segments[said[-1]].start_ms,
                a_ms=segments[later[0]].start_ms,
                question_places=(said[-1],),
                answer_places=(later[0],),
            )


def _says_something(segment: Segment) -> bool:
    return segment.role is Role.CUSTOMER and any(claim.act not in (Act.SMALL, Act.THANK) for claim in segment.acts)


def _poor_replies(report: CallReport) -> Iterator[FoundPair]:
    """Find replies that a rule took points for, with the rule's advice in their place."""
    for finding in report.findings:
        advice = finding.team_advice or finding.advice
        if finding.points >= 0 or not advice or finding.covered_by:
            continue
        reply = _reply_of(report.segments, finding)
        if reply is not None and not _is_poor(report.segments[reply]):
            continue
        asked = [] if reply is None else _asked_before(report.segments, reply)
        if reply is None or not asked:
            continue
        question, rejected = _question(report.segments, asked), without_fillers(report.segments[reply].text)
        if min(len(_NO_WORDS.sub("", text)) for text in (question, rejected)) >= _SHORTEST_QUESTION:
            yield FoundPair(
                kind=QaKind.PREFERENCE,
                question=question,
                answer=(words[1] if (words := _SAY.search(advice)) else advice),
                rejected=rejected,
                q_ms=report.segments[asked[0]].start_ms,
                a_ms=report.segments[reply].start_ms,
                question_places=tuple(asked),
                answer_places=(reply,),
            )


def _reply_of(segments: Sequence[Segment], finding: Finding) -> int | None:
    """Return the agent's sentence that a finding is about: of its evidence, else the next one."""
    shown = [evidence.at_ms for evidence in finding.evidence if evidence.role is Role.AGENT]
    for place, segment in enumerate(segments):
        if segment.role is not Role.AGENT or not segment.text.strip():
            continue
        if segment.start_ms in shown:
            return place
        if not shown and finding.at_ms < segment.start_ms <= finding.at_ms + _WITHIN_MS:
            return place
    return None


def _is_poor(segment: Segment) -> bool:
    """Tell whether a sentence answers nothing: else a rule's advice on something else would stand in its place."""
    acts = {claim.act for claim in segment.acts}
    return bool(acts & NO_ANSWER) or not acts & {*REPLIES, Act.PROMISE, Act.ASK_INFO, Act.HOLD, Act.CONFIRM}


def _asked_before(segments: Sequence[Segment], reply: int) -> list[int]:
    """Return the customer's last turn before a reply in which something was asked; nothing if it is long ago."""
    asked: list[int] = []
    for place in range(reply - 1, -1, -1):
        segment = segments[place]
        if segments[reply].start_ms - segment.end_ms > _WITHIN_MS:
            break
        if segment.role is Role.CUSTOMER and any(claim.act in ASKS for claim in segment.acts):
            asked.append(place)
        elif asked:
            break
    return asked[::-1]


def _with_circumstances(report: CallReport, pair: FoundPair) -> FoundPair:
    """Add issue, stage, the customer's emotion around the answer, and whether it helped."""
    customers = [
        segment for segment in report.segments if segment.role is Role.CUSTOMER and segment.emotion is not None
    ]
    before = [segment.emotion for segment in customers if segment.start_ms < pair.a_ms]
    after = [segment.emotion for segment in customers if pair.a_ms <= segment.start_ms <= pair.a_ms + _WITHIN_MS]
    low = bool(before) and before[-1] in NEGATIVE_EMOTIONS
    return replace(
        pair,
        issue=report.issues[0].name if report.issues else None,
        stage=report.stages[0].name if report.stages else None,
        emotion_before=before[-1].value if before and before[-1] else None,
        emotion_after=after[-1].value if after and after[-1] else None,
        helped=(bool(after) and after[-1] not in NEGATIVE_EMOTIONS) if low else None,
    )
