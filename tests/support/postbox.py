"""A real SMTP server on loopback that can misbehave: it drops, delays, refuses for now or for good, dies after DATA."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

#: A fault is a reply such as "450 later", or one of these.
DROP = "drop"
#: Takes the mail, then hangs up without a word: the sender cannot know.
DROP_AFTER = "drop after"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A mail that the server has taken."""

    recipient: str
    message_id: str
    content: bytes

    @property
    def message(self) -> Message:
        """The mail, parsed."""
        return message_from_bytes(self.content)


def no_fault(stage: str, recipient: str) -> tuple[float, str]:
    """Behave well. A fault is a delay in seconds and a reply (or DROP, DROP_AFTER); stages: mail, rcpt, data."""
    return 0.0, ""


class Postbox:
    """The server, and what it has taken. Use as a context manager."""

    def __init__(
        self,
        fault: Callable[[str, str], tuple[float, str]] = no_fault,
        *,
        password: tuple[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
    ) -> None:
        """Set it up; `fault` is asked at each stage with the recipient ("" before it is known)."""
        self.fault = fault
        self.delivered: list[Delivered] = []
        self._lock = threading.Lock()
        self.port = free_port()
        options: dict[str, Any] = {"hostname": "127.0.0.1", "port": self.port, "enable_SMTPUTF8": False}
        options["ready_timeout"] = 600.0  # aiosmtpd's own limit is short for a busy machine
        if password is not None:
            options |= {
                "authenticator": _only(password),
                "auth_require_tls": tls is not None and not implicit_tls,
                "auth_required": tls is not None and not implicit_tls,
            }
        if tls is not None:
            options |= {"ssl_context": tls} if implicit_tls else {"tls_context": tls, "require_starttls": True}
        self._controller = Controller(self, data_size_limit=64 * 2**20, **options)

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop(no_assert=True)

    # --- hooks of aiosmtpd, whose names are its own -------------------------------------------------------------------

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer to MAIL FROM."""
        refused = await self._misbehave(server, "mail", "")
        if refused:
            return refused
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer to RCPT TO."""
        refused = await self._misbehave(server, "rcpt", address)
        if refused:
            return refused
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Answer after the text: with 250 the mail is the server's."""
        refused = await self._misbehave(server, "data", envelope.rcpt_tos[0])
        if refused and refused != DROP_AFTER:
            return refused
        content = bytes(envelope.content or b"")
        identity = str(message_from_bytes(content)["Message-ID"])
        with self._lock:
            self.delivered += [
                Delivered(recipient=address, message_id=identity, content=content) for address in envelope.rcpt_tos
            ]
        if refused == DROP_AFTER:
            _hang_up(server)
        return "250 taken"

    async def _misbehave(self, server: SMTP, stage: str, recipient: str) -> str:
        delay_s, reply = self.fault(stage, recipient)
        if delay_s:
            await asyncio.sleep(delay_s)
        if reply == DROP:
            _hang_up(server)
            return "421 gone"
        return reply


def _hang_up(server: SMTP) -> None:
    if server.transport is not None:
        server.transport.abort()


def _only(known: tuple[str, str]) -> Callable[..., AuthResult]:
    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode()) == known
        return AuthResult(success=right, handled=False)  # let the server word the refusal

    return check


def free_port() -> int:
    """Find a free port on loopback (aiosmtpd cannot choose one itself: its issue 276)."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
