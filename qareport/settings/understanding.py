"""The section `understanding` of `qareport.yaml`: which reader understands what is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, with_config

from qareport.messages import say
from qareport.strict_yaml import refusal

#: Fields of a request that `extra` must not hold: the answer would no longer be what was asked for.
_FIXED = ("messages", "model", "n", "response_format", "stream")


def _endpoint(text: str) -> str:
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        (parts.hostname or "").encode("idna")
    except (ValueError, UnicodeError):
        known = False
    plain = text.isascii() and text.isprintable() and not set(text) & set(" @?#")
    if text and not (known and plain):
        raise refusal("endpoint", say("an address such as http://127.0.0.1:8000/v1, without user name and query"))
    return text


def _extra(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    if fixed := sorted(set(fields) & set(_FIXED)):
        raise refusal("extra", say("fields without {fixed}", fixed=", ".join(fixed)))
    return fields


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageModelSettings:
    """A language model of the user's own, behind an OpenAI-compatible endpoint."""

    #: Address of the endpoint, as http://127.0.0.1:8000/v1; http reaches private networks and this machine only.
    url: Annotated[str, AfterValidator(_endpoint)] = ""
    #: Name of the model, as the server knows it.
    model: str = ""
    #: File with the key, readable by its owner alone; the variable QAREPORT_LLM_KEY comes first; "" = no key.
    key_file: str = ""
    #: In seconds: an answer that takes longer is given up.
    timeout_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    #: The most sentences that a request asks about; longer calls are asked in parts.
    max_segments: Annotated[int, Field(ge=1, le=400)] = 60
    #: Folder in which answers are kept, so that no call is asked about twice; "" = none.
    cache: str = ""
    #: Further fields of each request, for what a server or model needs.
    extra: Annotated[Mapping[str, Any], AfterValidator(_extra)] = field(default_factory=dict)


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class UnderstandingSettings:
    """Who understands what is said. The user's own words, in `acts.yaml`, come before each reader."""

    #: The reader: bundled, which needs no network, or language_model, which sends masked transcripts to its `url`.
    reader: Literal["bundled", "language_model"] = "bundled"
    #: The language model, used when `reader` is language_model.
    language_model: LanguageModelSettings = field(default_factory=LanguageModelSettings)

    def __post_init__(self) -> None:
        """Refuse a language model of which nobody knows where it is."""
        chosen = self.language_model
        if self.reader == "language_model" and not (chosen.url and chosen.model):
            raise refusal("language_model", say("with language_model.url and .model"))
