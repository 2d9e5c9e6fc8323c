"""Secrets are never among settings: settings name where a secret is, `env:NAME` or `file:/path`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator

from qareport.errors import QareportError
from qareport.files import in_home, read_secret
from qareport.messages import say
from qareport.strict_yaml import refusal

#: `env:ZAMMAD_TOKEN`, `file:/etc/qareport/zammad.token`.
PLACE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:[^\s]+")


def _place(text: str) -> str:
    if text and PLACE.fullmatch(text) is None:
        raise refusal("secret_place", say("where the secret is: env:NAME, or file: and the path of a file"))
    return text


#: Where a secret is; "" = there is none.
SecretPlace = Annotated[str, AfterValidator(_place)]


def find_secret(
    place: str, *, where: str, error: type[QareportError], environment: Mapping[str, str] | None = None
) -> str:
    """Return the secret at a place. No message quotes it.

    Args:
        place: as `SecretPlace`, not "".
        where: what names the place, for messages.
        error: what is raised.
        environment: variables; None: those of the process.

    Raises:
        QareportError: of the type `error`: the variable is not set, or the file cannot be read, may be read by
            others, or is not one line of text.
    """
    kind, _, name = place.partition(":")
    if kind == "file":
        return read_secret(in_home(name), holds=say("the secret of {where}", where=where), error=error)
    secret = (os.environ if environment is None else environment).get(name, "").strip()
    if not secret:
        raise error(
            say("the environment variable {name} is not set", name=name),
            where=where,
            to_do=say("set it where qareport is started"),
        )
    return secret
