"""Cursors of lists: opaque to who reads on, and signed, so that only places that a list itself named are read from."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any, Final

from qareport.errors import ConfigError, Problem
from qareport.messages import say
from qareport.web.desk import Desk

_SIGNATURE: Final = 12
#: Characters of a cursor at most.
LONGEST: Final = 200


def write_cursor(desk: Desk, list_name: str, *place: str | int) -> str:
    """Write where a page of a list ended.

    Args:
        desk: whose key signs it.
        list_name: what the list is and how it is sorted: a cursor of another list is none of this one.
        place: what the list goes on from.
    """
    content = json.dumps(place, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_sign(desk, list_name, content) + content).decode().rstrip("=")


def read_cursor(desk: Desk, list_name: str, text: str) -> tuple[Any, ...] | None:
    """Read where a page of a list ended; None for no cursor.

    Raises:
        ConfigError: this list made no such cursor.
    """
    if not text:
        return None
    try:
        whole = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        whole = b""
    signature, content = whole[:_SIGNATURE], whole[_SIGNATURE:]
    if not content or not hmac.compare_digest(signature, _sign(desk, list_name, content)):
        raise ConfigError(
            [Problem(what=say("this is no place in this list"), where="after", to_do=say("read it from the beginning"))]
        )
    return tuple(json.loads(content))


def _sign(desk: Desk, list_name: str, content: bytes) -> bytes:
    secret = desk.key.derive("cursor", 0, 0)
    return hmac.digest(secret, list_name.encode() + b"\0" + content, hashlib.sha256)[:_SIGNATURE]
