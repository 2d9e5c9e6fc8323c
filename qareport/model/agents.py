"""The agents of a centre: names and groups, by the id that calls carry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """One agent. A name or a group that is not known is empty."""

    id: str
    name: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Roster:
    """All agents whose name or group is known; each id stands once."""

    agents: tuple[Agent, ...] = ()

    def __iter__(self) -> Iterator[Agent]:
        """Iterate over the agents in the order of the file."""
        return iter(self.agents)

    def find(self, agent_id: str | None) -> Agent | None:
        """Return the agent of an id, or None."""
        return next((agent for agent in self.agents if agent.id == agent_id), None)

    def only(self, agent_ids: Iterable[str | None]) -> Roster:
        """Return those of some ids."""
        wanted = set(agent_ids)
        return Roster(tuple(agent for agent in self.agents if agent.id in wanted))
