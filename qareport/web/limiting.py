"""What a request may take: how many a person or a program may send in a while, and how large each may be."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable
from typing import Final

import anyio
from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive

from qareport.web.access import Principal

#: Pages: 20 a second for each person; API: 10 a second for each token, with bursts of 50.
_PAGES, _API = RateLimitItemPerSecond(100, 5), RateLimitItemPerSecond(50, 5)
#: Bytes of a body; recordings have a limit of their own, `desk.upload_megabytes`.
MOST_BODY: Final = 1 << 20
#: Recordings of one form.
_FILES: Final = 50
#: Seconds that a body may take, and a recording between two parts of it.
SLOWEST_S: Final = 30.0


class RequestLimits:
    """Counts the requests of each person, token and, of strangers, address."""

    def __init__(self) -> None:
        self._limiter: Final = SlidingWindowCounterRateLimiter(MemoryStorage())

    def wait_s(self, request: Request, principal: Principal | None) -> int:
        """Count a request. Returns 0, or the seconds after which the next one is taken."""
        path = request.url.path
        if path.startswith("/static/") or path in ("/healthz", "/readyz"):
            return 0
        item, part = (_API, "api") if path.startswith("/api/") else (_PAGES, "pages")
        key = _key(request, principal)
        if self._limiter.hit(item, part, key):
            return 0
        until = self._limiter.get_window_stats(item, part, key).reset_time
        return max(1, math.ceil(until - time.time()))


def _key(request: Request, principal: Principal | None) -> str:
    if principal is None:
        return f"ip:{request.client.host if request.client else ''}"
    return f"token:{principal.token.token_id}" if principal.token else f"user:{principal.user.user_id}"


def is_recording(request: Request) -> bool:
    """Tell whether the body of a request holds recordings."""
    path = request.url.path
    is_content = request.method == "PUT" and path.startswith("/api/v1/uploads/") and path.endswith("/content")
    return is_content or (request.method == "POST" and path == "/upload")


def is_too_large(request: Request, most_recording: int) -> bool:
    """Tell whether a request says itself that its body is too large.

    Args:
        request: the request.
        most_recording: bytes of a recording at most.
    """
    length = request.headers.get("content-length", "0")
    most = most_recording * (_FILES if request.method == "POST" else 1) if is_recording(request) else MOST_BODY
    return not length.isdigit() or int(length) > most


def counted(receive: Receive, request: Request) -> Callable[[], Awaitable[Message]]:
    """Return what receives a body, and refuses one that gets too large whatever was said of its length, or too slow.

    A recording may take as long as it needs, as long as something comes; any other body is there in `SLOWEST_S`.
    """
    recording, size, ended, began = is_recording(request), 0, False, anyio.current_time()

    async def receive_counted() -> Message:
        nonlocal size, ended
        if ended:  # who waits now waits for the other side to hang up
            return await receive()
        left = SLOWEST_S if recording else began + SLOWEST_S - anyio.current_time()
        with anyio.move_on_after(max(0.0, left)) as waiting:
            message = await receive()
        if waiting.cancelled_caught:
            raise HTTPException(408)
        ended = not message.get("more_body", False)
        size += len(message.get("body", b""))
        if not recording and size > MOST_BODY:
            raise HTTPException(413)
        return message

    return receive_counted
