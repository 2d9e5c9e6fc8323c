"""What a daily run is asked for, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from pathlib import Path

from qareport.model import Delivery, DeliveryRecord, Note, Period, PeriodKind, RunState, RunStep
from qareport.settings import Locale, Settings


class Mode(StrEnum):
    """What happens to the mails."""

    #: They go into the outbox and from there to the server.
    SEND = "send"
    #: They are written as files; the outbox stays as it is.
    DRY_RUN = "dry-run"
    #: It is only said who would get one.
    PLAN = "plan"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to do, from the command line."""

    kind: PeriodKind = PeriodKind.DAY
    #: A day of the period; None: the last one that is over, and days that were missed.
    day: date | None = None
    mode: Mode = Mode.PLAN
    config_dir: Path
    templates: Path
    model: str
    device: str = "auto"
    #: In place of report.locale; None: the settings'.
    locale: Locale | None = None
    #: In place of what the settings name; empty: the settings'.
    sources: tuple[str, ...] = ()
    manifest: str = ""
    out: str = ""

    def over(self, settings: Settings) -> Settings:
        """Put what was asked for in place of what the settings say."""
        return replace(settings, report=settings.report.over(locale=self.locale))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that kept a run from being complete."""

    what: str
    #: Given when readers of the report must know of it.
    note: Note | None = None
    #: The report lacks something for it: the note stands at its top, and the period is not done.
    partial: bool = True


@dataclass(slots=True, kw_only=True)
class Log:
    """What a run has done so far and what went wrong: filled as it goes, read at its end."""

    steps: list[RunStep] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)

    def trouble(self, what: object, note: Note | None = None, *, partial: bool = True) -> None:
        """Note something that went wrong; the same thing once."""
        found = Trouble(what=str(what), note=note, partial=partial and note is not None)
        if found not in self.troubles:
            self.troubles.append(found)

    @property
    def partial(self) -> tuple[Note, ...]:
        """Why the report lacks something."""
        return tuple(one.note for one in self.troubles if one.note is not None and one.partial)

    @property
    def remarks(self) -> tuple[Note, ...]:
        """What readers must know beside it."""
        return tuple(one.note for one in self.troubles if one.note is not None and not one.partial)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one period."""

    period: Period
    mode: Mode
    state: RunState
    calls: int
    failed_calls: int
    new_calls: int
    documents: tuple[Path, ...]
    #: What would go out, where nothing does.
    letters: tuple[Delivery, ...] = ()
    #: Mails of this period as the outbox has them, and all that wait for a person's decision.
    mails: tuple[DeliveryRecord, ...] = ()
    unknown: tuple[DeliveryRecord, ...] = ()
    problems: tuple[str, ...] = ()
    seconds: float


def period_name(period: Period) -> str:
    """Name a period for keys and records: `day:2026-11-21`, `week:2026-11-16`, `month:2026-11-01`."""
    return f"{period.kind}:{period.first.isoformat()}"
