"""Render reports as documents (docx, pdf, html, json), write them into a folder, and name their files.

File names are safe for any file system, shell and mail program.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, get_args, overload

from qareport import privacy
from qareport.codec import to_json
from qareport.errors import DocumentError, os_reason
from qareport.files import atomic_write, check_clock, is_file, safe_name
from qareport.messages import say
from qareport.model import OrderReport, PeriodReport
from qareport.presentation import topic_wording
from qareport.presentation.links import Links
from qareport.presentation.locale import speaking
from qareport.presentation.view_types import clean_value
from qareport.report.period import terms
from qareport.report.period.view_types import PeriodView
from qareport.settings import PeriodSettings, ReportSettings

if TYPE_CHECKING:
    from qareport.report.order.transcript_lines import Sound
    from qareport.report.order.view_types import OrderView


Format = Literal["docx", "pdf", "html", "json"]
FORMATS: Final[tuple[str, ...]] = get_args(Format)
#: Of a period: its lists in full are a workbook.
PERIOD_FORMATS: Final[tuple[str, ...]] = (*FORMATS, "xlsx")


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodPages:
    """What decides the pages of a period besides the settings of all documents."""

    settings: PeriodSettings = field(default_factory=PeriodSettings)
    #: Where orders and calls can be opened.
    links: Links = field(default_factory=Links)
    #: The workbook with all rows is written beside the document.
    with_workbook: bool = False


def render(
    report: OrderReport | PeriodReport,
    format: str,
    *,
    templates: Path | None,
    settings: ReportSettings,
    pages: PeriodPages | None = None,
) -> bytes:
    """Render one document.

    Args:
        report: everything it says.
        format: docx, pdf, html or json; of a period also xlsx.
        templates: a folder of the user's templates; a template that is not in it is taken from the bundled ones.
        settings: what documents show.
        pages: how the pages of a period are made; None: with the defaults.

    Raises:
        DocumentError: an unknown format, a broken template, a missing font, or a renderer that failed.
    """
    _check([format], report)
    with speaking(settings.locale):
        return _Documents.of(report, [format], templates, settings, pages).render(format)


def write(
    report: OrderReport | PeriodReport,
    formats: Sequence[str],
    out_dir: Path,
    *,
    templates: Path | None,
    settings: ReportSettings,
    pages: PeriodPages | None = None,
    stem: str | None = None,
) -> list[Path]:
    """Write documents into a folder, each atomically, and return their paths in the order of `formats`.

    Formats that are given together are rendered from one view, and the PDF process loads while the others are made.
    `stem` names the files, without their endings; None: as `file_name` does.

    Raises:
        DocumentError: as `render`, or a file that cannot be written.
    """
    _check(formats, report)
    if "pdf" in formats:
        from qareport.report.formats.pdf import PRINTER

        PRINTER.start()
    paths: dict[str, Path] = {}
    with speaking(settings.locale):
        documents = _Documents.of(report, formats, templates, settings, pages)
        for format in sorted(formats, key=lambda name: name == "pdf"):
            paths[format] = out_dir / f"{stem or file_stem(report)}.{format}"
            _replace(paths[format], documents.render(format))
    return [paths[format] for format in formats]


@overload
def build_view(report: OrderReport, settings: ReportSettings, pages: PeriodPages | None = None) -> OrderView: ...


@overload
def build_view(report: PeriodReport, settings: ReportSettings, pages: PeriodPages | None = None) -> PeriodView: ...


def build_view(
    report: OrderReport | PeriodReport, settings: ReportSettings, pages: PeriodPages | None = None
) -> OrderView | PeriodView:
    """Build what the pages of a report say, cleaned, in the current language (`locale.speaking`); see `render`."""
    return _build_view(clean_value(report), settings, pages)


def recordings_key(report: OrderReport, settings: ReportSettings) -> str:
    """Say which recordings of an order exist: a page that lacked one is rendered again when it is back.

    Returns a digit for each call, or "" where pages carry no sound.
    """
    if not settings.audio:
        return ""
    return "".join(str(int(call.audio is not None and is_file(call.audio.path))) for call in report.calls)


def _check(formats: Sequence[str], report: OrderReport | PeriodReport) -> None:
    known = PERIOD_FORMATS if isinstance(report, PeriodReport) else FORMATS
    for format in formats:
        if format not in known:
            raise DocumentError(
                say("unknown format {format!r}", format=format), where="report", expected=", ".join(known)
            )


def _build_view(
    cleaned: OrderReport | PeriodReport, settings: ReportSettings, pages: PeriodPages | None
) -> OrderView | PeriodView:
    if isinstance(cleaned, OrderReport):
        from qareport.report.order.view import build_view as build_order_view

        return build_order_view(topic_wording.name_rules_in_order(cleaned), clean_value(settings))
    from qareport.report.period.view import build_period_view

    pages = pages or PeriodPages()
    return build_period_view(
        topic_wording.name_rules_in_period(cleaned),
        clean_value(settings),
        pages.settings,
        links=pages.links,
        with_workbook=pages.with_workbook,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Documents:
    """What the documents of one report are rendered from."""

    report: OrderReport | PeriodReport
    cleaned: OrderReport | PeriodReport
    #: None where only JSON is asked for.
    view: OrderView | PeriodView | None
    templates: Path | None
    settings: ReportSettings
    pages: PeriodPages | None

    @classmethod
    def of(
        cls,
        report: OrderReport | PeriodReport,
        formats: Sequence[str],
        templates: Path | None,
        settings: ReportSettings,
        pages: PeriodPages | None,
    ) -> _Documents:
        """Clean the report and build its view, once for all formats."""
        cleaned = clean_value(report)
        view = _build_view(cleaned, settings, pages) if set(formats) - {"json"} else None
        return cls(report=report, cleaned=cleaned, view=view, templates=templates, settings=settings, pages=pages)

    def render(self, format: str) -> bytes:
        """Render one document in the current language."""
        if self.view is None or format == "json":
            return self._json()
        if format in ("docx", "xlsx"):
            check_clock(format)
        if format == "xlsx":
            from qareport.report.formats.xlsx import render_xlsx

            assert isinstance(self.cleaned, PeriodReport)  # noqa: S101 - for the type checker
            assert isinstance(self.view, PeriodView)  # noqa: S101 - likewise
            named = topic_wording.name_rules_in_period(self.cleaned)
            return render_xlsx(named, self.view, (self.pages or PeriodPages()).links)
        stem = "period" if isinstance(self.report, PeriodReport) else "call"
        if format == "docx":
            from qareport.report.formats.docx import render_docx

            return render_docx(self.view, self.templates, stem=stem)
        from qareport.report.formats.html import render_html

        if format == "html":
            page = render_html(self.view, self.templates, stem=stem, interactive=True, sounds=self._sounds())
            return page.encode("utf-8")
        from qareport.presentation.templating import find_template
        from qareport.report.formats.pdf import render_pdf

        page = render_html(self.view, self.templates, stem=stem)
        attached = self._json() if self.settings.pdf_archive else b""
        styles = find_template(f"{stem}.css", self.templates)
        return render_pdf(page, attached=attached, created=self.view.created, styles=styles)

    def _json(self) -> bytes:
        said = self.cleaned if isinstance(self.cleaned, PeriodReport) else privacy.shorten_paths(self.cleaned)
        return to_json(said, indent=2).encode("utf-8") + b"\n"

    def _sounds(self) -> Mapping[str, Sound]:
        if isinstance(self.report, PeriodReport) or not self.settings.audio:
            return {}
        from qareport.report.order.transcript_lines import make_sounds

        return make_sounds(self.report, self.settings)


def _replace(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as file:
            file.write(content)
    except OSError as error:
        raise DocumentError(
            say("cannot be written: {strerror}", strerror=os_reason(error)),
            where=str(path),
            to_do=say("close it if it is open; check the folder"),
        ) from error


def file_name(report: OrderReport | PeriodReport, format: str) -> str:
    """Name the file of a report's document: 20241105998877.docx, 日报-2026-11-21.pdf, 周报-2026-W47-A03.html.

    An order's file carries its number, or the id of its only call; a period's is named in the current language
    (`locale.speaking`), and an agent's own edition carries the agent's id. A name with characters that a file system or
    a mail program may reject is altered and carries a hash of the original, so different names never share a file.
    """
    return f"{file_stem(report)}.{format}"


def file_stem(report: OrderReport | PeriodReport) -> str:
    """Name the file of a report's document without its ending; see `file_name`."""
    if isinstance(report, PeriodReport):
        stem = terms.file_stem(report.period)
        return f"{stem}-{safe_name(report.agent_id)}" if report.agent_id else stem
    call_ids = [*(call.call_id for call in report.calls), *(call.call_id for call in report.failed_calls)]
    return order_stem(report.order_id or next(iter(call_ids), ""))


def order_stem(subject: str) -> str:
    """Return how the files of an order's documents (or of a call's without one) are called before the ending."""
    return safe_name(subject)
