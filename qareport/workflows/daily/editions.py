"""Makes what goes out for a period: its report, for the team and for each agent, and the documents of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from qareport import periods, report
from qareport.model import CallSummary, FailedCall, Note, Period, PeriodKind, PeriodReport
from qareport.workflows.daily.context import Context
from qareport.workflows.daily.record import period_name
from qareport.workflows.render import render_orders, render_period

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

    @property
    def calls(self) -> int:
        """How many calls there were."""
        return len(self.summaries) + len(self.failures)

    @property
    def agents(self) -> set[str]:
        """Who answered them, where that is known."""
        names = (*(summary.agent_id for summary in self.summaries), *(failure.agent_id for failure in self.failures))
        return {name for name in names if name is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionMade:
    """The report of one edition, its documents, and who gets them."""

    report: PeriodReport
    documents: tuple[Path, ...]
    #: Documents that could not be made; then the mail says so.
    missing: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Editions:
    """The steps from the store to documents."""

    context: Context

    def gather(self) -> Material:
        """Read the calls of the period and of those that it is compared with; calls without a result are a trouble."""
        run = self.context
        period, store = run.period, run.store
        start, end = periods.bounds(period)
        compared = (*periods.baseline_of(period, run.settings.period), period)
        earliest = min(periods.bounds(earlier)[0] for earlier in compared)
        summaries = tuple(store.digests_between(start, end))
        failures = tuple(store.failures_between(start, end))
        known = {summary.call_id for summary in summaries} | {failure.call_id for failure in failures}
        waiting = sorted(call.call_id for call in store.calls_between(start, end) if call.call_id not in known)
        if waiting:
            names = ", ".join(waiting[:5]) + (" …" if len(waiting) > 5 else "")
            note = Note(code="calls_waiting", values={"calls": str(len(waiting)), "names": names})
            run.log.trouble(f"{len(waiting)} calls of {period_name(period)} have no result yet: {names}", note)
        before = tuple(store.digests_between(min(earliest, start - _LOOK_BACK), start))
        if not known and not waiting and period.kind is PeriodKind.DAY:
            self._doubt(before)
        return Material(period=period, summaries=summaries, before=before, failures=failures)

    def _doubt(self, before: Sequence[CallSummary]) -> None:
        """Doubt a day without any call when the same day of the week before had some: its recordings may come yet."""
        period = self.context.period
        start, end = periods.bounds(periods.period_of(period.kind, period.first - _WEEK, period.time_zone))
        count = sum(call.started_at is not None and start <= call.started_at < end for call in before)
        if count:
            self.context.log.trouble(
                f"no call of {period_name(period)} was found, and a week before there were {count}: look whether "
                "recordings reach daily.sources; where nobody worked, all is well",
                Note(code="calls_missing", values={"calls": str(count)}),
            )

    def make(self, material: Material, notes: Sequence[Note]) -> list[EditionMade]:
        """Make the team's edition, then those of the agents who get one and had calls.

        Args:
            material: what the store holds of the period.
            notes: what readers must know of the rules.
        """
        run = self.context
        mail, partial = run.settings.mail, run.log.partial
        agents = [agent for agent in sorted(mail.agents) if agent in material.agents]
        with run.log.step("render", 1 + len(agents)):
            team = self._build(material, agent_id=None, partial=partial, notes=(*notes, *run.log.remarks))
            editions = [self._write(team, mail.attach, run.folder, mail.team)]
            for number, agent in enumerate(agents, start=1):
                own = self._build(material, agent_id=agent, partial=partial, notes=notes)
                editions.append(self._write(own, mail.attach_agents, run.folder / "agents", (mail.agents[agent],)))
                run.on_progress("render", number, len(agents))
        return editions

    def _build(
        self, material: Material, *, agent_id: str | None, partial: Sequence[Note], notes: Sequence[Note]
    ) -> PeriodReport:
        """Add the period up for the team or an agent. An agent is not told which recordings of others are missing."""
        if agent_id is not None and partial:
            partial = (Note(code="incomplete"),)
        return periods.build_period(
            material.period,
            material.summaries,
            material.before,
            material.failures,
            self.context.settings.period,
            agent_id=agent_id,
            partial=partial,
            notes=notes,
        )

    def _write(
        self, edition: PeriodReport, formats: Sequence[str], folder: Path, recipients: tuple[str, ...]
    ) -> EditionMade:
        """Write the documents of an edition; one that cannot be made is a trouble."""
        rendering = render_period(self.context.workspace, edition, formats=formats, out_dir=folder)
        for name, reason in rendering.problems:
            self.context.log.trouble(f"{name} could not be made: {reason}", Note(code="documents_missing"))
        missing = tuple(name for name, _ in rendering.problems)
        return EditionMade(report=edition, documents=rendering.documents, missing=missing, recipients=recipients)

    def write_orders(self, team: PeriodReport) -> tuple[Path, ...]:
        """Write the reports of the orders whose customers are to be called back first."""
        run = self.context
        first = team.callbacks[: run.settings.daily.orders]
        rendering = render_orders(
            run.workspace,
            list(dict.fromkeys(callback.order_id or callback.call_id for callback in first)),
            formats=[name for name in run.settings.mail.attach if name in report.FORMATS],
            out_dir=run.out / "reports",
            on_progress=run.on_progress,
        )
        for name, reason in rendering.problems:
            run.log.trouble(f"the report of order {name} could not be made: {reason}")
        return rendering.documents
