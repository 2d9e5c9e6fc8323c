"""`qareport init`: a folder with the configuration, the rules and the templates, to be edited."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from qareport.cli.console import say
from qareport.errors import ConfigError, Problem
from qareport.settings import default_dir

#: Folders that a user edits.
COPIED = ("config", "templates")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
def init(folder: Path) -> int:
    """Copy the configuration, the rules and the document templates into DIR, to be edited there."""
    taken = [Problem(what="is there already", where=str(folder / name)) for name in COPIED if (folder / name).exists()]
    if taken:
        raise ConfigError([*taken, Problem(what="nothing was copied", to_do="choose another DIR, or move these away")])
    for name in COPIED:
        ignored = shutil.ignore_patterns("__pycache__", "*.py")
        shutil.copytree(default_dir(name), folder / name, ignore=ignored)
        click.echo(folder / name)
    say(f"Now edit {folder}/config/qareport.yaml and the rules beside it, then: cd {folder} && qareport rules lint")
    return 0
