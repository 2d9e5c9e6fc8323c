"""Where a reader gets to an order, a call or a place in a call: the pages of the desk, or the documents of orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from qareport.model import OfCall, Period, PeriodKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Addresses for one document; "" where there is nothing to link to."""

    #: Address of the desk, without a slash at its end; "" = none.
    desk: str = ""
    #: The document of an order (or of a call without one), by its number.
    documents: Mapping[str, str] = field(default_factory=dict)

    def order(self, item: OfCall) -> str:
        """Return the address of an order; of the call where no order is known."""
        if self.desk:
            return f"{self.desk}/orders/{_part(item.order_id)}" if item.order_id else self.call(item.call_id)
        return self.documents.get(item.subject, "")

    def place(self, item: OfCall, at_ms: int) -> str:
        """Return the address of a second in a call; without a desk that of the document of its order."""
        return self.call(item.call_id, at_ms) if self.desk else self.documents.get(item.subject, "")

    def call(self, call_id: str, at_ms: int | None = None) -> str:
        """Return the address of a call on the desk."""
        if not self.desk:
            return ""
        return f"{self.desk}/calls/{_part(call_id)}" + (f"?t={at_ms // 1000}" if at_ms is not None else "")

    def report(self, period: Period, team_id: str = "") -> str:
        """Return the address of a report on the desk, of one team's calls where one is named."""
        if not self.desk:
            return ""
        return f"{self.desk}/reports/{period.kind}/{name_of(period)}" + (f"?team={_part(team_id)}" if team_id else "")


def name_of(period: Period) -> str:
    """Name a day, a week or a month as addresses do: 2026-11-21, 2026-W47, 2026-11."""
    if period.kind is PeriodKind.WEEK:
        year, week, _weekday = period.first.isocalendar()
        return f"{year}-W{week:02d}"
    return f"{period.first:%Y-%m}" if period.kind is PeriodKind.MONTH else period.first.isoformat()


def _part(name: str) -> str:
    return quote(name, safe="")
