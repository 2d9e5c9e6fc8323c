"""The form beside the list of calls: what it chooses, as a query, and what it offers, counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field

from qareport.model import Risk, Team
from qareport.presentation import wording
from qareport.presentation.locale import language
from qareport.search import SHOWN, write_field
from qareport.store import Scope, Sort
from qareport.web.access import Access
from qareport.web.cursors import LONGEST

_Short = Annotated[str, Field(max_length=200)]
#: Fields of the form that are fields of the query language under the same name.
_FIELDS: Final = ("team", "agent", "risk", "emotion", "issue", "stage", "rule")


class FacetChoice(BaseModel):
    """What a person asks the list of calls for."""

    model_config = ConfigDict(populate_by_name=True)

    q: Annotated[str, Field(max_length=500)] = ""
    scope: Annotated[Scope, Field(alias="in")] = "sentence"
    sort: Sort = "-started"
    after: Annotated[str, Field(max_length=LONGEST)] = ""
    first: Annotated[str, Field(alias="from", max_length=10)] = ""
    last: Annotated[str, Field(alias="to", max_length=10)] = ""
    team: _Short = ""
    agent: _Short = ""
    risk: _Short = ""
    emotion: _Short = ""
    issue: _Short = ""
    stage: _Short = ""
    rule: _Short = ""

    def query(self) -> str:
        """Return all of it in the query language; "" where nothing is asked for."""
        terms = [write_field(name, value) for name in _FIELDS if (value := getattr(self, name).strip())]
        if self.first or self.last:
            days = f"{self.first}..{self.last}" if self.first and self.last else f">={self.first}"
            terms.append(f"date:{days if self.first else f'<={self.last}'}")
        typed = self.q.strip()
        return " ".join([f"({typed})" if typed and terms else typed, *terms]).strip()

    def address(self, **other: str) -> str:
        """Return the address of this list, with other values."""
        values = {**self.model_dump(by_alias=True, exclude_defaults=True), **other}
        return "/calls?" + urlencode({name: value for name, value in values.items() if value})

    @property
    def narrowed(self) -> bool:
        """Whether the form chooses anything besides the words that were typed."""
        return any((self.first, self.last, *(getattr(self, name) for name in _FIELDS)))


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetOffer:
    """One value that the form offers."""

    value: str
    label: str
    #: Calls that have it; None: not counted.
    calls: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetOffers:
    """Everything that the form offers, made from the calls that may be seen."""

    teams: tuple[Team, ...]
    agents: tuple[str, ...]
    #: By the field's name.
    values: Mapping[str, tuple[FacetOffer, ...]]


def offers_of(access: Access) -> FacetOffers:
    """Return what the form offers; counts are of the newest 10,000 calls that may be seen."""
    agents, desk = access.agents(), access.desk
    teams = access.teams()
    key = ("facets", language(), agents, tuple(team.team_id for team in teams))

    def make() -> FacetOffers:
        pages = desk.store.call_pages
        counted = {kind: dict(counts) for kind, counts in pages.count_facets(agents).items()}
        values = {
            kind: tuple(FacetOffer(value=value, label=value, calls=calls) for value, calls in counts.items())
            for kind, counts in counted.items()
        }
        values["emotion"] = tuple(
            FacetOffer(value=tag, label=wording.tag_name(tag), calls=counted["emotion"].get(tag, 0)) for tag in SHOWN
        )
        values["risk"] = tuple(FacetOffer(value=risk.value, label=wording.RISKS[risk]) for risk in Risk)
        return FacetOffers(teams=teams, agents=pages.list_agents(agents), values=values)

    return desk.recently(key, make)
