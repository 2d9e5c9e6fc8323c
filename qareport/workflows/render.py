"""Reports of orders, assembled from the store alone, and their documents.

Documents are made by a few threads: a PDF is laid out in a child process of its own, so while one order's page is laid
out the next one's Word document is made. The store is read and written by the calling thread alone.
"""

from __future__ import annotations

import contextvars
import hashlib
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from qareport import __version__, events, periods, privacy, report
from qareport.codec import to_json
from qareport.events import Progress
from qareport.model import OrderReport, PeriodKind, Provenance, TeamNorm
from qareport.settings import PeriodSettings, PrivacySettings, ReportSettings
from qareport.store import Store
from qareport.workflows.judge import reason_of
from qareport.workflows.transcribe import key_of

#: What is masked, and how norms are taken, where nobody says otherwise.
MASK_ALL = PrivacySettings()
PERIOD = PeriodSettings()
#: Each takes a child process of some 350 MB; more than these would wait for each other.
MOST_WORKERS = 4


class Norms:
    """What is usual in the team, for any day; read once for each day."""

    def __init__(self, store: Store, period: PeriodSettings) -> None:
        self._store, self._period = store, period
        self._known: dict[date, TeamNorm] = {}

    def before(self, day: date) -> TeamNorm:
        """Return the norm of the `period.baseline_days` before a day; on a store's first day, of that day itself."""
        if day not in self._known:
            today = periods.period_of(PeriodKind.DAY, day, self._period.time_zone)
            start, end = periods.bounds(today)
            first = min(periods.bounds(one)[0] for one in periods.baseline_of(today, self._period))
            calls = self._store.measures_between(first, start) or self._store.measures_between(start, end)
            self._known[day] = periods.team_norm(calls, self._period.time_zone)
        return self._known[day]

    def of(self, order: OrderReport) -> TeamNorm | None:
        """Return the norm before the order's latest call; None if nobody knows when that was."""
        starts = [call.started_at for call in order.calls if call.started_at is not None]
        return self.before(periods.local_day(max(starts), self._period.time_zone)) if starts else None


def order_report(
    store: Store, name: str, masking: PrivacySettings = MASK_ALL, *, norms: Norms | None = None
) -> OrderReport:
    """Assemble the report of one order (or of one call without an order) from the store alone, fit to leave it.

    Personal data is masked as `masking` says; what the store holds stays as it is.

    Args:
        store: where its calls are kept.
        name: the order, or a call's id.
        masking: which personal data to hide.
        norms: where norms that were read already are kept; None: with default settings.

    Raises:
        NotFoundError: the store knows no such order or call.
    """
    record = store.order(name)
    models = {f"{item.model.name}@{item.model.revision}" for item in record.reports if item.model}
    whole = OrderReport(
        order_id=record.order_id,
        calls=record.reports,
        failed_calls=record.failures,
        provenance=Provenance(
            qareport=__version__,
            model=", ".join(sorted(models)) or "none",
            rules_sha256=record.rules_sha256,
            audio_sha256=tuple(item.audio.sha256 for item in record.reports if item.audio),
        ),
    )
    shown = privacy.mask_order(whole, masking.kinds) if masking.enabled else whole
    return replace(
        shown,
        dossier=periods.dossier(shown.calls),
        norm=(norms or Norms(store, PERIOD)).of(shown),
        measures={call.call_id: periods.call_measures(call.metrics) for call in shown.calls},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """The outcome of the last step."""

    documents: tuple[Path, ...]
    reused: int
    #: Orders whose documents could not be made, with the reason.
    problems: tuple[tuple[str, str], ...]


@dataclass(slots=True, kw_only=True)
class _Work:
    """The documents of one order: those that are there already, and those that are being made."""

    name: str
    #: Names of its calls.
    calls: list[str]
    #: Path, key, and what will be there when it is written; None: it is there.
    documents: list[tuple[Path, str, Future[list[Path]] | None]] = field(default_factory=list)

    def tell(self, path: Path, outcome: str, watch: events.Stopwatch, *, reason: str | None = None) -> None:
        """Log what became of one of its documents."""
        events.happened(
            "render",
            outcome,
            order_id=self.name,
            call_ids=self.calls,
            format=path.suffix.removeprefix("."),
            duration_ms=watch.lap_ms(),
            reason=reason,
        )


def render_orders(
    names: Sequence[str],
    store: Store,
    *,
    formats: Sequence[str],
    out_dir: Path,
    templates: Path,
    settings: ReportSettings,
    masking: PrivacySettings = MASK_ALL,
    period: PeriodSettings = PERIOD,
    workers: int | None = None,
    on_progress: Progress,
) -> Rendering:
    """Write the documents of some orders; one that is there already and made of the same is left alone.

    Args:
        names: orders, or ids of calls without one.
        store: where their calls are kept.
        formats: docx, pdf, html, json.
        out_dir: where documents go.
        templates: the user's templates.
        settings: what documents show.
        masking: which personal data to hide.
        period: how many days back norms are taken, and where days begin.
        workers: how many documents are made at a time; None: as many as there are cores, `MOST_WORKERS` at most.
        on_progress: told after each order.

    Raises:
        NotFoundError: the store knows one of the names neither as an order nor as a call.
    """
    made: list[Path] = []
    problems: list[tuple[str, str]] = []
    reused = 0
    norms = Norms(store, period)
    shared = (__version__, folder_hash(templates), to_json(settings))
    workers = workers or min(_cores(), MOST_WORKERS)
    watch = events.Stopwatch()

    def begin(name: str, pool: ThreadPoolExecutor) -> _Work:
        order = order_report(store, name, masking, norms=norms)
        content = to_json(order)
        calls = [one.call_id for one in order.calls] + [one.call_id for one in order.failed_calls]
        work = _Work(name=name, calls=calls)
        for kind in formats:
            path = out_dir / report.file_name(order, kind)
            heard = report.recordings_key(order, settings) if kind == "html" else ""
            key = key_of(*shared, content, kind, heard)
            write = None
            if not path.exists() or store.document_key(path.resolve()) != key:
                # A context of its own for each: the language of documents is kept in it.
                write = pool.submit(
                    contextvars.copy_context().run,
                    lambda kind=kind: report.write(order, [kind], out_dir, templates=templates, settings=settings),
                )
            work.documents.append((path, key, write))
        return work

    with ThreadPoolExecutor(workers, thread_name_prefix="documents") as pool:
        for number, work in enumerate(_ahead((begin(name, pool) for name in names), workers), start=1):
            for path, key, write in work.documents:
                if write is None:
                    made.append(path)
                    reused += 1
                    work.tell(path, "kept", watch)
                    continue
                try:
                    made += write.result()
                    store.put_document(path.resolve(), key, name=work.name)
                    work.tell(path, "done", watch)
                except Exception as error:  # noqa: BLE001 - a batch ends at no document
                    problems.append((f"{work.name} {path.suffix.removeprefix('.')}", reason_of(error)))
                    work.tell(path, "failed", watch, reason=problems[-1][1])
            on_progress("render", number, len(names))
    return Rendering(documents=tuple(made), reused=reused, problems=tuple(problems))


def _ahead(works: Iterator[_Work], count: int) -> Iterator[_Work]:
    """Keep so many orders begun besides the one that is waited for: threads stay busy, and memory flat."""
    begun: deque[_Work] = deque()
    for work in works:
        begun.append(work)
        if len(begun) > count:
            yield begun.popleft()
    yield from begun


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def folder_hash(folder: Path) -> str:
    """Hash all templates of a folder."""
    files = sorted(path for path in folder.iterdir() if path.suffix in (".j2", ".css", ".js", ".docx"))
    return key_of(*(part for path in files for part in (path.name, hashlib.sha256(path.read_bytes()).hexdigest())))
