"""`qareport search` and `export`: find what was said; write stored calls as tables or text."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from zoneinfo import ZoneInfo

import click

from qareport import calendar, files, privacy
from qareport.cli.console import Options, ProgressBars, date_option, notify, takes_options
from qareport.cli.language import SpokenCommand
from qareport.cli.terminal import emphasise
from qareport.codec import to_data
from qareport.errors import DocumentError, os_reason
from qareport.messages import Message, say, say_count
from qareport.model import Agents, QaFilter
from qareport.presentation import wording
from qareport.presentation.view_types import clean
from qareport.search import (
    Between,
    Fact,
    Found,
    Hit,
    Node,
    QueryTerm,
    Terms,
    find_spans,
    parse,
    phrases_of,
    terms_in_query,
)
from qareport.search.names import TAG_NAMES
from qareport.search.query import TAGS
from qareport.settings import Settings
from qareport.store import CallFilter, CallRecord, Scope, SearchExtent, Store
from qareport.workflows import select
from qareport.workflows.export import FORMATS, KINDS, Table, masked_records, open_table, rows, text_of_call
from qareport.workflows.export.qa import QA_FORMATS, write_pairs

#: `-o FILE`, as `output`; None is stdout, which `-` names too.
output_option = click.option(
    "-o",
    "output",
    type=click.Path(path_type=Path),
    callback=lambda _, __, path: None if path == Path("-") else path,
    metavar="FILE",
    help="Write here instead of stdout.",
)


@click.command(cls=SpokenCommand)
@click.argument("query", nargs=-1, required=True, metavar="QUERY")
@click.option(
    "--in",
    "scope",
    type=click.Choice(["sentence", "call"]),
    default="sentence",
    show_default=True,
    help="Whether all of the query must hold for one sentence, or each part of it somewhere in the call.",
)
@click.option("--limit", type=click.IntRange(0), default=20, show_default=True, help="Sentences to show; all count.")
@click.option("--count", is_flag=True, help="Print only how many sentences and calls there are.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@takes_options
def search(options: Options, query: Sequence[str], scope: Scope, limit: int, count: bool, format_: str) -> int:
    """Find what was said: the newest calls first, personal data masked.

    \b
    qareport search 'ANGRY AND 退货'                 said in anger, and speaks of 退货
    qareport search --in call 'SILENCE AND 压单'     both somewhere in one call
    qareport search '"退货 运费" NOT role:agent'      a phrase, but not from the agent
    qareport search '(退款 OR 退货) agent:A017 date:2026-11'
    qareport search 'score:<70 rule:logistics.* risk:high' --in call
    qareport search '愤怒 客户：退货'                  the same in Chinese: tag or word, and who says it

    AND, OR, NOT (a space means AND), parentheses, "phrases", beginnings (ship*). Tags: ANGRY, SAD, HAPPY, NEUTRAL,
    SILENCE, LAUGHTER, IRONY, or in Chinese: 愤怒, 失望, 沉默, 笑声, 反讽.

    Fields: agent, team, order, call, date, risk, score, issue, stage, emotion, rule, role, moment.
    """
    text = " ".join(query)
    with options.open_workspace() as workspace, ProgressBars() as progress:
        config, store = workspace.settings, workspace.store
        zone = config.period.time_zone
        asked = parse(text, time_zone=zone)
        store.search_index.index_missing(on_progress=progress)
        shown = 0 if count else limit
        found = store.search_index.search(asked, scope=scope, limit=shown, original=not config.privacy.enabled)
        explanation = [] if found.calls else [*_explain_nothing(store, text, asked, scope=scope, time_zone=zone)]
    phrases = phrases_of(asked)
    if format_ == "json":
        click.echo(json.dumps(_data(text, scope, found, phrases, config), ensure_ascii=False, indent=1))
    elif count:
        click.echo(_counted(found))
    elif found.calls:
        for hit in found.hits:
            click.echo(_line(hit, phrases, config))
        notify(_counted(found))
        if found.lines > len(found.hits):
            notify(say("The newest {count} are shown; --limit shows more.", count=len(found.hits)))
    for line in explanation:
        notify(line)
    return 0


def _explain_nothing(store: Store, text: str, query: Node, *, scope: Scope, time_zone: str) -> Iterator[Message]:
    """Say why a query found nothing: what each part finds alone, what is stored, and what to try."""
    extent = store.search_index.extent()
    if not extent.calls:
        yield say("The store holds no judged call yet: run `qareport run` or `qareport analyse` first.")
        return
    yield say("Nothing was found: {query}", query=text)
    terms = terms_in_query(text, time_zone=time_zone)
    missing = []
    for term in terms:
        alone = store.search_index.search(term.node, limit=0)
        if not alone.calls and not term.excluded:
            missing.append(term)
        yield say("  {term}: {lines} sentences, {calls} calls", term=term.text, lines=alone.lines, calls=alone.calls)
    yield _what_is_stored(extent, ZoneInfo(time_zone))
    if missing:
        yield from (advice for term in missing if (advice := _advise(term)) is not None)
        return
    wider = store.search_index.search(query, scope="call", limit=0).calls if scope == "sentence" else 0
    if wider:
        yield say_count(
            "No sentence holds all of it, but {count} call does: add --in call",
            "No sentence holds all of it, but {count} calls do: add --in call",
            wider,
        )
    else:
        yield say("Leave a part away, or write OR between the parts.")


def _what_is_stored(extent: SearchExtent, zone: ZoneInfo) -> Message:
    if extent.first is None or extent.last is None:
        return say_count(
            "Stored: {count} call, of unknown days", "Stored: {count} calls, of unknown days", extent.calls
        )
    days = {name: f"{at.astimezone(zone):%Y-%m-%d}" for name, at in (("first", extent.first), ("last", extent.last))}
    return say_count(
        "Stored: {count} call, {first} to {last}", "Stored: {count} calls, {first} to {last}", extent.calls, **days
    )


def _advise(term: QueryTerm) -> Message | None:
    """Say what to try for a part that nothing matches."""
    name = term.text.strip('[]［］【】"“”＂「」『』 ')
    near = difflib.get_close_matches(name.upper(), TAGS, n=1) or difflib.get_close_matches(name, TAG_NAMES, n=1)
    if near and near[0] in (name, name.upper()):
        return say("No stored sentence has the tag [{tag}].", tag=near[0])
    if near:
        return say("Did you mean the tag [{tag}]?", tag=near[0])
    if isinstance(term.node, Fact | Between):
        return say("No stored call fits {term}: correct it, or leave it away.", term=term.text)
    if len(name) > 2 and not name.isascii():
        return say("Nobody says {term}: try a shorter word, or another one for the same thing.", term=term.text)
    return None


def _counted(found: Found) -> Message:
    return say("{lines} sentences in {calls} calls", lines=found.lines, calls=found.calls)


def _line(hit: Hit, phrases: Sequence[Terms], config: Settings) -> str:
    zone = ZoneInfo(config.period.time_zone)
    began = f"{hit.started_at.astimezone(zone):%Y-%m-%d %H:%M}" if hit.started_at else "-"
    text = clean(_shown(hit, config))
    spans = find_spans(text, phrases)
    tags = "".join(wording.tag(tag) for tag in hit.line.tags)
    second = wording.clock(hit.line.start_ms)
    ids = f"{clean(hit.order_id or '-')}  {clean(hit.call_id)}"
    return f"{began}  {ids}  {second}  {hit.line.role}  {_marked(text, spans)}{tags}"


def _marked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Mark the hits: in colour on a terminal, else by brackets."""
    colour = sys.stdout.isatty()
    parts, at = [], 0
    for start, end in spans:
        found = text[start:end]
        parts += [text[at:start], emphasise(found) if colour else f"【{found}】"]
        at = end
    return "".join([*parts, text[at:]])


def _shown(hit: Hit, config: Settings) -> str:
    """Return the sentence as the privacy settings let it be seen; the index masks no order numbers."""
    if not config.privacy.enabled:
        return hit.line.text
    return privacy.mask(hit.line.text, kinds=config.privacy.kinds)[0]


def _data(text: str, scope: str, found: Found, phrases: Sequence[Terms], config: Settings) -> dict[str, Any]:
    hits = []
    for hit in found.hits:
        shown = _shown(hit, config)
        data = to_data(hit)
        line = data.pop("line")
        hits.append({**data, **line, "text": shown, "marks": find_spans(shown, phrases)})
    return {"query": text, "in": scope, "sentences": found.lines, "calls": found.calls, "hits": hits}


@click.command(cls=SpokenCommand)
@click.argument("kind", type=click.Choice([*KINDS, "text", "qa"]), metavar="KIND")
@click.option(
    "--format",
    "format_",
    type=click.Choice([*FORMATS, *(name for name in QA_FORMATS if name not in FORMATS)]),
    help="[from -o, else csv] Of qa: jsonl, alpaca, sharegpt, dpo, csv.",
)
@output_option
@date_option("--since", help="Calls of that day and later")
@date_option("--until", help="Calls of that day and earlier")
@click.option("--order", "orders", multiple=True, metavar="ORDER", help="Calls of an order; may be given again.")
@click.option("--agent", "agents", multiple=True, metavar="AGENT", help="Calls of an agent; may be given again.")
@click.option("--anonymous", is_flag=True, help="Of qa: leave out which call and second each pair is from.")
@takes_options
def export(
    options: Options,
    kind: str,
    format_: str | None,
    output: Path | None,
    since: datetime | None,
    until: datetime | None,
    orders: tuple[str, ...],
    agents: tuple[str, ...],
    anonymous: bool,
) -> int:
    """Write stored calls for other programs: one row a call, segment, moment or finding; or their text.

    \b
    qareport export calls -o calls.xlsx --since 2026-11-01 --until 2026-11-30
    qareport export segments -o segments.parquet
    qareport export findings --agent A017 --format csv
    qareport export text -o calls.txt                   to search in any editor for [ANGRY] or 退货
    qareport export text -o texts/                      one file a call
    qareport export qa --format sharegpt -o qa.jsonl    approved question-answer pairs

    KIND is calls, segments, moments, findings, text or qa. Personal data is masked as the settings say, of qa always.
    The columns: docs/guide/search-and-export.md; of qa: docs/guide/knowledge.md.
    """
    if kind == "qa":
        if since or until or orders:
            raise click.UsageError(str(say("of `export qa` only --agent chooses calls")))
        return _export_pairs(options, format_, output, anonymous=anonymous, agents=agents)
    if anonymous or format_ not in (None, *FORMATS):
        raise click.UsageError(str(say("--anonymous and the formats alpaca, sharegpt and dpo are of `export qa`")))
    with options.open_workspace() as workspace, ProgressBars() as progress:
        config, store = workspace.settings, workspace.store
        zone = ZoneInfo(config.period.time_zone)
        first, last = calendar.bounds(since.date() if since else None, until.date() if until else None, zone)
        ids = select.choose_calls(store, CallFilter(orders=orders, agents=agents, since=first, until=last))
        records = _watched(masked_records(store, ids, config.privacy, config.score), progress, len(ids))
        if kind == "text":
            if format_ is not None:
                raise click.UsageError(str(say("`export text` writes plain text: leave --format away")))
            written = _export_text(records, output, zone)
        else:
            written = _export_table(KINDS[kind], _format(format_, output), records, output, zone)
    if kind == "text":
        notify(say("Texts of {count} calls", count=written))
    else:
        notify(say("{table}: {rows} rows of {count} calls", table=kind, rows=written, count=len(ids)))
    if output is not None:
        click.echo(output)
    return 0


def _export_pairs(
    options: Options, given: str | None, output: Path | None, *, anonymous: bool, agents: tuple[str, ...]
) -> int:
    """Write approved pairs, and beside a file what it is: FILE.meta.json."""
    format_ = given or ("csv" if output is not None and output.suffix == ".csv" else "jsonl")
    if format_ not in QA_FORMATS:
        raise click.UsageError(
            str(say("no such format: {format}; expected {expected}", format=format_, expected=", ".join(QA_FORMATS)))
        )
    reach = Agents(only=frozenset(agents)) if agents else Agents()
    with options.open_workspace() as workspace, open_output(output) as file:
        export = write_pairs(workspace.store, QaFilter(), reach, format_, anonymous=anonymous, file=file)
    if output is not None and output.is_file():
        meta = output.with_name(output.name + ".meta.json")
        told = json.dumps(export.describe(datetime.now(UTC)), ensure_ascii=False, indent=1) + "\n"
        with files.atomic_write(meta) as file:
            file.write(told.encode())
        click.echo(output)
        click.echo(meta)
    notify(say("{rows} question-answer pairs", rows=export.rows))
    if not export.rows:
        notify(say("nothing was approved yet: qareport qa mine, then approve on the desk's page /qa"))
    return 0


def _watched(records: Iterator[CallRecord], progress: ProgressBars, total: int) -> Iterator[CallRecord]:
    for number, record in enumerate(records, start=1):
        yield record
        progress("export", number, total)


def _format(given: str | None, output: Path | None) -> str:
    format_ = given or (output.suffix[1:].lower() if output and output.suffix else "csv")
    if format_ not in FORMATS:
        expected = ", ".join(FORMATS)
        unknown = say(
            "no such format: {format}; expected {expected}, by --format or the end of -o FILE",
            format=format_,
            expected=expected,
        )
        raise click.UsageError(str(unknown))
    if output is None and format_ in ("xlsx", "parquet"):
        raise click.UsageError(str(say("{format} is no text: name a file with -o FILE", format=format_)))
    return format_


def _export_table(
    table: Table, format_: str, records: Iterator[CallRecord], output: Path | None, zone: ZoneInfo
) -> int:
    written = 0
    with open_output(output) as file, open_table(table, format_, file) as writer:
        for record in records:
            for row in rows(table, record, zone):
                writer.write(row)
                written += 1
    for remark in writer.remarks():
        notify(remark)
    return written


def _export_text(records: Iterator[CallRecord], output: Path | None, zone: ZoneInfo) -> int:
    """Write one file of all calls, or a file for each call where the name is that of a folder."""
    written = 0
    if output is not None and is_folder(output):
        for record in records:
            with open_output(output / call_file_name(record.call.call_id, "txt")) as file:
                file.write(text_of_call(record, zone).encode("utf-8-sig"))
            written += 1
        return written
    with open_output(output) as file:
        if output is not None:
            file.write(b"\xef\xbb\xbf")
        for record in records:
            file.write((("\n" if written else "") + text_of_call(record, zone)).encode())
            written += 1
    return written


def is_folder(output: Path) -> bool:
    """Return whether -o names a folder: one that exists, or a name without a suffix."""
    return output.is_dir() or not output.suffix


def call_file_name(call_id: str, suffix: str) -> str:
    """Name a call's file; different calls never share one."""
    return f"{files.safe_name(call_id)}.{suffix}"


@contextmanager
def open_output(output: Path | None) -> Iterator[IO[bytes]]:
    """Open a file that appears when it is complete, a device, or stdout.

    Raises:
        DocumentError: it cannot be written.
    """
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        with files.open_output(output) as file:
            yield file
    except OSError as error:
        raise DocumentError(
            say("cannot be written: {reason}", reason=os_reason(error)),
            where=str(output),
            to_do=say("check the folder and the disk"),
        ) from error
