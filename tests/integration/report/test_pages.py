"""Pages as pictures, beside those that were looked at: nothing cut, overlapping, empty or missing.

Word documents are seen as LibreOffice prints them.

`UPDATE_GOLDEN=1 python -m pytest tests/integration/report/test_pages.py` draws the pictures anew; look at them before
they are committed. Another font draws other pictures and another LibreOffice breaks other lines, so they are compared
only where both are the same.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from PIL import Image

from qareport import report
from qareport.model import OrderReport, PeriodReport
from qareport.presentation.fonts import chinese_font
from qareport.settings import ReportSettings
from tests.support import period_samples
from tests.support import report_samples as samples
from tests.support.libreoffice import to_pdf, version
from tests.support.paths import GOLDEN
from tests.support.poppler import poppler

PAGES = GOLDEN / "pages"
FONTS = PAGES / "fonts.json"
SETTINGS = ReportSettings(organisation="客户服务中心")
DPI = 60
#: Shades from 0 to 255. Two versions of a rasteriser smooth edges differently by less than the first; a page on which
#: a line of text moved, or is not there, differs by more than the second in more of its dots than the share.
SMOOTHING, SHARE = 64, 0.004
#: Share of a page's height that its header has, and its footer.
MARGIN = 0.06


Report = OrderReport | PeriodReport
#: Which report, and which of its pages (counted from the end if negative).
REPORTS: dict[str, tuple[Callable[[], Report], Sequence[int]]] = {
    "short": (lambda: samples.RICH, (0, 1, 2, 3)),
    "long": (samples.long_call, (0, 1, 2, -1)),
    "empty": (lambda: samples.EMPTY, (0, 1)),
    "mono": (lambda: samples.UNKNOWN_ROLES, (0, 1)),
    "failed": (lambda: samples.FAILED_ONLY, (0,)),
    "five_calls": (lambda: samples.FIVE_CALLS, (0, 1, -2, -1)),
    "day": (period_samples.large_report, (0, 1, 2, -1)),
}


def made(what: Report, kind: str) -> bytes:
    if isinstance(what, PeriodReport):
        return report.render(what, kind, templates=None, settings=SETTINGS)
    return report.render(what, kind, templates=None, settings=SETTINGS)


@functools.cache
def word_pages() -> dict[str, bytes]:
    """Let LibreOffice print all the Word documents."""
    return to_pdf({name: made(make(), "docx") for name, (make, _) in REPORTS.items()})


@functools.cache
def printed(name: str, kind: str) -> bytes:
    return word_pages()[name] if kind == "docx" else made(REPORTS[name][0](), kind)


def draw(content: bytes, pages: Sequence[int]) -> list[Image.Image]:
    document = pypdfium2.PdfDocument(content)
    numbers = [number % len(document) for number in pages]
    return [document[number].render(scale=DPI / 72, grayscale=True).to_pil() for number in numbers]


def fonts_of(content: bytes) -> list[str]:
    """Name the fonts of a PDF, and the file that its Chinese is drawn from."""
    listed = poppler("pdffonts", content, "-").splitlines()[2:]
    file = hashlib.sha256(Path(chinese_font().files[0]).read_bytes()).hexdigest()[:16]
    return [*sorted(line.split()[0].split("+")[-1] for line in listed), file]


def different_share(drawn: Image.Image, expected: Image.Image) -> float:
    if drawn.size != expected.size:
        return 1.0
    shades = [np.asarray(picture, dtype=np.int16) for picture in (drawn, expected)]
    return float((np.abs(shades[0] - shades[1]) > SMOOTHING).mean())


@pytest.mark.parametrize("kind", ["pdf", "docx"])
@pytest.mark.parametrize("name", sorted(REPORTS))
def test_pages_look_as_they_were_reviewed(name: str, kind: str) -> None:
    content, numbers = printed(name, kind), REPORTS[name][1]
    pages = f"{name}-{kind}"
    drawn_with = fonts_of(content) + ([version()] if kind == "docx" else [])
    known = json.loads(FONTS.read_text("utf-8")) if FONTS.exists() else {}
    drawn = draw(content, numbers)
    if os.environ.get("UPDATE_GOLDEN"):
        PAGES.mkdir(exist_ok=True)
        for number, picture in enumerate(drawn, start=1):
            picture.quantize(16).save(PAGES / f"{pages}-{number}.png", optimize=True)
        FONTS.write_text(json.dumps(dict(sorted({**known, pages: drawn_with}.items())), indent=1) + "\n", "utf-8")
        return
    if known.get(pages) != drawn_with:
        pytest.skip(f"the pictures were drawn with {known.get(pages)}, not with {drawn_with}")
    expected = [Image.open(PAGES / f"{pages}-{number}.png").convert("L") for number in range(1, len(numbers) + 1)]
    shares = [different_share(page, picture) for page, picture in zip(drawn, expected, strict=True)]
    assert max(shares) <= SHARE, shares


@pytest.mark.parametrize("kind", ["pdf", "docx"])
@pytest.mark.parametrize("name", sorted(REPORTS))
def test_no_page_is_empty(name: str, kind: str) -> None:
    document = pypdfium2.PdfDocument(printed(name, kind))
    for number in range(len(document)):
        page = document[number]
        height = page.get_height()
        body = page.get_textpage().get_text_bounded(bottom=height * MARGIN, top=height * (1 - MARGIN))
        assert body.strip(), f"page {number + 1} of {len(document)}"


def test_a_line_that_is_missing_is_seen() -> None:
    whole = draw(made(samples.RICH, "pdf"), (0,))[0]
    call = replace(samples.RICH_CALL, moments=samples.RICH_CALL.moments[1:])
    changed = draw(made(samples.with_dossier(replace(samples.EXAMPLE, calls=(call,))), "pdf"), (0,))[0]
    assert different_share(whole, changed) > SHARE
