"""`qareport analyse`: transcripts that exist already become reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from qareport import codec
from qareport.cli.console import ProgressBars, Summary
from qareport.cli.options import Options, audio_option, format_option, load_rule_book, open_store, takes_options
from qareport.errors import TranscriptError
from qareport.model import Call, FailedCall, Transcript
from qareport.store import Store
from qareport.workflows.judge import RuleBook, content_key, judge_calls, orders_of
from qareport.workflows.render import render_orders
from qareport.workflows.transcribe import Progress


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
    with open_store(options, make=True) as store, ProgressBars() as progress:
        rule_book = load_rule_book(options, store)
        for call, key, given in items:
            store.put_call(call)
            store.put_transcript(key, given)
        summary = judge_and_render(items, store, rule_book, options, out, formats, progress)
    summary = replace(summary, failures=(*unreadable, *summary.failures))
    summary.show()
    return len(summary.failures) > 0


def judge_and_render(
    transcripts: Sequence[tuple[Call, str, Transcript]],
    store: Store,
    rule_book: RuleBook,
    options: Options,
    out: Path,
    formats: Sequence[str],
    on_progress: Progress,
) -> Summary:
    """Judge transcripts (each with its call and its key in the store), and write the reports of their orders."""
    done, failures = judge_calls(transcripts, store, rule_book, on_progress=on_progress)
    rendering = render_orders(
        orders_of(done),
        store,
        formats=formats,
        out_dir=out / "reports",
        templates=options.templates_dir,
        settings=rule_book.settings.report.over(locale=options.locale, audio=options.audio),
        masking=rule_book.settings.privacy,
        period=rule_book.settings.period,
        on_progress=on_progress,
    )
    return Summary(
        done=done,
        failures=failures,
        problems=rendering.problems,
        documents=rendering.documents,
        reused_documents=rendering.reused,
        audio_ms=sum(transcript.audio.duration_ms for _, _, transcript in transcripts if transcript.audio),
        out=out,
    )


def _read(path: Path) -> tuple[list[tuple[Call, str, Transcript]], list[FailedCall]]:
    items: list[tuple[Call, str, Transcript]] = []
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
        items.append((call, content_key(transcript), transcript))
    return items, unreadable
