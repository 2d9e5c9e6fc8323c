"""Assemble order reports from the store, masked, with the norms of the team; write documents that are not current."""

from __future__ import annotations

import contextvars
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from qareport import __version__, events, periods, privacy, report
from qareport.codec import to_json
from qareport.errors import NotFoundError, QareportError
from qareport.events import Progress, reason_of
from qareport.files import content_key, remove_unfinished, safe_name
from qareport.messages import Message, say
from qareport.model import (
    Agents,
    CallReport,
    FailedCall,
    OrderReport,
    PeriodReport,
    Provenance,
    Roster,
)
from qareport.settings import PeriodSettings, PrivacySettings, ScoreSettings
from qareport.workflows.review import review_calls
from qareport.workflows.scoped_period import Norms
from qareport.workflows.workspace import Workspace

if TYPE_CHECKING:
    from qareport.store import OrderRecord, Store


#: What is masked, and how norms are computed, by default.
MASK_ALL = PrivacySettings()
PERIOD = PeriodSettings()
EVERYONE = Agents()
NOBODY = Roster()


def assemble_order(
    store: Store,
    name: str,
    masking: PrivacySettings = MASK_ALL,
    *,
    norms: Norms | None = None,
    compared: bool = True,
    score: ScoreSettings | None = None,
    agents: Agents = EVERYONE,
    call_id: str | None = None,
    roster: Roster = NOBODY,
) -> OrderReport:
    """Assemble the report of one order (or of one call without an order) from the store alone, fit to leave it.

    Personal data is masked as `masking` says; what the store holds stays as it is.

    Args:
        store: where its calls are kept.
        name: the order, or a call's id.
        masking: which personal data to hide.
        norms: where norms that were read already are kept; None: with default settings.
        compared: whether the report has the norm of the team: for it the calls of a week are read.
        score: the thresholds of reviewed scores; None: with default settings.
        agents: whose calls the report may tell of; it is made from these alone.
        call_id: the one call that it is about; None: all of the order.
        roster: names and groups of agents.

    Raises:
        NotFoundError: the store knows no such order or call, or none that may be told of.
    """
    found = [_only(record, agents, call_id) for record in store.orders.list(name)]
    told = [record for record in found if record.reports or record.failures]
    if not told:
        raise NotFoundError(say("there is no order or call {name!r}", name=name))
    return _assemble(store, told[0], masking, (norms or Norms(store, PERIOD)) if compared else None, score, roster)


def assemble_orders(
    store: Store,
    name: str,
    masking: PrivacySettings = MASK_ALL,
    *,
    norms: Norms | None = None,
    score: ScoreSettings | None = None,
    roster: Roster = NOBODY,
) -> tuple[OrderReport, ...]:
    """Assemble what a name means, as `assemble_order`: an order, and the call of that id if it has no order."""
    norms = norms or Norms(store, PERIOD)
    return tuple(_assemble(store, record, masking, norms, score, roster) for record in store.orders.list(name))


def _assemble(
    store: Store,
    record: OrderRecord,
    masking: PrivacySettings,
    norms: Norms | None,
    score: ScoreSettings | None,
    roster: Roster,
) -> OrderReport:
    models = {f"{call.model.name}@{call.model.revision}" for call in record.reports if call.model}
    complete = OrderReport(
        order_id=record.order_id,
        calls=record.reports,
        failed_calls=record.failures,
        provenance=Provenance(
            qareport=__version__,
            model=", ".join(sorted(models)) or "none",
            rules_sha256=record.rules_sha256,
            audio_sha256=tuple(call.audio.sha256 for call in record.reports if call.audio),
        ),
    )
    shown = privacy.mask_order(complete, masking.kinds) if masking.enabled else complete
    return replace(
        shown,
        dossier=periods.dossier(shown.calls),
        norm=norms.of(shown) if norms is not None else None,
        measures={call.call_id: periods.call_measures(call.metrics) for call in shown.calls},
        reviews=review_calls(store, complete.calls, score or ScoreSettings()),
        people=tuple(roster.only(call.agent_id for calls in (shown.calls, shown.failed_calls) for call in calls)),
    )


def _only(record: OrderRecord, agents: Agents, call_id: str | None) -> OrderRecord:
    """Leave the calls of some agents, or one call of theirs, in what is known of an order."""

    def holds(call: CallReport | FailedCall) -> bool:
        return agents.holds(call.agent_id) and call_id in (None, call.call_id)

    return replace(
        record,
        reports=tuple(call for call in record.reports if holds(call)),
        failures=tuple(call for call in record.failures if holds(call)),
    )


#: Each takes a child process of some 350 MB; more than these would wait for each other.
MOST_WORKERS = 4
#: Digits of a key that stand before a file's size and time: 128 bits, and all fit a column of 64.
_KEY = 32
#: What each format became: a document, or why there is none.
_Outcomes = Mapping[str, Path | Exception]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """Documents that exist now, and those that could not be made."""

    documents: tuple[Path, ...]
    #: How many of them were already current.
    reused: int
    #: Documents that could not be made, with the reason.
    problems: tuple[tuple[str, Message | QareportError], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document:
    """One document of a set: its path, and the key of what it is made from."""

    path: Path
    key: str
    #: It exists and is current.
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _DocumentSet:
    """The documents of one report, by format."""

    #: The order or call that they are about and deleted with; None: those of a period.
    name: str | None
    call_ids: tuple[str, ...] = ()
    documents: Mapping[str, _Document]
    write: Callable[[Sequence[str]], Sequence[Path]]

    def render(self) -> _Outcomes:
        """Write those that are not current: together from one view, and each alone where that fails."""
        formats = [format for format, document in self.documents.items() if not document.is_current]
        try:
            return dict(zip(formats, self.write(formats) if formats else (), strict=True))
        except Exception as error:  # noqa: BLE001 - a batch ends at no document
            return dict.fromkeys(formats, error) if len(formats) == 1 else self._render_each(formats)

    def _render_each(self, formats: Sequence[str]) -> _Outcomes:
        outcomes: dict[str, Path | Exception] = {}
        for format in formats:
            try:
                (outcomes[format],) = self.write([format])
            except Exception as error:  # noqa: BLE001 - what is wrong with one format keeps no other back
                outcomes[format] = error
        return outcomes


def file_key(path: Path, key: str) -> str | None:
    """Tie the key of a document to its file as it was written; an edited file has another. None: there is no file.

    Args:
        path: the file.
        key: of what it is made from, or what this function returned for it, of which the same part counts.
    """
    try:
        about = path.stat()
    except OSError:
        return None
    return f"{key[:_KEY]} {about.st_size:x} {about.st_mtime_ns:x}"


@dataclass(slots=True)
class _Renderer:
    """Finds out which documents are current, and keeps account of those that are made."""

    workspace: Workspace
    made: list[Path] = field(default_factory=list)
    problems: list[tuple[str, Message | QareportError]] = field(default_factory=list)
    reused: int = 0
    _watch: events.Stopwatch = field(default_factory=events.Stopwatch)

    def document(self, path: Path, format: str, *content: str) -> _Document:
        """Return the path and the key of a document, and whether it is current."""
        workspace = self.workspace
        shown = to_json(workspace.settings.report)
        key = content_key(__version__, workspace.templates_key, shown, format, *content)
        written = file_key(path, key)
        is_current = written is not None and workspace.store.documents.find_key(path.resolve()) == written
        return _Document(path=path, key=key, is_current=is_current)

    def account_for(self, documents: _DocumentSet, outcomes: _Outcomes) -> None:
        """Keep in the store what was written, and note what was not."""
        for format, document in documents.documents.items():
            outcome = outcomes.get(format)
            if isinstance(outcome, Exception):
                name = document.path.name if documents.name is None else f"{documents.name} {format}"
                self.problems.append((name, reason_of(outcome)))
                self._log(documents, format, "failed", reason=str(self.problems[-1][1]))
                continue
            if outcome is not None:
                written = file_key(document.path, document.key)
                self.workspace.store.documents.put(document.path.resolve(), written or "", name=documents.name)
            self.reused += outcome is None
            self.made.append(document.path)
            self._log(documents, format, "kept" if outcome is None else "done")

    def _log(self, documents: _DocumentSet, format: str, outcome: str, *, reason: str | None = None) -> None:
        if documents.name is not None:
            events.happened(
                "render",
                outcome,
                order_id=documents.name,
                call_ids=list(documents.call_ids),
                format=format,
                duration_ms=self._watch.lap_ms(),
                reason=reason,
            )

    def result(self) -> Rendering:
        """Sum it up."""
        return Rendering(documents=tuple(self.made), reused=self.reused, problems=tuple(self.problems))


def render_orders(
    workspace: Workspace,
    names: Sequence[str],
    *,
    formats: Sequence[str],
    out_dir: Path,
    on_progress: Progress,
    workers: int | None = None,
    executor: Executor | None = None,
    norms: Norms | None = None,
) -> Rendering:
    """Write the documents of some orders.

    Args:
        workspace: the installation.
        names: orders, or ids of calls without one.
        formats: docx, pdf, html, json.
        out_dir: where documents go.
        on_progress: called after each order.
        workers: how many orders are rendered at a time; None: as many as there are cores, `MOST_WORKERS` at most.
        executor: threads to render in; None: threads of its own.
        norms: those that are known already; None: they are read.

    Raises:
        NotFoundError: the store knows one of the names neither as an order nor as a call.
    """
    workers = workers or min(_cores(), MOST_WORKERS)
    renderer = _Renderer(workspace)
    settings = workspace.settings  # what is wrong with them is reported first, whether there is a store or not
    norms, roster = norms or Norms(workspace.store, settings.period), workspace.roster

    def documents_of(name: str) -> Iterator[_DocumentSet]:
        for number, order in enumerate(
            assemble_orders(workspace.store, name, settings.privacy, norms=norms, score=settings.score, roster=roster)
        ):
            # A call without an order that is named like an order: no id is called so, as none holds a NUL.
            stem = report.file_stem(order) if not number else safe_name(f"{name}\0call")
            yield _of_order(order, name, renderer, formats, out_dir, stem)

    remove_unfinished(out_dir)
    with _threads(executor, workers) as pool:
        sets = (documents for name in names for documents in documents_of(name))
        begun = ((documents, _submit(pool, documents.render)) for documents in sets)
        for number, (documents, outcomes) in enumerate(_ahead(begun, workers), start=1):
            renderer.account_for(documents, outcomes.result())
            on_progress("render", min(number, len(names)), len(names))
    return renderer.result()


def render_period(
    workspace: Workspace, edition: PeriodReport, *, formats: Sequence[str], out_dir: Path, pages: report.PeriodPages
) -> Rendering:
    """Write the documents of a day, a week or a month, named in the current language (`locale.speaking`).

    Args:
        workspace: the installation.
        edition: the report of the team, or of one agent.
        formats: docx, pdf, html, xlsx, json.
        out_dir: where documents go.
        pages: how the pages are made.
    """
    renderer = _Renderer(workspace)
    content = to_json(edition), to_json(pages)
    documents = _DocumentSet(
        name=None,
        documents={
            format: renderer.document(out_dir / report.file_name(edition, format), format, *content)
            for format in formats
        },
        write=partial(
            report.write,
            edition,
            out_dir=out_dir,
            templates=workspace.templates,
            settings=workspace.settings.report,
            pages=pages,
        ),
    )
    renderer.account_for(documents, documents.render())
    return renderer.result()


def _of_order(
    order: OrderReport, name: str, renderer: _Renderer, formats: Sequence[str], out_dir: Path, stem: str
) -> _DocumentSet:
    settings, content = renderer.workspace.settings.report, to_json(order)

    def document(format: str) -> _Document:
        recordings = report.recordings_key(order, settings) if format == "html" else ""
        return renderer.document(out_dir / f"{stem}.{format}", format, content, recordings)

    return _DocumentSet(
        name=name,
        call_ids=(*(call.call_id for call in order.calls), *(failure.call_id for failure in order.failed_calls)),
        documents={format: document(format) for format in formats},
        write=partial(
            report.write, order, out_dir=out_dir, templates=renderer.workspace.templates, settings=settings, stem=stem
        ),
    )


@contextmanager
def _threads(executor: Executor | None, workers: int) -> Iterator[Executor]:
    """Give the block the threads that were passed, or some of its own, which end with it."""
    if executor is not None:
        yield executor
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="documents") as pool:
        yield pool


def _submit(pool: Executor, render: Callable[[], _Outcomes]) -> Future[_Outcomes]:
    """Render in a thread, in a copy of the caller's context: the language of documents is kept there."""
    return pool.submit(contextvars.copy_context().run, render)


def _ahead(
    begun: Iterator[tuple[_DocumentSet, Future[_Outcomes]]], count: int
) -> Iterator[tuple[_DocumentSet, Future[_Outcomes]]]:
    """Keep so many orders begun besides the one that is waited for: threads stay busy, and memory flat."""
    waiting: deque[tuple[_DocumentSet, Future[_Outcomes]]] = deque()
    for item in begun:
        waiting.append(item)
        if len(waiting) > count:
            yield waiting.popleft()
    yield from waiting


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
