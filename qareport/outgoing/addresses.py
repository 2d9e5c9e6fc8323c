"""Which addresses may be reached: the one definition of what is forbidden to requests, and what opens it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, urlsplit

from qareport.messages import Message, say

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Inner addresses that look like any other: of clouds (metadata), of protocols, and NAT64 of which only its own network
#: knows where in them an IPv4 address stands.
_INNER: Final = tuple(map(ipaddress.ip_network, ("168.63.129.16/32", "192.0.0.0/24", "64:ff9b:1::/48")))
#: IPv6 addresses that stand for an IPv4 address in their last four bytes: NAT64, IPv4-compatible, IPv4-translated.
_CARRIES_IPV4: Final = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "::/96", "::ffff:0:0:0/96")))
_LABEL: Final = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)\Z")
_NUMBER: Final = re.compile(r"(?:0[xX][0-9a-fA-F]*|[0-9]+)\Z")


class NoTargetError(ValueError):
    """A text is not a URL that a request can go to."""

    def __init__(self, what: Message) -> None:
        super().__init__(str(what))
        self.what: Final = what


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingReach:
    """Which addresses may be reached, and how long and how large an answer may be."""

    #: Beyond public addresses over https: networks (`10.1.0.0/16`), hosts (`crm.internal`), and hosts that may be
    #: reached without encryption, too (`http://crm.internal`, `http://10.1.2.3:8080`).
    allow: tuple[str, ...] = ()
    #: Whether every address of this machine and of private networks may be reached, over http as well: where a person
    #: who runs commands here named it.
    private: bool = False
    #: In seconds, for everything: name, connection, request and answer.
    timeout_s: float = 20.0
    #: In seconds, without a byte.
    silence_s: float = 20.0
    most_bytes: int = 64 * 1024
    #: What `allow` says: network or host, port (None: every port), and whether without encryption.
    _open: tuple[tuple[IpNetwork | str, int | None, bool], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        entries = ((*read_allowed(entry), entry.lower().startswith("http://")) for entry in self.allow)
        object.__setattr__(self, "_open", tuple(entries))

    def refusal(self, url: str) -> Message | None:
        """Say why a URL may not be reached, whatever is behind its name; None: it depends on its addresses."""
        try:
            host, port = target_of(url)
        except ValueError as error:
            return error.what if isinstance(error, NoTargetError) else say("not an address")
        literal = as_address(host)
        if urlsplit(url).scheme != "https" and not (self.private or self._opens(host, port, literal, plain=True)):
            return say("without encryption (http); https is expected, or http://{host} in webhooks.allow", host=host)
        if literal is not None and not self.allows(host, port, literal):
            return forbidden(host)
        return None

    def allows(self, host: str, port: int, address: IpAddress) -> bool:
        """Tell whether a port of an address may be reached that stands behind a host."""
        real = unwrapped(address)
        if is_public(real) or self._opens("", port, real):
            return True
        if real.is_multicast or real.is_unspecified or real.is_link_local or _is_in(real, _INNER):
            return False
        return self.private or self._opens(host, port, None)

    def _opens(self, host: str, port: int, address: IpAddress | None, *, plain: bool = False) -> bool:
        """Tell whether an entry names a host, or a network that an address is in; with `plain`: without encryption."""
        return any(
            (what == host if isinstance(what, str) else address is not None and _is_in(unwrapped(address), (what,)))
            and at in (None, port)
            and (unencrypted or not plain)
            for what, at, unencrypted in self._open
        )


def read_allowed(entry: str) -> tuple[IpNetwork | str, int | None]:
    """Read an entry of `allow`: its network, or its host where that is a name; and its port, None: every port.

    Raises:
        ValueError: it is none of the forms of `OutgoingReach.allow`.
    """
    if entry.lower().startswith("http://"):
        parts = urlsplit(entry)
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ValueError(entry)
        host, _ = target_of(f"http://{parts.netloc}/")
        literal = as_address(host)
        return (host if literal is None else ipaddress.ip_network(literal)), parts.port
    try:
        return ipaddress.ip_network(entry), None
    except ValueError:
        if "/" in entry or ":" in entry:
            raise
        return target_of(f"https://{entry}/")[0], None


def unwrapped(address: IpAddress) -> IpAddress:
    """Return the IPv4 address that an IPv6 address stands for (mapped, 6to4, Teredo, NAT64); else the address."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
    if inner is None and int(address) > 1 and any(address in network for network in _CARRIES_IPV4):
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address


def is_public(address: IpAddress) -> bool:
    """Tell whether an address is one of the internet: not of this machine, a private network, or a cloud's inside."""
    real = unwrapped(address)
    special = real.is_multicast or real.is_reserved or real.is_unspecified or getattr(real, "is_site_local", False)
    return real.is_global and not special and not _is_in(real, _INNER)


def _is_in(address: IpAddress, networks: Iterable[IpNetwork]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def place_of(url: str) -> str:
    """Return scheme and host of a URL, all that messages and logs may name of it."""
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    except ValueError:
        return url.partition("://")[0][:20] + "://…"


def target_of(url: str) -> tuple[str, int]:
    """Return host and port of a URL: the host in ASCII and lower case, an IP address in its usual form.

    Raises:
        NoTargetError: what is wrong with it.
        ValueError: it is no URL at all.
    """
    if not url.isprintable() or any(character.isspace() for character in url) or "\\" in url:
        raise NoTargetError(say("an address with blanks, control characters or backslashes"))
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise NoTargetError(say("not an address that begins with https://"))
    if parts.username is not None or parts.password is not None:
        raise NoTargetError(say("an address with a user name"))
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return _host(parts), port


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if parts.netloc.startswith("["):
        if "%" in host:
            raise NoTargetError(say("an address with the zone of a network interface"))
        return str(ipaddress.IPv6Address(host))
    try:
        host = host.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError:
        raise NoTargetError(say("not the name of a host")) from None
    labels = host.split(".")
    if _NUMBER.match(labels[-1]):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise NoTargetError(say("an IP address that is not written as 192.0.2.1")) from None
    if len(host) > 253 or not all(_LABEL.match(label) for label in labels):
        raise NoTargetError(say("not the name of a host"))
    return host


def as_address(host: str) -> IpAddress | None:
    """Return the address that a host is; None: it is a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def forbidden(host: str) -> Message:
    """Say that a host may not be reached."""
    return say(
        "{host} is an address of this machine or of a private network; webhooks.allow in qareport.yaml can open it",
        host=host,
    )
