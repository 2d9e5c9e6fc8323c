"""The global options and those that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from qareport.cli.console import complain, set_up_logs
from qareport.presentation.locale import LOCALES
from qareport.workflows.workspace import DEFAULT_MODEL, DEFAULT_STORE, Workspace

if TYPE_CHECKING:
    from qareport.settings import Locale
    from qareport.workflows.rule_book import RuleBook

F = TypeVar("F", bound=Callable[..., Any])

FORMATS = ("docx", "pdf", "html", "json")


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

    def open_workspace(self, *, make_store: bool = False) -> Workspace:
        """Open the installation that the options name.

        Args:
            make_store: create its store if it does not exist. Only for commands that take calls in: any other would
                answer a mistyped name with an empty store, and leave it there.
        """
        return Workspace.open(
            config=self.config,
            templates=self.templates,
            store=self.store,
            model=self.model,
            device=self.device,
            locale=self.locale,
            audio=self.audio,
            make_store=make_store,
        )


def rule_book_of(workspace: Workspace) -> RuleBook:
    """Return the rules of a run; complain when they are broken and the last valid set of the store is used."""
    rule_book = workspace.rule_book_for_run
    for note in rule_book.notes:
        complain(f"the rules are broken, the last good set is used: {note.values['first']} (qareport rules lint)")
    return rule_book


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
