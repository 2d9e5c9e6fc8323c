"""Editions of a period: build their reports, and write their documents and those of the orders that they lead to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from qareport import periods, report
from qareport.delivery import Clock
from qareport.events import Progress
from qareport.messages import say, say_count
from qareport.model import (
    CallSummary,
    FailedCall,
    Note,
    NoteCode,
    Period,
    PeriodKind,
    PeriodReport,
    PromiseState,
)
from qareport.periods import TrendTotals
from qareport.presentation.links import Links
from qareport.report import PeriodPages
from qareport.workflows.daily.context import Context, DailyOptions, period_name
from qareport.workflows.render import render_orders, render_period
from qareport.workflows.review import review_summaries
from qareport.workflows.scoped_period import Norms
from qareport.workflows.workspace import Workspace

T = TypeVar("T", CallSummary, FailedCall)
#: How far back promises and repeated calls are looked for, beside the periods that are compared.
_LOOK_BACK = timedelta(days=14)
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Everything of a period that the store holds."""

    period: Period
    summaries: tuple[CallSummary, ...]
    before: tuple[CallSummary, ...]
    failures: tuple[FailedCall, ...]
    trend: TrendTotals

    @property
    def calls(self) -> int:
        """How many calls there were."""
        return len(self.summaries) + len(self.failures)

    @property
    def agents(self) -> set[str]:
        """Who answered them, where that is known."""
        names = (*(summary.agent_id for summary in self.summaries), *(failure.agent_id for failure in self.failures))
        return {name for name in names if name is not None}

    def by_agent(self) -> Mapping[str, Material]:
        """Part it by agents, so that each edition looks through its own calls alone."""

        def parted(calls: Iterable[T]) -> Mapping[str | None, Sequence[T]]:
            groups: dict[str | None, list[T]] = defaultdict(list)
            for call in calls:
                groups[call.agent_id].append(call)
            return groups

        now, before, failures = parted(self.summaries), parted(self.before), parted(self.failures)
        return {
            agent: replace(
                self, summaries=tuple(now.get(agent, ())), before=tuple(before.get(agent, ())),
                failures=tuple(failures.get(agent, ())),
            )
            for agent in self.agents
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionMade:
    """The report of one edition, its documents, and who gets them."""

    report: PeriodReport
    #: What its documents and its mail link to.
    pages: PeriodPages
    documents: tuple[Path, ...]
    #: Documents that could not be made; then the mail says so.
    missing: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Editions:
    """The steps from the store to documents."""

    context: Context

    def gather(self) -> Material:
        """Read the calls of the period and of those that it is compared with; note calls without a result."""
        run = self.context
        period, store = run.period, run.store
        start, end = periods.bounds(period)
        compared = (*periods.baseline_of(period, run.settings.period), period)
        earliest = min(periods.bounds(earlier)[0] for earlier in compared)
        judged = store.summaries.list(start, end, summarise=periods.summarise_call)
        summaries = review_summaries(store, judged, run.settings.score)
        failures = store.calls.list_failures(start, end)
        known = {summary.call_id for summary in summaries} | {failure.call_id for failure in failures}
        waiting = sorted(call.call_id for call in store.calls.list(start, end) if call.call_id not in known)
        if waiting:
            names = ", ".join(waiting[:5]) + (" …" if len(waiting) > 5 else "")
            note = Note(code=NoteCode.CALLS_WAITING, values={"calls": str(len(waiting)), "names": names})
            run.log.trouble(
                say_count(
                    "{count} call of {period} has no result yet: {names}; run the command again",
                    "{count} calls of {period} have no result yet: {names}; run the command again",
                    len(waiting),
                    period=period_name(period),
                    names=names,
                ),
                note,
            )
        first = min(earliest - timedelta(days=run.settings.period.repeat_days), start - _LOOK_BACK)
        before = store.summaries.list(first, start, summarise=periods.summarise_call)
        if not known and not waiting and period.kind is PeriodKind.DAY:
            self._doubt(before)
        return Material(
            period=period,
            summaries=summaries,
            before=before,
            failures=failures,
            trend=self._trend(first, (*before, *summaries)),
        )

    def _trend(self, first: datetime, calls: Sequence[CallSummary]) -> TrendTotals:
        """Add the trend up; of calls before `first` no more is read than it needs."""
        run = self.context
        begin = periods.trend_start(run.period, run.settings.period)
        older = (
            run.store.summaries.list_outlines(begin, first, summarise=periods.summarise_call) if begin < first else ()
        )
        return TrendTotals.of(run.period, (*older, *calls), run.settings.period)

    def _doubt(self, before: Sequence[CallSummary]) -> None:
        """Warn about a day without calls when the same weekday before had some: its recordings may still arrive."""
        period = self.context.period
        start, end = periods.bounds(periods.period_of(period.kind, period.first - _WEEK, period.time_zone))
        count = sum(call.started_at is not None and start <= call.started_at < end for call in before)
        if count:
            self.context.log.trouble(
                say(
                    "no call of {period} was found, and a week before there were {count}: check whether recordings "
                    "reach daily.sources; if nobody worked that day, nothing is wrong",
                    period=period_name(period),
                    count=count,
                ),
                Note(code=NoteCode.CALLS_MISSING, values={"calls": str(count)}),
            )

    def build(self, material: Material, notes: Sequence[Note]) -> list[PeriodReport]:
        """Build the team's report, then those of the agents who get one and had calls.

        Args:
            material: what the store holds of the period.
            notes: what readers must know of the rules.
        """
        run = self.context
        agents = [agent for agent in sorted(run.settings.mail.agents) if agent in material.agents]
        partial = run.log.partial
        repeated = periods.repeated_calls((*material.before, *material.summaries), run.settings.period)
        team = self._build(material, repeated, agent_id=None, partial=partial, notes=(*notes, *run.log.remarks))
        own = material.by_agent()
        return [
            team, *(self._build(own[name], repeated, agent_id=name, partial=partial, notes=notes) for name in agents)
        ]  # fmt: skip

    def _build(
        self, material: Material, repeated: frozenset[str], *, agent_id: str | None, partial: Sequence[Note],
        notes: Sequence[Note],
    ) -> PeriodReport:  # fmt: skip
        """Build the report for the team or an agent. An agent's edition does not name missing recordings of others."""
        if agent_id is not None and partial:
            partial = (Note(code=NoteCode.INCOMPLETE),)
        return periods.build_period(
            material.period,
            material.summaries,
            material.before,
            material.failures,
            self.context.settings.period,
            agent_id=agent_id,
            roster=self.context.workspace.roster,
            trend=material.trend,
            repeated=repeated,
            partial=partial,
            notes=notes,
        )

    def write(self, reports: Sequence[PeriodReport], orders: Mapping[str, Path]) -> list[EditionMade]:
        """Write the documents of each edition; one that cannot be made is recorded as a trouble.

        Args:
            reports: the team's first.
            orders: the document of an order that a reader opens, by its number; only the team's edition leads to them,
                because they show other agents' calls.
        """
        run, settings = self.context, self.context.settings
        made = []
        for number, edition in enumerate(reports):
            agent = edition.agent_id
            if agent is None:
                formats = tuple(dict.fromkeys((*settings.mail.attach, "xlsx")))
                folder, recipients = run.folder, settings.mail.team
            else:
                formats = settings.mail.attach_agents
                folder, recipients = run.folder / "agents", (settings.mail.agents[agent],)
            pages = PeriodPages(
                settings=settings.period,
                links=self._links(orders if agent is None else {}),
                with_workbook="xlsx" in formats,
            )
            made.append(self._write(edition, pages, formats, folder, recipients))
            if number:
                run.on_progress("render", number, len(reports) - 1)
        return made

    def _links(self, orders: Mapping[str, Path]) -> Links:
        run = self.context
        addresses = {subject: address_of(path, run) for subject, path in orders.items()}
        return Links(
            desk=desk_of(run),
            documents={subject: address for subject, address in addresses.items() if address},
        )

    def _write(
        self,
        edition: PeriodReport,
        pages: PeriodPages,
        formats: Sequence[str],
        folder: Path,
        recipients: tuple[str, ...],
    ) -> EditionMade:
        rendering = render_period(self.context.workspace, edition, formats=formats, out_dir=folder, pages=pages)
        for name, reason in rendering.problems:
            what = say("{document} could not be made: {reason}", document=name, reason=reason)
            self.context.log.trouble(what, Note(code=NoteCode.DOCUMENTS_MISSING))
        return EditionMade(
            report=edition,
            pages=pages,
            documents=rendering.documents,
            missing=tuple(name for name, _ in rendering.problems),
            recipients=recipients,
        )

    def write_orders(self, team: PeriodReport, material: Material) -> tuple[Path, ...]:
        """Write the reports of the orders whose customers are to be called back first.

        Where readers have an address to open documents, every order that the report names gets a page, too.
        """
        run = self.context
        norms = Norms(run.store, run.settings.period)
        if run.period.kind is PeriodKind.DAY:
            norms.know(run.period.first, (*material.before, *material.summaries))
        first = [callback.subject for callback in team.callbacks[: run.settings.daily.orders]]
        attached = [name for name in run.settings.mail.attach if name in report.FORMATS]
        documents = self._write_orders(first, attached, norms)
        if desk_of(run) or not has_web_address(run.settings.mail.link):
            return documents
        pages = self._write_orders([*first, *_named(team, run.settings.period.callbacks)], ["html"], norms)
        return tuple(dict.fromkeys((*documents, *pages)))

    def _write_orders(self, subjects: Sequence[str], formats: Sequence[str], norms: Norms) -> tuple[Path, ...]:
        run = self.context
        rendering = render_orders(
            run.workspace,
            list(dict.fromkeys(subjects)),
            formats=formats,
            out_dir=run.out / "reports",
            on_progress=run.on_progress,
            norms=norms,
        )
        for name, reason in rendering.problems:
            run.log.trouble(say("the report of order {order} could not be made: {reason}", order=name, reason=reason))
        return rendering.documents


def _named(team: PeriodReport, callbacks: int) -> Iterator[str]:
    """Name the orders that the pages of a report name."""
    yield from (callback.subject for callback in team.callbacks[:callbacks])
    yield from (item.subject for link in team.weak_links for item in link.evidence)
    for row in team.agents:
        yield from (found.evidence.subject for found in (row.main_fault, row.praise) if found is not None)
    yield from (promise.subject for promise in team.promises if promise.state is not PromiseState.UNCONFIRMED)


def make_team_edition(workspace: Workspace, day: date, *, out: Path, on_progress: Progress) -> EditionMade:
    """Make the team's report of a day from what the store holds; nothing is taken in, and no mail is written.

    Args:
        workspace: the installation.
        day: the day, by `period.time_zone`.
        out: in place of `daily.out`.
        on_progress: called after each document.
    """
    context = Context(
        workspace=workspace,
        options=DailyOptions(day=day, out=str(out)),
        period=periods.period_of(PeriodKind.DAY, day, workspace.settings.period.time_zone),
        clock=Clock(),
        on_progress=on_progress,
    )
    editions = Editions(context)
    return editions.write(editions.build(editions.gather(), ())[:1], {})[0]


#: Which document of an order a link leads to: what a phone shows best, first.
_OPENED = (".html", ".pdf", ".docx")


def openable(team: PeriodReport, documents: Sequence[Path]) -> dict[str, Path]:
    """Choose the document that a reader opens for each order of a report that has some."""
    by_name = {path.name: path for path in documents}
    subjects = dict.fromkeys(_named(team, len(team.callbacks)))
    found = {
        subject: [by_name[name] for ending in _OPENED if (name := report.order_stem(subject) + ending) in by_name]
        for subject in subjects
    }
    return {subject: paths[0] for subject, paths in found.items() if paths}


def desk_of(run: Context) -> str:
    """Return the address of the desk that people type; "" where there is none."""
    address = run.settings.desk.public_url
    return address.rstrip("/") if has_web_address(address) else ""


def has_web_address(link: str) -> bool:
    """Tell whether an address can be opened in a browser."""
    return link.startswith(("http://", "https://"))


def address_of(path: Path, run: Context) -> str:
    """Return the address of a document on the web; "" where `mail.link` is no web address."""
    link = run.settings.mail.link
    if not has_web_address(link):
        return ""
    return link.rstrip("/") + "/" + quote(path.resolve().relative_to(run.out.resolve()).as_posix())
