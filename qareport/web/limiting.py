"""What a request may take: how many a person or a program may send in a while, and how large each may be."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable
from typing import Final

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


def is_too_large(request: Request) -> bool:
    """Tell whether a request says itself that its body is too large."""
    length = request.headers.get("content-length", "0")
    return not is_recording(request) and (not length.isdigit() or int(length) > MOST_BODY)


def counted(receive: Receive, request: Request) -> Callable[[], Awaitable[Message]]:
    """Return what receives a body, and refuses one that gets too large whatever was said of its length."""
    if is_recording(request):
        return receive
    size = 0

    async def receive_counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > MOST_BODY:
            raise HTTPException(413)
        return message

    return receive_counted
