"""What to do about slips of the keyboard: full width, Chinese punctuation, words that mean what another word says."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any, Final

from qareport.messages import Message, say
from qareport.rules.aliases import UNIT_WORDS, UNITS, did_you_mean, words_of
from qareport.text.spelling import in_digits

#: Words that people write for a key that is called otherwise; where several are possible, what is known here decides.
_MEANT: Final[Mapping[str, tuple[str, ...]]] = {
    "长于": ("不短于", "持续"), "超过": ("不短于", "高于", "持续"), "大于": ("高于", "不短于"),
    "多于": ("高于", "至少"), "不少于": ("至少", "不短于", "高于"), "时长": ("持续", "不短于"),
    "小于": ("低于", "短于"), "少于": ("低于", "短于"), "不长于": ("短于",), "不超过": ("短于", "低于"),
    "不应命中": ("不该命中",), "不应该命中": ("不该命中",), "不能命中": ("不该命中",), "不命中": ("不该命中",),
    "应该命中": ("应当命中",), "命中": ("应当命中", "命中条件"), "条件": ("命中条件",), "触发条件": ("命中条件",),
    "级别": ("严重程度",), "等级": ("严重程度",), "严重性": ("严重程度",), "名字": ("标题", "名称"),
    "分值": ("分数",), "建议": ("建议话术",), "顺序": ("先后",), "依次": ("先后",), "同时满足": ("全部",),
    "并且": ("全部",), "而且": ("全部",), "或者": ("任一",), "或": ("任一",), "没有": ("都没有",), "静音": ("沉默",),
    "停顿": ("沉默",), "冷场": ("沉默",), "插话": ("抢话",), "打断": ("抢话",), "时间段": ("时段",),
    "通话长度": ("通话时长",), "话题": ("问题类型",), "开始": ("开头",), "前面": ("之前", "开头"), "结束": ("结尾",),
    "最后": ("结尾",), "说": ("客户说",), "客户讲": ("客户说",), "客服讲": ("客服说",), "会话": ("对话",),
    "通话内容": ("对话",), "用户说": ("客户说",), "买家说": ("客户说",), "例外": ("除非",), "除了": ("除非",),
    "次数": ("满几次",), "角色": ("谁",), "话术建议": ("建议话术",), "不包含": ("排除",), "不含": ("排除",),
    "包含": ("客户说", "任一"), "关键词": ("客户说", "任一"), "词": ("客户说", "任一"), "相隔": ("彼此相隔",),
    "时间": ("以内",), "之内": ("以内",), "or": ("any",), "and": ("all",), "not": ("none",),
}  # fmt: skip
#: The same for values.
_MEANT_VALUES: Final[Mapping[str, str]] = {
    "高": "严重", "重大": "严重", "重要": "主要", "中": "一般", "轻微": "一般", "低": "提示", "关闭": "停用",
    "禁用": "停用", "作废": "停用", "下线": "停用", "启用": "生效", "开启": "生效", "正常": "生效", "试用": "草稿",
    "买家": "客户", "用户": "客户", "商家": "客服", "卖家": "客服", "双方": "任何人", "所有人": "任何人",
    "全程": "整通", "发火": "愤怒", "恼火": "愤怒",
}  # fmt: skip
_COMMAS: Final = re.compile(r"[，、；]")
_BRACKETS: Final = re.compile(r"[【】［］｛｝]")
_LENGTH = re.compile(
    r"([0-9]+(?:\.[0-9]+)?)\s*(毫秒|秒钟?|个?小时|分钟?|天|周|个?星期|轮|句话?|sec(?:ond)?s?|min(?:ute)?s?)"
)
_WORDS_OF_UNITS: Final[Mapping[str, str]] = {
    **{word: UNIT_WORDS[unit] for unit, words in UNITS.items() for word in words},
    "sec": "秒", "second": "秒", "min": "分钟", "minute": "分钟",
}  # fmt: skip
#: From here on a number without a unit may count milliseconds.
_MANY_SECONDS = 100
#: A number as it is said.
_SAID = re.compile(r"([-+]?)第?([一二两三四五六七八九十百0-9]+)(?:[个次句轮分条遍轮秒字]|分贝)?")
#: Signs as they are said, and dashes that are none.
_MINUS = re.compile(r"^(?:[—–−]|[负减扣]掉?)\s*(?=[0-9一二两三四五六七八九十])")
_PLUS = re.compile(r"^加\s*(?=[0-9一二两三四五六七八九十])")
_DATE = re.compile(r"([0-9]{4})[年./-]([0-9]{1,2})[月./-]([0-9]{1,2})日?")
_CLOCK = r"([0-9]{1,2})(?:[:点时]([0-9]{1,2})?分?)?"
_CLOCKS = re.compile(rf"{_CLOCK}\s*[-~—–至到]+\s*{_CLOCK}")


def near_key(key: str, known: Collection[str]) -> Message | None:
    """Ask whether one of the keys was meant, which are given in English; Chinese words are considered, too."""
    words = [word for name in known for word in words_of(name)]
    if (close := "".join(key.split())) in words and close != key:
        return say("did you mean {word!r}?", word=close)
    mixed = key.replace("客户", "customer").replace("客服", "agent").replace("说", "says")
    if mixed in words and mixed != key:
        return say("did you mean {word!r}?", word=mixed)
    for meant in _MEANT.get(key.strip(), ()):
        if meant in words:
            return say("did you mean {word!r}?", word=meant)
    return did_you_mean(key, words)


def mistyped_colon(text: str) -> Message | None:
    """Tell of a Chinese colon in what should be a key and its value."""
    if "：" not in text:
        return None
    return say("the colon is a Chinese one (：): write an English colon and a space (: )")


def missing_colon(text: str, known: Iterable[str]) -> Message | None:
    """Tell of a colon that is missing behind a key: 客户说[发货]."""
    words = (word for name in known for word in words_of(name))
    for word in sorted(words, key=len, reverse=True):
        if text.startswith(word) and text != word:
            return say("the colon is missing: write {text}", text=f"{word}: {text.removeprefix(word).strip()}")
    return None


def mistyped_mark(text: str) -> Message | None:
    """Tell of a Chinese colon, comma or bracket in what should be several values."""
    if (colon := mistyped_colon(text)) is not None:
        return colon
    if _COMMAS.search(text):
        return say("the comma is a Chinese one ({mark}): write [甲, 乙]", mark=_COMMAS.findall(text)[0])
    if _BRACKETS.search(text):
        return say("write English brackets: [甲, 乙]")
    return None


def of_length(value: Any, *, chinese: bool) -> Message | None:
    """Say how a length should be written: half width, in digits, with its unit, as one number.

    Args:
        value: what is written.
        chinese: whether the file is written in Chinese words.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        second, thousandth = ("秒", "毫秒") if chinese else ("s", "ms")
        if value >= _MANY_SECONDS:
            return say("add the unit: {text} or {other}", text=f"{value:g}{thousandth}", other=f"{value:g}{second}")
        return say("add the unit: {text}", text=f"{value:g}{second}")
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        return say("write {text}", text=value[0])
    if not isinstance(value, str):
        return None
    plain = unicodedata.normalize("NFKC", value).strip()
    if plain != value and plain.isascii():
        return say("write half-width letters and digits: {text}", text=plain)
    found = _LENGTH.findall(in_digits(re.sub("[一二两三四五六七八九十]+(?=[句轮秒分周])", _as_number, plain)))
    if not found or _COMMAS.search(value):
        return mistyped_mark(value)
    seconds = {"秒": 1, "分钟": 60, "小时": 3600}
    units = [_unit(word) for _number, word in found]
    if len(found) > 1 and all(unit in seconds for unit in units):
        total = sum(float(number) * seconds[unit] for (number, _), unit in zip(found, units, strict=True))
        return say("write one number: {text}", text=f"{total:g}秒")
    if len(found) > 1:
        return mistyped_mark(value)
    number, unit = found[0][0], units[0]
    if unit == "周":
        number, unit = f"{float(number) * 7:g}", "天"
    role = next((who for who in ("客服", "客户") if who in plain and unit in ("句", "轮")), "")
    text = f"{role}{number}{unit}"
    if text == value:
        return None
    return (
        say("write half-width letters and digits: {text}", text=text)
        if len(text) == len(value) and plain != value
        else say("write {text}", text=text)
    )


def _unit(word: str) -> str:
    plain = word.removeprefix("个").rstrip("s") if word.isascii() else word.removeprefix("个")
    return "周" if plain in ("周", "星期") else _WORDS_OF_UNITS.get(plain, plain)


def _as_number(spoken: re.Match[str]) -> str:
    return in_digits(f"{spoken.group()}天").removesuffix("天")


def of_number(value: Any) -> Message | None:
    """Say how a number should be written: half width, without quotes and units, a share from 0 to 1."""
    if not isinstance(value, str):
        return None
    plain = _PLUS.sub("", _MINUS.sub("-", unicodedata.normalize("NFKC", value).strip()))
    if share := re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)%", plain):
        return say("write {text}", text=f"{float(share.group(1)) / 100:g}")
    number = re.match(r"[-+]?[0-9]+(?:\.[0-9]+)?", plain)
    said = _SAID.fullmatch(plain)
    if said is not None:
        plain = said.group(1) + re.sub("[一二两三四五六七八九十百]+", _as_number, said.group(2))
        number = re.fullmatch("[-+]?[0-9]+", plain)
    if number is None:
        return mistyped_mark(value)
    return say("write {text}, without quotes and unit", text=f"{float(number.group()):g}")


def of_day(value: Any) -> Message | None:
    """Say how a date should be written, or that there is no such day."""
    text = unicodedata.normalize("NFKC", str(value)).strip()
    found = _DATE.match(re.sub("^([0-9]{4})([0-9]{2})([0-9]{2})$", r"\1-\2-\3", text))
    if found is None:
        return None
    try:
        day = date(*map(int, found.groups()))
    except ValueError:
        return say("there is no such day")
    return say("write {text}", text=day.isoformat())


def of_clocks(value: Any) -> Message | None:
    """Say how two times of day should be written."""
    if isinstance(value, list):
        return say("write a condition for each, below `any:`")
    found = _CLOCKS.fullmatch(unicodedata.normalize("NFKC", value).strip()) if isinstance(value, str) else None
    if found is None:
        return mistyped_colon(value) if isinstance(value, str) else None
    first, minutes, last, more = found.groups()
    text = f"{int(first):02}:{int(minutes or 0):02}-{int(last):02}:{int(more or 0):02}"
    return say("write {text}", text=text) if text != value else None


def of_choice(value: str, words: Iterable[str]) -> Message | None:
    """Say which of some words was meant, or which mark stands between several of them."""
    if (colon := mistyped_colon(value)) is not None:
        return colon
    known = list(words)
    parts = _COMMAS.split(value)
    if len(parts) > 1 and all(part.strip() in known for part in parts):
        return mistyped_mark(value)
    if (meant := _MEANT_VALUES.get(value)) in known:
        return say("did you mean {word!r}?", word=meant)
    if value == "周末" and "周六" in known:
        return say("write {text}", text="[周六, 周日]")
    return did_you_mean(value, known) or mistyped_mark(value)
