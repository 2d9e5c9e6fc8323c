"""The language in which the command line speaks: how it is chosen, and help texts in it.

Help texts are written in English where commands are declared, and put into words when they are shown.
`tools/make_catalogues.py` collects them from the commands (`help_texts`), and what click says itself from click.
"""

from __future__ import annotations

import copy
import gettext
import inspect
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import click

from qareport import messages
from qareport.messages import CATALOGUES, LANGUAGES, Message

#: The catalogue of click's own words.
CLICK_DOMAIN: Final = "click"
#: Who has set up nothing (or a server without languages) is Chinese.
_UNSET: Final = ("", "c", "posix")
_DEFAULT: Final = "zh"


def choose_language(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """Choose one of `LANGUAGES`: by `--locale`, else by the environment as gettext reads it.

    Chinese where nothing is set; English for every language that there is no catalogue for.
    """
    for index, argument in enumerate(arguments):
        name, _, value = argument.partition("=")
        value = value or next(iter(arguments[index + 1 : index + 2]), "")
        if name == "--locale" and value in LANGUAGES:
            return value
    settings = (environment.get(name) for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"))
    wanted = next((setting for setting in settings if setting), "").lower()
    code = wanted.split(":")[0].split(".")[0].split("@")[0].replace("-", "_").split("_")[0]
    return _DEFAULT if code in (*_UNSET, _DEFAULT) else LANGUAGES[0]


@contextmanager
def speaking_to_user(language: str) -> Iterator[None]:
    """Let the whole process, its threads, its children and click speak a language inside the block."""
    before, variable = messages.language(), os.environ.get("LANGUAGE")
    messages.use(language)
    os.environ["LANGUAGE"] = language
    gettext.bindtextdomain(CLICK_DOMAIN, str(CATALOGUES))
    gettext.textdomain(CLICK_DOMAIN)
    try:
        yield
    finally:
        messages.use(before)
        if variable is None:
            del os.environ["LANGUAGE"]
        else:
            os.environ["LANGUAGE"] = variable


class SpokenCommand(click.Command):
    """A command whose help is shown in the language of messages."""

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help page."""
        click.Command.format_help(_translated(self), ctx, formatter)

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the line for a list of commands."""
        return translate_help(self.short_help) or ""


class SpokenGroup(click.Group):
    """A group of commands whose help is shown in the language of messages."""

    command_class = SpokenCommand

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help page."""
        click.Group.format_help(_translated(self), ctx, formatter)

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the line for a list of commands."""
        return translate_help(self.short_help) or ""


def translate_help(text: str | None) -> str | None:
    """Put a help text into the language of messages."""
    return None if text is None else str(Message(inspect.cleandoc(text)))


def help_texts(command: click.Command) -> Iterator[str]:
    """Yield the help texts of a command and of its options as they are to be translated."""
    texts = [command.help, command.short_help]
    texts += [parameter.help for parameter in command.params if isinstance(parameter, click.Option)]
    yield from (inspect.cleandoc(text) for text in texts if text)


def _translated(command: Any) -> Any:
    """Copy a command, its help texts put into the language of messages."""
    shown = copy.copy(command)
    shown.help, shown.params = translate_help(command.help), [copy.copy(parameter) for parameter in command.params]
    shown._help_option = None  # click keeps it with its text
    for parameter in shown.params:
        if isinstance(parameter, click.Option):
            parameter.help = translate_help(parameter.help)
    return shown
