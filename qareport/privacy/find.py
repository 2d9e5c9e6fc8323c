"""Personal data in one text: what, where, and the text without it."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from qareport.model import PersonalKind
from qareport.privacy.numbers import find_numbers
from qareport.privacy.places import find_places

ALL_KINDS = frozenset(PersonalKind) - {PersonalKind.ORDER}
#: What stands in the place of what was said.
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
    everything = [Find(*place) for place in (*find_numbers(text, context), *find_places(text))]
    taken: list[Find] = []
    for one in sorted(everything, key=lambda item: (_RANK[item.kind], item.start - item.end)):
        if not any(one.start < other.end and other.start < one.end for other in taken):
            taken.append(one)
    return sorted(one for one in taken if one.kind in kinds)


def mask(text: str, *, context: str = "", kinds: Collection[PersonalKind] = ALL_KINDS) -> tuple[str, tuple[Find, ...]]:
    """Replace personal data by what it is, `[电话]`; return the text and where in the original each stood."""
    found = find(text, context=context, kinds=kinds)
    return replace_finds(text, found), tuple(found)


def replace_finds(text: str, found: Collection[Find]) -> str:
    """Replace the finds of a text by their labels."""
    parts, at = [], 0
    for one in found:
        parts += [text[at : one.start], LABELS[one.kind]]
        at = one.end
    return "".join([*parts, text[at:]])
