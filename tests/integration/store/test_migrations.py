"""Migrations: stores of older versions lose nothing, stores of newer versions are refused."""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from qareport import periods
from qareport.codec import to_json
from qareport.errors import NotFoundError, StoreError
from qareport.model import MAIL, CallReport, CallSummary, DeliveryState, Segment, Transcript
from qareport.search import Fact
from qareport.store import CallPageQuery, Store
from qareport.store.connection import show_url
from qareport.store.schema import REVISION, Base
from tests.support.paths import ROOT
from tests.support.postgres import make_database
from tests.support.store_samples import METRICS, make_call

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


def engine_of(url: str) -> sqlalchemy.Engine:
    """Open the bare database of a store."""
    parsed = sqlalchemy.make_url(url)
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+pg8000")
    return sqlalchemy.create_engine(parsed)


def make_store_of(revision: str, url: str, *statements: tuple[str, dict[str, object]]) -> None:
    """Make a store as an older version left it, and run statements on it."""
    engine = engine_of(url)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(ROOT / "qareport" / "store" / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        for statement, values in statements:
            connection.execute(sqlalchemy.text(statement), values)
    engine.dispose()


def test_a_store_of_the_first_version_is_brought_up_to_date_without_loss(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as connection:
        connection.executescript((ROOT / "tests" / "golden" / "store_version_1.sql").read_text("utf-8"))
    connection.close()
    with Store(f"sqlite:///{path}") as store:
        record = store.orders.get("o1")
        assert [report.call_id for report in record.reports] == ["a", "b"]
        assert [failure.call_id for failure in record.failures] == ["c"]
        transcript = store.transcripts.find("t-a")
        assert transcript is not None
        assert transcript.segments[0].text == "什么时候发货"
        # 02:30 at +01:00 is later than 09:00 at +08:00, though its text sorts before it.
        hour = timedelta(hours=1)
        first = datetime.fromisoformat("2026-11-20T09:00:00+08:00")
        assert [call.call_id for call in store.calls.list(first, first + hour)] == ["a", "b"]
        # That version kept no summaries: they are made when they are first asked for, and kept.
        made = store.summaries.list(first, first + hour, summarise=periods.summarise_call)
        assert [(summary.call_id, summary.order_id) for summary in made] == [("a", "o1"), ("b", "o1")]
        assert store.summaries.list(first, first + hour, summarise=never) == made
        assert [call.call_id for call in store.deletion.find_calls(customer="+86 138 1234 5678")] == ["a", "b", "c"]
        deletion = store.deletion.delete(store.deletion.find_calls(order="o1"), by="order", selector="o1", now=NOW)
        assert (deletion.calls, deletion.results, deletion.transcripts) == (3, 2, 2)


def test_a_proof_that_an_older_version_kept_is_still_found(no_store_url: str) -> None:
    old = hashlib.sha256(b"o1").hexdigest()
    record = (
        f'{{"deleted_at":"2026-11-24T08:00:00+00:00","by":"order","selector_sha256":"{old}","calls":1,"results":1,'
        '"transcripts":1,"documents":0,"audio_sha256":[],"files_left":[]}'
    )
    insert = "INSERT INTO deletions (deleted_at, record) VALUES ('2026-11-24T08:00:00+00:00', :record)"
    make_store_of("0003", no_store_url, (insert, {"record": record}))
    with Store(no_store_url) as store:
        proofs = store.deletion.list_proofs(by="order", selector="o1")
        assert [proof.selector_hash for proof in proofs] == [f"sha256::{old}"]
        assert store.deletion.list_proofs(by="order", selector="o2") == ()


def test_summaries_snapshots_and_mails_of_an_older_version_keep_their_content_under_their_new_names(
    no_store_url: str,
) -> None:
    call = make_call("a")
    report = CallReport(call_id="a", started_at=call.started_at, metrics=METRICS)
    summary = periods.summarise_call(report, "o1", rules_sha256="r")
    make_store_of(
        "0004",
        no_store_url,
        (
            "INSERT INTO call_reports (key, report, rules_sha256, call_id) VALUES ('k', :report, 'r', 'a')",
            {"report": to_json(report)},
        ),
        (
            """INSERT INTO calls (call_id, order_id, call, started_at, started_utc, report_key)
            VALUES ('a', 'o1', :call, '2026-11-20T09:00:00+08:00', '2026-11-20T01:00:00.000000+00:00', 'k')""",
            {"call": to_json(call)},
        ),
        ("INSERT INTO digests (key, digest) VALUES ('k', :digest)", {"digest": to_json(summary)}),
        ("INSERT INTO scenes (key, rules_sha256, scene) VALUES ('k', 'r', '[1]')", {}),
        (
            """INSERT INTO outbox (key, edition, recipient, period, kind, subject, message_id, content, state, tries,
            planned_at, changed_at, reply) VALUES ('m', 'team', 'li@example.com', 'day:2026-11-20', 'report', 's',
            '<m>', :content, 'sending', 0, '2026-11-21T00:00:00+00:00', '2026-11-21T00:00:00+00:00', '')""",
            {"content": b"text"},
        ),
    )
    with Store(no_store_url) as store:
        assert call.started_at is not None
        day = (call.started_at, call.started_at + timedelta(hours=1))
        assert store.summaries.list(*day, summarise=never) == (summary,)
        (judged,) = store.results.list_snapshots()
        assert judged.snapshot == "[1]"
        (mail,) = store.outbox.settle(now=NOW)
        assert (mail.channel, mail.state) == (MAIL, DeliveryState.UNKNOWN)
        assert store.outbox.get_content("m") == b"text"


def test_the_calls_of_a_customer_are_found_in_a_store_of_before_numbers_had_a_column(no_store_url: str) -> None:
    insert = "INSERT INTO calls (call_id, call) VALUES (:call_id, :call)"
    rows = {
        "a": to_json(replace(make_call("a"), customer_phone="+86 138-1234-5678")),
        "b": to_json(make_call("b")),
        "damaged": "{",
    }
    make_store_of("0016", no_store_url, *((insert, {"call_id": name, "call": call}) for name, call in rows.items()))
    with Store(no_store_url) as store:
        assert [call.call_id for call in store.deletion.find_calls(customer="13812345678")] == ["a"]
        assert store.deletion.find_calls(customer="没有号码") == ()


def test_transcripts_and_results_of_before_they_were_compressed_are_read_as_they_are(no_store_url: str) -> None:
    call = make_call("a")
    report = CallReport(call_id="a", started_at=call.started_at, metrics=METRICS)
    transcript = Transcript(call_id="a", segments=(Segment(start_ms=0, end_ms=9, text="什么时候发货"),))
    make_store_of(
        "0016",
        no_store_url,
        (
            "INSERT INTO call_reports (key, report, rules_sha256, call_id) VALUES ('k', :report, 'r', 'a')",
            {"report": to_json(report)},
        ),
        (
            """INSERT INTO calls (call_id, order_id, call, started_at, started_utc, report_key)
            VALUES ('a', 'o1', :call, '2026-11-20T09:00:00+08:00', '2026-11-20T01:00:00.000000+00:00', 'k')""",
            {"call": to_json(call)},
        ),
        (
            "INSERT INTO transcripts (key, transcript, call_id) VALUES ('t', :transcript, 'a')",
            {"transcript": to_json(transcript)},
        ),
        ("INSERT INTO call_snapshots (key, rules_sha256, snapshot) VALUES ('k', 'r', '[\"退\"]')", {}),
    )
    with Store(no_store_url) as store:
        assert store.results.get("a") == report
        assert store.transcripts.find("t") == transcript
        assert [judged.snapshot for judged in store.results.list_snapshots()] == ['["退"]']
        assert store.search_index.index_missing(on_progress=lambda *_: None) == 1


def test_calls_of_before_facets_had_scores_are_listed_by_score_under_a_facet(no_store_url: str) -> None:
    call = """INSERT INTO search_calls (call_id, report_key, started_utc, score, risk, rules, sentences)
        VALUES (:call_id, 'k', '', :score, 'low', '|', 0)"""
    facet = """INSERT INTO search_facets (kind, value, started_utc, number)
        SELECT 'issue', '退款', started_utc, number FROM search_calls"""
    scores = {"a": 90, "b": 20, "c": None}
    rows = ((call, {"call_id": name, "score": score}) for name, score in scores.items())
    make_store_of("0019", no_store_url, *rows, (facet, {}))
    with Store(no_store_url) as store:
        query = CallPageQuery(node=Fact(name="issue", value="退款"), sort="score")
        assert [call.call_id for call in store.call_pages.list(query).calls] == ["b", "a"]


def never(*args: object, **_: object) -> CallSummary:
    raise AssertionError(f"this was not to be done: {args}")


def test_the_newest_revision_makes_exactly_the_tables_of_the_code(no_store_url: str) -> None:
    make_store_of("head", no_store_url)
    engine = engine_of(no_store_url)
    with engine.connect() as connection:
        # Full-text indexes are what each database has, and none of the code's tables.
        own = {"include_name": lambda name, kind, _: kind != "table" or not name.startswith("search_words")}
        context = MigrationContext.configure(connection, opts=own)
        assert compare_metadata(context, Base.metadata) == []
        assert context.get_current_revision() == REVISION
    engine.dispose()


@pytest.fixture
def other_store_url(no_store_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A second place of the same database as `no_store_url`."""
    if no_store_url.startswith("sqlite"):
        return f"sqlite:///{tmp_path / 'other.db'}"
    server: str = request.getfixturevalue("postgres_server")
    return make_database(server, f"other_{no_store_url.rsplit('/')[-1]}")


def test_a_new_store_is_made_at_once_as_the_revisions_would_make_it(
    no_store_url: str, other_store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_store_of("head", no_store_url)
    monkeypatch.setattr(command, "upgrade", never)
    Store(other_store_url).close()
    migrated, made = schema_of(no_store_url), schema_of(other_store_url)
    assert {name: made[name] for name in made if made[name] != migrated.get(name)} == {}
    assert migrated.keys() == made.keys()
    assert {"calls", "ix_calls_order", "search_words", "alembic_version"} <= made.keys()


#: What is not in SQLAlchemy's view. The index of a primary key keeps its name when its table is renamed.
_POSTGRESQL_SAYS = (
    """SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE '%_pkey'""",
    """SELECT 'options of ' || relname, reloptions::text FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND reloptions IS NOT NULL""",
    """SELECT c.relname || '.' || a.attname, a.attstorage::text FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0""",
    """SELECT 'trigger ' || tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal""",
    """SELECT 'sequence ' || sequencename, data_type::text FROM pg_sequences WHERE schemaname = 'public'""",
)


def schema_of(url: str) -> dict[str, object]:
    """Return what a database says of all that is in it: tables without the order of their columns, and indexes."""
    engine = engine_of(url)
    with engine.connect() as connection:
        inspector = sqlalchemy.inspect(connection)
        found: dict[str, object] = {
            table: {
                "columns": {
                    str(column.pop("name")): column | {"type": str(column["type"])}
                    for column in map(dict[str, object], inspector.get_columns(table))
                },
                "primary": inspector.get_pk_constraint(table)["constrained_columns"],
                "foreign": sorted(map(str, inspector.get_foreign_keys(table))),
                "unique": sorted(str(unique["column_names"]) for unique in inspector.get_unique_constraints(table)),
                "checks": inspector.get_check_constraints(table),
            }
            for table in inspector.get_table_names()
        }
        if connection.dialect.name == "sqlite":
            rows = connection.exec_driver_sql("SELECT type, name, coalesce(sql, '') FROM sqlite_master").all()
            for kind, name, sql in rows:
                # The order of columns is the one thing that may differ: those that came later are last.
                options = ("WITHOUT ROWID" in sql, "AUTOINCREMENT" in sql)
                found[name] = (options, found[name]) if name in found and "VIRTUAL" not in sql else (kind, sql)
        else:
            for query in _POSTGRESQL_SAYS:
                found |= {str(row[0]): row[1] for row in connection.exec_driver_sql(query)}
    engine.dispose()
    return found


def test_a_store_of_a_newer_version_is_refused_not_misread(no_store_url: str) -> None:
    with Store(no_store_url) as store, store.database.write() as session:
        session.execute(sqlalchemy.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="made by a newer version of qareport"):
        Store(no_store_url)


def test_a_password_is_never_shown(postgres_url: str) -> None:
    assert ":secret@" in postgres_url
    with Store(postgres_url) as store, pytest.raises(NotFoundError) as raised:
        store.orders.get("x")
    assert "secret" not in str(raised.value)
    assert "***" in show_url(postgres_url)
    with pytest.raises(StoreError) as refused:
        Store("postgresql://qareport:secret@127.0.0.1:9/x")
    assert "secret" not in str(refused.value)
    assert "server runs" in str(refused.value)
