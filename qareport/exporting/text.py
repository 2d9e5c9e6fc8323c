"""A call as plain text: one line a sentence with its tags, so that [ANGRY] and 退货 are found in any editor."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from qareport.exporting.columns import rich_text
from qareport.presentation import wording
from qareport.presentation.clean_text import clean
from qareport.report.order.transcript_lines import is_guess
from qareport.search import lines_of
from qareport.store import CallRecord


def text_of_call(record: CallRecord, zone: ZoneInfo) -> str:
    """Write a call: what it is, then what was said, second by second."""
    call = record.call
    started = call.started_at.astimezone(zone).isoformat(sep=" ", timespec="seconds") if call.started_at else None
    known = (("通话", call.call_id), ("订单", call.order_id), ("客服", call.agent_id), ("开始", started))
    parts = [f"{name} {value}" for name, value in known if value]
    report = record.report
    if report is None:
        reason = f"失败：{record.failure.reason}" if record.failure is not None else "尚未处理"
        return clean("# " + "　".join([*parts, reason])) + "\n"
    if report.score is not None:
        parts.append(f"得分 {report.score}")
    lines = [clean("# " + "　".join(parts))]
    for segment, line in zip(report.segments, lines_of(report), strict=True):
        who = wording.role(segment.role, guessed=is_guess(segment))
        lines.append(f"{wording.clock(line.start_ms)} {who}：{clean(rich_text(line))}")
    return "\n".join(lines) + "\n"
