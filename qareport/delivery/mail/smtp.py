"""Hand mails to an SMTP server, and classify its answers: accepted, refused for now, refused permanently, unknown.

What is certain is kept apart from what is not: a server accepts nothing before the line with the dot that ends the
text (RFC 5321, 4.1.1.4); from that line to the server's answer nothing is certain (RFC 1047). A mail's intent is
recorded before its text, so that a process that dies meanwhile leaves it UNKNOWN; so does a connection that breaks
after the dot. One that breaks before it has certainly delivered nothing.

The password comes from the environment or from a file that only its owner may read, and is never logged.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import smtplib
import socket
import ssl
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from qareport.delivery.mail.bounded_smtp import BoundedSmtp, BoundedSslSmtp
from qareport.errors import MailError, os_reason
from qareport.files import in_home, read_secret
from qareport.messages import keep, say
from qareport.model import DeliveryState, Outcome
from qareport.outgoing import words_of
from qareport.settings import MailSettings

#: Holds the password for `mail.user`.
VARIABLE = "QAREPORT_SMTP_PASSWORD"


def explain_connection(error: Exception, settings: MailSettings) -> MailError:
    """Explain why the connection failed."""
    where = f"{settings.host}:{settings.port}"
    if isinstance(error, socket.gaierror):
        return MailError(
            say("the name of the mail server is not known: {strerror}", strerror=os_reason(error)),
            where=where,
            to_do=say(
                "check mail.host, and that this machine can resolve names: getent hosts {host}", host=settings.host
            ),
        )
    if isinstance(error, ConnectionRefusedError):
        return MailError(
            say("connection refused: no server on this port"),
            where=where,
            to_do=say("check mail.port (587 for starttls, 465 for ssl, 25 inside), and that the server runs"),
        )
    if isinstance(error, TimeoutError):
        return MailError(
            say("no answer within {timeout_s:g} s", timeout_s=settings.timeout_s),
            where=where,
            to_do=say("check the firewall and mail.port; a port for ssl says nothing to starttls"),
        )
    if isinstance(error, ssl.SSLError):
        return _explain_tls(error, settings, where)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return MailError(
            say("the server offers no encryption (STARTTLS)"),
            where=where,
            to_do=say(
                "try mail.security: ssl with port 465; none is for a server on this machine or in your own network"
            ),
        )
    if isinstance(error, smtplib.SMTPServerDisconnected):
        to_do = say("if the port is for ssl (465), set mail.security: ssl; else look into the server's log")
        return MailError(say("the server hung up"), where=where, to_do=to_do)
    if isinstance(error, smtplib.SMTPResponseException):
        return MailError(
            say("the server refuses this machine: {error}", error=_reply(error)),
            where=where,
            to_do=say("ask who runs it"),
        )
    return MailError(
        say("no connection: {error}", error=os_reason(error)),
        where=where,
        to_do=say("check mail.host, mail.port and the network"),
    )


def _explain_tls(error: ssl.SSLError, settings: MailSettings, where: str) -> MailError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return MailError(
            say("the server's certificate is not to be trusted: {verify_message}", verify_message=error.verify_message),
            where=where,
            to_do=say("mail.host must be the name in the certificate; for one of your own authority set mail.ca_file"),
        )
    if "WRONG_VERSION" in str(error) or "RECORD_LAYER" in str(error):
        return MailError(
            say("the server does not speak ssl at once on this port"),
            where=where,
            to_do=say("set mail.security: starttls (usually port 587)"),
        )
    return MailError(
        say("encryption failed: {error}", error=error),
        where=where,
        to_do=say("ask who runs the server which TLS it speaks"),
    )


def explain_login(error: Exception, settings: MailSettings) -> MailError:
    """Explain why the log-in failed, without the credentials that were sent."""
    where = f"{settings.host}:{settings.port} as {settings.user}"
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return MailError(
            say("the log-in was refused: {error}", error=_reply(error)),
            where=where,
            to_do=say("check mail.user and the password; many providers want an app password (授权码) here"),
        )
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return MailError(
            say("the server does not support authentication"),
            where=where,
            to_do=say("leave mail.user empty, or another port"),
        )
    if isinstance(error, smtplib.SMTPServerDisconnected | OSError):
        return MailError(say("the connection ended during the log-in ({name})", name=type(error).__name__), where=where)
    return MailError(
        say("the log-in failed ({name})", name=type(error).__name__), where=where, to_do=say("ask who runs the server")
    )


def _reply(error: smtplib.SMTPResponseException) -> str:
    answer = error.smtp_error
    return _words(error.smtp_code, answer if isinstance(answer, bytes) else str(answer).encode())[:300]


class Transport:
    """A connection to the mail server. Use as a context manager; it connects at the first mail."""

    def __init__(self, settings: MailSettings, password: str) -> None:
        """Set the connection up; nothing is sent yet.

        Raises:
            MailError: mail is not set up, or would send a password in the clear.
        """
        self._settings = settings
        self._password = password
        self._smtp: BoundedSmtp | None = None
        _check(settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Send QUIT if the server still answers, and close the connection."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError):  # nothing depends on QUIT
                smtp.quit()
            smtp.close()

    def connect(self) -> BoundedSmtp:
        """Connect, encrypt and log in, unless that is done.

        Raises:
            MailError: what failed (name, connection, encryption, log-in), and what to do about it.
        """
        if self._smtp is None:
            self._smtp = self._connected()
        return self._smtp

    def send(self, content: bytes, *, sender: str, recipient: str, begin: Callable[[], bool]) -> Outcome | None:
        """Try to send one mail to one recipient.

        Args:
            content: the message, with CRLF line ends.
            sender: address for the envelope.
            recipient: address for the envelope.
            begin: records the intent, right before the text goes; when it answers False the text does not go.

        Returns:
            SENT, RETRY (refused for now), FAILED (refused permanently) or UNKNOWN; None when `begin` answered False.

        Raises:
            MailError: there is no connection: then nothing of this mail was sent.
        """
        smtp = self.connect()
        try:
            refusal = self._envelope(smtp, sender, recipient)
            if refusal is not None:
                return refusal
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            return Outcome(
                state=DeliveryState.RETRY,
                reply=keep(say("the connection ended before the text: {error}", error=_short(error))),
            )
        try:
            begun = begin()
        except BaseException:
            self._drop()  # without the final dot the server delivers nothing
            raise
        if not begun:
            self._drop()
            return None
        return self._text(smtp, content)

    def _envelope(self, smtp: BoundedSmtp, sender: str, recipient: str) -> Outcome | None:
        """Pass MAIL, RCPT and DATA. Returns the refusal, or None when the server waits for the text."""
        steps: tuple[tuple[str, Callable[[], tuple[int, bytes]]], ...] = (
            ("sender", lambda: smtp.mail(sender)),
            ("recipient", lambda: smtp.rcpt(recipient)),
            ("mail", lambda: smtp.docmd("DATA")),
        )
        for step, ask in steps:
            code, reply = ask()
            if step != "mail" and 200 <= code < 300:
                continue
            if step == "mail" and code == 354:
                return None
            if code == 421 or not 400 <= code < 600:
                self._drop()
            else:
                self._reset(smtp)
            return _refusal(step, code, reply)
        return None

    def _text(self, smtp: BoundedSmtp, content: bytes) -> Outcome:
        try:
            smtp.send_text(content)
        except OSError as error:
            return self._broken_off(smtp, error)
        try:
            smtp.send_end()
            code, reply = smtp.getreply()
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            return Outcome(
                state=DeliveryState.UNKNOWN,
                reply=keep(say("the connection ended before the server's answer: {error}", error=_short(error))),
            )
        if 200 <= code < 300:
            return Outcome(state=DeliveryState.SENT, reply=_words(code, reply))
        if not 400 <= code < 600:  # not an answer that SMTP knows: it says neither yes nor no
            self._drop()
            return Outcome(
                state=DeliveryState.UNKNOWN,
                reply=keep(say("an answer that is none: {reply}", reply=_words(code, reply))),
            )
        if code == 421:
            self._drop()
        return _refusal("mail", code, reply)

    def _broken_off(self, smtp: BoundedSmtp, error: OSError) -> Outcome:
        """Say what became of a text that did not reach its end: nothing was delivered, and perhaps it is known why."""
        code, reply = 0, b""
        if not isinstance(error, TimeoutError):
            with contextlib.suppress(smtplib.SMTPException, OSError):  # who hangs up may have said why before
                code, reply = smtp.getreply()
        self._drop()
        if 400 <= code < 600:
            return _refusal("mail", code, reply)
        what = say("the connection ended in the middle of the text: {error}", error=_short(error))
        return Outcome(state=DeliveryState.RETRY, reply=str(what))

    def _reset(self, smtp: BoundedSmtp) -> None:
        try:
            smtp.rset()
        except (smtplib.SMTPException, OSError):
            self._drop()

    def _drop(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            smtp.close()

    def _connected(self) -> BoundedSmtp:
        settings = self._settings
        smtp: BoundedSmtp | None = None
        try:
            context = _context(settings)
            if settings.security == "ssl":
                smtp = BoundedSslSmtp(settings.host, settings.port, timeout=settings.timeout_s, context=context)
            else:
                smtp = BoundedSmtp(settings.host, settings.port, timeout=settings.timeout_s)
                if settings.security == "starttls":
                    smtp.starttls(context=context)
            smtp.ehlo_or_helo_if_needed()
        except (smtplib.SMTPException, OSError) as error:
            if smtp is not None:
                smtp.close()
            raise explain_connection(error, settings) from error
        if settings.user:
            try:
                _log_in(smtp, settings.user, self._password)
            except (smtplib.SMTPException, OSError) as error:
                smtp.close()
                raise explain_login(error, settings) from None  # the cause may carry what was sent
        return smtp


def _check(settings: MailSettings) -> None:
    if not settings.host or not settings.sender:
        name = "mail.host" if not settings.host else "mail.sender"
        raise MailError(
            say("{name} is not set", name=name), where="qareport.yaml", to_do=say("fill in the section mail")
        )
    if settings.security == "none" and settings.user and not _is_here(settings.host):
        raise MailError(
            say("mail.security is none: user name and password would travel in the clear"),
            where="qareport.yaml",
            expected=say("starttls or ssl, or no user"),
        )


def _log_in(smtp: smtplib.SMTP, user: str, password: str) -> None:
    """Log in by one mechanism; smtplib's own `login` tries all of them, which locks accounts after one mistake."""
    offered = smtp.esmtp_features.get("auth", "").upper().split()
    smtp.user, smtp.password = user, password
    for mechanism, answer in (
        ("PLAIN", smtp.auth_plain),
        ("LOGIN", smtp.auth_login),
        ("CRAM-MD5", smtp.auth_cram_md5),
    ):
        if mechanism in offered:
            smtp.auth(mechanism, answer)
            return
    raise smtplib.SMTPNotSupportedError("no mechanism to log in with")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _context(settings: MailSettings) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if settings.ca_file:
        try:
            context.load_verify_locations(settings.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise MailError(
                say("cannot be used: {error}", error=error),
                where=settings.ca_file,
                expected=say("certificates in PEM (mail.ca_file)"),
            ) from error
    return context


def _refusal(step: str, code: int, reply: bytes) -> Outcome:
    state = DeliveryState.FAILED if 500 <= code < 600 else DeliveryState.RETRY
    words = _words(code, reply)
    if step == "sender":
        return Outcome(state=state, reply=str(say("the server refuses the sender: {reply}", reply=words)))
    if step == "recipient":
        return Outcome(state=state, reply=str(say("the server refuses the recipient: {reply}", reply=words)))
    return Outcome(state=state, reply=str(say("the server refuses the mail: {reply}", reply=words)))


def _words(code: int, reply: bytes) -> str:
    return f"{code} {words_of(reply, 500)}"


def _short(error: Exception) -> str:
    if isinstance(error, (TimeoutError, socket.timeout)):
        return str(say("the server did not answer in time"))
    return f"{type(error).__name__} {error}".replace("\n", " ")[:300]


def read_password(settings: MailSettings, environment: Mapping[str, str] = os.environ) -> str:
    """Return the password, "" when there is no user to log in.

    Raises:
        MailError: a user without a password, or a file that cannot be read, that others may read, or that is empty.
    """
    if not settings.user:
        return ""
    if environment.get(VARIABLE):
        return environment[VARIABLE]
    if not settings.password_file:
        raise MailError(
            say("mail.user is {user!r}, but there is no password", user=settings.user),
            where="mail",
            to_do=say(
                "set the environment variable {variable}, or mail.password_file to a file with mode 0600",
                variable=VARIABLE,
            ),
        )
    return read_secret(in_home(settings.password_file), holds=say("the mail password"), error=MailError)
