"""Settings of mail: the server, the recipients of each edition, and where links lead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, with_config

from qareport.messages import say
from qareport.strict_yaml import refusal

#: What every mail server accepts: ASCII, a single @, a domain of labels. Internationalised local parts need SMTPUTF8.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def is_address(text: str) -> bool:
    """Tell whether a text is a single plain mail address."""
    return _ADDRESS.match(text) is not None and ".." not in text


def _address(text: str) -> str:
    if not is_address(text):
        raise refusal("mail_address", say("a mail address such as li.lei@example.com"))
    return text


def _mail_name(text: str) -> str:
    if text and (_CONTROL.search(text) or not is_address(parseaddr(text)[1])):
        raise refusal("mail_name", say("a mail address, or a name with one: 质检 <quality@example.com>"))
    return text


#: `li.lei@example.com`
Address = Annotated[str, AfterValidator(_address)]
#: `li.lei@example.com`, `质检 <quality@example.com>` or nothing.
MailName = Annotated[str, AfterValidator(_mail_name)]


#: What a mail of a period may carry.
AttachedFormat = Literal["docx", "pdf", "html", "xlsx", "json"]


def N_(text: str) -> str:  # noqa: N802 - gettext's name for it
    """Mark a default for the catalogues of translations, which cannot be imported here."""
    return text


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """Mail server, and recipients of each edition. The password is never among settings."""

    #: Mail server; "" = no mail is sent.
    host: str = ""
    #: Port of the server: usually 587 for starttls, 465 for ssl.
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    #: Encryption: starttls, ssl or none. none sends in the clear, and is refused with a user name unless the server is
    #: this machine.
    security: Literal["starttls", "ssl", "none"] = "starttls"
    #: File of certificates (PEM) that are trusted beside the system's; "" = the system's alone.
    ca_file: str = ""
    #: User name; "" = no authentication.
    user: str = ""
    #: File with the password, readable by its owner alone; the variable QAREPORT_SMTP_PASSWORD comes first; "" = none.
    password_file: str = ""
    #: The From header: an address, or `name <address>`; required once `host` is set.
    sender: MailName = ""
    #: The Reply-To header; "" = none, replies go to the sender.
    reply_to: MailName = ""
    #: The subject, a sandboxed Jinja template with organisation, title, period, headline and agent. The default is
    #: translated to the language of the mail.
    subject: str = N_("{{ organisation }}{{ title }} {{ period }}：{{ headline }}")
    #: Recipients of the team's edition.
    team: tuple[Address, ...] = ()
    #: Recipients of failure notices.
    operator: tuple[Address, ...] = ()
    #: Agent id to address: recipients of an edition that contains nothing but their own calls.
    agents: Mapping[str, Address] = field(default_factory=dict)
    #: Formats attached to the team's edition: docx, pdf, html, xlsx (lists in full), json.
    attach: tuple[AttachedFormat, ...] = ("docx", "pdf")
    #: Formats attached to the agents' editions.
    attach_agents: tuple[AttachedFormat, ...] = ("docx",)
    #: In MB: attachments of a larger mail are sent as a single zip, and replaced by a link if that is too large.
    max_megabytes: Annotated[float, Field(gt=0, le=100)] = 20.0
    #: Address of the `daily.out` folder for recipients (`https://…` or `\\server\share`); "" = its path on the server.
    #: Links go to its documents where `desk.public_url` is not set.
    link: str = ""
    #: Address for requests to unsubscribe; "" = reply_to, else sender.
    unsubscribe: MailName = ""
    #: In seconds: a server that does not answer within this time counts as disconnected.
    timeout_s: Annotated[float, Field(gt=0, le=600)] = 60.0
    #: In seconds: waits between attempts within a run; later runs try again.
    retry_s: tuple[Annotated[float, Field(ge=0, le=3600)], ...] = (60.0, 300.0, 900.0)
    #: In hours: a mail that could not be sent within this time is given up, and the operator is told.
    give_up_hours: Annotated[float, Field(gt=0)] = 48.0
