"""The user's own words: phrases that always mean an act, and phrases that never do, whatever another reader says.

They are in `config/acts.yaml`, by role and act. A phrase is found in a segment as the words of `topics.yaml` are:
letter by letter in normal form (`qareport.text.wordlist`), Latin words and numbers as complete words.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from qareport.errors import ConfigError, Problem
from qareport.files import content_key
from qareport.messages import Message, say
from qareport.model import ACTS_OF, Act, Role, Segment, SpokenAct, Transcript
from qareport.strict_yaml import YamlSource, read_yaml, validate
from qareport.text.wordlist import Keyword, WordList, normalise
from qareport.understanding.reader import WORDS, Reader

_ROLES: Final = (Role.CUSTOMER, Role.AGENT)


@dataclass(frozen=True, slots=True)
class ActWords:
    """The phrases of one act of one role."""

    role: Role
    act: Act
    #: What is inside a phrase of `never` does not count.
    always: WordList
    never: WordList


class _Phrases(BaseModel):
    model_config = ConfigDict(extra="forbid")

    always: list[Keyword] = []
    never: list[Keyword] = []


class _ActsFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    schema_: Annotated[int, Field(alias="schema", ge=1, le=1)]
    customer: dict[str, _Phrases] = {}
    agent: dict[str, _Phrases] = {}

    def of(self, role: Role) -> dict[str, _Phrases]:
        return self.customer if role is Role.CUSTOMER else self.agent


def load_act_words(path: Path) -> tuple[ActWords, ...]:
    """Read `acts.yaml`; a file that does not exist holds no words.

    Raises:
        ConfigError: everything wrong in the file, with line and column.
    """
    if not path.exists():
        return ()
    source = read_yaml(path)
    form = validate(_ActsFile, source)
    problems = [problem for role in _ROLES for problem in _problems(role, form.of(role), source)]
    if problems:
        raise ConfigError(problems)
    return tuple(
        ActWords(role, Act(act), WordList(tuple(said.always), tuple(said.never)), WordList(tuple(said.never)))
        for role in _ROLES
        for act, said in form.of(role).items()
    )


def _problems(role: Role, acts: dict[str, _Phrases], source: YamlSource) -> Iterator[Problem]:
    own = {act.value for act in ACTS_OF[role]}
    for act, said in acts.items():
        if act not in own:
            where = source.locate((role.value, act))
            yield Problem(
                what=say("{act!r} is no act of the {role}", act=act, role=role.value),
                where=where,
                to_do=_correction(role, act),
            )
        never = {normalise(phrase) for phrase in said.never}
        for index, phrase in enumerate(said.always):
            if normalise(phrase) in never:
                where = source.locate((role.value, act, "always", index))
                yield Problem(
                    what=say("{phrase!r} is in always and in never", phrase=phrase), where=where, to_do=say("keep one")
                )


def _correction(role: Role, act: str) -> Message:
    other = next(other for other in _ROLES if other is not role)
    if act in ACTS_OF[other]:
        return say("write it under {role!r}", role=other.value)
    names = sorted(own.value for own in ACTS_OF[role])
    near = difflib.get_close_matches(act, names, n=1)
    return say("did you mean {near!r}?", near=near[0]) if near else say("acts are {names}", names=", ".join(names))


class OwnWords:
    """A reader whose claims are corrected by the user's own words."""

    def __init__(self, reader: Reader, words: Sequence[ActWords]) -> None:
        """Take the reader that is corrected, and the words."""
        self._reader = reader
        self._words = tuple(words)

    @property
    def key(self) -> str:
        """Hash of the words and of the key of the reader that they correct."""
        return content_key(WORDS, *map(repr, self._words), self._reader.key)

    def read(self, transcript: Transcript) -> Transcript:
        """Read with the other reader, add what the words say with score 1, and drop what they deny."""
        read = self._reader.read(transcript)
        return replace(read, segments=tuple(map(self._correct, read.segments))) if self._words else read

    def _correct(self, segment: Segment) -> Segment:
        text = normalise(segment.text)
        acts = {spoken.act: spoken for spoken in segment.acts}
        said = []
        for words in self._words:
            if words.role is not segment.role:
                continue
            if phrase := words.always.find(text):
                acts.pop(words.act, None)
                said.append(SpokenAct(act=words.act, reader=WORDS, words=(phrase,)))
            elif words.never.find(text):
                acts.pop(words.act, None)
        return replace(segment, acts=(*said, *acts.values()))
