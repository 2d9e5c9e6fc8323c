"""Live hearing on a core of its own: real time is counted in processor time, so that other work on the machine is not.

Everything runs as in the worker (resampling, detection, recognition, masking, reading, rules), save the sockets and the
store. Each tick begins when its time has come and the one before is over, and takes as long as the processor worked.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from benchmarks.live_desk import RATE, Telephone
from benchmarks.live_figures import Told
from qareport.asr.streaming import LiveRecogniser, ModelTurns
from qareport.codec import to_data
from qareport.model import LiveEvent, Role
from qareport.workflows.live.core import TICK_S, LiveCore
from tests.support.live_calls import BEGAN, engine, rule_book


@dataclass(slots=True)
class OneCore:
    """A core of live hearing, and the share of time in which it worked."""

    worked_s: float = 0.0
    passed_s: float = 0.0

    def hear(self, telephones: Sequence[Telephone], *, most_s: float) -> list[Told]:
        """Hear calls by the clock of one core, so many seconds at most; returns what was told of them."""
        torch.set_num_threads(1)
        core = LiveCore(LiveRecogniser(engine(), ModelTurns()), rule_book(), work_clock=time.process_time)
        by_id = {telephone.call_id: telephone for telephone in telephones}
        told: dict[str, list[tuple[float, dict[str, Any]]]] = {call_id: [] for call_id in by_id}
        now_s, begun, ended = 0.0, set[str](), set[str]()
        for telephone in telephones:
            telephone.sound  # noqa: B018 - recordings are read before the clock runs
        while (len(begun) < len(by_id) or core.calls) and now_s < most_s:
            began = time.process_time()
            for telephone in telephones:
                self._send(core, telephone, now_s, begun, ended)
            for event in core.tick(now_s):
                self._tell(event, now_s + time.process_time() - began, told)
            worked_s = time.process_time() - began
            self.worked_s += worked_s
            self.passed_s += max(TICK_S, worked_s)
            now_s += max(TICK_S, worked_s)
        for telephone in telephones:
            telephone.began_s = telephone.after_s
        return [Told.of(by_id[call_id], events) for call_id, events in told.items() if call_id in begun]

    def _send(self, core: LiveCore, telephone: Telephone, now_s: float, begun: set[str], ended: set[str]) -> None:
        call_id, passed_s = telephone.call_id, now_s - telephone.after_s
        if passed_s < 0 or call_id in ended:
            return
        if call_id not in begun:
            begun.add(call_id)
            two = len(telephone.sound) == 2
            core.open(
                call_id, call_id=call_id, agent_id=telephone.agent_id, sample_rate=RATE, started_at=BEGAN, now_s=now_s,
                roles=(Role.AGENT, Role.CUSTOMER) if two else (Role.UNKNOWN,),
            )  # fmt: skip
        first, last = round(telephone.sent_ms * RATE / 1000), round(passed_s * RATE)
        for channel, samples in enumerate(telephone.sound[:, first:last]):
            if samples.size:
                core.calls[call_id].push(channel, samples)
        telephone.sent_ms = last * 1000 / RATE
        if last >= telephone.sound.shape[1]:
            ended.add(call_id)
            core.end(call_id)

    def _tell(self, event: LiveEvent, at_s: float, told: dict[str, list[tuple[float, dict[str, Any]]]]) -> None:
        data = dict(event.data)
        if event.type == "live.signal":
            data = to_data(data["noticed"])
        elif event.type == "live.finding":
            found = data["found"]
            data = {
                "rule_id": found.finding.rule_id, "at_ms": found.finding.at_ms, "state": found.state.value,
                "until_ms": found.until_ms,
            }  # fmt: skip
        told[event.live_id].append((at_s, {"type": event.type, "data": data}))
