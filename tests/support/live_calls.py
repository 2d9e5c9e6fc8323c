"""Bundled calls as a telephone system sends them, and the core of live hearing on a clock that tests move."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache

import numpy as np

from qareport import asr
from qareport.asr.engine import Engine
from qareport.asr.streaming import LiveRecogniser, ModelTurns
from qareport.audio.decode import decode
from qareport.audio.streaming import Pcm
from qareport.model import LiveEvent, Role
from qareport.settings import AsrSettings, AudioSettings, bundled_calls
from qareport.workflows.judge import RuleBook
from qareport.workflows.live.core import TICK_S, LiveCore
from qareport.workflows.workspace import Workspace

#: As the bundled calls have them: the agent on the left.
ROLES = (Role.AGENT, Role.CUSTOMER)
BEGAN = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)


@cache
def engine() -> Engine:
    """Load the bundled model once."""
    loaded = asr.load("demo", device="cpu", asr=AsrSettings(), audio=AudioSettings())
    assert isinstance(loaded, Engine)
    return loaded


@cache
def rule_book() -> RuleBook:
    """Read the bundled configuration once."""
    with Workspace.open(store="sqlite://") as workspace:
        return workspace.rule_book


@cache
def telephone(name: str, rate: int = 8000, channels: int = 2) -> Pcm:
    """Return a bundled call as int16 [channels, samples] at a telephone's rate."""
    samples = decode(str(bundled_calls() / name), max_duration_ms=3_600_000).samples[:channels]
    sound = (np.clip(samples, -1, 1) * 32767).astype(np.int16)
    return sound[:, :: 16_000 // rate]


@dataclass
class VirtualCalls:
    """Calls that go on by a clock of their own: a second takes as long as it takes to hear it."""

    core: LiveCore
    now_s: float = 0.0
    events: list[tuple[float, LiveEvent]] = field(default_factory=list)

    @classmethod
    def begin(cls, **live: object) -> VirtualCalls:
        """Make a core; settings of the section `live` by name. Work takes no time on its clock."""
        book = rule_book()
        settings = replace(book.settings, live=replace(book.settings.live, **live))  # type: ignore[arg-type]
        recogniser = LiveRecogniser(engine(), ModelTurns())
        return cls(LiveCore(recogniser, replace(book, settings=settings), work_clock=lambda: 0.0))

    def open(self, live_id: str = "a", roles: tuple[Role, ...] = ROLES, rate: int = 8000) -> None:
        """Begin a call."""
        self.core.open(
            live_id, call_id=live_id, agent_id="A1", roles=roles, sample_rate=rate, started_at=BEGAN, now_s=self.now_s
        )

    def push(self, live_id: str, channel: int, sound: Pcm, at_ms: int | None = None) -> None:
        """Let sound arrive."""
        self.core.calls[live_id].push(channel, sound, at_ms)

    def tick(self) -> list[LiveEvent]:
        """Let one tick pass."""
        self.now_s += TICK_S
        events = self.core.tick(self.now_s)
        self.events += [(self.now_s, event) for event in events]
        return events

    def play(self, sound: Pcm, live_id: str = "a", rate: int = 8000, *, end: bool = True) -> list[LiveEvent]:
        """Play int16 [channels, samples] in real time of the clock, then hang up; return what was told."""
        step, before = int(rate * TICK_S), len(self.events)
        for at in range(0, sound.shape[1], step):
            for channel, samples in enumerate(sound):
                self.push(live_id, channel, samples[at : at + step])
            self.tick()
        if end:
            self.core.end(live_id)
            while live_id in self.core.calls:
                self.tick()
        return [event for _, event in self.events[before:]]

    def of_type(self, type_: str) -> Iterator[tuple[float, LiveEvent]]:
        """Return when each event of a type was told."""
        return ((at_s, event) for at_s, event in self.events if event.type == type_)
