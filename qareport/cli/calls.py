"""Commands that turn recordings and transcripts into reports."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from qareport import calendar, codec, ingest, settings
from qareport.cli.console import Progress, Summary, complain, say
from qareport.cli.options import Options, audio_option, format_option, takes_options
from qareport.errors import TranscriptError
from qareport.files import atomic_write
from qareport.model import Call, FailedCall
from qareport.store import CallFilter
from qareport.workflows import judge as judging
from qareport.workflows import select
from qareport.workflows import transcribe as transcribing
from qareport.workflows.render import render_orders
from qareport.workflows.rule_book import RuleBook
from qareport.workflows.transcribe import TranscribedCall
from qareport.workflows.workspace import Workspace


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
    """Do it all. `settled`: no recording is still being written."""
    with options.open_workspace(make_store=True) as workspace:
        config = workspace.settings
        found = ingest.find_calls(
            sources,
            manifest,
            cache=out / "fetched",
            settings=replace(config.ingest, settle_s=0.0) if settled else config.ingest,
            time_zone=config.period.time_zone,
            wait=_watch,
        )
        out.mkdir(parents=True, exist_ok=True)
        workspace.engine_files(download=True)
        with Progress() as progress:
            rule_book, store = _rule_book(workspace), workspace.store
            for failure in found.failures:
                store.calls.put_failure(failure.call, failure)
            outcome = transcribing.transcribe_calls(
                transcribing.disambiguate_ids(found.calls, found.ids_from_file_name, store),
                store,
                engine_key=workspace.engine_key,
                load_transcriber=workspace.load_transcriber,
                on_progress=progress,
            )
            summary = _judge_and_render(outcome.calls, workspace, rule_book, out, formats, progress)
    summary = replace(
        summary,
        failures=(*found.failures, *outcome.failures, *summary.failures),
        unlisted=found.unlisted,
        waiting=tuple(call.audio_path for call in found.waiting),
        unmatched=found.unmatched,
        duplicates=tuple(str(duplicate) for duplicate in outcome.duplicates),
        reused_transcripts=outcome.reused,
        heard_ms=outcome.transcribed_ms,
        heard_seconds=outcome.seconds,
    )
    summary.show()
    return summary


def _watch(seconds: float) -> None:
    say(f"Some recordings were written to just now: watching them for {seconds:g} s (ingest.settle_s).")
    time.sleep(seconds)


def _rule_book(workspace: Workspace) -> RuleBook:
    """Read the rules; broken ones do not stop a run when the store has a valid set, but are complained of."""
    rule_book = workspace.rule_book_for_run
    for note in rule_book.notes:
        complain(f"the rules are broken, the last good set is used: {note.values['first']} (qareport rules lint)")
    return rule_book


def _judge_and_render(
    transcribed: Sequence[TranscribedCall],
    workspace: Workspace,
    rule_book: RuleBook,
    out: Path,
    formats: Sequence[str],
    progress: Progress,
) -> Summary:
    done, failures = judging.judge_calls(transcribed, workspace.store, rule_book, on_progress=progress)
    rendering = render_orders(
        workspace, judging.orders_of(done), formats=formats, out_dir=out / "reports", on_progress=progress
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


@click.command()
@click.argument("recordings", nargs=-1, required=True, metavar="AUDIO...")
@click.option("-o", "output", type=click.Path(path_type=Path), metavar="FILE", help="Write here instead of stdout.")
@takes_options
def transcribe(options: Options, recordings: tuple[str, ...], output: Path | None) -> int:
    """Transcribe recordings: one JSON object a line, in the order given."""
    with options.open_workspace() as workspace:
        found = ingest.find_calls(
            recordings,
            None,
            cache=Path("out/fetched"),
            settings=workspace.settings.ingest,
            time_zone=workspace.settings.period.time_zone,
            wait=_watch,
        )
        for call in found.waiting:
            complain(f"{call.audio_path}: is still being written, and was left out; run the command again later")
        workspace.engine_files(download=True)
        engine = workspace.load_engine()
    failures = 0
    with atomic_write(output) if output else nullcontext(sys.stdout.buffer) as stream, Progress() as progress:
        for outcome in engine.transcribe(found.calls, on_progress=progress):
            if isinstance(outcome, FailedCall):
                failures += 1
                complain(f"{outcome.call_id}: {outcome.reason} [{outcome.step}]")
            else:
                stream.write(codec.to_json(outcome).encode() + b"\n")
        stream.flush()
    return failures > 0 or bool(found.waiting)


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
    items: list[TranscribedCall] = []
    bad: list[FailedCall] = []
    for item in codec.read_transcripts(transcript):
        if isinstance(item, TranscriptError):
            where = str(item.problems[0].where)
            bad.append(FailedCall(call_id=where, audio_path=where, step="ingest", reason=str(item)))
            continue
        path = item.audio.path if item.audio else ""
        call = Call(
            call_id=item.call_id,
            audio_path=path,
            order_id=item.order_id,
            agent_id=item.agent_id,
            started_at=item.started_at,
        )
        items.append(TranscribedCall(call=call, key=judging.transcript_key(item), transcript=item))
    out.mkdir(parents=True, exist_ok=True)
    with options.open_workspace(make_store=True) as workspace, Progress() as progress:
        rule_book = _rule_book(workspace)
        for known in items:
            workspace.store.calls.put(known.call)
            workspace.store.transcripts.put(known.key, known.transcript)
        summary = _judge_and_render(items, workspace, rule_book, out, formats, progress)
    summary = replace(summary, failures=(*bad, *summary.failures))
    summary.show()
    return len(summary.failures) > 0


@click.command()
@click.argument("orders", nargs=-1, metavar="[ORDER...]")
@click.option("--call", "calls", multiple=True, metavar="CALL", help="The order that a call belongs to.")
@click.option("--agent", "agents", multiple=True, metavar="AGENT", help="All orders with calls of an agent.")
@click.option(
    "--date", "day", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD", help="All orders with calls of a day."
)
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
    chosen = bool(calls or agents or day)
    if chosen == bool(orders):
        raise click.UsageError("name orders, or choose them by --call, --agent and --date")
    lost: tuple[FailedCall, ...] = ()
    with options.open_workspace() as workspace, Progress() as progress:
        store = workspace.store
        if chosen:
            since, until = calendar.bounds(day, day, ZoneInfo(workspace.settings.period.time_zone))
            wanted = CallFilter(calls=calls, agents=agents, since=since, until=until)
            orders = select.choose_orders(store, wanted)
        if refresh:
            for name in orders:
                store.orders.get(name)  # one that is not there is said before any work is done
            lost = select.refresh(store, orders, _rule_book(workspace), on_progress=progress)
        rendering = render_orders(workspace, orders, formats=formats, out_dir=out, on_progress=progress)
    for path in rendering.documents:
        click.echo(path)
    for failure in lost:
        complain(f"{failure.call_id}: {failure.reason}")
    for name, reason in rendering.problems:
        complain(f"{name}: {reason}")
    return len(rendering.problems) + len(lost) > 0


COMMANDS = (run, transcribe, analyse, report, demo)
