"""`qareport templates`: what a person who edits templates needs."""

from __future__ import annotations

import click

from qareport.cli.options import Options, takes_options
from qareport.errors import ConfigError, Problem
from qareport.workflows import check_templates


@click.group("templates")
def templates() -> None:
    """Check the templates of documents and mails after editing them."""


@templates.command("check")
@click.argument("names", nargs=-1, type=click.Choice(check_templates.ALL), metavar="[TEMPLATE...]")
@takes_options
def check(options: Options, names: tuple[str, ...]) -> int:
    """Fill every template (or those named) with samples and with hostile data; name each broken tag with its place.

    Word (paragraph), HTML and mails (line), styles, and what PDF cannot print; exit status 2 when something is broken.
    """
    problems: list[Problem] = []
    with options.open_workspace() as workspace:
        for one in check_templates.check_templates(workspace.templates, names or check_templates.ALL):
            problems += one.problems
            click.echo(f"{one.name:<16} {f'{len(one.problems)} to mend' if one.problems else 'fine'}   {one.path}")
    if problems:
        raise ConfigError(problems)
    return 0
