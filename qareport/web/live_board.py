"""What the board and the page of a live call show: who speaks how long, how the customer feels, what is left to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from qareport.analysis import WEIGHTS
from qareport.errors import NotFoundError
from qareport.model import Alert, AlertState, CallReport, LiveCall, LiveLine, Permission, Role
from qareport.model.live import WatchedFinding
from qareport.web import live_reading
from qareport.web.access import Access

#: Calls that ended within this time are still on the board.
RECENT: Final = timedelta(minutes=15)
_MOST_ENDED: Final = 20
#: In milliseconds: so far apart the same may be in the live call and in its recording.
_NEAR_MS: Final = 15_000
#: In seconds: how far back the board's curve of the customer's emotion reaches.
CURVE_S: Final = 60
_WEIGHTS: Final[Mapping[str, float]] = {emotion.value: weight for emotion, weight in WEIGHTS.items()}
#: A new alert counts before one that somebody has taken on, and that before one that was put off.
_ORDER: Final = {AlertState.NEW: 0, AlertState.ACKED: 1, AlertState.SNOOZED: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Countdown:
    """A finding that the agent can still make up for, and how long that takes."""

    finding: WatchedFinding
    #: None: it cannot be told.
    left_s: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feeling:
    """How the customer felt in a sentence of the last `CURVE_S` seconds."""

    emotion: str
    #: -5 … +5, as in the curve of a call.
    value: float
    #: When it was said, in seconds before now, as far as the curve reaches.
    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardRow:
    """A call on the board."""

    call: LiveCall
    #: Names of the agent's teams.
    teams: tuple[str, ...]
    #: Of a call that is on: those that are not over, the first to act on first; of one that is over: all.
    alerts: tuple[Alert, ...]
    countdowns: tuple[Countdown, ...]
    #: The last sentence, and the customer's last one with an emotion.
    last: LiveLine | None
    mood: LiveLine | None
    #: The customer's sentences of the last `CURVE_S` seconds whose emotion is known, the oldest first.
    curve: tuple[Feeling, ...]
    #: How long it has been on, or was.
    seconds: int

    @property
    def turns(self) -> tuple[Feeling, ...]:
        """The sentences of the curve with which the emotion changed."""
        before = (None, *(feeling.emotion for feeling in self.curve))
        return tuple(own for own, last in zip(self.curve, before, strict=False) if own.emotion != last)

    @property
    def order(self) -> tuple[int, int, bool, datetime]:
        """Alerts first, by level and age; then angry customers; then the oldest call."""
        new = [alert for alert in self.alerts if alert.state is AlertState.NEW]
        first = new or list(self.alerts)
        level = max((alert.level for alert in first), default=0)
        since = min((alert.raised_at for alert in first if alert.level == level), default=self.call.started_at)
        is_angry = self.mood is not None and self.mood.emotion == "ANGRY"
        return (-level if new else 0, -level, not first and not is_angry, since)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Who is told of an alert, one after the other."""

    targets: tuple[str, ...]
    #: The place in `targets` of who is told now.
    now: int
    #: In so many seconds the next is told; None: nobody follows, or somebody acts.
    next_s: int | None


def rows_on(access: Access, *, team_id: str = "", words: str = "") -> tuple[BoardRow, ...]:
    """Return the calls that are on, those that need somebody first.

    Args:
        access: who looks.
        team_id: of this team alone; "": of all that may be seen.
        words: in the agent, the call, the order or the last sentence; "": any.

    Raises:
        ForbiddenError: none may be seen.
        NotFoundError: there is no such team, or it is not one of the person's.
    """
    calls = live_reading.calls_on(access)
    rows = _rows(access, calls, team_id)
    wanted = words.casefold().strip()
    return tuple(sorted((row for row in rows if wanted in _words_of(row)), key=lambda row: row.order))


def rows_ended(access: Access, *, team_id: str = "") -> tuple[BoardRow, ...]:
    """Return the calls that ended in the last minutes, the newest first."""
    access.require(Permission.LIVE_READ)
    calls = access.desk.store.live_calls.list_ended(
        access.agents(Permission.LIVE_READ), since=access.desk.now() - RECENT, limit=_MOST_ENDED
    )
    return tuple(_rows(access, calls, team_id))


def row_of(access: Access, call: LiveCall, alerts: Sequence[Alert]) -> BoardRow:
    """Return what is shown of a call."""
    now = access.desk.now()
    shown = [alert for alert in alerts if not (call.state.is_on and alert.state.is_over)]
    moods = (line for line in reversed(call.lines) if line.role is Role.CUSTOMER and line.emotion)
    until = now if call.ended_at is None else call.ended_at
    length = until - call.started_at
    return BoardRow(
        call=call, teams=teams_of(access, call.agent_id), seconds=_seconds(length), alerts=in_order(shown),
        countdowns=countdowns_of(call, now), last=call.lines[-1] if call.lines else None, mood=next(moods, None),
        curve=tuple(_curve(call.lines, length.total_seconds())),
    )  # fmt: skip


def in_order(alerts: Iterable[Alert]) -> tuple[Alert, ...]:
    """Sort alerts: those to act on first, and of them the gravest."""
    return tuple(sorted(alerts, key=lambda alert: (_ORDER.get(alert.state, 3), -alert.level, alert.raised_at)))


def countdowns_of(call: LiveCall, now: datetime) -> tuple[Countdown, ...]:
    """Return what the agent can still make up for in a call that is on, the most urgent first."""
    if not call.state.is_on:
        return ()
    counted = []
    for finding in call.findings:
        if finding.is_open:
            until = finding.until_ms
            left = None if until is None else call.started_at + timedelta(milliseconds=until) - now
            counted.append(Countdown(finding=finding, left_s=None if left is None else max(0, _seconds(left))))
    return tuple(sorted(counted, key=lambda item: (item.left_s is None, item.left_s or 0)))


def route_of(access: Access, alert: Alert) -> Route:
    """Return who is told of an alert, and whose turn it is."""
    settings = access.desk.settings.alerts
    teams = tuple(team.team_id for team in access.desk.store.teams.list() if alert.agent_id in team.agents)
    targets = settings.targets(teams)
    place, next_s = min(alert.route, len(targets) - 1), None
    if alert.state is AlertState.NEW and place + 1 < len(targets):
        due = alert.routed_at + timedelta(seconds=settings.escalate_s) - access.desk.now()
        next_s = max(0, _seconds(due))
    return Route(targets=targets, now=place, next_s=next_s)


def result_of(access: Access, call: LiveCall) -> CallReport | None:
    """Return the result that took a live call's place; None: not yet, or it may not be seen."""
    if call.merged_call_id is None or not access.principal.may(Permission.CALLS_READ):
        return None
    try:
        return access.call(call.merged_call_id)
    except NotFoundError:
        return None


def is_in(finding: WatchedFinding, report: CallReport) -> bool:
    """Tell whether the result of the recording has a finding of the live call, too."""
    return any(
        found.rule_id == finding.rule_id
        and any(abs(at_ms - finding.at_ms) <= _NEAR_MS for at_ms in (found.at_ms, *(e.at_ms for e in found.evidence)))
        for found in report.findings
    )


def _rows(access: Access, calls: Sequence[LiveCall], team_id: str) -> list[BoardRow]:
    if team_id:
        members = access.agents_of(team_id, Permission.LIVE_READ)
        calls = [call for call in calls if members.holds(call.agent_id)]
    alerts = access.desk.store.alerts.list_of([call.live_id for call in calls]) if calls else ()
    return [row_of(access, call, [own for own in alerts if own.live_id == call.live_id]) for call in calls]


def teams_of(access: Access, agent_id: str | None) -> tuple[str, ...]:
    """Return the names of an agent's teams, as far as they may be seen."""
    key = ("teams", access.agents(Permission.LIVE_READ), access.principal.teams)
    known: Mapping[str, tuple[str, ...]] = access.desk.recently(key, lambda: _teams(access))
    return known.get(agent_id or "", ())


def _teams(access: Access) -> Mapping[str, tuple[str, ...]]:
    teams: dict[str, tuple[str, ...]] = {}
    for team in access.teams():
        for agent in team.agents:
            teams[agent] = (*teams.get(agent, ()), team.name)
    return teams


def _curve(lines: Sequence[LiveLine], now_s: float) -> Iterator[Feeling]:
    for line in sorted(lines, key=lambda line: line.start_ms):
        weight = _WEIGHTS.get(line.emotion or "") if line.role is Role.CUSTOMER else None
        to_s = max(0.0, now_s - line.end_ms / 1000)
        if weight is not None and line.emotion and to_s < CURVE_S:
            from_s = min(float(CURVE_S), max(to_s, now_s - line.start_ms / 1000))
            value = weight if line.score is None else weight * line.score
            yield Feeling(emotion=line.emotion, value=value, from_s=from_s, to_s=to_s)


def _words_of(row: BoardRow) -> str:
    call = row.call
    parts = (call.agent_id, call.call_id, call.order_id, row.last.text if row.last else None)
    return "\n".join(part for part in parts if part).casefold()


def _seconds(length: timedelta) -> int:
    return round(length.total_seconds())
