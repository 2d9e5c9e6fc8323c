"""A real HTTP server on loopback that takes deliveries, and a channel of the outbox that delivers to it.

It stands for channels that deliver at least once: whatever it may not have got is sent again under the same key.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from qareport.delivery import Clock, DispatchResult, RetryPolicy, dispatch
from qareport.errors import DeliveryError
from qareport.model import ChannelKind, DeliveryRecord, DeliveryState, Guarantee, Outcome
from qareport.store import Store

HOOK = ChannelKind(name="hook", guarantee=Guarantee.AT_LEAST_ONCE)
#: Takes the delivery, then hangs up without an answer: the sender cannot know.
DROP_AFTER = 0
NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
POLICY = RetryPolicy(waits_s=(60.0, 300.0), give_up_hours=48)


@dataclass(slots=True)
class HookServer:
    """The server, and every request that reached it. Use as a context manager."""

    #: HTTP status of each answer, by the number of the request; or DROP_AFTER.
    answer: Callable[[int], int] = lambda number: 204
    #: Idempotency key and content of each request, in order.
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    _server: Any = None

    def __enter__(self) -> Self:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                owner.taken.append((self.headers["Idempotency-Key"], content))
                status = owner.answer(len(owner.taken))
                if status == DROP_AFTER:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._server.server_address[1]
        return port


class HookChannel:
    """Posts each delivery with its key as the idempotency key."""

    kind = HOOK

    def __init__(self, port: int) -> None:
        self._port = port

    def send(self, delivery: DeliveryRecord, content: bytes, *, begin: Callable[[], bool]) -> Outcome | None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=600)
        try:
            connection.connect()
        except OSError as error:
            raise DeliveryError(f"cannot be reached: {error}", where=f"127.0.0.1:{self._port}") from error
        try:
            if not begin():
                return None
            connection.request("POST", "/", content, {"Idempotency-Key": delivery.key})
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            return Outcome(state=DeliveryState.UNKNOWN, reply=f"no answer: {type(error).__name__}")
        finally:
            connection.close()
        if status < 300:
            return Outcome(state=DeliveryState.SENT, reply=str(status))
        return Outcome(state=DeliveryState.RETRY if status >= 500 else DeliveryState.FAILED, reply=str(status))

    def close(self) -> None:
        pass


def send(store: Store, port: int, *, now: datetime = NOON, waits_s: tuple[float, ...] = ()) -> DispatchResult:
    """Send what waits in a store's outbox to the server at a port, by a clock that stands still."""
    clock = Clock(now=lambda: now, sleep=lambda seconds: None)
    return dispatch(store, HookChannel(port), POLICY, clock=clock, on_sent=lambda done, total: None, waits_s=waits_s)
