"""The section `ingest` of `qareport.yaml`: how recordings are found, fetched, and known by their names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, with_config

from qareport.messages import say
from qareport.settings.name_pattern import NamePattern
from qareport.strict_yaml import refusal

#: MixMonitor's r() and t(), FreePBX's -in and -out: what came in from the line is the caller.
_LEGS: Mapping[str, Literal["agent", "customer"]] = {
    "agent": "agent",
    "customer": "customer",
    "in": "customer",
    "out": "agent",
    "rx": "customer",
    "tx": "agent",
    "客服": "agent",
    "客户": "customer",
}


def _url_prefix(text: str) -> str:
    try:
        parts = urlsplit(text)
        known = bool(parts.scheme and (parts.netloc or parts.scheme == "file")) and parts.username is None
    except ValueError:
        known = False
    if not known or "::" in re.sub(r"\[[^\]]*\]", "", text) or set(text) & set(" ?#\\"):
        raise refusal("url_prefix", say("the beginning of an address such as https://recordings.example.com/2026/"))
    return text


UrlPrefix = Annotated[str, AfterValidator(_url_prefix)]


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class IngestSettings:
    """How recordings are found, and how their names are read."""

    #: Pattern of the file names of calls without a manifest row, such as `{agent_id}_{order_id}`; "" = names are not
    #: read.
    name_pattern: NamePattern = ""
    #: Words for the two legs of a call that is recorded in two files (`{leg}` in `name_pattern`, `channels` in a
    #: manifest), and whose voice each leg holds.
    legs: Mapping[str, Literal["agent", "customer"]] = field(default_factory=lambda: dict(_LEGS))
    #: Beginnings of the addresses that a manifest may name, such as `https://recordings.example.com/` or
    #: `s3://calls/`; [] = none. Files may always be named, and what is named on the command line or in `daily.sources`.
    manifest_urls: tuple[UrlPrefix, ...] = ()
    #: In MB: a larger recording is not fetched.
    max_megabytes: Annotated[float, Field(gt=0)] = 500.0
    #: In seconds: a recording that is not fetched within this time counts as failed.
    fetch_timeout_s: Annotated[float, Field(gt=0, le=86_400)] = 600.0
    #: In seconds: a file that was written to within this time is watched for as long; if it changes, it is left for the
    #: next run.
    settle_s: Annotated[float, Field(ge=0, le=600)] = 10.0
