"""Fetch one recording over HTTP: no redirects, no more bytes and no more time than allowed."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO, Any
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

from qareport.errors import NotFoundError
from qareport.ingest.addresses import shown
from qareport.messages import say
from qareport.outgoing import OpenAnswer, OutgoingClient, OutgoingError, OutgoingReach

#: In seconds: a server that says nothing for so long is gone.
_SILENCE_S = 60.0
_BLOCK = 1 << 18
#: By which a server knows the version that was fetched before.
_VALIDATORS = ("ETag", "Last-Modified")


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """How large a recording may be, and how long it may take to fetch it."""

    max_bytes: int
    timeout_s: float

    def check(self, size: int, started: float, url: str) -> None:
        """Refuse what has become too large or takes too long.

        Args:
            size: bytes so far, or as announced.
            started: `time.monotonic()` at the start.
            url: names the recording.
        """
        if size > self.max_bytes:
            raise NotFoundError(
                say("larger than {megabytes:.0f} MB", megabytes=self.max_bytes / 1e6),
                where=shown(url),
                to_do=say("if it is a recording, raise ingest.max_megabytes"),
            )
        if time.monotonic() - started > self.timeout_s:
            raise NotFoundError(
                say("not fetched within {seconds:g} s", seconds=self.timeout_s),
                where=shown(url),
                to_do=say("if the server is that slow, raise ingest.fetch_timeout_s"),
            )


def get(url: str, target: IO[bytes], limits: FetchLimits, validators: Mapping[str, str]) -> dict[str, str] | None:
    """Write what is behind a URL into a file.

    Args:
        url: `http://` or `https://`; a user and a password in it are sent as basic authentication.
        target: opened for writing.
        limits: of size and time.
        validators: what an earlier call returned, to ask for a newer version alone.

    Returns:
        the validators of this version (ETag, Last-Modified); None: nothing newer than before.

    Raises:
        NotFoundError: the server refuses, redirects, breaks off, or a limit is passed.
    """
    started = time.monotonic()
    reach = OutgoingReach(private=True, timeout_s=limits.timeout_s, silence_s=_SILENCE_S)
    address, headers = _request(url, validators)
    try:
        with OutgoingClient(reach).open("GET", address, headers=headers) as answer:
            if answer.status == HTTPStatus.NOT_MODIFIED:
                return None
            if not 200 <= answer.status < 300:
                raise _refused(url, answer)
            announced = int(answer.headers.get("content-length") or 0)
            limits.check(announced, started, url)
            size = 0
            while block := answer.read(_BLOCK):
                size += len(block)
                limits.check(size, started, url)
                target.write(block)
            if size < announced:
                raise _failed(url, say("broke off after {size} of {announced} bytes", size=size, announced=announced))
            return {name: answer.headers[name.lower()] for name in _VALIDATORS if name.lower() in answer.headers}
    except OutgoingError as error:
        limits.check(0, started, url)
        raise _failed(url, say("cannot be fetched: {error}", error=error.problems[0].what)) from error
    except (OSError, ValueError) as error:
        raise _failed(url, say("cannot be fetched: {error}", error=error)) from error


def _request(url: str, validators: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Return where the request goes, without user and password, and its headers."""
    parts = urlsplit(url)
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~")
    headers = {}
    if "ETag" in validators:
        headers["If-None-Match"] = validators["ETag"]
    if "Last-Modified" in validators:
        headers["If-Modified-Since"] = validators["Last-Modified"]
    if parts.username is not None:
        secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = "Basic " + base64.b64encode(secret.encode()).decode()
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], path, parts.query, "")), headers


def _refused(url: str, answer: OpenAnswer) -> NotFoundError:
    if 300 <= answer.status < 400:
        place = shown(urljoin(url, answer.headers.get("location") or ""))
        return _failed(url, say("the server sends us on to {place}, which was not asked for", place=place))
    return _failed(url, say("the server answers {code} {reason}", code=answer.status, reason=answer.reason))


def _failed(url: str, what: Any) -> NotFoundError:
    return NotFoundError(what, where=shown(url), to_do=say("check the address and your access"))
