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
#: Rules about list markers and notes in WeasyPrint's own style sheet, and what uses them.
_NOTE_RULES = re.compile(r"^::[\w-]+ *\{[^}]*\}", re.MULTILINE)
_NOTES = re.compile(r"<(li|summary)\b|list-item|footnote|::(marker|note)|position *: *note", re.IGNORECASE)
#: Tables of a font by which text is laid out: a page has its glyphs in their places already.
_UNUSED_TABLES = tuple(
    int.from_bytes(name, "big")
    for name in (b"BASE", b"DSIG", b"EBDT", b"EBLC", b"EBSC", b"GPOS", b"GSUB", b"JSTF", b"LTSH", b"PCLT", b"SVG ")
)
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
    from weasyprint.urls import URLFetcher

    _improve_fonts()
    kind = HTML if _NOTES.search(html) else _without_notes()
    fetcher = URLFetcher(allowed_protocols={"data"}, allow_redirects=False)
    page, styles = _split_styles(html)
    document = kind(string=page, url_fetcher=fetcher)
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


@functools.cache
def _without_notes() -> Any:
    """Return the kind of pages without list markers and notes.

    WeasyPrint 70 computes six styles for them beside that of each element: a tenth of a page's time.
    """
    from weasyprint import CSS, HTML
    from weasyprint.css.counters import CounterStyle
    from weasyprint.html import UA

    sheet = CSS(string=_NOTE_RULES.sub("", UA), counter_style=CounterStyle())  # HTML brings these
    return type("PageWithoutNotes", (HTML,), {"_ua_stylesheets": lambda page, forms=False: [sheet]})


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
    """Embed fonts as they are shown best, and name an attachment once where WeasyPrint 70 names it twice."""
    _embed_bare_cff(document, pdf)
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


@functools.cache
def _improve_fonts() -> None:
    """Let WeasyPrint 70 cut fonts once, and number characters that a font lacks so that each keeps its number."""
    from weasyprint.pdf.fonts import Font

    cut_twice = Font.subset

    def subset(font: Any, to_unicode: Any, hinting: bool) -> None:
        if not _cut_once(font, to_unicode):
            cut_twice(font, to_unicode, hinting)

    Font.subset = subset
    Font.get_unused_glyph_id = _unused_glyph


def _cut_once(font: Any, to_unicode: Any) -> bool:
    """Leave only the used glyphs in a font whose glyphs may be renumbered; False for others.

    WeasyPrint keeps empty glyphs so that glyphs keep their numbers, 60,000 in a Chinese font, and cuts each font twice:
    a tenth of a page's time. A CID-keyed CFF font has a table of its own from the numbers in the text to its glyphs
    (PDF 1.7, 9.7.4.2).
    """
    import io

    import uharfbuzz
    from fontTools.ttLib import TTFont

    if not to_unicode or "CFF " not in font.tables or "fvar" in font.tables:
        return False
    wanted = uharfbuzz.SubsetInput()
    wanted.sets(uharfbuzz.SubsetInputSets.GLYPH_INDEX).update(to_unicode)
    wanted.sets(uharfbuzz.SubsetInputSets.DROP_TABLE_TAG).update(_UNUSED_TABLES)
    wanted.flags = uharfbuzz.SubsetFlags.DESUBROUTINIZE | uharfbuzz.SubsetFlags.NO_HINTING
    cut = bytes(uharfbuzz.subset(uharfbuzz.Face(font.file_content, font.index), wanted).blob.data)
    if not hasattr(TTFont(io.BytesIO(cut), lazy=True)["CFF "].cff.topDictIndex[0], "ROS"):
        return False
    font.file_content, font.is_cut_once = cut, True
    return True


def _embed_bare_cff(document: Any, pdf: Any) -> None:
    """Embed such fonts as bare CFF, which more viewers show than OpenType-CFF (#1844)."""
    import uharfbuzz

    cut = {id(font.file_content) for font in document.fonts.values() if hasattr(font, "is_cut_once")}
    for entry in pdf.objects:
        if getattr(entry, "extra", {}).get("Subtype") == "/OpenType" and id(entry.stream[0]) in cut:
            entry.stream = [bytes(uharfbuzz.Face(entry.stream[0]).reference_table("CFF ").data)]
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
