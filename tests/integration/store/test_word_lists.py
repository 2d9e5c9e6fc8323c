"""Lists of what a search for words finds, on a real SQLite file and a real PostgreSQL: the same however they are made.

A list of frequent words is shown from a share of their sentences, one of others from all of them; few calls are put in
order by the database, of many it walks to those of the page.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from sqlalchemy import insert, text

from qareport.codec import to_json
from qareport.model import Agents, Role
from qareport.search import Line, parse
from qareport.store import CallPageQuery, Scope, Sort, Store, word_lists
from qareport.store.connection import batches, in_utc
from qareport.store.search_schema import SearchCallRow, SearchLinesRow
from qareport.store.word_index import SHIFT, vectors, word_index
from qareport.store.word_lists import FrequentWords

CALLS, SENTENCES, AGENTS = 250, 3, 4
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
SAID = ("我要退货", "运费谁出", "太慢了", "谢谢您", "好的")
#: Some are of words and tags alone, some ask that none is said, or for a score.
QUERIES = ("退货", "ANGRY AND 退货", "谢谢 OR 太慢", "退货 NOT ANGRY", "好的 OR (退货 AND ANGRY)", "运费谁出 score:<50")
SOME = Agents(only=frozenset({"A0", "A1"}))


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """A store of hundreds of calls; whose is angry and who says what comes by dice."""
    dice = random.Random(5)
    calls: list[dict[str, Any]] = []
    lines: dict[int, tuple[Line, ...]] = {}
    for number in range(1, CALLS + 1):
        calls.append(
            {
                "number": number, "call_id": f"c{number}", "report_key": "k", "agent_id": f"A{number % AGENTS}",
                "started_utc": in_utc(BEGIN + timedelta(minutes=dice.randrange(CALLS))), "rules": "|",
                "score": dice.choice((None, *range(100))), "sentences": SENTENCES, "risk": "low",
            }
        )  # fmt: skip
        lines[number] = tuple(
            Line(
                start_ms=place * 1000, end_ms=place * 1000 + 900, role=Role.CUSTOMER, text=dice.choice(SAID),
                tags=(dice.choice(("ANGRY", "NEUTRAL")),),
            )
            for place in range(SENTENCES)
        )  # fmt: skip
    with Store(store_url) as opened:
        with opened.database.write() as session:
            for batch in batches(calls, 100):
                session.execute(insert(SearchCallRow).values(batch))
            session.execute(
                insert(SearchLinesRow), [{"number": number, "lines": to_json(own)} for number, own in lines.items()]
            )
            for number, own in lines.items():
                put = (((number << SHIFT) + place, line.terms) for place, line in enumerate(own))
                word_index(session).put(session, put)
            session.execute(text("ANALYZE"))
        yield opened


def read_list(store: Store, asked: str, scope: Scope, sort: Sort, agents: Agents) -> list[tuple[str, tuple[str, ...]]]:
    """Read all pages of a list: its calls, and what was found in each."""
    node, after, found = parse(asked, time_zone="UTC"), None, []
    while True:
        query = CallPageQuery(node=node, scope=scope, sort=sort, agents=agents, after=after, limit=60)
        page = store.call_pages.list(query)
        found += [(call.call_id, tuple(hit.line.text for hit in call.hits)) for call in page.calls]
        if not page.more:
            return found
        after = page.calls[-1].place


def read_lists(store: Store) -> dict[tuple[object, ...], list[tuple[str, tuple[str, ...]]]]:
    sorts: tuple[tuple[Sort, Agents], ...] = (("-started", Agents()), ("score", Agents()), ("-started", SOME))
    return {
        (asked, scope, sort, agents.only is None): read_list(store, asked, scope, sort, agents)
        for asked in QUERIES
        for scope in get_args(Scope)
        for sort, agents in sorts
    }


def test_a_list_is_the_same_however_it_is_made(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read_lists(store)
    assert all(len(whole[asked, "call", "-started", True]) > 60 for asked in QUERIES[:3])
    assert all(dict(found).keys() <= dict(whole[asked, scope, sort, True]).keys() for (asked, scope, sort, _), found in
               whole.items())  # fmt: skip

    monkeypatch.setattr(word_lists, "MOST_COUNTED", 20)
    monkeypatch.setattr(word_lists, "_STEPS", (5, 10))  # the database walks to what is further away
    assert read_lists(store) == whole

    shown: list[bool] = []
    are_many = FrequentWords.are_many

    def note(self: FrequentWords, agents: Agents) -> bool:
        shown.append(are_many(self, agents))
        return shown[-1]

    monkeypatch.setattr(FrequentWords, "are_many", note)
    monkeypatch.setattr(word_lists, "_LARGEST", 1.0)
    assert read_lists(store) == whole
    assert bool(shown) != store.database.is_sqlite
    assert store.database.is_sqlite or shown.count(True) > len(shown) / 2

    monkeypatch.setattr(word_lists, "_SURELY", 0.1)  # a share that shows nothing
    assert read_lists(store) == whole


def test_a_list_of_frequent_words_says_that_it_has_more_calls_than_are_counted(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(word_lists, "MOST_COUNTED", 20)
    for largest in (0.0, 1.0):
        monkeypatch.setattr(word_lists, "_LARGEST", largest)
        page = store.call_pages.list(CallPageQuery(node=parse("退货", time_zone="UTC"), limit=5))
        assert (page.total, page.exact, page.more, len(page.calls)) == (20, False, True, 5)


def test_of_a_share_of_the_sentences_only_so_many_are_read_and_by_the_index(store: Store) -> None:
    if store.database.is_sqlite:
        pytest.skip("of PostgreSQL: SQLite's index has the numbers of sentences itself")
    with store.database.read() as session:
        words = vectors(session)
        assert words is not None
        node = parse("退货", time_zone="UTC")
        every = words.find(session, node)
        assert words.estimate(session, node) == pytest.approx(len(every), rel=0.2)
        some = words.find_some(session, node, 10)
        assert len(some) == 10
        assert set(some) <= set(every)
        among = words.find_among(session, node, [3, 7])
        assert among.tolist() == [number for number in every.tolist() if number >> SHIFT in (3, 7)]
