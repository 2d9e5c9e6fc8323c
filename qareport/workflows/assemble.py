"""Order reports assembled from the store alone, masked, with what is usual in the team beside them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from qareport import __version__, periods, privacy
from qareport.model import OrderReport, PeriodKind, Provenance, TeamNorm
from qareport.settings import PeriodSettings, PrivacySettings

if TYPE_CHECKING:
    from qareport.store import Store

#: What is masked, and how norms are taken, where nobody says otherwise.
MASK_ALL = PrivacySettings()
PERIOD = PeriodSettings()


class Norms:
    """What is usual in the team, for any day; read once for each day."""

    def __init__(self, store: Store, period: PeriodSettings) -> None:
        self._store, self._period = store, period
        self._known: dict[date, TeamNorm] = {}

    def before(self, day: date) -> TeamNorm:
        """Return the norm of the `period.baseline_days` before a day; on a store's first day, of that day itself."""
        if day not in self._known:
            today = periods.period_of(PeriodKind.DAY, day, self._period.time_zone)
            start, end = periods.bounds(today)
            first = min(periods.bounds(earlier)[0] for earlier in periods.baseline_of(today, self._period))
            calls = self._store.measures_between(first, start) or self._store.measures_between(start, end)
            self._known[day] = periods.team_norm(calls, self._period.time_zone)
        return self._known[day]

    def of(self, order: OrderReport) -> TeamNorm | None:
        """Return the norm before the order's latest call; None if nobody knows when that was."""
        starts = [call.started_at for call in order.calls if call.started_at is not None]
        return self.before(periods.local_day(max(starts), self._period.time_zone)) if starts else None


def assemble_order(
    store: Store, name: str, masking: PrivacySettings = MASK_ALL, *, norms: Norms | None = None
) -> OrderReport:
    """Assemble the report of one order (or of one call without an order) from the store alone, fit to leave it.

    Personal data is masked as `masking` says; what the store holds stays as it is.

    Args:
        store: where its calls are kept.
        name: the order, or a call's id.
        masking: which personal data to hide.
        norms: where norms that were read already are kept; None: with default settings.

    Raises:
        NotFoundError: the store knows no such order or call.
    """
    record = store.order(name)
    models = {f"{call.model.name}@{call.model.revision}" for call in record.reports if call.model}
    complete = OrderReport(
        order_id=record.order_id,
        calls=record.reports,
        failed_calls=record.failures,
        provenance=Provenance(
            qareport=__version__,
            model=", ".join(sorted(models)) or "none",
            rules_sha256=record.rules_sha256,
            audio_sha256=tuple(call.audio.sha256 for call in record.reports if call.audio),
        ),
    )
    shown = privacy.mask_order(complete, masking.kinds) if masking.enabled else complete
    return replace(
        shown,
        dossier=periods.dossier(shown.calls),
        norm=(norms or Norms(store, PERIOD)).of(shown),
        measures={call.call_id: periods.call_measures(call.metrics) for call in shown.calls},
    )
