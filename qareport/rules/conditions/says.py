"""`customer says`, `agent says`, `anyone says`: words in one utterance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import regex
from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from qareport.model import Role
from qareport.rules.conditions.base import Condition, LeafForm
from qareport.rules.expressions import ExpressionError, compile_safely, search
from qareport.rules.forms import Words
from qareport.rules.scene import Hit, Scene, uttered
from qareport.rules.similar import likeness, pairs
from qareport.words import WordList, normalise

_ROLES = {"customer says": Role.CUSTOMER, "agent says": Role.AGENT, "anyone says": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Words of which one utterance must hold `at_least`."""

    words: WordList
    #: Normalised, for the quick look at the whole call.
    plain: tuple[str, ...]
    at_least: int = 1

    @classmethod
    def of(cls, words: tuple[str, ...], hidden: tuple[str, ...], at_least: int = 1) -> Group:
        """Make a group. The one place where a condition's words become a `WordList`."""
        return cls(words=WordList(words, hidden), plain=tuple(map(normalise, words)), at_least=at_least)

    def present(self, text: str) -> list[str]:
        """Return the words that stand anywhere in a text, hidden ones too; none when they are too few."""
        found = [word for word in self.plain if word in text]
        return found if len(found) >= self.at_least else []

    def find(self, text: str) -> str | None:
        """Return the first word found, when enough different ones are."""
        first = self.words.find(text)
        if first is None or self.at_least == 1:
            return first
        found = sum(1 for word in dict.fromkeys(self.plain) if word in text)
        return first if found >= self.at_least else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Says:
    """A role says one of the words (or all of them) in one utterance."""

    role: Role | None
    #: One utterance must hold words of each.
    groups: tuple[Group, ...]
    pattern: regex.Pattern[str] | None = None
    refused: regex.Pattern[str] | None = None
    #: The utterance must be one of these as a whole.
    exact: frozenset[str] = frozenset()
    #: The utterance must be as much like one of these as `similarity` says; pairs of letters.
    like: tuple[frozenset[str], ...] = ()
    similarity: float = 1.0

    names_topic = True

    def find(self, scene: Scene) -> list[Hit]:
        """Return each utterance that holds them; the topic is the first word found."""
        text = scene.text_of(self.role)
        # Most rules say nothing of most calls: plain search in the whole text is many times cheaper than patterns.
        wanted: list[str] = []
        for group in self.groups:
            present = group.present(text)
            if not present:
                return []
            wanted = wanted if wanted and len(wanted) <= len(present) else present
        if self.pattern is not None and not self.groups and search(self.pattern, text) is None:
            return []
        hits = []
        for segment, words in scene.lines_of(self.role):
            if wanted:
                for word in wanted:
                    if word in words:
                        break
                else:
                    continue
            topic = self._match(words) if scene.covers(segment.start_ms) else None
            if topic is not None:
                hits.append(uttered(segment, topic=topic))
        return hits

    def _match(self, words: str) -> str | None:
        found: list[str] = []
        for group in self.groups:
            word = group.find(words)
            if word is None:
                return None
            found.append(word)
        if self.pattern is not None:
            match = search(self.pattern, words)
            if match is None:
                return None
            found.append(match)
        if self.exact and words not in self.exact:
            return None
        if self.like and max(likeness(pairs(words), one) for one in self.like) < self.similarity:
            return None
        if self.refused is not None and search(self.refused, words) is not None:
            return None
        return found[0] if found else words

    def seen(self, scene: Scene) -> str:
        """Say how much the role says where it is looked for."""
        return f"{sum(1 for _ in scene.said_by(self.role))} utterances looked at"


def _compiles(value: str) -> str:
    try:
        compile_safely(value)
    except ExpressionError as error:
        raise PydanticCustomError("regex", "a regular expression ({reason})", {"reason": str(error)}) from error
    return value


Expression = Annotated[str, AfterValidator(_compiles)]


class SaysForm(LeafForm):
    """A list means any of its words; all keys can be combined."""

    heads: ClassVar[tuple[str, ...]] = tuple(_ROLES)
    bare: ClassVar[str | None] = "any"

    any: Words | None = None
    all: Words | None = None
    #: How many different words of `any` one utterance must hold.
    at_least: Annotated[int, Field(ge=1, le=50)] = 1
    exact: Words | None = None
    except_: Words | None = Field(default=None, alias="except")
    #: Searched in the text as keywords are compared: lower case, half width, without punctuation and spaces.
    regex: Expression | None = None
    except_regex: Expression | None = None
    like: Words | None = None
    similarity: Annotated[float, Field(gt=0, le=1)] = 0.6

    @model_validator(mode="after")
    def _says_something(self) -> SaysForm:
        if not any((self.any, self.all, self.regex, self.exact, self.like)):
            raise PydanticCustomError("nothing_said", "`any`, `all`, `exact`, `like` or `regex` with what is said")
        if self.at_least > len(set(map(normalise, self.any or ()))) and self.at_least > 1:
            raise PydanticCustomError("at_least", "`at_least` no greater than the number of words in `any`")
        return self

    def condition(self, head: str) -> Condition:
        """Make the condition for the role that the head names."""
        hidden = self.except_ or ()
        groups = [Group.of(self.any, hidden, self.at_least)] if self.any else []
        groups += [Group.of((word,), hidden) for word in self.all or ()]
        return Says(
            role=_ROLES[head],
            groups=tuple(groups),
            pattern=compile_safely(self.regex) if self.regex is not None else None,
            refused=compile_safely(self.except_regex) if self.except_regex is not None else None,
            exact=frozenset(map(normalise, self.exact or ())),
            like=tuple(pairs(normalise(sentence)) for sentence in self.like or ()),
            similarity=self.similarity,
        )
