"""Compose the mails that carry the editions of a period, and the operator's."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from qareport.delivery import mail
from qareport.errors import DocumentError, os_reason
from qareport.files import atomic_write, safe_name
from qareport.messages import say
from qareport.model import MAIL, Delivery, Edition, Note, NoteCode, PeriodReport, RunState, delivery_key
from qareport.presentation.locale import _, plural
from qareport.presentation.view_types import Phrase, TextRun, clean_value
from qareport.report import build_view
from qareport.workflows.daily.context import Context, Mode, period_name
from qareport.workflows.daily.editions import EditionMade, address_of


@dataclass(frozen=True, slots=True)
class Letters:
    """The steps from documents to mails."""

    context: Context
    #: Keys of the mails of editions that there are, also of those that needed not be composed.
    keys: set[str] = field(default_factory=set)

    def compose(self, edition: EditionMade, orders: Sequence[Path]) -> tuple[Delivery, ...]:
        """Compose the mails of one edition. A partial report is another mail than the complete one that follows it.

        Where mails are sent, those that the outbox has settled are not composed again: they stay as they are.

        Args:
            edition: its report and documents.
            orders: documents of orders that the mail points to.
        """
        report = edition.report
        if edition.missing and not report.partial:
            report = replace(report, partial=(Note(code=NoteCode.DOCUMENTS_MISSING),))
        purpose = mail.Purpose(
            edition=Edition.TEAM if report.agent_id is None else Edition.AGENT,
            period=period_name(report.period),
            kind="partial" if report.partial else "report",
        )
        recipients = self._unsettled(purpose, edition.recipients)
        if not recipients:
            return ()
        wanted = (
            self.context.settings.mail.attach if report.agent_id is None else self.context.settings.mail.attach_agents
        )
        attached = [path for path in edition.documents if path.suffix[1:] in wanted]
        fitted = self._fit(report, attached)
        beside = [path for path in edition.documents if path not in attached]
        view = mail.period_view(
            clean_value(report),
            build_view(report, self.context.settings.report, edition.pages),
            documents=(*self._documents(fitted), *map(self._beside, beside)),
            remarks=self._remarks(orders),
        )
        content = mail.Content(view=view, attachments=fitted.attached)
        return self._letters(content, purpose, recipients)

    def _unsettled(self, purpose: mail.Purpose, recipients: Sequence[str]) -> Sequence[str]:
        """Return the recipients whose mail the outbox does not have, or has with a content that may still change."""
        keys = [delivery_key(MAIL, purpose.edition, name, purpose.period, purpose.kind) for name in recipients]
        self.keys.update(keys)
        if self.context.options.mode is not Mode.SEND:
            return recipients
        settled = self.context.store.outbox.list_settled(keys)
        return [name for name, key in zip(recipients, keys, strict=True) if key not in settled]

    def compose_for_operator(
        self, problems: Sequence[str], *, state: RunState, sent: int = 0, unsent: int = 0
    ) -> tuple[Delivery, ...]:
        """Compose the mail about what needs a person; the same problems make the same mail, which goes out once.

        Args:
            problems: in the language of the report.
            state: what became of the report.
            sent: mails of the report that went out.
            unsent: those that did not, or may not have.
        """
        run = self.context
        organisation = run.settings.report.organisation
        view = mail.run_view(run.period, problems, organisation=organisation, state=state, sent=sent, unsent=unsent)
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
                say("mails cannot be written: {reason}", reason=os_reason(error)),
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

    def _documents(self, fitted: mail.Fitted) -> list[Phrase]:
        attached = [
            self._named(_("附件：{name}").format(name=attachment.name), attachment.path)
            for attachment in fitted.attached
        ]
        elsewhere = [
            self._named(
                _("太大，没有附上：{name}，在 {where}").format(
                    name=attachment.name, where=self._place(attachment.path)
                ),
                attachment.path,
            )
            for attachment in fitted.left_out
        ]
        return attached + elsewhere

    def _beside(self, path: Path) -> Phrase:
        text = _("明细表（全部客户、客服、规则、承诺）：{name}").format(name=path.name)
        if not address_of(path, self.context):
            text = _("{text}，在 {where}").format(text=text, where=self._place(path.parent))
        return self._named(text, path)

    def _named(self, text: str, path: Path) -> Phrase:
        return Phrase(runs=(TextRun(text=text, href=address_of(path, self.context)),))

    def _place(self, path: Path) -> str:
        """Name the place of a document: a link if readers have one, else the path on this machine."""
        link = self.context.settings.mail.link
        if not link:
            return f"{socket.gethostname()} {path.resolve()}"
        inside = path.resolve().relative_to(self.context.out.resolve()).as_posix()
        if "\\" in link:
            return link.rstrip("\\") + "\\" + inside.replace("/", "\\")
        return link.rstrip("/") + "/" + inside
