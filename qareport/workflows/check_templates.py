"""Test every template of a folder with samples and with hostile data, for `qareport templates check`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from qareport import messages, report
from qareport.delivery import mail
from qareport.errors import Problem
from qareport.model import Period, PeriodKind, RunState
from qareport.presentation.locale import LOCALES, speaking
from qareport.presentation.templating import find_template
from qareport.presentation.view_types import Phrase, TextRun
from qareport.report import template_check

MAILS = (mail.HTML_TEMPLATE, mail.TEXT_TEMPLATE)
ALL = (*template_check.DOCUMENTS, *MAILS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One template and everything that is wrong in it."""

    name: str
    path: Path
    problems: tuple[Problem, ...]


def check_templates(templates: Path | None, names: Collection[str] = ALL) -> Iterator[Checked]:
    """Test templates, and yield each with its problems.

    Args:
        templates: a folder of the user's templates; what is not in it is taken from those that travel with qareport.
        names: which.

    Raises:
        DocumentError: no Chinese font is installed, so that no picture can be drawn.
    """
    user = messages.language()
    for name, problems in template_check.check_documents(templates, names):
        yield Checked(name=name, path=find_template(name, templates), problems=tuple(problems))
    with speaking(LOCALES[0]), messages.speaking(user):
        views = template_check.with_hostile(_mails())
        for name in (name for name in MAILS if name in names):
            problems = template_check.find_problems(name, templates, [_mail(view, name) for view in views])
            yield Checked(name=name, path=find_template(name, templates), problems=tuple(problems))


def _mails() -> dict[str, mail.MailView]:
    day = date(2026, 11, 21)
    period = Period(kind=PeriodKind.DAY, first=day, last=day, time_zone="Asia/Shanghai")
    whole, nothing = template_check.sample_period(), template_check.sample_period("period-empty")
    page = report.build_view(whole, template_check.SETTINGS)
    document = Phrase(runs=(TextRun(text="附件.docx", href="https://qa.example.com/out"),))
    full = mail.period_view(whole, page, documents=(document,), remarks=("…",))
    empty = mail.period_view(nothing, report.build_view(nothing, template_check.SETTINGS))
    failure = mail.run_view(period, ["…"], organisation="", state=RunState.FAILED)
    return {"full": replace(full, problems_title="…", problems=("…",)), "empty": empty, "failure": failure}


def _mail(view: mail.MailView, name: str) -> template_check.Fill:
    def fill(folder: Path) -> list[Problem]:
        page = mail.fill(name, view, folder)
        return template_check.unescaped(page, folder / name) if name == mail.HTML_TEMPLATE else []

    return fill
