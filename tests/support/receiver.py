"""A real HTTP server on loopback that takes requests and misbehaves in every way that servers do."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """How a request is answered."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    #: Says nothing until the test is over; sends a body without an end, as fast as it goes; sends a byte now and then;
    #: hangs up without an answer.
    hang: bool = False
    endless: bool = False
    drip: bool = False
    hang_up: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A request that reached the server."""

    method: str
    path: str
    #: By their names in lower case.
    headers: Mapping[str, str]
    body: bytes
    #: `time.time()`.
    at: float


@dataclass(slots=True)
class Receiver:
    """The server, and every request that reached it. Use as a context manager."""

    #: By the number of the request, from 1, and the request.
    answer: Callable[[int, Taken], Reply] = lambda number, request: Reply()
    host: str = "127.0.0.1"
    port: int = 0
    tls: ssl.SSLContext | None = None
    taken: list[Taken] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _server: Any = None

    def __enter__(self) -> Self:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except OSError:  # the client has had enough
                    self.close_connection = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                named = {name.lower(): value for name, value in self.headers.items()}
                request = Taken(method=self.command, path=self.path, headers=named, body=body, at=time.time())
                with owner._lock:
                    owner.taken.append(request)
                    number = len(owner.taken)
                self._send(owner.answer(number, request))

            do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815 - names of http.server

            def _send(self, reply: Reply) -> None:
                self.close_connection = reply.hang or reply.hang_up or reply.endless or reply.drip
                if reply.hang:
                    owner._over.wait()
                if reply.hang or reply.hang_up:
                    return
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if not (reply.endless or reply.drip):
                    self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)
                while reply.endless:
                    self.wfile.write(b"x" * 65536)
                while reply.drip and not owner._over.wait(0.02):
                    self.wfile.write(b"x")

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """A client that hangs up in the middle of a handshake is no news."""

        self._server = Server((self.host, self.port), Handler)
        self.port = self._server.server_address[1]
        if self.tls is not None:
            self._server.socket = self.tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where it takes requests."""
        return f"{'http' if self.tls is None else 'https'}://{self.host}:{self.port}/"
