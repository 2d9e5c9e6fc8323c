"""Tell what a number is: by its form, by the words beside it, by what the other one asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qareport.model import PersonalKind
from qareport.privacy.digits import Piece, Run, windows
from qareport.privacy.kind_words import Cue
from qareport.privacy.stretch import Found, Stretch

_K = PersonalKind
#: Mainland mobile numbers (11 places, 13 … 19), with or without country code; landlines with their area code.
_MOBILE = re.compile(r"(?:(?:00)?86)?1[3-9]\d{9}")
_LANDLINE = re.compile(r"0(?:10|2\d|[3-9]\d\d)\d{7,8}")
#: GB 11643-1999: region, date of birth, order, check digit. That is not tested: one misheard digit breaks it.
_IDENTITY = re.compile(r"[1-9]\d{5}(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dX]")
#: ISO/IEC 7812: 13 to 19 places, of which the payment networks' begin with 4 … 6 (UnionPay 62), or with 34, 37 (15
#: places), 35 and 36, 38 or 30.
_CARD = re.compile(r"[4-6]\d{14,18}|3[47]\d{13}|35(?:2[89]|[3-8]\d)\d{12,15}|3(?:0[0-5]|[68]\d)\d{13,16}")
_UNIONPAY = re.compile(r"62\d{14}|62\d{17}")
_LONGEST = 21
#: How many digits a number must have for what it is called to make it personal.
_PLACES: dict[PersonalKind, tuple[int, int]] = {
    _K.ID_CARD: (15, 18),
    _K.DOCUMENT: (6, 12),
    _K.BANK_CARD: (8, 21),
    _K.CODE: (4, 8),
    _K.PICKUP_CODE: (4, 10),
    _K.ACCOUNT: (6, 12),
    _K.ORDER: (8, 21),
    _K.PHONE: (7, 13),
}
#: One who is asked for an identity card may say its parts far from each other.
_PART_OF_IDENTITY = 8
_SHORTEST = 3
_BEGUN = re.compile("1[3-9][0-9]")
#: Of an order's number people say its last places, no more of them than this.
_TAIL = 6
#: A number abroad has at least so many places without its country.
_ABROAD = 9
#: Hotlines (400, 800) are not personal.
_HOTLINE = re.compile(r"[48]00\d{7}")
_UNIT = re.compile(
    r"\s*(?:[元块毛角件个条双套只天日号月年点时分秒次单位米寸斤克%％℃]|小时|分钟|工作日|公斤|厘米|cm|kg|yuan|hours?|minutes?|days?|"
    r"[十百千万亿]|[.．]\d)",
    re.IGNORECASE,
)
_BEFORE, _AFTER, _NEAR, _NEXT = 30, 12, 8, 4
_SENTENCE_END = re.compile("[。！？!?\n]")
#: 订单号忘了: the word names no number that follows.
_LOST = re.compile(
    "[^，。\n]{0,3}(?:忘|不记得|记不|没有|没了|找不|不知道|不会看|看不|查不|没看|在[^，。\n]{0,6}(?:图|截屏|上面|里面?)(?=[，。\n]|$))"
)
#: A further number of the same sort follows the one before.
_LISTED = re.compile("[，,、；;。 ]*(?:跟|和|与|还有|另外|另|以及|再|一个|个|是|新下的|那个|老的)*[，,、 ]*")
#: 一单, 这张: what stands behind the number of an order.
_THING = re.compile(
    "[，,。 ]{0,2}(?:您?(?:问|说)的)?(?:还是|就是|就|是|的)?"
    "(?:这|那|哪|一|个)(?:一|个|俩|两|几)?(?:个)?(?:单|件|张(?!卡)|票)"
)
#: 订单号是13800138000 speaks of what looks like a mobile number, 您这单正在送，送货的姓虞，13800138000 does not.
_POINTS_ON = re.compile("[，,、：: ]*(?:号码?|是|为|就|的|叫|[呢啊哦嗯呃那])*[，,、：: ]*")
#: 13800138000，这是订单号 speaks of what looks like a mobile number, 13800138000，订单号忘了 does not.
_POINTS_BACK = re.compile("[，,。 ]{0,2}(?:[这那就]?是|[这那的])")
#: 13800138000，订单号是20261105000042: the word is the name of the number behind it.
_NAMES_NEXT = re.compile("(?:号码?)?[是为：: ]*[0-9０-９一二三四五六七八九零幺]{3}")
#: 823746，这是刚才收到的验证码
_NAMED_AFTER = re.compile("[，,。 ]{0,2}(?:这|那|就)?是?[^，。！？\n]{0,6}")
_AREA_CODED = re.compile(
    r"[（(]\d{3}[)）]\s?\d{3}[-\s.]?\d{4}(?!\d)|(?<![\d-])(?![48]00)\d{3}[-.]\d{3}[-.]\d{4}(?![\d-])"
)
_ARABIC = re.compile(r"\d{3}\)?）?[\s.-]?\d")
_INTERNATIONAL = re.compile(r"\+\s?\d{1,3}(?:[\s.-]?\(?\d{1,5}\)?){2,6}(?!\d)")
#: 您单子上留的电话: a number of the customer's that the agent reads out.
_OF_CUSTOMER = re.compile("您的|您留|您[^，。]{0,6}(?:电话|号码|座机)|你的|客户|登记|预留|留的|绑|填的|收货|收件|your")
#: plus forty four, seven seven one two …
_PLUS = re.compile(
    "(?:plus|[+])[ ,]*(?:(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)[ ,-]*)?$", re.IGNORECASE
)
#: 打96110
_CALLED = re.compile("(?:打|拨)(?:个|一下|的是|给)?$")
#: 甩给我一个22867715，回头我试: a number that was handed on, to be called.
_HANDED = re.compile("(?:甩|丢|扔|塞|发|报|留)?给(?:了)?(?:我|他|她)(?:们|了)*(?:一|个|这)*$")
_TRIED = re.compile("[，,。 ]{0,2}[^，。\n]{0,6}(?:试|拨|打(?!不开|开|折)|联系)")
#: 你们拿0512-66840713打来的
_CALLER = re.compile("(?:你们|你家|客服|商家|店家)[^，。]{0,4}$")
_CALLED_BY = re.compile("(?:给我)?打(?:来|过来|给我|的)")
#: 0755-10000, 02012345: a hotline with an area before it; a line of somebody's begins with no 1.
_AREA_HOTLINE = re.compile(r"0(?:10|2\d|[3-9]\d\d)1\d{4,5}|(?:86)?0?1[38]610010")
#: 1-800-555-0100, free for whoever calls it.
_TOLL_FREE = re.compile(r"1[-. (]{1,2}8(?:00|88|77|66|55|44|33)[-. )]{1,2}\d{3}[-. ]\d{4}(?!\d)")
#: 2.6.3 is a version, 12:30:05 a time.
_NO_NUMBER = re.compile(r"\d{1,2}(?:\.\d{1,4}){2,4}|(?:\d\d-\d\d )?\d{1,2}[:：] ?\d\d(?:[:：] ?\d\d)?")
_TO_CALL = re.compile("联系|打过去|直接打|打给您|您(?:可以)?(?:记|打|找|拨)")
_LEAD = re.compile("[嗯呃啊哦喂好对是的了有收到来了码就，,。…、 \n]*")
_SPOKEN = re.compile("[^\\w]|[嗯呃啊哦那个对是就]")
#: A70462915 is the number of a thing, not of a telephone.
_GLUED = re.compile("[A-Za-z]")
_LETTERED = re.compile("(?<![A-Za-z0-9])(?:[A-Za-z][ ，,-]{0,2}){1,4}$")


def find_numbers(stretch: Stretch) -> Iterator[Found]:
    """Find personal numbers, and those of orders, in what was said."""
    text = stretch.text
    coded = _AREA_CODED.finditer(text) if _ARABIC.search(text) else ()
    for match in (*coded, *(_INTERNATIONAL.finditer(text) if "+" in text else ())):
        if sum(map(str.isdigit, match.group())) >= 8:
            yield match.start(), match.end(), _K.PHONE
    previous: tuple[Run, PersonalKind | None] | None = None
    for run in stretch.runs:
        if len(run.value) < _SHORTEST or _NO_NUMBER.fullmatch(text, run.start, run.end):
            continue
        meaning = _meaning(run, stretch, previous)
        yield from _in_run(run, stretch, meaning)
        previous = run, meaning


def _in_run(run: Run, stretch: Stretch, meaning: PersonalKind | None) -> Iterator[Found]:
    text, first, found = stretch.text, 0, False
    while first < len(run.pieces):
        number = _number_at(run, first, meaning)
        if number is None or _is_thing(text, run.pieces[first : number[0]]):
            first += 1
            continue
        after, kind = number
        # Digits that were taken back, 一三八一二，不对，一三八一三……, are of the number, too.
        taken_back = "".join(piece.value for piece in run.pieces[:first]) if not found else ""
        value = "".join(piece.value for piece in run.pieces[first:after])
        # 68824170，0592-68824170: the number without its area is the number.
        own = meaning is _K.PHONE or _BEGUN.match(taken_back) or value.endswith(taken_back)
        begun = len(taken_back) >= _SHORTEST and own
        if _TOLL_FREE.match(text, run.pieces[first].start):
            first = after
            continue
        if kind is _K.PHONE and begun:
            yield run.start, run.pieces[first - 1].end, kind
        if kind is not _K.PHONE or _MOBILE.fullmatch(value) or not _of_company(run, stretch):
            yield (*_widened(text, run.pieces[first].start, run.pieces[after - 1].end), kind)
        first, found = after, True
    plus = _PLUS.search(text, max(0, run.start - 30), run.start)
    if not found and plus and len(run.value) >= _ABROAD:
        yield plus.start(), _within_segment(run, text, _ABROAD).end, _K.PHONE
    elif not found and meaning is not None:
        yield from _by_meaning(run, stretch, meaning)


def _is_thing(text: str, pieces: Sequence[Piece]) -> bool:
    """Tell whether what looks like a landline is the number of a thing and what follows it: A061) 2026-11: 14 calls."""
    start = pieces[0].start
    value = "".join(piece.value for piece in pieces)
    return len(pieces) > 1 and start > 0 and bool(_GLUED.match(text, start - 1)) and bool(_LANDLINE.fullmatch(value))


def _widened(text: str, start: int, end: int) -> tuple[int, int]:
    """Take in the plus sign, and the bracket that was opened before the number and is closed in it."""
    if start and text[start - 1] in "（(" and any(mark in text[start:end] for mark in "）)"):
        start -= 1
    return start - (start > 0 and text[start - 1] in "+＋"), end


def _number_at(run: Run, first: int, meaning: PersonalKind | None) -> tuple[int, PersonalKind] | None:
    pieces = run.pieces
    for after, value in windows(pieces, first, _LONGEST):
        if _IDENTITY.fullmatch(value) and meaning not in (_K.ORDER, _K.BANK_CARD):
            return after, _K.ID_CARD
        # 18 digits that begin like a mobile number and continue are no mobile number.
        goes_on = after < len(pieces) and meaning in (_K.ID_CARD, _K.BANK_CARD)
        phone = (_MOBILE.fullmatch(value) or _LANDLINE.fullmatch(value)) and not goes_on
        if phone and (meaning is not _K.ORDER or _second(pieces, first) or _area_apart(pieces[first:after])):
            return after, _K.PHONE
    if meaning is _K.ORDER:
        return None
    return _card_at(run, first, meaning)


def _second(pieces: Sequence[Piece], first: int) -> bool:
    """Tell whether the number of an order, unlike a mobile number, came before: 单号20261105000042，13800138000."""
    before = "".join(piece.value for piece in pieces[:first])
    return len(before) >= 7 and not _MOBILE.fullmatch(before) and len(pieces[first].value) == 11


def _area_apart(pieces: Sequence[Piece]) -> bool:
    """Tell whether the area of a landline stands apart, as in no number of an order: 0592-68824170."""
    return len(pieces) == 2 and len(pieces[0].value) in (3, 4) and pieces[0].value[0] == "0"


def _card_at(run: Run, first: int, meaning: PersonalKind | None) -> tuple[int, PersonalKind] | None:
    for after, value in windows(run.pieces, first, _LONGEST):
        named = meaning is _K.BANK_CARD
        grouped = after == first + 1 or all(len(piece.value) == 4 for piece in run.pieces[first : after - 1])
        card = _CARD.fullmatch(value) and _luhn(value) and (named or grouped)
        if _UNIONPAY.fullmatch(value) or card:
            longer = any(_CARD.fullmatch(more) for end, more in windows(run.pieces, first, 19) if end > after)
            if not (longer and named):
                return after, _K.BANK_CARD
    return None


def _by_meaning(run: Run, stretch: Stretch, meaning: PersonalKind) -> Iterator[Found]:
    shortest, longest = _PLACES.get(meaning, (99, 0))
    for part in run.tight() if meaning is not _K.PHONE else _by_segment(run, stretch.text, shortest):
        part = _within_segment(part, stretch.text, shortest)
        places = len(part.value)
        if meaning is _K.BANK_CARD and _GLUED.match(stretch.text, part.end):
            continue  # 91320507MA1Y4GQ28B: a company's
        if _UNIT.match(stretch.text, part.end) or _HOTLINE.fullmatch(part.value) or _AREA_HOTLINE.fullmatch(part.value):
            continue
        lettered = _GLUED.match(stretch.text, part.start - 1) if part.start else None
        if meaning is _K.PHONE and (lettered or _of_company(run, stretch)):
            continue
        if meaning is _K.ACCOUNT and len(part.value) > _PLACES[_K.ACCOUNT][1]:
            meaning, (shortest, longest) = _K.BANK_CARD, _PLACES[_K.BANK_CARD]
        if lettered and meaning is _K.PICKUP_CODE:
            shortest = _SHORTEST  # A208
        if meaning is _K.ID_CARD and _K.ID_CARD in stretch.line(part.start).asked:
            shortest = _PART_OF_IDENTITY
        fits = _is_phone(part, stretch) if meaning is _K.PHONE else shortest <= places <= longest
        fits = fits or (meaning is _K.BANK_CARD and re.match(r"62\d{4}", part.value) is not None)
        if fits:
            letters = _LETTERED.search(stretch.text, max(0, part.start - 8), part.start)
            whole = letters is not None and meaning in (_K.DOCUMENT, _K.ORDER, _K.ACCOUNT, _K.PICKUP_CODE)
            yield letters.start() if letters and whole else part.start, part.end, meaning


#: Seven or eight places; ten abroad; a mobile number's beginning; whatever has a prefix.
_TELEPHONE = re.compile(r"[2-9]\d{6,7}|[2-9]\d{9}|1[3-9]\d{4,10}|(?:0|86)\d{7,12}")


#: 20261105: a day.
_DATED = re.compile(r"20\d\d(?:0\d|1[0-2])(?:[0-2]\d|3[01])")
#: As long as a mobile number, and none: the number of an order.
_NO_TELEPHONE = re.compile(r"[2-9]\d{10}")


def _is_phone(run: Run, stretch: Stretch) -> bool:
    """Tell whether a number that is called one can be, or can be a part of one that was asked for."""
    if _TELEPHONE.fullmatch(run.value):
        return True
    if len(run.pieces) == 1 and _NO_TELEPHONE.fullmatch(run.value):
        return False
    line = stretch.line(run.start)
    around = stretch.text[line.start : run.start] + stretch.text[run.end :].split("\n", 1)[0]
    return _K.PHONE in line.asked and not line.tail and not _SPOKEN.sub("", around)


def _by_segment(run: Run, text: str, shortest: int) -> Iterator[Run]:
    """Yield what is long enough to stand alone, and then what is left in later segments."""
    while run.pieces:
        head = _within_segment(run, text, shortest)
        yield head
        run = Run(run.pieces[len(head.pieces) :])


def _within_segment(run: Run, text: str, shortest: int) -> Run:
    """Leave out what is in later segments when the number is long enough without it."""
    for count in range(1, len(run.pieces)):
        head = Run(run.pieces[:count])
        if len(head.value) >= shortest and "\n" in text[head.end : run.pieces[count].start]:
            return head
    return run


def _of_company(run: Run, stretch: Stretch) -> bool:
    """Tell whether an agent gives the line of a shop, not one of the customer's; or a customer says who called."""
    line = stretch.line(run.start)
    before = stretch.text[max(line.start, run.start - 15) : run.start]
    if not stretch.agent:
        return _CALLER.search(before) is not None and _CALLED_BY.match(stretch.text, run.end) is not None
    return not _OF_CUSTOMER.search(before) or _TO_CALL.search(before) is not None


def _meaning(run: Run, stretch: Stretch, previous: tuple[Run, PersonalKind | None] | None) -> PersonalKind | None:
    """Tell what a number is called: right before it, right after it, in the question, or a little earlier."""
    text, line = stretch.text, stretch.line(run.start)
    listed = previous and previous[1] is _K.ORDER and _LISTED.fullmatch(text, previous[0].end, run.start)
    if listed and previous and (len(previous[0].value) > _TAIL or not _MOBILE.fullmatch(run.value)):
        return _K.ORDER
    if _CALLED.search(text, max(0, run.start - 4), run.start):
        return _K.PHONE
    handed = _HANDED.search(text, max(0, run.start - 12), run.start)
    if handed and _TELEPHONE.fullmatch(run.value) and _TRIED.match(text, run.end) and not _DATED.fullmatch(run.value):
        return _K.PHONE
    named = _THING.match(text, previous[0].end) if previous else None  # 三二一五这几单: the word is of that number
    before = _before(run, stretch, named.end() if named else previous[0].end if previous else 0)
    if before and before.end > line.start and run.start - before.end <= _NEAR:
        return before.kind
    after = _after(run, stretch)
    if after is not None:
        return after
    # Who is asked about the number that ends in 2094 and says all of it says a telephone's.
    asked = _K.PHONE if line.tail and _MOBILE.fullmatch(run.value) else _asked(run, line.asked)
    if asked is not None and (asked not in (_K.CODE, _K.PICKUP_CODE) or _opens(run, text, line.start)):
        return asked
    if before is None or (before.end <= line.start and (line.asked or stretch.agent)):
        return None  # an agent who asked for something and says a number later reads out another
    return before.kind


def _opens(run: Run, text: str, start: int) -> bool:
    """Tell whether an answer begins with the number."""
    return _LEAD.fullmatch(text, start, run.start) is not None or run.start - start <= 6


def _before(run: Run, stretch: Stretch, free_from: int) -> Cue | None:
    """Find the last word for a number before it, after the number before."""
    cue = stretch.cue_before(run.start)
    if cue is None or cue.start < max(run.start - _BEFORE, free_from):
        return None
    between = stretch.text[cue.end : run.start]
    if _LOST.match(between):
        return None
    # An order that an earlier sentence spoke of says nothing about this number.
    if cue.kind is _K.ORDER and _SENTENCE_END.search(between.rstrip() if len(between) <= _NEXT else between):
        return None
    if cue.kind is _K.ORDER and _MOBILE.fullmatch(run.value) and not _POINTS_ON.fullmatch(between):
        return None
    # A code follows its name closely.
    return None if cue.kind is _K.CODE and len(between) > 12 else cue


def _after(run: Run, stretch: Stretch) -> PersonalKind | None:
    text = stretch.text
    if _THING.match(text, run.end):
        return _K.ORDER
    cue = stretch.cue_after(run.end)
    if cue is None or cue.start > run.end + _AFTER or "\n" in text[run.end : cue.start]:
        return None
    if re.search(r"[\d。！？!?…]", text[run.end : cue.start].strip("，, 。")):
        return None
    if _NAMES_NEXT.match(text, cue.end):
        return None
    if cue.kind is _K.ORDER and _MOBILE.fullmatch(run.value) and not _POINTS_BACK.match(text, run.end):
        return None
    if cue.kind in (_K.PHONE, _K.ORDER):
        return cue.kind
    shortest, longest = _PLACES.get(cue.kind, (0, 99))
    fits = shortest <= len(run.value) <= longest
    return cue.kind if fits and _NAMED_AFTER.fullmatch(text, run.end, cue.start) else None


def _asked(run: Run, asked: Sequence[PersonalKind]) -> PersonalKind | None:
    """Find the kind among those that were asked for, newest first, that the number can be."""
    if _K.PHONE in asked and _MOBILE.fullmatch(run.value) and _before_in(asked, _K.PHONE, _K.ORDER):
        return _K.PHONE
    if _K.BANK_CARD in asked and _UNIONPAY.fullmatch(run.pieces[0].value):
        return _K.BANK_CARD
    for kind in asked:
        shortest, longest = _PLACES.get(kind, (99, 0))
        if kind is _K.ID_CARD and len(run.pieces) > 1:
            shortest = _PART_OF_IDENTITY
        if kind is _K.ORDER or shortest <= len(run.value) <= longest:
            unclear = kind is _K.PHONE and _K.ORDER in asked and not run.value.startswith("0")
            return _K.ORDER if unclear and not _read_out(run) else kind
    return next((kind for kind in asked if kind is _K.PHONE), None)


def _read_out(run: Run) -> bool:
    """Tell whether the pieces are those of a mobile number that is read out: 一八五，零六二三，一九."""
    return len(run.pieces) > 1 and _BEGUN.fullmatch(run.pieces[0].value) is not None


def _before_in(asked: Sequence[PersonalKind], first: PersonalKind, second: PersonalKind) -> bool:
    return second not in asked or asked.index(first) < asked.index(second)


def _luhn(value: str) -> bool:
    """Tell whether the check digit of ISO/IEC 7812 fits."""
    total = 0
    for place, digit in enumerate(map(int, reversed(value))):
        total += digit if place % 2 == 0 else (digit * 2 - 9 if digit > 4 else digit * 2)
    return total % 10 == 0
