"""Alerts: raised once, a level higher when it happens again, told to the next when nobody looks, over at last."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from qareport.model import Alert, AlertState, LiveCall, LiveState, Role, Signal
from qareport.settings import AlertSettings, RouteSettings
from qareport.workflows.live.alerting import AlertChange, of_signal, pass_time, raise_alert
from qareport.workflows.live.signals import Noticed

NOW = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
CALL = LiveCall(
    live_id="l", call_id="c", agent_id="A1", convention="pcm", state=LiveState.OPEN, channel_roles=(), started_at=NOW
)
SETTINGS, TARGETS = AlertSettings(), ("desk", "hook:2")


def alert(second: int = 0, signal: Signal = Signal.ANGER) -> Alert:
    return of_signal(CALL, Noticed(signal=signal, at_ms=second * 1000), "气死了", NOW + timedelta(seconds=second))


def raised(new: Alert, *known: Alert) -> AlertChange | None:
    return raise_alert(new, known, SETTINGS, targets=TARGETS)


def later(kept: Alert, seconds: int, call: LiveCall = CALL) -> list[AlertChange]:
    return pass_time([(kept, call.ended_at, TARGETS)], SETTINGS, at=NOW + timedelta(seconds=seconds))


def test_the_first_is_told_to_the_first_of_the_route() -> None:
    assert raised(alert()) == AlertChange(alert=alert(), tell=("desk",))
    assert raised(alert(5, Signal.CHURN), replace(alert(), alert_id=1)) is not None


def test_the_same_within_the_cooldown_is_nothing_and_after_it_a_level_higher() -> None:
    kept = replace(alert(), alert_id=7)
    assert raised(alert(30), kept) is None
    change = raised(alert(90), kept)
    assert change is not None
    assert (change.alert.alert_id, change.alert.level, change.alert.count) == (7, 3, 2)
    again = raised(alert(200), replace(change.alert, state=AlertState.ACKED))
    assert again is not None
    assert (again.alert.level, again.alert.state) == (3, AlertState.ACKED)


def test_where_who_speaks_is_not_known_the_title_says_so_and_the_alert_is_less_grave() -> None:
    somebodys = of_signal(CALL, Noticed(signal=Signal.ANGER, at_ms=0, speaker=Role.UNKNOWN), "气死了", NOW)
    assert somebodys.title == "somebody is angry; who speaks is not known"
    assert (somebodys.level, alert().level) == (1, 2)


def test_a_false_alarm_does_not_come_again_and_a_closed_one_is_a_new_alert() -> None:
    false = replace(alert(), alert_id=7, state=AlertState.FALSE_ALARM)
    assert raised(alert(500), false) is None
    change = raised(alert(500), replace(false, state=AlertState.CLOSED))
    assert change is not None
    assert change.alert.alert_id == 0


def test_what_nobody_acknowledges_goes_to_the_next_and_stays_with_the_last() -> None:
    kept = replace(alert(), alert_id=7)
    assert later(kept, 59) == []
    (change,) = later(kept, 61)
    assert (change.alert.route, change.tell) == (1, ("hook:2",))
    assert later(change.alert, 500) == []
    assert later(replace(kept, state=AlertState.ACKED), 500) == []


def test_what_was_put_off_comes_back() -> None:
    until = NOW + timedelta(minutes=5)
    kept = replace(alert(), alert_id=7, state=AlertState.SNOOZED, snoozed_until=until)
    assert later(kept, 299) == []
    (change,) = later(kept, 300)
    assert (change.alert.state, change.tell) == (AlertState.NEW, ("desk",))


def test_ten_minutes_after_the_call_it_is_closed() -> None:
    ended = replace(CALL, state=LiveState.ENDED, ended_at=NOW)
    kept = replace(alert(), alert_id=7, state=AlertState.ACKED)
    assert later(kept, 599, ended) == []
    assert later(kept, 600, ended)[0].alert.state is AlertState.CLOSED


def test_the_first_route_that_names_the_team_counts() -> None:
    settings = AlertSettings(routes=(RouteSettings(team="red", to=("hook:1", "desk")), RouteSettings()))
    assert settings.targets(("blue", "red")) == ("hook:1", "desk")
    assert settings.targets(("blue",)) == ("desk",)
    assert AlertSettings(routes=()).targets(()) == ("desk",)
