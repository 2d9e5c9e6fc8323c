"""Read ids (of calls, orders, agents) and telephone numbers as people's tables hold them.

Programs leave traces in them: `123.0`, `="123"`, `'123`, full-width digits, spaces that nobody sees, words that mean
"nothing". These are put right. A number that was rounded (2.02411E+13) has lost its digits, and is refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from qareport.errors import QareportError
from qareport.messages import say

#: The longest id that is taken.
LONGEST = 200
#: What programs and people write into a cell that holds nothing.
_NOTHING = frozenset(
    (
        "", "null", "nan", "none", "nil", "n/a", "na", "\\n", "-", "--", "—", "——", "/", "undefined", "<na>", "unknown",
        "无", "空", "没有", "暂无", "未知", "不详", "待补", "待补充", "未提供", "无订单", "无订单号",
    )
)  # fmt: skip
#: The full-width forms of printable ASCII, and the space of that width.
_NARROW = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
#: Excel's way of saying that a number is text.
_FORMULA = re.compile(r'="(.*)"', re.DOTALL)
#: What Excel shows where a formula fails.
_ERROR = re.compile(r"#(?:N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!)", re.IGNORECASE)
_ROUNDED = re.compile(r"[+-]?\d(?:[.,]\d+)?[eE]\+\d+")
#: A number that a program holds as a fraction and that ends in so many zeros was rounded before.
_ROUNDED_ZEROS = 7
_WITH_ZEROS = re.compile(r"(\d+)\.0+")
#: A number that was written or pasted in groups.
_SPACED = re.compile(r"\d+(?:\s\d+)+|\d{1,3}(?:,\d{3})+")
#: What divides several numbers in one cell, and how many digits each of them has at least.
_BETWEEN_NUMBERS = re.compile(r"[\s,;、/|]+")
_FEWEST_EACH = 7
_QUOTED = (("“", "”"), ("‘", "’"), ("「", "」"))
#: A telephone number has more digits than this; what has fewer says that the number was withheld.
_FEWEST_DIGITS = 3


def clean_text(text: str) -> str:
    """Remove what nobody sees: control and format characters (zero-width spaces, marks of direction), outer spaces."""
    if not text.isascii() or not text.isprintable():
        text = "".join(letter for letter in text if unicodedata.category(letter) not in ("Cc", "Cf"))
    text = text.strip()
    if match := _FORMULA.fullmatch(text):
        text = match[1].strip()
    if len(text) > 1 and (text[0], text[-1]) in _QUOTED:
        text = text[1:-1].strip()
    return text


def is_nothing(value: object) -> bool:
    """Tell whether a value means that there is none: empty, NULL, nan, None, N/A, a dash."""
    if value is None or value != value:
        return True
    return isinstance(value, str) and clean_text(value).lower() in _NOTHING


def read_identifier(value: object) -> str | None:
    """Read an id or a telephone number; None where the value means that there is none.

    Raises:
        QareportError: a rounded number, more than one value, or too long. The text does not quote the value: it may be
            a telephone number.
    """
    if is_nothing(value):
        return None
    if isinstance(value, bool | list | dict):
        raise QareportError(say("no id or number"), expected=say("text"))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
        from_fraction = True
    else:
        from_fraction = False
    text = str(value)
    lost = from_fraction and len(text) > _ROUNDED_ZEROS and text.endswith("0" * _ROUNDED_ZEROS)
    text = clean_text(text.translate(_NARROW))
    if len(text) > 1 and text[0] in "'’":  # Excel's mark of a text
        text = text[1:].strip()
    if _ERROR.fullmatch(text):
        raise QareportError(say("the cell holds an error ({error})", error=text), to_do=say("fix the formula"))
    if lost or _ROUNDED.fullmatch(text):
        raise QareportError(
            say("a number that a spreadsheet has rounded (like 1.2E+13): its last digits are lost"),
            to_do=say("format the column as text, fill it in again and export again"),
        )
    if match := _WITH_ZEROS.fullmatch(text):
        text = match[1]
    if len(text) > LONGEST:
        raise QareportError(
            say("{length} characters", length=len(text)), expected=say("at most {limit} characters", limit=LONGEST)
        )
    return text


def read_number(value: object) -> str | None:
    """Read the number of an order: as an id, but marks between groups of digits and zeros alone mean nothing.

    Raises:
        QareportError: as `read_identifier`, and more than one number.
    """
    text = read_identifier(value)
    if text is not None and _are_several(_BETWEEN_NUMBERS.split(text)):
        raise QareportError(say("more than one number"), expected=say("one: its calls are found by it"))
    if text is not None and _SPACED.fullmatch(text):
        text = re.sub(r"[\s,]", "", text)
    return None if text is None or not text.strip("0") else text


def _are_several(parts: Sequence[str]) -> bool:
    """Tell whether these are numbers of their own: long ones, and alike, or else parts of one (2024/000042)."""
    digits = [sum(map(str.isdecimal, part)) for part in parts]
    return len(parts) > 1 and min(digits) >= _FEWEST_EACH and len(set(map(len, parts))) == 1


def read_telephone(value: object) -> str | None:
    """Read a telephone number; None where it was withheld (anonymous, 匿名, -1), which is nobody's number.

    Raises:
        QareportError: as `read_number`.
    """
    text = read_number(value)
    return None if text is None or sum(map(str.isdecimal, text)) < _FEWEST_DIGITS else text
