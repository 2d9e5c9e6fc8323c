"""Fetch one recording over HTTP: no redirects, no more bytes and no more time than allowed."""

from __future__ import annotations

import base64
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

from qareport.errors import NotFoundError
from qareport.ingest.addresses import shown
from qareport.messages import say

#: In seconds: a server that says nothing for so long is gone.
_SILENCE_S = 60.0
_BLOCK = 1 << 18


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


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Leaves a redirect as an error: an address leads nowhere but to itself."""

    def redirect_request(self, *_: Any) -> None:
        return None


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
    request = _request(url, validators)
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=min(_SILENCE_S, limits.timeout_s)) as response:
            announced = int(response.headers.get("Content-Length") or 0)
            limits.check(announced, started, url)
            size = 0
            while block := response.read1(_BLOCK):
                size += len(block)
                limits.check(size, started, url)
                target.write(block)
            if size < announced:
                raise _failed(url, say("broke off after {size} of {announced} bytes", size=size, announced=announced))
            return {name: response.headers[name] for name in ("ETag", "Last-Modified") if name in response.headers}
    except urllib.error.HTTPError as error:
        if error.code == http.client.NOT_MODIFIED:
            return None
        raise _refused(url, error) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _failed(url, say("cannot be fetched: {error}", error=getattr(error, "reason", error))) from error


def _request(url: str, validators: Mapping[str, str]) -> urllib.request.Request:
    parts = urlsplit(url)
    address = urlunsplit(
        (parts.scheme, parts.netloc.rpartition("@")[2], quote(parts.path, safe="/%:@!$&'()*+,;=~"), parts.query, "")
    )
    headers = {"User-Agent": "qareport", "Accept-Encoding": "identity"}
    if "ETag" in validators:
        headers["If-None-Match"] = validators["ETag"]
    if "Last-Modified" in validators:
        headers["If-Modified-Since"] = validators["Last-Modified"]
    if parts.username is not None:
        secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = "Basic " + base64.b64encode(secret.encode()).decode()
    return urllib.request.Request(address, headers=headers)  # noqa: S310 - the caller checks the scheme


def _refused(url: str, error: urllib.error.HTTPError) -> NotFoundError:
    if 300 <= error.code < 400:
        place = shown(urljoin(url, error.headers.get("Location") or ""))
        return _failed(url, say("the server sends us on to {place}, which was not asked for", place=place))
    return _failed(url, say("the server answers {code} {reason}", code=error.code, reason=error.reason))


def _failed(url: str, what: Any) -> NotFoundError:
    return NotFoundError(what, where=shown(url), to_do=say("check the address and your access"))
