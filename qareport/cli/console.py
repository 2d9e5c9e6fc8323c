"""What a person at the terminal sees: messages, log lines, progress bars, and the summary of a run."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

from qareport import events

if TYPE_CHECKING:
    import rich.progress

    from qareport.model import Call, FailedCall

_log = logging.getLogger(__name__)
_state = {"json": False}

_STEPS = {
    "decode": "Reading recordings",
    "transcribe": "Listening to calls",
    "analyse": "Judging calls",
    "render": "Writing reports",
    "index": "Indexing calls",
    "export": "Exporting calls",
}


def set_up_logs(*, as_json: bool, verbose: bool) -> None:
    """Write log lines to stderr from now on: with JSON all events, else only what -v asks for."""
    _state["json"] = as_json
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    quiet = logging.INFO if as_json else logging.CRITICAL
    logging.getLogger("qareport").setLevel(logging.DEBUG if verbose else quiet)
    if as_json:
        logging.captureWarnings(True)
        for handler in logging.getLogger().handlers:
            handler.setFormatter(events.json_formatter())


def is_json() -> bool:
    """Return whether everything on stderr is to be JSON."""
    return _state["json"]


def say(text: str) -> None:
    """Write a message that is not a result to stderr."""
    if is_json():
        _log.info("%s", text)
    else:
        click.echo(text, err=True)


def complain(text: str) -> None:
    """Write what is wrong to stderr."""
    if is_json():
        _log.error("%s", text)
    else:
        click.echo(f"qareport: {text}", err=True)


class ProgressBars:
    """A progress hook `(step, done, total)`: bars on a terminal, nothing in a pipe."""

    def __init__(self) -> None:
        self._bars: rich.progress.Progress | None = None
        self._tasks: dict[str, rich.progress.TaskID] = {}

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._bars = _bars()
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def __call__(self, step: str, done: int, total: int) -> None:
        """Show that `done` of `total` calls or orders have passed a step."""
        if self._bars is None:
            return
        if step not in self._tasks:
            self._tasks[step] = self._bars.add_task(_STEPS.get(step, step), total=total)
        self._bars.update(self._tasks[step], completed=done, total=total)


def _bars() -> rich.progress.Progress:
    import rich.progress  # takes long to import, and is of no use in a pipe
    from rich.console import Console

    return rich.progress.Progress(
        "{task.description:<20}",
        rich.progress.BarColumn(),
        rich.progress.MofNCompleteColumn(),
        rich.progress.TimeElapsedColumn(),
        console=Console(stderr=True),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a run did, for the person who started it."""

    done: tuple[Call, ...]
    failures: tuple[FailedCall, ...]
    #: Documents that could not be made: order and format, reason.
    problems: tuple[tuple[str, str], ...]
    documents: tuple[Path, ...]
    out: Path
    reused_documents: int
    audio_ms: int
    reused_transcripts: int = 0
    heard_ms: int = 0
    heard_seconds: float = 0.0
    #: Recordings that the manifest does not list.
    unlisted: tuple[str, ...] = ()
    #: Recordings that are still being written.
    waiting: tuple[str, ...] = ()
    #: Recordings whose names do not fit `ingest.name_pattern`.
    unmatched: tuple[str, ...] = ()
    #: Second copies of recordings.
    duplicates: tuple[str, ...] = ()

    def show(self) -> None:
        """Print it: counts, failures with reasons, audio hours, speed, where the files are."""
        reused = f" ({self.reused_transcripts} already transcribed)" if self.reused_transcripts else ""
        click.echo(f"Calls done:   {len(self.done)}{reused}")
        click.echo(f"Calls failed: {len(self.failures)}")
        for failure in self.failures:
            click.echo(f"  {failure.call_id}: {failure.reason} [{failure.step}]")
        if self.problems:
            click.echo(f"Documents that could not be made: {len(self.problems)}")
            for name, reason in self.problems:
                click.echo(f"  {name}: {reason}")
        for title, lines in (
            ("Recordings without a manifest row (reported without order)", self.unlisted),
            ("Recordings whose names do not fit ingest.name_pattern (reported without order)", self.unmatched),
            ("Recordings that are still being written (the next run takes them)", self.waiting),
            ("Second copies of recordings (not counted as calls)", self.duplicates),
        ):
            if lines:
                click.echo(f"{title}: {len(lines)}")
                for line in lines:
                    click.echo(f"  {line}")
        if self.audio_ms:
            click.echo(f"Audio:        {self.audio_ms / 3_600_000:.2f} h{self._speed()}")
        written = len(self.documents) - self.reused_documents
        click.echo(
            f"Documents:    {written} written, {self.reused_documents} already up to date, in {self.out / 'reports'}"
        )

    def _speed(self) -> str:
        if not self.heard_ms:
            return ""
        rate = self.heard_ms / 1000 / max(self.heard_seconds, 1e-9)
        return f", transcribed at {rate:.0f} × real time ({self.heard_seconds:.0f} s)"
