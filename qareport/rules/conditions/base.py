"""The protocol of conditions, and the base of the forms in which they are written."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Protocol

from qareport.rules.match_context import ConditionHit, MatchContext
from qareport.rules.schema_types import Form


class Condition(Protocol):
    """Something that may hold in a call, at any number of places."""

    __slots__ = ()

    @abstractmethod
    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return the places where it holds, in order of time."""
        ...

    def first(self, context: MatchContext) -> ConditionHit | None:
        """Return the first place only, which often takes less time."""
        return next(iter(self.find(context)), None)

    @property
    def names_topic(self) -> bool:
        """Tell whether its hits carry a topic, so that advice may name it."""
        ...


class LeafForm(Form):
    """How a condition without conditions inside is written. A new kind is a subclass, listed in `LEAVES`."""

    #: The keys that introduce the condition, as users write them.
    heads: ClassVar[tuple[str, ...]]
    #: Fields that may also be written beside the head: `silence: 2s` with `after: customer` below it.
    siblings: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def condition(self, head: str) -> Condition:
        """Make the condition that was written under `head`."""
