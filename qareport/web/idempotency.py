"""`Idempotency-Key`: a request of a program that is sent again, because its answer was lost, makes nothing twice."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qareport.errors import BusyError
from qareport.messages import say
from qareport.store import KeptAnswer
from qareport.web import errors
from qareport.web.access import Principal
from qareport.web.desk import Desk

_HEADER: Final = "idempotency-key"
_LONGEST: Final = 200
#: What an answer tells once: it is kept nowhere, and null when the request is repeated.
_TOLD_ONCE: Final = ("password", "secret")


class IdempotencyMiddleware:
    """Answers a repeated POST of the API as the first one was answered; as ASGI, behind who is asking."""

    def __init__(self, app: ASGIApp, *, desk: Desk) -> None:
        self._app = app
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        given = Headers(scope=scope).get(_HEADER) if scope["type"] == "http" and scope["method"] == "POST" else None
        if given is None or not scope["path"].startswith("/api/v1/") or scope["state"].get("principal") is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        if not 1 <= len(given) <= _LONGEST:
            detail = say("Idempotency-Key: between 1 and {most} characters", most=_LONGEST)
            await errors.refuse(request, 422, detail)(scope, receive, send)
            return
        body = await request.body()
        key, asked = _hashes(scope, given, body)
        answers = self._desk.store.answers
        try:
            kept = await anyio.to_thread.run_sync(lambda: answers.begin(key, asked, at=self._desk.now()))
        except BusyError as error:
            await errors.answer_error(request, error)(scope, receive, send)
            return
        if kept is not None:
            await _repeat(request, kept, asked)(scope, receive, send)
            return
        await self._answer(scope, _Body(body, receive), send, key)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, key: str) -> None:
        status, media_type, parts = 0, "", list[bytes]()

        async def keep(message: Message) -> None:
            nonlocal status, media_type
            if message["type"] == "http.response.start":
                status = message["status"]
                media_type = Headers(raw=message["headers"]).get("content-type", "")
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))
            await send(message)

        answers = self._desk.store.answers
        try:
            await self._app(scope, receive, keep)
        finally:
            with anyio.CancelScope(shield=True):
                if 200 <= status < 300:
                    body = _without_secrets(b"".join(parts), media_type)
                    await anyio.to_thread.run_sync(
                        lambda: answers.finish(key, status=status, media_type=media_type, body=body)
                    )
                else:  # nothing was made: the request may be sent again, put right
                    await anyio.to_thread.run_sync(answers.forget, key)


class _Body:
    """Gives a body that was read already to who reads it again."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


def _hashes(scope: Scope, given: str, body: bytes) -> tuple[str, str]:
    """Hash who asks with the key that they gave, and what they ask."""
    principal: Principal = scope["state"]["principal"]
    token = principal.token.token_id if principal.token else ""
    asked = b"\0".join((scope["path"].encode(), scope.get("query_string", b""), body))
    key = f"{principal.user.user_id}\0{token}\0{given}"
    return hashlib.sha256(key.encode()).hexdigest(), hashlib.sha256(asked).hexdigest()


def _repeat(request: Request, kept: KeptAnswer, asked: str) -> Response:
    if kept.request_sha256 != asked:
        detail = say("the Idempotency-Key came with another request before")
        return errors.refuse(request, 422, detail, code="idempotency_mismatch")
    return Response(
        kept.body, status_code=kept.status, media_type=kept.media_type or None, headers={"idempotency-replayed": "true"}
    )


def _without_secrets(body: bytes, media_type: str) -> str:
    text = body.decode("utf-8", "replace")
    if not media_type.startswith("application/json"):
        return text
    values: Any = json.loads(text)
    if isinstance(values, dict):
        values |= {name: None for name in _TOLD_ONCE if name in values}
    return json.dumps(values, ensure_ascii=False)
