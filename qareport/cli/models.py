"""`qareport models`: the speech model and its parts, downloaded and checked."""

from __future__ import annotations

import click

from qareport import asr, settings
from qareport.cli.console import complain
from qareport.cli.options import DEFAULT_MODEL, Options, takes_options
from qareport.errors import ModelError


@click.group()
def models() -> None:
    """Download the published speech model, or check a model directory."""


@models.command("fetch", short_help="Download a model, its VAD and voice parts")
@click.argument("name", required=False, metavar="[NAME]")
@takes_options
def fetch(options: Options, name: str | None) -> int:
    """Download a model with its hub's own client (default: iic/SenseVoiceSmall), FSMN-VAD and cam++; check them all."""
    parts = settings.load(options.config_dir).asr
    click.echo(asr.fetch(name or options.model or DEFAULT_MODEL))
    click.echo(asr.fetch_vad(parts.fsmn_vad))
    try:
        click.echo(asr.fetch_voices(parts.voices))
    except ModelError as error:
        complain(f"{error}. Without it, words alone say who speaks where one channel holds both")
    return 0


@models.command("check", short_help="Check a model directory and load it")
@click.argument("name", required=False, metavar="[NAME_OR_DIR]")
@takes_options
def check(options: Options, name: str | None) -> int:
    """Check that a model is whole, load it, and print its revision and what finds speech and tells voices apart."""
    config = settings.load(options.config_dir)
    model = name or options.model or DEFAULT_MODEL
    transcriber = asr.load(model, device=options.device, asr=config.asr, audio=config.audio)
    click.echo(f"{transcriber.info.name}@{transcriber.info.revision}: all files whole, all weights fit")
    vad, voices = asr.describe_detection(transcriber.info, config.asr)
    click.echo(f"finds speech with {vad}")
    click.echo(f"tells voices on one channel apart by {voices}")
    return 0
