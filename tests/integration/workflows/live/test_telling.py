"""What happens in live calls reaches the webhooks that wait for it, and a store that fails disturbs no call."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from qareport.codec import to_data
from qareport.errors import StoreError
from qareport.model import Alert, AlertState, EventType, LiveEvent, Signal, Team
from qareport.store import Store
from qareport.workflows.live.telling import tell_others

NOW = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path / 'q.db'}") as opened:
        opened.webhooks.add("crm", "https://crm.example.com/", at=NOW)
        opened.teams.put(Team(team_id="red", name="red", agents=("A1",)))
        yield opened


def changed(state: AlertState) -> LiveEvent:
    alert = Alert(
        alert_id=3, live_id="l1", call_id="c1", agent_id="A1", signal=Signal.ANGER, title="客户生气", level=2,
        at_ms=87_000, quote="打13812345678", state=state, raised_at=NOW, routed_at=NOW, acked_by=1,
    )  # fmt: skip
    return LiveEvent(type="alert.changed", live_id="l1", agent_id="A1", data={"alert": to_data(alert), "tell": []})


@pytest.mark.parametrize(
    ("state", "type_"),
    [
        (AlertState.ACKED, EventType.ALERT_CHANGED),
        (AlertState.FALSE_ALARM, EventType.ALERT_CLEARED),
        (AlertState.CLOSED, EventType.ALERT_CLEARED),
    ],
)
def test_an_alert_is_told_with_its_team_and_without_numbers_until_it_is_cleared(
    store: Store, state: AlertState, type_: EventType
) -> None:
    tell_others(store, changed(state), at=NOW)
    (told,) = store.webhook_queue.list(object="live:l1")
    assert told.type is type_
    assert told.data is not None
    assert (told.data["team"], told.data["state"], told.data["quote"]) == ("red", state.value, "打[电话]")
    assert "acked_by" not in told.data


def test_what_is_for_the_desk_alone_is_told_to_nobody_else(store: Store) -> None:
    tell_others(store, LiveEvent(type="live.line", live_id="l1", agent_id="A1", data={"text": "您好"}), at=NOW)
    assert store.webhook_queue.list() == ()


def test_a_store_that_fails_keeps_nobody_from_hearing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> int:
        raise StoreError("disk full")

    monkeypatch.setattr(type(store.webhooks), "raise_event", fail)
    tell_others(store, changed(AlertState.NEW), at=NOW)
