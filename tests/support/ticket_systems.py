"""Zammad, Chatwoot and a plain ticket system on loopback, each as strict as its published API.

They refuse unknown fields, wrong types, wrong log-ins and tickets that do not exist, and hold what was written to them.
Zammad: docs.zammad.org/en/latest/api/ticket (tags, articles, search). Chatwoot: developers.chatwoot.com (conversation
labels, messages); it keeps only labels that the account has. The plain one: what `ticket-api.yaml` expects.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

#: Status and JSON of an answer.
Reply = tuple[int, Any]


@dataclass(slots=True)
class _Server:
    """An HTTP server whose requests go to `answer`. Use as a context manager."""

    #: Method, path with query, and JSON of each request.
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    #: Idempotency keys of requests that were taken.
    keys: list[str] = field(default_factory=list)
    #: Answers given in place of its own, one for each request; then it is itself again.
    faults: list[int] = field(default_factory=list)
    _server: Any = None

    def __enter__(self) -> Self:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if content and self.headers.get("Content-Type") != "application/json":
                    status, data = 415, {"error": "Unsupported Media Type"}
                else:
                    body = json.loads(content) if content else None
                    owner.requests.append((self.command, self.path, body))
                    status, data = owner.reply(self.command, self.path, body, self.headers.get)
                if self.command != "GET" and status < 300:
                    owner.keys.append(self.headers["Idempotency-Key"])
                answer = json.dumps(data, ensure_ascii=False).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_PATCH = do_DELETE = do_POST  # noqa: N815 - names of http.server

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def origin(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def reply(self, method: str, path: str, body: Any, header: Callable[[str], str | None]) -> Reply:
        """Answer a request."""
        if self.faults:
            return self.faults.pop(0), {"error": "later"}
        return self.answer(method, path, body, header)

    def answer(self, method: str, path: str, body: Any, header: Callable[[str], str | None]) -> Reply:
        raise NotImplementedError


@dataclass(slots=True)
class Zammad(_Server):
    """Tickets with tags and articles."""

    token: str = "zammad-token"  # noqa: S105 - of nobody
    #: By id: its order.
    orders: dict[int, str] = field(default_factory=dict)
    tags: dict[int, list[str]] = field(default_factory=dict)
    articles: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, method: str, path: str, body: Any, header: Callable[[str], str | None]) -> Reply:
        if header("Authorization") != f"Token token={self.token}":
            return 401, {"error": "Invalid token!"}
        parts = urlsplit(path)
        route = (method, parts.path.removeprefix("/api/v1/"))
        if route == ("GET", "tickets/search"):
            query = parse_qs(parts.query)
            wanted = query["query"][0].removeprefix("order_id:")
            found = [{"id": ticket, "order_id": order} for ticket, order in self.orders.items() if order == wanted]
            return (200, found[: int(query["limit"][0])]) if query.get("expand") == ["true"] else (200, {"tickets": []})
        if route in (("POST", "tags/add"), ("DELETE", "tags/remove")):
            return self._tag(method, body)
        if route == ("POST", "ticket_articles"):
            return self._article(body)
        return 404, {"error": "No route matches"}

    def _tag(self, method: str, body: Any) -> Reply:
        if set(body) != {"item", "object", "o_id"} or body["object"] != "Ticket" or not isinstance(body["item"], str):
            return 422, {"error": "invalid parameters"}
        if body["o_id"] not in self.orders:
            return 404, {"error": "Couldn't find Ticket"}
        tags = self.tags.setdefault(body["o_id"], [])
        if method == "DELETE":
            tags[:] = [tag for tag in tags if tag != body["item"]]
            return 200, True
        if body["item"] not in tags:
            tags.append(body["item"])
        return 201, True

    def _article(self, body: Any) -> Reply:
        known = {"ticket_id": int, "subject": str, "body": str, "content_type": str, "type": str, "internal": bool}
        if set(body) != set(known) or any(not isinstance(body[name], kind) for name, kind in known.items()):
            return 422, {"error": "invalid parameters"}
        if body["type"] != "note" or body["content_type"] not in ("text/plain", "text/html") or not body["body"]:
            return 422, {"error": "invalid article"}
        if body["ticket_id"] not in self.orders:
            return 404, {"error": "Couldn't find Ticket"}
        self.articles.append(body)
        return 201, {"id": len(self.articles), **body}


@dataclass(slots=True)
class Chatwoot(_Server):
    """Conversations with labels and messages, in account 1."""

    token: str = "chatwoot-token"  # noqa: S105 - of nobody
    #: The labels that the account has: others are dropped without a word.
    known: set[str] = field(default_factory=set)
    labels: dict[str, list[str]] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, method: str, path: str, body: Any, header: Callable[[str], str | None]) -> Reply:
        if header("api_access_token") != self.token:
            return 401, {"error": "Invalid Access Token"}
        match = re.fullmatch(r"/api/v1/accounts/1/conversations/([^/]+)/(labels|messages)", path)
        if match is None or match[1] not in self.labels:
            return 404, {"error": "Resource could not be found"}
        conversation, part = match[1], match[2]
        if part == "labels":
            if method == "POST":
                if set(body) != {"labels"} or not all(isinstance(label, str) for label in body["labels"]):
                    return 422, {"error": "invalid parameters"}
                self.labels[conversation] = [label for label in body["labels"] if label in self.known]
            return 200, {"payload": self.labels[conversation]}
        if method != "POST" or set(body) != {"content", "message_type", "private"} or body["private"] is not True:
            return 422, {"error": "invalid parameters"}
        self.messages.append(body)
        return 200, {"id": len(self.messages), **body}


@dataclass(slots=True)
class TicketApi(_Server):
    """A plain ticket system."""

    token: str = "ticket-token"  # noqa: S105 - of nobody
    #: By number: its order.
    orders: dict[str, str] = field(default_factory=dict)
    quality: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, method: str, path: str, body: Any, header: Callable[[str], str | None]) -> Reply:
        if header("Authorization") != f"Bearer {self.token}":
            return 403, {"error": "forbidden"}
        parts = urlsplit(path)
        if method == "GET" and parts.path == "/api/tickets":
            wanted = parse_qs(parts.query)["order"][0]
            return 200, {"tickets": [{"number": number} for number, order in self.orders.items() if order == wanted]}
        match = re.fullmatch(r"/api/tickets/([^/]+)/quality", parts.path)
        if match is None or method != "PATCH" or match[1] not in self.orders:
            return 404, {"error": "no such ticket"}
        known = {
            "call": str, "delivery": str, "score": int, "risk": str, "reviewed": bool, "add": list, "remove": list,
            "evidence": list, "link": str,
        }  # fmt: skip
        if set(body) != set(known) or any(not isinstance(body[name], kind) for name, kind in known.items()):
            return 422, {"error": "invalid parameters"}
        self.quality.append(body | {"ticket": match[1]})
        return 200, {}
