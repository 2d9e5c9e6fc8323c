"""Find what a call teaches: questions with answers that hold for everyone, check-ins after silence, poor replies.

Only calls that were solved give answers: the customer thanks or accepts after one, and no alarm is open at the end.
`corpus/pairs.md` defines both; `benchmarks/results/knowledge.json` says how far they are found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from qareport.analysis.general_answers import general_part, has_cue, without_fillers
from qareport.model import (
    GUESSED_SOURCES,
    NEGATIVE_EMOTIONS,
    Act,
    CallReport,
    Emotion,
    FoundPair,
    NoteCode,
    QaKind,
    Role,
    Segment,
)

_ANGRY: Final = frozenset((Emotion.ANGRY, Emotion.DISGUSTED))
_ASKS: Final = frozenset((Act.ASK, Act.ASK_AGAIN, Act.REQUEST))
_REPLIES: Final = frozenset((Act.ANSWER, Act.EXPLAIN, Act.OFFER, Act.REFUSE))
#: Alarms that stay open until the customer is content again; a complaint and a question put again close with an answer.
_ALARMS: Final = frozenset((Act.THREATEN, Act.GIVE_UP, Act.SARCASM, Act.REMIND_PROMISE, Act.COMPLAIN, Act.ASK_AGAIN))
_GRAVE: Final = frozenset((Act.THREATEN, Act.GIVE_UP, Act.SARCASM))
_CONTENT: Final = frozenset((Act.THANK, Act.ACCEPT, Act.CALM))
#: A sentence of the agent that does one of these answers nothing, whatever else it does.
_NO_ANSWER: Final = frozenset((Act.EVADE, Act.BLAME, Act.RUDE))
#: Accepted with a sigh: 那好吧.
_GRUDGING: Final = re.compile(r"^(那|哦|唉|嗯|这样啊)?[，, ]*(好吧|行吧|算了|算啦|就?这样吧|那就?算[了啦])")
#: What was advised did not help.
_IN_VAIN: Final = re.compile(r"还是(不|没)|不成|没用|不管用|没[有]?解决|doesn't work|didn't work|no use")
#: Said when asked whether there is anything else: polite, and no sign that something was solved.
_FAREWELL: Final = re.compile(r"^(没|没有|没了|没啦|不用|不用了|没别的|没啥|没什么|没其他|嗯)[了啦的]*[，, ]*")
#: An agent who did only this has put the customer off.
_PUT_OFF: Final = re.compile(
    r"尽快|第一时间|头一时间|反馈|反映|登记|专员|专人|核实|核查|有结果|有消息|回复您|回您|联系您|给您回|打给您|再等等|耐心等|多等|催"
)
#: An answer begins within this time after the question, and its sentences within this time after each other.
_WITHIN_MS: Final = 60_000
#: Turns of the agent that answer one question, at most.
_TURNS: Final = 3
#: Characters: what is shorter says nothing alone. A short yes or no to a question stays with it.
_SHORTEST_QUESTION, _SHORTEST_ANSWER = 4, 2
#: A pause before which the customer had the word is worth asking on from here.
_CHECK_IN_MS: Final = 2_000
_HELPED_WITHIN_MS: Final = 60_000
_NUMBERS: Final = re.compile(r"[\d零〇一二三四五六七八九幺两十百 ，,、.\-]{6,}|\[[^\]]{2,6}\]")
_NO_WORDS: Final = re.compile(r"[\W_]+")


def is_solved(segments: Sequence[Segment]) -> bool:
    """Tell whether a call was solved: the customer is content after an answer, and no alarm is open at the end.

    Args:
        segments: those with words, in order of time, with acts.
    """
    answered = content = alarm = asked = was_low = put_off = grave = False
    for segment in segments:
        acts = {claim.act for claim in segment.acts}
        if segment.role is Role.AGENT:
            if acts & _NO_ANSWER:
                alarm = True
            elif acts & _REPLIES:
                put_off = not general_part(segment.text) and _PUT_OFF.search(segment.text) is not None
                answered, asked = answered or not put_off, asked and put_off
            elif Act.PROMISE in acts or (_PUT_OFF.search(segment.text) and Act.ASK_INFO not in acts):
                put_off = asked or put_off or not answered
        elif segment.role is Role.CUSTOMER:
            if acts & _ALARMS or segment.emotion in _ANGRY:
                alarm = was_low = True
                content, grave = False, grave or bool(acts & _GRAVE)
            if acts & _CONTENT and answered and not put_off:
                if _is_content(segment.text, acts, was_low=was_low, grave=grave):
                    content, alarm, grave = True, False, False
            if acts & _ASKS:
                asked, put_off, content = True, False, False
    return content and not alarm and not asked


def _is_content(text: str, acts: set[Act], *, was_low: bool, grave: bool) -> bool:
    """Tell whether a sentence shows that the customer is content.

    Args:
        text: the sentence.
        acts: what it does, one of `_CONTENT` among it.
        was_low: the customer complained or asked again before; thanks on leaving are then mere politeness.
        grave: an alarm is open that accepting something does not end.
    """
    if _IN_VAIN.search(text):
        return False
    if Act.CALM in acts:
        return True
    if Act.THANK in acts:
        return not (was_low and (_FAREWELL.match(text) or _GRUDGING.match(text)))
    return not grave and _GRUDGING.match(text) is None


@dataclass(slots=True)
class _Exchange:
    """A question, and what was replied to it so far."""

    question: list[int] = field(default_factory=list)
    replies: list[int] = field(default_factory=list)
    #: The customer asked something; else the customer only told of something.
    asks: bool = False
    turns: int = 0


def find_pairs(report: CallReport) -> tuple[FoundPair, ...]:
    """Find the pairs of a call, in order of time.

    Args:
        report: the result of the call, masked: what is found is kept and shown as it is.
    """
    if any(note.code == NoteCode.OUTSIDE_MODEL_DOMAIN for note in report.notes):
        return ()
    segments = report.segments
    if any(segment.role_source in GUESSED_SOURCES and segment.text.strip() for segment in segments):
        return ()  # who said what is not known for sure
    places = [place for place, segment in enumerate(segments) if segment.text.strip()]
    found: list[FoundPair] = []
    if is_solved([segments[place] for place in places]):
        found += _answers(report, places)
    return tuple(sorted(found, key=lambda pair: pair.q_ms))


def _answers(report: CallReport, places: Sequence[int]) -> Iterator[FoundPair]:
    for exchange in _exchanges(report.segments, places):
        pair = _pair_of(report, exchange)
        if pair is not None:
            yield pair


def _exchanges(segments: Sequence[Segment], places: Sequence[int]) -> Iterator[_Exchange]:
    """Divide a call into questions with the replies to each."""
    open_ = _Exchange()
    before: Role | None = None
    for place in places:
        segment = segments[place]
        acts = {claim.act for claim in segment.acts}
        if segment.role is Role.CUSTOMER:
            if open_.replies and acts & _ASKS:
                yield open_
                open_ = _Exchange()
            if acts - {Act.SMALL, Act.THANK, Act.ACCEPT, Act.CALM} or (not acts and segment.text.endswith(("？", "?"))):
                open_.question.append(place)
                open_.asks |= bool(acts & _ASKS)
        elif segment.role is Role.AGENT and open_.question:
            open_.turns += before is not Role.AGENT
            if acts & _REPLIES and not acts & _NO_ANSWER:
                open_.replies.append(place)
        before = segment.role
    if open_.replies:
        yield open_


def _pair_of(report: CallReport, exchange: _Exchange) -> FoundPair | None:
    segments = report.segments
    answer: list[tuple[int, str]] = []
    for place in exchange.replies:
        text = general_part(segments[place].text)
        if len(_NO_WORDS.sub("", text)) >= _SHORTEST_ANSWER and (exchange.asks or has_cue(text)):
            answer.append((place, text))
    asked = [place for place in exchange.question if answer and place < answer[-1][0]]
    question = _question(segments, asked)
    if not answer or len(_NO_WORDS.sub("", question)) < _SHORTEST_QUESTION:
        return None
    return FoundPair(
        kind=QaKind.ANSWER,
        question=question,
        answer="，".join(text for _, text in answer),
        q_ms=segments[asked[0]].start_ms,
        a_ms=segments[answer[0][0]].start_ms,
        question_places=tuple(asked),
        answer_places=tuple(place for place, _ in answer),
    )


def _question(segments: Sequence[Segment], places: Sequence[int]) -> str:
    """Join what a customer says to ask something, without numbers and names."""
    texts = [without_fillers(segments[place].text) for place in places]
    return "，".join(text for text in texts if text and not _NUMBERS.search(text))
