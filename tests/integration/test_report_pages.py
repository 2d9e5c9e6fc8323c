"""Pages as pictures, beside those that were looked at: nothing cut, overlapping, empty or missing.

`UPDATE_GOLDEN=1 python -m pytest tests/integration/test_report_pages.py` draws the pictures anew; look at them before
they are committed. Another font draws other pictures, so they are compared only where the fonts are the same.
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
from qareport.report.fonts import chinese_font
from qareport.settings import ReportSettings
from tests import period_samples
from tests import report_samples as samples
from tests.poppler import poppler

PAGES = Path(__file__).parent.parent / "golden" / "pages"
FONTS = PAGES / "fonts.json"
SETTINGS = ReportSettings(organisation="客户服务中心")
DPI = 60
#: Shades from 0 to 255. Two versions of a rasteriser smooth edges differently by less than the first; a page on which
#: a line of text moved, or is not there, differs by more than the second in more of its dots than the share.
SMOOTHING, SHARE = 64, 0.004


def order(made: samples.OrderReport) -> bytes:
    return report.render(made, "pdf", templates=None, settings=SETTINGS)


def day() -> bytes:
    made = period_samples.large_report()
    return report.render_period(made, "pdf", templates=None, settings=SETTINGS)


#: Which document, and which of its pages (counted from the end if negative).
DOCUMENTS: dict[str, tuple[Callable[[], bytes], Sequence[int]]] = {
    "short": (functools.partial(order, samples.RICH), (0, 1, 2, 3)),
    "long": (functools.partial(order, samples.long_call(300)), (0, 1, 2, -1)),
    "empty": (functools.partial(order, samples.EMPTY), (0, 1)),
    "mono": (functools.partial(order, samples.UNKNOWN_ROLES), (0, 1)),
    "failed": (functools.partial(order, samples.FAILED_ONLY), (0,)),
    "five_calls": (functools.partial(order, samples.FIVE_CALLS), (0, 1, -2, -1)),
    "day": (day, (0, 1, 2, -1)),
}


def draw(content: bytes, pages: Sequence[int]) -> list[Image.Image]:
    document = pypdfium2.PdfDocument(content)
    numbers = [number % len(document) for number in pages]
    return [document[number].render(scale=DPI / 72, grayscale=True).to_pil() for number in numbers]


def fonts_of(content: bytes) -> list[str]:
    """Name the fonts of a PDF, and the file that its Chinese is drawn from."""
    listed = poppler("pdffonts", content, "-").splitlines()[2:]
    file = hashlib.sha256(Path(chinese_font().files[0]).read_bytes()).hexdigest()[:16]
    return [*sorted(line.split()[0].split("+")[-1] for line in listed), file]


def different_share(one: Image.Image, other: Image.Image) -> float:
    if one.size != other.size:
        return 1.0
    shades = [np.asarray(picture, dtype=np.int16) for picture in (one, other)]
    return float((np.abs(shades[0] - shades[1]) > SMOOTHING).mean())


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_pages_look_as_they_were_reviewed(name: str) -> None:
    make, numbers = DOCUMENTS[name]
    content = make()
    known = json.loads(FONTS.read_text("utf-8")) if FONTS.exists() else {}
    drawn = draw(content, numbers)
    if os.environ.get("UPDATE_GOLDEN"):
        PAGES.mkdir(exist_ok=True)
        for number, picture in enumerate(drawn, start=1):
            picture.quantize(16).save(PAGES / f"{name}-{number}.png", optimize=True)
        FONTS.write_text(json.dumps(dict(sorted({**known, name: fonts_of(content)}.items())), indent=1) + "\n", "utf-8")
        return
    if known.get(name) != fonts_of(content):
        pytest.skip(f"the pictures were drawn with other fonts: {known.get(name)}")
    expected = [Image.open(PAGES / f"{name}-{number}.png").convert("L") for number in range(1, len(numbers) + 1)]
    shares = [different_share(one, other) for one, other in zip(drawn, expected, strict=True)]
    assert max(shares) <= SHARE, shares


def test_a_line_that_is_missing_is_seen() -> None:
    whole = draw(order(samples.RICH), (0,))[0]
    call = replace(samples.RICH_CALL, moments=samples.RICH_CALL.moments[1:])
    changed = draw(order(samples.with_dossier(replace(samples.EXAMPLE, calls=(call,)))), (0,))[0]
    assert different_share(whole, changed) > SHARE
