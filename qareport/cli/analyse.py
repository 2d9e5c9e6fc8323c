"""`qareport analyse`: transcripts that exist already become reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from qareport import codec
from qareport.cli.console import ProgressBars, Summary
from qareport.cli.options import Options, audio_option, format_option, rule_book_of, takes_options
from qareport.errors import TranscriptError
from qareport.events import Progress
from qareport.model import Call, FailedCall
from qareport.workflows.judge import judge_calls, orders_of, transcript_key
from qareport.workflows.render import render_orders
from qareport.workflows.rule_book import RuleBook
from qareport.workflows.transcribe import TranscribedCall
from qareport.workflows.workspace import Workspace


@click.command()
@click.argument("transcript", type=click.Path(path_type=Path), metavar="TRANSCRIPT.jsonl")
@click.option("--out", type=click.Path(path_type=Path), default=Path("out"), show_default=True, metavar="DIR")
@format_option
@audio_option
@takes_options
def analyse(options: Options, transcript: Path, out: Path, formats: tuple[str, ...]) -> int:
    """Make reports from transcripts that exist already; no model is loaded.

    A transcript needs no more than segments with start_ms, end_ms, role and text.
    """
    items, unreadable = _read(transcript)
    out.mkdir(parents=True, exist_ok=True)
    with options.open_workspace(make_store=True) as workspace, ProgressBars() as progress:
        rule_book = rule_book_of(workspace)
        for given in items:
            workspace.store.calls.put(given.call)
            workspace.store.transcripts.put(given.key, given.transcript)
        summary = judge_and_render(items, workspace, rule_book, out, formats, progress)
    summary = replace(summary, failures=(*unreadable, *summary.failures))
    summary.show()
    return len(summary.failures) > 0


def judge_and_render(
    transcribed: Sequence[TranscribedCall],
    workspace: Workspace,
    rule_book: RuleBook,
    out: Path,
    formats: Sequence[str],
    on_progress: Progress,
) -> Summary:
    """Judge calls, and write the reports of their orders."""
    done, failures = judge_calls(transcribed, workspace.store, rule_book, on_progress=on_progress)
    rendering = render_orders(
        workspace, orders_of(done), formats=formats, out_dir=out / "reports", on_progress=on_progress
    )
    return Summary(
        done=done,
        failures=failures,
        problems=rendering.problems,
        documents=rendering.documents,
        reused_documents=rendering.reused,
        audio_ms=sum(item.transcript.audio.duration_ms for item in transcribed if item.transcript.audio),
        out=out,
    )


def _read(path: Path) -> tuple[list[TranscribedCall], list[FailedCall]]:
    items: list[TranscribedCall] = []
    unreadable: list[FailedCall] = []
    for transcript in codec.read_transcripts(path):
        if isinstance(transcript, TranscriptError):
            where = str(transcript.problems[0].where)
            unreadable.append(FailedCall(call_id=where, audio_path=where, step="ingest", reason=str(transcript)))
            continue
        call = Call(
            call_id=transcript.call_id,
            audio_path=transcript.audio.path if transcript.audio else "",
            order_id=transcript.order_id,
            agent_id=transcript.agent_id,
            started_at=transcript.started_at,
        )
        items.append(TranscribedCall(call=call, key=transcript_key(transcript), transcript=transcript))
    return items, unreadable
