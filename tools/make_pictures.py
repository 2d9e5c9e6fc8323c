"""Make the pictures of the supervisor's guide anew, from the desk of the demo: `python -m tools.make_pictures`.

Needs Chromium; takes some minutes. `python -m tools.make_pictures ORDER.pdf DAY.pdf` makes the picture of the README
instead, from documents that `qareport demo` wrote. Look at the pictures before they are committed.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import httpx2
import pypdfium2
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.support.paths import ROOT
from tests.support.serving import Serving, serving, wait_for

PICTURES = ROOT / "docs" / "images" / "desk"
REPORTS = ROOT / "docs" / "images" / "reports.png"
#: Its frame, and the dots of an inch of its pages.
_FRAME, _DPI = 8, 80
LOCALES = ("zh-CN", "en")
#: Pages by the name of their picture, each with the part that is brought to the top, or None.
LIVE: Mapping[str, tuple[str, str | None]] = {"board": ("/board", None)}
VIEWS: Mapping[str, tuple[str, str | None]] = {
    "today": ("/", None),
    "calls": ("/calls", None),
    "upload": ("/upload", None),
    "call": ("{call}", None),
    "review": ("{call}", "#findings"),
    "rules": ("/rules?q=运费", None),
    "rule": ("/rules/returns-refunds.yaml?tab=form&rule=returns.freight-unanswered", "#form"),
}
_PATIENCE_S = 1_800


def main() -> None:
    """Start the demo's desk; photograph the board when an alert rings, the rest when the calls have been heard."""
    with tempfile.TemporaryDirectory() as folder, serving("--demo", cwd=Path(folder)) as desk:
        wait_for(lambda: _answers(desk), what="the desk")
        with closing(desk.browser("supervisor")) as client, closing(desk.browser("admin")) as admin:
            token = client.cookies["qareport"]
            wait_for(lambda: 'class="raised-' in client.get("/board").text, what="an alert", seconds=_PATIENCE_S)
            _photograph(desk, token, LIVE)
            wait_for(lambda: _is_quiet(admin), what="the calls of the demo", seconds=_PATIENCE_S)
            _photograph(desk, token, VIEWS, call=_worst(client))


def make_reports(documents: Sequence[Path]) -> None:
    """Put the first pages of some documents side by side."""
    pages = [pypdfium2.PdfDocument(path)[0].render(scale=_DPI / 72).to_pil() for path in documents]
    width = sum(page.width for page in pages) + _FRAME * (len(pages) + 1)
    picture = Image.new("RGB", (width, max(page.height for page in pages) + 2 * _FRAME), "#cfd6dc")
    left = _FRAME
    for page in pages:
        picture.paste(page, (left, _FRAME))
        left += page.width + _FRAME
    picture.quantize(128, dither=Image.Dither.NONE).save(REPORTS, optimize=True)


def _answers(desk: Serving) -> bool:
    try:
        return httpx2.get(f"{desk.address}/healthz", trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False


def _is_quiet(client: httpx2.Client) -> bool:
    """Whether no recording waits any longer: the first page says how many do."""
    return "正在识别或排队" not in client.get("/", headers={"accept-language": "zh-CN"}).text


def _worst(client: httpx2.Client) -> str:
    """Name the page of the call with the lowest score."""
    calls = client.get("/api/v1/calls", params={"limit": 100}).json()["items"]
    scored = [call for call in calls if call["score"] is not None]
    return f"/calls/{min(scored, key=lambda call: call['score'])['call_id']}"


def _photograph(desk: Serving, token: str, views: Mapping[str, tuple[str, str | None]], *, call: str = "") -> None:
    """Save a picture of each page in each language."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        for locale in LOCALES:
            context = browser.new_context(
                viewport={"width": 1280, "height": 860}, locale=locale, base_url=desk.address, color_scheme="light"
            )
            context.add_cookies([{"name": "qareport", "value": token, "url": desk.address}])
            page = context.new_page()
            page.set_default_timeout(120_000)
            for name, (place, part) in views.items():
                page.goto(place.format(call=call))
                if part is not None:
                    page.evaluate(f"document.querySelector('{part}').scrollIntoView()")
                page.wait_for_timeout(1_000)  # waveforms and editors draw themselves
                _save(page, PICTURES / locale / f"{name}.png")
        browser.close()


def _save(page: Page, path: Path) -> None:
    """Save what is in view with 128 colours: a third of the size, and nobody sees it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    if sys.argv[1:]:
        make_reports([Path(name) for name in sys.argv[1:]])
    else:
        main()
