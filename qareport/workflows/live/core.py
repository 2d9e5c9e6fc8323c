"""The core of live hearing: sound of many calls in, events out, by a clock that the caller holds.

One tick looks at all channels: the detector runs over everything that arrived in one batch, utterances begin and end,
and one batch of up to 32 of them is recognised: finals first, then what goes on (`load`).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import numpy as np

from qareport.asr.streaming import LiveRecogniser, LiveSpeech
from qareport.audio.streaming import Pcm
from qareport.model import LiveEvent, LiveLine, Role, RoleSource, Segment
from qareport.settings import LiveSettings
from qareport.workflows.judge import RuleBook
from qareport.workflows.live.channel import LiveChannel, OpenUtterance
from qareport.workflows.live.endpointing import PAD_MS, SpeechChange, SpeechStep
from qareport.workflows.live.load import BATCH, SPARING, WAITING, DelayCounts, Load
from qareport.workflows.live.understanding import CallUnderstanding, Understood

#: Time between two ticks.
TICK_S: Final = 0.1
#: In milliseconds: a channel that lags so far behind the other and sends nothing is filled with silence, to this near.
_LAG_MS, _NEAR_MS = 1000, 200
#: Seconds of each channel that are looked at in one tick: what comes faster than speech waits.
_STEPS: Final = 2
#: Readings of an utterance that are remembered.
_READINGS = 3


@dataclass(slots=True, kw_only=True)
class HeardCall:
    """One call that is on."""

    live_id: str
    agent_id: str | None
    channels: list[LiveChannel]
    understanding: CallUnderstanding
    #: Sound that has arrived and was not looked at yet: channel, int16 [samples], and where it belongs (ms).
    arrived: deque[tuple[int, Pcm, int | None]] = field(default_factory=deque)
    #: How many samples of all channels came, and how many were looked at: each counted by one thread alone.
    came: int = 0
    looked_at: int = 0
    #: Changes whose utterance is not heard yet, by channel.
    finals: deque[tuple[LiveChannel, SpeechChange, LiveSpeech]] = field(default_factory=deque)
    #: When sound arrived last on each channel, by the caller's clock in seconds.
    last_sound_s: list[float] = field(default_factory=list)
    is_ending: bool = False
    #: Channels on which nothing more comes while the others go on, until what was said there is heard.
    ending: set[int] = field(default_factory=set)
    passed_ms: int = 0

    def push(self, channel: int, sound: Pcm, at_ms: int | None = None) -> None:
        """Take sound, int16 [samples]; `at_ms`: where it belongs, if that is said. One thread pushes."""
        self.came += sound.size
        self.arrived.append((channel, sound, at_ms))

    def said_s(self, at_ms: int) -> float:
        """Return when what is at a place of the call was said, by the caller's clock, as its sound arrived."""
        furthest = max(self.channels, key=lambda channel: channel.position_ms)
        return self.last_sound_s[furthest.index] - (furthest.position_ms + self.waiting_ms - at_ms) / 1000

    @property
    def waiting_ms(self) -> int:
        """How much sound waits to be looked at."""
        return (self.came - self.looked_at) * 1000 // (self.channels[0].sample_rate * len(self.channels))

    def now_ms(self, now_s: float) -> int:
        """Where the call is: the clock goes on while nothing arrives."""
        furthest = max(channel.position_ms for channel in self.channels)
        silent_s = now_s - max(self.last_sound_s)
        return furthest + (round(silent_s * 1000) if silent_s > _LAG_MS / 1000 else 0)

    def has_arrived(self, channel: int) -> bool:
        """Tell whether sound of a channel was not looked at yet."""
        return any(index == channel for index, *_ in list(self.arrived))

    def is_heard(self, channel: LiveChannel) -> bool:
        """Tell whether everything that came on a channel was heard, and nobody speaks there."""
        waits = any(waiting is channel for waiting, *_ in self.finals)
        return channel.utterance is None and not waits and not self.has_arrived(channel.index)

    def heard_ms(self) -> int:
        """Everything that began before has been heard."""
        waiting: dict[int, list[SpeechChange]] = {}
        for channel, change, _ in self.finals:
            waiting.setdefault(channel.index, []).append(change)
        return min(channel.settled_ms(waiting.get(channel.index, [])) for channel in self.channels)


@dataclass(frozen=True, slots=True)
class _Job:
    call: HeardCall
    channel: LiveChannel
    speech: LiveSpeech
    #: The change that ended it; None: it goes on.
    change: SpeechChange | None


class LiveCore:
    """Hears calls that are on. One thread ticks; any may open and end calls, and add to what has arrived."""

    def __init__(
        self,
        recogniser: LiveRecogniser,
        rule_book: RuleBook,
        *,
        work_clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._recogniser = recogniser
        self._book = rule_book
        self._settings: LiveSettings = rule_book.settings.live
        self._work_clock = work_clock
        self.load: Final = Load()
        #: How long after they were said sentences were final.
        self.final_delays: Final = DelayCounts()
        self.calls: Final[dict[str, HeardCall]] = {}
        self._ticked_s: float | None = None
        #: The caller's clock in this tick, less the clock of the work.
        self._offset_s = 0.0
        self._events: list[LiveEvent] = []

    def open(
        self, live_id: str, *, call_id: str, agent_id: str | None, roles: Sequence[Role], sample_rate: int,
        started_at: datetime, now_s: float,
    ) -> HeardCall:  # fmt: skip
        """Begin to hear a call."""
        call = HeardCall(
            live_id=live_id,
            agent_id=agent_id,
            channels=[LiveChannel(index, role, sample_rate, self._settings) for index, role in enumerate(roles)],
            understanding=CallUnderstanding(
                self._book, call_id=call_id, agent_id=agent_id, started_at=started_at, model=self._recogniser.info
            ),
            last_sound_s=[now_s] * len(roles),
        )
        self.calls[live_id] = call
        self._recogniser.turns.live_calls = len(self.calls)
        return call

    def end(self, live_id: str) -> None:
        """Let a call end: what is open is heard in the next ticks, then `live.ended` is told."""
        if (call := self.calls.get(live_id)) is not None:
            call.is_ending = True

    def end_channel(self, live_id: str, channel: int) -> None:
        """Let a channel end while others go on: what is open there is heard, then `live.channel_ended` is told."""
        if (call := self.calls.get(live_id)) is not None:
            call.ending.add(channel)

    def tick(self, now_s: float) -> list[LiveEvent]:
        """Look at everything that has arrived.

        Args:
            now_s: the caller's clock.

        Returns:
            what is new, in order.
        """
        began = self._work_clock()
        self._offset_s = now_s - began
        self._events = []
        self._take_in(now_s)
        self._recognise()
        for call in list(self.calls.values()):
            self._let_time_pass(call, now_s)
        passed = TICK_S if self._ticked_s is None else max(now_s - self._ticked_s, 1e-3)
        self.load.ticked(now_s, passed, min(self._work_clock() - began, passed))
        self._recogniser.turns.live_load = self.load.busy
        self._ticked_s = now_s
        return self._events

    # --- sound in -----------------------------------------------------------------------------------------------------

    def _take_in(self, now_s: float) -> None:
        """Look at what has arrived, a second of each channel at most in one step, all channels together."""
        calls = list(self.calls.values())
        for call in calls:
            self._fill_gaps(call, now_s)
        for _ in range(_STEPS):
            fresh: list[tuple[HeardCall, LiveChannel, Any]] = []
            for call in calls:
                fresh += self._step(call, now_s)
            if not fresh:
                break
            probabilities = self._recogniser.detect(
                [channel.track for _, channel, _ in fresh], [samples for *_, samples in fresh]
            )
            for (call, channel, _), decisions in zip(fresh, probabilities, strict=True):
                for change in channel.decide(decisions):
                    self._apply(call, channel, change)
        for call in calls:
            for channel in call.channels:
                if (call.is_ending or channel.index in call.ending) and not call.has_arrived(channel.index):
                    for change in channel.finish():
                        self._apply(call, channel, change)

    def _step(self, call: HeardCall, now_s: float) -> Iterator[tuple[HeardCall, LiveChannel, Any]]:
        taken: dict[int, list[Pcm]] = {}
        sizes = [0] * len(call.channels)
        most = call.channels[0].STEP_MS * call.channels[0].sample_rate // 1000
        while call.arrived and max(sizes) < most:
            index, sound, at_ms = call.arrived.popleft()
            call.looked_at += sound.size
            channel = call.channels[index]
            missing = 0 if at_ms is None else at_ms - (channel.samples + sizes[index]) * 1000 // channel.sample_rate
            if 3 * PAD_MS < missing < 60_000:  # the telephone system left silence out
                silence = np.zeros(min(missing * channel.sample_rate // 1000, 2 * most), np.int16)
                taken.setdefault(index, []).append(silence)
                sizes[index] += silence.size
            taken.setdefault(index, []).append(sound)
            sizes[index] += sound.size
            call.last_sound_s[index] = now_s
        for index, sounds in taken.items():
            channel = call.channels[index]
            sound = np.concatenate(sounds)
            self.on_sound(call.live_id, index, sound)
            yield call, channel, channel.push(sound)

    def on_sound(self, live_id: str, channel: int, sound: Pcm) -> None:
        """Take what is to be kept, int16 [samples] of one channel; set by who keeps it."""

    def _fill_gaps(self, call: HeardCall, now_s: float) -> None:
        """Fill a channel that sends nothing with silence, so that its call does not wait for it."""
        furthest = max(channel.position_ms for channel in call.channels)
        for channel in call.channels:
            lag_ms = furthest - channel.position_ms
            quiet_s = now_s - call.last_sound_s[channel.index]
            if lag_ms > _LAG_MS and quiet_s * 1000 > _LAG_MS and not call.has_arrived(channel.index):
                count = min(lag_ms - _NEAR_MS, 4 * _LAG_MS) * channel.sample_rate // 1000
                last_s = call.last_sound_s[channel.index]
                call.arrived.append((channel.index, np.zeros(count, np.int16), None))
                call.looked_at -= count
                call.last_sound_s[channel.index] = last_s

    def _apply(self, call: HeardCall, channel: LiveChannel, change: SpeechChange) -> None:
        utterance = channel.utterance
        match change.change:
            case SpeechStep.BEGAN:
                channel.utterance = OpenUtterance(heard_to_ms=change.start_ms, partials=deque(maxlen=_READINGS))
            case SpeechStep.PAUSED if utterance is not None:
                utterance.paused_ms = change.end_ms
            case SpeechStep.RESUMED if utterance is not None:
                utterance.paused_ms, utterance.guess = None, None
            case SpeechStep.DROPPED:
                channel.utterance = None
                self._tell(call, "live.partial", {"channel": channel.index, "role": channel.role, "text": ""})
            case SpeechStep.ENDED | SpeechStep.CUT:
                guess = None if utterance is None else utterance.guess
                channel.utterance = None
                if change.change is SpeechStep.CUT:
                    channel.utterance = OpenUtterance(heard_to_ms=change.end_ms, partials=deque(maxlen=_READINGS))
                if guess is not None and guess[0] == change.end_ms and change.change is SpeechStep.ENDED:
                    self._finish(call, channel, change, guess[1])
                else:
                    call.finals.append((channel, change, channel.speech(change)))
            case _:
                pass

    # --- recognition --------------------------------------------------------------------------------------------------

    def _recognise(self) -> None:
        jobs = self._plan()
        if not jobs:
            return
        whole = self.load.busy <= SPARING
        by_sentence = [whole and job.change is not None for job in jobs]
        results = self._recogniser.recognise([job.speech for job in jobs], by_sentence=by_sentence)
        for job, result in zip(jobs, results, strict=True):
            segments = () if isinstance(result, Exception) else result
            utterance = job.channel.utterance
            if job.change is None:
                if utterance is not None and segments:
                    utterance.heard_to_ms = job.speech.end_ms
                    self._hear_partial(job.call, job.channel, utterance, segments)
            elif job.change.change is SpeechStep.PAUSED:
                if utterance is not None and utterance.paused_ms == job.change.end_ms:
                    utterance.guess, utterance.paused_ms = (job.change.end_ms, segments), None
            else:
                self._finish(job.call, job.channel, job.change, segments)

    def _plan(self) -> list[_Job]:
        """Choose what is heard now."""
        jobs: list[_Job] = []
        calls = list(self.calls.values())
        waiting = [call for call in calls if call.finals]
        while waiting and len(jobs) < BATCH:
            call = min(waiting, key=lambda each: each.finals[0][1].end_ms - each.passed_ms)
            channel, change, speech = call.finals.popleft()
            jobs.append(_Job(call, channel, speech, change))
            waiting = [each for each in waiting if each.finals]
        spoken = [
            (call, channel, channel.utterance)
            for call in calls
            for channel in call.channels
            if channel.utterance is not None
        ]
        if self.load.busy <= WAITING:
            for call, channel, utterance in spoken:
                if utterance.paused_ms is not None and utterance.guess is None and len(jobs) < BATCH:
                    change = SpeechChange(
                        change=SpeechStep.PAUSED, from_ms=channel.endpointer.sound_from_ms,
                        start_ms=channel.endpointer.open_since_ms or 0, end_ms=utterance.paused_ms,
                    )  # fmt: skip
                    jobs.append(_Job(call, channel, channel.speech(change), change))
        due = [
            (channel.role is not Role.CUSTOMER, utterance.heard_to_ms - channel.ring.end_ms, call, channel)
            for call, channel, utterance in spoken
            if utterance.paused_ms is None and utterance.guess is None and self._is_due(channel, utterance)
        ]
        room_ms = self.load.provisional_ms
        for *_, call, channel in sorted(due, key=lambda item: item[:2])[: BATCH - len(jobs)]:
            if room_ms > 0:
                jobs.append(_Job(call, channel, channel.open_speech(), None))
                room_ms -= channel.ring.end_ms - channel.endpointer.sound_from_ms
        return jobs

    def _is_due(self, channel: LiveChannel, utterance: OpenUtterance) -> bool:
        """Tell whether an open utterance is to be heard."""
        heard_ms = utterance.heard_to_ms - channel.endpointer.sound_from_ms
        interval = self.load.interval_ms(
            self._settings.partial_ms, heard_ms=heard_ms, agent=channel.role is Role.AGENT
        )  # fmt: skip
        return interval is not None and channel.ring.end_ms - utterance.heard_to_ms >= interval

    def _hear_partial(
        self, call: HeardCall, channel: LiveChannel, utterance: OpenUtterance, segments: Sequence[Segment]
    ) -> None:
        utterance.partials.append(replace(segments[0], role=channel.role, role_source=RoleSource.CHANNEL))
        line, noticed = call.understanding.hear_partial(list(utterance.partials))
        self._tell(call, "live.partial", _line(line))
        self._tell_understood(call, Understood(signals=noticed), since_ms=utterance.heard_to_ms)

    def _finish(self, call: HeardCall, channel: LiveChannel, change: SpeechChange, segments: Sequence[Segment]) -> None:
        """Make an utterance final. Speech begins after the sound before it that was heard with it."""
        start_ms = max(change.from_ms, change.start_ms - PAD_MS)
        finals = [
            replace(
                segment, role=channel.role, role_source=RoleSource.CHANNEL, start_ms=max(start_ms, segment.start_ms)
            )
            for segment in segments
        ]
        self._tell_understood(
            call, call.understanding.add(finals, heard_ms=call.heard_ms()), since_ms=change.end_ms
        )  # fmt: skip
        if finals:
            self.final_delays.add(self._work_clock() + self._offset_s - call.said_s(change.end_ms))

    # --- events out ---------------------------------------------------------------------------------------------------

    def _let_time_pass(self, call: HeardCall, now_s: float) -> None:
        for index in [index for index in list(call.ending) if call.is_heard(call.channels[index])]:
            call.ending.discard(index)
            self._tell(call, "live.channel_ended", {"channel": index})
        is_open = call.finals or any(channel.utterance is not None for channel in call.channels)
        now_ms = call.now_ms(now_s)
        call.passed_ms = now_ms
        if call.is_ending and not is_open and not call.arrived:
            self._tell_understood(call, call.understanding.finish(now_ms), since_ms=now_ms)
            self._tell(call, "live.ended", {"at_ms": now_ms})
            del self.calls[call.live_id]
            self._recogniser.turns.live_calls = len(self.calls)
            return
        heard_ms = call.heard_ms() if is_open else now_ms
        understood = call.understanding.pass_time(now_ms, heard_ms=heard_ms, is_silent=not is_open)
        self._tell_understood(call, understood, since_ms=now_ms if understood.due_ms is None else understood.due_ms)

    def _tell_understood(self, call: HeardCall, understood: Understood, *, since_ms: int) -> None:
        """Tell what is new; `since_ms`: where the call was when it could be known."""
        since_s = call.said_s(since_ms)
        for line in understood.lines:
            self._tell(call, "live.line", _line(line))
        for noticed in understood.signals:
            self._tell(call, "live.signal", {"noticed": noticed, "since_s": since_s})
        for finding in understood.findings:
            self._tell(call, "live.finding", {"found": finding, "since_s": since_s})

    def _tell(self, call: HeardCall, type_: str, data: dict[str, Any]) -> None:
        self._events.append(LiveEvent(type=type_, live_id=call.live_id, agent_id=call.agent_id, data=data))


def _line(line: LiveLine) -> dict[str, Any]:
    return {
        "start_ms": line.start_ms, "end_ms": line.end_ms, "role": line.role, "channel": line.channel,
        "text": line.text, "emotion": line.emotion, "score": line.score, "events": list(line.events),
    }  # fmt: skip
