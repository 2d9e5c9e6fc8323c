"""Documents to load down, made when they are asked for, from what the person may see."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from fastapi import Request, Response

from qareport import report
from qareport.errors import NotFoundError
from qareport.messages import say
from qareport.model import OrderReport, PeriodReport
from qareport.presentation.links import Links
from qareport.presentation.locale import current
from qareport.report import PeriodPages
from qareport.settings import Locale
from qareport.web.access import Access

_TYPES: Final = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "html": "text/html; charset=utf-8",
    "json": "application/json",
}
#: How answers with documents are described.
DOCUMENTS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {kind.partition(";")[0]: {} for kind in _TYPES.values()}}
}
#: A document in a frame runs no scripts, and opens what it links to in the whole window.
_FRAMED: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; "
    "sandbox allow-top-navigation-by-user-activation"
)


def download(
    access: Access, made_from: OrderReport | PeriodReport, format: str, *, object: str,
    pages: PeriodPages | None = None, locale: Locale | None = None,
) -> Response:  # fmt: skip
    """Answer with a document, and write who took it into the audit log.

    Args:
        access: who asks.
        made_from: what it says; holds nothing that they may not see.
        format: docx, pdf, html, json, and xlsx of a period.
        object: what the audit log calls it: `order:…`, `call:…`, `report:…`.
        pages: how the pages of a period are made.
        locale: its language; None: the one that is set for documents.

    Raises:
        NotFoundError: there is no such format.
        DocumentError: it cannot be made.
    """
    formats = report.PERIOD_FORMATS if isinstance(made_from, PeriodReport) else report.FORMATS
    if format not in formats:
        raise NotFoundError(say("unknown format {format!r}", format=format), expected=", ".join(formats))
    content = _render(access, made_from, format, pages, locale)
    access.record("document.download", object=object, format=format)
    name = report.file_name(made_from, format)
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
    return Response(content, media_type=_TYPES[format], headers=headers)


def framed(access: Access, made_from: PeriodReport, pages: PeriodPages) -> Response:
    """Answer with a report as a page for a sandboxed frame of the desk, in the reader's language."""
    page = _render(access, made_from, "html", pages, readers_locale()).decode()
    whole = page.replace("<head>", '<head>\n<base target="_top">', 1)
    return Response(whole, media_type=_TYPES["html"], headers={"content-security-policy": _FRAMED})


def readers_locale() -> Locale:
    """Return the language of the page that a document is taken from."""
    return "en" if current() == "en" else "zh"


def pages_of(request: Request, access: Access) -> PeriodPages:
    """Let the pages of a period lead to the orders and calls of this desk."""
    return PeriodPages(settings=access.desk.settings.period, links=Links(desk=address_of(request, access)))


def address_of(request: Request, access: Access) -> str:
    """Return the address of the desk, without a slash at its end: as it is set, else as the browser called it."""
    return (access.desk.settings.desk.public_url or str(request.base_url)).rstrip("/")


def _render(
    access: Access, made_from: OrderReport | PeriodReport, format: str, pages: PeriodPages | None, locale: Locale | None
) -> bytes:
    # A page may carry the recordings as they are, not masked: from here it never does.
    shown = access.desk.settings.report.over(locale=locale, audio=False)
    return report.render(made_from, format, templates=access.desk.workspace.templates, settings=shown, pages=pages)
