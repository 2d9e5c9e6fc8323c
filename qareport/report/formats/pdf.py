"""PDF pages, printed by a child process that is kept for the next page and killed when it does not come back."""

from __future__ import annotations

import atexit
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qareport.errors import DocumentError
from qareport.presentation import fonts
from qareport.report.formats import pdf_worker

_log = logging.getLogger(__name__)

#: A page of 2,000 turns takes some 10 s on an old machine; one that takes this long will never come.
TIME_LIMIT_S = 300.0


class Printer:
    """A child process that turns HTML into PDF. Safe to share between threads; started when first needed."""

    def __init__(self, *, time_limit_s: float = TIME_LIMIT_S) -> None:
        self._time_limit_s = time_limit_s
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the child, so that it loads while something else is made."""
        with self._lock:
            self._running()

    def print(self, html: str, attached: bytes = b"", created: str = "") -> bytes:
        """Print one page; with JSON to attach it becomes an archive (PDF/A-3a).

        Raises:
            DocumentError: WeasyPrint failed, died or took too long, or a font is missing.
        """
        pdf, warnings = self.print_and_tell(html, attached, created)
        for line in warnings:
            _log.warning("PDF: %s", line)
        return pdf

    def print_and_tell(self, html: str, attached: bytes = b"", created: str = "") -> tuple[bytes, list[str]]:
        """Print one page, and return what WeasyPrint warned of; see `print`."""
        fonts.chinese_font()
        with self._lock:
            return self._ask(html.encode("utf-8"), attached, created)

    def close(self) -> None:
        """End the child; a later page starts another one."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        process.kill()
        process.communicate()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._owner != os.getpid():  # forked: the child belongs to the parent
            self._owner, self._process = os.getpid(), None
        if self._process is not None and self._process.poll() is not None:
            self.close()
        if self._process is None:
            # -P keeps this folder, whose html.py is not the standard library's, off the child's path.
            self._process = subprocess.Popen(  # noqa: S603 - our own file
                [sys.executable, "-P", str(Path(pdf_worker.__file__))], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        return self._process

    def _ask(self, page: bytes, attached: bytes, created: str) -> tuple[bytes, list[str]]:
        process = self._running()
        if process.stdin is None or process.stdout is None:
            raise DocumentError("the PDF process has no pipes", where="pdf")
        timed_out = threading.Event()

        def stop() -> None:
            timed_out.set()
            process.kill()

        timer = threading.Timer(self._time_limit_s, stop)
        timer.daemon = True
        timer.start()
        try:
            request = json.dumps({"size": len(page), "attached": len(attached), "created": created}).encode()
            process.stdin.write(len(request).to_bytes(8, "big") + request + page + attached)
            process.stdin.flush()
            size = int.from_bytes(process.stdout.read(8), "big")
            head = json.loads(process.stdout.read(size))
            pdf = process.stdout.read(head["size"])
        except (OSError, ValueError) as error:
            self.close()
            raise self._failure(timed_out.is_set()) from error
        finally:
            timer.cancel()
        if head["error"] is not None:
            raise DocumentError(f"cannot be printed: {head['error']}", where="pdf")
        if len(pdf) != head["size"]:
            self.close()
            raise self._failure(timed_out.is_set())
        return pdf, head["warnings"]

    def _failure(self, timed_out: bool) -> DocumentError:
        if timed_out:
            return DocumentError(
                f"the page was not laid out within {self._time_limit_s:g} s",
                where="pdf",
                to_do="ask for docx or html, and look at what was changed in templates/call.css",
            )
        return DocumentError(
            "the PDF process ended without an answer", where="pdf", to_do="see `qareport doctor`; memory may be short"
        )


class Printers:
    """As many printers as threads ask for at a time; each is kept for whoever asks next."""

    def __init__(self) -> None:
        self._idle: list[Printer] = []
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start a child for the next page, so that it loads while something else is made."""
        with self._borrowed() as printer:
            printer.start()

    def print(self, html: str, attached: bytes = b"", created: str = "") -> bytes:
        """Print one page on a free printer; see `Printer.print`."""
        with self._borrowed() as printer:
            return printer.print(html, attached, created)

    def close(self) -> None:
        """End the children of all printers that are free."""
        with self._lock:
            for printer in self._idle:
                printer.close()

    @contextmanager
    def _borrowed(self) -> Iterator[Printer]:
        with self._lock:
            printer = self._idle.pop() if self._idle else Printer()
        try:
            yield printer
        finally:
            with self._lock:
                self._idle.append(printer)


PRINTER = Printers()
atexit.register(PRINTER.close)


def render_pdf(html: str, *, attached: bytes = b"", created: str = "") -> bytes:
    """Print a page that `html.render_html` made.

    Args:
        html: the page.
        attached: the report as JSON, to make an archive (PDF/A-3a) that carries it; b"": a plain tagged PDF.
        created: when the report was made, ISO 8601; "": not known.

    Raises:
        DocumentError: it could not be printed.
    """
    if not fonts.has_subset_library():
        _log.warning("libharfbuzz-subset was not found, this takes half a minute: %s", fonts.INSTALL_SUBSET)
    return PRINTER.print(html, attached, created)
