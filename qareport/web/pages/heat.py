"""`/heat`: issue × emotion, a tab for each stage; each square leads to its calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from qareport import periods
from qareport.model import HeatCell, HeatMap, HeatRow, Period, PeriodKind
from qareport.presentation import wording
from qareport.search import write_field
from qareport.web.access import Access
from qareport.web.dependencies import MyAccess
from qareport.web.period_names import chosen_days
from qareport.web.templating import render

router = APIRouter()
#: Days that are shown unless others are chosen.
DAYS = 31
#: Shades of squares; the darkest is that of the most calls.
_SHADES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatQuery:
    """What a heat map is of."""

    period: Period
    stage: str = ""
    team: str = ""

    def calls(self, row: HeatRow, cell: HeatCell | None) -> str:
        """Return the address of the list of the calls that a square counts."""
        terms = [
            "NOT issue:*" if row.issue is None else write_field("issue", row.issue),
            *([write_field("emotion", cell.emotion)] if cell is not None else []),
            *([write_field("stage", self.stage)] if self.stage else []),
            *([write_field("team", self.team)] if self.team else []),
            f"date:{self.period.first}..{self.period.last}",
        ]
        return "/calls?" + urlencode({"q": " ".join(terms), "in": "call"})

    def address(self, **other: str) -> str:
        """Return the address of this map, with other choices."""
        values = {
            "from": self.period.first.isoformat(), "to": self.period.last.isoformat(), "team": self.team,
            "stage": self.stage, **other,
        }  # fmt: skip
        return "/heat?" + urlencode({name: value for name, value in values.items() if value})


def read_query(access: Access, first: str, last: str, stage: str, team: str) -> HeatQuery:
    """Read the choices of a form or of an API request."""
    zone = access.desk.settings.period.time_zone
    today = periods.local_day(access.desk.now(), zone)
    period = chosen_days(first, last, today=today, time_zone=zone, days=DAYS)
    return HeatQuery(period=period, stage=stage, team=team)


@router.get("/heat")
def show_heat(
    request: Request,
    access: MyAccess,
    first: Annotated[str, Query(alias="from", max_length=10)] = "",
    last: Annotated[str, Query(alias="to", max_length=10)] = "",
    stage: Annotated[str, Query(max_length=200)] = "",
    team: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Show how many calls about each issue had which emotion."""
    query = read_query(access, first, last, stage, team)
    every = access.heat(query.period, team_id=team)
    heat = access.heat(query.period, stage=stage, team_id=team) if stage else every
    zone = access.desk.settings.period.time_zone
    today = periods.local_day(access.desk.now(), zone)
    shortcuts = [(kind, periods.period_of(kind, today, zone)) for kind in (PeriodKind.WEEK, PeriodKind.MONTH)]
    return render(
        request, "heat.html.j2", query=query, heat=heat, stages=[name for name, _ in every.total.stages],
        teams=access.teams(), shades=_shades(heat), shortcuts=shortcuts, tag_name=wording.tag_name,
    )  # fmt: skip


def _shades(heat: HeatMap) -> dict[int, int]:
    """Return the shade of each number of calls: 0 for none, up to `_SHADES` for the most."""
    counts = {cell.calls for row in heat.rows for cell in row.cells}
    most = max(counts, default=0)
    return {count: -(-count * _SHADES // most) if most else 0 for count in counts}
