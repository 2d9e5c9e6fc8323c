"""Calls are judged while others are transcribed; what goes wrong in the thread is its user's to know."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from contextvars import ContextVar
from pathlib import Path

import pytest

from qareport.errors import StoreError
from qareport.model import AudioInfo, Call, ModelInfo, Role, Segment, Transcript
from qareport.store import Store
from qareport.workflows import judge
from qareport.workflows.judge import RuleBook
from qareport.workflows.judging_thread import JudgingThread
from qareport.workflows.transcribe import TranscribedCall
from qareport.workflows.workspace import Workspace


def item(call_id: str) -> TranscribedCall:
    transcript = Transcript(
        call_id=call_id,
        audio=AudioInfo(path="a.wav", sha256=call_id, duration_ms=20_000, sample_rate=8000, channels=2),
        model=ModelInfo(name="somewhere", revision="1"),
        segments=(Segment(start_ms=1000, end_ms=4000, role=Role.CUSTOMER, text="什么时候发货？"),),
    )
    return TranscribedCall(
        call=Call(call_id=call_id, audio_path="a.wav"), key=judge.transcript_key(transcript), transcript=transcript
    )


@pytest.fixture(scope="module")
def rule_book() -> RuleBook:
    return Workspace.open().rule_book


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        yield opened


def test_all_calls_are_judged_in_the_order_in_which_they_come(store: Store, rule_book: RuleBook) -> None:
    seen: list[tuple[str, int, int]] = []
    names = [f"c{number}" for number in range(70)]  # more than may wait at once
    with JudgingThread(store, rule_book, total=99, on_progress=lambda *step: seen.append(step)) as judging:
        for name in names:
            judging.add(item(name))
        done, failures = judging.finish()
    assert [call.call_id for call in done] == names
    assert failures == ()
    assert seen == [("analyse", number, 99) for number in range(1, 71)]
    assert store.results.get("c69").metrics.duration_ms == 20_000


def test_a_store_that_fails_stops_the_run(store: Store, rule_book: RuleBook, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "store.db")) as broken:
        broken.execute("DROP TABLE call_reports")
        broken.commit()
    with pytest.raises(StoreError):
        judge_many(store, rule_book, 1)
    with pytest.raises(StoreError):
        judge_many(store, rule_book, 200)  # it neither waits for ever nor loses the error


def judge_many(store: Store, rule_book: RuleBook, count: int, *, broken: bool = False) -> None:
    with JudgingThread(store, rule_book, total=count, on_progress=lambda *_: None) as judging:
        for number in range(count):
            judging.add(item(f"c{number}"))
        if broken:
            raise KeyboardInterrupt
        judging.finish()


def test_what_waits_when_a_run_breaks_off_is_left_to_the_next(store: Store, rule_book: RuleBook) -> None:
    with pytest.raises(KeyboardInterrupt):
        judge_many(store, rule_book, 50, broken=True)
    assert not store.calls.has_result("c49")


def test_the_thread_speaks_the_language_of_its_run(store: Store, rule_book: RuleBook) -> None:
    language: ContextVar[str] = ContextVar("language", default="none")
    seen: list[str] = []
    token = language.set("zh-CN")
    with JudgingThread(store, rule_book, total=1, on_progress=lambda *_: seen.append(language.get())) as judging:
        judging.add(item("c1"))
        judging.finish()
    language.reset(token)
    assert seen == ["zh-CN"]
