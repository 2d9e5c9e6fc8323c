"""Settings of the sign-in with accounts of the organisation, by OpenID Connect."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, with_config

from qareport.messages import say
from qareport.model import UserRole
from qareport.settings.secrets import SecretPlace
from qareport.strict_yaml import refusal

#: The group of everyone whom the provider knows.
EVERYONE = "*"


def _issuer(text: str) -> str:
    if text and not is_encrypted(text):
        raise refusal("issuer", say("an address as https://sso.example.com, without ? and #"))
    return text


def is_encrypted(url: str) -> bool:
    """Tell whether nobody between here and a URL can read or change what is said: https, or this machine itself."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if not host or parts.query or parts.fragment:
        return False
    if parts.scheme == "https":
        return True
    try:
        return parts.scheme == "http" and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False


_Name = Annotated[str, Field(min_length=1, max_length=200)]


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class OidcSettings:
    """Sign-in with accounts of the organisation (OpenID Connect); local accounts work beside it."""

    #: Address of the provider, as its tokens name it: https://sso.example.com/realms/main; "" = there is none.
    issuer: Annotated[str, AfterValidator(_issuer)] = ""
    #: What the provider calls the desk.
    client_id: str = ""
    #: Where the secret is that the provider gave the desk: env:NAME, or file: and a path; "" = it gave none.
    client_secret: SecretPlace = ""
    #: What the provider is asked for beside `openid`.
    scopes: tuple[_Name, ...] = ("profile", "email")
    #: The claim that names a person on the desk.
    name_claim: _Name = "preferred_username"
    #: The claim with a person's groups; dots lead into a claim, as in realm_access.roles.
    groups_claim: _Name = "groups"
    #: The role that each group has on the desk; of several groups, the first one here counts; "*" is everyone. Who is
    #: in none of them is not let in.
    roles: Mapping[_Name, UserRole] = field(default_factory=dict)
    #: The team that each group looks after, by its id; {} = an administrator says so on the page of the users.
    teams: Mapping[_Name, _Name] = field(default_factory=dict)
    #: The claim with the agent that a person is in calls; "" = an administrator says so on the page of the users.
    agent_claim: str = ""
