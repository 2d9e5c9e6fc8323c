"""HTTP to other machines: the only way out, to addresses that may be reached and nowhere else.

A name is resolved once, every address behind it is checked, and the connection goes to an address that was checked:
a name that is resolved to something else a moment later reaches nothing. Redirects are not followed, proxies of the
environment are not used, answers are read to a limit, and everything together has a deadline. No message names more
of an address than scheme and host: paths and queries of webhooks hold secrets.
"""

from __future__ import annotations

import codecs
import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import quote, urlsplit

from qareport.errors import QareportError, os_reason
from qareport.messages import Message, say
from qareport.outgoing.addresses import OutgoingReach, as_address, forbidden, place_of, target_of

#: Turns a host and a port into IP addresses.
Resolver = Callable[[str, int], Sequence[str]]

#: Characters of paths and queries that stay as they are.
_AS_IT_IS: Final = "/%:@!$&'()*+,;=~-._"
_USER_AGENT: Final = "qareport"


class OutgoingFault(StrEnum):
    """Why a request got no answer."""

    #: The address may not be reached.
    FORBIDDEN = "forbidden"
    #: Its name has no address.
    UNRESOLVED = "unresolved"
    UNREACHABLE = "unreachable"
    #: The server has no certificate for its name that is trusted.
    CERTIFICATE = "certificate"
    TIMEOUT = "timeout"
    #: The server hung up, or does not speak HTTP.
    BROKEN = "broken"


class OutgoingError(QareportError):
    """A request got no answer; `fault` says why, `may_have_arrived` whether the server can have it all the same."""

    def __init__(self, fault: OutgoingFault, what: Message, url: str, *, may_have_arrived: bool = False) -> None:
        super().__init__(what, where=place_of(url))
        self.fault: Final = fault
        self.may_have_arrived: Final = may_have_arrived


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """What a server answered. Redirects are answers like any other."""

    status: int
    #: By their names in lower case.
    headers: Mapping[str, str]
    #: As much of it as may be read.
    body: bytes
    #: Whether the body is longer than that.
    cut: bool = False

    @property
    def ok(self) -> bool:
        """Whether the server took the request: 2xx."""
        return 200 <= self.status < 300


def words_of(answer: bytes, most: int) -> str:
    """Return what a server said as one line to be read, of so many characters at most.

    Servers of China answer in UTF-8 or in GBK, whatever they call it; an answer may be cut within a character.
    """
    answer = answer[: 4 * most]
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(answer)
    except UnicodeDecodeError:
        text = codecs.getincrementaldecoder("gb18030")("replace").decode(answer)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:most]


def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system for the addresses of a host."""
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class OutgoingClient:
    """Sends requests within a reach. It keeps no connection, so threads may share it."""

    def __init__(
        self, reach: OutgoingReach, *, resolver: Resolver = resolve, context: ssl.SSLContext | None = None
    ) -> None:
        """Take what may be reached.

        Args:
            reach: addresses and limits.
            resolver: asked once for each request.
            context: how certificates are checked; None: as the system does.
        """
        self.reach: Final = reach
        self._resolver = resolver
        self._context = context

    def send(
        self, method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> HttpAnswer:
        """Send a request and return the answer, whatever its status; a body that does not end in time is cut.

        Raises:
            OutgoingError: the address may not be reached, a header cannot be sent, or there is no answer in time.
        """
        most, content, cut = self.reach.most_bytes, b"", False
        with self.open(method, url, body=body, headers=headers) as response:
            try:
                while len(content) <= most and (block := response.read(most + 1 - len(content))):
                    content += block
            except OutgoingError:
                cut = True
        cut = cut or len(content) > most
        return HttpAnswer(status=response.status, headers=response.headers, body=content[:most], cut=cut)

    @contextlib.contextmanager
    def open(
        self, method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Iterator[OpenAnswer]:
        """Send a request and give the answer to be read piece by piece, all within the deadline.

        Raises:
            OutgoingError: as `send`.
        """
        refusal = self.reach.refusal(url)
        if refusal is not None:
            raise OutgoingError(OutgoingFault.FORBIDDEN, refusal, url)
        host, port = target_of(url)
        deadline = _Deadline(self.reach.timeout_s)
        connection = http.client.HTTPConnection(host, port)
        connection.default_port = 443 if urlsplit(url).scheme == "https" else 80
        connection.auto_open = 0  # never by itself, to an address that was not checked
        try:
            addresses = self._checked(url, host, port, deadline)
            with _faults(url, self.reach, deadline, arrived=False):
                connection.sock = self._connect(url, host, port, addresses, deadline)
            named = {"User-Agent": _USER_AGENT, "Accept-Encoding": "identity", **(headers or {})}
            with _faults(url, self.reach, deadline, arrived=True):
                connection.request(method, _path(url), body, named)
                response = connection.getresponse()
            yield OpenAnswer(response, lambda: _faults(url, self.reach, deadline, arrived=True))
        finally:
            deadline.cancel()
            connection.close()

    def _checked(self, url: str, host: str, port: int, deadline: _Deadline) -> list[str]:
        """Resolve a host, once. All its addresses must be allowed: one that is not makes the rest suspicious."""
        found: list[str] = []
        literal = as_address(host)
        if literal is not None:
            return [str(literal)]

        def ask() -> None:
            with contextlib.suppress(OSError, UnicodeError):
                found.extend(self._resolver(host, port))

        asking = threading.Thread(target=ask, daemon=True)  # the system's own limit may be longer than ours
        asking.start()
        asking.join(max(0.0, deadline.rest_s))
        addresses = list(dict.fromkeys(found))
        if not addresses:
            raise OutgoingError(OutgoingFault.UNRESOLVED, say("there is no address of {host}", host=host), url)
        for address in addresses:
            if not self.reach.allows(host, port, ipaddress.ip_address(address.partition("%")[0])):
                raise OutgoingError(OutgoingFault.FORBIDDEN, forbidden(host), url)
        return addresses

    def _connect(self, url: str, host: str, port: int, addresses: Sequence[str], deadline: _Deadline) -> socket.socket:
        """Connect to the first address that answers, and prove its name by its certificate where it is https."""
        for number, address in enumerate(addresses, start=1):
            share_s = deadline.rest_s / (len(addresses) - number + 1)  # one that says nothing leaves time for the next
            try:
                connected = socket.create_connection((address, port), timeout=max(0.001, share_s))
                break
            except OSError:
                if number == len(addresses):
                    raise
        deadline.watch(connected)
        connected.settimeout(min(self.reach.silence_s, max(0.001, deadline.rest_s)))
        if urlsplit(url).scheme != "https":
            return connected
        context = self._context or ssl.create_default_context()
        secure = context.wrap_socket(connected, server_hostname=host, do_handshake_on_connect=False)
        deadline.watch(secure)
        try:
            secure.do_handshake()
        except BaseException:
            secure.close()
            raise
        return secure


class OpenAnswer:
    """An answer whose body is still to be read."""

    def __init__(
        self, response: http.client.HTTPResponse, faults: Callable[[], contextlib.AbstractContextManager[None]]
    ) -> None:
        self.status: Final = response.status
        self.reason: Final = response.reason
        #: By their names in lower case.
        self.headers: Final[Mapping[str, str]] = {name.lower(): value for name, value in response.getheaders()}
        self._response = response
        self._faults = faults

    def read(self, most: int) -> bytes:
        """Return bytes as they come, not more than `most`; b"": that was all.

        Raises:
            OutgoingError: the server broke off, or the time is over.
        """
        with self._faults():
            return self._response.read1(most)


@contextlib.contextmanager
def _faults(url: str, reach: OutgoingReach, deadline: _Deadline, *, arrived: bool) -> Iterator[None]:
    """Name what goes wrong with a connection."""
    try:
        yield
        if deadline.passed.is_set():
            raise TimeoutError
    except ssl.SSLCertVerificationError as error:
        what = say("the certificate is not trusted: {reason}", reason=error.verify_message)
        raise OutgoingError(OutgoingFault.CERTIFICATE, what, url) from error
    except (OSError, http.client.HTTPException) as error:
        if deadline.passed.is_set() or isinstance(error, TimeoutError):
            what = say("no answer within {seconds:g} s", seconds=min(reach.timeout_s, reach.silence_s))
            raise OutgoingError(OutgoingFault.TIMEOUT, what, url, may_have_arrived=arrived) from error
        reason = os_reason(error)
        if arrived:
            what = say("the server broke off: {reason}", reason=reason)
            raise OutgoingError(OutgoingFault.BROKEN, what, url, may_have_arrived=True) from error
        what = say("cannot be reached: {reason}", reason=reason)
        raise OutgoingError(OutgoingFault.UNREACHABLE, what, url) from error
    except ValueError:  # of http.client, before anything is sent; it quotes what it refuses
        raise OutgoingError(OutgoingFault.FORBIDDEN, say("a header or a method that cannot be sent"), url) from None


class _Deadline:
    """Cuts a connection off at a time, however slowly bytes keep coming: timeouts of sockets are for each byte."""

    def __init__(self, timeout_s: float) -> None:
        self.passed: Final = threading.Event()
        self._ends = time.monotonic() + timeout_s
        self._watched: socket.socket | None = None
        self._timer = threading.Timer(max(0.0, self.rest_s), self._cut)
        self._timer.daemon = True
        self._timer.start()

    @property
    def rest_s(self) -> float:
        """Seconds that are left."""
        return self._ends - time.monotonic()

    def watch(self, connected: socket.socket) -> None:
        """Cut this connection off when the time comes."""
        self._watched = connected
        if self.passed.is_set():
            self._cut()

    def cancel(self) -> None:
        """Let the connection be: it is done."""
        self._timer.cancel()

    def _cut(self) -> None:
        self.passed.set()
        if self._watched is not None:
            with contextlib.suppress(OSError):  # it was closed at this moment
                socket.socket.shutdown(self._watched, socket.SHUT_RDWR)  # of the TCP connection under TLS, too


def _path(url: str) -> str:
    parts = urlsplit(url)
    path = quote(parts.path, safe=_AS_IT_IS) or "/"
    return path + (f"?{quote(parts.query, safe=_AS_IT_IS + '?')}" if parts.query else "")
