"""Commands that turn recordings and transcripts into reports."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from qareport import codec, ingest, settings
from qareport.cli.console import Progress, Summary, complain, say
from qareport.cli.options import DEFAULT_MODEL, Options, audio_option, format_option, open_store, takes_options
from qareport.errors import TranscriptError
from qareport.model import Call, FailedCall, Transcript
from qareport.store import Store, Wanted
from qareport.workflows import judge as pipeline
from qareport.workflows import render as order_reports
from qareport.workflows import select
from qareport.workflows import transcribe as listening


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
    from qareport import asr

    config = settings.load(options.config_dir)
    found = ingest.find_calls(
        sources,
        manifest,
        cache=out / "fetched",
        settings=replace(config.ingest, settle_s=0.0) if settled else config.ingest,
        time_zone=config.period.time_zone,
        wait=_watch,
    )
    out.mkdir(parents=True, exist_ok=True)
    model = options.model or DEFAULT_MODEL
    files = asr.locate(model, config.asr, download=True)
    with open_store(options, make=True) as store, Progress() as progress:
        judge = _judge(options, store)
        for failure in found.failures:
            store.put_failure(_call_of(failure), failure)
        heard = listening.listen(
            listening.disambiguate_ids(found.calls, found.ids_from_file_name, store),
            store,
            engine_key=asr.transcription_key(files, config.asr, config.audio),
            load_transcriber=lambda: asr.load(files, device=options.device, asr=config.asr, audio=config.audio),
            on_progress=progress,
        )
        summary = _judge_and_render(heard.transcripts, store, judge, options, out, formats, progress)
    summary = replace(
        summary,
        failures=(*found.failures, *heard.failures, *summary.failures),
        unlisted=found.unlisted,
        waiting=tuple(call.audio_path for call in found.waiting),
        unmatched=found.unmatched,
        duplicates=tuple(str(twin) for twin in heard.duplicates),
        reused_transcripts=heard.reused,
        heard_ms=heard.heard_ms,
        heard_seconds=heard.seconds,
    )
    summary.show()
    return summary


def _watch(seconds: float) -> None:
    say(f"Some recordings were written to just now: watching them for {seconds:g} s (ingest.settle_s).")
    time.sleep(seconds)


def _judge(options: Options, store: Store) -> pipeline.RuleBook:
    """Read the configuration; broken rules do not stop a run when the store knows good ones, but are complained of."""
    judge = pipeline.RuleBook.load_for_run(options.config_dir, store)
    for note in judge.notes:
        complain(f"the rules are broken, the last good set is used: {note.values['first']} (qareport rules lint)")
    return judge


def _judge_and_render(
    transcripts: Sequence[tuple[Call, str, Transcript]],
    store: Store,
    judge: pipeline.RuleBook,
    options: Options,
    out: Path,
    formats: Sequence[str],
    progress: Progress,
) -> Summary:
    done, failures = pipeline.judge_calls(transcripts, store, judge, on_progress=progress)
    rendering = order_reports.render_orders(
        pipeline.orders_of(done),
        store,
        formats=formats,
        out_dir=out / "reports",
        templates=options.templates_dir,
        settings=judge.settings.report.over(locale=options.locale, audio=options.audio),
        masking=judge.settings.privacy,
        period=judge.settings.period,
        on_progress=progress,
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


def _call_of(failure: FailedCall) -> Call:
    return Call(
        call_id=failure.call_id,
        audio_path=failure.audio_path,
        order_id=failure.order_id,
        agent_id=failure.agent_id,
        started_at=failure.started_at,
    )


@click.command()
@click.argument("recordings", nargs=-1, required=True, metavar="AUDIO...")
@click.option("-o", "output", type=click.Path(path_type=Path), metavar="FILE", help="Write here instead of stdout.")
@takes_options
def transcribe(options: Options, recordings: tuple[str, ...], output: Path | None) -> int:
    """Transcribe recordings: one JSON object a line, in the order given."""
    from qareport import asr

    config = settings.load(options.config_dir)
    found = ingest.find_calls(
        recordings,
        None,
        cache=Path("out/fetched"),
        settings=config.ingest,
        time_zone=config.period.time_zone,
        wait=_watch,
    )
    for call in found.waiting:
        complain(f"{call.audio_path}: is still being written, and was left out; run the command again later")
    model = options.model or DEFAULT_MODEL
    asr.fetch(model)
    transcriber = asr.load(model, device=options.device, asr=config.asr, audio=config.audio)
    failures = 0
    partial = output and output.with_name(output.name + ".part")
    stream = partial.open("w", encoding="utf-8") if partial else sys.stdout
    with Progress() as progress:
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
    items: list[tuple[Call, str, Transcript]] = []
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
        items.append((call, pipeline.content_key(item), item))
    out.mkdir(parents=True, exist_ok=True)
    with open_store(options, make=True) as store, Progress() as progress:
        judge = _judge(options, store)
        for call, key, item in items:
            store.put_call(call)
            store.put_transcript(key, item)
        summary = _judge_and_render(items, store, judge, options, out, formats, progress)
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
    config = settings.load(options.config_dir)
    lost: tuple[FailedCall, ...] = ()
    with open_store(options) as store, Progress() as progress:
        if chosen:
            since, until = select.days(day, day, ZoneInfo(config.period.time_zone))
            wanted = Wanted(calls=calls, agents=agents, since=since, until=until)
            orders = select.choose_orders(store, wanted)
        if refresh:
            for name in orders:
                store.order(name)  # one that is not there is said before any work is done
            lost = select.refresh(store, orders, _judge(options, store), on_progress=progress)
        rendering = order_reports.render_orders(
            orders,
            store,
            formats=formats,
            out_dir=out,
            templates=options.templates_dir,
            settings=config.report.over(locale=options.locale, audio=options.audio),
            masking=config.privacy,
            period=config.period,
            on_progress=progress,
        )
    for path in rendering.documents:
        click.echo(path)
    for failure in lost:
        complain(f"{failure.call_id}: {failure.reason}")
    for name, reason in rendering.problems:
        complain(f"{name}: {reason}")
    return len(rendering.problems) + len(lost) > 0


COMMANDS = (run, transcribe, analyse, report, demo)
