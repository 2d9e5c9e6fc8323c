"""The command line: the only place that prints or sets an exit status.

0 done; 1 finished, but some calls failed (each is listed with its reason); 2 the command, the configuration or the
rules are wrong. Results go to stdout or files, everything else to stderr.
"""

from __future__ import annotations

import functools
import json
import logging
import shutil
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import click

from qareport import __version__, codec, ingest, pipeline, settings
from qareport.console import Progress, Summary, complain, say
from qareport.errors import ConfigError, Problem, QareportError, TranscriptError
from qareport.model import Call, FailedCall, Transcript
from qareport.store import Store

F = TypeVar("F", bound=Callable[..., Any])

FORMATS = ("docx", "pdf", "html", "json")
DEFAULT_STORE = "sqlite:///qareport.db"
DEFAULT_MODEL = "iic/SenseVoiceSmall"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The global options, which may stand before or after the command."""

    config: Path | None = None
    templates: Path | None = None
    store: str | None = None
    model: str | None = None
    device: str = "auto"
    verbose: bool = False

    @property
    def config_dir(self) -> Path:
        """The folder named with --config, else ./config, else the one that travels with qareport."""
        return _folder(self.config, "config")

    @property
    def templates_dir(self) -> Path:
        """The folder named with --templates, else ./templates, else the one that travels with qareport."""
        return _folder(self.templates, "templates")


def _folder(given: Path | None, name: str) -> Path:
    if given is not None:
        if not given.is_dir():
            raise ConfigError(
                [Problem(what="no such folder", where=str(given), to_do=f"`qareport init DIR` makes a {name} folder")]
            )
        return given
    here = Path(name)
    return here if here.is_dir() else settings.default_dir(name)


_GLOBAL = (
    click.option(
        "--config", type=click.Path(path_type=Path), metavar="DIR", help="Configuration and rules [./config]."
    ),
    click.option(
        "--templates", type=click.Path(path_type=Path), metavar="DIR", help="Document templates [./templates]."
    ),
    click.option("--store", metavar="URL", help=f"Where results are kept [{DEFAULT_STORE}]."),
    click.option(
        "--model", metavar="NAME_OR_DIR", help=f"Speech model [{DEFAULT_MODEL}]; `demo` is the bundled small one."
    ),
    click.option("--device", type=click.Choice(["auto", "cuda", "cpu"]), help="Where the model runs [auto]."),
    click.option("-v", "--verbose", is_flag=True, default=None, help="Say more on stderr."),
)


def takes_options(function: F) -> F:
    """Give a command the global options, merged with those that stood before it, as its argument `options`."""

    @functools.wraps(function)
    @click.pass_context
    def wrapper(context: click.Context, /, **arguments: Any) -> Any:
        given = {name: arguments.pop(name) for name in ("config", "templates", "store", "model", "device", "verbose")}
        given = {name: value for name, value in given.items() if value is not None}
        before = context.obj if isinstance(context.obj, Options) else Options()
        options = replace(before, **given)
        logging.getLogger("qareport").setLevel(logging.DEBUG if options.verbose else logging.CRITICAL)
        return function(options=options, **arguments)

    for option in reversed(_GLOBAL):
        wrapper = option(wrapper)
    return wrapper  # type: ignore[return-value]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="qareport")
@click.pass_context
def cli(context: click.Context, /, **arguments: Any) -> None:
    """Quality reports from customer-service calls: transcripts, emotion, key moments, advice, Word and PDF.

    Try it with `qareport demo`; then `qareport run FOLDER` on recordings of your own.
    """
    context.obj = Options(**{name: value for name, value in arguments.items() if value is not None})


for _option in reversed(_GLOBAL):
    cli = _option(cli)


def _formats(_: click.Context, __: click.Parameter, value: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
    wrong = [name for name in names if name not in FORMATS]
    if wrong or not names:
        raise click.BadParameter(f"got {value!r}, expected a list of {', '.join(FORMATS)}, for example docx,pdf")
    return names


_format_option = click.option(
    "--format",
    "formats",
    default="docx,pdf",
    show_default=True,
    callback=_formats,
    metavar="LIST",
    help="docx, pdf, html, json.",
)


# --- recordings to reports --------------------------------------------------------------------------------------------


@cli.command()
@click.argument("sources", nargs=-1, metavar="SOURCE...")
@click.option(
    "--manifest",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="CSV or JSON lines: order, agent, time, channels.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("out"),
    show_default=True,
    metavar="DIR",
    help="Where files go.",
)
@_format_option
@takes_options
def run(options: Options, sources: tuple[str, ...], manifest: Path | None, out: Path, formats: tuple[str, ...]) -> int:
    """Turn recordings (files, folders, fsspec URLs) into transcripts, analyses and reports.

    What an earlier run has done is not done again.
    """
    if not sources and manifest is None:
        raise click.UsageError("name recordings or folders, or give a --manifest. To see it work: qareport demo")
    return len(_run(options, sources, manifest, out, formats).failures) > 0


@cli.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("out/demo"), show_default=True, metavar="DIR")
@_format_option
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
    summary = _run(options, (), calls / "manifest.csv", out, formats)
    say("The bundled model understands only its own synthetic voices. For real calls: qareport run --help")
    return any(failure.call_id in readable for failure in summary.failures) or bool(summary.problems)


def _run(options: Options, sources: Sequence[str], manifest: Path | None, out: Path, formats: Sequence[str]) -> Summary:
    from qareport import asr

    config = settings.load(options.config_dir)
    judge = pipeline.Judge.load(options.config_dir, config)
    found = ingest.find_calls(sources, manifest, cache=out / "fetched")
    out.mkdir(parents=True, exist_ok=True)
    model = options.model or DEFAULT_MODEL
    info = asr.describe(model)
    with Store(options.store or DEFAULT_STORE) as store, Progress() as progress:
        for failure in found.failures:
            store.put_failure(_call_of(failure), failure)
        heard = pipeline.listen(
            found.calls,
            store,
            engine_key=asr.transcription_key(info, config.asr, config.audio),
            load_transcriber=lambda: asr.load(model, device=options.device, asr=config.asr, audio=config.audio),
            on_progress=progress,
        )
        summary = _judge_and_render(heard.transcripts, store, judge, options, out, formats, progress)
    summary = replace(
        summary,
        failures=(*found.failures, *heard.failures, *summary.failures),
        unlisted=found.unlisted,
        reused_transcripts=heard.reused,
        heard_ms=heard.heard_ms,
        heard_seconds=heard.seconds,
    )
    summary.show()
    return summary


def _judge_and_render(
    transcripts: Sequence[tuple[Call, str, Transcript]],
    store: Store,
    judge: pipeline.Judge,
    options: Options,
    out: Path,
    formats: Sequence[str],
    progress: Progress,
) -> Summary:
    done, failures = pipeline.judge_calls(transcripts, store, judge, on_progress=progress)
    rendering = pipeline.render_orders(
        pipeline.orders_of(done),
        store,
        formats=formats,
        out_dir=out / "reports",
        templates=options.templates_dir,
        settings=judge.settings.report,
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


@cli.command()
@click.argument("audio", nargs=-1, required=True, metavar="AUDIO...")
@click.option("-o", "output", type=click.Path(path_type=Path), metavar="FILE", help="Write here instead of stdout.")
@takes_options
def transcribe(options: Options, audio: tuple[str, ...], output: Path | None) -> int:
    """Transcribe recordings: one JSON object a line, in the order given."""
    from qareport import asr

    config = settings.load(options.config_dir)
    calls = ingest.find_calls(audio, None, cache=Path("out/fetched")).calls
    transcriber = asr.load(options.model or DEFAULT_MODEL, device=options.device, asr=config.asr, audio=config.audio)
    failures = 0
    partial = output and output.with_name(output.name + ".part")
    stream = partial.open("w", encoding="utf-8") if partial else sys.stdout
    with Progress() as progress:
        for number, outcome in enumerate(transcriber.transcribe(calls), start=1):
            if isinstance(outcome, FailedCall):
                failures += 1
                complain(f"{outcome.audio_path}: {outcome.reason}")
            else:
                stream.write(codec.to_json(outcome) + "\n")
            progress("transcribe", number, len(calls))
    stream.flush()
    if partial and output:
        stream.close()
        partial.replace(output)
    return failures > 0


@cli.command()
@click.argument("transcript", type=click.Path(path_type=Path), metavar="TRANSCRIPT.jsonl")
@click.option("--out", type=click.Path(path_type=Path), default=Path("out"), show_default=True, metavar="DIR")
@_format_option
@takes_options
def analyse(options: Options, transcript: Path, out: Path, formats: tuple[str, ...]) -> int:
    """Make reports from transcripts that exist already; no model is loaded.

    A transcript needs no more than segments with start_ms, end_ms, role and text.
    """
    config = settings.load(options.config_dir)
    judge = pipeline.Judge.load(options.config_dir, config)
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
    with Store(options.store or DEFAULT_STORE) as store, Progress() as progress:
        for call, key, item in items:
            store.put_call(call)
            store.put_transcript(key, item)
        summary = _judge_and_render(items, store, judge, options, out, formats, progress)
    summary = replace(summary, failures=(*bad, *summary.failures))
    summary.show()
    return len(summary.failures) > 0


@cli.command()
@click.argument("orders", nargs=-1, required=True, metavar="ORDER...")
@_format_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("out/reports"),
    show_default=True,
    metavar="DIR",
    help="Folder.",
)
@takes_options
def report(options: Options, orders: tuple[str, ...], formats: tuple[str, ...], out: Path) -> int:
    """Write the report of orders (or of single calls) from the store; no model is loaded, no GPU needed."""
    config = settings.load(options.config_dir)
    with Store(options.store or DEFAULT_STORE) as store, Progress() as progress:
        rendering = pipeline.render_orders(
            orders,
            store,
            formats=formats,
            out_dir=out,
            templates=options.templates_dir,
            settings=config.report,
            on_progress=progress,
        )
    for path in rendering.documents:
        click.echo(path)
    for name, reason in rendering.problems:
        complain(f"{name}: {reason}")
    return len(rendering.problems) > 0


# --- setting up -------------------------------------------------------------------------------------------------------


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
def init(folder: Path) -> int:
    """Copy the configuration, the rules and the document templates into DIR, to be edited there."""
    for name in ("config", "templates"):
        target = folder / name
        if target.exists():
            raise ConfigError(
                [Problem(what="is there already", where=str(target), to_do="choose another DIR, or move it away")]
            )
    for name in ("config", "templates"):
        shutil.copytree(settings.default_dir(name), folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
        click.echo(folder / name)
    say(f"Now edit {folder}/config/qareport.yaml and the rules beside it, then: cd {folder} && qareport rules lint")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    try:
        status = cli.main(
            args=None if arguments is None else list(arguments), prog_name="qareport", standalone_mode=False
        )
        return int(status or 0)
    except click.exceptions.Abort:
        complain("stopped; the same command goes on where it was")
        return 130
    except click.ClickException as error:
        error.show()
        return 2
    except QareportError as error:
        for problem in error.problems:
            complain(str(problem))
        return 2
    except Exception:  # noqa: BLE001 - the last boundary: nothing may end as if "some calls failed"
        traceback.print_exc()
        complain(f"this is a fault in qareport {__version__}; please report it with the lines above")
        return 2
