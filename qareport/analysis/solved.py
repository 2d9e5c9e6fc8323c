"""Whether a call was solved: the gate before anything is learned from it. `corpus/pairs.md` defines it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from qareport.analysis.general_answers import UNKNOWN, general_part, has_cue
from qareport.model import NEGATIVE_EMOTIONS, Act, Emotion, Role, Segment

_ANGRY: Final = frozenset((Emotion.ANGRY, Emotion.DISGUSTED))
#: The customer asks or wants something.
ASKS: Final = frozenset((Act.ASK, Act.ASK_AGAIN, Act.REQUEST))
#: The agent replies to it.
REPLIES: Final = frozenset((Act.ANSWER, Act.EXPLAIN, Act.OFFER, Act.REFUSE))
#: A sentence of the agent that does one of these answers nothing, whatever else it does.
NO_ANSWER: Final = frozenset((Act.EVADE, Act.BLAME, Act.RUDE))
#: What opens an alarm; the grave ones stay open when the customer only accepts something.
_ALARMS: Final = frozenset((Act.THREATEN, Act.GIVE_UP, Act.SARCASM, Act.REMIND_PROMISE, Act.COMPLAIN, Act.ASK_AGAIN))
_GRAVE: Final = frozenset((Act.THREATEN, Act.GIVE_UP, Act.SARCASM))
#: Signs of a customer who is content.
CONTENT: Final = frozenset((Act.THANK, Act.ACCEPT, Act.CALM))
#: Accepted with a sigh: 那好吧.
_GRUDGING: Final = re.compile(r"^(那|哦|唉|嗯|这样啊)?[，, ]*(好吧|行吧|算了|算啦|就?这样吧|那就?算[了啦])")
#: What was advised did not help.
_IN_VAIN: Final = re.compile(r"还是(不|没)|不成|没用|不管用|没[有]?解决|doesn't work|didn't work|no use")
#: The customer goes on, and not contented.
_UNHAPPY: Final = re.compile(
    r"不对|没有啊|没有呀|可是|但是|可我|还是|怎么|咋|等|急|唉|白[^色天]|又|喂|在吗|在不|听得到|试了|试过"
    r"|没收|没到|不行|[吗么吧呢][？?。]?$|[？?]$|\bbut\b|\bstill\b|\bhello\b",
    re.IGNORECASE,
)
#: Said when asked whether there is anything else: polite, and no sign that something was solved.
_FAREWELL: Final = re.compile(r"^(没|没有|没了|没啦|不用|不用了|没别的|没啥|没什么|没其他|嗯)[了啦的]*[，, ]*")
#: An agent who did only this has put the customer off.
_PUT_OFF: Final = re.compile(
    r"尽快|第一时间|头一时间|反馈|反映|登记|专员|专人|核实|核查|有结果|有消息|回复您|回您|联系您|给您回"
    r"|打给您|再等等|耐心等|多等|催"
)


def is_solved(segments: Sequence[Segment]) -> bool:
    """Tell whether a call was solved: the customer is content after an answer, and no alarm is open at the end.

    Args:
        segments: those with words, in order of time, with acts.
    """
    answered = content = alarm = asked = was_low = put_off = grave = False
    for segment in segments:
        acts = {claim.act for claim in segment.acts}
        if segment.role is Role.AGENT:
            if acts & NO_ANSWER:
                alarm = True
            elif acts & REPLIES:
                put_off = _puts_off(segment.text)
                answered, asked = answered or not put_off, asked and put_off
            elif Act.PROMISE in acts or (_PUT_OFF.search(segment.text) and Act.ASK_INFO not in acts):
                put_off = asked or put_off or not answered
        elif segment.role is Role.CUSTOMER:
            if acts & _ALARMS or segment.emotion in _ANGRY:
                alarm = was_low = True
                content, grave = False, grave or bool(acts & _GRAVE)
            if answered and (Act.CALM in acts or not put_off):
                if _is_content(segment.text, acts, was_low=was_low, grave=grave):
                    content, alarm, grave, asked = True, False, False, asked and Act.CALM not in acts
                elif not (was_low or asked or acts & ASKS) and _goes_on(segment, acts):
                    content = True
            if acts & ASKS:
                asked, put_off, content = True, False, False
    return content and not alarm and not asked


def _puts_off(text: str) -> bool:
    """Tell whether a reply leaves the matter for later, or does not know, and says nothing else."""
    later = _PUT_OFF.search(text) is not None or UNKNOWN.search(text) is not None
    return later and not has_cue(general_part(text), strong=True)


def _is_content(text: str, acts: set[Act], *, was_low: bool, grave: bool) -> bool:
    """Tell whether a sentence shows that the customer is content.

    Args:
        text: the sentence.
        acts: what it does.
        was_low: the customer complained or asked again before; thanks on leaving are then mere politeness.
        grave: an alarm is open that accepting something does not end.
    """
    if not acts & CONTENT:
        return False
    if _IN_VAIN.search(text):
        return False
    if Act.CALM in acts:
        return True
    if Act.THANK in acts:
        return not (was_low and (_FAREWELL.match(text) or _GRUDGING.match(text)))
    return not grave and _GRUDGING.match(text) is None


def _goes_on(segment: Segment, acts: set[Act]) -> bool:
    """Tell whether a customer who was never low goes on contented after an answer, without saying thanks."""
    if segment.emotion in NEGATIVE_EMOTIONS or acts - {Act.SMALL, Act.INFORM}:
        return False
    return segment.emotion is Emotion.HAPPY or not (_GRUDGING.match(segment.text) or _UNHAPPY.search(segment.text))
