"""An OpenAI-compatible server on loopback, `POST /v1/chat/completions`, with a tiny model of random weights."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.support.tiny_language_model import TinyLanguageModel, count_tokens

MODEL = "tiny-random"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatReply:
    """An answer in the place of the model's."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Hangs up without an answer.
    hang_up: bool = False
    #: Sends nothing at all, or a byte now and then, until the client is gone or the test over.
    stall: bool = False
    drip: bool = False


def completion(content: str | None, *, finish_reason: str = "stop", refusal: str | None = None) -> bytes:
    """Return the body of a chat completion."""
    message = {"role": "assistant", "content": content, "refusal": refusal}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": int(time.time()), "model": MODEL}
    return json.dumps({**head, "choices": [choice], "usage": {"total_tokens": 1}}).encode()


@dataclass(slots=True)
class ChatServer:
    """The server, and what reached it. Use as a context manager."""

    #: The key that it wants; "" = none.
    key: str = ""
    #: By the number of the request, from 1: an answer in the place of the model's; None: the model answers.
    reply: Callable[[int], ChatReply | None] = lambda number: None
    #: The body of each request, in order.
    taken: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    #: What the model wrote, in order.
    written: list[str] = field(default_factory=list)
    #: Of the models that were tried this seed has the most to say.
    _model: TinyLanguageModel = field(default_factory=lambda: TinyLanguageModel(seed=4))
    _over: threading.Event = field(default_factory=threading.Event)
    _server: Any = None

    def __enter__(self) -> Self:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                owner.taken.append(json.loads(content))
                owner.headers.append(dict(self.headers))
                self._send(owner.reply(len(owner.taken)) or owner._answer(self.path, owner.taken[-1], self.headers))

            def do_GET(self) -> None:
                owner.taken.append({"GET": self.path})
                self._send(ChatReply(status=404))

            def _send(self, reply: ChatReply) -> None:
                self.close_connection = reply.hang_up or reply.stall or reply.drip
                if reply.stall:
                    owner._over.wait()
                if reply.hang_up or reply.stall:
                    return
                self.send_response(reply.status)
                for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(10_000 if reply.drip else len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)
                try:
                    while reply.drip and not owner._over.wait(0.02):
                        self.wfile.write(b" ")
                except OSError:
                    pass  # the client has had enough

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The address that the settings take."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def _answer(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> ChatReply:
        if path != "/v1/chat/completions":
            return _refuse(404, f"no such path: {path}")
        if self.key and headers.get("Authorization") != f"Bearer {self.key}":
            return _refuse(401, f"Incorrect API key provided: {headers.get('Authorization')}")
        if body["model"] != MODEL:
            return _refuse(404, f"The model `{body['model']}` does not exist.")
        form = body["response_format"]
        if form["type"] != "json_schema" or form["json_schema"]["strict"] is not True:
            return _refuse(400, "response_format must be a strict json_schema")
        prompt = "\n".join(f"{message['role']}: {message['content']}" for message in body["messages"])
        try:
            content = self._model.write(
                prompt,
                form["json_schema"]["schema"],
                temperature=body.get("temperature", 1.0),
                seed=body.get("seed", 0),
            )
        except (KeyError, ValueError) as error:
            return _refuse(400, str(error))
        self.written.append(content)
        cut = count_tokens(content) > body["max_tokens"]
        content = content[: body["max_tokens"]] if cut else content
        return ChatReply(body=completion(content, finish_reason="length" if cut else "stop"))


def _refuse(status: int, message: str) -> ChatReply:
    error = {"message": message, "type": "invalid_request_error", "code": None}
    return ChatReply(status=status, body=json.dumps({"error": error}).encode())
