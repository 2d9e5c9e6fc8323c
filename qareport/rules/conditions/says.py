"""`customer says`, `agent says`, `anyone says`: words in one utterance."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from qareport.model import Evidence, Role
from qareport.rules.conditions.base import Condition, LeafForm
from qareport.rules.forms import Words
from qareport.rules.scene import Hit, Scene
from qareport.words import WordList

_ROLES = {"customer says": Role.CUSTOMER, "agent says": Role.AGENT, "anyone says": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Says:
    """A role says one of the words (or all of them) in one utterance."""

    role: Role | None
    #: One utterance must hold a word of each.
    groups: tuple[WordList, ...]
    pattern: re.Pattern[str] | None = None

    names_topic = True

    def find(self, scene: Scene) -> list[Hit]:
        """Return each utterance that holds them; the topic is the first word found."""
        hits = []
        for segment, words in scene.said_by(self.role):
            topic = self._match(words)
            if topic is not None:
                evidence = Evidence(
                    at_ms=segment.start_ms, end_ms=segment.end_ms, role=segment.role, quote=segment.text
                )
                hits.append(Hit(at_ms=segment.start_ms, evidence=(evidence,), topic=topic))
        return hits

    def _match(self, words: str) -> str | None:
        found: list[str] = []
        for group in self.groups:
            word = group.find(words)
            if word is None:
                return None
            found.append(word)
        if self.pattern is not None:
            match = self.pattern.search(words)
            if match is None:
                return None
            found.append(match.group(0))
        return found[0]


def _compiles(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise PydanticCustomError("regex", "a regular expression ({reason})", {"reason": str(error)}) from error
    return value


class SaysForm(LeafForm):
    """A list means any of its words; `any`, `all`, `except` and `regex` can be combined."""

    heads: ClassVar[tuple[str, ...]] = tuple(_ROLES)
    bare: ClassVar[str | None] = "any"

    any: Words | None = None
    all: Words | None = None
    except_: Words | None = Field(default=None, alias="except")
    #: Searched in the text as keywords are compared: lower case, half width, without punctuation and spaces.
    regex: Annotated[str, AfterValidator(_compiles)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> SaysForm:
        if self.any is None and self.all is None and self.regex is None:
            raise PydanticCustomError("nothing_said", "`any`, `all` or `regex` with what is said")
        return self

    def condition(self, head: str) -> Condition:
        """Make the condition for the role that the head names."""
        hidden = self.except_ or ()
        groups = [WordList(self.any, hidden)] if self.any else []
        groups += [WordList((word,), hidden) for word in self.all or ()]
        return Says(
            role=_ROLES[head], groups=tuple(groups), pattern=re.compile(self.regex) if self.regex is not None else None
        )
