"""What all commands share: global options, messages, progress bars, the summary of a run, and logs."""

from __future__ import annotations

import contextlib
import functools
import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import click

from qareport import events
from qareport.cli.intake_summary import intake_lines
from qareport.cli.terminal import printable
from qareport.errors import Problem, QareportError, redact
from qareport.messages import Message, for_user, say
from qareport.presentation.locale import LOCALES
from qareport.workflows.workspace import Workspace

if TYPE_CHECKING:
    import rich.progress

    from qareport.errors import Problem
    from qareport.model import Call, FailedCall
    from qareport.settings import Locale
    from qareport.workflows.judge import RuleBook


_log = logging.getLogger(__name__)
_state = {"json": False}

_STEPS = {
    "decode": say("Reading recordings"),
    "transcribe": say("Transcribing calls"),
    "analyse": say("Judging calls"),
    "render": say("Writing reports"),
    "index": say("Indexing calls"),
    "export": say("Exporting calls"),
    "copy": say("Copying rows"),
    "verify": say("Comparing rows"),
    "mine": say("Looking through calls"),
    "send": say("Sending mails"),
    "notify": say("Telling chat groups"),
}


class _LogLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def set_up_logs(*, as_json: bool, verbose: bool) -> None:
    """Write log lines to stderr from now on: with JSON all events, else only what -v asks for."""
    _state["json"] = as_json
    logging.basicConfig()
    for handler in logging.getLogger().handlers:
        handler.setFormatter(_LogLines("%(levelname)s %(name)s: %(message)s"))
    quiet = logging.INFO if as_json else logging.CRITICAL
    logging.getLogger("qareport").setLevel(logging.DEBUG if verbose else quiet)
    if as_json:
        logging.captureWarnings(True)
        for handler in logging.getLogger().handlers:
            handler.setFormatter(events.json_formatter())


def is_json() -> bool:
    """Return whether everything on stderr is to be JSON."""
    return _state["json"]


def notify(text: str | Message) -> None:
    """Write a message that is not a result to stderr."""
    if is_json():
        _log.info("%s", for_user(text))
    else:
        _to_stderr(for_user(text))


def complain(text: str | Message | Problem) -> None:
    """Write what is wrong to stderr; numbers of persons, which names of recordings may hold, are masked."""
    from qareport import privacy  # its expressions take long to compile, and most commands have nothing to complain of

    text = privacy.mask(str(text) if isinstance(text, Problem) else for_user(text), kinds=privacy.NUMBERS)[0]
    if is_json():
        _log.error("%s", text)
    else:
        _to_stderr(f"qareport: {text}")


def _to_stderr(text: str) -> None:
    with contextlib.suppress(OSError):  # where it cannot be written there is nobody to tell
        click.echo(printable(text), err=True)


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
            self._tasks[step] = self._bars.add_task(for_user(_STEPS.get(step, step)), total=total)
        self._bars.update(self._tasks[step], completed=done, total=total)


def _bars() -> rich.progress.Progress:
    import rich.progress  # takes long to import, and is of no use in a pipe
    from rich.console import Console

    return rich.progress.Progress(
        "{task.description:<20}",
        rich.progress.BarColumn(),
        rich.progress.MofNCompleteColumn(),
        rich.progress.TimeElapsedColumn(),
        console=Console(file=sys.__stderr__),
        redirect_stdout=False,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a run did, for the person who started it."""

    done: tuple[Call, ...]
    failures: tuple[FailedCall, ...]
    #: Documents that could not be made: order and format, reason.
    problems: tuple[tuple[str, Message | QareportError], ...]
    documents: tuple[Path, ...]
    out: Path
    reused_documents: int
    audio_ms: int
    reused_transcripts: int = 0
    heard_ms: int = 0
    heard_seconds: float = 0.0
    #: Sources, folders, links and manifest rows that could not be read.
    unread: tuple[Problem, ...] = ()
    #: Files that are no recordings by their names.
    skipped: tuple[str, ...] = ()
    #: Pairs of recordings that look like the legs of one call.
    leg_pairs: tuple[tuple[str, str], ...] = ()
    #: Headings of the manifest that are not known.
    unknown_columns: tuple[str | Message, ...] = ()
    #: Calls of the manifest without a transcript.
    missing: tuple[str, ...] = ()
    #: Recordings that the manifest does not list.
    unlisted: tuple[str, ...] = ()
    #: Recordings that are still being written.
    waiting: tuple[str, ...] = ()
    #: Recordings whose names do not fit `ingest.name_pattern`.
    unmatched: tuple[str, ...] = ()
    #: Duplicates of recordings.
    duplicates: tuple[str, ...] = ()

    @property
    def is_incomplete(self) -> bool:
        """Tell whether a call failed, or something could not be read or written: a full disk ends no run well."""
        return bool(self.failures or self.unread or self.problems)

    def show(self) -> None:
        """Print counts, failures with reasons, audio hours, speed, where the files are."""
        for line in self._lines():
            click.echo(for_user(line))

    def _lines(self) -> Iterator[Message | str]:
        from qareport import privacy

        if self.reused_transcripts:
            yield say(
                "Calls done:   {done} ({reused} already transcribed)",
                done=len(self.done),
                reused=self.reused_transcripts,
            )
        else:
            yield say("Calls done:   {done}", done=len(self.done))
        yield say("Calls failed: {failed}", failed=len(self.failures))
        for failure in self.failures:
            yield f"  {failure.call_id}: {privacy.mask(for_user(failure))[0]} [{failure.step}]"
        if self.problems:
            yield say("Documents that could not be made: {count}", count=len(self.problems))
            yield from (f"  {name}: {reason}" for name, reason in self.problems)
        yield from intake_lines(self)
        if self.audio_ms:
            yield self._audio()
        yield say(
            "Documents:    {written} written, {reused} already up to date, in {folder}",
            written=len(self.documents) - self.reused_documents,
            reused=self.reused_documents,
            folder=self.out / "reports",
        )

    def _audio(self) -> Message:
        hours = self.audio_ms / 3_600_000
        if not self.heard_ms:
            return say("Audio:        {hours:.2f} h", hours=hours)
        rate = self.heard_ms / 1000 / max(self.heard_seconds, 1e-9)
        return say(
            "Audio:        {hours:.2f} h, transcribed at {rate:.0f} × real time ({seconds:.0f} s)",
            hours=hours,
            rate=rate,
            seconds=self.heard_seconds,
        )


F = TypeVar("F", bound=Callable[..., Any])

FORMATS = ("docx", "pdf", "html", "json")
#: What `asr.language` may be with SenseVoice.
LANGUAGES = ("auto", "zh", "yue", "en", "ja", "ko")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The global options, which may be given before or after the command."""

    config: Path | None = None
    templates: Path | None = None
    store: str | None = None
    model: str | None = None
    device: str = "auto"
    locale: Locale | None = None
    verbose: bool = False
    log_format: str = "text"
    #: Whether HTML pages carry sound; only commands that make reports take it.
    audio: bool | None = None
    #: The spoken language; only commands that transcribe take it.
    language: str | None = None
    #: Where recordings are transcribed; only `run` takes it.
    on: str | None = None

    def open_workspace(self, *, make_store: bool = False) -> Workspace:
        """Open the installation that the options name.

        Args:
            make_store: create its store if it does not exist. Only for commands that take calls in: any other would
                answer a mistyped name with an empty store, and leave that behind.
        """
        return Workspace.open(
            config=self.config,
            templates=self.templates,
            store=self.store,
            model=self.model,
            device=self.device,
            locale=self.locale,
            audio=self.audio,
            language=self.language,
            on=self.on,
            make_store=make_store,
        )


def rule_book_of(workspace: Workspace) -> RuleBook:
    """Return the rules of a run; complain when they are broken and the last valid set of the store is used."""
    rule_book = workspace.rule_book_for_run
    for note in rule_book.notes:
        complain(
            say(
                "the rules are broken, the last valid set is used: {first} (qareport rules lint)",
                first=note.values["first"],
            )
        )
    return rule_book


GLOBAL_OPTIONS = (
    click.option(
        "--config", type=click.Path(path_type=Path), metavar="DIR", help="Configuration and rules [./config]."
    ),
    click.option(
        "--templates", type=click.Path(path_type=Path), metavar="DIR", help="Document templates [./templates]."
    ),
    click.option(
        "--store",
        metavar="URL",
        help="Where results are kept [QAREPORT_STORE, QAREPORT_STORE_FILE, else sqlite:///qareport.db].",
    ),
    click.option(
        "--model", metavar="NAME_OR_DIR", help="Speech model [iic/SenseVoiceSmall]; `demo` is the bundled small one."
    ),
    click.option("--device", type=click.Choice(["auto", "cuda", "cpu"]), help="Where the model runs [auto]."),
    click.option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        help="json: one event a step on stderr, for programs [text].",
    ),
    click.option(
        "--locale",
        type=click.Choice(LOCALES),
        help="Language of this run: its messages [LANG], documents and mails [report.locale].",
    ),
    click.option("-v", "--verbose", is_flag=True, default=None, help="Say more on stderr."),
)


def takes_options(function: F) -> F:
    """Give a command the global options, merged with those given before its name, as its argument `options`."""

    @functools.wraps(function)
    @click.pass_context
    def wrapper(context: click.Context, /, **arguments: Any) -> Any:
        given = {field.name: arguments.pop(field.name, None) for field in fields(Options)}
        given = {name: value for name, value in given.items() if value is not None}
        before = context.obj if isinstance(context.obj, Options) else Options()
        options = replace(before, **given)
        set_up_logs(as_json=options.log_format == "json", verbose=options.verbose)
        return function(options=options, **arguments)

    for option in reversed(GLOBAL_OPTIONS):
        wrapper = option(wrapper)
    return wrapper  # type: ignore[return-value]


def _formats(_: click.Context, __: click.Parameter, value: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
    wrong = [name for name in names if name not in FORMATS]
    if wrong or not names:
        expected = ", ".join(FORMATS)
        raise click.BadParameter(
            str(say("got {value!r}, expected a list of {formats}, for example docx,pdf", value=value, formats=expected))
        )
    return names


def format_option(default: str = "docx,pdf") -> Callable[[F], F]:
    """Make the option that takes a list of formats of documents."""
    return click.option(
        "--format",
        "formats",
        default=default,
        show_default=True,
        callback=_formats,
        metavar="LIST",
        help="docx, pdf, html, json.",
    )


audio_option = click.option(
    "--audio/--no-audio",
    default=None,
    help="HTML pages carry the calls' sound [report.audio, no]; masked personal data is covered by a tone.",
)


language_option = click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    help="What is spoken; auto: recognised sentence by sentence [asr.language, auto].",
)


class _Day(click.DateTime):
    """A day, written 2026-11-21."""

    def __init__(self) -> None:
        super().__init__(["%Y-%m-%d"])

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            day = super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(str(say("{value!r} is no day; write it as 2026-11-21", value=value)), param, ctx)
        from qareport.codec import LATEST_YEAR, OLDEST_YEAR, is_plausible  # it imports pydantic

        if not is_plausible(day):
            years = {"first": OLDEST_YEAR, "last": LATEST_YEAR}
            self.fail(
                str(say("{value!r} is not in the years from {first} to {last}", value=value, **years)), param, ctx
            )
        return day


def date_option(name: str, *names: str, help: str) -> Callable[[F], F]:
    """Make an option that takes a day; `help` ends without a full stop."""
    text = f"{help} (YYYY-MM-DD)."
    return click.option(name, *names, type=_Day(), metavar="DATE", help=text)
