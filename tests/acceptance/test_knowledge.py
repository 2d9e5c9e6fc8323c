"""Mining and exporting by command, on calls of the corpus: each row resolves, and nothing personal leaves."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from qareport import privacy
from qareport.model import Agents, AuditEntry, Call, QaFilter, QaState
from qareport.settings import default_dir
from qareport.store import Store
from qareport.workflows.judge import judge_call
from qareport.workflows.workspace import Workspace
from tests.support.command import run_qareport
from tests.support.corpus_calls import read_cases, transcript_of

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store with some calls of the corpus."""
    made = f"sqlite:///{tmp_path / 'q.db'}"
    with Workspace.open(config=default_dir("config")) as workspace, Store(made) as store:
        for case in list(read_cases(["U"]))[:15]:
            transcript = transcript_of(case, with_acts=True)
            call = Call(call_id=case["id"], audio_path="", agent_id="A1", started_at=NOW)
            report = judge_call(call, transcript, workspace.rule_book, earlier=())
            store.results.put(case["id"].ljust(64, "0"), call, report, rules_sha256="r")
    return made


def test_calls_teach_what_is_approved_and_nothing_else(url: str, tmp_path: Path) -> None:
    mined = run_qareport(["qa", "mine", "--store", url], cwd=tmp_path)
    assert mined.status == 0, mined.stderr
    nothing = run_qareport(["export", "qa", "-o", "none.jsonl", "--store", url], cwd=tmp_path)
    assert (nothing.status, (tmp_path / "none.jsonl").read_text()) == (0, "")
    entry = AuditEntry(at=NOW, actor="li", actor_kind="person", action="qa.approved")
    with Store(url) as store:
        pairs = list(store.qa_pairs.list_all(QaFilter(), Agents()))
        assert pairs
        for pair in pairs:
            store.qa_pairs.decide(pair, QaState.APPROVED, entry, at=NOW, user_id=None)
        known = {call_id for call_id, _ in store.qa_pairs.list_unmined("none")}
    for arguments in (["-o", "qa.jsonl"], ["--format", "csv", "-o", "qa.csv"], ["--format", "dpo", "-o", "dpo.jsonl"]):
        ran = run_qareport(["export", "qa", *arguments, "--store", url], cwd=tmp_path)
        assert ran.status == 0, ran.stderr
    rows = [json.loads(line) for line in (tmp_path / "qa.jsonl").read_text("utf-8").splitlines()]
    assert len(rows) == len(pairs) == json.loads((tmp_path / "qa.jsonl.meta.json").read_text())["rows"]
    assert {row["source"]["call_id"] for row in rows} <= known
    texts = [row[name] for row in rows for name in ("question", "answer", "rejected")]
    assert [text for text in texts if privacy.find(text)] == []
    with (tmp_path / "qa.csv").open(encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.DictReader(file))) == len(rows)


def test_what_does_not_fit_is_said(url: str, tmp_path: Path) -> None:
    for arguments, words in (
        (["export", "qa", "--format", "xlsx"], "jsonl, alpaca"),
        (["export", "qa", "--order", "1"], "--agent"),
        (["export", "calls", "--format", "dpo"], "export qa"),
        (["export", "calls", "--anonymous"], "export qa"),
    ):
        ran = run_qareport([*arguments, "--store", url], cwd=tmp_path)
        assert (ran.status, words in ran.stderr) == (2, True), ran.stderr
