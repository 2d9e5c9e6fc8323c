"""Lists of calls among thousands, on a real SQLite file and a real PostgreSQL: what they list, and what is read for it.

How long a list takes is measured elsewhere (`benchmarks.desk`); here the databases say which index they read along.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import insert, text

from qareport.model import Agents, Team
from qareport.search import And, Fact, Node, parse
from qareport.store import CallPageQuery, Store, call_lists, word_index
from qareport.store.connection import batches, in_utc
from qareport.store.search_schema import SearchCallRow, SearchFacetRow

CALLS, AGENTS = 3_000, 5
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
#: Every so many calls have a facet.
FACETS = {("issue", "退款"): 2, ("rule", "service.no-greeting"): 1, ("emotion", "SILENCE"): 3, ("stage", "售后"): 25}
FREQUENT = [Fact(name=kind, value=value) for kind, value in FACETS][:3]
TEAM = Fact(name="team", value="t1")
LISTS = (
    *itertools.combinations(FREQUENT, 2),
    *((fact, other) for fact in FREQUENT for other in (TEAM, Fact(name="risk", value="high"))),
    *((fact,) for fact in FREQUENT),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A call as it was put into the store."""

    number: int
    score: int | None
    started_utc: str
    filed_under: frozenset[Fact]


def make_call(number: int) -> Listed:
    """Make a call; scores and facets come in no order of time."""
    spread = number * 7_919 % CALLS
    facets = {Fact(name=kind, value=value) for (kind, value), every in FACETS.items() if spread % every == 0}
    facets |= {TEAM} if number % AGENTS < 2 else set()
    facets |= {Fact(name="risk", value="high" if spread % 4 == 0 else "low")}
    return Listed(
        number=number,
        score=None if number % 50 == 0 else spread * 31 % 101,
        started_utc=in_utc(BEGIN + timedelta(minutes=number // 2)),
        filed_under=frozenset(facets),
    )


MADE = tuple(make_call(number) for number in range(1, CALLS + 1))


@pytest.fixture
def store(store_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store of thousands of calls, of which hundreds are many."""
    for name, bound in (("MOST_COUNTED", 100), ("_LOOKED_AT", 200), ("_FREQUENT", 2), ("_RAREST", 300)):
        monkeypatch.setattr(call_lists, name, bound)
    calls: list[dict[str, object]] = [
        {
            "number": call.number, "call_id": f"c{call.number}", "report_key": "k",
            "agent_id": f"A{call.number % AGENTS}",
            "started_utc": call.started_utc, "score": call.score, "rules": "|", "sentences": 1,
            "risk": next(fact.value for fact in call.filed_under if fact.name == "risk"),
        }
        for call in MADE
    ]  # fmt: skip
    facets: list[dict[str, object]] = [
        {"kind": fact.name, "value": fact.value, "started_utc": call.started_utc, "number": call.number,
         "score": call.score}
        for call in MADE for fact in call.filed_under if fact.name in {kind for kind, _ in FACETS}
    ]  # fmt: skip
    with Store(store_url) as opened:
        opened.teams.put(Team(team_id="t1", name="一组", agents=("A0", "A1"), users=()))
        with opened.database.write() as session:
            for row, values in ((SearchCallRow, calls), (SearchFacetRow, facets)):
                for batch in batches(values, 500):
                    session.execute(insert(row).values(batch))
            session.execute(text("ANALYZE"))
        yield opened


def read_pages(store: Store, node: Node, sort: Any) -> list[str]:
    """Read all pages of a list."""
    found: list[str] = []
    query = CallPageQuery(node=node, sort=sort, limit=70)
    while True:
        page = store.call_pages.list(query)
        found += [call.call_id for call in page.calls]
        if not page.more:
            return found
        query = CallPageQuery(node=node, sort=sort, limit=70, after=page.calls[-1].place)


def statements_of(store: Store, run: Callable[[], object]) -> list[tuple[str, Any]]:
    """Return the statements that something runs."""
    noted: list[tuple[str, Any]] = []

    def note(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:
        noted.append((statement, parameters))

    sqlalchemy.event.listen(store.database.engine, "before_cursor_execute", note)
    try:
        run()
    finally:
        sqlalchemy.event.remove(store.database.engine, "before_cursor_execute", note)
    return noted


def plan_of(store: Store, statement: str, parameters: Any) -> str:
    """Return how the database would run a statement."""
    explain = "EXPLAIN QUERY PLAN " if store.database.is_sqlite else "EXPLAIN "
    with store.database.connect() as connection:
        return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(explain + statement, parameters))


def node_of(parts: Sequence[Node]) -> Node:
    return parts[0] if len(parts) == 1 else And(parts=tuple(parts))


@pytest.mark.parametrize("sort", ["-started", "started", "score"])
def test_the_pages_of_a_list_have_each_of_its_calls_once_and_in_order(store: Store, sort: str) -> None:
    for parts in (*LISTS, (Fact(name="stage", value="售后"), TEAM)):
        own = [call for call in MADE if call.filed_under >= set(parts) and (sort != "score" or call.score is not None)]
        own.sort(key=lambda call: ((call.score or 0) if sort == "score" else call.started_utc, call.number))
        if sort == "-started":
            own.reverse()
        assert read_pages(store, node_of(parts), sort) == [f"c{call.number}" for call in own], parts


@pytest.mark.parametrize("sort", ["-started", "score"])
def test_a_page_is_read_along_an_index_in_its_order_and_nothing_else_is_read_whole(store: Store, sort: Any) -> None:
    for parts in LISTS:
        query = CallPageQuery(node=node_of(parts), sort=sort)
        walks = [
            (statement, parameters)
            for statement, parameters in statements_of(store, lambda: store.call_pages.list(query))  # noqa: B023
            if statement.rstrip().rpartition("ORDER BY")[2].startswith((" search_facets.s", " search_calls_1.s"))
            and "count(" not in statement
        ]
        assert len(walks) == 1, parts
        plan = plan_of(store, *walks[0])
        for whole in ("TEMP B-TREE", "SCAN", "Seq Scan", "Sort", "Hash Join", "Merge Join"):
            assert whole not in plan, (parts, plan)


def test_a_list_is_read_along_the_rarer_of_two_facets_that_are_both_frequent(store: Store) -> None:
    for parts in itertools.permutations(FREQUENT, 2):
        query = CallPageQuery(node=node_of(parts))
        *_, (statement, parameters), _rows = statements_of(store, lambda: store.call_pages.list(query))  # noqa: B023
        assert "ORDER BY search_facets.started_utc DESC" in statement
        rarer = max(parts, key=lambda fact: FACETS[fact.name, fact.value])
        assert tuple(parameters)[:2] == (rarer.name, rarer.value)


def test_the_agents_of_a_team_are_looked_up_once_and_not_for_each_call(store: Store) -> None:
    query = CallPageQuery(node=And(parts=(FREQUENT[0], TEAM)))
    asked = [statement for statement, _ in statements_of(store, lambda: store.call_pages.list(query))]
    assert [statement for statement in asked if "team_agents" in statement and "search_calls" in statement] == []
    assert sum("team_agents" in statement for statement in asked) == 1


def test_what_the_newest_calls_are_filed_under_is_counted_call_by_call(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qareport.store.call_pages.MOST_COUNTED", 1_000)
    counted = store.call_pages.count_facets(Agents())
    newest = sorted(MADE, key=lambda call: (call.started_utc, call.number))[-1_000:]
    for kind, value in FACETS:
        assert counted[kind] == ((value, sum(Fact(name=kind, value=value) in call.filed_under for call in newest)),)
    *_, (statement, parameters) = statements_of(store, lambda: store.call_pages.count_facets(Agents()))
    plan = plan_of(store, statement, parameters)
    assert "ix_search_facets_number" in plan
    assert "Seq Scan on search_facets" not in plan


def test_words_are_looked_up_in_their_index_at_once_however_many_calls_there_are(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    if store.database.is_sqlite:
        pytest.skip("of PostgreSQL: SQLite reads a part of its index for some calls")
    with store.database.write() as session:
        run = session.connection().exec_driver_sql
        vector = "(CASE WHEN mod(n, 100) = 0 THEN '''退货'':1 ''多少'':2' ELSE '''多少'':1' END)::tsvector"
        run(f"INSERT INTO search_words SELECT n, {vector} FROM generate_series(65536, 90000) n")  # noqa: S608 - as it is
        run("ANALYZE")
    monkeypatch.setattr(word_index, "CALLS_AT_ONCE", 200)
    asked = [
        (statement, parameters)
        for statement, parameters in statements_of(
            store, lambda: store.search_index.search(parse("退货", time_zone="Asia/Shanghai"))
        )
        if "FROM search_words" in statement
    ]
    assert len(asked) == 1
    assert "ix_search_words" in plan_of(store, *asked[0])


def test_a_search_of_a_server_has_room_for_the_places_of_a_frequent_word_and_gives_it_back(store: Store) -> None:
    if store.database.is_sqlite:
        pytest.skip("of PostgreSQL")
    with store.database.read() as session:
        own = session.scalar(text("SHOW work_mem"))
        word_index.word_index(session).find(session, parse("退货", time_zone="Asia/Shanghai"))
        assert session.scalar(text("SHOW work_mem")) == "64MB"
        session.rollback()
        session.execute(text("SET LOCAL work_mem = '1GB'"))
        word_index.word_index(session).find(session, parse("退货", time_zone="Asia/Shanghai"))
        assert session.scalar(text("SHOW work_mem")) == "1GB"
    with store.database.read() as session:
        assert session.scalar(text("SHOW work_mem")) == own


def test_a_page_of_calls_with_words_reads_nothing_of_calls_that_it_does_not_show(store: Store) -> None:
    query = CallPageQuery(node=parse("NOT 退货", time_zone="Asia/Shanghai"), scope="call")
    asked = [statement for statement, _ in statements_of(store, lambda: store.call_pages.list(query))]
    spoken = [statement for statement in asked if "search_calls.sentences >" in statement]
    assert len(spoken) == 1
    assert "search_calls.number IN" in spoken[0]
