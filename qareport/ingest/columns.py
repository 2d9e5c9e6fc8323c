"""The columns of a manifest and what people call them: one table."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from qareport.codec import clean_text
from qareport.errors import Problem, SourceLocation
from qareport.messages import Message, say

#: What each column is called, the first name being the one in messages and documentation. Case, spaces and
#: punctuation do not matter. Names that have other meanings in tables of telephone systems are not among them.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "audio": (
        "audio", "recording", "recording_file", "audio_file", "file_name", "录音文件", "录音", "录音文件名", "录音路径",
        "录音地址", "录音链接", "录音名称", "通话录音", "音频", "音频文件", "文件名",
    ),
    "call_id": (
        "call_id", "call_number", "call_uuid", "通话编号", "通话id", "通话号", "通话标识", "通话流水号", "呼叫编号",
        "呼叫id", "流水号", "会话id",
    ),
    "order_id": ("order_id", "order_no", "order_number", "订单号", "订单编号", "订单", "订单id", "单号"),
    "agent_id": (
        "agent_id", "agent", "agent_no", "工号", "客服", "客服工号", "客服编号", "客服id", "坐席", "坐席工号",
        "坐席编号", "座席", "座席工号", "客服/工号", "员工号", "员工编号", "员工工号",
    ),
    "started_at": (
        "started_at", "start_time", "call_time", "call_start", "开始时间", "通话开始时间", "通话时间", "呼叫时间",
        "接通时间", "录音时间", "来电时间", "呼入时间", "通话日期",
    ),
    "channels": ("channels", "channel", "leg", "role", "声道", "声道角色", "通道", "角色"),
    "customer_phone": (
        "customer_phone", "phone", "phone_number", "customer_number", "caller_number", "客户电话", "客户号码",
        "客户手机", "客户手机号", "电话", "电话号码", "手机", "手机号", "手机号码", "来电号码", "主叫号码",
    ),
    "shop": ("shop", "shop_name", "store", "store_name", "店铺", "店铺名", "店铺名称", "店名", "门店", "网店"),
    "external_ref": (
        "external_ref", "ticket", "ticket_id", "ticket_no", "ticket_number", "case_id", "case_number", "工单号",
        "工单编号", "工单", "工单id", "案件号", "案件编号", "事件单号",
    ),
}  # fmt: skip
#: The columns of which a manifest needs one: of recordings, and of calls that have a transcript already.
AUDIO_ALONE, AUDIO_OR_ID = ("audio",), ("audio", "call_id")
#: How alike an unknown heading and a known one are when the one was surely meant for the other, and when perhaps.
_SURE, _PERHAPS = 0.85, 0.7


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", clean_text(name)).lower())


_NAMES = {_plain(name): column for column, names in COLUMNS.items() for name in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """The heading of a table: which of its columns means what."""

    #: The column of `COLUMNS` in each place; None: of no use here.
    columns: tuple[str | None, ...]
    #: Headings that are not known, and after some of them the one that may have been meant.
    unknown: tuple[str | Message, ...] = ()
    #: Why the table cannot be read.
    problems: tuple[Problem, ...] = ()

    def has_one_of(self, needed: Collection[str]) -> bool:
        """Tell whether this is the heading of a manifest: it has one of the columns that name calls."""
        return any(column in self.columns for column in needed)


def read_heading(names: Sequence[str], where: SourceLocation | str) -> Heading:
    """Read a heading.

    A column that is called by its first name wins over one with another name for the same; two that are called alike
    are a problem, and so is a name that looks like a typing error: what it holds would be lost.

    Args:
        names: the cells of the first row; empty ones have no meaning.
        where: names the place in problems.
    """
    columns = [_NAMES.get(_plain(name)) for name in names]
    for column in {column for column in columns if column is not None}:
        exact = [index for index, name in enumerate(names) if clean_text(name).lower() == column]
        if exact:
            columns = [None if found == column and index not in exact else found for index, found in enumerate(columns)]
    problems = list(_twice(names, columns, where))
    unknown: list[str | Message] = []
    missing = [plain for plain, column in _NAMES.items() if column not in columns]
    for name, meaning in zip(names, columns, strict=True):
        if meaning is not None or not _plain(name) or _plain(name) in _NAMES:
            continue
        near = difflib.get_close_matches(_plain(name), missing, n=1, cutoff=_PERHAPS)
        meant = next((known for known in COLUMNS[_NAMES[near[0]]] if _plain(known) == near[0]), "") if near else ""
        if near and difflib.SequenceMatcher(None, _plain(name), near[0]).ratio() >= _SURE and near[0].isascii():
            what = say("no such column: {name!r}; did you mean {near!r}?", name=clean_text(name), near=meant)
            problems.append(Problem(what=what, where=where))
        else:
            plain = clean_text(name)
            unknown.append(say("{name} (did you mean {near}?)", name=plain, near=meant) if near else plain)
    return Heading(columns=tuple(columns), unknown=tuple(unknown), problems=tuple(problems))


def _twice(names: Sequence[str], columns: Sequence[str | None], where: SourceLocation | str) -> list[Problem]:
    problems = []
    for column in COLUMNS:
        called = [clean_text(name) for name, found in zip(names, columns, strict=True) if found == column]
        if len(called) > 1:
            what = say("two columns for {column}: {names}", column=column, names=", ".join(called))
            problems.append(Problem(what=what, where=where, to_do=say("rename or delete one of them")))
    return problems


def no_such_column(names: Sequence[str], needed: Sequence[str], where: SourceLocation | str) -> Problem:
    """Say which columns there are when none names the recordings or calls."""
    got = ", ".join(clean_text(name) for name in names if clean_text(name))
    return Problem(
        what=say("the columns are {names}", names=got) if got else say("it has no heading"),
        where=where,
        expected=(
            say("at least a column named audio (录音文件)")
            if tuple(needed) == AUDIO_ALONE
            else say("at least a column named audio (录音文件) or call_id (通话编号)")
        ),
    )
