"""Why a mail server cannot be used, in words that say what to do: name, connection, encryption, log-in."""

from __future__ import annotations

import smtplib
import socket
import ssl

from qareport.errors import MailError
from qareport.settings import MailSettings


def explain_connection(error: Exception, settings: MailSettings) -> MailError:
    """Say why no connection came about."""
    where = f"{settings.host}:{settings.port}"
    if isinstance(error, socket.gaierror):
        return MailError(
            f"the name of the mail server is not known: {error.strerror}",
            where=where,
            to_do="check mail.host, and that this machine can resolve names: getent hosts " + settings.host,
        )
    if isinstance(error, ConnectionRefusedError):
        return MailError(
            "nothing listens there, the connection was refused",
            where=where,
            to_do="check mail.port (587 for starttls, 465 for ssl, 25 inside), and that the server runs",
        )
    if isinstance(error, TimeoutError):
        return MailError(
            f"no answer within {settings.timeout_s:g} s",
            where=where,
            to_do="check the firewall and mail.port; a port for ssl says nothing to starttls",
        )
    if isinstance(error, ssl.SSLError):
        return _explain_tls(error, settings, where)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return MailError(
            "the server offers no encryption (STARTTLS)",
            where=where,
            to_do="try mail.security: ssl with port 465; none is for a server on this machine or in your own network",
        )
    if isinstance(error, smtplib.SMTPServerDisconnected):
        to_do = "if the port is for ssl (465), set mail.security: ssl; else look into the server's log"
        return MailError(f"the server hung up: {error}", where=where, to_do=to_do)
    if isinstance(error, smtplib.SMTPResponseException):
        return MailError(f"the server refuses this machine: {_reply(error)}", where=where, to_do="ask who runs it")
    return MailError(f"no connection: {error}", where=where, to_do="check mail.host, mail.port and the network")


def _explain_tls(error: ssl.SSLError, settings: MailSettings, where: str) -> MailError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return MailError(
            f"the server's certificate is not to be trusted: {error.verify_message}",
            where=where,
            to_do="mail.host must be the name in the certificate; for one of your own authority set mail.ca_file",
        )
    if "WRONG_VERSION" in str(error) or "RECORD_LAYER" in str(error):
        return MailError(
            "the server does not speak ssl at once on this port",
            where=where,
            to_do="set mail.security: starttls (usually port 587)",
        )
    return MailError(f"encryption failed: {error}", where=where, to_do="ask who runs the server which TLS it speaks")


def explain_login(error: Exception, settings: MailSettings) -> MailError:
    """Say why the log-in failed, without what was sent for it."""
    where = f"{settings.host}:{settings.port} as {settings.user}"
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return MailError(
            f"the log-in was refused: {_reply(error)}",
            where=where,
            to_do="check mail.user and the password; many providers want an app password (授权码) here",
        )
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return MailError("the server knows no log-in", where=where, to_do="leave mail.user empty, or another port")
    if isinstance(error, smtplib.SMTPServerDisconnected | OSError):
        return MailError(f"the connection ended during the log-in ({type(error).__name__})", where=where)
    return MailError(f"the log-in failed ({type(error).__name__})", where=where, to_do="ask who runs the server")


def _reply(error: smtplib.SMTPResponseException) -> str:
    said = error.smtp_error
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return f"{error.smtp_code} {text}".replace("\n", " ")[:300]
