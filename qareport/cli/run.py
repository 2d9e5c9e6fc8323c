"""`run`, `demo`, `analyse` and `report`: recordings, transcripts or stored calls become reports.

What decodes, transcribes and judges is imported where it is used: `report` starts without it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from qareport import calendar, codec, settings
from qareport.cli.console import (
    Options,
    ProgressBars,
    Summary,
    audio_option,
    complain,
    date_option,
    format_option,
    notify,
    rule_book_of,
    takes_options,
)
from qareport.errors import TranscriptError
from qareport.events import Progress
from qareport.model import Call, FailedCall, unfit_id
from qareport.store import CallFilter
from qareport.workflows.render import render_orders
from qareport.workflows.workspace import Workspace

if TYPE_CHECKING:
    from qareport.workflows.judge import RuleBook
    from qareport.workflows.transcribe import TranscribedCall


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
    return int(_run(options, sources, manifest, out, formats).is_short)


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
    notify("The bundled model understands only its own synthetic voices. For real calls: qareport run --help")
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
    from qareport import ingest
    from qareport.workflows.transcribe import disambiguate_ids, refuse_unfit, transcribe_calls

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
        recordings, refused = refuse_unfit(recordings)
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
        failures=(*refused, *recordings.failures, *outcome.failures, *summary.failures),
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
    notify(f"Some recordings were written to just now: waiting {seconds:g} s for them to settle (ingest.settle_s).")
    time.sleep(seconds)


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
    return int(summary.is_short)


def judge_and_render(
    transcribed: Sequence[TranscribedCall],
    workspace: Workspace,
    rule_book: RuleBook,
    out: Path,
    formats: Sequence[str],
    on_progress: Progress,
) -> Summary:
    """Judge calls, and write the reports of their orders."""
    from qareport.workflows.judge import judge_calls, orders_of

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
    from qareport.workflows.judge import transcript_key
    from qareport.workflows.transcribe import TranscribedCall

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
        if (reason := unfit_id(call)) is not None:
            unreadable.append(FailedCall.of(call, "ingest", str(reason)))
            continue
        items.append(TranscribedCall(call=call, key=transcript_key(transcript), transcript=transcript))
    return items, unreadable


@click.command()
@click.argument("orders", nargs=-1, metavar="[ORDER...]")
@click.option("--call", "calls", multiple=True, metavar="CALL", help="The order that a call belongs to.")
@click.option("--agent", "agents", multiple=True, metavar="AGENT", help="All orders with calls of an agent.")
@date_option("--date", "day", help="All orders with calls of a day")
@click.option("--refresh", is_flag=True, help="Judge again first, with today's rules, settings and topics.")
@format_option
@audio_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("out/reports"),
    show_default=True,
    metavar="DIR",
    help="Folder.",
)
@takes_options
def report(
    options: Options,
    orders: tuple[str, ...],
    calls: tuple[str, ...],
    agents: tuple[str, ...],
    day: datetime | None,
    refresh: bool,
    formats: tuple[str, ...],
    out: Path,
) -> int:
    """Write the report of orders (or of calls that have none) from the store; no model is loaded, no GPU needed.

    \b
    qareport report 20261105000042
    qareport report --agent A017 --date 2026-11-21
    qareport report --call C0001 --refresh --format pdf

    --call, --agent and --date choose calls, together those that are all of it; the reports are of their orders.
    --refresh starts from the stored transcripts, and does nothing where nothing has changed.
    """
    if bool(calls or agents or day) == bool(orders):
        raise click.UsageError("name orders, or choose them by --call, --agent and --date")
    lost: tuple[FailedCall, ...] = ()
    with options.open_workspace() as workspace, ProgressBars() as progress:
        if not orders:
            orders = _choose(workspace, calls=calls, agents=agents, day=day)
        if refresh:
            lost = _refresh(workspace, orders, progress)
        rendering = render_orders(workspace, orders, formats=formats, out_dir=out, on_progress=progress)
    for path in rendering.documents:
        click.echo(path)
    for failure in lost:
        complain(f"{failure.call_id}: {failure.reason}")
    for name, reason in rendering.problems:
        complain(f"{name}: {reason}")
    return len(rendering.problems) + len(lost) > 0


def _choose(
    workspace: Workspace, *, calls: tuple[str, ...], agents: tuple[str, ...], day: datetime | None
) -> tuple[str, ...]:
    from qareport.workflows import select  # it imports what judges calls

    since, until = calendar.bounds(day, day, ZoneInfo(workspace.settings.period.time_zone))
    return select.choose_orders(workspace.store, CallFilter(calls=calls, agents=agents, since=since, until=until))


def _refresh(workspace: Workspace, orders: tuple[str, ...], on_progress: ProgressBars) -> tuple[FailedCall, ...]:
    from qareport.workflows import select

    for order in orders:
        workspace.store.orders.get(order)  # a wrong name is reported before any work is done
    return select.refresh(workspace.store, orders, rule_book_of(workspace), on_progress=on_progress)
