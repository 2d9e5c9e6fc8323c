"""`config/topics.yaml`: the issue types and the words by which moments are known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from qareport.errors import ConfigError, Problem
from qareport.strict_yaml import YamlSource, read_yaml, validate
from qareport.text.wordlist import Keyword, WordList, not_blank


@dataclass(frozen=True, slots=True)
class Topic:
    """One issue type (问题类型) and the words by which a customer names it."""

    name: str
    words: WordList


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    """The issue types, and the word lists that the search for key moments needs."""

    topics: tuple[Topic, ...]
    #: What an agent can promise (发货, 退款, 回电 …) and the words for it.
    promises: tuple[Topic, ...]
    #: At which stage of an order a call is made (发货前 … 退货时) and how it came (首次接入, 转接后).
    stages: tuple[Topic, ...]
    #: What makes a sentence a question even without a question mark.
    question: WordList
    #: What asks when, or why still not; two such questions about one issue are one question.
    urging: WordList
    #: The customer gives the order up.
    churn: WordList
    #: The customer takes it further: complaint, authorities, public, superiors.
    escalation: WordList
    #: The customer no longer believes what the shop says.
    distrust: WordList
    #: Complaint and sarcasm, in whose company laughter is irony.
    negative: WordList
    laughter: WordList
    thanks: WordList
    #: Phrases that sound like an answer and hold none.
    evasive: WordList
    #: What an answer holds: a time, a number, a commitment, something done.
    answer: WordList
    #: The agent asks to wait.
    hold: WordList
    #: Words that change nothing in what a question asks; left out when questions are compared.
    filler: WordList


class _Words(BaseModel):
    model_config = ConfigDict(extra="forbid")

    any: list[Keyword] = Field(min_length=1)
    except_: list[Keyword] = Field(default=[], alias="except")
    sounds_like: bool = False

    def compile(self, false_friends: tuple[str, ...]) -> WordList:
        return WordList(tuple(self.any), tuple(self.except_), self.sounds_like, false_friends)


class _Topic(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, AfterValidator(not_blank)]
    keywords: list[Keyword] = Field(min_length=1)
    except_: list[Keyword] = Field(default=[], alias="except")
    #: By default issue types alone: the words of stages and promises are short and common.
    sounds_like: bool | None = None

    def compile(self, false_friends: tuple[str, ...], *, sounds_like: bool = False) -> Topic:
        tolerant = sounds_like if self.sounds_like is None else self.sounds_like
        words = WordList(tuple(self.keywords), tuple(self.except_), tolerant, false_friends)
        return Topic(self.name, words)


class _WordLists(BaseModel):
    model_config = ConfigDict(extra="forbid")

    question: _Words
    urging: _Words
    churn: _Words
    escalation: _Words
    distrust: _Words
    negative: _Words
    laughter: _Words
    thanks: _Words
    evasive: _Words
    answer: _Words
    hold: _Words
    filler: _Words


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    schema_: Annotated[int, Field(alias="schema", ge=1, le=1)]
    topics: list[_Topic] = Field(min_length=1)
    promises: list[_Topic] = Field(min_length=1)
    stages: list[_Topic] = Field(min_length=1)
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
        topics=tuple(topic.compile(friends, sounds_like=True) for topic in form.topics),
        promises=tuple(promise.compile(friends) for promise in form.promises),
        stages=tuple(stage.compile(friends) for stage in form.stages),
        **lists,
    )


def _double_names(form: _File, source: YamlSource) -> list[Problem]:
    problems = []
    sections = (
        ("topics", "topic", form.topics),
        ("promises", "promise", form.promises),
        ("stages", "stage", form.stages),
    )
    for section, what, entries in sections:
        seen: set[str] = set()
        for index, entry in enumerate(entries):
            if entry.name in seen:
                where = source.locate((section, index, "name"))
                problems.append(Problem(what=f"{what} {entry.name!r} is given twice", where=where, to_do="keep one"))
            seen.add(entry.name)
    return problems
