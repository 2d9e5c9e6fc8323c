"""What a daily run leaves behind: its log, its result, and the line that sums it up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from qareport.model import Letter, MailRecord, MailState, Note, Period, RunState, RunStep
from qareport.workflows.daily.options import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that kept a run from being complete."""

    what: str
    #: Given when readers of the report must know of it.
    note: Note | None = None
    #: The report lacks something for it: the note stands at its top, and the period is not done.
    partial: bool = True


@dataclass(slots=True, kw_only=True)
class RunLog:
    """What a run has done so far and what went wrong: filled as it goes, read at its end."""

    steps: list[RunStep] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)

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
        trouble = Trouble(what=str(what), note=note, partial=partial and note is not None)
        if trouble not in self.troubles:
            self.troubles.append(trouble)

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that went wrong, in words."""
        return tuple(trouble.what for trouble in self.troubles)

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
    letters: tuple[Letter, ...] = ()
    #: Mails of this period as the outbox has them, and all that wait for a person's decision.
    mails: tuple[MailRecord, ...] = ()
    unknown: tuple[MailRecord, ...] = ()
    problems: tuple[str, ...] = ()
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
        "sent": states.count(MailState.SENT),
        "waiting": states.count(MailState.RETRY) + states.count(MailState.PLANNED),
        "refused": states.count(MailState.FAILED),
        "unknown": len(result.unknown),
        "problems": len(result.problems),
    }
    text = " ".join(f"{name}={value}" for name, value in counts.items())
    return f"{period_name(result.period)} {result.state} {text} seconds={result.seconds:.1f}"
