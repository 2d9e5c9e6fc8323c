"""Multiply: from calls a day to recordings, GPUs, cores, store, documents and mails, and which limit is met first."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from qareport.messages import Message, say
from qareport.workflows.capacity.figures import MEASURED_MINUTES, PlanFigure, PlanFigures, figures
from qareport.workflows.render import MOST_WORKERS

#: The machine that limits are told of: that which the goals of the engine are set for.
CORES: Final = 16
MEMORY_GIB: Final = 128
DISK_TB: Final = 2
#: Bytes of a second of a recording as exchanges write it: A-law, 8 kHz, two channels.
BYTES_A_SECOND: Final = 16_000
#: Calls that an agent takes in a day.
CALLS_AN_AGENT: Final = 75
#: Days that the report of a day looks back, with its own.
_DAYS_IN_REPORT = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What is asked of an installation."""

    #: Calls a day.
    calls: int
    #: Their mean length.
    minutes: float
    #: In which the recordings of a day are to be done.
    hours: float = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """What a part of the work needs."""

    name: str
    value: float
    unit: str
    #: The same in words.
    text: Message
    figures: tuple[PlanFigure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLimit:
    """A limit of one machine, and how much of it is used."""

    name: str
    #: 1.0: all of it.
    used: float
    #: Calls a day at which it is met.
    calls: int
    text: Message
    to_do: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityPlan:
    """A plan: what is needed, and the limits of one machine, the first that is met first."""

    demand: Demand
    rows: tuple[PlanRow, ...]
    limits: tuple[PlanLimit, ...]


def make_plan(demand: Demand) -> CapacityPlan:
    """Make the plan of a demand, from the figures of this version."""
    work = _Work(demand, figures())
    limits = sorted(work.limits(), key=lambda limit: -limit.used)
    return CapacityPlan(demand=demand, rows=work.rows(), limits=tuple(limits))


@dataclass(frozen=True, slots=True)
class _Work:
    demand: Demand
    known: PlanFigures

    # --- amounts of a day ---------------------------------------------------------------------------------------------

    @property
    def _audio_h(self) -> float:
        return self.demand.calls * self.demand.minutes / 60

    @property
    def _longer(self) -> float:
        """How much longer the calls are than those that were measured."""
        return self.demand.minutes / MEASURED_MINUTES

    def _hours(self, ms_a_call: float) -> float:
        return self.demand.calls * ms_a_call * self._longer / 3_600_000

    @property
    def _gpus(self) -> float:
        return self._audio_h / (self.known.gpu_rate.value * self.demand.hours)

    @property
    def _cores_alone(self) -> float:
        return self._audio_h / (self.known.core_rate.value * self.demand.hours)

    @property
    def _prepare_h(self) -> float:
        return self._audio_h * self.known.prepare_s.value / 3600

    @property
    def _judge_h(self) -> float:
        known = self.known
        return self._hours(known.analyse_ms.value + known.mask_ms.value + known.rules_ms.value)

    @property
    def _documents_h(self) -> float:
        return self._hours(self.known.documents_s.value * 1000)

    @property
    def _agents(self) -> int:
        return math.ceil(self.demand.calls / CALLS_AN_AGENT)

    @property
    def _store_gb(self) -> float:
        return self.demand.calls * self.known.store_kb.value * self._longer / 1e6

    # --- rows ---------------------------------------------------------------------------------------------------------

    def rows(self) -> tuple[PlanRow, ...]:
        """Return what each part needs."""
        return (*self._engine_rows(), *self._store_rows(), *self._paper_rows())

    def _engine_rows(self) -> tuple[PlanRow, ...]:
        known, hours = self.known, self.demand.hours
        size_gb = self._audio_h * 3600 * BYTES_A_SECOND / 1e9
        rate = size_gb * 1000 / (hours * 3600)
        return (
            PlanRow(
                name="recordings", value=self._audio_h, unit="h/day",
                text=say(
                    "Recordings: {hours} h a day, {size} GB (A-law, two channels), {rate} MB/s while they are read",
                    hours=_short(self._audio_h), size=_short(size_gb), rate=_short(rate),
                ),
            ),
            PlanRow(
                name="gpus", value=self._gpus, unit="H200",
                text=say(
                    "GPUs: {count} H200 with {cores} cores each, busy for {busy} % of the {hours} h",
                    count=math.ceil(self._gpus), cores=CORES, hours=_short(hours),
                    busy=_short(100 * self._gpus / math.ceil(self._gpus)),
                ),
                figures=(known.gpu_rate,),
            ),
            PlanRow(
                name="cores_instead", value=self._cores_alone, unit="cores",
                text=say("Or without a GPU: {cores} cores", cores=math.ceil(self._cores_alone)),
                figures=(known.core_rate,),
            ),
            PlanRow(
                name="preparing", value=self._prepare_h, unit="core-h/day",
                text=say("Decoding and finding speech beside a GPU: {hours} core-h", hours=_short(self._prepare_h)),
                figures=(known.prepare_s,),
            ),
            PlanRow(
                name="judging", value=self._judge_h, unit="core-h/day",
                text=say("Analysis, masking and 200 rules: {hours} core-h", hours=_short(self._judge_h)),
                figures=(known.analyse_ms, known.mask_ms, known.rules_ms),
            ),
        )  # fmt: skip

    def _store_rows(self) -> tuple[PlanRow, ...]:
        known = self.known
        sqlite, postgresql = self._hours(known.sqlite_ms.value), self._hours(known.postgresql_ms.value)
        sentences = self.demand.calls * known.sentences.value * self._longer
        return (
            PlanRow(
                name="writing", value=postgresql, unit="h/day",
                text=say(
                    "Writing into the store, one connection: {sqlite} h (SQLite), {postgresql} h (PostgreSQL)",
                    sqlite=_short(sqlite), postgresql=_short(postgresql),
                ),
                figures=(known.sqlite_ms,),
            ),
            PlanRow(
                name="store", value=self._store_gb, unit="GB/day",
                text=say(
                    "Store: {day} GB a day, {year} TB a year",
                    day=_short(self._store_gb), year=_short(self._store_gb * 365 / 1000),
                ),
                figures=(known.store_kb,),
            ),
            PlanRow(
                name="search", value=known.searched.value / sentences, unit="days",
                text=say(
                    "Search: {count} sentences a day; measured among {most}, the calls of {days} days "
                    "(slowest query {ms} ms)",
                    count=f"{round(sentences):,}", most=f"{round(known.searched.value):,}",
                    days=_short(known.searched.value / sentences), ms=round(known.search_ms.value),
                ),
                figures=(known.search_ms,),
            ),
        )  # fmt: skip

    def _paper_rows(self) -> tuple[PlanRow, ...]:
        known = self.known
        editions_h = self._agents * known.edition_s.value / 3600
        return (
            PlanRow(
                name="documents", value=self._documents_h, unit="core-h/day",
                text=say(
                    "Word and PDF of every call's order: {hours} core-h; asked for one by one: {seconds} s each",
                    hours=_short(self._documents_h), seconds=_short(known.documents_s.value * self._longer),
                ),
                figures=(known.documents_s,),
            ),
            PlanRow(
                name="mails", value=self._agents, unit="mails/day",
                text=say(
                    "Report of the day: {count} agents at {calls} calls, a mail each, {hours} core-h",
                    count=f"{self._agents:,}", calls=CALLS_AN_AGENT, hours=_short(editions_h),
                ),
                figures=(known.edition_s,),
            ),
        )  # fmt: skip

    # --- limits -------------------------------------------------------------------------------------------------------

    def limits(self) -> list[PlanLimit]:
        """Return the limits of one machine."""
        known, demand = self.known, self.demand
        run_gib = demand.calls * known.run_kib.value * self._longer / 2**20
        digests_gib = demand.calls * known.digest_kib.value * _DAYS_IN_REPORT / 2**20
        core_h = CORES * demand.hours
        one_process_h = self._judge_h + self._hours(known.postgresql_ms.value)
        return [
            self._limit(
                "gpu", self._gpus, say("one H200"), say("more GPUs: --on ray")
            ),
            self._limit(
                "preparing", self._prepare_h / core_h, say("16 cores for decoding"), say("more nodes: --on ray")
            ),
            self._limit(
                "judging", one_process_h / demand.hours, say("one process that judges and writes to PostgreSQL"),
                say("several runs, each over its own folders"),
            ),
            self._limit(
                "run_memory", run_gib / MEMORY_GIB, say("memory of one daily run for its transcripts"),
                say("a run every hour instead of once a day"),
            ),
            self._limit(
                "digests", digests_gib / MEMORY_GIB, say("memory of the report of a day for 15 days of calls"),
                say("a store and a report for each site or shop"),
            ),
            self._limit(
                "documents", self._documents_h / (MOST_WORKERS * demand.hours),
                say("{workers} processes that make Word and PDF of every order", workers=MOST_WORKERS),
                say("documents on demand: --format json, then qareport report ORDER"),
            ),
            self._limit(
                "disk", self._store_gb * 365 / (DISK_TB * 1000), say("a disk of 2 TB, after a year"),
                say("retention.days, or a larger disk"),
            ),
        ]  # fmt: skip

    def _limit(self, name: str, used: float, text: Message, to_do: Message) -> PlanLimit:
        return PlanLimit(name=name, used=used, calls=int(self.demand.calls / used), text=text, to_do=to_do)


def _short(value: float) -> str:
    """Write a number with two digits that tell something, in thousands by commas."""
    if value >= 100:
        return f"{round(value):,}"
    return f"{value:.2g}" if value < 10 else f"{value:.0f}"
