"""The coaching sheet as a Word document of one page, to print and take along."""

from __future__ import annotations

import io
from typing import Any

from qareport.files import check_clock
from qareport.model import CoachingSheet, ListenTo
from qareport.presentation import topic_wording, wording
from qareport.presentation.locale import _, plural
from qareport.report.period import terms

#: Of Chinese and of Latin text; Word takes another where it is not installed.
_FONT, _SIZE_PT = "Microsoft YaHei", 10.5


def render_coaching(sheet: CoachingSheet) -> bytes:
    """Write a coaching sheet as a Word document, in the current language."""
    from docx import Document  # the page that shows the same words needs no Word
    from docx.oxml.ns import qn
    from docx.shared import Pt

    check_clock("docx")
    document = Document()
    style: Any = document.styles["Normal"]
    style.font.name, style.font.size = _FONT, Pt(_SIZE_PT)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), _FONT)
    document.add_heading(
        _("辅导单：{agent}").format(agent=" ".join(filter(None, (sheet.name, sheet.agent_id)))), level=1
    )
    document.add_paragraph(
        plural("{first}至{last}，{count}通", sheet.calls, first=sheet.first, last=sheet.last, count=sheet.calls)
    )
    _section(document, _("先听这几通"), [listen_words(item) for item in sheet.listen_to], _("这段时间没有要听的通话。"))
    _section(document, _("改一件事"), change_words(sheet), _("没有规则扣分，没有要改的。"))
    if sheet.best_said:
        said = [
            _("{title}（{call}，{at}）").format(
                title=f"{wording.quoted(item.question)} → {wording.quoted(item.answer)}",
                call=item.call_id,
                at=clock(item.a_ms),
            )
            for item in sheet.best_said
        ]
        _section(document, _("同样的地方，同事这样说"), said, "")
    _section(document, _("做得好的一件事"), praise_words(sheet), _("这段时间没有特别值得表扬的地方。"))
    document.core_properties.title = _("辅导单：{agent}").format(agent=sheet.agent_id)
    document.core_properties.author = "qareport"
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def listen_words(item: ListenTo) -> str:
    """Say which call to listen to, from which second on, and why."""
    evidence = item.evidence
    title = _title(item.title) if item.title else _("客户平静下来")
    what = _("做得好") if item.is_praise else _("要改")
    said = _("{call}，{at}：{title}（{what}）").format(
        call=evidence.call_id, at=clock(evidence.at_ms), title=title, what=what
    )
    return said + _quote(evidence.quote)


def change_words(sheet: CoachingSheet) -> list[str]:
    """Say what to change, how often it happened, what to say instead, and what became of earlier advice."""
    link = sheet.change
    if link is None:
        return []
    lines = [
        plural("{title}：{n}通里{hits}通，共失{points}分", link.now.n, title=_title(link.title), n=link.now.n,
               hits=link.now.hits, points=link.points_lost)
    ]  # fmt: skip
    if link.advice:
        lines.append(_("建议话术：{advice}").format(advice=terms.prose(link.advice)))
    if sheet.own_outcome is not None and sheet.outcome is not None:
        before, after = sheet.own_outcome.before, sheet.own_outcome.after
        lines.append(
            _("上次提醒过“{title}”：之前{n}通里{hits}通，之后{m}通里{again}通").format(
                title=_title(sheet.outcome.title), n=before.n, hits=before.hits, m=after.n, again=after.hits
            )
        )
    return lines


def praise_words(sheet: CoachingSheet) -> list[str]:
    """Say what was done well, and where to hear it."""
    praise = sheet.did_well
    if praise is None:
        return []
    title = _title(praise.title) if praise.title else _("客户平静下来")
    evidence = praise.evidence
    said = _("{title}（{call}，{at}）").format(title=title, call=evidence.call_id, at=clock(evidence.at_ms))
    return [said + _quote(evidence.quote)]


def _title(title: str) -> str:
    """Write the title of a rule, in the reader's language if the program ships it."""
    return terms.name(topic_wording.rule(title))


def _quote(quote: str) -> str:
    return _("，{quote}").format(quote=wording.quoted(quote)) if quote else ""


def clock(at_ms: int) -> str:
    """Write a place in a call to the second: 1:27."""
    return f"{at_ms // 60_000}:{at_ms // 1000 % 60:02d}"


def _section(document: Any, title: str, lines: list[str], empty: str) -> None:
    document.add_heading(title, level=2)
    for line in lines or [empty]:
        document.add_paragraph(line, style="List Bullet" if lines else None)
