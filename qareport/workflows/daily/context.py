"""What every step of a daily run works with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from qareport.delivery.outbox import Clock
from qareport.model import Period
from qareport.settings import Settings
from qareport.workflows.daily.options import DailyOptions
from qareport.workflows.daily.record import RunLog, period_name
from qareport.workflows.transcribe import Progress
from qareport.workflows.workspace import Workspace

if TYPE_CHECKING:
    from qareport.store import Store


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

    @property
    def out(self) -> Path:
        """The folder into which everything is written."""
        return Path(self.options.out or self.settings.daily.out)

    @property
    def folder(self) -> Path:
        """The folder of the period's documents."""
        return self.out / "daily" / period_name(self.period).replace(":", "-")
