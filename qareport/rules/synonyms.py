"""`synonyms.yaml` beside the rules: shared lists of words (`$道歉`), words of the stages of an order, false friends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

import pydantic
from pydantic import Field, StrictInt

from qareport.rules.diagnostics import Complaints
from qareport.rules.schema_types import Form, Words
from qareport.strict_yaml import YamlSource
from qareport.text.wordlist import WordList

FILE_NAME = "synonyms.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What rules share."""

    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Words that sound like others and mean something else: no condition takes them for what it looks for.
    false_friends: tuple[str, ...] = ()

    def stage_lists(self) -> dict[str, WordList]:
        """Return the words of each stage, ready to search."""
        return {name: WordList(words) for name, words in self.stages.items()}


class SharedForm(Form):
    """The file as it is written."""

    schema_: Annotated[StrictInt, Field(alias="schema", ge=1, le=1)]
    synonyms: dict[str, Words] = Field(default_factory=dict)
    stages: dict[str, Words] = Field(default_factory=dict)
    false_friends: Words = ()


def read_shared(source: YamlSource, complaints: Complaints) -> Shared:
    """Read the file; what is wrong goes to `complaints`."""
    try:
        form = SharedForm.model_validate(source.data)
    except pydantic.ValidationError as error:
        complaints.explain(error, (), ["schema", "synonyms", "stages", "false_friends"])
        return Shared()
    for name in form.synonyms:
        if name[:1].isdigit() or " " in name:
            to_do = "rename it: no digit first, no spaces"
            complaints.add(("synonyms", name), f"list {name!r} cannot be named in a rule", to_do=to_do)
    return Shared(lists=form.synonyms, stages=form.stages, false_friends=form.false_friends)
