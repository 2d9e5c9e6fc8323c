"""Makes what goes out for a period: its report, the documents, and a mail for each who gets one."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from qareport import __version__, periods, report
from qareport.codec import to_json
from qareport.delivery import mail
from qareport.errors import QareportError
from qareport.model import CallSummary, Edition, FailedCall, Letter, Note, Period, PeriodKind, PeriodReport
from qareport.presentation.clean_text import clean_value
from qareport.presentation.locale import _, plural
from qareport.settings import Settings
from qareport.store import Store
from qareport.workflows import render as order_reports
from qareport.workflows import transcribe
from qareport.workflows.daily.request import Log, Request, period_name

#: How far back promises and repeated calls are looked for, beside the periods that are compared.
_LOOK_BACK = timedelta(days=14)
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Everything of a period that the store holds."""

    period: Period
    digests: tuple[CallSummary, ...]
    before: tuple[CallSummary, ...]
    failures: tuple[FailedCall, ...]

    @property
    def calls(self) -> int:
        """How many calls there were."""
        return len(self.digests) + len(self.failures)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One edition: its report and the documents of it."""

    report: PeriodReport
    documents: tuple[Path, ...]
    #: What the documents lack; then the mail says so.
    missing: tuple[str, ...] = ()


def gather(period: Period, settings: Settings, store: Store, log: Log) -> Material:
    """Read the calls of a period and of those that it is compared with; calls still to be worked on are a trouble."""
    start, end = periods.bounds(period)
    earliest = min(periods.bounds(one)[0] for one in (*periods.baseline_of(period, settings.period), period))
    digests = tuple(store.digests_between(start, end))
    failures = tuple(store.failures_between(start, end))
    known = {one.call_id for one in digests} | {one.call_id for one in failures}
    waiting = sorted(call.call_id for call in store.calls_between(start, end) if call.call_id not in known)
    if waiting:
        names = ", ".join(waiting[:5]) + (" …" if len(waiting) > 5 else "")
        note = Note(code="calls_waiting", values={"calls": str(len(waiting)), "names": names})
        log.trouble(f"{len(waiting)} calls of {period_name(period)} have no result yet: {names}", note)
    before = tuple(store.digests_between(min(earliest, start - _LOOK_BACK), start))
    if not known and not waiting and period.kind is PeriodKind.DAY:
        _miss(period, before, settings, log)
    return Material(period=period, digests=digests, before=before, failures=failures)


def _miss(period: Period, before: Sequence[CallSummary], settings: Settings, log: Log) -> None:
    """Doubt a day without any call when the same day of the week before had some: its recordings may come yet."""
    zone = settings.period.time_zone
    start, end = periods.bounds(periods.period_of(period.kind, period.first - _WEEK, zone))
    count = sum(one.started_at is not None and start <= one.started_at < end for one in before)
    if count:
        log.trouble(
            f"no call of {period_name(period)} was found, and a week before there were {count}: look whether "
            "recordings reach daily.sources; where nobody worked, all is well",
            Note(code="calls_missing", values={"calls": str(count)}),
        )


def build(
    material: Material, settings: Settings, *, agent_id: str | None, partial: Sequence[Note], notes: Sequence[Note]
) -> PeriodReport:
    """Add a period up for the team or for one agent. An agent is not told which recordings of others are missing."""
    if agent_id is not None and partial:
        partial = (Note(code="incomplete"),)
    return periods.build_period(
        material.period,
        material.digests,
        material.before,
        material.failures,
        settings.period,
        agent_id=agent_id,
        partial=partial,
        notes=notes,
    )


def write_documents(
    made_of: PeriodReport,
    formats: Sequence[str],
    folder: Path,
    *,
    request: Request,
    settings: Settings,
    store: Store,
    log: Log,
) -> Made:
    """Write the documents of an edition, each whole or not at all; one that is made of the same is left alone."""
    content, templates = to_json(made_of), order_reports.folder_hash(request.templates)
    shown = to_json(settings.report) + to_json(settings.period)
    paths: list[Path] = []
    missing: list[str] = []
    for name in formats:
        path = folder / report.file_name(made_of, name)
        parts = (__version__, content, templates, shown, name)
        key = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
        if not path.exists() or store.document_key(path.resolve()) != key:
            try:
                report.write(
                    made_of,
                    [name],
                    folder,
                    templates=request.templates,
                    settings=settings.report,
                    period=settings.period,
                )
            except QareportError as error:
                log.trouble(f"{path.name} could not be made: {error}", Note(code="documents_missing"))
                missing.append(path.name)
                continue
            store.put_document(path.resolve(), key)
        paths.append(path)
    return Made(report=made_of, documents=tuple(paths), missing=tuple(missing))


def write_orders(
    made_of: PeriodReport,
    request: Request,
    settings: Settings,
    store: Store,
    log: Log,
    on_progress: transcribe.Progress,
) -> tuple[Path, ...]:
    """Make the reports of the orders whose customers are to be called back first."""
    names = [one.order_id or one.call_id for one in made_of.callbacks[: settings.daily.orders]]
    rendering = order_reports.render_orders(
        list(dict.fromkeys(names)),
        store,
        formats=[name for name in settings.mail.attach if name in report.FORMATS],
        out_dir=_out(request, settings) / "reports",
        templates=request.templates,
        settings=settings.report,
        masking=settings.privacy,
        period=settings.period,
        on_progress=on_progress,
    )
    for name, reason in rendering.problems:
        log.trouble(f"the report of order {name} could not be made: {reason}")
    return rendering.documents


def team_folder(request: Request, settings: Settings, period: Period) -> Path:
    """Return the folder of a period's documents."""
    return _out(request, settings) / "daily" / period_name(period).replace(":", "-")


def letters(
    made: Made, orders: Sequence[Path], recipients: Sequence[str], request: Request, settings: Settings, now: datetime
) -> tuple[Letter, ...]:
    """Compose the mails of one edition. A partial report is another mail than the whole one that follows it."""
    told = made.report
    if made.missing and not told.partial:
        told = replace(told, partial=(Note(code="documents_missing"),))
    name = mail.attachment_name(told, "zip")
    attachments = [
        mail.Attachment(name=mail.attachment_name(told, path.suffix[1:]), content=path.read_bytes(), path=path)
        for path in made.documents
    ]
    fitted = mail.fit(attachments, max_megabytes=settings.mail.max_megabytes, zip_name=name)
    remarks = []
    if orders:
        where = _place(orders[0].parent, request, settings)
        count = len(orders)
        remarks.append(plural("需要回电的订单，报告在 {where}（{n}份文档）。", count, where=where, n=count))
    view, picture = mail.period_view(
        clean_value(told),
        report.build_view(told, settings.report, settings.period),
        documents=_documents(fitted, request, settings),
        remarks=remarks,
    )
    purpose = mail.Purpose(
        edition=Edition.TEAM if told.agent_id is None else Edition.AGENT,
        period=period_name(told.period),
        kind="partial" if told.partial else "report",
    )
    content = mail.Content(view=view, attachments=fitted.attached, picture=picture)
    return mail.compose(content, purpose, recipients, settings.mail, templates=request.templates, now=now)


def operator_letters(
    period: Period, problems: Sequence[str], request: Request, settings: Settings, now: datetime, *, ok: bool
) -> tuple[Letter, ...]:
    """Compose the mail about what went wrong; the same wrongs make the same mail, which goes out once."""
    view = mail.failure_view(period, problems, organisation=settings.report.organisation, ok=ok)
    digest_ = hashlib.sha256("\0".join(problems).encode("utf-8", "surrogatepass")).hexdigest()[:12]
    purpose = mail.Purpose(edition=Edition.OPERATOR, period=period_name(period), kind=f"failure-{digest_}")
    return mail.compose(
        mail.Content(view=view), purpose, settings.mail.operator, settings.mail, templates=request.templates, now=now
    )


def _documents(fitted: mail.Fitted, request: Request, settings: Settings) -> list[str]:
    attached = [_("附件：{name}").format(name=one.name) for one in fitted.attached]
    elsewhere = [
        _("太大，没有附上：{name}，在 {where}").format(name=one.name, where=_place(one.path, request, settings))
        for one in fitted.left_out
    ]
    return attached + elsewhere


def _place(path: Path, request: Request, settings: Settings) -> str:
    """Say where a document lies: a link if readers have one, else the path on this machine."""
    if not settings.mail.link:
        return f"{socket.gethostname()} {path.resolve()}"
    inside = path.resolve().relative_to(_out(request, settings).resolve()).as_posix()
    if "\\" in settings.mail.link:
        inside = inside.replace("/", "\\")
        return settings.mail.link.rstrip("\\") + "\\" + inside
    return settings.mail.link.rstrip("/") + "/" + inside


def _out(request: Request, settings: Settings) -> Path:
    return Path(request.out or settings.daily.out)
