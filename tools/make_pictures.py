"""Make the pictures of the supervisor's guide anew, from the desk of the demo: `python -m tools.make_pictures`.

Needs Chromium; takes a minute or two. Look at them before they are committed.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from itertools import count, takewhile
from pathlib import Path

import httpx2
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.support.paths import ROOT
from tests.support.serving import Serving, serving, wait_for

PICTURES = ROOT / "docs" / "images" / "desk"
LOCALES = ("zh-CN", "en")
#: What each picture shows: a page, and the part of it that is in view.
VIEWS = {
    "today": ("/", None),
    "calls": ("/calls", None),
    "upload": ("/upload", None),
    "heat": ("/heat", None),
    "call": ("{call}", None),
    "review": ("{call}", "#findings"),
    "rules": ("/rules", None),
    "rule": ("{rule}", None),
}


def main() -> None:
    """Start the demo desk, wait until it has heard its calls, and photograph its pages in both languages."""
    with tempfile.TemporaryDirectory() as folder, serving("--demo", cwd=Path(folder)) as desk:
        wait_for(lambda: _answers(desk), what="the desk")
        with desk.browser("supervisor") as client:
            wait_for(lambda: _is_quiet(client), what="the calls of the demo", seconds=900)
            cookie = client.cookies["qareport"]
            places = {"call": _worst(client), "rule": "/rules/attitude.yaml"}
        for locale in LOCALES:
            _photograph(desk, cookie, locale, places)


def _answers(desk: Serving) -> bool:
    try:
        return httpx2.get(f"{desk.address}/healthz", trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False


def _is_quiet(client: httpx2.Client) -> bool:
    """Whether there are uploads, and none waits any longer."""
    uploads = takewhile(
        lambda answer: answer.status_code == 200,
        (client.get(f"/api/v1/uploads/{number}") for number in count(1)),
    )
    states = {answer.json()["state"] for answer in uploads}
    return bool(states) and states <= {"done", "failed"}


def _worst(client: httpx2.Client) -> str:
    """Name the page of the call with the lowest score."""
    calls = client.get("/api/v1/calls", params={"limit": 100}).json()["items"]
    scored = [call for call in calls if call["score"] is not None]
    return f"/calls/{min(scored, key=lambda call: call['score'])['call_id']}"


def _photograph(desk: Serving, cookie: str, locale: str, places: dict[str, str]) -> None:
    folder = PICTURES / locale
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as started:
        program = shutil.which("chromium") or shutil.which("google-chrome")
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(
            viewport={"width": 1280, "height": 860}, locale=locale, base_url=desk.address, color_scheme="light"
        )
        context.add_cookies([{"name": "qareport", "value": cookie, "url": desk.address}])
        page = context.new_page()
        for name, (place, part) in VIEWS.items():
            page.goto(place.format(**places))
            if part is not None:
                page.locator(part).scroll_into_view_if_needed()
                page.evaluate(f"document.querySelector('{part}').scrollIntoView()")
            page.wait_for_timeout(1_000)  # waveforms and editors draw themselves
            _save(page, folder / f"{name}.png")
        browser.close()


def _save(page: Page, path: Path) -> None:
    """Save what is in view with 128 colours: a third of the size, and nobody sees it."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
