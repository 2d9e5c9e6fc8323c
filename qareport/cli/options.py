"""The global options and those that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from qareport.cli.console import complain, set_up_logs
from qareport.errors import ConfigError, Problem
from qareport.presentation.locale import LOCALES

if TYPE_CHECKING:
    from qareport.settings import Locale
    from qareport.store import Store
    from qareport.workflows.judge import RuleBook

F = TypeVar("F", bound=Callable[..., Any])

FORMATS = ("docx", "pdf", "html", "json")
DEFAULT_STORE = "sqlite:///qareport.db"
DEFAULT_MODEL = "iic/SenseVoiceSmall"


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

    @property
    def config_dir(self) -> Path:
        """The folder named with --config, else ./config, else the one that is shipped with qareport."""
        return _folder(self.config, "config", "rules")

    @property
    def templates_dir(self) -> Path:
        """The folder named with --templates, else ./templates, else the one that is shipped with qareport."""
        return _folder(self.templates, "templates", "call.docx")


def open_store(options: Options, *, make: bool = False) -> Store:
    """Open the store named with --store, else ./qareport.db.

    Args:
        options: the global options.
        make: create the store if it does not exist. Only for commands that take calls in: any other would answer a
            mistyped name with an empty store, and leave it there.
    """
    from qareport.store import Store

    return Store(options.store or DEFAULT_STORE, make=make)


def load_rule_book(options: Options, store: Store) -> RuleBook:
    """Read settings, topics and rules; when the rules are broken, complain and take the last valid set of the store."""
    from qareport.workflows.judge import RuleBook

    book = RuleBook.load_for_run(options.config_dir, store)
    for note in book.notes:
        complain(f"the rules are broken, the last good set is used: {note.values['first']} (qareport rules lint)")
    return book


def _folder(given: Path | None, name: str, marker: str) -> Path:
    if given is not None:
        if not given.is_dir():
            raise ConfigError(
                [Problem(what="no such folder", where=str(given), to_do=f"`qareport init DIR` makes a {name} folder")]
            )
        return given
    from qareport import settings

    here = Path(name)  # any project may have a folder of this name; only one that holds the marker is meant
    return here if (here / marker).exists() else settings.default_dir(name)


GLOBAL_OPTIONS = (
    click.option(
        "--config", type=click.Path(path_type=Path), metavar="DIR", help="Configuration and rules [./config]."
    ),
    click.option(
        "--templates", type=click.Path(path_type=Path), metavar="DIR", help="Document templates [./templates]."
    ),
    click.option("--store", metavar="URL", help=f"Where results are kept [{DEFAULT_STORE}]."),
    click.option(
        "--model", metavar="NAME_OR_DIR", help=f"Speech model [{DEFAULT_MODEL}]; `demo` is the bundled small one."
    ),
    click.option("--device", type=click.Choice(["auto", "cuda", "cpu"]), help="Where the model runs [auto]."),
    click.option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        help="json: one event a step on stderr, for programs [text].",
    ),
    click.option("--locale", type=click.Choice(LOCALES), help="Language of documents and mails [report.locale, zh]."),
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
        raise click.BadParameter(f"got {value!r}, expected a list of {', '.join(FORMATS)}, for example docx,pdf")
    return names


format_option = click.option(
    "--format",
    "formats",
    default="docx,pdf",
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


def date_option(name: str, *names: str, help: str) -> Callable[[F], F]:
    """Make an option that takes a day; `help` ends without a full stop."""
    text = f"{help} (YYYY-MM-DD)."
    return click.option(name, *names, type=click.DateTime(["%Y-%m-%d"]), metavar="DAY", help=text)
