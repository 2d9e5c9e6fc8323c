"""Read runs of digits in text, written or spoken one by one, in Chinese or English, with pauses and fillers between."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

_CHINESE = dict(zip("零〇○一二三四五六七八九", "000123456789", strict=True)) | dict(
    zip("壹贰叁肆伍陆柒捌玖幺两洞拐勾腰妖邀要么", "1234567891207911111", strict=True)
)
_ENGLISH = {
    "zero": "0",
    "oh": "0",
    **{
        word: str(value)
        for value, word in enumerate(["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"], start=1)
    },
}
_TIMES = {"俩": 2, "仨": 3, "double": 2, "triple": 3} | dict(zip("两三四五六七八", range(2, 9), strict=True))

_SIMPLE = "0-9０-９零〇○一二三四五六七八九壹贰叁肆伍陆柒捌玖幺两洞拐勾"
_WORDS = "|".join(_ENGLISH)
_ATOM = re.compile(
    # 三个零, double zero
    rf"(?P<times>[两俩三仨四五六七八])个(?P<repeated>[零〇幺一二三四五六七八九])(?=[{_SIMPLE}后前再]|[^\w]|$)"
    # 一三八双零: between digits only.
    rf"|(?<=[{_SIMPLE}\s，,])双(?P<doubled>[零〇幺一二三四五六七八九])(?=[\s，,]*[{_SIMPLE}])"
    # 一百三十八零零一三… begins a telephone number.
    rf"|一百(?P<tens>[三四五六七八九])十(?P<ones>[一二三四五六七八九])(?=(?:[\s，,、-]?[{_SIMPLE}]){{8}})"
    # 三百九十九 counts and is not spelt out, and so does 前三位.
    rf"|(?P<digit>(?<![十百千万])(?:(?<=[{_SIMPLE}])|(?![二两三四五六七八]位))[{_SIMPLE}](?![十百千万亿]))"
    # 幺 is often transcribed as one of its homophones: taken for 1 only between digits.
    rf"|(?P<yao>(?<=[{_SIMPLE}])[要腰妖邀么](?=[{_SIMPLE}])|[要腰妖邀么](?=[三四五六七八九][{_SIMPLE}]{{3}}))"
    rf"|(?<![a-z])(?:(?P<multiple>double|triple)[\s-]+)?(?P<word>{_WORDS})(?![a-z])"
    # The last place of an identity card.
    rf"|(?<=[{_SIMPLE}])\s?(?P<ten>[xX×叉]|艾克斯)(?![A-Za-z0-9码号])"
    r"|(?<=[a-z])\s(?P<letter>x)(?![a-z0-9])",
    re.IGNORECASE,
)
_PAUSES = (
    r"[\s\-–—－~·…,，、。.．;；!！?？:：/／_()（）|]|嗯+|呃+|啊+|哦+|呢|额|诶|唉|那个|这个|然后|就是|再来|接着|空格|横杠"
    r"|\b(?:uh|um|er|hmm|and|then|dash)\b"
)
#: What may come between two digits of one number: pauses as punctuation, line breaks, fillers, dashes.
_JOINT = re.compile(rf"(?:{_PAUSES})+", re.IGNORECASE)
#: What is said between the parts of a number that somebody reads out, checks or corrects.
_LOOSE_JOINT = re.compile(
    rf"(?:{_PAUSES}|对吗|对吧|对不对|对|是吧|是吗|是|不是|係|好的|好|没错|不对|哦不|错了|杠|(?:前|中间?|最?后|末尾?)[两三四五六七八]位|中间|前面|后面|后边|后头|最后|再|还有|完了)+",
    re.IGNORECASE,
)
_LONGEST_JOINT = 20
#: Wherever there is none of these no digit is said.
_CHINESE_START = re.compile(rf"[{_SIMPLE}要腰妖邀么俩仨双xX×叉艾]|\s(?=[xX×叉艾])")
_LETTERS = re.compile("[A-Za-z]{2}")


@dataclass(frozen=True, slots=True)
class Piece:
    """Digits that follow each other without a pause; `value` may end in X.

    `loose`: words, not only pauses, join it to the piece before.
    """

    value: str
    start: int
    end: int
    loose: bool = False


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

    def tight(self) -> list[Run]:
        """Split the run where words, not only pauses, join its pieces."""
        runs: list[list[Piece]] = []
        for piece in self.pieces:
            if runs and not piece.loose:
                runs[-1].append(piece)
            else:
                runs.append([piece])
        return [Run(tuple(run)) for run in runs]


def find_runs(text: str) -> list[Run]:
    """Find all runs of digits in a text, in order."""
    if not _CHINESE_START.search(text) and not _LETTERS.search(text):
        return []
    runs: list[list[Piece]] = []
    for piece in _pieces(text):
        at = runs[-1][-1].end if runs else 0
        near = bool(runs) and piece.start - at <= _LONGEST_JOINT
        if near and _JOINT.fullmatch(text, at, piece.start):
            runs[-1].append(piece)
        elif near and _LOOSE_JOINT.fullmatch(text, at, piece.start):
            runs[-1].append(replace(piece, loose=True))
        else:
            runs.append([piece])
    return [Run(tuple(run)) for run in runs]


def _atoms(text: str) -> Iterator[re.Match[str]]:
    if _LETTERS.search(text):
        yield from _ATOM.finditer(text)
        return
    at = 0
    for start in _CHINESE_START.finditer(text):
        match = _ATOM.match(text, start.start()) if start.start() >= at else None
        if match:
            at = match.end()
            yield match


def _pieces(text: str) -> Iterator[Piece]:
    current: Piece | None = None
    for match in _atoms(text):
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
    if match["doubled"]:
        return _CHINESE[match["doubled"]] * 2
    if match["tens"]:
        return f"1{_CHINESE[match['tens']]}{_CHINESE[match['ones']]}"
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
