"""Seven tabs and the board in one browser (A12): pages, what is told of live calls, and an hour without a network."""

from __future__ import annotations

import os
import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from qareport.model import AlertState, LiveEvent, UserRole
from qareport.web import create_app
from qareport.web.live_feed import LiveFeed
from tests.support.desk import OpenDesk, open_desk
from tests.support.live_board import put_alert, put_call
from tests.support.serving import listening, wait_for

#: Bars in milliseconds: a page, and from what the worker tells to what the page shows.
PAGE_MS, EVENT_MS = 1000, 300
#: In seconds: so long the browser has no network.
OFFLINE_S: Final = 60.0
EVENTS: Final = 40
TABS: Final = ("/", "/calls", "/calls/c1", "/heat", "/review", "/rules/service.yaml", "/upload")
#: Notes in the page when a text first stands in it, by the clock that this process has, too.
_WATCH: Final = """
window.seen = {};
new MutationObserver(() => {
  for (const [, name] of document.body.innerText.matchAll(/(事件\\d+号)/g)) window.seen[name] ??= Date.now();
}).observe(document.body, { subtree: true, childList: true, characterData: true });
"""


def measure_tabs(folder: Path) -> dict[str, Any]:
    """Open the tabs and the board, tell of events, take the network away and bring it back."""
    with _opened(folder) as (desk, address, browser), LiveFeed(Path(desk.desk.settings.desk.folder)) as feed:
        context = browser.new_context(base_url=address, locale="zh-CN")
        token = desk.enter(UserRole.ADMIN).cookies["qareport"]
        context.add_cookies([{"name": "qareport", "value": token, "url": address}])
        tabs = {path: context.new_page() for path in TABS}
        calls = [put_call(desk, f"live{number}", "A1", lines=()) for number in range(3)]
        board = context.new_page()
        opened = {"/board": _open(board, "/board"), **{path: _open(page, path) for path, page in tabs.items()}}
        again = {path: _open(page, path) for path, page in tabs.items()}
        board.evaluate(_WATCH)
        wait_for(lambda: feed._listeners, what="the desk that follows the worker", seconds=30)
        in_front = _tell(board, feed, calls[0].live_id, 0)
        tabs["/calls"].bring_to_front()
        behind = _tell(board, feed, calls[0].live_id, EVENTS)
        missed = _go_offline(context, board, desk, feed)
    pages = [*opened.values(), *again.values()]
    return {
        "tabs": len(TABS), "pages_ms": {"p50": round(statistics.median(pages)), "worst": round(max(pages))},
        "event_ms": {"in_front": _figures(in_front), "behind": _figures(behind)}, "offline_s": OFFLINE_S,
        **missed, "load_average": round(os.getloadavg()[0], 1),
        "meets": max(pages) <= PAGE_MS and max(_p95(in_front), _p95(behind)) <= EVENT_MS and not missed["alerts_lost"],
    }  # fmt: skip


@contextmanager
def _opened(folder: Path) -> Iterator[tuple[OpenDesk, str, Browser]]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise SystemExit("Chromium is not installed: see deploy/system-packages")
    with open_desk(folder) as desk:
        desk.clock.now = datetime.now(UTC)
        with listening(create_app(desk.desk)) as address, sync_playwright() as started:
            browser = started.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
            yield desk, address, browser
            browser.close()


def _open(page: Page, path: str) -> float:
    """Open a page; return the milliseconds until it is there, its scripts too."""
    began = time.monotonic()
    page.goto(path, wait_until="load")
    return (time.monotonic() - began) * 1000


def _tell(board: Page, feed: LiveFeed, live_id: str, first: int) -> list[float]:
    """Tell of sentences, one after the other; return the milliseconds until each stands on the board."""
    told = {}
    for number in range(first, first + EVENTS):
        at_ms, text = 1000 * (number + 1), f"事件{number}号"
        told[text] = time.time() * 1000
        said = {
            "start_ms": at_ms,
            "end_ms": at_ms + 900,
            "role": "customer",
            "channel": 0,
            "text": text,
            "emotion": "ANGRY",
        }
        feed.tell(LiveEvent(type="live.line", live_id=live_id, agent_id="A1", data=said))
        time.sleep(0.3)
    time.sleep(2)
    seen: dict[str, float] = board.evaluate("window.seen")
    if lost := told.keys() - seen.keys():
        raise SystemExit(f"the board never showed {sorted(lost)}")
    return [seen[text] - at for text, at in told.items()]


def _go_offline(context: BrowserContext, board: Page, desk: OpenDesk, feed: LiveFeed) -> dict[str, Any]:
    """Take the network away, raise alerts, bring it back; return which alerts the board shows then."""
    context.set_offline(True)
    raised = []
    for number in range(6):
        call = put_call(desk, f"gone{number}", "A2", lines=())
        alert = put_alert(desk, call, quote=f"断网时说的{number}", state=AlertState.NEW)
        feed.tell(
            LiveEvent(type="alert.raised", live_id=call.live_id, agent_id="A2", data={"alert_id": alert.alert_id})
        )
        raised.append(alert.quote)
        time.sleep(OFFLINE_S / 6)
    context.set_offline(False)
    began = time.monotonic()

    def lost() -> list[str]:
        text = board.evaluate("document.body.innerText")
        return [quote for quote in raised if quote not in text]

    while lost() and time.monotonic() - began < 30:
        board.wait_for_timeout(100)
    return {"alerts": len(raised), "alerts_lost": lost(), "back_s": round(time.monotonic() - began, 1)}


def _figures(ms: list[float]) -> dict[str, float]:
    return {"p50": round(statistics.median(ms)), "p95": round(_p95(ms)), "worst": round(max(ms))}


def _p95(ms: list[float]) -> float:
    return sorted(ms)[max(0, -(-len(ms) * 95 // 100) - 1)]
