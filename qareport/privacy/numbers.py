"""Find personal numbers: telephone, identity card, bank card, verification code, written or spoken digit by digit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qareport.model import PersonalKind

_CHINESE = dict(zip("零〇○一二三四五六七八九", "000123456789", strict=True)) | dict(
    zip("壹贰叁肆伍陆柒捌玖幺两洞拐勾腰妖邀要", "123456789120791111", strict=True)
)
_ENGLISH = {
    "zero": "0",
    "oh": "0",
    **{
        word: str(value)
        for value, word in enumerate(["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"], start=1)
    },
}
_TIMES = {"两": 2, "俩": 2, "三": 3, "仨": 3, "四": 4, "double": 2, "triple": 3}

_SIMPLE = "0-9０-９零〇○一二三四五六七八九壹贰叁肆伍陆柒捌玖幺两洞拐勾"
_WORDS = "|".join(_ENGLISH)
_ATOM = re.compile(
    # 三个零, double zero
    rf"(?P<times>[两俩三仨四])个(?P<repeated>[零〇一二三四五六七八九])(?=[{_SIMPLE}]|[^\w]|$)"
    # 三百九十九 counts and is not spelt out.
    rf"|(?P<digit>(?<![十百千万])[{_SIMPLE}](?![十百千万亿]))"
    # 幺 is often transcribed as one of its homophones: taken for 1 only between digits.
    rf"|(?P<yao>(?<=[{_SIMPLE}])[要腰妖邀](?=[{_SIMPLE}])|[要腰妖邀](?=[三四五六七八九][{_SIMPLE}]{{3}}))"
    rf"|(?<![a-z])(?:(?P<multiple>double|triple)[\s-]+)?(?P<word>{_WORDS})(?![a-z])"
    # The last place of an identity card.
    rf"|(?<=[{_SIMPLE}])\s?(?P<ten>[xX×叉]|艾克斯)(?![A-Za-z0-9码号])"
    r"|(?<=[a-z])\s(?P<letter>x)(?![a-z0-9])",
    re.IGNORECASE,
)
#: What may come between two digits of one number: pauses as punctuation, line breaks, fillers, dashes.
_JOINT = re.compile(
    r"(?:[\s\-–—－~·…,，、。;；!！?？]|嗯+|呃+|啊+|哦+|额|诶|唉|那个|这个|然后|就是|再来|接着|\b(?:uh|um|er|hmm|and|then|dash)\b)+",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """Digits that follow each other without a pause; `value` may end in X."""

    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Run:
    """Pieces with nothing but pauses and fillers between them."""

    pieces: tuple[Piece, ...]

    @property
    def value(self) -> str:
        """Return all digits."""
        return "".join(piece.value for piece in self.pieces)

    @property
    def start(self) -> int:
        """Return where the first digit is."""
        return self.pieces[0].start

    @property
    def end(self) -> int:
        """Return where the last digit ends."""
        return self.pieces[-1].end


def find_runs(text: str) -> list[Run]:
    """Find all runs of digits in a text, in order."""
    runs: list[list[Piece]] = []
    for piece in _pieces(text):
        joined = runs and _JOINT.fullmatch(text, runs[-1][-1].end, piece.start)
        if joined:
            runs[-1].append(piece)
        else:
            runs.append([piece])
    return [Run(tuple(run)) for run in runs]


def _pieces(text: str) -> Iterator[Piece]:
    current: Piece | None = None
    for match in _ATOM.finditer(text):
        value = _value(match)
        spoken_on = current is not None and (
            current.end == match.start() or (match["word"] and text[current.end : match.start()] == " ")
        )
        if current is not None and spoken_on:
            current = Piece(current.value + value, current.start, match.end())
        else:
            if current is not None:
                yield current
            current = Piece(value, match.start(), match.end())
    if current is not None:
        yield current


def _value(match: re.Match[str]) -> str:
    if match["times"]:
        return _CHINESE[match["repeated"]] * _TIMES[match["times"]]
    if match["word"]:
        return _ENGLISH[match["word"].lower()] * _TIMES.get((match["multiple"] or "").lower(), 1)
    if match["ten"] or match["letter"]:
        return "X"
    letter = match["digit"] or match["yao"]
    return _CHINESE.get(letter) or str(int(letter))


def windows(pieces: Sequence[Piece], first: int, longest: int) -> Iterator[tuple[int, str]]:
    """Grow a number from one piece on: `(index after its last piece, digits)`, up to `longest` digits."""
    value = ""
    for index in range(first, len(pieces)):
        value += pieces[index].value
        if len(value) > longest:
            return
        yield index + 1, value


#: Mainland mobile numbers (11 places, 13 … 19), with or without country code; landlines with their area code.
_MOBILE = re.compile(r"(?:(?:00)?86)?1[3-9]\d{9}")
_LANDLINE = re.compile(r"0(?:10|2\d|[3-9]\d\d)\d{7,8}")
#: GB 11643-1999: region, date of birth, order, check digit. That is not tested: one misheard digit breaks it.
_IDENTITY = re.compile(r"[1-9]\d{5}(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dX]")
#: ISO/IEC 7812: 13 to 19 places, of which the payment networks' begin with 3 … 6 (UnionPay 62).
_CARD = re.compile(r"[3-6]\d{14,18}")
_UNIONPAY = re.compile(r"62\d{14}|62\d{17}")
_LONGEST = 21

#: Words that say what the number beside them is; the nearest before it wins, then the nearest after it.
_CONTEXT: dict[PersonalKind, str] = {
    PersonalKind.ID_CARD: r"身份证|证件号|身份号码|id card|identity card|id number",
    PersonalKind.BANK_CARD: (
        r"银行卡|卡号|储蓄卡|信用卡|借记卡|打款账号|收款账号|账户|bank card|card number|(?:credit|debit) card"
    ),
    PersonalKind.CODE: (
        r"验证码|校验码|动态码|动态密码|短信码|六位数|四位数|短信里|verification code|the code|code is|passcode"
    ),
    PersonalKind.ORDER: r"订单|单号|运单|编号|工单|货号|条码|税号|order|tracking",
    PersonalKind.PHONE: (
        r"电话|手机|号码|联系方式|联系我|打给我|座机|固话|回拨|phone|mobile|cell|call me|number is|reach me"
    ),
}
_NAMED = re.compile("|".join(f"(?P<{kind.value}>{words})" for kind, words in _CONTEXT.items()), re.IGNORECASE)
_BEFORE, _AFTER = 30, 10
#: How many digits a number must have for its context alone to make it personal.
_BY_CONTEXT: dict[PersonalKind, tuple[int, int]] = {
    PersonalKind.ID_CARD: (15, 18),
    PersonalKind.BANK_CARD: (12, 21),
    PersonalKind.CODE: (4, 8),
    PersonalKind.ORDER: (8, 21),
    PersonalKind.PHONE: (7, 13),
}
#: Hotlines (400, 800) are not personal.
_HOTLINE = re.compile(r"[48]00\d{7}")
#: A verification code follows its name closely, and no unit follows it.
_CODE_NEAR = 12
_UNIT = re.compile(
    r"\s*(?:[元块毛角件个条双套只天日号月年点时分秒次单位米寸斤克%％℃]|小时|分钟|工作日|公斤|厘米|cm|kg|yuan|hours?|minutes?|days?|"
    r"[十百千万亿]|[.．]\d)",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile("[。！？!?\n]")
_LABEL = re.compile(r"\[[^\]\n]*\]")


def find_numbers(text: str, context: str) -> Iterator[tuple[int, int, PersonalKind]]:
    """Find personal numbers as `(start, end, kind)`; `context` is what was said before the text."""
    for run in find_runs(text):
        if len(run.value) >= _BY_CONTEXT[PersonalKind.CODE][0]:
            yield from _in_run(run, text, context)


def _in_run(run: Run, text: str, context: str) -> Iterator[tuple[int, int, PersonalKind]]:
    named = _named(run.start, run.end, text, context)
    first, rest = 0, 0
    while first < len(run.pieces):
        number = _number_at(run, first, named)
        if number is None:
            first += 1
            continue
        after, kind = number
        yield run.pieces[first].start, run.pieces[after - 1].end, kind
        first = rest = after
    if rest == 0 and named is not None:
        yield from _by_context(run, text, context, named)


def _number_at(run: Run, first: int, named: PersonalKind | None) -> tuple[int, PersonalKind] | None:
    for after, value in windows(run.pieces, first, _LONGEST):
        if _IDENTITY.fullmatch(value) and named not in (PersonalKind.ORDER, PersonalKind.BANK_CARD):
            return after, PersonalKind.ID_CARD
        phone = _MOBILE.fullmatch(value) or _LANDLINE.fullmatch(value)
        # 18 digits that begin like a mobile number and continue are no mobile number.
        goes_on = after < len(run.pieces) and named in (PersonalKind.ID_CARD, PersonalKind.BANK_CARD)
        if phone and named is not PersonalKind.ORDER and not goes_on:
            return after, PersonalKind.PHONE
    if named is PersonalKind.ORDER:
        return None
    for after, value in windows(run.pieces, first, _LONGEST):
        if _UNIONPAY.fullmatch(value) or (_CARD.fullmatch(value) and _luhn(value)):
            longer = any(_CARD.fullmatch(more) for end, more in windows(run.pieces, first, 19) if end > after)
            if not (longer and named is PersonalKind.BANK_CARD):
                return after, PersonalKind.BANK_CARD
    return None


def _by_context(run: Run, text: str, context: str, named: PersonalKind) -> Iterator[tuple[int, int, PersonalKind]]:
    shortest, longest = _BY_CONTEXT[named]
    run = _within_segment(run, text, shortest)
    if named is PersonalKind.CODE:
        yield from _codes(run, text, context)
        return
    ordinary = _UNIT.match(text, run.end) or _HOTLINE.fullmatch(run.value)
    if shortest <= len(run.value) <= longest and not ordinary:
        yield run.start, run.end, named


def _within_segment(run: Run, text: str, shortest: int) -> Run:
    """Leave out what is in later segments when the number is long enough without it."""
    for count in range(1, len(run.pieces)):
        head = Run(run.pieces[:count])
        if len(head.value) >= shortest and "\n" in text[head.end : run.pieces[count].start]:
            return head
    return run


def _codes(run: Run, text: str, context: str) -> Iterator[tuple[int, int, PersonalKind]]:
    shortest, longest = _BY_CONTEXT[PersonalKind.CODE]
    if not shortest <= len(run.value) <= longest or _UNIT.match(text, run.end):
        return
    before = _before(run.start, text, context)[-_CODE_NEAR - 20 :]
    last = _last_name(before)
    near = last is None or len(before) - last.end() <= _CODE_NEAR
    if near:
        yield run.start, run.end, PersonalKind.CODE


def _before(start: int, text: str, context: str) -> str:
    return _LABEL.sub("", f"{context}\n{text[:start]}"[-_BEFORE * 2 :])


def _named(start: int, end: int, text: str, context: str) -> PersonalKind | None:
    before = _before(start, text, context)[-_BEFORE:]
    last = _last_name(before)
    # An order that an earlier sentence spoke of says nothing about this number.
    if last and last.lastgroup == PersonalKind.ORDER and _SENTENCE_END.search(before, last.end()):
        last = None
    after = last or _NAMED.search(_LABEL.sub("", text[end : end + _AFTER]))
    return PersonalKind(after.lastgroup) if after and after.lastgroup else None


def _last_name(text: str) -> re.Match[str] | None:
    return next(reversed(list(_NAMED.finditer(text))), None)


def _luhn(value: str) -> bool:
    """Tell whether the check digit of ISO/IEC 7812 fits."""
    total = 0
    for place, digit in enumerate(map(int, reversed(value))):
        total += digit if place % 2 == 0 else (digit * 2 - 9 if digit > 4 else digit * 2)
    return total % 10 == 0
