"""What every condition is, and what every kind of condition must bring."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Protocol

from qareport.rules.match_context import Hit, Scene
from qareport.rules.schema_types import Form


class Condition(Protocol):
    """Something that may hold in a call, at one or several places."""

    __slots__ = ()

    @abstractmethod
    def find(self, scene: Scene) -> list[Hit]:
        """Return where it holds, in order of time; empty when it does not."""
        ...

    def first(self, scene: Scene) -> Hit | None:
        """Return the first place alone, which is often found sooner."""
        return next(iter(self.find(scene)), None)

    @property
    def names_topic(self) -> bool:
        """Tell whether its hits carry a topic, so that advice may name it."""
        ...


class LeafForm(Form):
    """How a condition without conditions inside is written. A new kind is one subclass and its line in `LEAVES`."""

    #: The keys that introduce it, as users write them.
    heads: ClassVar[tuple[str, ...]]
    #: Fields that may also stand beside the head: `silence: 2s` with `after: customer` below it.
    siblings: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def condition(self, head: str) -> Condition:
        """Make the condition that was written under `head`."""
