"""Editions of a period: build their reports, write their documents, and compose the mails that carry them."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from qareport import periods, report
from qareport.delivery import Clock, mail
from qareport.errors import DocumentError
from qareport.events import Progress
from qareport.files import atomic_write, safe_name
from qareport.messages import say
from qareport.model import CallSummary, Delivery, Edition, FailedCall, Note, NoteCode, Period, PeriodKind, PeriodReport
from qareport.presentation.locale import _, plural
from qareport.presentation.view_types import clean_value
from qareport.report import build_view
from qareport.workflows.daily.context import Context, DailyOptions, period_name
from qareport.workflows.render import render_orders, render_period
from qareport.workflows.workspace import Workspace

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
        """Read the calls of the period and of those that it is compared with; note calls without a result."""
        run = self.context
        period, store = run.period, run.store
        start, end = periods.bounds(period)
        compared = (*periods.baseline_of(period, run.settings.period), period)
        earliest = min(periods.bounds(earlier)[0] for earlier in compared)
        summaries = store.results.list_summaries(start, end, summarise=periods.summarise_call)
        failures = store.calls.list_failures(start, end)
        known = {summary.call_id for summary in summaries} | {failure.call_id for failure in failures}
        waiting = sorted(call.call_id for call in store.calls.list(start, end) if call.call_id not in known)
        if waiting:
            names = ", ".join(waiting[:5]) + (" …" if len(waiting) > 5 else "")
            note = Note(code=NoteCode.CALLS_WAITING, values={"calls": str(len(waiting)), "names": names})
            unfinished = say(
                "{count} calls of {period} have no result yet: {names}",
                count=len(waiting),
                period=period_name(period),
                names=names,
            )
            run.log.trouble(unfinished, note)
        first = min(earliest, start - _LOOK_BACK)
        before = store.results.list_summaries(first, start, summarise=periods.summarise_call)
        if not known and not waiting and period.kind is PeriodKind.DAY:
            self._doubt(before)
        return Material(period=period, summaries=summaries, before=before, failures=failures)

    def _doubt(self, before: Sequence[CallSummary]) -> None:
        """Warn about a day without calls when the same weekday before had some: its recordings may still arrive."""
        period = self.context.period
        start, end = periods.bounds(periods.period_of(period.kind, period.first - _WEEK, period.time_zone))
        count = sum(call.started_at is not None and start <= call.started_at < end for call in before)
        if count:
            self.context.log.trouble(
                say(
                    "no call of {period} was found, and a week before there were {count}: look whether recordings "
                    "reach daily.sources; if nobody worked that day, nothing is wrong",
                    period=period_name(period),
                    count=count,
                ),
                Note(code=NoteCode.CALLS_MISSING, values={"calls": str(count)}),
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
            partial=partial,
            notes=notes,
        )

    def _write(
        self, edition: PeriodReport, formats: Sequence[str], folder: Path, recipients: tuple[str, ...]
    ) -> EditionMade:
        """Write the documents of an edition; one that cannot be made is recorded as a trouble."""
        rendering = render_period(self.context.workspace, edition, formats=formats, out_dir=folder)
        for name, reason in rendering.problems:
            lost = say("{name} could not be made: {reason}", name=name, reason=reason)
            self.context.log.trouble(lost, Note(code=NoteCode.DOCUMENTS_MISSING))
        missing = tuple(name for name, _ in rendering.problems)
        return EditionMade(report=edition, documents=rendering.documents, missing=missing, recipients=recipients)

    def write_orders(self, team: PeriodReport) -> tuple[Path, ...]:
        """Write the reports of the orders whose customers are to be called back first."""
        run = self.context
        first = team.callbacks[: run.settings.daily.orders]
        rendering = render_orders(
            run.workspace,
            list(dict.fromkeys(callback.subject for callback in first)),
            formats=[name for name in run.settings.mail.attach if name in report.FORMATS],
            out_dir=run.out / "reports",
            on_progress=run.on_progress,
        )
        for name, reason in rendering.problems:
            run.log.trouble(say("the report of order {name} could not be made: {reason}", name=name, reason=reason))
        return rendering.documents


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
    return editions.make(editions.gather(), ())[0]


@dataclass(frozen=True, slots=True)
class Letters:
    """The steps from documents to mails."""

    context: Context

    def compose(self, edition: EditionMade, orders: Sequence[Path]) -> tuple[Delivery, ...]:
        """Compose the mails of one edition. A partial report is another mail than the complete one that follows it.

        Args:
            edition: its report and documents.
            orders: documents of orders that the mail points to.
        """
        if not edition.recipients:
            return ()
        report = edition.report
        if edition.missing and not report.partial:
            report = replace(report, partial=(Note(code=NoteCode.DOCUMENTS_MISSING),))
        fitted = self._fit(report, edition.documents)
        view, picture = mail.period_view(
            clean_value(report),
            build_view(report, self.context.settings.report, self.context.settings.period),
            documents=self._documents(fitted),
            remarks=self._remarks(orders),
        )
        purpose = mail.Purpose(
            edition=Edition.TEAM if report.agent_id is None else Edition.AGENT,
            period=period_name(report.period),
            kind="partial" if report.partial else "report",
        )
        content = mail.Content(view=view, attachments=fitted.attached, picture=picture)
        return self._letters(content, purpose, edition.recipients)

    def compose_for_operator(self, problems: Sequence[str], *, ok: bool) -> tuple[Delivery, ...]:
        """Compose the mail about what went wrong; the same problems make the same mail, which goes out once."""
        run = self.context
        view = mail.failure_view(run.period, problems, organisation=run.settings.report.organisation, ok=ok)
        digest = hashlib.sha256("\0".join(problems).encode("utf-8", "surrogatepass")).hexdigest()[:12]
        purpose = mail.Purpose(edition=Edition.OPERATOR, period=period_name(run.period), kind=f"failure-{digest}")
        return self._letters(mail.Content(view=view), purpose, run.settings.mail.operator)

    def write(self, letters: Sequence[Delivery]) -> None:
        """Write mails as .eml files into the folder `mail` beside the report.

        Raises:
            DocumentError: the folder cannot be written.
        """
        folder = self.context.folder / "mail"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for letter in letters:
                with atomic_write(folder / f"{letter.edition}-{safe_name(letter.recipient)}.eml") as file:
                    file.write(letter.content)
        except OSError as error:
            raise DocumentError(
                say("mails cannot be written: {strerror}", strerror=error.strerror),
                where=str(folder),
                to_do=say("check the folder and the disk"),
            ) from error

    def _letters(self, content: mail.Content, purpose: mail.Purpose, recipients: Sequence[str]) -> tuple[Delivery, ...]:
        run = self.context
        return mail.compose(
            content,
            purpose,
            recipients,
            run.settings.mail,
            templates=run.workspace.templates,
            now=run.clock.now(),
        )

    def _fit(self, report: PeriodReport, documents: Sequence[Path]) -> mail.Fitted:
        attachments = [
            mail.Attachment(name=mail.attachment_name(report, path.suffix[1:]), content=path.read_bytes(), path=path)
            for path in documents
        ]
        name = mail.attachment_name(report, "zip")
        return mail.fit(attachments, max_megabytes=self.context.settings.mail.max_megabytes, zip_name=name)

    def _remarks(self, orders: Sequence[Path]) -> list[str]:
        if not orders:
            return []
        where, count = self._place(orders[0].parent), len(orders)
        return [plural("需要回电的订单，报告在 {where}（{n}份文档）。", count, where=where, n=count)]

    def _documents(self, fitted: mail.Fitted) -> list[str]:
        attached = [_("附件：{name}").format(name=attachment.name) for attachment in fitted.attached]
        elsewhere = [
            _("太大，没有附上：{name}，在 {where}").format(name=attachment.name, where=self._place(attachment.path))
            for attachment in fitted.left_out
        ]
        return attached + elsewhere

    def _place(self, path: Path) -> str:
        """Name the place of a document: a link if readers have one, else the path on this machine."""
        link = self.context.settings.mail.link
        if not link:
            return f"{socket.gethostname()} {path.resolve()}"
        inside = path.resolve().relative_to(self.context.out.resolve()).as_posix()
        if "\\" in link:
            return link.rstrip("\\") + "\\" + inside.replace("/", "\\")
        return link.rstrip("/") + "/" + inside
