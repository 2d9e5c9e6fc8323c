"""`qareport templates`: what a person who edits templates needs."""

from __future__ import annotations

import click

from qareport.cli.options import Options, takes_options
from qareport.errors import ConfigError, Problem
from qareport.workflows.check_templates import ALL, check_templates


@click.group("templates")
def templates() -> None:
    """Check the templates of documents and mails after editing them."""


@templates.command("check", short_help="Fill templates with samples; list faults")
@click.argument("names", nargs=-1, type=click.Choice(ALL), metavar="[TEMPLATE...]")
@takes_options
def check(options: Options, names: tuple[str, ...]) -> int:
    """Fill every template (or those named) with samples and with hostile data; name each broken tag with its place.

    Word (paragraph), HTML and mails (line), styles, and what PDF cannot print; exit status 2 when something is broken.
    """
    problems: list[Problem] = []
    with options.open_workspace() as workspace:
        for template in check_templates(workspace.templates, names or ALL):
            problems += template.problems
            outcome = f"{len(template.problems)} to mend" if template.problems else "fine"
            click.echo(f"{template.name:<16} {outcome}   {template.path}")
    if problems:
        raise ConfigError(problems)
    return 0
