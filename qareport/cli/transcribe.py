"""`qareport transcribe`: recordings become transcripts, and nothing is stored."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from qareport import asr, codec, ingest, settings
from qareport.cli.console import ProgressBars, complain
from qareport.cli.options import DEFAULT_MODEL, Options, takes_options
from qareport.cli.run import wait_for_writers
from qareport.model import FailedCall


@click.command()
@click.argument("recordings", nargs=-1, required=True, metavar="AUDIO...")
@click.option("-o", "output", type=click.Path(path_type=Path), metavar="FILE", help="Write here instead of stdout.")
@takes_options
def transcribe(options: Options, recordings: tuple[str, ...], output: Path | None) -> int:
    """Transcribe recordings: one JSON object a line, in the order given."""
    config = settings.load(options.config_dir)
    found = ingest.find_calls(
        recordings,
        None,
        cache=Path("out/fetched"),
        settings=config.ingest,
        time_zone=config.period.time_zone,
        wait=wait_for_writers,
    )
    for call in found.waiting:
        complain(f"{call.audio_path}: is still being written, and was left out; run the command again later")
    model = options.model or DEFAULT_MODEL
    asr.fetch(model)
    transcriber = asr.load(model, device=options.device, asr=config.asr, audio=config.audio)
    failures = 0
    partial = output and output.with_name(output.name + ".part")
    stream = partial.open("w", encoding="utf-8") if partial else sys.stdout
    with ProgressBars() as progress:
        for outcome in transcriber.transcribe(found.calls, on_progress=progress):
            if isinstance(outcome, FailedCall):
                failures += 1
                complain(f"{outcome.call_id}: {outcome.reason} [{outcome.step}]")
            else:
                stream.write(codec.to_json(outcome) + "\n")
    stream.flush()
    if partial and output:
        stream.close()
        partial.replace(output)
    return failures > 0 or bool(found.waiting)
