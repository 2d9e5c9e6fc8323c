"""`qareport models`: the speech model and its parts, downloaded and checked."""

from __future__ import annotations

from dataclasses import replace

import click

from qareport import asr
from qareport.cli.console import complain
from qareport.cli.options import Options, takes_options
from qareport.errors import ModelError


@click.group()
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
        complain(f"{error}. Without it, words alone say who speaks where one channel holds both")
    return 0


@models.command("check", short_help="Check a model directory and load it")
@click.argument("name", required=False, metavar="[NAME_OR_DIR]")
@takes_options
def check(options: Options, name: str | None) -> int:
    """Check that a model is whole, load it, and print its revision and what finds speech and tells voices apart."""
    with replace(options, model=name or options.model).open_workspace() as workspace:
        info = workspace.load_engine().info
        click.echo(f"{info.name}@{info.revision}: all files whole, all weights fit")
        vad, voices = asr.describe_detection(workspace.engine_files(), workspace.settings.asr)
    click.echo(f"finds speech with {vad}")
    click.echo(f"tells voices on one channel apart by {voices}")
    return 0
