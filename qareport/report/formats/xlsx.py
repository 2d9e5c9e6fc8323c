"""A period's lists in full as an Excel workbook: every customer, agent, rule, promise and failed call.

Nothing in it runs as a formula, whatever was said (`presentation.spreadsheet`). The same input gives the same bytes.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from qareport.files import repack
from qareport.model import AgentFault, AgentPraise, AgentRow, Figure, GroupRow, PeriodKind, PeriodReport, Rate
from qareport.presentation import topic_wording, wording
from qareport.presentation.links import Links
from qareport.presentation.locale import _
from qareport.presentation.spreadsheet import fill_sheet
from qareport.report.period import terms
from qareport.report.period.rows import RowWriter, fault_words, praise_words
from qareport.report.period.view_types import PeriodView

Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class _Sheet:
    title: str
    heads: Sequence[str]
    rows: Sequence[Row]


def render_xlsx(report: PeriodReport, view: PeriodView, links: Links) -> bytes:
    """Write the workbook in the current language.

    Args:
        report: cleaned.
        view: what its pages say; the workbook's title is theirs.
        links: where orders can be opened.
    """
    from openpyxl import Workbook  # 0.2 s, and needed for workbooks alone

    book = Workbook()
    book.remove(book.active)
    for sheet in _sheets(report, RowWriter(report, links)):
        fill_sheet(book.create_sheet(sheet.title), sheet.heads, sheet.rows)
    made = datetime.fromisoformat(view.created) if view.created else datetime(2000, 1, 1, tzinfo=UTC)
    properties = book.properties
    properties.title, properties.creator = wording.named(view.title, view.subject), view.organisation or "qareport"
    properties.created = properties.modified = made.astimezone(UTC).replace(tzinfo=None)
    buffer = io.BytesIO()
    book.save(buffer)
    return _dated(buffer.getvalue(), made.astimezone(UTC))


def _dated(content: bytes, at: datetime) -> bytes:
    """Give the workbook its report's date: openpyxl writes the clock's when it saves."""
    with zipfile.ZipFile(io.BytesIO(content)) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    core = parts["docProps/core.xml"].decode()
    stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    parts["docProps/core.xml"] = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", stamp, core).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, part in parts.items():
            target.writestr(name, part)
    return repack(buffer.getvalue())


def _sheets(report: PeriodReport, rows: RowWriter) -> Iterator[_Sheet]:
    yield _callbacks(report, rows)
    yield _agents(report, rows)
    if report.groups:
        yield _groups(report, rows)
    yield _rules(report)
    yield _promises(report, rows)
    yield _failed(report, rows)
    yield _trend(report)


def _callbacks(report: PeriodReport, rows: RowWriter) -> _Sheet:
    zone = ZoneInfo(report.period.time_zone)
    heads = (
        "#",
        _("订单"),
        _("电话"),
        _("客服"),
        _("来电时间"),
        _("为什么"),
        _("秒"),
        _("原话"),
        _("承诺"),
        _("风险"),
        _("得分"),
        _("经复核得分"),
        _("通话编号"),
        _("链接"),
    )
    return _Sheet(
        _("需要回电") if report.period.kind is PeriodKind.DAY else _("未解决的客户"),
        heads,
        [
            (
                item.rank,
                item.order_id or "",
                item.customer_phone or "",
                rows.agent(item.agent_id),
                item.started_at.astimezone(zone) if item.started_at else None,
                rows.why(item),
                item.at_ms // 1000,
                item.quote,
                rows.promise_of(item),
                wording.RISKS[item.risk],
                item.score,
                item.reviewed_score,
                item.call_id,
                rows.links.order(item),
            )
            for item in report.callbacks
        ],
    )


def _measure_heads() -> tuple[str, ...]:
    """Return the headings of `_measures`."""
    return (
        _("通话"),
        _("平均得分"),
        _("经复核的平均得分"),
        _("前几期平均得分"),
        _("合格率"),
        _("高风险"),
        _("一票否决"),
        _("失分"),
        _("平均时长（秒）"),
        _("主要失分"),
        _("听哪里"),
    )


def _measures(row: AgentRow | GroupRow, rows: RowWriter) -> Row:
    """Return what is told of an agent and of a group alike."""
    return (
        row.calls,
        row.mean_score.value,
        _of(row.reviewed_score),
        _of(row.baseline_score),
        row.passed.share,
        row.high_risk,
        row.fatal,
        row.points_lost,
        None if row.handling_ms is None else row.handling_ms / 1000,
        "" if row.main_fault is None else fault_words(row.main_fault),
        _place(row.main_fault, rows),
    )


def _agents(report: PeriodReport, rows: RowWriter) -> _Sheet:
    heads = (
        _("工号"),
        _("姓名"),
        _("组"),
        *_measure_heads(),
        _("做得好"),
        _("听哪里"),
    )
    people = {person.id: person for person in report.people}
    return _Sheet(
        _("客服"),
        heads,
        [
            (
                row.agent_id or "",
                people[row.agent_id].name if row.agent_id in people else "",
                people[row.agent_id].group if row.agent_id in people else "",
                *_measures(row, rows),
                "" if row.praise is None else praise_words(row.praise),
                _place(row.praise, rows),
            )
            for row in report.agents
        ],
    )


def _groups(report: PeriodReport, rows: RowWriter) -> _Sheet:
    heads = (
        _("组"),
        _("客服人数"),
        *_measure_heads(),
    )
    return _Sheet(
        _("各组"),
        heads,
        [
            (
                row.group,
                row.agents,
                *_measures(row, rows),
            )
            for row in report.groups
        ],
    )


def _place(found: AgentFault | AgentPraise | None, rows: RowWriter) -> str:
    return "" if found is None else rows.place(found.evidence).plain


def _of(figure: Figure | None) -> float | None:
    return None if figure is None else figure.value


def _rules(report: PeriodReport) -> _Sheet:
    heads = (
        _("规则编号"),
        _("规则"),
        _("类别"),
        _("等级"),
        _("出现的通话"),
        _("适用的通话"),
        _("出现率"),
        _("前一期"),
        _("前几期"),
        _("次数"),
        _("分值合计"),
    )
    return _Sheet(
        _("规则"),
        heads,
        [
            (
                row.rule_id,
                row.title,
                topic_wording.named(row.category),
                wording.SEVERITIES[row.severity],
                row.now.hits,
                row.now.n,
                row.now.share,
                _share(row.previous),
                _share(row.baseline),
                row.hits,
                row.points,
            )
            for row in report.rules
        ],
    )


def _share(rate: Rate | None) -> float | None:
    return None if rate is None else rate.share


def _promises(report: PeriodReport, rows: RowWriter) -> _Sheet:
    zone = ZoneInfo(report.period.time_zone)
    heads = (
        _("状态"),
        _("订单"),
        _("电话"),
        _("答应了什么"),
        _("期限"),
        _("到期"),
        _("答应的时间"),
        _("客服"),
        _("秒"),
        _("原话"),
        _("又来电"),
    )
    return _Sheet(
        _("承诺"),
        heads,
        [
            (
                _(terms.STATES[item.state]),
                item.subject,
                item.customer_phone or "",
                topic_wording.named(item.action),
                item.by,
                item.due_at.astimezone(zone),
                item.made_at.astimezone(zone),
                rows.agent(item.agent_id),
                item.at_ms // 1000,
                item.quote,
                item.again_call_id or "",
            )
            for item in report.promises
        ],
    )


def _failed(report: PeriodReport, rows: RowWriter) -> _Sheet:
    heads = (_("通话编号"), _("时间"), _("客服"), _("原因"))
    return _Sheet(
        _("处理失败"), heads, [[phrase.plain for phrase in rows.failed_row(call)] for call in report.failed_calls]
    )


def _trend(report: PeriodReport) -> _Sheet:
    heads = (_("开始"), _("结束"), _("通话"), _("平均得分"), _("高风险占比"), _("重复来电率"))
    return _Sheet(
        _("走势"),
        heads,
        [
            (
                point.first.isoformat(),
                point.last.isoformat(),
                point.calls,
                point.mean_score,
                point.high_risk_share,
                point.repeat_share,
            )
            for point in report.trend
        ],
    )
