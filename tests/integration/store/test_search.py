"""Searches on a real SQLite file and a real PostgreSQL: both find the same, in step with what is stored."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
import sqlalchemy

from qareport.codec import to_json
from qareport.model import (
    Call,
    CallReport,
    Emotion,
    Evidence,
    FailedCall,
    Finding,
    Risk,
    Role,
    Segment,
    Severity,
    Silence,
)
from qareport.search import And, Between, Fact, Found, Line, Mark, Node, Not, Or, Words, find_spans, lines_of, parse
from qareport.store import Scope, Store, search_evaluation, word_index
from tests.support.store_samples import METRICS

ZONE = "Asia/Shanghai"
BEGIN = datetime.fromisoformat("2026-11-21T09:00:00+08:00")
NUMBER = "13812345678"


def sentence(text: str, emotion: Emotion | None = Emotion.NEUTRAL, role: Role = Role.CUSTOMER) -> Segment:
    return Segment(start_ms=0, end_ms=900, role=role, text=text, emotion=emotion)


def put(store: Store, call_id: str, *segments: Segment, hours: int = 0, **fields: object) -> None:
    """Put a judged call whose sentences follow each other by the second."""
    began = BEGIN + timedelta(hours=hours)
    call = Call(call_id=call_id, audio_path="", order_id=f"o-{call_id}", agent_id="A017", started_at=began)
    placed = tuple(replace(segment, start_ms=n * 1000, end_ms=n * 1000 + 900) for n, segment in enumerate(segments))
    report = CallReport(call_id=call_id, agent_id="A017", started_at=began, metrics=METRICS, segments=placed)
    report = replace(report, **fields)  # type: ignore[arg-type]
    store.results.put(hashlib.sha256(to_json(report).encode()).hexdigest(), call, report, rules_sha256="r")


def search(store: Store, query: str, scope: Scope = "sentence", limit: int = 20) -> Found:
    return store.search_index.search(parse(query, time_zone=ZONE), scope=scope, limit=limit)


def texts(found: Found) -> list[str]:
    return [hit.line.text for hit in found.hits]


def hit(rule: str) -> Finding:
    evidence = (Evidence(at_ms=0, end_ms=1, role=Role.CUSTOMER, quote=""),)
    return Finding(
        rule_id=rule, rule_version="1", title="", category="", severity=Severity.MINOR, at_ms=0, evidence=evidence,
        advice="", points=0,
    )  # fmt: skip


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store(store_url) as opened:
        yield opened


@pytest.fixture
def filled(store: Store) -> Store:
    """Three calls on two days."""
    put(
        store,
        "early",
        sentence("您好，请问有什么可以帮您？", role=Role.AGENT),
        sentence("退货运费谁出？", Emotion.ANGRY),
        sentence("我要退货"),
        silences=(Silence(start_ms=2_900, end_ms=9_000),),
        findings=(hit("logistics.shipping-doubt"), hit("refund.no-date")),
        score=62,
        risk=Risk.HIGH,
    )
    put(
        store,
        "late",
        sentence("退货，可以吗"),
        sentence("你们太慢了", Emotion.ANGRY),
        sentence("iPhone手机壳", None),
        hours=24,
        score=95,
    )
    put(store, "other", sentence("谢谢"), hours=1, score=None, agent_id="B001")
    return store


QUERIES = (
    ("ANGRY AND 退货", ["退货运费谁出？"]),
    ("退货", ["退货，可以吗", "退货运费谁出？", "我要退货"]),
    ("退", ["退货，可以吗", "退货运费谁出？", "我要退货"]),
    ("货", ["退货，可以吗", "退货运费谁出？", "我要退货"]),
    ("ANGRY", ["你们太慢了", "退货运费谁出？"]),
    ("SILENCE 退货", ["我要退货"]),
    ("[未判定] iphone手机", ["iPhone手机壳"]),
    ("iph*", ["iPhone手机壳"]),
    ("iph", []),
    ("退货 NOT ANGRY", ["退货，可以吗", "我要退货"]),
    ("NOT 退货 NOT role:agent", ["你们太慢了", "iPhone手机壳", "谢谢"]),
    ("谢谢 OR 太慢", ["你们太慢了", "谢谢"]),
    ("role:agent", ["您好，请问有什么可以帮您？"]),
    ("agent:B001", ["谢谢"]),
    ("agent:A* ANGRY", ["你们太慢了", "退货运费谁出？"]),
    ("agent:a017", []),
    ("order:o-late 退货", ["退货，可以吗"]),
    ("call:early ANGRY", ["退货运费谁出？"]),
    ("risk:high ANGRY", ["退货运费谁出？"]),
    ("score:<70 退货", ["退货运费谁出？", "我要退货"]),
    ("score:>=0 谢谢", []),
    ("rule:refund.no-date ANGRY", ["退货运费谁出？"]),
    ("rule:logistics.* ANGRY", ["退货运费谁出？"]),
    ("rule:LOGISTICS.* ANGRY", []),
    ("rule:logistics ANGRY", []),
    ("date:2026-11-22 退货", ["退货，可以吗"]),
    ("date:<2026-11-22 退货", ["退货运费谁出？", "我要退货"]),
    ("谢谢 OR risk:high AND ANGRY", ["谢谢", "退货运费谁出？"]),
    ("不存在的词", []),
)


def test_a_query_finds_its_sentences_newest_call_first(filled: Store) -> None:
    with filled as store:
        for query, found in QUERIES:
            answer = search(store, query)
            assert texts(answer) == found, query
            calls = {hit.call_id for hit in answer.hits}
            assert (answer.lines, answer.calls) == (len(found), len(calls)), query


def test_in_a_call_each_part_may_stand_in_another_sentence(filled: Store) -> None:
    with filled as store:
        answer = search(store, "ANGRY AND 退货", "call")
        assert [(hit.call_id, hit.line.text) for hit in answer.hits] == [
            ("late", "退货，可以吗"),
            ("late", "你们太慢了"),
            ("early", "退货运费谁出？"),
            ("early", "我要退货"),
        ]
        assert (answer.lines, answer.calls) == (4, 2)
        assert [hit.call_id for hit in search(store, "退货 NOT 太慢", "call").hits] == ["early", "early"]
        # What only the call as a whole answers is shown by its first sentence.
        assert texts(search(store, "score:>90", "call")) == ["退货，可以吗"]


def test_hits_beyond_the_limit_are_counted(filled: Store) -> None:
    with filled as store:
        answer = search(store, "退货", limit=1)
        assert (texts(answer), answer.lines, answer.calls) == (["退货，可以吗"], 3, 2)
        assert search(store, "退货", limit=0).hits == ()


def test_a_hit_says_all_that_a_reader_needs(filled: Store) -> None:
    with filled as store:
        (found,) = search(store, "SILENCE").hits
    assert (found.call_id, found.order_id, found.agent_id) == ("early", "o-early", "A017")
    assert (found.started_at, found.score, found.risk) == (BEGIN, 62, Risk.HIGH)
    assert (found.line.start_ms, found.line.role, found.line.tags) == (2000, Role.CUSTOMER, ("NEUTRAL", "SILENCE"))


def test_nobody_finds_or_sees_personal_data(store: Store) -> None:
    with store:
        put(store, "c", sentence(f"我的电话是{NUMBER}，要退货"))
        assert search(store, NUMBER).lines == 0
        assert texts(search(store, "退货")) == ["我的电话是[电话]，要退货"]
        query = parse("退货", time_zone=ZONE)
        assert texts(store.search_index.search(query, original=True)) == [f"我的电话是{NUMBER}，要退货"]
        with store.database.read() as session:
            for table in ("search_lines", "search_calls"):
                rows = session.execute(sqlalchemy.text(f"SELECT * FROM {table}")).all()  # noqa: S608 - names above
                assert NUMBER not in str(rows)


def test_a_newer_result_takes_the_place_of_the_older_one(store: Store) -> None:
    with store:
        put(store, "c", sentence("旧的说法"))
        put(store, "c", sentence("新的说法"), score=50)
        assert (search(store, "旧的").lines, texts(search(store, "新的 score:50"))) == (0, ["新的说法"])
        put(store, "c", sentence("旧的说法"))
        assert texts(search(store, "说法")) == ["旧的说法"]


def test_a_call_that_failed_since_is_not_found(filled: Store) -> None:
    with filled as store:
        call = Call(call_id="early", audio_path="", order_id="o-early")
        store.calls.put_failure(call, FailedCall.of(call, "analyse", "x"))
        assert texts(search(store, "退货")) == ["退货，可以吗"]


def test_a_judgement_anew_is_found_by_its_new_rules(filled: Store) -> None:
    with filled as store:
        report = replace(store.results.get("late"), findings=(hit("price.new"),), score=10)
        store.results.replace("late", "key-2", report, rules_sha256="r2", snapshot="[]")
        assert texts(search(store, "rule:price.* score:10 太慢")) == ["你们太慢了"]


def test_a_deleted_call_is_gone_from_the_index(filled: Store) -> None:
    with filled as store:
        store.deletion.delete(
            store.deletion.find_calls(order="o-early"), by="order", selector="o-early", now=datetime.now(UTC)
        )
        assert texts(search(store, "ANGRY")) == ["你们太慢了"]
        assert search(store, "NOT 不存在").calls == 2
        assert list(store.maintenance.verify()) == []


def test_what_was_stored_without_an_index_is_indexed_later(filled: Store) -> None:
    with filled as store:
        store.search_index.clear()
        assert (store.search_index.count_missing(), search(store, "退货").lines) == (3, 0)
        told: list[tuple[str, int, int]] = []
        assert store.search_index.index_missing(on_progress=lambda *progress: told.append(progress)) == 3
        assert (store.search_index.count_missing(), told) == (0, [("index", 3, 3)])
        assert texts(search(store, "ANGRY AND 退货")) == ["退货运费谁出？"]
        assert store.search_index.index_missing(on_progress=lambda *progress: told.append(progress)) == 0


def test_a_search_of_a_store_that_is_indexed_looks_for_no_missing_call(filled: Store) -> None:
    assert filled.search_index.index_missing(on_progress=lambda *_: None) == 0
    with filled.database.write() as session:  # what an index without this call cannot know
        session.execute(sqlalchemy.text("UPDATE search_calls SET report_key = ''"))
    assert filled.search_index.index_missing(on_progress=lambda *_: None) == 0
    filled.search_index.clear()
    assert filled.search_index.index_missing(on_progress=lambda *_: None) > 0


def test_hits_are_read_for_some_calls_at_a_time(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [texts(search(filled, query, scope)) for query in ("退货", "NEUTRAL") for scope in get_args(Scope)]
    monkeypatch.setattr(word_index, "CALLS_AT_ONCE", 1)
    assert [texts(search(filled, query, scope)) for query in ("退货", "NEUTRAL") for scope in get_args(Scope)] == whole


def test_of_many_calls_the_newest_come_first_page_by_page(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(9):
        put(store, f"c{number}", sentence("我要退货"), hours=number // 2)
    monkeypatch.setattr(search_evaluation, "PAGE", 2)
    assert [hit.call_id for hit in search(store, "退货").hits] == [f"c{number}" for number in range(8, -1, -1)]


def test_a_damaged_index_is_found_by_a_check_and_made_anew(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        put(store, "c", sentence("我要退货"))
        assert list(store.maintenance.verify()) == []
        with store.database.write() as session:
            session.execute(sqlalchemy.text("UPDATE search_words_data SET block = x'00' WHERE id > 10"))
            session.execute(sqlalchemy.text("UPDATE search_lines SET lines = '[1]'"))
        lines, words = store.maintenance.verify()
        assert lines.startswith("search lines 1: ")
        assert words.endswith("qareport store upgrade --reindex rebuilds it")
        store.search_index.clear()
        store.search_index.index_missing(on_progress=lambda *_: None)
        assert list(store.maintenance.verify()) == []
        assert texts(search(store, "退货")) == ["我要退货"]


def test_odd_text_goes_in_and_comes_out(store: Store) -> None:
    odd = ["'); DROP TABLE calls; --", "长" * 5_000, "x" * 5_000, "§angry", "a\\'b & c | d ! (e):*", "", "１２３ﬁ"]
    with store:
        put(store, "c", *(sentence(text) for text in odd))
        assert search(store, "NEUTRAL").lines == len(odd)
        assert texts(search(store, "长长长 OR drop")) == odd[:2]
        assert texts(search(store, "x" * 5_000)) == [odd[2]]
        assert search(store, "ANGRY").lines == 0
        assert texts(search(store, "angry")) == ["§angry"]
        assert texts(search(store, "123fi")) == [odd[6]]
        put(store, "silent")
        assert search(store, "call:silent").lines == 0
        assert search(store, "call:silent", "call").calls == 1


# --- against a second way of working a query out ----------------------------------------------------------------------

WORDS = ("退", "货", "退货", "货运", "运费", "谁出", "退货 运费", "a", "ab*", "a退")
LEAVES = (
    *(f'"{word}"' for word in WORDS if "*" not in word),
    "ab*", "ANGRY", "NEUTRAL", "SILENCE", "role:agent", "score:<50", "risk:high", "agent:A1", "order:o-*", "NOT_JUDGED",
)  # fmt: skip


def holds(node: Node, lines: Sequence[Line], report: CallReport, order: str) -> set[int]:
    """The sentences of a call that a query holds for, worked out one by one."""
    every = set(range(len(lines)))
    match node:
        case Words(terms=terms):
            return {n for n in every if find_spans(lines[n].text, [terms])}
        case Mark(term=term):
            return {n for n in every if term in lines[n].terms}
        case Fact(name=name, value=value, prefix=prefix):
            have = {"agent": report.agent_id, "order": order, "risk": report.risk}[name] or ""
            return every if (have.startswith(value) if prefix else have == value) else set()
        case Between(high=high):
            return every if report.score is not None and report.score < high else set()  # type: ignore[operator]
        case Not(part=part):
            return every - holds(part, lines, report, order)
        case And(parts=parts):
            return set.intersection(*(holds(part, lines, report, order) for part in parts))
        case Or(parts=parts):
            return set.union(*(holds(part, lines, report, order) for part in parts))


def holds_in_call(node: Node, report: CallReport, order: str) -> bool:
    """Whether a query holds for a call, each part of it anywhere."""
    match node:
        case Not(part=part):
            return not holds_in_call(part, report, order)
        case And(parts=parts):
            return all(holds_in_call(part, report, order) for part in parts)
        case Or(parts=parts):
            return any(holds_in_call(part, report, order) for part in parts)
        case Fact() | Between():
            # Also of a call in which nobody speaks.
            return bool(holds(node, [Line(start_ms=0, end_ms=0, role=Role.AGENT, text="")], report, order))
    return bool(holds(node, lines_of(report), report, order))


def query_of(dice: random.Random, depth: int = 0) -> str:
    if depth == 3 or dice.random() < 0.3:
        return dice.choice(LEAVES)
    if dice.random() < 0.2:
        return f"NOT {query_of(dice, depth + 1)}"
    joint = dice.choice((" AND ", " OR ", " "))
    return "(" + joint.join(query_of(dice, depth + 1) for _ in range(dice.randrange(2, 4))) + ")"


def test_queries_made_by_chance_find_what_a_walk_over_all_sentences_finds(store: Store) -> None:
    dice = random.Random(20261121)
    pieces = ("退货", "运费", "谁出", "a", "ab", "退", "，", " ")
    reports = {}
    with store:
        for number in range(16):
            segments = [
                sentence(
                    "".join(dice.choices(pieces, k=dice.randrange(6))),
                    dice.choice((Emotion.ANGRY, Emotion.NEUTRAL, None)),
                    dice.choice((Role.AGENT, Role.CUSTOMER)),
                )
                for _ in range(dice.randrange(6))
            ]
            silences = (Silence(start_ms=1_900, end_ms=2_000),) if dice.random() < 0.5 else ()
            score, risk = dice.choice((None, 20, 80)), dice.choice((Risk.HIGH, Risk.LOW))
            agent = dice.choice(("A1", "B2", None))
            name = f"c{number:02d}"
            put(
                store, name, *segments, hours=number, silences=silences, score=score, risk=risk, agent_id=agent
            )  # fmt: skip
            reports[name] = store.results.get(name)
        spoken = {name for name, report in reports.items() if report.segments}
        for _ in range(80):
            text = query_of(dice)
            node = parse(text, time_zone=ZONE)
            expected = {
                (name, place)
                for name, report in reports.items()
                for place in holds(node, lines_of(report), report, f"o-{name}")
            }
            found = store.search_index.search(node, limit=10_000)
            assert {(hit.call_id, hit.line.start_ms // 1000) for hit in found.hits} == expected, text
            assert [hit.call_id for hit in found.hits] == sorted((hit.call_id for hit in found.hits), reverse=True)
            assert (found.lines, found.calls) == (len(expected), len({name for name, _ in expected})), text
            whole = {name for name, report in reports.items() if holds_in_call(node, report, f"o-{name}")}
            found = store.search_index.search(node, scope="call", limit=10_000)
            assert (found.calls, {hit.call_id for hit in found.hits}) == (len(whole), whole & spoken), text


def test_the_words_of_a_deleted_call_leave_the_index_of_a_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("index")
    with Store(f"sqlite:///{folder / 'store.db'}") as store:
        for number in range(40):
            put(store, f"c{number}", sentence("我要退货"))
        put(store, "c", sentence("魑魅魍魉zyzzyva"))
        assert search(store, "魑魅").lines == 1
        store.deletion.delete(store.deletion.find_calls(order="o-c"), by="order", selector="o-c", now=datetime.now(UTC))
        content = b"".join(path.read_bytes() for path in folder.iterdir())
    for word in ("魑魅", "魅魍", "zyzzyva"):
        assert word.encode() not in content, word
