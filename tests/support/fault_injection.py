"""Daily runs that are killed at random moments beside a mail server that misbehaves, and what was lost or sent twice.

A round begins with nothing made and nothing sent. Runs are killed (SIGKILL) at random moments while the server drops
connections, delays, refuses for now and for good, and dies after DATA; then the server behaves and runs go on until a
run ends by itself. After every kill the documents that exist must be complete; after each round every call must be in
the report, and every mail sent once, refused, or called unknown.
"""

from __future__ import annotations

import io
import json
import os
import random
import signal
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy

from qareport.events import Progress
from qareport.model import DeliveryState, Edition
from qareport.store import Store
from tests.support import dailies
from tests.support.forked import HEARING, Forked
from tests.support.patience import scaled
from tests.support.postbox import DROP, DROP_AFTER, Postbox
from tests.support.recordings import cut_recording

CALLS = 8
#: Kills in one round, before a run may end by itself.
KILLS_A_ROUND = 4
#: A calm server on a busy machine must answer within it.
_TIMEOUT_S = scaled(1.5)


@dataclass(slots=True, kw_only=True)
class Tally:
    """What was counted; `faults` should be empty."""

    kills: int = 0
    #: Kills that came after the run had ended by itself.
    too_late: int = 0
    rounds: int = 0
    runs: int = 0
    mails: Counter[str] = field(default_factory=Counter)
    delivered: int = 0
    #: Mails called unknown, by whether the server had them.
    unknown_arrived: int = 0
    unknown_lost: int = 0
    faults: list[str] = field(default_factory=list)


class FaultInjection:
    """A prepared store and a mail server, used round after round."""

    def __init__(
        self,
        folder: Path,
        store: str | None,
        *,
        seed: int,
        attach: tuple[str, ...],
        kills_a_round: int = KILLS_A_ROUND,
        recordings: int = 0,
    ) -> None:
        """Prepare the calls of a day in the store."""
        self.recordings = recordings
        self.modules = HEARING if recordings else ()
        self.folder = folder
        self.url = store or f"sqlite:///{folder / 'qareport.db'}"
        self.random = random.Random(seed)
        self.tally = Tally()
        self.attach = attach
        self.kills_a_round = kills_a_round
        self.calm = False
        self.postbox = Postbox(self._fault)

    def run(self, kills: int, *, on_progress: Progress | None = None) -> Tally:
        """Run until so many runs were killed."""
        with self.postbox, Forked(*self.modules) as self.forked:
            dailies.make_config(
                self.folder / "config",
                port=self.postbox.port,
                timeout_s=_TIMEOUT_S,
                retry_s=[0.05, 0.1],
                attach=list(self.attach),
                attach_agents=[self.attach[0]],
            )
            self._record()
            self._prepare()
            length_s = self._undisturbed()
            while self.tally.kills < kills:
                self._round(min(self.kills_a_round, kills - self.tally.kills), length_s)
                if on_progress is not None:
                    on_progress("kill", self.tally.kills, kills)
        return self.tally

    def _prepare(self) -> None:
        path = dailies.write_transcripts(self.folder / "calls.jsonl", CALLS)
        out = str(self.folder / "analysed")
        status, output = self._qareport("analyse", str(path), "--format", "json", "--out", out)
        if status != 0:
            raise RuntimeError(output)

    def _record(self) -> None:
        """Put recordings where daily runs look for them, each of another part of a bundled call."""
        lines = ["audio,order_id,agent_id,started_at"]
        for number in range(self.recordings):
            path = cut_recording(self.folder / "recordings" / f"r{number}.wav", second=2 * number)
            os.utime(path, (1_700_000_000, 1_700_000_000))
            lines.append(f"{path.name},R{number},A017,{dailies.DAY}T20:{number:02d}:00+08:00")
        manifest = self.folder / "recordings.csv"
        manifest.write_text("\n".join(lines), "utf-8")
        path = self.folder / "config" / "qareport.yaml"
        settings = json.loads(path.read_text("utf-8"))
        if self.recordings:
            settings["daily"] |= {"sources": [str(self.folder / "recordings")], "manifest": str(manifest)}
        path.write_text(json.dumps(settings, ensure_ascii=False), "utf-8")

    def _undisturbed(self) -> float:
        """Measure an undisturbed run: kills are spread over its length."""
        self.calm = True
        self._reset()
        started = time.monotonic()
        self._to_the_end()
        return time.monotonic() - started

    def _round(self, kills: int, length_s: float) -> None:
        self._reset()
        self.tally.rounds += 1
        self.calm = False
        for _ in range(kills):
            status, _ = self._daily(self.random.uniform(0.0, length_s))
            self.tally.kills += status == -signal.SIGKILL
            self.tally.too_late += status != -signal.SIGKILL
            self._check_documents()
        self.calm = True
        self._to_the_end()
        self._check_round()

    def _to_the_end(self) -> None:
        """Run until a run ends by itself with no mail waiting: usually the first, the second after a time-out."""
        output = ""
        for _ in range(5):
            status, output = self._daily_when_free()
            if status not in (0, 1):
                self.tally.faults.append(f"a run ended with {status}: {output[-500:]}")
                return
            with Store(self.url) as store:
                if not store.outbox.list(DeliveryState.PLANNED, DeliveryState.SENDING, DeliveryState.RETRY):
                    return
            time.sleep(0.3)
        self.tally.faults.append(f"runs came to no end: {output[-500:]}")

    def _daily_when_free(self) -> tuple[int, str]:
        """Run once the store's lock is free: PostgreSQL needs a moment to see that a process is gone."""
        while True:
            status, output = self._daily()
            if status in (0, 1) or "another run is at work" not in output:
                return status, output
            time.sleep(0.3)

    def _daily(self, kill_after_s: float | None = None) -> tuple[int, str]:
        self.tally.runs += 1
        arguments = ("--date", dailies.DAY.isoformat(), "--send", "--model", "demo")
        return self._qareport("daily", *arguments, kill_after_s=kill_after_s)

    def _qareport(self, *arguments: str, kill_after_s: float | None = None) -> tuple[int, str]:
        shared = ("--config", str(self.folder / "config"), "--store", self.url)
        ran = self.forked.run([*arguments, *shared], cwd=self.folder, kill_after_s=kill_after_s)
        return ran.status, ran.stdout + ran.stderr

    def _reset(self) -> None:
        self.postbox.delivered.clear()
        engine = sqlalchemy.create_engine(self.url.replace("postgresql://", "postgresql+pg8000://"))
        with Store(self.url), engine.begin() as connection:
            recorded = "call_id LIKE 'r%'"
            for table in ("outbox", "runs", "documents", f"calls WHERE {recorded}", f"transcripts WHERE {recorded}"):
                connection.execute(sqlalchemy.text(f"DELETE FROM {table}"))  # noqa: S608 - names from the lines above
        engine.dispose()
        for path in self._documents():
            path.unlink()

    def _fault(self, stage: str, recipient: str) -> tuple[float, str]:
        if self.calm:
            return 0.0, ""
        delay_s = self.random.choice((0.0,) * 12 + (0.05, 0.2, _TIMEOUT_S + 0.5))
        chance = self.random.random()
        if stage == "data" and chance < 0.15:
            return delay_s, DROP_AFTER
        faults = ((0.25, DROP), (0.4, "451 4.7.1 come back later"), (0.44, "554 5.7.1 not wanted"))
        return delay_s, next((reply for bound, reply in faults if chance < bound), "")

    # --- what must hold -----------------------------------------------------------------------------------------------

    def _documents(self) -> Iterator[Path]:
        out = self.folder / "out"
        return (path for path in sorted(out.rglob("*")) if path.is_file() and not path.name.startswith("."))

    def _check_documents(self) -> None:
        for path in self._documents():
            if not _is_whole(path):
                self.tally.faults.append(f"half-written: {path}")

    def _check_round(self) -> None:
        self._check_documents()
        counted = Counter((mail.recipient, mail.message_id) for mail in self.postbox.delivered)
        self.tally.delivered += counted.total()
        self.tally.faults += [f"delivered {times} times: {mail}" for mail, times in counted.items() if times > 1]
        with Store(self.url) as store:
            mails = store.outbox.list()
            run = store.runs.list(limit=1)[0]
        if f"calls={CALLS + self.recordings} failed_calls=0" not in run.summary:
            self.tally.faults.append(f"calls were lost: {run.summary}")
        expected = {*dailies.TEAM, *dailies.AGENTS.values()}
        missing = expected - {mail.recipient for mail in mails if mail.edition is not Edition.OPERATOR}
        self.tally.faults += [f"no mail was ever planned for {recipient}" for recipient in missing]
        problems = " ".join(run.problems)
        for mail in mails:
            self.tally.mails[mail.state] += 1
            arrived = counted[(mail.recipient, mail.message_id)]
            if mail.state is DeliveryState.UNKNOWN:
                self.tally.unknown_arrived += arrived
                self.tally.unknown_lost += not arrived
                if mail.key[:12] not in problems:
                    self.tally.faults.append(f"unknown and not told: {mail}")
            elif arrived != (mail.state is DeliveryState.SENT):
                self.tally.faults.append(f"delivered {arrived} times, but the outbox says {mail}")


def _is_whole(path: Path) -> bool:
    content = path.read_bytes()
    if path.suffix == ".docx":
        try:
            return zipfile.ZipFile(io.BytesIO(content)).testzip() is None
        except zipfile.BadZipFile:
            return False
    endings = {".pdf": b"%%EOF", ".html": b"</html>", ".json": b"}"}
    return content.rstrip().endswith(endings[path.suffix]) if path.suffix in endings else True
