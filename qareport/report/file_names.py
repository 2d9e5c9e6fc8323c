"""What documents are called: file names that any file system, shell and mail program takes."""

from __future__ import annotations

import hashlib
import re

from qareport.model import OrderReport, PeriodReport
from qareport.report.period import period_wording

#: What a file name may not hold on Windows, in a shell's glob or in a mail header.
_UNSAFE = re.compile(r"[^\w.\-]+|^\.+|[. ]+$")
#: Names of devices on Windows.
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
_NAME_LENGTH = 60


def file_name(report: OrderReport | PeriodReport, format: str) -> str:
    """Name the file of a report's document: 20241105998877.docx, 日报-2026-11-21.pdf, 周报-2026-W47-A03.html.

    An order's file carries its number, or the id of its only call; a period's is named in the current language
    (`locale.speaking`), and an agent's own edition carries the agent's id. A name with characters that a file system or
    a mail program may reject is altered and carries a hash of the original, so different names never share a file.
    """
    if isinstance(report, PeriodReport):
        stem = period_wording.file_stem(report.period)
        return f"{stem}-{_safe(report.agent_id)}.{format}" if report.agent_id else f"{stem}.{format}"
    call_ids = [*(call.call_id for call in report.calls), *(call.call_id for call in report.failed_calls)]
    return f"{_safe(report.order_id or next(iter(call_ids), ''))}.{format}"


def _safe(name: str) -> str:
    safe = _UNSAFE.sub("_", name)[:_NAME_LENGTH]
    if safe != name or not safe or _RESERVED.match(safe):
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        safe = f"{safe.strip('._') or 'report'}-{digest}"
        if _RESERVED.match(safe):
            safe = f"_{safe}"
    return safe
