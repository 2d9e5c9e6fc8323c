"""`qareport run` and `qareport demo`: recordings become transcripts, analyses and reports."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from qareport import ingest, settings
from qareport.cli.analyse import judge_and_render
from qareport.cli.console import ProgressBars, Summary, say
from qareport.cli.options import Options, audio_option, format_option, rule_book_of, takes_options
from qareport.workflows.transcribe import disambiguate_ids, transcribe_calls


@click.command()
@click.argument("sources", nargs=-1, metavar="SOURCE...")
@click.option(
    "--manifest",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="CSV, XLSX or JSON lines: order, agent, time, channels.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("out"),
    show_default=True,
    metavar="DIR",
    help="Where files go.",
)
@format_option
@audio_option
@takes_options
def run(options: Options, sources: tuple[str, ...], manifest: Path | None, out: Path, formats: tuple[str, ...]) -> int:
    """Turn recordings (files, folders, fsspec URLs) into transcripts, analyses and reports.

    What an earlier run has done is not done again.
    """
    if not sources and manifest is None:
        raise click.UsageError("name recordings or folders, or give a --manifest. To see it work: qareport demo")
    return len(_run(options, sources, manifest, out, formats).failures) > 0


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("out/demo"), show_default=True, metavar="DIR")
@format_option
@audio_option
@takes_options
def demo(options: Options, out: Path, formats: tuple[str, ...]) -> int:
    """Run the bundled calls through the whole pipeline with the bundled small model. Needs no network.

    One bundled recording is broken on purpose, to show what happens then.
    """
    calls = settings.bundled_calls()
    truth = json.loads((calls / "truth.json").read_text(encoding="utf-8"))
    readable = {call["call_id"] for call in truth["calls"]}
    out.mkdir(parents=True, exist_ok=True)
    options = replace(options, model=options.model or "demo", store=options.store or f"sqlite:///{out / 'qareport.db'}")
    summary = _run(options, (), calls / "manifest.csv", out, formats, settled=True)
    say("The bundled model understands only its own synthetic voices. For real calls: qareport run --help")
    return any(failure.call_id in readable for failure in summary.failures) or bool(summary.problems)


def _run(
    options: Options,
    sources: Sequence[str],
    manifest: Path | None,
    out: Path,
    formats: Sequence[str],
    *,
    settled: bool = False,
) -> Summary:
    """Transcribe, judge and report. `settled`: no recording is still being written."""
    with options.open_workspace(make_store=True) as workspace:
        config = workspace.settings
        recordings = ingest.find_calls(
            sources,
            manifest,
            cache=out / "fetched",
            settings=replace(config.ingest, settle_s=0.0) if settled else config.ingest,
            time_zone=config.period.time_zone,
            wait=wait_for_writers,
        )
        out.mkdir(parents=True, exist_ok=True)
        workspace.engine_files(download=True)
        with ProgressBars() as progress:
            rule_book, store = rule_book_of(workspace), workspace.store
            for failure in recordings.failures:
                store.calls.put_failure(failure.call, failure)
            outcome = transcribe_calls(
                disambiguate_ids(recordings.calls, recordings.ids_from_file_name, store),
                store,
                engine_key=workspace.engine_key,
                load_transcriber=workspace.load_transcriber,
                on_progress=progress,
            )
            summary = judge_and_render(outcome.calls, workspace, rule_book, out, formats, progress)
    summary = replace(
        summary,
        failures=(*recordings.failures, *outcome.failures, *summary.failures),
        unlisted=recordings.unlisted,
        waiting=tuple(call.audio_path for call in recordings.waiting),
        unmatched=recordings.unmatched,
        duplicates=tuple(str(duplicate) for duplicate in outcome.duplicates),
        reused_transcripts=outcome.reused,
        heard_ms=outcome.transcribed_ms,
        heard_seconds=outcome.seconds,
    )
    summary.show()
    return summary


def wait_for_writers(seconds: float) -> None:
    """Wait to see which recordings still grow."""
    say(f"Some recordings were written to just now: watching them for {seconds:g} s (ingest.settle_s).")
    time.sleep(seconds)
