"""Fill a store with hundreds of thousands of judged calls in minutes: a few hundred real results, under many ids.

Each result is that of a call made from the conversations of the tests beside the starter rules, judged by them. Its
rows are written as the store itself would write them, again and again, with another id, order, agent and time. Of each
call the first sentences are indexed; snapshots and reports are kept of the newest calls alone: their size is that of a
disk, not of a list.
"""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from benchmarks.rules import make_calls
from qareport import periods, rules
from qareport.codec import to_json
from qareport.model import Call, CallReport, Emotion, Team
from qareport.search import facets_of, heat_facets_of, lines_of
from qareport.settings import default_dir
from qareport.store import Store
from qareport.store.calls import written_call
from qareport.store.connection import batches, in_utc
from qareport.store.database import Database
from qareport.store.packed_text import pack
from qareport.store.word_index import SHIFT
from qareport.workflows.judge import judge_call
from qareport.workflows.workspace import Workspace

DISTINCT: Final = 300
#: About how long a call is: long enough for one or two concerns.
LENGTH_MS: Final = 60_000
AGENTS, TEAMS, DAYS = 240, 12, 365
#: Sentences of each call that are indexed; the newest calls that keep a snapshot, and those that keep all.
SENTENCES, SNAPSHOTS, WHOLE = 8, 14_000, 1_000
#: One call in so many has a sentence that the search of the bars finds.
ANGRY_ONCE_IN: Final = 30
#: From nine in the morning to nine in the evening.
_OPEN_S: Final = 12 * 3600
#: What stands in a result for what is another's in each call.
_CALL, _ORDER, _AGENT, _START = "@call@", "@order@", "@agent@", datetime.fromisoformat("2001-02-03T04:05:06+08:00")
_BATCH: Final = 2_000
_Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mould:
    """One result as the rows of a store, with marks in the places of what differs."""

    report: str
    snapshot: str
    summary: str
    #: Compressed.
    lines: bytes
    words: tuple[str, ...]
    vectors: tuple[str, ...]
    facets: tuple[tuple[str, str], ...]
    rules: str
    score: int | None
    risk: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copy:
    """What differs from call to call."""

    number: int
    call: Call
    key: str

    def write(self, mould: str) -> str:
        """Put it into the places of a mould."""
        began = self.call.started_at
        values = ((_CALL, self.call.call_id), (_ORDER, self.call.order_id), (_AGENT, self.call.agent_id),
                  (_START.isoformat(), began.isoformat() if began else ""))  # fmt: skip
        for mark, value in values:
            mould = mould.replace(mark, str(value))
        return mould


def fill(store: Store, calls: int, *, until: datetime, on_progress: Callable[[int], None] = lambda _: None) -> None:
    """Fill an empty store with the calls of a year, teams and their agents.

    Args:
        store: an empty store.
        calls: how many.
        until: when the last of them began.
        on_progress: called with the number of calls that are stored.
    """
    moulds = _make_moulds(store)
    for team in range(TEAMS):
        agents = tuple(f"A{agent:03d}" for agent in range(team, AGENTS, TEAMS))
        store.teams.put(Team(team_id=f"t{team:02d}", name=f"第{team + 1}组", agents=agents, users=()))
    sha256 = Workspace.open(config=default_dir("config")).rule_book.ruleset.sha256
    dice = random.Random(11)
    with _without_indexes(store.database):
        for batch in batches(range(calls), _BATCH):
            copies = [_copy(number, calls, until, dice) for number in batch]
            with store.database.write() as session:
                _write(session, [(copy, dice.choice(moulds)) for copy in copies], calls, sha256)
            on_progress(batch[-1] + 1)
    _settle(store.database, calls)


@contextlib.contextmanager
def _without_indexes(database: Database) -> Iterator[None]:
    """Let PostgreSQL make the indexes of searches and lists after the block, all at once: that takes half the time."""
    if database.is_sqlite:
        yield
        return
    wanted = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename LIKE 'search%' AND indexname LIKE 'ix_%'"
    with database.write() as session:
        indexes = [(name, statement) for name, statement in session.execute(text(wanted))]
        for name, _ in indexes:
            session.execute(text(f"DROP INDEX {name}"))
    yield
    with database.write() as session:
        session.execute(text("SET LOCAL maintenance_work_mem = '512MB'"))
        for _, statement in indexes:
            session.execute(text(statement))


def _settle(database: Database, calls: int) -> None:
    """Give the databases statistics of what they hold; PostgreSQL looks after them by itself elsewhere."""
    if database.is_sqlite:
        with database.write() as session:
            session.execute(text("ANALYZE"))
        return
    with database.write() as session:
        session.execute(text("SELECT setval(pg_get_serial_sequence('search_calls', 'number'), :last)"), {"last": calls})
    with database.connect() as connection:  # autovacuum is off in a server that is thrown away
        alone = connection.execution_options(isolation_level="AUTOCOMMIT")
        alone.execute(text("COMMIT"))  # of the ping that the connection began with
        alone.execute(text("VACUUM ANALYZE"))


def _make_moulds(store: Store) -> list[_Mould]:
    with Workspace.open(config=default_dir("config")) as workspace:
        book = workspace.rule_book
        store.rule_sets.put(book.ruleset.sha256, book.ruleset.files)
        moulds = []
        for place, transcript in enumerate(make_calls(book, DISTINCT, length_ms=LENGTH_MS)):
            call = Call(call_id=_CALL, audio_path="", order_id=_ORDER, agent_id=_AGENT, started_at=_START)
            named = replace(transcript, call_id=_CALL, order_id=_ORDER, agent_id=_AGENT, started_at=_START)
            report = judge_call(call, named, book)
            moulds.append(_mould(report, book.ruleset.sha256, angry=place % ANGRY_ONCE_IN == 0))
    return moulds


def _mould(report: CallReport, sha256: str, *, angry: bool) -> _Mould:
    segments = report.segments[:SENTENCES]
    if angry:
        segments = (*segments[:-1], replace(segments[-1], text="我要退货，运费到底谁出！", emotion=Emotion.ANGRY))
    lines = lines_of(replace(report, segments=segments))
    terms = [line.terms for line in lines]
    return _Mould(
        report=to_json(report),
        snapshot=rules.CallSnapshot.take(report, _ORDER).to_json(),
        summary=to_json(periods.summarise_call(report, _ORDER, rules_sha256=sha256)),
        lines=pack(to_json(lines)),
        words=tuple(" ".join(words) for words in terms),
        vectors=tuple(" ".join(f"'{word}':{place}" for place, word in enumerate(words, 1)) for words in terms),
        facets=(*facets_of(report), *heat_facets_of(report)),
        rules="".join(f"|{rule}" for rule in dict.fromkeys(finding.rule_id for finding in report.findings)) + "|",
        score=report.score,
        risk=report.risk.value,
    )  # fmt: skip


def _copy(number: int, calls: int, until: datetime, dice: random.Random) -> _Copy:
    day, place = divmod(number * DAYS / calls, 1)
    midnight = until.replace(hour=9, minute=0, second=0, microsecond=0) - timedelta(days=DAYS - 1 - int(day))
    # Every twentieth customer calls again on the day after.
    order = number - (calls // DAYS if number % 20 == 0 else 0)
    call = Call(
        call_id=f"C{number:07d}", audio_path="", order_id=f"D{order:09d}", agent_id=f"A{dice.randrange(AGENTS):03d}",
        customer_phone=f"139{order:08d}",
        started_at=midnight + timedelta(seconds=round(_OPEN_S * place)),
    )  # fmt: skip
    return _Copy(number=number + 1, call=call, key=f"{number:064d}")


def _write(session: Session, calls: Sequence[tuple[_Copy, _Mould]], total: int, sha256: str) -> None:
    tables = _rows(calls, total, sha256)
    for table in ("call_reports", "call_snapshots", "call_summaries", "calls", "search_calls", "search_lines",
                  "search_facets"):  # fmt: skip
        _insert(session, table, tables[table])
    postgresql = _is_postgresql(session)
    words = [
        (copy.number << SHIFT | place, content)
        for copy, mould in calls
        for place, content in enumerate(mould.vectors if postgresql else mould.words)
    ]
    if postgresql:
        statement = (
            "INSERT INTO search_words (number, words) SELECT (r ->> 0)::bigint, (r ->> 1)::tsvector "
            "FROM json_array_elements(CAST(:rows AS json)) AS r"
        )
        session.execute(text(statement), {"rows": json.dumps(words, ensure_ascii=False)})
    else:
        session.connection().exec_driver_sql("INSERT INTO search_words(rowid, words) VALUES (?, ?)", words)


def _rows(calls: Sequence[tuple[_Copy, _Mould]], total: int, sha256: str) -> dict[str, _Rows]:
    judged = in_utc(max(copy.call.started_at for copy, _ in calls if copy.call.started_at))
    return {
        "call_reports": [
            (copy.key, pack(_whole(copy, mould, total)), sha256, copy.call.call_id, judged)
            for copy, mould in calls
        ],
        "call_snapshots": [
            (copy.key, sha256, pack(copy.write(mould.snapshot)))
            for copy, mould in calls
            if copy.number > total - SNAPSHOTS
        ],
        "call_summaries": [(copy.key, pack(copy.write(mould.summary))) for copy, mould in calls],
        "calls": [(*_names(copy), written_call(copy.call), copy.call.customer_phone, _began(copy)[1],
                   _began(copy)[0], copy.key) for copy, _ in calls],
        "search_calls": [
            (copy.number, copy.call.call_id, copy.key, copy.call.order_id, copy.call.agent_id, *_began(copy),
             mould.score, mould.risk, mould.rules, len(mould.words))
            for copy, mould in calls
        ],
        "search_lines": [(copy.number, mould.lines) for copy, mould in calls],
        "search_facets": [
            (kind, value, _began(copy)[0], copy.number, mould.score)
            for copy, mould in calls
            for kind, value in mould.facets
        ],
    }  # fmt: skip


def _whole(copy: _Copy, mould: _Mould, total: int) -> str:
    return copy.write(mould.report) if copy.number > total - WHOLE else ""


_COLUMNS: Final = {
    "call_reports": "key report:bytea rules_sha256 call_id judged_at",
    "call_snapshots": "key rules_sha256 snapshot:bytea",
    "call_summaries": "key summary:bytea",
    "calls": "call_id order_id agent_id call customer started_at started_utc report_key",
    "search_calls": (
        "number:int call_id report_key order_id agent_id started_utc started_at score:int risk rules sentences:int"
    ),
    "search_lines": "number:int lines:bytea",
    "search_facets": "kind value started_utc number:int score:int",
}  # fmt: skip


def _insert(session: Session, table: str, rows: _Rows) -> None:
    if not rows:
        return
    columns = [column.partition(":") for column in _COLUMNS[table].split()]
    names = ", ".join(name for name, _, _ in columns)
    if _is_postgresql(session):
        values = ", ".join(f"(r ->> {place})" + (f"::{kind}" if kind else "")
                           for place, (_, _, kind) in enumerate(columns))  # fmt: skip
        statement = f"INSERT INTO {table} ({names}) SELECT {values} FROM json_array_elements(CAST(:rows AS json)) r"  # noqa: S608
        written = json.dumps(rows, ensure_ascii=False, default=lambda packed: f"\\x{packed.hex()}")
        session.execute(text(statement.replace("::", "\\:\\:")), {"rows": written})
    else:
        marks = ", ".join("?" * len(columns))
        session.connection().exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608


def _names(copy: _Copy) -> tuple[str | None, ...]:
    return copy.call.call_id, copy.call.order_id, copy.call.agent_id


def _began(copy: _Copy) -> tuple[str, str]:
    began = copy.call.started_at
    return (in_utc(began), began.isoformat()) if began else ("", "")


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def warm(store: Store) -> None:
    """Let a PostgreSQL server that has just begun hold what one that has run for a day holds of searches and lists."""
    if store.database.is_sqlite:
        return
    with store.database.write() as session:
        session.execute(text("CREATE EXTENSION IF NOT EXISTS pg_prewarm"))
        query = (
            "SELECT pg_prewarm(oid::regclass) FROM pg_class WHERE relname ~ '^(ix_)?search_' AND relkind IN ('r', 'i')"
        )
        session.execute(text(query)).all()


def whole_calls(calls: int) -> Iterator[str]:
    """Name the calls that are kept whole, the newest first."""
    yield from (f"C{number:07d}" for number in range(calls - 1, max(0, calls - WHOLE) - 1, -1))
