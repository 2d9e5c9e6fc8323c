"""Print HTML pages to PDF, one after another, in a process of its own that ends when a page takes too long.

Some pages keep WeasyPrint's layout busy for ever (#2304, #2811, #2684), and Python cannot stop a thread. So this file
runs as a program: on stdin, for each page, an 8-byte length and JSON {"size": n, "attached": m, "created": "…",
"cpu_limit_s": t}, then n bytes of HTML and m bytes to attach; on stdout, for each page, an 8-byte length and JSON
{"warnings": […], "error": …, "size": n}, then n bytes of PDF. A page that takes t seconds of processor time ends the
process with the signal OVERTIME. It ends when stdin ends, imports nothing of qareport and reads nothing but data:
addresses.
"""

from __future__ import annotations

import functools
import gc
import json
import logging
import os
import re
import signal
import sys
from datetime import UTC, datetime
from typing import Any, BinaryIO

#: Name of the attached report in an archive's list of files.
ATTACHED = "report.json"
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_OWN_FONTS = re.compile("@font-face", re.IGNORECASE)
_OF_ONE_PAGE = re.compile("@(font-face|counter-style|color-profile|import)", re.IGNORECASE)
#: Parsed style sheets by their text: those of two kinds of documents in two languages, and some of a user.
_sheets: dict[str, Any] = {}
_MOST_SHEETS = 8
#: Ends the process when a page has used up its processor time; without such timers (Windows) only the parent does.
OVERTIME = int(getattr(signal, "SIGPROF", 0))


class _Collector(logging.Handler):
    """Keeps WeasyPrint's warnings of one page."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def print_page(html: str, attached: bytes = b"", created: str = "") -> bytes:
    """Print one page. The same input gives the same bytes: no clock, no random identifier.

    Args:
        html: the page.
        attached: JSON to attach; with it the file is an archive (PDF/A-3a), without it a tagged PDF.
        created: when the attachment was made, ISO 8601.
    """
    import hashlib

    from weasyprint import HTML, Attachment
    from weasyprint.pdf.fonts import Font
    from weasyprint.urls import URLFetcher

    Font.get_unused_glyph_id = _unused_glyph
    fetcher = URLFetcher(allowed_protocols={"data"}, allow_redirects=False)
    page, styles = _split_styles(html)
    document = HTML(string=page, url_fetcher=fetcher)
    options: dict[str, Any] = {"pdf_tags": True, "stylesheets": styles}
    if attached:
        made = datetime.fromisoformat(created) if created else datetime(2000, 1, 1, tzinfo=UTC)
        attachment = Attachment(
            string=attached, name=ATTACHED, description="qareport", relationship="Source", created=made, modified=made
        )
        options = {"stylesheets": styles, "pdf_variant": "pdf/a-3a", "attachments": [attachment]}
    identifier = hashlib.sha256(html.encode() + attached).digest()[:16]
    fonts = _fonts(own=_OWN_FONTS.search(html) is not None)
    pdf: bytes = document.write_pdf(font_config=fonts, pdf_identifier=identifier, finisher=_finish, **options)
    return pdf


def _split_styles(html: str) -> tuple[str, list[Any]]:
    """Take a page's style sheet out of it: it is the same for all pages of a template, and is read once for them.

    A page keeps several of them, whose order counts, and one with what belongs to its page alone: fonts, counters.
    """
    found = _STYLE.search(html)
    if found is None or _STYLE.search(html, found.end()) is not None or _OF_ONE_PAGE.search(html) is not None:
        return html, []
    return html[: found.start()] + html[found.end() :], [_read_styles(found[1])]


def _read_styles(text: str) -> Any:
    """Parse a style sheet, or return it as it was parsed before; one with warnings is read anew to give them again."""
    from weasyprint import CSS
    from weasyprint.urls import URLFetcher

    if text in _sheets:
        return _sheets[text]
    fetcher = URLFetcher(allowed_protocols={"data"}, allow_redirects=False)
    heard, logger = _Collector(), logging.getLogger("weasyprint")
    logger.addHandler(heard)
    try:
        sheet = CSS(string=text, url_fetcher=fetcher, font_config=_system_fonts())
    finally:
        logger.removeHandler(heard)
    if not heard.lines:
        if len(_sheets) >= _MOST_SHEETS:
            _sheets.clear()
        _sheets[text] = sheet
    return sheet


def _fonts(*, own: bool) -> Any:
    """Return the fonts of the system; for a page that brings fonts of its own, ones that no other page will see."""
    from weasyprint.text.fonts import FontConfiguration

    return FontConfiguration() if own else _system_fonts()


@functools.cache
def _system_fonts() -> Any:
    """Find the fonts once for all pages: that is a fifth of a short page's time, and leaks some 200 KB each time."""
    from weasyprint.text.fonts import FontConfiguration

    return FontConfiguration()


def _unused_glyph(font: Any, codepoint: int) -> int:
    """Return a number for a character that the font lacks: it prints as a box, and the number leads back to it.

    WeasyPrint 70 counts on from the font's last glyph. A Chinese font fills all 65,535 numbers, so all its missing
    characters became one. The last glyphs of such a font are variants that plain text never asks for.
    """
    if codepoint not in font.missing:
        taken = {*font.missing.values(), *font.to_unicode}
        font.missing[codepoint] = next(number for number in range(0xFFFF, 0, -1) if number not in taken)
    number: int = font.missing[codepoint]
    return number


def _finish(document: Any, pdf: Any) -> None:
    """Make fonts small, and name an attachment once where WeasyPrint 70 names it twice."""
    _compact_fonts(document, pdf)
    if "AF" in pdf.catalog:
        pdf.catalog["AF"][:] = dict.fromkeys(pdf.catalog["AF"])
    for entry in pdf.objects:
        kind: Any = type(entry)
        entry.__class__ = _written_once(kind)


@functools.cache
def _written_once(kind: Any) -> Any:
    """Return the same kind of object that keeps its bytes: pydyf 0.13 asks for all twice, the file and its identifier.

    Nothing changes an object after `_finish`; to write and to compress them again is a fifteenth of a page's time.
    """
    return type(kind.__name__, (kind,), {"data": functools.cached_property(kind.data.fget)})


def _compact_fonts(document: Any, pdf: Any) -> None:
    """Leave out the empty glyphs that WeasyPrint keeps so that glyphs keep their numbers: 60,000 in a Chinese font.

    A CID-keyed CFF font has a table of its own from the numbers in the text to its glyphs (PDF 1.7, 9.7.4.2), so its
    glyphs may be renumbered. It is embedded as bare CFF, which more viewers show than OpenType-CFF does (#1844).
    """
    import io

    import uharfbuzz
    from fontTools.ttLib import TTFont

    used: dict[int, set[int]] = {}
    for font in document.fonts.values():
        if not font.used_in_forms:
            used.setdefault(id(font.file_content), set()).update(font.to_unicode)
    for entry in pdf.objects:
        if getattr(entry, "extra", {}).get("Subtype") != "/OpenType" or id(entry.stream[0]) not in used:
            continue
        content = entry.stream[0]
        if not hasattr(TTFont(io.BytesIO(content), lazy=True)["CFF "].cff.topDictIndex[0], "ROS"):
            continue
        wanted = uharfbuzz.SubsetInput()
        wanted.sets(uharfbuzz.SubsetInputSets.GLYPH_INDEX).update(used[id(content)])
        wanted.flags = uharfbuzz.SubsetFlags.DESUBROUTINIZE | uharfbuzz.SubsetFlags.NO_HINTING
        subset = uharfbuzz.subset(uharfbuzz.Face(content), wanted)
        entry.stream = [bytes(subset.reference_table("CFF ").data)]
        entry.extra["Subtype"] = "/CIDFontType0C"


def _limit(cpu_s: float) -> None:
    """Let the system end this process after so much more processor time, user and kernel; 0 takes the limit away."""
    if OVERTIME:
        signal.signal(OVERTIME, signal.SIG_DFL)  # a parent may have it ignored
        signal.setitimer(signal.ITIMER_PROF, cpu_s)


def _postpone(name: str) -> None:
    """Import a module when it is first used: WeasyPrint imports this one for machines without HarfBuzz's subsetter.

    That is a quarter of the time that WeasyPrint takes to load.
    """
    import importlib.util

    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None or name in sys.modules:
        return
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer pages until there are no more."""
    collector = _Collector()
    logger = logging.getLogger("weasyprint")
    logger.handlers[:] = [collector]
    logger.propagate = False
    # Loaded before the first page is asked for, so that it is ready while the parent still prepares it.
    _postpone("fontTools.subset")
    import uharfbuzz  # noqa: F401
    import weasyprint  # noqa: F401

    # A document makes some hundred thousand boxes and frees nearly all of them at its end: looking for cycles
    # among them all the while takes up to a third of the time of a long one. That is done once, when it has been sent.
    gc.freeze()
    gc.disable()

    while len(header := requests.read(8)) == 8:
        request = json.loads(requests.read(int.from_bytes(header, "big")))
        html = requests.read(request["size"]).decode("utf-8")
        attached = requests.read(request["attached"])
        collector.lines.clear()
        pdf, error = b"", None
        _limit(request["cpu_limit_s"])
        try:
            pdf = print_page(html, attached, request["created"])
        except Exception as failure:  # noqa: BLE001 - the parent makes it a DocumentError
            error = f"{type(failure).__name__}: {failure}"
        finally:
            _limit(0)
        head = json.dumps({"warnings": collector.lines, "error": error, "size": len(pdf)}).encode()
        replies.write(len(head).to_bytes(8, "big") + head + pdf)
        replies.flush()
        gc.collect()


if __name__ == "__main__":
    # Nothing but replies may reach stdout: keep it for them, and let stray prints go to stderr.
    _replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    # An interruption is the parent's to handle: it closes stdin, or ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        serve(sys.stdin.buffer, _replies)
    except BrokenPipeError:  # the parent has ended in the middle of a page
        os._exit(0)
