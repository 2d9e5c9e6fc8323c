"""`qareport search`: sentences found in stored calls."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import click

from qareport import privacy
from qareport.cli.console import ProgressBars, say
from qareport.cli.options import Options, takes_options
from qareport.codec import to_data
from qareport.presentation import wording
from qareport.search import Found, Hit, Terms, find_spans, parse, phrases_of
from qareport.settings import Settings
from qareport.store import Scope


@click.command()
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

    AND, OR, NOT (capitals; a space means AND), parentheses, "phrases", beginnings (ship*). Tags: ANGRY, SAD, HAPPY,
    NEUTRAL, SILENCE, LAUGHTER, IRONY … Fields: agent, order, call, date, risk, score, rule, role, moment.
    """
    text = " ".join(query)
    with options.open_workspace() as workspace, ProgressBars() as progress:
        config, store = workspace.settings, workspace.store
        asked = parse(text, time_zone=config.period.time_zone)
        store.search_index.index_missing(on_progress=progress)
        shown = 0 if count else limit
        found = store.search_index.search(asked, scope=scope, limit=shown, original=not config.privacy.enabled)
    phrases = phrases_of(asked)
    if format_ == "json":
        click.echo(json.dumps(_data(text, scope, found, phrases, config), ensure_ascii=False, indent=1))
        return 0
    if count:
        click.echo(f"{found.lines} sentences in {found.calls} calls")
        return 0
    for hit in found.hits:
        click.echo(_line(hit, phrases, config))
    more = f"; the newest {len(found.hits)} are shown, --limit shows more" if found.lines > len(found.hits) else ""
    say(f"{found.lines} sentences in {found.calls} calls{more}")
    return 0


def _line(hit: Hit, phrases: Sequence[Terms], config: Settings) -> str:
    zone = ZoneInfo(config.period.time_zone)
    began = f"{hit.started_at.astimezone(zone):%Y-%m-%d %H:%M}" if hit.started_at else "-"
    text = _shown(hit, config)
    spans = find_spans(text, phrases)
    tags = "".join(wording.tag(tag) for tag in hit.line.tags)
    second = wording.clock(hit.line.start_ms)
    return f"{began}  {hit.order_id or '-'}  {hit.call_id}  {second}  {hit.line.role}  {_marked(text, spans)}{tags}"


def _marked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Mark what was found: in colour on a terminal, else by brackets."""
    colour = sys.stdout.isatty()
    parts, at = [], 0
    for start, end in spans:
        found = text[start:end]
        parts += [text[at:start], click.style(found, fg="red", bold=True) if colour else f"【{found}】"]
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
