"""Compose mails from templates: text, HTML, attachments that fit, headers, and a stable Message-ID."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from pathlib import Path
from urllib.parse import quote

from jinja2 import TemplateError

from qareport import privacy
from qareport.delivery.mail.view import MailView
from qareport.errors import MailError
from qareport.messages import say
from qareport.model import MAIL, Delivery, Edition, delivery_key
from qareport.presentation.locale import _
from qareport.presentation.templating import find_template, make_environment, read_template, template_line
from qareport.presentation.view_types import clean_value
from qareport.settings import MailSettings

#: Base64 makes four characters of three bytes, and a line end of every 76.
_ENCODED = 4 / 3 * 78 / 76
#: Estimated size of the texts and the headers of a mail.
_BODY_BYTES = 300_000
_EPOCH = (1980, 1, 1, 0, 0, 0)
_TYPES = {
    ".docx": ("application", "vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ".pdf": ("application", "pdf"),
    ".html": ("text", "html"),
    ".json": ("application", "json"),
    ".xlsx": ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ".zip": ("application", "zip"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A document as it is attached: the name that its reader sees, and its path."""

    name: str
    content: bytes
    #: The document on this machine.
    path: Path

    @property
    def media_type(self) -> tuple[str, str]:
        """Main type and subtype, by the name's ending."""
        return _TYPES.get(Path(self.name).suffix, ("application", "octet-stream"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What is attached to a mail, and what is too large for it."""

    attached: tuple[Attachment, ...] = ()
    left_out: tuple[Attachment, ...] = ()


def fit(attachments: Sequence[Attachment], *, max_megabytes: float, zip_name: str) -> Fitted:
    """Attach the documents as they are, or as one zip when they are too large, or not at all."""
    limit = max_megabytes * 1_000_000 - _BODY_BYTES
    if _encoded(attachments) <= limit:
        return Fitted(attached=tuple(attachments))
    packed = _zipped(attachments, zip_name)
    if _encoded([packed]) <= limit:
        return Fitted(attached=(packed,))
    return Fitted(left_out=tuple(attachments))


def _encoded(attachments: Sequence[Attachment]) -> float:
    return sum(len(attachment.content) for attachment in attachments) * _ENCODED


def _zipped(attachments: Sequence[Attachment], name: str) -> Attachment:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for attachment in attachments:
            entry = zipfile.ZipInfo(attachment.name, _EPOCH)
            archive.writestr(entry, attachment.content, zipfile.ZIP_DEFLATED)
    return Attachment(name=name, content=buffer.getvalue(), path=attachments[0].path)


HTML_TEMPLATE = "mail.html.j2"
TEXT_TEMPLATE = "mail.txt.j2"
#: Any server takes seven bits; what is not ASCII travels as base64 or quoted-printable.
_POLICY = SMTP.clone(cte_type="7bit")
_SUBJECT_LENGTH = 200
_SPACE = re.compile(r"[\s\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a mail carries; the same for all who get the edition."""

    view: MailView
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What a mail is: with the recipient, all that makes it another mail or the same."""

    edition: Edition
    period: str
    kind: str


def compose(
    content: Content,
    purpose: Purpose,
    recipients: Sequence[str],
    settings: MailSettings,
    *,
    templates: Path | None,
    now: datetime,
) -> tuple[Delivery, ...]:
    """Compose one mail for each recipient: no recipient sees the others, and each mail is sent once on its own.

    Args:
        content: what it says.
        purpose: what it is.
        recipients: addresses.
        settings: sender, subject and so on.
        templates: a folder of the user's templates; a template that is not in it is taken from the bundled ones.
        now: for the Date header.

    Raises:
        MailError: a template that cannot be used, named with its line.
    """
    content = Content(view=clean_value(content.view), attachments=content.attachments)
    html = fill(HTML_TEMPLATE, content.view, templates)
    text = fill(TEXT_TEMPLATE, content.view, templates)
    subject = write_subject(content.view, settings.subject)
    return tuple(_letter(content, purpose, recipient, settings, (subject, text, html), now) for recipient in recipients)


def write_subject(view: MailView, template: str) -> str:
    """Fill the template of the subject: one line, no control characters; a partial report says so first.

    Raises:
        MailError: the template cannot be used.
    """
    values = {
        "organisation": view.organisation,
        "title": view.title,
        "period": view.period_short,
        "headline": view.headline,
        "agent": view.agent,
    }
    try:
        subject = make_environment().overlay(autoescape=False).from_string(_(template)).render(values)
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise MailError(
            say("cannot be used: {error}", error=error),
            where="mail.subject",
            expected=say("text with {values} in {{{{ }}}}", values=", ".join(values)),
        ) from error
    mark = _("【不完整】") if view.partial else ""
    # An order, an agent or an organisation may be named by a number.
    return (mark + privacy.mask(_SPACE.sub(" ", subject).strip())[0])[:_SUBJECT_LENGTH]


def message_id(key: str, sender: str) -> str:
    """Derive the Message-ID from a mail's key, so that however often it is composed it is the same mail."""
    return f"<{key}@{parseaddr(sender)[1].rpartition('@')[2]}>"


def _letter(
    content: Content,
    purpose: Purpose,
    recipient: str,
    settings: MailSettings,
    written: tuple[str, str, str],
    now: datetime,
) -> Delivery:
    key = delivery_key(MAIL, purpose.edition, recipient, purpose.period, purpose.kind)
    identity = message_id(key, settings.sender)
    return Delivery(
        channel=MAIL,
        edition=purpose.edition,
        recipient=recipient,
        period=purpose.period,
        kind=purpose.kind,
        subject=written[0],
        message_id=identity,
        content=_message(content, recipient, settings, written, identity, now).as_bytes(),
    )


def _message(
    content: Content,
    recipient: str,
    settings: MailSettings,
    written: tuple[str, str, str],
    identity: str,
    now: datetime,
) -> EmailMessage:
    subject, text, html = written
    message = EmailMessage(policy=_POLICY)
    message["From"] = _address(settings.sender)
    message["To"] = recipient
    message["Subject"] = subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = identity
    for name, value in _machine_headers(settings).items():
        message[name] = value
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    for attachment in content.attachments:
        main, sub = attachment.media_type
        message.add_attachment(attachment.content, maintype=main, subtype=sub, filename=attachment.name)
    return message


def _machine_headers(settings: MailSettings) -> Mapping[str, str]:
    """Say that a program wrote this, so that no absence notice answers it, and how to be taken off the list."""
    stop = parseaddr(settings.unsubscribe or settings.reply_to or settings.sender)[1]
    headers = {
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "List-Unsubscribe": f"<mailto:{stop}?subject={quote('unsubscribe qareport')}>",
    }
    if settings.reply_to:
        headers["Reply-To"] = str(_address(settings.reply_to))
    return headers


def _address(text: str) -> Address:
    name, address = parseaddr(text)
    return Address(display_name=name, addr_spec=address)


def fill(name: str, view: MailView, templates: Path | None) -> str:
    """Fill one of the two templates of a mail.

    Raises:
        MailError: a tag that cannot be used, named with its line.
    """
    path = find_template(name, templates)
    environment = make_environment().overlay(autoescape=name == HTML_TEMPLATE)
    try:
        return environment.from_string(read_template(path)).render(mail=view)
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        line = template_line(error)
        where = f"{path}:{line}" if line else str(path)
        raise MailError(
            say("template tag cannot be used: {error}", error=error), where=where, to_do=say("fix that tag")
        ) from error
