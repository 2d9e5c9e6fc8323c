"""Two spellings of the same: traditional and simplified characters, and numbers as they are spoken and as written.

發貨 becomes 发货, letter by letter, so that every letter keeps its place. Of numbers recognisers write 四十八小时 or
48小时, 一二三一五, 12315 or 1 2 3 1 5. A normalised text that holds numbers has a second form, in digits, and is
searched in both; a word of a list is searched in both as well. So 三天 is 3天, and what is found without this is found
as before.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

#: Written by tools/make_simplified.py.
_TABLE = Path(__file__).with_name("simplified.txt")
#: Letters that are written for others in some words: 到帐 is 到账, 甚么 is 什么, 著急 is 着急; 显著 and 帐篷 stay.
_VARIANTS = {"甚": "什", "著": "着", "覆": "复", "帐": "账", "妳": "你", "祇": "只", "衹": "只"}
_VARIANT = re.compile(
    r"甚(?=么)|(?<![显名原专编论巨昭卓土合])著(?![名作称述])|(?<=[回答])覆|(?<!蚊)帐(?![篷子幔])|[妳祇衹]"
)
#: Apostrophes as they are typed: don’t is don't.
_APOSTROPHES = dict.fromkeys(map(ord, "\u2018\u2019\u02bc"), "'")


@lru_cache(maxsize=1)
def _forms() -> tuple[re.Pattern[str], dict[int, str]]:
    """Return a pattern of the letters that have a simpler form, and their forms."""
    _source, others, simple = _TABLE.read_text(encoding="utf-8").splitlines()
    forms = dict(zip(map(ord, others), simple, strict=True))
    forms |= _APOSTROPHES
    return re.compile(f"[{''.join(map(chr, forms))}]"), forms


def simplify(text: str) -> str:
    """Return text with simplified characters and straight apostrophes, of the same length."""
    if text.isascii():
        return text
    others, forms = _forms()
    simple = text if others.search(text) is None else text.translate(forms)
    return _VARIANT.sub(lambda letter: _VARIANTS[letter.group()], simple)


_VALUES = {
    "零": 0, "〇": 0, "一": 1, "幺": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9,
}  # fmt: skip
_UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10_000}
#: A digit alone is a number before these: 一下, 一直 and 三番两次 hold none.
COUNTED = (
    r"天|个?小时|个?钟头|分钟|秒|点|号|日|个?月|年|周|个?礼拜|个?星期|个?工作日|元|块|毛|折|倍|件|单|次|星(?!期)|%"
    r"|[个位台箱包袋瓶盒双条套张份只支款种家本斤克吨米岁层楼栋期轮句码寸桶遍趟]|公斤|千克|厘米|毫米"
)
#: Two digits are no number (七八天 is about a week), but 九五折 is 95折; nor is what 几 or 多 stands before.
_NUMBER = re.compile(rf"(百分之|(?<!第)第)?([零〇一幺二两三四五六七八九十百千万]+)(?=({COUNTED})?)")
_SPELLED = re.compile(r"[零〇一幺二三四五六七八九]{3,}")
_DISCOUNT = re.compile(r"[一二三四五六七八九]{2}")
_WELL_FORMED = re.compile(
    r"(?:(?P<tenthousands>[一二两三四五六七八九]?十?[一二三四五六七八九]?)万零?)?"
    r"(?:(?P<thousands>[一二两三四五六七八九])千零?)?"
    r"(?:(?P<hundreds>[一二两三四五六七八九])百零?)?"
    r"(?:(?P<tens>[一二三四五六七八九]?)(?P<ten>十))?"
    r"(?P<ones>[一二两三四五六七八九]?)"
)
#: 1万元 is 10000元, 3千块 is 3000块.
_WITH_UNIT = re.compile(r"(?<![0-9.])([0-9]{1,4}(?:\.[0-9]{1,4})?)([百千万])(?![0-9零一二两三四五六七八九十百千万])")
#: 48个小时 is 48小时, 半个小时 is 半小时.
_PIECE = re.compile(r"(?<=[0-9半])个(?=小时|钟头|工作日|礼拜|星期)")
#: 零点五元 is 0.5元.
_NOUGHT = re.compile(r"零(?=点[0-9零〇一二三四五六七八九]{1,2}(?:个?小时|天|元|块|折|倍|%|万|公?斤|[厘毫]?米))")
#: A space inside a number (138 1234 5678).
_SPACE = re.compile(r"(?<=[0-9]) (?=[0-9])")
#: Latin words beside a number in digits are written close to it: my iphone 15, 500 g, 256 gb; digits that are said one
#: by one belong to a letter only (a 0 1 7): call 1 2 3 1 5 is no name.
_BEFORE_NUMBER = re.compile(r"(?<=[a-z]) (?=[0-9]+(?![0-9]| [0-9]))|(?<![a-z'][a-z])(?<=[a-z]) (?=[0-9])")
_AFTER_NUMBER = re.compile(r"(?<![0-9.])(?<![0-9] )([0-9]+(?:\.[0-9]+)?) (?=[a-z])")
#: So are the words after it, where they are alone: iphone 15 pro max.
_NAMED = re.compile(r"(?<![a-z0-9])(?<![a-z0-9] )[a-z]*[0-9]+[a-z]+(?: [a-z]+)(?! ?[a-z0-9])")
#: Letters that are said one by one: a p p, v.i.p.
_LETTERS = re.compile(r"(?<![a-z0-9'])[a-z](?:[ .][a-z])+(?![a-z0-9'])")
#: Two short Latin words alone, perhaps with a number, which may be one: wi fi, e mail, t shirt, usb c, wi fi 6.
_PAIR = re.compile(r"(?<![a-z0-9'])(?<![a-z0-9] )[a-z]{1,4} [a-z]{1,6}(?: ?[0-9]+)?(?! ?[a-z0-9'])")
#: 三十九点九元, 百分之九十九点九; of the clock 八点半 and 三点五分 are no such numbers.
_POINT = re.compile(
    r"(?<=[0-9])(%)?点([0-9零〇一二三四五六七八九]{1,2})(?=(?(1)|(?:个?小时|天|元|块|折|倍|%|万|公?斤|[厘毫]?米)))"
)
#: What follows the unit without its own: 9块九 is 9块9, 8点零五 is 8点05.
_REST = re.compile(
    r"(?:(?<=[0-9][块元毛])[一二两三四五六七八九]|(?<=[0-9]点)零[一二三四五六七八九])(?![零〇一二两三四五六七八九十百千万])"
)
#: Texts without any of these are the same in digits.
_MAY_CHANGE = re.compile(
    rf"[一二两三四五六七八九十](?:{COUNTED})|[零〇一幺二两三四五六七八九十]{{2}}|[百千万]| [0-9]"
    r"|第[一二三四五六七八九十]|[0-9] [a-z]|[a-z][ .][a-z]|[0-9半]个|[0-9][块元毛][一二两三四五六七八九]"
)


def in_digits(text: str) -> str:
    """Return text with its numbers in digits, and without the spaces inside numbers and in names with one.

    `in_digits("四十八小时")` is `48小时`, `in_digits("iphone 15 pro")` is `iphone15pro`, `in_digits("wi fi")` is
    `wifi`. What only looks like a number stays: 一下, 万一, 十分满意, 七八天.

    Args:
        text: normalised, or at least in simplified characters.
    """
    if _MAY_CHANGE.search(text) is None:
        return text
    beside = _AFTER_NUMBER.sub(r"\1", _BEFORE_NUMBER.sub("", _LETTERS.sub(_close_up, text)))
    named = _PAIR.sub(_close_up, _NAMED.sub(_close_up, beside))
    written = _SPACE.sub("", _NUMBER.sub(_write, _NOUGHT.sub("0", _WITH_UNIT.sub(_multiply, named))))
    return _PIECE.sub("", _REST.sub(_digits_of, _POINT.sub(_write_point, written)))


#: An amount in digits: ¥39.9, 39.90元, 39块9毛5, 39元; and below one yuan 5毛.
_AMOUNT = re.compile(
    r"(?<![0-9.])(?:(?P<sign>¥)?(?P<yuan>[0-9]{1,6})(?:"
    r"\.(?P<tenth>[0-9])(?P<hundredth>[0-9])?(?:元|块钱?|(?(sign)|(?!)))"
    r"|[元块](?P<jiao>[0-9])(?:[毛角](?:(?P<fen>[0-9])分?)?)?钱?"
    r"|(?:元|块钱|块|(?(sign)|(?!)))"
    r")|(?<![元块])(?P<alone>[0-9])[毛角]钱?)(?![0-9])"
)


def amounts_in(written: str) -> tuple[str, ...]:
    """Return a word with the amount of money in it as else it is written and spoken: 39.9元 is 39块9 and ¥39.9.

    Args:
        written: in digits (`in_digits`).
    """
    found = _AMOUNT.search(written)
    if found is None:
        return ()
    return tuple(written[: found.start()] + amount + written[found.end() :] for amount in _ways_of(found))


def with_every_amount(pattern: str) -> str:
    """Return a regular expression that finds its amounts of money in each way they are written and spoken."""
    return _AMOUNT.sub(lambda found: f"(?:{'|'.join(map(re.escape, (found.group(), *_ways_of(found))))})", pattern)


def _ways_of(found: re.Match[str]) -> list[str]:
    yuan = found["yuan"] or "0"
    tenth, hundredth = (
        found["tenth"] or found["jiao"] or found["alone"] or "0",
        found["hundredth"] or found["fen"] or "0",
    )
    if hundredth != "0":
        ways = [f"{yuan}.{tenth}{hundredth}{unit}" for unit in "元块"]
        return [*ways, f"{yuan}块{tenth}毛{hundredth}", f"{yuan}元{tenth}角{hundredth}", f"¥{yuan}.{tenth}{hundredth}"]
    if int(yuan) == 0:
        return [f"0.{tenth}元", f"0.{tenth}0元", f"{tenth}毛", f"{tenth}角"]
    if tenth != "0":
        ways = [f"{yuan}.{tenth}{unit}" for unit in ("元", "0元", "块")]
        return [*ways, f"{yuan}块{tenth}", f"{yuan}元{tenth}", f"¥{yuan}.{tenth}", f"¥{yuan}.{tenth}0"]
    # One or three 块 are pieces, too, and 一块 is together.
    return [f"{yuan}元", f"{yuan}块钱", f"{yuan}.00元", f"¥{yuan}", *([f"{yuan}块"] if int(yuan) > 9 else [])]


def _close_up(name: re.Match[str]) -> str:
    return name.group().replace(" ", "").replace(".", "")


def _multiply(found: re.Match[str]) -> str:
    number, unit = found.groups()
    value = float(number) * _UNITS[unit]
    return f"{value:.0f}" if value.is_integer() else found.group()


def _write_point(found: re.Match[str]) -> str:
    share, decimals = found.groups()
    return f".{_as_digits(decimals)}{share or ''}"


def _digits_of(found: re.Match[str]) -> str:
    return _as_digits(found.group())


def _as_digits(spoken: str) -> str:
    return "".join(str(_VALUES.get(letter, letter)) for letter in spoken)


def _write(found: re.Match[str]) -> str:
    before, spoken, counted = found.groups()
    if before == "百分之":
        value = 100 if spoken == "百" else _value(spoken)
        return found.group() if value is None else f"{value}%"
    if before:  # 第一 is 第1
        value = _value(spoken)
        return found.group() if value is None else f"{before}{value}"
    if _SPELLED.fullmatch(spoken) or (counted == "折" and _DISCOUNT.fullmatch(spoken)):
        return _as_digits(spoken)
    if len(spoken) == 1 and (not counted or spoken in "百千万零〇幺"):
        return spoken
    value = _value(spoken)
    return spoken if value is None else str(value)


def _value(spoken: str) -> int | None:
    parts = _WELL_FORMED.fullmatch(spoken)
    if parts is None or spoken[0] in "百千万零〇":
        return None
    higher = parts["tenthousands"]
    value = (_value(higher) or 0) * 10_000 if higher else 0
    value += 1000 * _VALUES.get(parts["thousands"] or "", 0) + 100 * _VALUES.get(parts["hundreds"] or "", 0)
    value += (_VALUES[parts["tens"]] if parts["tens"] else 1) * 10 if parts["ten"] else 0
    ones = _VALUES.get(parts["ones"], 0)
    if ones and len(spoken) > 1 and spoken[-2] in "百千万":  # 三百五 is 350
        return value + ones * _UNITS[spoken[-2]] // 10
    return value + ones
