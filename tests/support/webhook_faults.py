"""Senders of webhooks that are killed at random moments before receivers that misbehave: what is lost, what repeated.

Events are raised by a process that is killed, too; it writes down each event once the store has it. Two senders at a
time work on the same store, as two desks do. At the end the receivers behave, and everything must have arrived: each
event at each webhook, every repetition under the id and with the body of the first time, and of one call no later
event before an earlier one was ever tried.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from qareport.delivery.outbox import utc_now
from qareport.model import DeliveryState
from qareport.store import Store
from tests.support.paths import ROOT
from tests.support.receiver import Receiver, Reply, Taken

#: Receivers of every event, and calls that events are about.
HOOKS, CALLS = 3, 5
#: Senders at a time.
_SENDERS = 2
_TIMEOUT_S = 1.0
#: Forks senders and raisers that have everything imported: kills hit work, not starts.
_PROGRAM = """
import json, os, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from qareport.delivery import DeskKey, WebhookSender, WebhookTries, webhooks
from qareport.delivery.outbox import utc_now
from qareport.model import EventType
from qareport.outgoing import OutgoingClient, OutgoingReach
from qareport.store import Store
import alembic
url, folder, timeout_s, calls = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
webhooks.TRIES_S = tuple(0.05 * number for number in range(400))  # a day of tries, compressed

def send():
    key = DeskKey.open(folder / "key")
    client = OutgoingClient(OutgoingReach(allow=("http://127.0.0.1",), timeout_s=timeout_s))
    tries = WebhookTries(client, lambda: key, public_url="", now=utc_now)
    with Store(url) as store:
        WebhookSender(store, tries, lease=timedelta(seconds=timeout_s + 0.5), now=utc_now).run(Event())

def raise_events(first):
    with Store(url) as store:
        log = os.open(folder / "raised", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for number in range(first, first + 1_000_000):
            data = {"n": number}
            store.webhooks.raise_event(EventType.CALL_JUDGED, data, object=f"call:{number % calls}", at=utc_now())
            os.write(log, f"{number}\\n".encode())
            Event().wait(0.1)

for line in sys.stdin:
    name, *arguments = json.loads(line)
    pid = os.fork()
    if pid == 0:
        {"send": send, "raise": raise_events}[name](*arguments)
        os._exit(0)
    print(pid, flush=True)
"""


@dataclass(slots=True, kw_only=True)
class WebhookTally:
    """What was counted; `faults` should be empty."""

    kills: int = 0
    #: Events that the store had, and deliveries that they make.
    events: int = 0
    deliveries: int = 0
    requests: int = 0
    #: Requests that repeat one under the same id.
    repeated: int = 0
    #: Deliveries that were on their way at the last kill.
    unknown: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)


class WebhookFaults:
    """Receivers, senders and their kills."""

    def __init__(self, folder: Path, url: str | None, *, seed: int) -> None:
        self.folder = folder
        self.url = url or f"sqlite:///{folder / 'q.db'}"
        self.tally = WebhookTally()
        self._random = random.Random(seed)
        self._calm = False
        #: Dead ones keep their numbers until the parent goes.
        self._started: list[int] = []

    def run(self, kills: int, *, on_progress: Callable[[int], None] = lambda kills: None) -> WebhookTally:
        """Run until so many processes were killed, then until all has arrived."""
        began = time.monotonic()
        receivers = [Receiver(self._answer) for _ in range(HOOKS)]
        for receiver in receivers:
            receiver.__enter__()
        with Store(self.url) as store:
            hooks = {
                store.webhooks.add(f"w{number}", receiver.url, at=utc_now()).webhook_id: receiver
                for number, receiver in enumerate(receivers)
            }
        arguments = (self.url, str(self.folder), str(_TIMEOUT_S), str(CALLS))
        parent = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *arguments], env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
        )  # fmt: skip
        self._parent = parent
        try:
            self._kill_on(kills, on_progress)
            self._calm = True
            self._finish(hooks)
        finally:
            for pid in self._started:
                os.kill(pid, signal.SIGKILL)
            parent.kill()
            parent.communicate()
            for receiver in receivers:
                receiver.__exit__()
        self.tally.seconds = round(time.monotonic() - began, 1)
        return self.tally

    def _start(self, name: str, *arguments: int) -> int:
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(json.dumps([name, *arguments]).encode() + b"\n")
        self._started.append(int(self._parent.stdout.readline()))
        return self._started[-1]

    def _kill_on(self, kills: int, on_progress: Callable[[int], None]) -> None:
        raised, first = self._start("raise", 0), 0
        senders = [self._start("send") for _ in range(_SENDERS)]
        while self.tally.kills < kills:
            time.sleep(self._random.uniform(0.2, 1.2))
            if self._random.random() < 0.15:
                os.kill(raised, signal.SIGKILL)
                first += 1_000_000  # an event that was not written down may be there all the same
                raised = self._start("raise", first)
            else:
                place = self._random.randrange(_SENDERS)
                os.kill(senders[place], signal.SIGKILL)
                senders[place] = self._start("send")
            self.tally.kills += 1
            on_progress(self.tally.kills)
        for pid in (raised, *senders):
            os.kill(pid, signal.SIGKILL)

    def _answer(self, number: int, request: Taken) -> Reply:
        if self._calm:
            return Reply()
        chance = self._random.random()
        if chance < 0.1:
            return Reply(status=503)
        if chance < 0.2:
            return Reply(hang_up=True)
        if chance < 0.25:
            return Reply(status=302, headers={"Location": "/elsewhere"})
        if chance < 0.4:
            time.sleep(self._random.choice((0.05, 0.2, _TIMEOUT_S + 0.2)))  # a kill may come meanwhile
        return Reply(status=200, body=b"ok")

    def _finish(self, hooks: dict[int, Receiver]) -> None:
        """Let a sender send all that waits, and count."""
        with Store(self.url) as store:
            self.tally.unknown = store.webhook_queue.count().get(DeliveryState.SENDING, 0)
        sender = self._start("send")
        with Store(self.url) as store:
            deadline = time.monotonic() + 600
            while set(store.webhook_queue.count()) - {DeliveryState.SENT} and time.monotonic() < deadline:
                time.sleep(0.2)
            os.kill(sender, signal.SIGKILL)
            states = store.webhook_queue.count()
            if set(states) != {DeliveryState.SENT}:
                self.tally.faults.append(f"not all was sent: {states}")
            deliveries = store.webhook_queue.list(limit=1_000_000)
        self.tally.deliveries = len(deliveries)
        raised = [int(line) for line in (self.folder / "raised").read_text("ascii").split()]
        kept = {int((delivery.data or {})["n"]) for delivery in deliveries}
        self.tally.events = len(kept)
        self.tally.faults += [f"event {number} was lost" for number in sorted(set(raised) - kept)]
        ids: defaultdict[int, dict[str, int]] = defaultdict(dict)
        for delivery in deliveries:
            ids[delivery.webhook_id][delivery.delivery_id] = int((delivery.data or {})["n"])
        for webhook_id, receiver in hooks.items():
            self._check(ids[webhook_id], receiver.taken, kept)

    def _check(self, ids: dict[str, int], taken: list[Taken], kept: set[int]) -> None:
        """Check what reached one receiver against what the store knows of."""
        faults, bodies = self.tally.faults, defaultdict(set)
        for request in taken:
            bodies[request.headers["webhook-id"]].add(request.body)
        counted = Counter(request.headers["webhook-id"] for request in taken)
        self.tally.requests += len(taken)
        self.tally.repeated += len(taken) - len(counted)
        if sorted(ids.values()) != sorted(kept):
            faults.append("an event has not one delivery for a webhook")
        faults += [f"{name} never arrived" for name in ids.keys() - counted.keys()]
        faults += [f"{name} is an id that the store does not know" for name in counted.keys() - ids.keys()]
        faults += [f"{name} came with different bodies" for name, known in bodies.items() if len(known) > 1]
        first_seen = list(dict.fromkeys(request.headers["webhook-id"] for request in taken))
        last: dict[int, int] = {}
        for name in first_seen:
            number = ids.get(name, 0)
            call = number % CALLS
            if number < last.get(call, -1):
                faults.append(f"event {number} of call {call} came after event {last[call]}")
            last[call] = number
