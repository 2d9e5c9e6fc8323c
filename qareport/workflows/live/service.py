"""Live calls of one process: what telephone systems send goes to the core, what it tells to the store and the desk.

Telephone systems call `begin`, `push` and `end` from their own threads; one thread ticks, and alone touches the core.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from qareport import events, privacy
from qareport.audio.streaming import Pcm
from qareport.codec import to_data
from qareport.errors import os_reason
from qareport.messages import say
from qareport.model import Alert, LiveCall, LiveEvent, LiveLine, LiveState, Role
from qareport.model.live import NoticedSignal, WatchedFinding
from qareport.rules.live import LiveFinding, LiveFindingState
from qareport.workflows.judge import RuleBook
from qareport.workflows.live import alerting, merging
from qareport.workflows.live.alerting import AlertChange
from qareport.workflows.live.core import TICK_S, LiveCore
from qareport.workflows.live.recording import Recordings
from qareport.workflows.live.signals import Noticed
from qareport.workflows.live.starting import LiveLeg, LiveRefusedError, LiveStart, summary
from qareport.workflows.live.telling import tell_others

if TYPE_CHECKING:
    from qareport.asr.streaming import LiveRecogniser
    from qareport.store import Store

#: So often lines of calls that are on are kept, and alerts are looked at.
_KEEP_S: Final = 1.0
Listener = Callable[[LiveEvent], None]


@dataclass(slots=True)
class _Kept:
    """A call as the service knows it."""

    call: LiveCall
    sample_rate: int
    #: Channels whose connection is open, and all that ever had one.
    connected: set[int]
    taken: set[int]
    alerts: list[Alert]
    targets: Sequence[str]
    lines: list[LiveLine]
    began_s: float
    heard_s: float
    is_changed: bool = False
    #: Who is told what is heard on which channels.
    listeners: list[tuple[tuple[int, ...], Listener]] = field(default_factory=list)


class LiveService:
    """Live calls. Use it as a context manager: its thread ticks."""

    def __init__(
        self, store: Store, rule_book: RuleBook, recogniser: LiveRecogniser, folder: Path, *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:  # fmt: skip
        """Take what to work with; `folder` is where recordings are kept."""
        self._store = store
        self._book = rule_book
        self._settings = rule_book.settings
        self._clock = clock
        self._prepare_thread = recogniser.prepare_thread
        self.core: Final = LiveCore(recogniser, rule_book)
        self._recordings = Recordings(folder)
        self.core.on_sound = self._recordings.add  # type: ignore[method-assign]
        self._calls: dict[str, _Kept] = {}
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="qareport-live", daemon=True)
        self._kept_s = 0.0
        self._was_overloaded = False
        #: Called with everything that happens, from the thread that ticks.
        self.listeners: Final[list[Listener]] = [lambda event: tell_others(store, event, at=clock())]

    def __enter__(self) -> LiveService:
        merging.end_orphans(self._store, at=self._clock())
        self._recordings.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        for live_id in list(self._calls):
            self._close(live_id, LiveState.LOST, "restart")
        self._recordings.__exit__()

    # --- what telephone systems call ----------------------------------------------------------------------------------

    def begin(self, start: LiveStart, *, listener: Listener | None = None) -> LiveLeg:
        """Begin a call, or the other half of one.

        Args:
            start: what is said of it.
            listener: called with what is heard on these channels, from the thread that ticks.

        Raises:
            LiveRefusedError: too many calls, no room on the disk, or this side of the call is here already.
        """
        with self._lock:
            joined = self._join(start, listener)
            if joined is not None:
                return joined
            if len(self._calls) >= self._settings.live.max_calls or self.core.load.is_overloaded:
                raise LiveRefusedError("overload", say("too many calls at once; this one is not heard live"))
            roles = start.roles
            if start.is_half:
                roles = (Role.CUSTOMER, Role.AGENT)
            channels = (roles.index(start.roles[0]),) if start.is_half else tuple(range(len(roles)))
            live_id = uuid.uuid4().hex
            try:
                path = self._recordings.begin(live_id, start.sample_rate, len(roles))
            except OSError as error:
                what = say("the recording cannot be made: {why}", why=os_reason(error))
                raise LiveRefusedError("overload", what) from error
            call = LiveCall(
                live_id=live_id, call_id=start.call_id, order_id=start.order_id, agent_id=start.agent_id,
                external_ref=start.external_ref, customer_phone=start.customer_phone, convention=start.convention,
                peer=start.peer, state=LiveState.OPEN, channel_roles=roles,
                started_at=self._clock().astimezone(ZoneInfo(self._settings.period.time_zone)),
                audio_path=str(path),
            )  # fmt: skip
            now_s = time.monotonic()
            kept = _Kept(
                call, start.sample_rate, set(channels), set(channels), [], self._targets(call.agent_id), [], now_s,
                now_s, listeners=[(channels, listener)] if listener else [],
            )  # fmt: skip
            self._store.live_calls.put(call)
            self._calls[live_id] = kept
            self._hear(kept, now_s)
        self._tell(LiveEvent(type="live.started", live_id=live_id, agent_id=call.agent_id, data=summary(call)))
        events.happened("live", "started", call_id=call.call_id)
        return LiveLeg(live_id=live_id, channels=channels)

    def _hear(self, kept: _Kept, now_s: float) -> None:
        call = kept.call
        self.core.open(
            call.live_id, call_id=call.call_id, agent_id=call.agent_id, roles=call.channel_roles,
            sample_rate=kept.sample_rate, started_at=call.started_at, now_s=now_s,
        )  # fmt: skip

    def push(self, leg: LiveLeg, channel: int, sound: Pcm, at_ms: int | None = None) -> None:
        """Take sound, int16 [samples], of a connection's channel; `at_ms`: where it belongs, if that is said."""
        heard = self.core.calls.get(leg.live_id)
        kept = self._calls.get(leg.live_id)
        if heard is not None and kept is not None and not heard.is_ending:
            kept.heard_s = time.monotonic()
            heard.arrived.append((leg.channels[channel], sound, at_ms))

    def waiting_ms(self, leg: LiveLeg) -> int:
        """Return how much sound of a call waits to be looked at."""
        heard = self.core.calls.get(leg.live_id)
        if heard is None:
            return 0
        samples = sum(sound.size for _, sound, _ in list(heard.arrived))
        return samples * 1000 // (heard.channels[0].sample_rate * len(heard.channels))

    def hold(self, leg: LiveLeg, *, is_held: bool) -> None:
        """Note that the telephone system holds a call, or no longer does."""
        with self._lock:
            kept = self._calls.get(leg.live_id)
            if kept is not None:
                self._set_state(kept, LiveState.HELD if is_held else LiveState.OPEN)

    def end(self, leg: LiveLeg, reason: str = "hangup") -> None:
        """End a connection; the call ends with its last one."""
        with self._lock:
            kept = self._calls.get(leg.live_id)
            if kept is None:
                return
            kept.connected.difference_update(leg.channels)
            if not kept.connected:
                kept.call = replace(kept.call, ended_by=reason)
                self.core.end(leg.live_id)
                return
            for channel in leg.channels:
                self.core.end_channel(leg.live_id, channel)

    def _join(self, start: LiveStart, listener: Listener | None) -> LiveLeg | None:
        for kept in self._calls.values():
            if kept.call.call_id != start.call_id or not kept.call.state.is_on:
                continue
            role = start.roles[0]
            if not start.is_half or role not in kept.call.channel_roles or kept.sample_rate != start.sample_rate:
                raise LiveRefusedError("conflict", say("call {call_id} is on already", call_id=start.call_id))
            channel = kept.call.channel_roles.index(role)
            if channel in kept.taken:
                raise LiveRefusedError("conflict", say("call {call_id} is on already", call_id=start.call_id))
            kept.connected.add(channel)
            kept.taken.add(channel)
            kept.listeners += [((channel,), listener)] if listener else []
            return LiveLeg(live_id=kept.call.live_id, channels=(channel,))
        return None

    def _targets(self, agent_id: str | None) -> Sequence[str]:
        teams = tuple(team.team_id for team in self._store.teams.list() if agent_id in team.agents)
        return self._settings.alerts.targets(teams)

    # --- the thread that ticks ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        self._prepare_thread()
        due_s = time.monotonic()
        while not self._stopping.is_set():
            now_s = time.monotonic()
            try:
                self.tick(now_s)
            except Exception as error:  # noqa: BLE001 - a fault in one tick ends no call
                events.happened("live", "failed", reason=str(events.reason_of(error)))
            due_s = max(due_s + TICK_S, now_s)
            self._stopping.wait(max(0.0, due_s - time.monotonic()))

    def tick(self, now_s: float) -> None:
        """Look at everything once."""
        with self._lock:
            told = self.core.tick(now_s)
        for event in told:
            self._handle(event)
        if now_s - self._kept_s >= _KEEP_S:
            self._kept_s = now_s
            self._end_idle(now_s)
            self._keep_lines()
            self._watch_alerts()
            self._watch_load()

    def _handle(self, event: LiveEvent) -> None:
        kept = self._calls.get(event.live_id)
        if kept is None:
            return
        if event.type == "live.line":
            kept.lines.append(LiveLine(**{**event.data, "events": tuple(event.data["events"])}))
            kept.is_changed = True
            self._tell(event)
        elif event.type == "live.signal":
            self._signal(kept, event.data["noticed"])
        elif event.type == "live.finding":
            self._finding(kept, event.data["found"])
        elif event.type == "live.ended":
            state = LiveState.LOST if kept.call.ended_by in ("idle", "vanished", "fault") else LiveState.ENDED
            self._close(event.live_id, state, kept.call.ended_by)
        elif event.type == "live.channel_ended":
            self._tell_legs(event, kept)
            kept.listeners = [item for item in kept.listeners if event.data["channel"] not in item[0]]
        else:
            self._tell(event)

    def _signal(self, kept: _Kept, noticed: Noticed) -> None:
        quote = self._mask(noticed.quote)
        seen = NoticedSignal(signal=noticed.signal, at_ms=noticed.at_ms, quote=quote, speaker=noticed.speaker)
        with self._lock:
            kept.call = replace(kept.call, signals=(*kept.call.signals, seen))
        self._keep(kept)
        self._tell_of(kept, "live.signal", to_data(seen))
        if noticed.signal.value in self._settings.alerts.signals:
            self._raise(kept, alerting.of_signal(kept.call, noticed, quote, self._clock()))

    def _finding(self, kept: _Kept, found: LiveFinding) -> None:
        finding = found.finding
        quote = self._mask(next((evidence.quote for evidence in finding.evidence if evidence.quote), ""))
        advice = self._mask(finding.advice)
        watched = WatchedFinding(
            rule_id=finding.rule_id, title=finding.title, severity=finding.severity, at_ms=finding.at_ms,
            state=found.state.value, until_ms=found.until_ms, quote=quote, advice=advice,
        )  # fmt: skip
        with self._lock:
            others = [w for w in kept.call.findings if (w.rule_id, w.at_ms) != (watched.rule_id, watched.at_ms)]
            kept.call = replace(kept.call, findings=(*others, watched))
        self._keep(kept)
        self._tell_of(kept, "live.finding", to_data(watched))
        if found.state is LiveFindingState.CONFIRMED and kept.call.state.is_on and not kept.call.ended_by:
            self._raise(kept, alerting.of_finding(kept.call, found, quote, advice, self._clock()))

    def _raise(self, kept: _Kept, new: Alert) -> None:
        # As they are now: somebody may have acknowledged one since they were looked at.
        known = self._store.alerts.list_of([new.live_id])
        change = alerting.raise_alert(new, known, self._settings.alerts, targets=kept.targets)
        if change is not None:
            self._keep_alert(kept, change)

    def _keep_alert(self, kept: _Kept, change: AlertChange) -> None:
        alert = change.alert
        if alert.alert_id:
            self._store.alerts.change(alert)
            kept.alerts = [alert if known.alert_id == alert.alert_id else known for known in kept.alerts]
        else:
            alert = self._store.alerts.add(alert)
            kept.alerts.append(alert)
        type_ = "alert.changed" if change.alert.alert_id else "alert.raised"
        self._tell_of(kept, type_, {"alert": to_data(alert), "tell": list(change.tell)})
        events.happened("alert", alert.state.value, call_id=alert.call_id, subject=alert.subject)

    def _end_idle(self, now_s: float) -> None:
        live = self._settings.live
        for kept in list(self._calls.values()):
            if kept.call.ended_by:
                continue
            is_idle = now_s - kept.heard_s >= live.idle_s
            if not is_idle and now_s - kept.began_s < live.max_minutes * 60:
                continue
            with self._lock:
                kept.connected.clear()
                kept.call = replace(kept.call, ended_by="idle" if is_idle else "limit")
                self.core.end(kept.call.live_id)

    def _keep(self, kept: _Kept) -> None:
        """Keep a call at once: who is told of a change looks at it."""
        self._store.live_calls.change([replace(kept.call, lines=tuple(kept.lines))])
        kept.is_changed = False

    def _keep_lines(self) -> None:
        changed = [kept for kept in self._calls.values() if kept.is_changed]
        if changed:
            self._store.live_calls.change([replace(kept.call, lines=tuple(kept.lines)) for kept in changed])
            for kept in changed:
                kept.is_changed = False

    def _watch_alerts(self) -> None:
        """Follow what people did to alerts, and let time work on them."""
        now = self._clock()
        for alert in self._store.alerts.list_open():
            kept = self._calls.get(alert.live_id)
            call = kept.call if kept else self._store.live_calls.get(alert.live_id)
            targets = kept.targets if kept else ("desk",)
            for change in alerting.pass_time([(alert, call, targets)], self._settings.alerts, at=now):
                self._store.alerts.change(change.alert, only_from=[alert.state])
                data: Mapping[str, Any] = {"alert": to_data(change.alert), "tell": list(change.tell)}
                self._tell(LiveEvent(type="alert.changed", live_id=alert.live_id, agent_id=alert.agent_id, data=data))
        on = list(self._calls)
        stored = self._store.alerts.list_of(on) if on else ()
        for kept in self._calls.values():
            fresh = [alert for alert in stored if alert.live_id == kept.call.live_id]
            known = {alert.alert_id: alert for alert in kept.alerts}
            for alert in fresh:
                if alert.alert_id in known and alert.state is not known[alert.alert_id].state:
                    self._tell_of(kept, "alert.changed", {"alert": to_data(alert), "tell": []})
            kept.alerts = fresh

    def _watch_load(self) -> None:
        if self.core.load.is_overloaded != self._was_overloaded:
            self._was_overloaded = self.core.load.is_overloaded
            data = {"overloaded": self._was_overloaded, "busy": round(self.core.load.busy, 2)}
            self._tell(LiveEvent(type="live.overload", live_id="", agent_id=None, data=data))
            events.happened("live_overload", "raised" if self._was_overloaded else "over")

    def _close(self, live_id: str, state: LiveState, reason: str) -> None:
        """End a call: its recording is whole, its row says so, and its recording is handed over."""
        with self._lock:
            kept = self._calls.pop(live_id, None)
        if kept is None:
            return
        self._recordings.close(live_id)
        now = self._clock()
        call = replace(kept.call, state=state, ended_at=now, ended_by=reason, lines=tuple(kept.lines))
        self._store.live_calls.change([call])
        merging.hand_over(self._store, call, at=now)
        kept.call = call
        self._tell_of(kept, "live.ended", summary(call))
        events.happened("live", state.value, call_id=call.call_id, reason=reason)

    def _set_state(self, kept: _Kept, state: LiveState) -> None:
        if kept.call.state is not state:
            kept.call = replace(kept.call, state=state)
            self._keep(kept)
            self._tell_of(kept, "live.state", {"state": state.value})

    # --- telling ------------------------------------------------------------------------------------------------------

    def _mask(self, text: str) -> str:
        settings = self._settings.privacy
        return privacy.mask(text, kinds=settings.kinds)[0] if settings.enabled else text

    def _tell_of(self, kept: _Kept, type_: str, data: Mapping[str, Any]) -> None:
        event = LiveEvent(type=type_, live_id=kept.call.live_id, agent_id=kept.call.agent_id, data=data)
        self._tell(event, kept)

    def _tell(self, event: LiveEvent, kept: _Kept | None = None) -> None:
        kept = kept or self._calls.get(event.live_id)
        if kept is not None:
            self._tell_legs(event, kept)
        for listener in self.listeners:
            listener(event)

    def _tell_legs(self, event: LiveEvent, kept: _Kept) -> None:
        for channels, listener in kept.listeners:
            if event.data.get("channel", channels[0]) in channels:
                listener(event)
