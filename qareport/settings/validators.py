"""Validation of single values in settings; each error states what was expected."""

from __future__ import annotations

import re
from email.utils import parseaddr
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

#: What every mail server accepts: ASCII, a single @, a domain of labels. Internationalised local parts need SMTPUTF8.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def is_address(text: str) -> bool:
    """Tell whether a text is a single plain mail address."""
    return _ADDRESS.match(text) is not None and ".." not in text


def _address(text: str) -> str:
    if not is_address(text):
        raise PydanticCustomError("mail_address", "Value should be a mail address such as li.lei@example.com")
    return text


def _mail_name(text: str) -> str:
    if text and (_CONTROL.search(text) or not is_address(parseaddr(text)[1])):
        raise PydanticCustomError(
            "mail_name", "Value should be a mail address, or a name with one: 质检 <quality@example.com>"
        )
    return text


#: `li.lei@example.com`
Address = Annotated[str, AfterValidator(_address)]
#: `li.lei@example.com`, `质检 <quality@example.com>` or nothing.
MailName = Annotated[str, AfterValidator(_mail_name)]
