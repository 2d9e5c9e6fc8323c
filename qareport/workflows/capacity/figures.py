"""The figures that a plan rests on: measured ones, copied from benchmarks/results, and estimates that say so."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Final

from qareport.messages import Message, say
from qareport.settings.bundled import bundled_figures

#: Calls of the benchmarks are so long.
MEASURED_MINUTES: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFigure:
    """A number, and where it comes from."""

    value: float
    source: str | Message
    #: False: an estimate.
    measured: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFigures:
    """Everything that a plan multiplies. Of calls: of three minutes, as they were measured."""

    #: Recorded time that one CPU core transcribes in a second with a model of the full size, in seconds.
    core_rate: PlanFigure
    #: The same for an H200 with 16 cores beside it.
    gpu_rate: PlanFigure
    #: Of a core, for an hour of recorded time beside a GPU: decoding, finding speech, cutting, in seconds.
    prepare_s: PlanFigure
    #: Of a core, for a call, in ms: reading and analysing, masking, matching 200 rules.
    analyse_ms: PlanFigure
    mask_ms: PlanFigure
    rules_ms: PlanFigure
    #: To put a call into the store and its index, in ms.
    sqlite_ms: PlanFigure
    postgresql_ms: PlanFigure
    #: What the store keeps of a call with transcript and times of words, in kB.
    store_kb: PlanFigure
    #: What a daily run holds of a call until its end, and the report of a day of each of 15 days, in KiB.
    run_kib: PlanFigure
    digest_kib: PlanFigure
    #: Of a core, for Word and PDF of an order, in seconds.
    documents_s: PlanFigure
    #: Of a core, for everything that the report of a day sends to one agent, in seconds.
    edition_s: PlanFigure
    #: Sentences of a call, and those among which search was measured.
    sentences: PlanFigure
    searched: PlanFigure
    search_ms: PlanFigure


_NOT_MEASURED = say("estimate; not measured on a GPU yet (python -m benchmarks.engine --device cuda)")
_FROM_BUNDLED = say("estimate, from the store of the 19 bundled calls, 22 minutes in all")
_FROM_PROFILE = say("estimate, from a profile of 60 three-minute calls on two cores")


@cache
def figures() -> PlanFigures:
    """Return the figures of this version."""
    measured = {
        name: PlanFigure(value=entry["value"], source=entry["source"])
        for name, entry in json.loads(bundled_figures().read_text("utf-8")).items()
    }
    return PlanFigures(
        gpu_rate=PlanFigure(value=1200, source=_NOT_MEASURED, measured=False),
        store_kb=PlanFigure(value=60, source=_FROM_BUNDLED, measured=False),
        run_kib=PlanFigure(value=171, source=_FROM_PROFILE, measured=False),
        digest_kib=PlanFigure(value=11.7, source=_FROM_PROFILE, measured=False),
        **measured,
    )
