"""Personal data found in one text: numbers, addresses, names of places."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from qareport.model import PersonalKind
from qareport.privacy.numbers import find_numbers

_HAN = "\u4e00-\u9fff"
_NUMBER = "[0-9A-Za-z０-９零〇一二两三四五六七八九十百千幺#-]{1,8}"
_GAP = "[，,、 \t]{0,2}"
_REGION = (
    rf"(?:[{_HAN}]{{2,6}}?(?:省|自治区|特别行政区|市|县|旗|自治州|新区|[{_HAN}]区)"
    r"|北京|上海|天津|重庆|广州|深圳|杭州|南京|苏州|成都|武汉|西安|长沙|郑州|青岛|宁波|厦门|东莞|佛山|合肥|济南|福州|昆明|沈阳|大连)"
)
_STREET = (
    rf"(?:[{_HAN}0-9]{{1,8}}?(?:大道|大街|路|街道|街|巷|胡同|弄|里弄|小区|花园|公寓|大厦|社区|家园|新村|花苑|嘉园|佳苑|"
    r"镇|乡|村|公馆|广场|中心|学院|大学))"
)
_DETAIL = rf"(?:(?:[一二三四五六东西南北中]段)?第?{_NUMBER}{_GAP}(?:号楼|号院|号|弄|栋|幢|座|单元|室|楼|层|组|房|门))"
_ROOM = rf"(?:{_GAP}[0-9零〇一二三四五六七八九幺]{{3,4}}(?![0-9元块]))?"
_ADDRESS = re.compile(
    rf"(?:{_REGION}{_GAP}){{0,4}}(?:{_STREET}{_GAP}){{1,3}}{_DETAIL}(?:{_GAP}(?:{_STREET}|{_DETAIL}))*{_ROOM}"
    rf"|(?:{_REGION}{_GAP}){{2,4}}(?:{_STREET}{_GAP}){{1,3}}"
    rf"|{_NUMBER}(?:号楼|栋|幢|座){_GAP}(?:{_DETAIL}{_GAP})+{_ROOM}"
    rf"|{_NUMBER}(?:号楼|栋|幢|座){_GAP}[0-9零〇一二三四五六七八九幺]{{3,4}}室?"
)
#: Beside these words a town and a street are an address without a house number too.
_TOLD = re.compile(
    rf"(?:地址|住在|寄到|送到|住址|收货地)[^。！？!?\n]{{0,6}}?((?:{_REGION}{_GAP}){{1,4}}(?:{_STREET}{_GAP}){{1,3}}(?:{_DETAIL}{_GAP})*)"
)
_LEAD = re.compile(
    rf"^[{_HAN}0-9，,、 ]*?(?:地址是|地址|住址|住在|寄到|送到|发到|改到|派到|搬到|换到|"
    rf"改成|改为|换成|写成|写的|填的|就是|我是|家在|我在|这边是|是在|是|在|到|住)(?=[{_HAN}])"
)
#: A day of the month after a word that only sounds like a street.
_FALSE = re.compile(rf"^[{_HAN}]{{0,6}}(?:公里路|线路|道路|走路|半路|路上|网路|思路|公路|一路|退路|套路)")
_ENGLISH_ADDRESS = re.compile(
    r"\b\d{1,5}\s+(?:[a-z]+\s+){1,3}(?:road|street|avenue|lane|drive|boulevard|rd|st|ave)\b"
    r"(?:,?\s*(?:room|apartment|apt|unit|flat|building|suite)\s*\w+)*",
    re.IGNORECASE,
)

_DOT = r"\s*(?:[.．。]|点|dot)\s*"
_LETTER = "[a-z0-9零〇一二两三四五六七八九幺]"
_NAME = (
    rf"(?<![a-z0-9]){_LETTER}"
    rf"(?:(?:[._%+-]|\s?(?:下划线|杠|点|dot|underscore|dash)\s?| )?{_LETTER}){{0,40}}"
)
_EMAIL = re.compile(
    rf"{_NAME}\s*(?:[@＠]|艾特|圈a|小老鼠|\bat\b)\s*"
    rf"[a-z0-9零〇一二两三四五六七八九幺-]+(?:\s[0-9])*{_DOT}(?:com|cn|net|org|edu|康姆|抗姆|me|io)(?:{_DOT}(?:cn|hk))?(?![a-z])",
    re.IGNORECASE,
)
#: GA 36-2018: province, office, five places, six for new-energy vehicles; I and O are not used.
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领]\s?[A-HJ-NP-Z][\s·，,、.-]{0,2}"
    r"(?=(?:[\s，,、-]*[A-Z]){0,3}[\s，,、-]*[0-9零〇一二两三四五六七八九幺洞拐勾])"
    r"(?:[A-HJ-NP-Z0-9零〇一二两三四五六七八九幺洞拐勾][\s，,、-]{0,2}){4,5}[A-HJ-NP-Z0-9零〇一二两三四五六七八九幺洞拐勾挂学警港澳]?"
    r"(?![a-z0-9])",
    re.IGNORECASE,
)


def find_places(text: str) -> Iterator[tuple[int, int, PersonalKind]]:
    """Find addresses of every sort and licence plates as `(start, end, kind)`."""
    for match in _EMAIL.finditer(text):
        yield match.start(), match.end(), PersonalKind.EMAIL
    for match in _PLATE.finditer(text):
        yield match.start(), match.start() + len(match.group().rstrip(" ，,、-")), PersonalKind.PLATE
    for match in _ADDRESS.finditer(text):
        start, end = _trim(match.group(), match.start())
        if not _FALSE.match(text[start:end]):
            yield start, end, PersonalKind.ADDRESS
    for match in _TOLD.finditer(text):
        start, end = _trim(match.group(1), match.start(1))
        yield start, end, PersonalKind.ADDRESS
    for match in _ENGLISH_ADDRESS.finditer(text):
        yield match.start(), match.end(), PersonalKind.ADDRESS


def _trim(words: str, start: int) -> tuple[int, int]:
    """Leave out the words that lead up to an address (我住在 …) and the pause after it."""
    end = start + len(words.rstrip(" ，,、\t"))
    while (lead := _LEAD.match(words)) and lead.end() < len(words) - 4:
        start += lead.end()
        words = words[lead.end() :]
    return start, end


ALL_KINDS = frozenset(PersonalKind) - {PersonalKind.ORDER}
#: What replaces the words.
LABELS: dict[PersonalKind, str] = {
    PersonalKind.PHONE: "[电话]",
    PersonalKind.ID_CARD: "[身份证号]",
    PersonalKind.BANK_CARD: "[银行卡号]",
    PersonalKind.EMAIL: "[邮箱]",
    PersonalKind.ADDRESS: "[地址]",
    PersonalKind.PLATE: "[车牌号]",
    PersonalKind.CODE: "[验证码]",
    PersonalKind.ORDER: "[订单号]",
}
#: Where two finds overlap the one that comes first here wins.
_RANK = {kind: rank for rank, kind in enumerate(LABELS)} | {PersonalKind.EMAIL: -2, PersonalKind.PLATE: -1}


class Find(NamedTuple):
    """Personal data at `text[start:end]`."""

    start: int
    end: int
    kind: PersonalKind


def find(text: str, *, context: str = "", kinds: Collection[PersonalKind] = ALL_KINDS) -> list[Find]:
    """Find personal data, in order and without overlaps.

    Args:
        text: as transcribed; line breaks count as pauses.
        context: what was said just before, so that the answer to "验证码是多少" is known for one.
        kinds: what to look for.
    """
    everything = [Find(*span) for span in (*find_numbers(text, context), *find_places(text))]
    taken: list[Find] = []
    for place in sorted(everything, key=lambda item: (_RANK[item.kind], item.start - item.end)):
        if not any(place.start < other.end and other.start < place.end for other in taken):
            taken.append(place)
    return sorted(place for place in taken if place.kind in kinds)


def mask(text: str, *, context: str = "", kinds: Collection[PersonalKind] = ALL_KINDS) -> tuple[str, tuple[Find, ...]]:
    """Replace personal data by what it is, `[电话]`; return the text and where in the original each was."""
    finds = find(text, context=context, kinds=kinds)
    return replace_finds(text, finds), tuple(finds)


def replace_finds(text: str, finds: Collection[Find]) -> str:
    """Replace the finds of a text by their labels."""
    parts, at = [], 0
    for place in finds:
        parts += [text[at : place.start], LABELS[place.kind]]
        at = place.end
    return "".join([*parts, text[at:]])
