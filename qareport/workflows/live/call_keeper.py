"""What is heard in live calls goes to the store, the desk and others, from a thread of its own.

Whoever hears calls never waits for a disk or a database: it puts events in, and this thread takes out what has come
together, keeps all calls that changed in one transaction and then tells of each event in order.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final

from qareport import events, privacy
from qareport.codec import to_data
from qareport.errors import StoreError
from qareport.model import Alert, LiveCall, LiveEvent, LiveLine, LiveState
from qareport.model.live import NoticedSignal, WatchedFinding
from qareport.rules.live import LiveFinding, LiveFindingState
from qareport.settings import Settings
from qareport.workflows.live import alerting, merging
from qareport.workflows.live.alerting import AlertChange
from qareport.workflows.live.load import DelayCounts
from qareport.workflows.live.recording import Recordings
from qareport.workflows.live.signals import Noticed
from qareport.workflows.live.starting import summary
from qareport.workflows.live.telling import tell_others

if TYPE_CHECKING:
    from qareport.store import Store
    from qareport.workflows.live.core import HeardCall

#: So often lines of calls that are on are kept, and alerts are looked at.
_KEEP_S: Final = 1.0
Listener = Callable[[LiveEvent], None]


@dataclass(slots=True, kw_only=True)
class KeptCall:
    """A call as the service knows it."""

    call: LiveCall
    heard: HeardCall
    #: Channels whose connection is open, and all that ever had one.
    connected: set[int]
    taken: set[int]
    targets: Sequence[str]
    began_s: float
    heard_s: float
    alerts: list[Alert] = field(default_factory=list)
    lines: list[LiveLine] = field(default_factory=list)
    is_changed: bool = False
    #: Who is told what is heard on which channels.
    listeners: list[tuple[tuple[int, ...], Listener]] = field(default_factory=list)

    def whole(self) -> LiveCall:
        """Return the call with its lines."""
        return replace(self.call, lines=tuple(self.lines))


class LiveKeeper:
    """Keeps calls and tells of them. Use it as a context manager: its thread works off what is put in."""

    def __init__(
        self, store: Store, settings: Settings, recordings: Recordings, *, clock: Callable[[], datetime],
        watch: Callable[[], None],
    ) -> None:  # fmt: skip
        """Take what to work with; `watch` is called each second."""
        self._store = store
        self._settings = settings
        self._recordings = recordings
        self._clock = clock
        self._watch = watch
        self.calls: Final[dict[str, KeptCall]] = {}
        #: Whoever changes `KeptCall.call` or `calls` holds it, for as long as that takes and no longer.
        self.lock: Final = threading.RLock()
        #: How long after they could be known alerts were told.
        self.alert_delays: Final = DelayCounts()
        self._events: SimpleQueue[LiveEvent | None] = SimpleQueue()
        #: Calls that are over and not handed over yet.
        self._over: deque[LiveCall] = deque()
        #: When calls ended that are over and have open alerts.
        self._ended: dict[str, datetime | None] = {}
        self._thread = threading.Thread(target=self._run, name="qareport-live-keeper", daemon=True)
        #: Called with everything that happens, from the thread that keeps.
        self.listeners: Final[list[Listener]] = [lambda event: tell_others(store, event, at=clock())]

    def __enter__(self) -> LiveKeeper:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._events.put(None)
        self._thread.join()
        for live_id in list(self.calls):
            self._close(live_id, LiveState.LOST, "restart")

    def put(self, told: Iterable[LiveEvent]) -> None:
        """Take events; any thread may call it."""
        for event in told:
            self._events.put(event)

    # --- the thread that keeps ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        due_s = time.monotonic() + _KEEP_S
        goes_on = True
        while goes_on:
            batch = self._next(due_s - time.monotonic())
            goes_on = None not in batch
            self._handle([event for event in batch if event is not None])
            if time.monotonic() >= due_s or not goes_on:
                due_s = time.monotonic() + _KEEP_S
                for work in (self._watch, self._keep_lines, self._hand_over, self._watch_alerts):
                    _try(work)

    def _next(self, wait_s: float) -> list[LiveEvent | None]:
        """Return what has come, or wait for it so long."""
        batch = []
        try:
            batch.append(self._events.get(timeout=max(0.0, wait_s)))
            while True:
                batch.append(self._events.get_nowait())
        except Empty:
            return batch

    def _handle(self, told: Sequence[LiveEvent]) -> None:
        """Keep what events change before anybody is told: who is told of a change looks at it."""
        changed: dict[str, KeptCall] = {}
        steps: list[Callable[[], None]] = []
        for event in told:
            kept = self.calls.get(event.live_id)
            if kept is not None and (step := self._take(kept, event, changed)) is not None:
                steps.append(step)
        if changed:
            _try(partial(self._keep, list(changed.values())))
        for step in steps:
            _try(step)

    def _take(self, kept: KeptCall, event: LiveEvent, changed: dict[str, KeptCall]) -> Callable[[], None] | None:
        """Take what an event changes; return what is left to do once that is kept."""
        match event.type:
            case "live.line":
                kept.lines.append(LiveLine(**{**event.data, "events": tuple(event.data["events"])}))
                kept.is_changed = True
            case "live.signal":
                changed[event.live_id] = kept
                return self._signal(kept, event.data["noticed"], event.data["since_s"])
            case "live.finding":
                changed[event.live_id] = kept
                return self._finding(kept, event.data["found"], event.data["since_s"])
            case "live.state":
                changed[event.live_id] = kept
            case "live.channel_ended":
                return lambda: self._end_channel(kept, event)
            case "live.ended":
                state = LiveState.LOST if kept.call.ended_by in ("idle", "vanished", "fault") else LiveState.ENDED
                return lambda: self._close(event.live_id, state, kept.call.ended_by)
            case _:
                pass
        return lambda: self._tell(event, kept)

    def _signal(self, kept: KeptCall, noticed: Noticed, since_s: float) -> Callable[[], None]:
        quote = self._mask(noticed.quote)
        seen = NoticedSignal(signal=noticed.signal, at_ms=noticed.at_ms, quote=quote, speaker=noticed.speaker)
        with self.lock:
            kept.call = replace(kept.call, signals=(*kept.call.signals, seen))

        def tell() -> None:
            self._tell_of(kept, "live.signal", to_data(seen))
            if noticed.signal.value in self._settings.alerts.signals:
                self._raise(kept, alerting.of_signal(kept.call, noticed, quote, self._clock()), since_s)

        return tell

    def _finding(self, kept: KeptCall, found: LiveFinding, since_s: float) -> Callable[[], None]:
        finding = found.finding
        quote = self._mask(next((evidence.quote for evidence in finding.evidence if evidence.quote), ""))
        advice = self._mask(finding.advice)
        watched = WatchedFinding(
            rule_id=finding.rule_id, title=finding.title, severity=finding.severity, at_ms=finding.at_ms,
            state=found.state.value, until_ms=found.until_ms, quote=quote, advice=advice,
        )  # fmt: skip
        with self.lock:
            others = [w for w in kept.call.findings if (w.rule_id, w.at_ms) != (watched.rule_id, watched.at_ms)]
            kept.call = replace(kept.call, findings=(*others, watched))
        raises = found.state is LiveFindingState.CONFIRMED and kept.call.state.is_on and not kept.call.ended_by

        def tell() -> None:
            self._tell_of(kept, "live.finding", to_data(watched))
            if raises:
                self._raise(kept, alerting.of_finding(kept.call, found, quote, advice, self._clock()), since_s)

        return tell

    def _end_channel(self, kept: KeptCall, event: LiveEvent) -> None:
        _tell_legs(event, kept)
        with self.lock:
            kept.listeners = [item for item in kept.listeners if event.data["channel"] not in item[0]]

    # --- alerts -------------------------------------------------------------------------------------------------------

    def _raise(self, kept: KeptCall, new: Alert, since_s: float) -> None:
        # As they are now: somebody may have acknowledged one since they were looked at.
        known = self._store.alerts.list_of([new.live_id])
        change = alerting.raise_alert(new, known, self._settings.alerts, targets=kept.targets)
        if change is not None:
            self._keep_alert(kept, change)
            self.alert_delays.add(time.monotonic() - since_s)

    def _keep_alert(self, kept: KeptCall, change: AlertChange) -> None:
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

    def _watch_alerts(self) -> None:
        """Follow what people did to alerts, and let time work on them."""
        now = self._clock()
        ended, self._ended = self._ended, {}
        for alert in self._store.alerts.list_open():
            kept = self.calls.get(alert.live_id)
            ended_at = kept.call.ended_at if kept else ended.get(alert.live_id)
            if kept is None:  # each call that is over is read once: its lines are long
                ended_at = ended_at or self._store.live_calls.get(alert.live_id).ended_at
                self._ended[alert.live_id] = ended_at
            targets = kept.targets if kept else ("desk",)
            for change in alerting.pass_time([(alert, ended_at, targets)], self._settings.alerts, at=now):
                self._store.alerts.change(change.alert, only_from=[alert.state])
                data: Mapping[str, Any] = {"alert": to_data(change.alert), "tell": list(change.tell)}
                self.tell(LiveEvent(type="alert.changed", live_id=alert.live_id, agent_id=alert.agent_id, data=data))
        on = list(self.calls.values())
        stored = self._store.alerts.list_of([kept.call.live_id for kept in on]) if on else ()
        for kept in on:
            fresh = [alert for alert in stored if alert.live_id == kept.call.live_id]
            known = {alert.alert_id: alert for alert in kept.alerts}
            for alert in fresh:
                if alert.alert_id in known and alert.state is not known[alert.alert_id].state:
                    self._tell_of(kept, "alert.changed", {"alert": to_data(alert), "tell": []})
            kept.alerts = fresh

    # --- keeping ------------------------------------------------------------------------------------------------------

    def _keep(self, changed: Sequence[KeptCall]) -> None:
        self._store.live_calls.change([kept.whole() for kept in changed])
        for kept in changed:
            kept.is_changed = False

    def _keep_lines(self) -> None:
        if changed := [kept for kept in list(self.calls.values()) if kept.is_changed]:
            self._keep(changed)

    def _close(self, live_id: str, state: LiveState, reason: str) -> None:
        """End a call: its recording is whole, its row says so, and its recording is handed over."""
        with self.lock:
            kept = self.calls.pop(live_id, None)
        if kept is None:
            return
        self._recordings.close(live_id)
        kept.call = replace(kept.whole(), state=state, ended_at=self._clock(), ended_by=reason)
        self._over.append(kept.call)
        self._hand_over()
        self._tell_of(kept, "live.ended", summary(kept.call))
        events.happened("live", state.value, call_id=kept.call.call_id, reason=reason)

    def _hand_over(self) -> None:
        """Hand over the calls that are over. Where the store fails they wait for the next second."""
        while self._over:
            call = self._over[0]
            try:
                merging.hand_over(self._store, call, at=call.ended_at or self._clock())
            except StoreError as error:
                events.happened("live", "failed", call_id=call.call_id, reason=str(error))
                return
            self._over.popleft()

    def _mask(self, text: str) -> str:
        settings = self._settings.privacy
        return privacy.mask(text, kinds=settings.kinds)[0] if settings.enabled else text

    # --- telling ------------------------------------------------------------------------------------------------------

    def tell(self, event: LiveEvent) -> None:
        """Tell everyone of what belongs to no call, or to one that is over."""
        for listener in self.listeners:
            _try(partial(listener, event))

    def _tell(self, event: LiveEvent, kept: KeptCall) -> None:
        _tell_legs(event, kept)
        self.tell(event)

    def _tell_of(self, kept: KeptCall, type_: str, data: Mapping[str, Any]) -> None:
        self._tell(LiveEvent(type=type_, live_id=kept.call.live_id, agent_id=kept.call.agent_id, data=data), kept)


def _tell_legs(event: LiveEvent, kept: KeptCall) -> None:
    for channels, listener in list(kept.listeners):
        if event.data.get("channel", channels[0]) in channels:
            _try(partial(listener, event))


def _try(work: Callable[[], None]) -> None:
    """Do something; a fault in it ends no call, and keeps nobody else from being told."""
    try:
        work()
    except Exception as error:  # noqa: BLE001
        events.happened("live", "failed", reason=str(events.reason_of(error)))
