"""A real browser for tests: Chromium without a window, driven through its debugging pipe."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.postgres import REQUIRE_ALL

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
#: Whether tests in a browser are skipped; where everything is required, they fail instead.
SKIPPED = CHROMIUM is None and not os.environ.get(REQUIRE_ALL)
_PATIENCE_S = 600


class Browser:
    """One page in a browser."""

    def __init__(self, write_fd: int, read_fd: int) -> None:
        self._write_fd, self._read_fd = write_fd, read_fd
        self._rest = b""
        self._number = 0
        self._session = ""
        #: What the page's console and its security policy complained of.
        self.complaints: list[str] = []

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of the DevTools protocol and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write_fd, json.dumps(message).encode() + b"\0")
        while True:
            reply = self._read()
            if reply.get("id") == self._number:
                assert "error" not in reply, reply["error"]
                return dict(reply["result"])
            if reply.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown"):
                self.complaints.append(json.dumps(reply["params"], ensure_ascii=False))

    def open(self, url: str) -> None:
        """Open a page and wait until it is there."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Log", "Runtime", "Page"):
            self.ask(f"{domain}.enable")
        self.ask("Page.navigate", url=url)
        self.wait("document.readyState == 'complete' && location.protocol == 'file:'")

    def evaluate(self, code: str) -> Any:
        """Run JavaScript as a click of the user would, and return its value."""
        result = self.ask("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True, userGesture=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait(self, condition: str) -> None:
        """Wait until a JavaScript expression holds."""
        end = time.monotonic() + _PATIENCE_S
        while not self.evaluate(condition):
            assert time.monotonic() < end, f"never came true: {condition}"
            time.sleep(0.05)

    def picture(self, path: Path) -> None:
        """Save what is seen of the page."""
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"]))

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = os.read(self._read_fd, 1 << 20)
            assert more, "the browser has ended"
            self._rest += more
        message, self._rest = self._rest.split(b"\0", 1)
        return dict(json.loads(message))


@contextmanager
def browser(profile: Path, *, size: str = "1200,900") -> Iterator[Browser]:
    """Start a browser for the block."""
    assert CHROMIUM is not None
    to_child, from_us = os.pipe()
    to_us, from_child = os.pipe()

    def as_three_and_four() -> None:
        # Both are out of the way first, so that neither lands on the other.
        first, second = os.dup(to_child), os.dup(from_child)
        os.dup2(first, 3)
        os.dup2(second, 4)

    command = [
        CHROMIUM,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--autoplay-policy=no-user-gesture-required",
        "--remote-debugging-pipe",
        f"--user-data-dir={profile}",
        f"--window-size={size}",
    ]
    process = subprocess.Popen(
        command, preexec_fn=as_three_and_four, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.close(to_child)
    os.close(from_child)
    try:
        yield Browser(from_us, to_us)
    finally:
        process.kill()
        process.wait()
        os.close(from_us)
        os.close(to_us)
