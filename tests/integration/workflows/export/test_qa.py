"""Approved pairs in each format: its own readers take them, nothing personal is in them, and nothing else leaves."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from qareport import privacy
from qareport.model import Agents, AuditEntry, Call, CallReport, FoundPair, QaFilter, QaKind, QaState
from qareport.store import MinedCall, Store
from qareport.workflows.export.qa import QA_FORMATS, QaExport, write_pairs
from tests.support.store_samples import METRICS

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
ALL = Agents()
#: What is mined; the last one stays mined. A person has typed a number into the second.
PAIRS = (
    FoundPair(kind=QaKind.ANSWER, question="退货运费谁出？", answer="运费由我们承担", q_ms=1, a_ms=2, issue="退换货"),
    FoundPair(kind=QaKind.ANSWER, question="=cmd()|发票怎么开", answer="打13912345678", q_ms=1, a_ms=2, helped=True),
    FoundPair(kind=QaKind.SILENCE_CHECK_IN, question="想退货", answer="您是担心运费吗", q_ms=1, a_ms=2),
    FoundPair(kind=QaKind.PREFERENCE, question="几时发", answer="明天下午发", rejected="系统正常", q_ms=1, a_ms=2),
    FoundPair(kind=QaKind.ANSWER, question="还没有人看过", answer="不能出去", q_ms=1, a_ms=2),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path / 'q.db'}") as opened:
        for number, pair in enumerate(PAIRS):
            call = Call(call_id=f"c{number}", audio_path="", agent_id=f"A{number}")
            report = CallReport(call_id=call.call_id, agent_id=call.agent_id, metrics=METRICS)
            opened.results.put(f"k{number}", call, report, rules_sha256="r")
            opened.qa_pairs.put_mined(
                [MinedCall(call_id=call.call_id, key="k", transcript_key="t", rules_sha256="r", pairs=(pair,))]
            )
        entry = AuditEntry(at=NOW, actor="li", actor_kind="person", action="qa.approved")
        for pair in list(opened.qa_pairs.list_all(QaFilter(), ALL))[:4]:
            opened.qa_pairs.decide(pair, QaState.APPROVED, entry, at=NOW, user_id=None)
        yield opened


def write(store: Store, format: str, agents: Agents = ALL, **more: Any) -> tuple[str, QaExport]:
    file = io.BytesIO()
    options: dict[str, Any] = {"anonymous": False, "wanted": QaFilter()} | more
    export = write_pairs(store, options["wanted"], agents, format, anonymous=options["anonymous"], file=file)
    assert export.describe(NOW)["sha256"] == hashlib.sha256(file.getvalue()).hexdigest()
    return file.getvalue().decode("utf-8-sig"), export


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("format", QA_FORMATS)
def test_nothing_personal_and_nothing_unapproved_leaves(store: Store, format: str) -> None:
    text, export = write(store, format)
    assert export.rows == {"alpaca": 3, "sharegpt": 3, "dpo": 1}.get(format, 4)
    assert "还没有人看过" not in text
    assert "13912345678" not in text
    assert privacy.find(text.replace("t" * 64, "")) == []


def test_json_lines_have_every_field_and_the_source(store: Store) -> None:
    first, second, *_ = lines(write(store, "jsonl")[0])
    assert (first["question"], first["answer"], first["issue"], first["state"]) == (
        "退货运费谁出？", "运费由我们承担", "退换货", "approved",
    )  # fmt: skip
    assert first["source"] == {"call_id": "c0", "q_ms": 1, "a_ms": 2, "transcript_key": "t"}
    assert (second["answer"], second["helped"]) == ("打[电话]", True)


def test_alpaca_is_an_array_of_instructions(store: Store) -> None:
    rows = json.loads(write(store, "alpaca")[0])
    assert [set(row) for row in rows] == [{"instruction", "input", "output", "source"}] * 3
    assert all(isinstance(row["instruction"], str) and row["output"] for row in rows)


def test_sharegpt_has_messages_in_order(store: Store) -> None:
    for row in lines(write(store, "sharegpt")[0]):
        assert [message["role"] for message in row["messages"]] == ["system", "user", "assistant"]
        assert all(set(message) == {"role", "content"} and message["content"] for message in row["messages"])


def test_preferences_say_that_nobody_said_the_chosen_words(store: Store) -> None:
    (row,) = lines(write(store, "dpo", anonymous=True)[0])
    assert row == {"prompt": "几时发", "chosen": "明天下午发", "rejected": "系统正常", "synthetic_chosen": True}


def test_a_spreadsheet_runs_no_formula(store: Store) -> None:
    rows = list(csv.DictReader(io.StringIO(write(store, "csv")[0])))
    assert [row["question"][:5] for row in rows] == ["退货运费谁", "'=cmd", "想退货", "几时发"]
    assert rows[0]["call_id"] == "c0"
    assert "call_id" not in write(store, "csv", anonymous=True)[0].splitlines()[0]


def test_pandas_reads_each_format(store: Store, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    for format, kind in QA_FORMATS.items():
        path = tmp_path / f"{format}.{kind.suffix}"
        path.write_text(write(store, format)[0], "utf-8")
        read = pandas.read_csv(path) if kind.suffix == "csv" else pandas.read_json(path, lines=kind.suffix == "jsonl")
        assert len(read) == write(store, format)[1].rows


def test_a_filter_and_a_reach_hold(store: Store) -> None:
    wanted = QaFilter(states=(QaState.MINED, QaState.APPROVED), words="运费")
    text, export = write(store, "jsonl", wanted=wanted)
    assert [row["source"]["call_id"] for row in lines(text)] == ["c0", "c2"]
    assert export.describe(NOW)["filter"] == {"state": "approved", "q": "运费"}
    assert [row["source"]["call_id"] for row in lines(write(store, "jsonl", Agents(only=frozenset(["A2"])))[0])] == [
        "c2"
    ]


def test_nothing_approved_makes_files_that_can_be_read(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'empty.db'}") as store:
        assert json.loads(write(store, "alpaca")[0]) == []
        assert write(store, "jsonl")[0] == ""
        assert len(write(store, "csv")[0].splitlines()) == 1
