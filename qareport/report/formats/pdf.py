"""Print PDF pages in a child process, which is kept for the next page and killed when a page never finishes.

`Printer`, `Printers` and the one that this process shares, `PRINTER`, are safe to share between threads. After a fork
each process starts children of its own.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from qareport.errors import DocumentError
from qareport.messages import say
from qareport.presentation import fonts
from qareport.report.formats import pdf_worker

_log = logging.getLogger(__name__)

#: Where style sheets are, for a page whose own is not named.
STYLES: Final = Path("templates")

#: Processor time for a page. 2,000 turns take some 10 s on an old machine; a page this slow will never finish.
CPU_LIMIT_S = 300.0
#: On a busy machine a child starts late and gets a part of a core; one that gets less, or waits for ever, is killed.
_START_S, _LEAST_SHARE = 120.0, 1 / 20


class Printer:
    """A child process that turns HTML into PDF. Safe to share between threads; started when first needed.

    A page may take `cpu_limit_s` of the child's processor time, so a busy machine makes pages late and breaks none.
    """

    def __init__(self, *, cpu_limit_s: float = CPU_LIMIT_S) -> None:
        self._cpu_limit_s = cpu_limit_s
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the child, so that it loads while something else is made."""
        with self._lock:
            self._running()

    def print(self, html: str, attached: bytes = b"", created: str = "", *, styles: Path = STYLES) -> bytes:
        """Print one page; with JSON to attach it becomes an archive (PDF/A-3a).

        Args:
            html: the page.
            attached: JSON, or b"".
            created: when the report was made, ISO 8601; "": not known.
            styles: its style sheet, to name it in an error.

        Raises:
            DocumentError: WeasyPrint failed, died or took too long, or a font is missing.
        """
        pdf, warnings = self.print_with_warnings(html, attached, created, styles=styles)
        for line in warnings:
            _log.warning("PDF: %s", line)
        return pdf

    def print_with_warnings(
        self, html: str, attached: bytes = b"", created: str = "", *, styles: Path = STYLES
    ) -> tuple[bytes, list[str]]:
        """Print one page, and return WeasyPrint's warnings with it; see `print`."""
        fonts.chinese_font()
        with self._lock:
            try:
                return self._ask(html.encode("utf-8"), attached, created)
            except (OSError, ValueError) as error:
                raise self._failure(self._end(), styles) from error

    def close(self) -> None:
        """End the child; a later page starts another one."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        process.kill()
        process.communicate()

    def _end(self) -> int | None:
        """End a child that does not answer; return its exit status, negative for the signal that ended it."""
        process = self._process
        if process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):  # it has ended already, or closed its pipes at least
                process.wait(timeout=10)
        self.close()
        return process.returncode if process is not None else None

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
        """Print a page.

        Raises:
            DocumentError: the child says why the page cannot be printed.
            OSError, ValueError: its answer is incomplete.
        """
        process = self._running()
        if process.stdin is None or process.stdout is None:
            raise DocumentError(say("the PDF process has no pipes"), where="pdf")
        timer = threading.Timer(_START_S + self._cpu_limit_s / _LEAST_SHARE, process.kill)
        timer.daemon = True
        timer.start()
        try:
            head = {"size": len(page), "attached": len(attached), "created": created, "cpu_limit_s": self._cpu_limit_s}
            request = json.dumps(head).encode()
            process.stdin.write(len(request).to_bytes(8, "big") + request + page + attached)
            process.stdin.flush()
            size = int.from_bytes(process.stdout.read(8), "big")
            answer = json.loads(process.stdout.read(size))
            pdf = process.stdout.read(answer["size"])
        finally:
            timer.cancel()
        if answer["error"] is not None:
            raise DocumentError(say("cannot be printed: {answer}", answer=answer["error"]), where="pdf")
        if len(pdf) != answer["size"]:
            raise ValueError("the PDF process ended in the middle of a page")
        return pdf, answer["warnings"]

    def _failure(self, status: int | None, styles: Path) -> DocumentError:
        if pdf_worker.OVERTIME and status == -pdf_worker.OVERTIME:
            return DocumentError(
                say(
                    "the page was not laid out within {cpu_limit_s:g} s of processor time",
                    cpu_limit_s=self._cpu_limit_s,
                ),
                where="pdf",
                to_do=say("ask for docx or html, and look at what was changed in {styles}", styles=styles),
            )
        return DocumentError(
            say("the PDF process ended without an answer"),
            where="pdf",
            to_do=say("see `qareport doctor`; memory may be short"),
        )


class Printers:
    """As many printers as threads ask for at a time, each kept for the next that asks; threads may share them."""

    def __init__(self) -> None:
        self._idle: list[Printer] = []
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start a child for the next page, so that it loads while something else is made."""
        with self._borrowed() as printer:
            printer.start()

    def print(self, html: str, attached: bytes = b"", created: str = "", *, styles: Path = STYLES) -> bytes:
        """Print one page on a free printer; see `Printer.print`."""
        with self._borrowed() as printer:
            return printer.print(html, attached, created, styles=styles)

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


#: The printers of this process; a server's threads and a run's workers share them.
PRINTER: Final = Printers()
atexit.register(PRINTER.close)


def render_pdf(html: str, *, attached: bytes = b"", created: str = "", styles: Path = STYLES) -> bytes:
    """Print a page that `html.render_html` made.

    Args:
        html: the page.
        attached: the report as JSON, to make an archive (PDF/A-3a) that carries it; b"": a plain tagged PDF.
        created: when the report was made, ISO 8601; "": not known.
        styles: its style sheet, to name it in an error.

    Raises:
        DocumentError: it could not be printed.
    """
    if not fonts.has_subset_library():
        _log.warning("libharfbuzz-subset was not found, this takes half a minute: %s", fonts.INSTALL_SUBSET)
    return PRINTER.print(html, attached, created, styles=styles)
