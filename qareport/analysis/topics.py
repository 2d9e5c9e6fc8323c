"""`config/topics.yaml`: the words that name the topics of calls, their stages and what agents promise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field

from qareport.errors import ConfigError, Problem
from qareport.messages import say
from qareport.strict_yaml import YamlSource, read_yaml, validate
from qareport.text.wordlist import Keyword, WordList, not_blank


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic (话题), stage or promise, and the words by which it is named."""

    name: str
    words: WordList
    #: Of a topic: words of which one is enough to make a call one of this topic; None: no word is.
    sure: WordList | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    """The topics of calls, their stages, what agents promise, and two small word lists."""

    topics: tuple[Topic, ...]
    #: What an agent can promise (发货, 退款, 回电 …) and the words for it.
    promises: tuple[Topic, ...]
    #: At which stage of an order a call is made (发货前 … 退货时) and how it came (首次接入, 转接后).
    stages: tuple[Topic, ...]
    #: The customer no longer believes what the shop says.
    distrust: WordList
    #: The agent asks to wait.
    hold: WordList


class _Words(BaseModel):
    model_config = ConfigDict(extra="forbid")

    any: list[Keyword] = Field(min_length=1)
    except_: list[Keyword] = Field(default=[], alias="except")
    sounds_like: bool = False

    def compile(self, false_friends: tuple[str, ...]) -> WordList:
        return WordList(tuple(self.any), tuple(self.except_), self.sounds_like, false_friends)


class _Named(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, AfterValidator(not_blank)]
    keywords: list[Keyword] = Field(min_length=1)
    except_: list[Keyword] = Field(default=[], alias="except")
    sounds_like: bool = False

    def compile(self, false_friends: tuple[str, ...]) -> Topic:
        return Topic(self.name, self._words(self.keywords, false_friends))

    def _words(self, words: list[str], false_friends: tuple[str, ...]) -> WordList:
        return WordList(tuple(words), tuple(self.except_), self.sounds_like, false_friends)


class _Topic(_Named):
    sure: list[Keyword] = []

    def compile(self, false_friends: tuple[str, ...]) -> Topic:
        sure = self._words(self.sure, false_friends) if self.sure else None
        return Topic(self.name, self._words(self.keywords, false_friends), sure)


class _WordLists(BaseModel):
    model_config = ConfigDict(extra="forbid")

    distrust: _Words
    hold: _Words


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    schema_: Annotated[int, Field(alias="schema", ge=1, le=1)]
    topics: list[_Topic] = Field(min_length=1)
    promises: list[_Named] = Field(min_length=1)
    #: Its old name is read too. The stages of `synonyms.yaml`, which rules know, are those of the order.
    call_stages: list[_Named] = Field(min_length=1, validation_alias=AliasChoices("call_stages", "stages"))
    words: _WordLists
    false_friends: list[Keyword] = []


def load_topics(path: Path) -> Topics:
    """Read `topics.yaml`.

    Raises:
        ConfigError: everything wrong in the file, with line and column.
    """
    source = read_yaml(path)
    form = validate(_File, source)
    problems = _double_names(form, source)
    if problems:
        raise ConfigError(problems)
    friends = tuple(form.false_friends)
    lists = {name: getattr(form.words, name).compile(friends) for name in _WordLists.model_fields}
    return Topics(
        topics=tuple(topic.compile(friends) for topic in form.topics),
        promises=tuple(promise.compile(friends) for promise in form.promises),
        stages=tuple(stage.compile(friends) for stage in form.call_stages),
        **lists,
    )


def _double_names(form: _File, source: YamlSource) -> list[Problem]:
    stages = "stages" if "stages" in source.data else "call_stages"
    problems = []
    for section, entries in (("topics", form.topics), ("promises", form.promises), (stages, form.call_stages)):
        seen: set[str] = set()
        for index, entry in enumerate(entries):
            if entry.name in seen:
                where = source.locate((section, index, "name"))
                problems.append(
                    Problem(
                        what=say("{section}: {name!r} is given twice", section=section, name=entry.name),
                        where=where,
                        to_do=say("keep one"),
                    )
                )
            seen.add(entry.name)
    return problems
