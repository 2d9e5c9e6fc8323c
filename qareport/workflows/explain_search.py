"""Say why a search found nothing: what each part of the query finds alone, what is stored, and what to try."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from qareport.messages import Message, say, say_count
from qareport.search import Between, Fact, Node, QueryTerm, terms_in_query
from qareport.search.names import TAG_NAMES
from qareport.search.query import TAGS
from qareport.store import Scope, SearchExtent, Store


def explain_nothing(store: Store, text: str, query: Node, *, scope: Scope, time_zone: str) -> Iterator[Message]:
    """Explain why a query found nothing in a store.

    Args:
        store: where it was looked for.
        text: the query as it was typed.
        query: what it means.
        scope: where all of it had to hold.
        time_zone: of the days that are named.
    """
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
    if near:
        return say("Did you mean the tag [{tag}]?", tag=near[0])
    if isinstance(term.node, Fact | Between):
        return say("No stored call fits {term}: correct it, or leave it away.", term=term.text)
    if len(name) > 2 and not name.isascii():
        return say("Nobody says {term}: try a shorter word, or another one for the same thing.", term=term.text)
    return None
