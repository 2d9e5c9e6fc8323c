"""What a daily run is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from qareport.model import PeriodKind


class Mode(StrEnum):
    """What happens to the mails."""

    #: They go into the outbox and from there to the server.
    SEND = "send"
    #: They are written as files; the outbox stays as it is.
    DRY_RUN = "dry-run"
    #: Only the recipients are listed.
    PLAN = "plan"


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyOptions:
    """Which period to work on, what to do with its mails, and what overrides the settings' section `daily`."""

    kind: PeriodKind = PeriodKind.DAY
    #: A day of the period; None: the last one that is over, and days that were missed.
    day: date | None = None
    mode: Mode = Mode.PLAN
    #: Overrides `daily.sources`; empty: as the settings say.
    sources: tuple[str, ...] = ()
    #: Overrides `daily.manifest`; empty: as the settings say.
    manifest: str = ""
    #: Overrides `daily.out`; empty: as the settings say.
    out: str = ""
