"""Robots of DingTalk, WeCom, Feishu, Slack and Teams on loopback, each as strict as its vendor says it is.

They check signatures with the code that the vendors publish, refuse fields they do not know and messages that are too
long, and count messages by the minute. What they refuse is answered with 200 where the vendor does so.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

SECRET = "SECthis is secret"  # noqa: S105 - of nobody
#: By kind: the path of its address, as the vendor has it.
PATHS: Mapping[str, str] = {
    "dingtalk": "/robot/send?access_token=token-of-group",
    "wecom": "/cgi-bin/webhook/send?key=633a31f6-7f9c-4bc4-97a0-0ec1eefa5898",
    "feishu": "/open-apis/bot/v2/hook/8a5b-hook",
    "slack": "/services/T000/B000/XXXX",
    "teams": "/workflows/abc/triggers/manual/paths/invoke?sig=xyz",
}


@dataclass(slots=True)
class RobotServer:
    """The server, and every message that it took. Use as a context manager."""

    #: Messages to a robot that are taken before it says "too many".
    room: int = 20
    #: Kind and body of each message that was taken.
    taken: list[tuple[str, Any]] = field(default_factory=list)
    #: What was refused, and why.
    refused: list[tuple[str, str]] = field(default_factory=list)
    #: Seconds that each answer takes.
    slow_s: float = 0.0
    now: Callable[[], float] = time.time
    _server: Any = None

    def __enter__(self) -> Self:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(owner.slow_s)
                status, answer = owner.take(self.path, self.headers.get("Content-Type", ""), body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

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

    def url(self, kind: str) -> str:
        """Return the address of a robot."""
        return self.origin + PATHS[kind]

    def take(self, path: str, content_type: str, body: bytes) -> tuple[int, bytes]:
        """Take a message, or refuse it as the vendor does. Returns status and body of the answer."""
        kind = next((kind for kind, known in PATHS.items() if path.split("&timestamp")[0] == known), "")
        if not kind or not content_type.startswith("application/json"):
            return self._refuse(kind, 404, "not found")
        data = json.loads(body)
        if sum(known == kind for known, _ in self.taken) >= self.room:
            return self._too_many(kind)
        status, answer, fault = getattr(self, f"_{kind}")(path, data)
        if fault:
            return self._refuse(kind, status, fault, answer)
        self.taken.append((kind, data))
        return status, answer

    def _refuse(self, kind: str, status: int, fault: str, answer: bytes = b"") -> tuple[int, bytes]:
        self.refused.append((kind, fault))
        return status, answer or fault.encode()

    def _too_many(self, kind: str) -> tuple[int, bytes]:
        answers: dict[str, tuple[int, Any]] = {
            "dingtalk": (200, {"errcode": 130101, "errmsg": "send too fast, exceed 20 times per minute"}),
            "wecom": (200, {"errcode": 45009, "errmsg": "api freq out of limit"}),
            "feishu": (200, {"code": 9499, "msg": "too many request", "data": {}}),
        }
        status, answer = answers.get(kind, (429, "rate_limited"))
        return self._refuse(kind, status, "too many", json.dumps(answer).encode())

    def _dingtalk(self, path: str, data: Any) -> tuple[int, bytes, str]:
        query = parse_qs(urlsplit(path).query)
        timestamp, sign = query.get("timestamp", [""])[0], query.get("sign", [""])[0]
        expected = hmac.new(SECRET.encode(), f"{timestamp}\n{SECRET}".encode(), hashlib.sha256).digest()
        fresh = timestamp.isdigit() and abs(self.now() * 1000 - int(timestamp)) < 3_600_000
        if not fresh or sign != base64.b64encode(expected).decode():
            return 200, json.dumps({"errcode": 310000, "errmsg": "sign not match"}).encode(), "sign"
        if set(data) != {"msgtype", "markdown"} or set(data["markdown"]) != {"title", "text"}:
            return 200, json.dumps({"errcode": 40035, "errmsg": "invalid parameter"}).encode(), "fields"
        return 200, json.dumps({"errcode": 0, "errmsg": "ok"}).encode(), ""

    def _wecom(self, path: str, data: Any) -> tuple[int, bytes, str]:
        if set(data) != {"msgtype", "markdown"} or set(data["markdown"]) != {"content"}:
            return 200, json.dumps({"errcode": 40058, "errmsg": "invalid parameter"}).encode(), "fields"
        if len(data["markdown"]["content"].encode()) > 4096:
            return 200, json.dumps({"errcode": 40058, "errmsg": "exceed max length 4096"}).encode(), "length"
        return 200, json.dumps({"errcode": 0, "errmsg": "ok"}).encode(), ""

    def _feishu(self, path: str, data: Any) -> tuple[int, bytes, str]:
        timestamp = data.get("timestamp", "")
        expected = hmac.new(f"{timestamp}\n{SECRET}".encode(), b"", digestmod=hashlib.sha256).digest()
        fresh = str(timestamp).isdigit() and abs(self.now() - int(timestamp)) < 3600
        if not fresh or data.get("sign") != base64.b64encode(expected).decode():
            answer = {"code": 19021, "msg": "sign match fail or timestamp is not within one hour from current time"}
            return 200, json.dumps(answer).encode(), "sign"
        if set(data) != {"timestamp", "sign", "msg_type", "content"} or data["msg_type"] != "post":
            return 200, json.dumps({"code": 9499, "msg": "Bad Request"}).encode(), "fields"
        for row in data["content"]["post"]["zh_cn"]["content"]:
            for part in row:
                wanted = {"text": {"tag", "text"}, "a": {"tag", "text", "href"}}[part["tag"]]
                if set(part) != wanted:
                    return 200, json.dumps({"code": 9499, "msg": "Bad Request"}).encode(), "fields"
        return 200, json.dumps({"code": 0, "msg": "success", "data": {}, "StatusCode": 0}).encode(), ""

    def _slack(self, path: str, data: Any) -> tuple[int, bytes, str]:
        if set(data) != {"text"} or not data["text"]:
            return 400, b"invalid_payload", "fields"
        return 200, b"ok", ""

    def _teams(self, path: str, data: Any) -> tuple[int, bytes, str]:
        (attachment,) = data["attachments"]
        card = attachment["content"]
        good = set(data) == {"type", "attachments"} and card["type"] == "AdaptiveCard"
        if not good or any(block["type"] != "TextBlock" for block in card["body"]):
            return 400, b"Bad Request", "fields"
        return 202, b"", ""
