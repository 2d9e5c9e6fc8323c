"""Composes the mails of a period: one for each recipient of each edition, and the operator's about what went wrong."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qareport.delivery import mail
from qareport.errors import DocumentError
from qareport.files import atomic_write
from qareport.model import Edition, Letter, Note, PeriodReport
from qareport.presentation.clean_text import clean_value
from qareport.presentation.locale import _, plural
from qareport.workflows.daily.context import Context
from qareport.workflows.daily.editions import EditionMade
from qareport.workflows.daily.record import period_name


@dataclass(frozen=True, slots=True)
class Letters:
    """The steps from documents to mails."""

    context: Context

    def compose(self, edition: EditionMade, orders: Sequence[Path]) -> tuple[Letter, ...]:
        """Compose the mails of one edition. A partial report is another mail than the complete one that follows it.

        Args:
            edition: its report and documents.
            orders: documents of orders that the mail points to.
        """
        if not edition.recipients:
            return ()
        report = edition.report
        if edition.missing and not report.partial:
            report = replace(report, partial=(Note(code="documents_missing"),))
        fitted = self._fit(report, edition.documents)
        view, picture = mail.period_view(
            clean_value(report),
            clean_value(self.context.settings.report),
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

    def compose_for_operator(self, problems: Sequence[str], *, ok: bool) -> tuple[Letter, ...]:
        """Compose the mail about what went wrong; the same problems make the same mail, which goes out once."""
        run = self.context
        view = mail.failure_view(run.period, problems, organisation=run.settings.report.organisation, ok=ok)
        digest = hashlib.sha256("\0".join(problems).encode("utf-8", "surrogatepass")).hexdigest()[:12]
        purpose = mail.Purpose(edition=Edition.OPERATOR, period=period_name(run.period), kind=f"failure-{digest}")
        return self._letters(mail.Content(view=view), purpose, run.settings.mail.operator)

    def write(self, letters: Sequence[Letter]) -> None:
        """Write mails as .eml files into the folder `mail` beside the report.

        Raises:
            DocumentError: the folder cannot be written.
        """
        folder = self.context.folder / "mail"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for letter in letters:
                name = f"{letter.edition}-{letter.recipient.replace('/', '_')}.eml"
                with atomic_write(folder / name) as file:
                    file.write(letter.content)
        except OSError as error:
            raise DocumentError(
                f"mails cannot be written: {error.strerror}", where=str(folder), to_do="check the folder and the disk"
            ) from error

    def _letters(self, content: mail.Content, purpose: mail.Purpose, recipients: Sequence[str]) -> tuple[Letter, ...]:
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
