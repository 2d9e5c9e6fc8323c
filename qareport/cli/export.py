"""`qareport export`: stored calls as tables and text for other programs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

import click

from qareport import calendar
from qareport.cli.console import ProgressBars, say
from qareport.cli.options import Options, date_option, takes_options
from qareport.errors import DocumentError
from qareport.files import atomic_write
from qareport.model import OrderReport, Provenance
from qareport.report import file_name
from qareport.store import CallFilter, CallRecord
from qareport.workflows import select
from qareport.workflows.export import FORMATS, KINDS, Table, masked_records, open_table, rows, text_of_call


@click.command()
@click.argument("kind", type=click.Choice([*KINDS, "text"]), metavar="KIND")
@click.option("--format", "format_", type=click.Choice(FORMATS), help="[from -o, else csv]")
@click.option("-o", "output", type=click.Path(path_type=Path), metavar="FILE", help="Write here instead of stdout.")
@date_option("--since", help="Calls of that day and later")
@date_option("--until", help="Calls of that day and earlier")
@click.option("--order", "orders", multiple=True, metavar="ORDER", help="Calls of an order; may be given again.")
@click.option("--agent", "agents", multiple=True, metavar="AGENT", help="Calls of an agent; may be given again.")
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
) -> int:
    """Write stored calls for other programs: one row a call, segment, moment or finding; or their text.

    \b
    qareport export calls -o calls.xlsx --since 2026-11-01 --until 2026-11-30
    qareport export segments -o segments.parquet
    qareport export findings --agent A017 --format csv
    qareport export text -o calls.txt                   to be searched in any editor for [ANGRY] or 退货
    qareport export text -o texts/                      one file a call

    KIND is calls, segments, moments, findings or text. Personal data is masked as the settings say. The columns:
    docs/guide/search-and-export.md.
    """
    with options.open_workspace() as workspace, ProgressBars() as progress:
        config, store = workspace.settings, workspace.store
        zone = ZoneInfo(config.period.time_zone)
        first, last = calendar.bounds(since.date() if since else None, until.date() if until else None, zone)
        ids = select.choose_calls(store, CallFilter(orders=orders, agents=agents, since=first, until=last))
        records = _watched(masked_records(store, ids, config.privacy), progress, len(ids))
        if kind == "text":
            if format_ is not None:
                raise click.UsageError("`export text` writes plain text: leave --format away")
            written = _export_text(records, output, zone)
        else:
            written = _export_table(KINDS[kind], _format(format_, output), records, output, zone)
    say(f"{kind}: {written} {'calls' if kind == 'text' else 'rows'} of {len(ids)} calls")
    if output is not None:
        click.echo(output)
    return 0


def _watched(records: Iterator[CallRecord], progress: ProgressBars, total: int) -> Iterator[CallRecord]:
    for number, record in enumerate(records, start=1):
        yield record
        progress("export", number, total)


def _format(given: str | None, output: Path | None) -> str:
    format_ = given or (output.suffix[1:].lower() if output and output.suffix else "csv")
    if format_ not in FORMATS:
        expected = ", ".join(FORMATS)
        raise click.UsageError(f"no such format: {format_}; expected {expected}, by --format or the end of -o FILE")
    if output is None and format_ in ("xlsx", "parquet"):
        raise click.UsageError(f"{format_} is no text: name a file with -o FILE")
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
        say(remark)
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
    nothing = Provenance(qareport="", model="", rules_sha256="", audio_sha256=())
    return file_name(OrderReport(order_id=call_id, calls=(), provenance=nothing), suffix)


@contextmanager
def open_output(output: Path | None) -> Iterator[IO[bytes]]:
    """Open a file that appears when it is whole, or stdout.

    Raises:
        DocumentError: it cannot be written.
    """
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        with atomic_write(output) as file:
            yield file
    except OSError as error:
        raise DocumentError(
            f"cannot be written: {error.strerror}", where=str(output), to_do="check the folder and the disk"
        ) from error
