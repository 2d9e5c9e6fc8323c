"""A service centre with eight calls of a day, analysed, and a mail server on loopback: what daily runs are tried on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import chdir
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from qareport import cli
from qareport.model import DeliveryState, PeriodKind
from qareport.settings import default_dir
from qareport.store import Store
from qareport.workflows.daily import Clock, DailyOptions, Mode, Result, run_daily
from qareport.workflows.workspace import Workspace
from tests.support import dailies
from tests.support.postbox import Postbox

#: Noon in Shanghai on the day after the calls.
NEXT_DAY = datetime(2026, 11, 22, 4, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Centre:
    """A folder, a store and a server."""

    folder: Path
    postbox: Postbox
    url: str

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def configure(self, **mail: Any) -> None:
        """Write the configuration; pages are attached unless `mail` says otherwise, as Word documents take long."""
        dailies.make_config(self.folder / "config", port=self.postbox.port, **{"attach": ["html"], **mail})

    def set(self, section: str, **values: Any) -> None:
        path = self.folder / "config" / "qareport.yaml"
        settings = json.loads(path.read_text("utf-8"))
        settings[section] = settings.get(section, {}) | values
        path.write_text(json.dumps(settings, ensure_ascii=False), "utf-8")

    @property
    def arguments(self) -> Sequence[str]:
        """What every command is given."""
        return ["--config", str(self.folder / "config"), "--store", self.url]

    def run(
        self,
        mode: Mode = Mode.SEND,
        *,
        kind: PeriodKind = PeriodKind.DAY,
        now: datetime = NEXT_DAY,
        day: date | None = dailies.DAY,
        model: str = "demo",
    ) -> list[Result]:
        """Run the daily command in this process, with a clock of its own that does not wait."""
        options = DailyOptions(kind=kind, day=day, mode=mode)
        clock = Clock(now=lambda: now, sleep=lambda seconds: None)
        places = {"config": Path("config"), "templates": default_dir("templates")}
        with (
            chdir(self.folder),  # rules of the same name and content are read once in a process
            Workspace.open(**places, store=self.url, model=model, make_store=True) as workspace,
        ):
            return list(run_daily(workspace, options, on_progress=lambda *_: None, clock=clock))

    def mails(self, *states: DeliveryState) -> list[tuple[str, str, str]]:
        with Store(self.url) as store:
            return sorted((mail.edition.value, mail.recipient, mail.kind) for mail in store.outbox.list(*states))


def analyse_calls(folder: Path, url: str) -> None:
    """Fill a store with the calls of the day."""
    path = dailies.write_transcripts(folder / "calls.jsonl", 8)
    given = ["analyse", str(path), "--format", "json", "--out", str(folder / "analysed"), "--store", url]
    assert cli.main(given) == 0
