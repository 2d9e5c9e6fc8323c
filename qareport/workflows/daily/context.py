"""The context of a daily run: its options, the periods that are due, its log, and what its steps share."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from qareport import messages, periods
from qareport.calendar import DAY
from qareport.delivery import Clock
from qareport.events import Progress
from qareport.model import Delivery, DeliveryRecord, DeliveryState, Note, Period, PeriodKind, RunState, RunStep
from qareport.settings import Settings
from qareport.workflows.workspace import Workspace

if TYPE_CHECKING:
    from qareport.store import Store


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


def last_period(kind: PeriodKind, now: datetime, time_zone: str) -> Period:
    """Return yesterday, last week or last month, as the calendar of a time zone has it."""
    today = periods.local_day(now, time_zone)
    return periods.period_of(kind, periods.period_of(kind, today, time_zone).first - DAY, time_zone)


def due_periods(
    kind: PeriodKind, now: datetime, time_zone: str, *, states: Mapping[str, RunState], catch_up_days: int
) -> tuple[Period, ...]:
    """Return the last period and the unfinished ones before it, oldest first.

    A period is caught up on when it is within the days to catch up and after the first one that was ever processed;
    so a machine that was off, and a clock that was wrong, lose no day, and a new installation sends no old ones.

    Args:
        kind: day, week or month.
        now: the time.
        time_zone: whose midnights count.
        states: how the runs of periods ended, by `period_name`.
        catch_up_days: how far to look back from the last period.
    """
    last = last_period(kind, now, time_zone)
    known = sorted(name for name in states if name.startswith(f"{kind}:"))
    due = [last]
    if known:
        first_ever = date.fromisoformat(known[0].partition(":")[2])
        earlier = periods.period_of(kind, last.first - DAY, time_zone)
        while earlier.first >= first_ever and (last.first - earlier.first).days <= catch_up_days:
            if states.get(period_name(earlier)) is not RunState.DONE:
                due.append(earlier)
            earlier = periods.period_of(kind, earlier.first - DAY, time_zone)
    return tuple(reversed(due))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that kept a run from being complete."""

    #: A message, an error or a text: said in the language of whoever reads it.
    what: object
    #: Given when readers of the report must know of it.
    note: Note | None = None
    #: The report lacks something for it: the note stands at its top, and the period is not done.
    partial: bool = True


@dataclass(slots=True, kw_only=True)
class RunLog:
    """What a run has done so far and what went wrong: filled as it goes, read at its end."""

    steps: list[RunStep] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    #: Files in the sources that are no recordings by their names.
    skipped: list[str] = field(default_factory=list)

    @contextmanager
    def step(self, name: str, count: int = 0) -> Iterator[None]:
        """Record how long a step takes, and of how many things it is."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.steps.append(RunStep(name=name, seconds=round(time.monotonic() - started, 3), count=count))

    def trouble(self, what: object, note: Note | None = None, *, partial: bool = True) -> None:
        """Note something that went wrong; the same thing once."""
        trouble = Trouble(what=what, note=note, partial=partial and note is not None)
        if str(what) not in self.problems:
            self.troubles.append(trouble)

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that went wrong, in words of the language that messages speak now."""
        return tuple(str(trouble.what) for trouble in self.troubles)

    @property
    def partial(self) -> tuple[Note, ...]:
        """Why the report lacks something."""
        return tuple(trouble.note for trouble in self.troubles if trouble.note is not None and trouble.partial)

    @property
    def remarks(self) -> tuple[Note, ...]:
        """What readers must know beside it."""
        return tuple(trouble.note for trouble in self.troubles if trouble.note is not None and not trouble.partial)


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
    #: Files in the sources that are no recordings by their names.
    skipped: tuple[str, ...] = ()
    #: Calls in the store that belong to no day, because nobody knows when they began.
    undated: int = 0
    seconds: float


def period_name(period: Period) -> str:
    """Name a period for keys and records: `day:2026-11-21`, `week:2026-11-16`, `month:2026-11-01`."""
    return f"{period.kind}:{period.first.isoformat()}"


def summary(result: Result) -> str:
    """Sum a run up in one line that a monitor can read: `name=value` after the period and its state."""
    states = [mail.state for mail in result.mails]
    counts = {
        "calls": result.calls,
        "failed_calls": result.failed_calls,
        "new": result.new_calls,
        "documents": len(result.documents),
        "sent": states.count(DeliveryState.SENT),
        "waiting": states.count(DeliveryState.RETRY) + states.count(DeliveryState.PLANNED),
        "refused": states.count(DeliveryState.FAILED),
        "unknown": len(result.unknown),
        "problems": len(result.problems),
    }
    text = " ".join(f"{name}={value}" for name, value in counts.items())
    return f"{period_name(result.period)} {result.state} {text} seconds={result.seconds:.1f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One period on its way through the steps: the installation, what is asked for, and the log."""

    workspace: Workspace
    options: DailyOptions
    period: Period
    clock: Clock
    on_progress: Progress
    log: RunLog = field(default_factory=RunLog)

    @property
    def settings(self) -> Settings:
        """The settings of the installation."""
        return self.workspace.settings

    @property
    def store(self) -> Store:
        """The store of the installation."""
        return self.workspace.store

    def in_report(self, said: object) -> str:
        """Say a message or an error in the language of the report."""
        with messages.speaking(self.settings.report.locale):
            return str(said)

    @property
    def out(self) -> Path:
        """The folder into which everything is written."""
        return Path(self.options.out or self.settings.daily.out)

    @property
    def folder(self) -> Path:
        """The folder of the period's documents."""
        return self.out / "daily" / period_name(self.period).replace(":", "-")
