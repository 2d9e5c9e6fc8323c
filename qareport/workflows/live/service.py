"""Live calls of one process: what telephone systems send goes to the core, what it tells to the keeper.

Telephone systems call `begin` and `end` from threads of their own, `push` from a single one. One thread ticks, and
alone hears; another keeps and tells (`call_keeper`), so that hearing waits for no disk.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from qareport import events
from qareport.audio.streaming import Pcm
from qareport.errors import os_reason
from qareport.messages import say
from qareport.model import LiveCall, LiveEvent, LiveState, Role
from qareport.workflows.judge import RuleBook
from qareport.workflows.live import merging
from qareport.workflows.live.call_keeper import KeptCall, Listener, LiveKeeper
from qareport.workflows.live.core import TICK_S, LiveCore
from qareport.workflows.live.load import LiveFigures
from qareport.workflows.live.recording import Recordings
from qareport.workflows.live.starting import LiveLeg, LiveRefusedError, LiveStart, summary

if TYPE_CHECKING:
    from qareport.asr.streaming import LiveRecogniser
    from qareport.store import Store


class LiveService:
    """Live calls. Use it as a context manager: its threads hear and keep."""

    def __init__(
        self, store: Store, rule_book: RuleBook, recogniser: LiveRecogniser, folder: Path, *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:  # fmt: skip
        """Take what to work with; `folder` is where recordings are kept."""
        self._store = store
        self._settings = rule_book.settings
        self._clock = clock
        self._prepare_thread = recogniser.prepare_thread
        self.core: Final = LiveCore(recogniser, rule_book)
        self._recordings = Recordings(folder)
        self.core.on_sound = self._recordings.add  # type: ignore[method-assign]
        self._keeper = LiveKeeper(store, self._settings, self._recordings, clock=clock, watch=self._watch)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="qareport-live", daemon=True)
        self._was_overloaded = False
        #: Called with everything that happens, from the thread that keeps.
        self.listeners: Final = self._keeper.listeners

    def __enter__(self) -> LiveService:
        merging.end_orphans(self._store, at=self._clock())
        self._recordings.__enter__()
        self._keeper.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._keeper.__exit__()
        self._recordings.__exit__()

    def figures(self) -> LiveFigures:
        """Return how busy the thread is that hears, and how late sentences and alerts came since it began."""
        finals, alerts = self.core.final_delays, self._keeper.alert_delays
        return LiveFigures(
            busy=round(self.core.load.busy, 3), final_counts=tuple(finals.counts), final_s=round(finals.total_s, 3),
            alert_counts=tuple(alerts.counts), alert_s=round(alerts.total_s, 3),
        )  # fmt: skip

    # --- what telephone systems call ----------------------------------------------------------------------------------

    def begin(self, start: LiveStart, *, listener: Listener | None = None) -> LiveLeg:
        """Begin a call, or the other half of one.

        Args:
            start: what is said of it.
            listener: called with what is heard on these channels, from the thread that keeps.

        Raises:
            LiveRefusedError: too many calls, no room on the disk, or this side of the call is here already.
            StoreError: the store does not take the call.
        """
        with self._keeper.lock:
            joined = self._join(start, listener)
            if joined is not None:
                return joined
            if len(self._keeper.calls) >= self._settings.live.max_calls or self.core.load.is_overloaded:
                raise LiveRefusedError("overload", say("too many calls at once; this one is not heard live"))
            kept, leg = self._open(start, listener)
        try:
            self._store.live_calls.put(kept.call)
        except Exception:
            self._forget(kept)
            raise
        call = kept.call
        started = LiveEvent(type="live.started", live_id=leg.live_id, agent_id=call.agent_id, data=summary(call))
        self._keeper.put([started])
        events.happened("live", "started", call_id=call.call_id)
        return leg

    def _open(self, start: LiveStart, listener: Listener | None) -> tuple[KeptCall, LiveLeg]:
        roles = (Role.CUSTOMER, Role.AGENT) if start.is_half else start.roles
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
            started_at=self._clock().astimezone(ZoneInfo(self._settings.period.time_zone)), audio_path=str(path),
        )  # fmt: skip
        now_s = time.monotonic()
        heard = self.core.open(
            live_id, call_id=call.call_id, agent_id=call.agent_id, roles=roles, sample_rate=start.sample_rate,
            started_at=call.started_at, now_s=now_s,
        )  # fmt: skip
        kept = KeptCall(
            call=call, heard=heard, connected=set(channels), taken=set(channels),
            targets=self._targets(call.agent_id), began_s=now_s, heard_s=now_s,
            listeners=[(channels, listener)] if listener else [],
        )  # fmt: skip
        self._keeper.calls[live_id] = kept
        return kept, LiveLeg(live_id=live_id, channels=channels)

    def _forget(self, kept: KeptCall) -> None:
        """Forget a call of which nothing was heard yet."""
        with self._keeper.lock:
            self._keeper.calls.pop(kept.call.live_id, None)
        self.core.end(kept.call.live_id)
        self._recordings.close(kept.call.live_id)
        with suppress(OSError):
            Path(kept.call.audio_path).unlink()

    def push(self, leg: LiveLeg, channel: int, sound: Pcm, at_ms: int | None = None) -> None:
        """Take sound, int16 [samples], of a connection's channel; `at_ms`: where it belongs, if that is said."""
        kept = self._keeper.calls.get(leg.live_id)
        if kept is not None and not kept.heard.is_ending:
            kept.heard_s = time.monotonic()
            kept.heard.push(leg.channels[channel], sound, at_ms)

    def waiting_ms(self, leg: LiveLeg) -> int:
        """Return how much sound of a call waits to be looked at."""
        kept = self._keeper.calls.get(leg.live_id)
        return 0 if kept is None else kept.heard.waiting_ms

    def hold(self, leg: LiveLeg, *, is_held: bool) -> None:
        """Note that the telephone system holds a call, or no longer does."""
        state = LiveState.HELD if is_held else LiveState.OPEN
        with self._keeper.lock:
            kept = self._keeper.calls.get(leg.live_id)
            if kept is None or kept.call.state is state:
                return
            kept.call = replace(kept.call, state=state)
        data = {"state": state.value}
        self._keeper.put(
            [LiveEvent(type="live.state", live_id=leg.live_id, agent_id=kept.call.agent_id, data=data)]
        )  # fmt: skip

    def end(self, leg: LiveLeg, reason: str = "hangup") -> None:
        """End a connection; the call ends with its last one."""
        with self._keeper.lock:
            kept = self._keeper.calls.get(leg.live_id)
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
        for kept in self._keeper.calls.values():
            if kept.call.call_id != start.call_id or not kept.call.state.is_on:
                continue
            role = start.roles[0]
            sample_rate = kept.heard.channels[0].sample_rate
            if not start.is_half or role not in kept.call.channel_roles or sample_rate != start.sample_rate:
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

    # --- the thread that hears ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        self._prepare_thread()
        due_s = time.monotonic()
        while not self._stopping.is_set():
            now_s = time.monotonic()
            try:
                self._keeper.put(self.core.tick(now_s))
            except Exception as error:  # noqa: BLE001 - a fault in one tick ends no call
                events.happened("live", "failed", reason=str(events.reason_of(error)))
            due_s = max(due_s + TICK_S, now_s)
            self._stopping.wait(max(0.0, due_s - time.monotonic()))

    # --- each second, from the thread that keeps ----------------------------------------------------------------------

    def _watch(self) -> None:
        self._end_idle(time.monotonic())
        self._watch_load()

    def _end_idle(self, now_s: float) -> None:
        live = self._settings.live
        for kept in list(self._keeper.calls.values()):
            is_idle = now_s - kept.heard_s >= live.idle_s
            if kept.call.ended_by or (not is_idle and now_s - kept.began_s < live.max_minutes * 60):
                continue
            with self._keeper.lock:
                kept.connected.clear()
                kept.call = replace(kept.call, ended_by="idle" if is_idle else "limit")
                self.core.end(kept.call.live_id)

    def _watch_load(self) -> None:
        if self.core.load.is_overloaded != self._was_overloaded:
            self._was_overloaded = self.core.load.is_overloaded
            data = {"overloaded": self._was_overloaded, "busy": round(self.core.load.busy, 2)}
            self._keeper.tell(LiveEvent(type="live.overload", live_id="", agent_id=None, data=data))
            events.happened("live_overload", "raised" if self._was_overloaded else "over")
