"""`qareport transcribe`: recordings become transcripts, and nothing is stored."""

from __future__ import annotations

import sys
from itertools import chain
from pathlib import Path

import click

from qareport import ingest
from qareport.cli.console import Options, ProgressBars, complain, language_option, notify, takes_options
from qareport.cli.intake_summary import skipped_lines
from qareport.cli.language import SpokenCommand
from qareport.cli.run import wait_for_writers
from qareport.cli.search import call_file_name, is_folder, open_output, output_option
from qareport.codec import to_json
from qareport.messages import for_user, say
from qareport.model import FailedCall, Transcript
from qareport.presentation.locale import speaking
from qareport.presentation.view_types import clean
from qareport.workflows.export.writing import RENDERERS

FORMATS = ("json", *RENDERERS)
_FORMAT_OF_SUFFIX = {".srt": "srt", ".vtt": "vtt", ".txt": "text"}
_SUFFIX_OF_FORMAT = {"json": "jsonl", "text": "txt", "rich": "txt", "srt": "srt", "vtt": "vtt"}
#: Formats in which a file holds one recording: their times begin at 0.
_SUBTITLES = ("srt", "vtt")


@click.command(cls=SpokenCommand)
@click.argument("recordings", nargs=-1, required=True, metavar="AUDIO...")
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    help="[from the end of -o FILE, else rich on a terminal, else json]",
)
@output_option
@language_option
@takes_options
def transcribe(options: Options, recordings: tuple[str, ...], format_: str | None, output: Path | None) -> int:
    """Transcribe recordings, in the order given.

    \b
    qareport transcribe call.wav -o call.jsonl
    qareport transcribe call.wav --format rich
    qareport transcribe call.wav -o call.srt
    qareport transcribe calls/ --format vtt -o subtitles/

    json: one object a line, which `qareport analyse` reads. text: what was said, turn by turn; rich: the same with
    tags, 退货运费谁出?[ANGRY]. srt, vtt: subtitles, a file for each recording.
    """
    format_ = format_ or _default_format(output)
    with options.open_workspace() as workspace:
        workspace.engine_files()  # a model that is missing is named before anything else is done
        config = workspace.settings
        calls = ingest.find_calls(
            recordings,
            None,
            cache=Path("out/fetched"),
            settings=config.ingest,
            audio=config.audio,
            time_zone=config.period.time_zone,
            wait=wait_for_writers,
        )
        for problem in calls.problems:
            complain(str(problem))
        for line in skipped_lines(calls.skipped):
            notify(line)
        for call in calls.waiting:
            complain(
                say(
                    "{recording}: is still being written, and was left out; run the command again later",
                    recording=call.audio_path,
                )
            )
        folder = output if format_ != "json" and output is not None and is_folder(output) else None
        if format_ in _SUBTITLES and folder is None and len(calls.calls) > 1:
            too_many = say(
                "{count} recordings, and a file of {format} holds one: name a folder with -o",
                count=len(calls.calls),
                format=format_,
            )
            raise click.UsageError(str(too_many))
        engine = workspace.load_engine()
    failures, written = len(calls.problems), 0
    with (
        ProgressBars() as progress,
        speaking(config.report.locale),
        open_output(output if folder is None else None) as stream,
    ):
        for outcome in chain(calls.failures, engine.transcribe(calls.calls, on_progress=progress)):
            if isinstance(outcome, FailedCall):
                failures += 1
                complain(f"{outcome.call_id}: {for_user(outcome)} [{outcome.step}]")
            elif folder is not None:
                name = call_file_name(outcome.call_id, _SUFFIX_OF_FORMAT[format_])
                with open_output(folder / name) as file:
                    file.write(_written(outcome, format_).encode())
            else:
                heading = _heading(outcome, format_, first=not written) if len(calls.calls) > 1 else ""
                stream.write((heading + _written(outcome, format_)).encode())
                written += 1
    return failures > 0 or bool(calls.waiting)


def _default_format(output: Path | None) -> str:
    if output is not None:
        return _FORMAT_OF_SUFFIX.get(output.suffix.lower(), "json")
    return "rich" if sys.stdout.isatty() else "json"


def _written(transcript: Transcript, format: str) -> str:
    return to_json(transcript) + "\n" if format == "json" else RENDERERS[format](transcript)


def _heading(transcript: Transcript, format: str, *, first: bool) -> str:
    """Return the line that tells several calls in one text apart."""
    return "" if format == "json" else ("" if first else "\n") + f"# {clean(transcript.call_id)}\n"
