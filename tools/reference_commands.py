"""Write docs/reference/commands.md: every command with its arguments and options, as click knows them.

`make reference` writes it; a test compares the page with what `commands_reference` returns.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator

import click

from qareport import cli

_WIDTH = 120
_INTRODUCTION = """\
# Commands

<!-- Written by `make reference`; edit the help texts in qareport/cli/ instead. -->

Exit status of every command: 0 done; 1 finished, but some calls failed (each is listed with its reason); 2 the command,
the configuration or the rules are wrong. Results go to stdout or files, everything else to stderr.
"""


def commands_reference() -> str:
    """Return the complete page: the global options, then each command in alphabetical order.

    Global options are listed once; they are accepted before and after every command.
    """
    context = click.Context(cli.cli, info_name="qareport")
    shared = {parameter.name for parameter in cli.cli.params}
    parts = [_INTRODUCTION, "## Global options\n", "Before or after the name of the command.\n"]
    parts += _options(cli.cli.params, context)
    for path, command, own in _commands(cli.cli, context):
        parts.append(f"## `{' '.join(path)}`\n")
        parts += _command(command, own, shared)
    return "\n".join(parts).rstrip("\n") + "\n"


def _commands(
    group: click.Group, context: click.Context, path: tuple[str, ...] = ("qareport",)
) -> Iterator[tuple[tuple[str, ...], click.Command, click.Context]]:
    for name in sorted(group.list_commands(context)):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        own = click.Context(command, info_name=name, parent=context)
        yield (*path, name), command, own
        if isinstance(command, click.Group):
            yield from _commands(command, own, (*path, name))


def _command(command: click.Command, context: click.Context, shared: set[str | None]) -> Iterator[str]:
    yield from _usage(command, context)
    yield from _text(command.help or "")
    own = [parameter for parameter in command.params if parameter.name not in shared]
    yield from _options(own, context)


def _usage(command: click.Command, context: click.Context) -> Iterator[str]:
    pieces = [piece for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]"]
    yield f"```text\n{' '.join([context.command_path, '[OPTIONS]', *pieces])}\n```\n"


def _text(text: str) -> Iterator[str]:
    """Write a help text as Markdown: paragraphs after click's mark for fixed lines become blocks of code."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if paragraph.startswith("\b"):
            yield f"```text\n{textwrap.dedent(paragraph[1:]).strip()}\n```\n"
        else:
            words = _escaped(" ".join(paragraph.split()))
            yield textwrap.fill(words, _WIDTH, break_long_words=False, break_on_hyphens=False) + "\n"


def _options(parameters: list[click.Parameter], context: click.Context) -> Iterator[str]:
    rows = []
    for parameter in parameters:
        record = parameter.get_help_record(context)
        if isinstance(parameter, click.Option) and not parameter.hidden and record is not None:
            names, text = record
            rows.append(f"| `{_cell(names)}` | {_cell(_escaped(' '.join(text.split())))} |")
    if rows:
        yield "\n".join(["| option | meaning |", "| --- | --- |", *rows]) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _escaped(text: str) -> str:
    return text.replace("*", "\\*").replace("<", "&lt;")
