"""`qareport init`, `models` and `templates`: set an installation up, and check its parts."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import click

from qareport import asr
from qareport.cli.console import Options, complain, notify, takes_options
from qareport.cli.language import SpokenCommand, SpokenGroup
from qareport.errors import ConfigError, DocumentError, ModelError, Problem, os_reason
from qareport.messages import Message, say
from qareport.settings import default_dir
from qareport.workflows.check_templates import ALL, check_templates

COPIED = ("config", "templates")
copy_file = shutil.copy2


@click.command(cls=SpokenCommand)
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
def init(folder: Path) -> int:
    """Copy the configuration, the rules and the document templates into DIR for editing."""
    exists = say("already exists")
    taken = [Problem(what=exists, where=str(folder / name)) for name in COPIED if (folder / name).exists()]
    if taken:
        to_do = say("choose another DIR, or move these away")
        raise ConfigError([*taken, Problem(what=say("nothing was copied"), to_do=to_do)])
    _copy_all(folder)
    for name in COPIED:
        click.echo(folder / name)
    notify(
        say(
            "Now edit {folder}/config/qareport.yaml and the rules beside it, then: cd {folder} && qareport rules lint",
            folder=folder,
        )
    )
    return 0


def _copy_all(folder: Path) -> None:
    """Copy everything, or leave nothing half: a configuration that lacks rules would be taken for a whole one."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=".init-", dir=folder))
    try:
        for name in COPIED:
            ignored = shutil.ignore_patterns("__pycache__", "*.py")
            shutil.copytree(default_dir(name), unfinished / name, ignore=ignored, copy_function=copy_file)
        for name in COPIED:
            (unfinished / name).rename(folder / name)
    except shutil.Error as error:
        reason = _first_reason(error)
        what, to_do = say("cannot be written: {reason}", reason=reason), say("check the folder and the disk")
        raise DocumentError(what, where=str(folder), to_do=to_do) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _first_reason(error: shutil.Error) -> Message | str:
    """Say why the first file was not copied: shutil keeps the system's errors as texts."""
    reason = str(error.args[0][0][2])
    number = re.match(r"\[Errno (\d+)\]", reason)
    return reason if number is None else os_reason(OSError(int(number.group(1)), os.strerror(int(number.group(1)))))


@click.group(cls=SpokenGroup)
def models() -> None:
    """Download the published speech model, or check a model directory."""


@models.command("fetch", short_help="Download a model, its VAD and voice parts")
@click.argument("name", required=False, metavar="[NAME]")
@takes_options
def fetch(options: Options, name: str | None) -> int:
    """Download a model with its hub's own client (default: iic/SenseVoiceSmall), FSMN-VAD and cam++; check them all."""
    with options.open_workspace() as workspace:
        parts = workspace.settings.asr
    click.echo(asr.fetch(name or workspace.model))
    click.echo(asr.fetch_vad(parts.fsmn_vad))
    try:
        click.echo(asr.fetch_speaker_model(parts.speaker_model))
    except ModelError as error:
        complain(str(error))
        notify(say("Without it, words alone say who speaks where one channel holds both."))
    return 0


@models.command("check", short_help="Check a model directory and load it")
@click.argument("name", required=False, metavar="[NAME_OR_DIR]")
@takes_options
def check(options: Options, name: str | None) -> int:
    """Check that a model is complete, load it, and print its revision and what finds speech and tells voices apart."""
    with replace(options, model=name or options.model).open_workspace() as workspace:
        info = workspace.load_engine().info
        click.echo(say("{model}: all files complete, all weights fit", model=f"{info.name}@{info.revision}"))
        for line in asr.describe_detection(workspace.engine_files(), workspace.settings.asr):
            click.echo(line)
    return 0


@click.group("templates", cls=SpokenGroup)
def templates() -> None:
    """Check the templates of documents and mails after editing them."""


@templates.command("check", short_help="Fill templates with samples; list faults")
@click.argument("names", nargs=-1, type=click.Choice(ALL), metavar="[TEMPLATE...]")
@takes_options
def check_edited(options: Options, names: tuple[str, ...]) -> int:
    """Fill every template (or those named) with samples and with hostile data; name each broken tag with its place.

    Word (paragraph), HTML and mails (line), styles, and what PDF cannot print; exit status 2 when something is broken.
    """
    problems: list[Problem] = []
    with options.open_workspace() as workspace:
        for template in check_templates(workspace.templates, names or ALL):
            problems += template.problems
            outcome = say("{count} to fix", count=len(template.problems)) if template.problems else say("fine")
            click.echo(f"{template.name:<16} {outcome}   {template.path}")
    if problems:
        raise ConfigError(problems)
    return 0
