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

from qareport import calendar, settings
from qareport.cli.console import (
    Options,
    ProgressBars,
    Summary,
    audio_option,
    complain,
    date_option,
    format_option,
    language_option,
    notify,
    rule_book_of,
    takes_options,
)
from qareport.cli.language import SpokenCommand
from qareport.events import Progress
from qareport.messages import for_user, say
from qareport.model import Call, CallSource, FailedCall
from qareport.presentation.locale import speaking
from qareport.store import CallFilter
from qareport.workflows.render import render_orders
from qareport.workflows.workspace import Workspace

if TYPE_CHECKING:
    from qareport.workflows.judge import RuleBook
    from qareport.workflows.transcribe import TranscribedCall


manifest_option = click.option(
    "--manifest",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="CSV, XLSX or JSON lines: order, agent, time, phone, channels.",
)


def _place(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not settings.is_place(value):
        raise click.BadParameter(
            str(say("got {value!r}, expected {places}", value=value, places=settings.expected_place()))
        )
    return value


on_option = click.option(
    "--on",
    callback=_place,
    metavar="PLACE",
    help="Where recordings are transcribed [engine.on, here]; ray or ray://HOST:PORT: on a Ray cluster.",
)


@click.command(cls=SpokenCommand)
@click.argument("sources", nargs=-1, metavar="SOURCE...")
@manifest_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("out"),
    show_default=True,
    metavar="DIR",
    help="Where files go.",
)
@format_option()
@audio_option
@language_option
@on_option
@takes_options
def run(options: Options, sources: tuple[str, ...], manifest: Path | None, out: Path, formats: tuple[str, ...]) -> int:
    """Turn recordings (files, folders, fsspec URLs) into transcripts, analyses and reports.

    What an earlier run has done is not done again.
    """
    if not sources and manifest is None:
        raise click.UsageError(
            str(say("name recordings or folders, or give a --manifest. To see it work: qareport demo"))
        )
    return _run(options, sources, manifest, out, formats).is_incomplete


@click.command(cls=SpokenCommand)
@click.option("--out", type=click.Path(path_type=Path), default=Path("out/demo"), show_default=True, metavar="DIR")
@format_option(default="docx,pdf,html")
@audio_option
@takes_options
def demo(options: Options, out: Path, formats: tuple[str, ...]) -> int:
    """Run the bundled calls through the whole pipeline with the bundled small model. Needs no network.

    Makes a report of each order, pages that play the calls, and the report of a day. One bundled recording is broken
    on purpose, to show what happens then.
    """
    calls = settings.bundled_calls()
    truth = json.loads((calls / "truth.json").read_text(encoding="utf-8"))
    readable = {call["call_id"] for call in truth["calls"]}
    out.mkdir(parents=True, exist_ok=True)
    options = replace(
        options,
        model=options.model or "demo",
        on=settings.HERE,
        store=options.store or f"sqlite:///{out / 'qareport.db'}",
        audio=True if options.audio is None else options.audio,
    )
    summary = _run(options, (), calls / "manifest.csv", out, formats, settled=True)
    _show_what_to_open(options, summary, out)
    click.echo(str(say("To see it all in a browser: qareport serve --demo")))
    notify(say("The bundled model understands only its own synthetic voices. For real calls: qareport run --help"))
    return any(failure.call_id in readable for failure in summary.failures) or bool(summary.problems)


def _show_what_to_open(options: Options, summary: Summary, out: Path) -> None:
    """Make the report of the last day, and name the files to open first."""
    from qareport.workflows.daily.editions import make_team_edition

    days = [call.started_at.date() for call in summary.done if call.started_at is not None]
    if not days:
        return
    with options.open_workspace() as workspace, speaking(workspace.settings.report.locale), ProgressBars() as progress:
        edition = make_team_edition(workspace, max(days), out=out, on_progress=progress)
    worst = [callback.subject for callback in edition.report.callbacks]
    pages = [path for path in summary.documents if path.suffix == ".html"] or list(summary.documents)
    page = next((path for order in worst for path in pages if path.stem == order), pages[0] if pages else None)
    click.echo(for_user(say("Open first:")))
    if page is not None:
        click.echo(for_user(say("  {file}   one order; the page plays its calls", file=page)))
    for path in edition.documents:
        if path.suffix == ".pdf":
            click.echo(for_user(say("  {file}   the report of a day", file=path)))


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
    from qareport.workflows.judging_thread import JudgingThread
    from qareport.workflows.transcribe import disambiguate_ids, refuse_taken_ids, refuse_unfit, transcribe_calls

    with options.open_workspace(make_store=True) as workspace, speaking(workspace.settings.report.locale):
        workspace.engine_files()  # a model that is missing is named before anything else is done
        config = workspace.settings
        recordings = ingest.find_calls(
            sources,
            manifest,
            cache=out / "fetched",
            settings=replace(config.ingest, settle_s=0.0) if settled else config.ingest,
            audio=config.audio,
            time_zone=config.period.time_zone,
            wait=wait_for_writers,
        )
        recordings, unfit = refuse_unfit(recordings)
        out.mkdir(parents=True, exist_ok=True)
        with ProgressBars() as progress:
            rule_book, store = rule_book_of(workspace), workspace.store
            unfinished = store.calls.list_unfinished([failure.call_id for failure in recordings.failures])
            for failure in recordings.failures:
                if failure.call_id in unfinished:  # a call that is done keeps its result
                    store.calls.put_failure(failure.call, failure)
            calls = disambiguate_ids(recordings.calls, recordings.ids_from_file_name, store)
            calls, refused = refuse_taken_ids(calls, store, ZoneInfo(config.period.time_zone))
            calls = tuple(replace(call, source=CallSource.RUN) for call in calls)
            with JudgingThread(store, rule_book, total=len(calls), on_progress=progress) as judging:
                outcome = transcribe_calls(
                    calls,
                    store,
                    engine_key=workspace.engine_key,
                    load_transcriber=workspace.load_transcriber,
                    on_progress=progress,
                    on_transcribed=judging.add,
                )
                done, failures = judging.finish()
            place = {call.call_id: number for number, call in enumerate(calls)}
            done = tuple(sorted(done, key=lambda call: place[call.call_id]))
            summary = _render(done, failures, outcome.audio_ms, workspace, out, formats, progress)
    summary = replace(
        summary,
        failures=(*unfit, *recordings.failures, *outcome.failures, *summary.failures),
        unread=(*recordings.problems, *refused),
        skipped=recordings.skipped,
        leg_pairs=recordings.leg_pairs,
        unknown_columns=recordings.unknown_columns,
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
    notify(
        say(
            "Some recordings were written to just now: waiting {seconds:g} s for them to settle (ingest.settle_s).",
            seconds=seconds,
        )
    )
    time.sleep(seconds)


@click.command(cls=SpokenCommand)
@click.argument("transcript", type=click.Path(path_type=Path), metavar="TRANSCRIPT.jsonl")
@manifest_option
@click.option("--out", type=click.Path(path_type=Path), default=Path("out"), show_default=True, metavar="DIR")
@format_option()
@audio_option
@takes_options
def analyse(options: Options, transcript: Path, manifest: Path | None, out: Path, formats: tuple[str, ...]) -> int:
    """Make reports from transcripts that exist already; no model is loaded.

    A transcript needs no more than segments with start_ms, end_ms, role and text. Results of FunASR with sentence_info
    or timestamp are read, too. With --manifest, its rows say order, agent, time and phone of each call_id.
    """
    from qareport.workflows.import_transcripts import import_transcripts

    with (
        options.open_workspace(make_store=True) as workspace,
        speaking(workspace.settings.report.locale),
        ProgressBars() as progress,
    ):
        rule_book = rule_book_of(workspace)
        given = import_transcripts(transcript, workspace.store, workspace.settings, manifest=manifest)
        out.mkdir(parents=True, exist_ok=True)
        summary = judge_and_render(given.calls, workspace, rule_book, out, formats, progress)
    summary = replace(
        summary,
        failures=(*given.failures, *summary.failures),
        unread=given.problems,
        unknown_columns=given.unknown_columns,
        missing=given.missing,
    )
    summary.show()
    return summary.is_incomplete


def judge_and_render(
    transcribed: Sequence[TranscribedCall],
    workspace: Workspace,
    rule_book: RuleBook,
    out: Path,
    formats: Sequence[str],
    on_progress: Progress,
) -> Summary:
    """Judge calls, and write the reports of their orders."""
    from qareport.workflows.judge import judge_calls

    done, failures = judge_calls(transcribed, workspace.store, rule_book, on_progress=on_progress)
    audio_ms = sum(item.transcript.audio.duration_ms for item in transcribed if item.transcript.audio)
    return _render(done, failures, audio_ms, workspace, out, formats, on_progress)


def _render(
    done: tuple[Call, ...],
    failures: tuple[FailedCall, ...],
    audio_ms: int,
    workspace: Workspace,
    out: Path,
    formats: Sequence[str],
    on_progress: Progress,
) -> Summary:
    """Write the reports of the orders of judged calls."""
    from qareport.workflows.judge import orders_of

    rendering = render_orders(
        workspace, orders_of(done), formats=formats, out_dir=out / "reports", on_progress=on_progress
    )
    return Summary(
        done=done,
        failures=failures,
        problems=rendering.problems,
        documents=rendering.documents,
        reused_documents=rendering.reused,
        audio_ms=audio_ms,
        out=out,
    )


@click.command(cls=SpokenCommand)
@click.argument("orders", nargs=-1, metavar="[ORDER...]")
@click.option("--call", "calls", multiple=True, metavar="CALL", help="The order that a call belongs to.")
@click.option("--agent", "agents", multiple=True, metavar="AGENT", help="All orders with calls of an agent.")
@date_option("--date", "day", help="All orders with calls of a day")
@click.option("--refresh", is_flag=True, help="Judge again first, with today's rules, settings and topics.")
@format_option()
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
        raise click.UsageError(str(say("name orders, or choose them by --call, --agent and --date")))
    lost: tuple[FailedCall, ...] = ()
    with (
        options.open_workspace() as workspace,
        speaking(workspace.settings.report.locale),
        ProgressBars() as progress,
    ):
        if not orders:
            orders = _choose(workspace, calls=calls, agents=agents, day=day)
        if refresh:
            lost = _refresh(workspace, orders, progress)
        rendering = render_orders(workspace, orders, formats=formats, out_dir=out, on_progress=progress)
    for path in rendering.documents:
        click.echo(path)
    for failure in lost:
        complain(f"{failure.call_id}: {for_user(failure)}")
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
