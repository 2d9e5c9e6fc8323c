"""What is heard is kept before anybody is told of it, by a thread for which nobody who hears waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from qareport.errors import StoreError
from qareport.model import JobKind, LiveCall, LiveEvent, LiveState, Role, Signal
from qareport.settings import Settings
from qareport.store import Store
from qareport.workflows.live.call_keeper import KeptCall, LiveKeeper
from qareport.workflows.live.recording import Recordings
from qareport.workflows.live.signals import Noticed
from tests.support.live_calls import VirtualCalls
from tests.support.patience import scaled, wait_for

T = TypeVar("T")
NOW = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
LINE = {
    "start_ms": 0, "end_ms": 900, "role": Role.CUSTOMER, "channel": 0, "text": "我要投诉。", "emotion": "ANGRY",
    "score": 0.9, "events": [],
}  # fmt: skip


@dataclass
class Keeping:
    """A keeper over a store with one call that is on, and what it told."""

    store: Store
    keeper: LiveKeeper
    recordings: Recordings
    told: list[LiveEvent] = field(default_factory=list)

    def put(self, *events: tuple[str, dict[str, Any]]) -> None:
        self.keeper.put(LiveEvent(type=type_, live_id="l1", agent_id="A1", data=data) for type_, data in events)

    def wait_for(self, type_: str) -> LiveEvent:
        return wait_for(lambda: [event for event in list(self.told) if event.type == type_], what=type_)[0]


@pytest.fixture
def keeping(tmp_path: Path) -> Iterator[Keeping]:
    calls = VirtualCalls.begin()
    calls.open("l1")
    with Store(f"sqlite:///{tmp_path / 'q.db'}") as store, Recordings(tmp_path / "sound") as recordings:
        keeper = LiveKeeper(store, Settings(), recordings, clock=lambda: NOW, watch=lambda: None)
        path = recordings.begin("l1", 8000, 1)
        call = LiveCall(
            live_id="l1", call_id="c1", agent_id="A1", convention="pcm", state=LiveState.OPEN, started_at=NOW,
            channel_roles=(Role.CUSTOMER,), audio_path=str(path),
        )  # fmt: skip
        store.live_calls.put(call)
        keeper.calls["l1"] = KeptCall(
            call=call, heard=calls.core.calls["l1"], connected={0}, taken={0}, targets=("desk",), began_s=0, heard_s=0
        )
        opened = Keeping(store, keeper, recordings)
        keeper.listeners.append(opened.told.append)
        with keeper:
            yield opened


def test_who_is_told_of_a_signal_finds_it_in_the_store_with_what_was_said_before(keeping: Keeping) -> None:
    found: list[LiveCall] = []

    def look(event: LiveEvent) -> None:
        if event.type == "live.signal":
            found.append(keeping.store.live_calls.get("l1"))

    keeping.keeper.listeners.append(look)
    noticed = Noticed(signal=Signal.ESCALATION, at_ms=0, quote="我要投诉，打13812345678。")
    keeping.put(("live.line", LINE), ("live.signal", {"noticed": noticed, "since_s": time.monotonic() - 0.6}))
    raised = keeping.wait_for("alert.raised")
    assert [event.type for event in keeping.told] == ["live.line", "live.signal", "alert.raised"]
    (call,) = found
    assert [line.text for line in call.lines] == ["我要投诉。"]
    assert [(signal.signal, signal.quote) for signal in call.signals] == [(Signal.ESCALATION, "我要投诉，打[电话]。")]
    assert raised.data["alert"]["quote"] == "我要投诉，打[电话]。"
    delays = wait_for(lambda: keeping.keeper.alert_delays if keeping.keeper.alert_delays.total_s else None, what="it")
    assert sum(delays.counts) == 1
    assert 0.6 <= delays.total_s < scaled(20)


def test_what_happens_at_once_is_kept_in_one_transaction(keeping: Keeping, monkeypatch: pytest.MonkeyPatch) -> None:
    change, kept = keeping.store.live_calls.change, list[int]()
    entered, goes_on = threading.Event(), threading.Event()

    def count(calls: Any) -> None:
        kept.append(len(calls[0].signals))
        entered.set()
        assert goes_on.wait(scaled(20))
        change(calls)

    monkeypatch.setattr(keeping.store.live_calls, "change", count)
    signals = [
        ("live.signal", {"noticed": Noticed(signal=Signal.IRONY, at_ms=at_ms), "since_s": 0.0}) for at_ms in range(5)
    ]
    keeping.put(signals[0])
    assert entered.wait(scaled(20))
    began = time.monotonic()
    keeping.put(*signals[1:])  # who hears goes on, although the store hangs
    assert time.monotonic() - began < scaled(1)
    goes_on.set()
    wait_for(lambda: sum(event.type == "live.signal" for event in keeping.told) == 5, what="the signals")
    assert kept[:2] == [1, 5]


def test_a_call_that_ends_while_the_store_fails_is_handed_over_once_it_works_again(
    keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_over, fails = keeping.store.live_calls.hand_over, [True]

    def fail(*call: Any, **at: Any) -> None:
        if fails:
            raise StoreError("the disk is full")
        hand_over(*call, **at)

    monkeypatch.setattr(keeping.store.live_calls, "hand_over", fail)
    keeping.recordings.add("l1", 0, np.ones(8000, np.int16))
    keeping.put(("live.line", LINE), ("live.ended", {"at_ms": 1000}))
    keeping.wait_for("live.ended")
    assert keeping.store.live_calls.get("l1").state is LiveState.OPEN
    fails.clear()
    wait_for(lambda: keeping.store.live_calls.get("l1").state is LiveState.ENDED, what="the end")
    assert [line.text for line in keeping.store.live_calls.get("l1").lines] == ["我要投诉。"]
    (job,) = wait_for(lambda: keeping.store.jobs.list(JobKind.UPLOAD), what="the upload")
    assert job.payload["live_id"] == "l1"


def test_a_listener_that_fails_keeps_nobody_else_from_being_told(keeping: Keeping) -> None:
    called: list[str] = []

    def fail(event: LiveEvent) -> None:
        called.append(event.type)
        raise RuntimeError(event.type)

    keeping.keeper.calls["l1"].listeners.append(((0,), fail))
    keeping.keeper.listeners.insert(0, fail)
    keeping.put(("live.line", LINE))
    keeping.wait_for("live.line")
    assert called == ["live.line", "live.line"]


def test_calls_that_are_on_when_it_stops_are_lost_and_handed_over(tmp_path: Path, keeping: Keeping) -> None:
    keeping.put(("live.line", LINE))
    keeping.keeper.__exit__()
    call = keeping.store.live_calls.get("l1")
    assert (call.state, call.ended_by, len(call.lines)) == (LiveState.MERGE_FAILED, "restart", 1)  # without sound
    keeping.keeper._thread = threading.Thread()  # the fixture stops it again
    keeping.keeper._thread.start()
