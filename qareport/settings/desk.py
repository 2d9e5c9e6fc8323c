"""Settings of the desk: where it listens, how long logins last, and how findings are reviewed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, with_config

from qareport.messages import say
from qareport.outgoing import read_allowed
from qareport.settings.oidc import OidcSettings
from qareport.strict_yaml import refusal


def _reachable(text: str) -> str:
    try:
        read_allowed(text)
    except ValueError:
        raise refusal(
            "reachable", say("a network such as 10.1.0.0/16, a host such as crm.internal, or http://crm.internal")
        ) from None
    return text


#: What requests may reach beyond public addresses over https.
Reachable = Annotated[str, AfterValidator(_reachable)]


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class DeskSettings:
    """The web desk (`qareport serve`)."""

    #: Address on which it listens; other machines reach it only where this is not 127.0.0.1.
    host: str = "127.0.0.1"
    #: Port on which it listens.
    port: Annotated[int, Field(ge=1, le=65535)] = 8710
    #: The address that people type, as https://qa.example.com; used in mails, and checked in requests; "" = that of the
    #: request.
    public_url: str = ""
    #: Folder of uploaded recordings, of sound for listening, and of the desk's key.
    folder: str = "desk"
    #: File of the key from which the secrets of webhooks are derived; the first start makes it. "" = `key` in the
    #: folder.
    key_file: str = ""
    #: In hours: a login ends after this time.
    session_hours: Annotated[int, Field(ge=1, le=720)] = 12
    #: In minutes: a login that is not used for this time ends.
    idle_minutes: Annotated[int, Field(ge=5, le=1440)] = 120
    #: In megabytes: a larger recording is refused.
    upload_megabytes: Annotated[int, Field(ge=1, le=4096)] = 500
    #: The most recordings that wait to be heard.
    upload_queue: Annotated[int, Field(ge=1, le=100_000)] = 200
    #: Whether other machines may reach it without encryption; every page then says so.
    insecure_http: bool = False
    #: Addresses of the proxies before it, whose X-Forwarded-* headers count.
    trusted_proxies: tuple[str, ...] = ()
    #: Whether a second person must agree before a rule is published.
    rules_need_second: bool = False
    #: Sign-in with accounts of the organisation.
    oidc: OidcSettings = field(default_factory=OidcSettings)

    @property
    def key_path(self) -> Path:
        """Where the desk's key is."""
        return Path(self.key_file) if self.key_file else Path(self.folder) / "key"


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewSettings:
    """Review of findings, and appeals against them."""

    #: In days: so long an agent can appeal after a finding, and so long an appeal can be decided.
    appeal_days: Annotated[int, Field(ge=1, le=365)] = 7
    #: In days: so long a dismissed appeal can be escalated, once.
    escalate_days: Annotated[int, Field(ge=1, le=365)] = 3
    #: Calls of each agent and day that the queue takes as a sample.
    sample_per_agent: Annotated[int, Field(ge=0, le=100)] = 2
    #: Whether an appeal is decided by someone else than the one whose verdict it is about.
    four_eyes: bool = True
    #: From 0 to 1: this share of verdicts goes to a second reviewer, who does not see the first.
    blind_second: Annotated[float, Field(ge=0, le=1)] = 0.05


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """Webhooks: requests of the desk to other systems."""

    #: What they may reach beyond public addresses over https: networks such as 10.1.0.0/16, hosts such as crm.internal,
    #: and with `http://` before a host it may be reached without encryption, too.
    allow: tuple[Reachable, ...] = ()
