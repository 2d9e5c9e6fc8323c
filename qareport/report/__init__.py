"""Documents: Word, PDF, one self-contained HTML page, JSON, of an order or of a day, a week or a month.

Their numbers come from `OrderReport` or `PeriodReport` alone. `render` and `render_period` make one document as bytes,
`write` and `write_period` put documents into a folder. No document library is imported before a
document of its kind is asked for.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, get_args

from qareport.codec import to_json
from qareport.errors import DocumentError
from qareport.files import atomic_write
from qareport.model import OrderReport, PeriodReport
from qareport.presentation.clean_text import clean_value
from qareport.presentation.fonts import check_fonts
from qareport.presentation.locale import speaking
from qareport.settings import PeriodSettings, ReportSettings

if TYPE_CHECKING:
    from qareport.report.order.page_audio import Sound
    from qareport.report.order.view_types import OrderView
    from qareport.report.period.view_types import PeriodView

__all__ = [
    "FORMATS",
    "Format",
    "check_fonts",
    "file_name",
    "period_file_name",
    "recordings_key",
    "render",
    "render_period",
    "write",
    "write_period",
]

Format = Literal["docx", "pdf", "html", "json"]
FORMATS: Final[tuple[str, ...]] = get_args(Format)

#: What may not stand in a file name on Windows, in a shell's glob or in a mail header.
_UNSAFE = re.compile(r"[^\w.\-]+|^\.+|[. ]+$")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
_NAME_LENGTH = 60


def render(report: OrderReport, format: str, *, templates: Path | None, settings: ReportSettings) -> bytes:
    """Make one document.

    Args:
        report: everything it says.
        format: docx, pdf, html or json.
        templates: a folder of the user's templates; what is not in it is taken from those that travel with qareport.
        settings: what documents show.

    Raises:
        DocumentError: an unknown format, a broken template, a missing font, or a renderer that failed.
    """
    _check(format)
    cleaned = clean_value(report)
    if format == "json":
        return _json(cleaned)
    attached = _json(cleaned) if settings.pdf_archive and format == "pdf" else b""
    with speaking(settings.locale):
        return _document(_view(cleaned, settings), format, templates, attached, _sounds(report, format, settings))


def write(
    report: OrderReport, formats: Sequence[str], out_dir: Path, *, templates: Path | None, settings: ReportSettings
) -> list[Path]:
    """Write documents into a folder, each whole or not at all, and return their paths in the order of `formats`.

    Raises:
        DocumentError: as `render`, or a file that cannot be written.
    """
    for format in formats:
        _check(format)
    if "pdf" in formats:
        from qareport.report.formats.pdf import PRINTER

        PRINTER.start()  # it loads while the other documents are made
    cleaned = clean_value(report)
    paths: dict[str, Path] = {}
    with speaking(settings.locale):
        view = _view(cleaned, settings) if set(formats) - {"json"} else None
        for format in sorted(formats, key=lambda name: name == "pdf"):
            if view is None or format == "json":
                content = _json(cleaned)
            else:
                attached = _json(cleaned) if settings.pdf_archive else b""
                content = _document(view, format, templates, attached, _sounds(report, format, settings))
            paths[format] = out_dir / file_name(report, format)
            _replace(paths[format], content)
    return [paths[format] for format in formats]


def render_period(
    report: PeriodReport,
    format: str,
    *,
    templates: Path | None,
    settings: ReportSettings,
    period: PeriodSettings | None = None,
) -> bytes:
    """Make one document of a day, a week or a month.

    Args:
        report: everything it says.
        format: docx, pdf, html or json.
        templates: as in `render`.
        settings: what documents show.
        period: how many rows a table carries; the defaults if None.

    Raises:
        DocumentError: as `render`.
    """
    _check(format)
    cleaned = clean_value(report)
    if format == "json":
        return _json(cleaned)
    attached = _json(cleaned) if settings.pdf_archive and format == "pdf" else b""
    with speaking(settings.locale):
        return _period_document(_period_view(cleaned, settings, period), format, templates, attached)


def write_period(
    report: PeriodReport,
    formats: Sequence[str],
    out_dir: Path,
    *,
    templates: Path | None,
    settings: ReportSettings,
    period: PeriodSettings | None = None,
) -> list[Path]:
    """Write documents of a day, a week or a month into a folder; see `render_period` and `write`.

    Raises:
        DocumentError: as `render`, or a file that cannot be written.
    """
    for format in formats:
        _check(format)
    cleaned = clean_value(report)
    paths: dict[str, Path] = {}
    with speaking(settings.locale):
        view = _period_view(cleaned, settings, period) if set(formats) - {"json"} else None
        for format in sorted(formats, key=lambda name: name == "pdf"):
            if view is None or format == "json":
                content = _json(cleaned)
            else:
                content = _period_document(view, format, templates, _json(cleaned) if settings.pdf_archive else b"")
            paths[format] = out_dir / period_file_name(report, format)
            _replace(paths[format], content)
    return [paths[format] for format in formats]


def period_file_name(report: PeriodReport, format: str) -> str:
    """Name the file of a period: 日报-2026-11-21.pdf, 周报-2026-W47.docx; an agent's own carries the agent, too.

    In the language that is being spoken (`locale.speaking`).
    """
    from qareport.report.period.period_wording import file_stem

    stem = file_stem(report.period)
    return f"{stem}-{_safe(report.agent_id)}.{format}" if report.agent_id else f"{stem}.{format}"


def _period_view(cleaned: PeriodReport, settings: ReportSettings, period: PeriodSettings | None) -> PeriodView:
    from qareport.report.period.view import build_period_view

    rows = (period or PeriodSettings()).table_rows
    return build_period_view(cleaned, clean_value(settings), table_rows=rows)


def _period_document(view: PeriodView, format: str, templates: Path | None, attached: bytes) -> bytes:
    if format == "docx":
        from qareport.report.formats.docx import render_docx

        return render_docx(view, templates, name="period.docx")
    from qareport.report.formats.html import render_html

    page = render_html(view, templates, name="period.html.j2", styles_name="period.css")
    if format == "html":
        return page.encode("utf-8")
    from qareport.report.formats.pdf import render_pdf

    return render_pdf(page, attached=attached, created=view.created)


def _json(cleaned: OrderReport | PeriodReport) -> bytes:
    return to_json(cleaned, indent=2).encode("utf-8") + b"\n"


def file_name(report: OrderReport, format: str) -> str:
    """Name a report's file after its order (or its only call); different names never share a file.

    A name with characters that a file system or a mail program may not like is altered, and carries a hash of itself.
    """
    names = [*(call.call_id for call in report.calls), *(call.call_id for call in report.failed_calls)]
    return f"{_safe(report.order_id or next(iter(names), ''))}.{format}"


def _safe(name: str) -> str:
    safe = _UNSAFE.sub("_", name)[:_NAME_LENGTH]
    if safe != name or not safe or _RESERVED.match(safe):
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        safe = f"{safe.strip('._') or 'report'}-{digest}"
        if _RESERVED.match(safe):
            safe = f"_{safe}"
    return safe


def _check(format: str) -> None:
    if format not in FORMATS:
        raise DocumentError(f"unknown format {format!r}", where="report", expected=", ".join(FORMATS))


def _view(cleaned: OrderReport, settings: ReportSettings) -> OrderView:
    from qareport.report.order.view import build_view

    return build_view(cleaned, clean_value(settings))


def _sounds(report: OrderReport, format: str, settings: ReportSettings) -> dict[str, Sound]:
    if format != "html" or not settings.audio:
        return {}
    from qareport.report.order.page_audio import make_sounds

    return make_sounds(report, settings)


def recordings_key(report: OrderReport, settings: ReportSettings) -> str:
    """Say which recordings of an order are there; "" where pages carry no sound."""
    if not settings.audio:
        return ""
    from qareport.report.order import page_audio

    return page_audio.recordings_key(report, settings)


def _document(view: OrderView, format: str, templates: Path | None, attached: bytes, sounds: dict[str, Sound]) -> bytes:
    if format == "docx":
        from qareport.report.formats.docx import render_docx

        return render_docx(view, templates)
    from qareport.report.formats.html import SCRIPT, render_html

    if format == "html":
        return render_html(view, templates, script_name=SCRIPT, sounds=sounds).encode("utf-8")
    from qareport.report.formats.pdf import render_pdf

    return render_pdf(render_html(view, templates), attached=attached, created=view.created)


def _replace(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as file:
            file.write(content)
    except OSError as error:
        raise DocumentError(
            f"cannot be written: {error.strerror}", where=str(path), to_do="close it if it is open; check the folder"
        ) from error
