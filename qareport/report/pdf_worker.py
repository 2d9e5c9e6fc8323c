"""Print HTML pages to PDF, one after another, in a process of its own that its parent may kill.

Some pages keep WeasyPrint's layout busy for ever (#2304, #2811, #2684), and Python cannot stop a thread. So this file
runs as a program: on stdin, for each page, an 8-byte length and that many bytes of HTML; on stdout, for each page, an
8-byte length and JSON {"warnings": […], "error": …, "size": n}, then n bytes of PDF. It ends when stdin ends, imports
nothing of qareport and reads nothing but data: addresses.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import BinaryIO


class _Collector(logging.Handler):
    """Keeps WeasyPrint's warnings of one page."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def print_page(html: str) -> bytes:
    """Print one page. The same HTML gives the same bytes: no clock, no random identifier."""
    import hashlib

    from weasyprint import HTML
    from weasyprint.urls import URLFetcher

    fetcher = URLFetcher(allowed_protocols={"data"}, allow_redirects=False)
    document = HTML(string=html, url_fetcher=fetcher)
    identifier = hashlib.sha256(html.encode()).digest()[:16]
    pdf: bytes = document.write_pdf(pdf_identifier=identifier, pdf_tags=True)
    return pdf


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer pages until there are no more."""
    collector = _Collector()
    logger = logging.getLogger("weasyprint")
    logger.handlers[:] = [collector]
    logger.propagate = False
    # Loaded before the first page is asked for, so that it is ready while the parent still prepares it.
    import weasyprint  # noqa: F401

    while len(header := requests.read(8)) == 8:
        html = requests.read(int.from_bytes(header, "big")).decode("utf-8")
        collector.lines.clear()
        pdf, error = b"", None
        try:
            pdf = print_page(html)
        except Exception as failure:  # noqa: BLE001 - the parent makes it a DocumentError
            error = f"{type(failure).__name__}: {failure}"
        head = json.dumps({"warnings": collector.lines, "error": error, "size": len(pdf)}).encode()
        replies.write(len(head).to_bytes(8, "big") + head + pdf)
        replies.flush()


if __name__ == "__main__":
    # Nothing but replies may reach stdout: keep it for them, and let stray prints go to stderr.
    _replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, _replies)
