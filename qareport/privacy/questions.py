"""What is open to be answered before each segment of a call.

A question for personal data is remembered over back-channels and small talk until it is answered, or another one is
asked for; a name only for the next words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qareport.model import PersonalKind, Role, Segment
from qareport.privacy.kind_words import Cue, asked_for, asks_for_tail, cues, simplified
from qareport.privacy.stretch import StretchLine

_K = PersonalKind
#: After so many segments nobody answers any more.
_FORGOTTEN = 24
#: A name, an account, an address: the next words of the other one.
_SOON = {_K.NAME: 4, _K.BIRTHDAY: 6, _K.ACCOUNT: 6, _K.EMAIL: 6, _K.ADDRESS: 8}
#: After an answer began its rest may follow within so many segments.
_REST = 4
_DIGITS = re.compile("[0-9０-９零〇一二两三四五六七八九幺洞拐勾]")
_ENOUGH_DIGITS = 3
#: A telephone number is answered with so many digits.
_WHOLE = 11
_CONTACT = re.compile("微信|威信|薇信|扣扣|QQ|qq|旺旺|抖音|小红书|加我|加一下|vx|[Ww]e[Cc]hat")
_ADDRESS = re.compile(
    "地址|住址|收货|寄到|送到|改到|换到|收货的地方|哪个小区|哪个村|您是哪里|换个地方|改个地方|门牌|取件的"
)
_NICK = re.compile("旺旺|昵称|用户名|账户名|会员名|淘宝名|账号名")
#: What was just said was a code, though nobody had asked for it.
_EXPIRED = re.compile("(?:这串|这个码|码).{0,3}(?:过期|失效|不对|错)")
_WITHIN = 6
_CONFIRM = re.compile("是?[0-9零一二三四五六七八九幺]{8,}(?:吗|吧|么|不)?[？?。]?")
_MATTER = re.compile("[那这]一?[件单]")


@dataclass(slots=True)
class _Question:
    kind: PersonalKind
    index: int
    turn: int
    answered: int | None = None
    digits: int = 0

    def open_at(self, index: int) -> bool:
        if self.answered is not None and index - self.answered > _REST:
            return False
        return index - self.index <= _SOON.get(self.kind, _FORGOTTEN)


class Questions:
    """For each segment: what the other one has asked for, newest first, and what was spoken of shortly before."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        """Read a call.

        Args:
            segments: in order of time.
        """
        self._segments = segments
        #: The words of each segment that name kinds of personal data.
        self.cues: list[list[Cue]] = [cues(simplified(segment.text)) for segment in segments]
        #: Kinds that a segment may answer, newest first.
        self.asked: list[tuple[PersonalKind, ...]] = []
        #: Whether a contact (WeChat, QQ) was spoken of shortly before each segment, or in it.
        self.contact = _lately(segments, _CONTACT)
        #: Whether an address was spoken of shortly before each segment, or in it.
        self.address = _lately(segments, _ADDRESS)
        #: Whether a made-up name was spoken of shortly before each segment, or in it.
        self.nick = _lately(segments, _NICK)
        self._open: list[_Question] = []
        #: The turn of the newest question for a number that was asked before each segment.
        self._turns: list[int] = []
        #: Turns in which only the last places of a number were asked for.
        self._tails: set[int] = set()
        turn, last = 0, None
        for index, segment in enumerate(segments):
            speaker = _speaker(segment)
            turn += speaker != last
            last = speaker
            self._answer(index, segment)
            if index and segment.role is Role.AGENT and _EXPIRED.search(segment.text):
                self.asked[index - 1] = (*self.asked[index - 1], _K.CODE)
            if self.cues[index] and segment.role is not Role.CUSTOMER:
                self._ask(index, segment, turn)

    def line(self, index: int, start: int) -> StretchLine:
        """Return a segment as a line of a stretch that begins there."""
        return StretchLine(
            start,
            self.asked[index],
            self.contact[index],
            self.address[index],
            self._turns[index],
            self._turns[index] in self._tails,
            self.nick[index],
        )

    def _answer(self, index: int, segment: Segment) -> None:
        if self._open:
            self._open = [question for question in self._open if question.open_at(index)]
        if not self._open or segment.role is Role.AGENT:
            self._turns.append(0)
            self.asked.append((_K.ORDER,) if segment.role is Role.AGENT and self._confirms(index) else ())
            return
        self._turns.append(max((item.turn for item in self._open if item.kind not in _SOON), default=0))
        newest = sorted(self._open, key=lambda item: (-item.turn, item.kind is not _K.PHONE, -item.index))
        self.asked.append(tuple(dict.fromkeys(question.kind for question in newest)))
        digits = len(_DIGITS.findall(segment.text))
        for question in self._open if digits >= _ENOUGH_DIGITS else ():
            if question.kind not in _SOON:
                question.digits += digits
                if question.answered is None and (question.kind is not _K.PHONE or question.digits >= _WHOLE):
                    question.answered = index

    def _confirms(self, index: int) -> bool:
        """Tell whether an agent says nothing but the number of the order spoken of: 之前那件 / 是18839027746？"""
        if not _CONFIRM.fullmatch(self._segments[index].text):
            return False
        return any(_MATTER.search(said.text) for said in self._segments[max(0, index - 2) : index])

    def _ask(self, index: int, segment: Segment, turn: int) -> None:
        kinds = asked_for(simplified(segment.text), self.cues[index])
        if asks_for_tail(segment.text):
            self._tails.add(turn)
        if any(kind not in _SOON for kind in kinds):
            # The newest number is the one that is meant; what was asked in the same breath stays beside it.
            self._open = [question for question in self._open if question.kind in _SOON or question.turn == turn]
        self._open += [_Question(kind, index, turn) for kind in kinds]


def _speaker(segment: Segment) -> object:
    return segment.role, segment.channel if segment.role is Role.UNKNOWN else None


def _lately(segments: Sequence[Segment], words: re.Pattern[str]) -> list[bool]:
    if not any(words.search(segment.text) for segment in segments):
        return [False] * len(segments)
    found, last = [], -_WITHIN - 1
    for index, segment in enumerate(segments):
        if words.search(segment.text):
            last = index
        found.append(index - last <= _WITHIN)
    return found
