"""One question to an OpenAI-compatible server: `POST …/chat/completions`, one answer or the reason why there is none.

Transcripts go to the address of the settings or nowhere: redirects are not followed, proxies of the environment are
not used, and http reaches only this machine and private networks. Neither the key nor what a server says in an error,
which may repeat a request, gets into a message.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError

from qareport.errors import QareportError
from qareport.model import ReaderFault
from qareport.settings import LanguageModelSettings

#: An answer about a call is a few kilobytes; no server can fill the memory.
_MOST_BYTES: Final = 4_000_000


class ChatError(QareportError):
    """A language model gave no answer; `fault` says why. Its text names neither the key nor words of a call."""

    def __init__(self, fault: ReaderFault, detail: str = "") -> None:
        super().__init__(f"language model: {fault.value}" + (f" ({detail})" if detail else ""))
        self.fault = fault


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)


class ChatClient:
    """Asks the server of the settings. It keeps no connection, so threads may share it."""

    def __init__(self, settings: LanguageModelSettings, key: str) -> None:
        """Take where to ask, and the key, "" for none: one line of printable ASCII."""
        parts = urlsplit(settings.url)
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname or "", parts.port
        self._path = parts.path.rstrip("/") + "/chat/completions"
        self._timeout_s = settings.timeout_s
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"

    def complete(self, body: Mapping[str, Any]) -> str:
        """Send the body of a request and return the content of the first choice.

        Raises:
            ChatError: the server cannot be reached, is too slow, reports an error or redirects; the model declines, or
                was cut off.
        """
        status, data = self._post(json.dumps(body).encode())
        if status != HTTPStatus.OK:
            raise ChatError(_status_fault(status), str(status))
        return _content(data)

    def _post(self, content: bytes) -> tuple[int, bytes]:
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=self._timeout_s)
        late = threading.Event()
        try:
            connection.connect()
            self._check_peer(connection.sock)
            with _deadline(connection.sock, self._timeout_s, late):
                connection.request("POST", self._path, content, self._headers)
                response = connection.getresponse()
                data = response.read(_MOST_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            slow = late.is_set() or isinstance(error, TimeoutError)
            raise ChatError(ReaderFault.TIMEOUT if slow else ReaderFault.UNREACHABLE, type(error).__name__) from error
        finally:
            connection.close()
        if late.is_set():
            raise ChatError(ReaderFault.TIMEOUT)
        return response.status, data

    def _check_peer(self, connected: socket.socket) -> None:
        if not self._secure and not is_private(connected.getpeername()[0]):
            raise ChatError(ReaderFault.UNREACHABLE, "http to a public address; use https")


def is_private(address: str) -> bool:
    """Tell whether an IP address is one of this machine or of a private network."""
    return not ipaddress.ip_address(address.partition("%")[0]).is_global


@contextlib.contextmanager
def _deadline(connected: socket.socket, timeout_s: float, late: threading.Event) -> Iterator[None]:
    """Cut a connection off after a time, however slowly bytes keep coming: timeouts of sockets are for each byte."""

    def cut() -> None:
        late.set()
        with contextlib.suppress(OSError):  # it was closed at this moment
            socket.socket.shutdown(connected, socket.SHUT_RDWR)  # of the TCP connection under TLS, too

    timer = threading.Timer(timeout_s, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _status_fault(status: int) -> ReaderFault:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return ReaderFault.KEY_REFUSED
    return ReaderFault.REDIRECT if 300 <= status < 400 else ReaderFault.HTTP_ERROR


def _content(data: bytes) -> str:
    try:
        choice = _Completion.model_validate_json(data).choices[0]
    except ValidationError:  # without it as the cause: it quotes the answer
        raise ChatError(ReaderFault.BAD_ANSWER, "no completion") from None
    content = choice.message.content
    if choice.message.refusal or choice.finish_reason == "content_filter":
        raise ChatError(ReaderFault.REFUSAL)
    if not content or choice.finish_reason == "length":
        raise ChatError(ReaderFault.BAD_ANSWER, "cut off" if content else "empty")
    return content
