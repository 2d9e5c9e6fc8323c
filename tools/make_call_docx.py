"""Make call.docx, the Word template of the call report, so that its content can be reviewed as text.

Run `python tools/make_call_docx.py`; it writes templates/call.docx. Users edit call.docx in Word or WPS:
wording, order of sections, fonts and colours (all looks are styles, those of marks and chips start with "QA"), and the
picture in the header (a transparent placeholder: right-click, change picture). Tags are `{{ }}` and `{% %}`; a
`{%p … %}` tag is alone in its paragraph, a `{%tr … %}` tag in a table row of its own, `{{r … }}` prints text with
its marks.
"""

from __future__ import annotations

from collections.abc import Sequence

from docx.document import Document as DocumentObject
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT
from docx.shared import Mm, Pt
from docx.table import Table
from docx.text.paragraph import Paragraph
from word_parts import (
    add_facts,
    add_grid,
    add_methods,
    add_row_tag,
    add_space,
    add_tag,
    add_text,
    add_titled,
    begin_document,
    fill_cell,
    fill_head,
    rule_below,
    saved,
    shade_row,
    write,
)
from word_styles import INK, RULE, TEAL, TEXT_MM, add_border

#: Marks that only this template has.
_MARKS = (
    ("QA follow-up", TEAL, None, True, None),
    ("QA due", INK, None, True, None),
    ("QA score", INK, None, False, None),
)


def make() -> bytes:
    """Build the template; the same script and python-docx give the same bytes."""
    document = begin_document("通话质检报告", _MARKS)
    _set_styles(document)
    _summary(document)
    _first_call(document)
    _overview(document)
    _chapters(document)
    _dossier(document)
    _signing(document)
    _closing(document)
    return saved(document)


def _set_styles(document: DocumentObject) -> None:
    """Set what differs from other reports: a column for key moments in the transcript, totals kept with the next."""
    turn = document.styles["QA turn"].paragraph_format
    turn.left_indent, turn.first_line_indent = Mm(45), Mm(-45)
    turn.tab_stops.clear_all()
    for stop in (8, 20, 45):
        turn.tab_stops.add_tab_stop(Mm(stop))
    document.styles["QA total"].paragraph_format.keep_with_next = True
    document.styles["QA score"].font.size = Pt(9.5)


# --- the document -----------------------------------------------------------------------------------------------------


def _facts(document: DocumentObject, source: str, names: Sequence[tuple[str, str]]) -> None:
    pairs = (
        *names,
        ("规则命中", "hits"),
        ("客户情绪趋势", "trend"),
        ("问题类型与环节", "issue"),
        ("说话人判定", "roles"),
    )
    tags = [(name, field if field.startswith("{") else f"{{{{ {source}.{field} }}}}") for name, field in pairs]
    add_facts(document, tags, widths_mm=(36, 44, 60, 34))


def _summary(document: DocumentObject) -> None:
    document._body.clear_content()
    add_titled(document, "Title", "{{ report.title }}", "{{r report.badge }}", (104, 70))
    add_tag(document, "if report.demo_notice")
    add_text(document, "QA notice", "{{ report.demo_notice }}")
    add_tag(document, "endif")
    add_space(document, 3)
    latest = "{% if report.several %}最近通话{% else %}本次通话{% endif %}"
    _facts(document, "report.facts", (("订单号", "name"), ("来电次数", "calls"), (latest, "when"), ("客服", "agent")))
    add_text(document, "QA finding", "{{ report.sentence }}")
    add_tag(document, "if report.follow_up")
    table = add_grid(document, 3, (20, 154), lines=False)
    add_row_tag(table, 0, "for line in report.follow_up")
    fill_cell(table.rows[1].cells[0], "QA story", ("{{ line.label }}", "QA follow-up"))
    fill_cell(table.rows[1].cells[1], "QA story", "{{r line.text }}")
    add_row_tag(table, 2, "endfor")
    add_tag(document, "endif")


def _first_call(document: DocumentObject) -> None:
    add_tag(document, "for call in report.calls")
    add_tag(document, "if call.is_first")
    _moments(document, "{% if report.several %}{{ call.number }}：{% endif %}")
    add_tag(document, "endif")
    add_tag(document, "endfor")


def _overview(document: DocumentObject) -> None:
    add_tag(document, "if report.several")
    add_text(document, "Heading 2", "来电一览")
    columns = (
        ("来电", 13, "number"),
        ("时间", 28, "when"),
        ("时长", 17, "length"),
        ("客服", 24, "agent"),
        ("客户情绪", 20, "trend"),
        ("客户风险", 21, "r risk"),
        ("客服得分", 22, "score"),
    )
    _rows(document, "report.overview", columns, ("问题 / 原因", 29, "remark"))
    _keep_with_next(document.tables[-1])
    add_tag(document, "endif")
    add_tag(document, "if report.failed")
    add_text(document, "Heading 2", "处理失败的通话")
    add_tag(document, "for row in report.failed")
    add_text(document, "Normal", "{{ row.number }} · {{ row.when }} · 客服 {{ row.agent }} · {{ row.call_id }}")
    add_text(document, "Normal", "{{r row.reason }}")
    add_tag(document, "endfor")
    add_tag(document, "endif")


def _chapters(document: DocumentObject) -> None:
    add_tag(document, "for call in report.calls")
    add_tag(document, "if report.several")
    add_space(document, 10)
    # A paragraph, as LibreOffice keeps no table with the next one: the title would be alone at a page's foot.
    title = add_text(document, "Heading 1", "{{ call.title }}", "\t", "{{r call.badge }}")
    title.paragraph_format.tab_stops.add_tab_stop(Mm(TEXT_MM), WD_TAB_ALIGNMENT.RIGHT)
    add_border(title._p.get_or_add_pPr(), bottom=(TEAL, 12, 1))
    names = (("通话编号", "name"), ("客户电话", "{{ call.phone }}"), ("通话时间与时长", "when"), ("客服", "agent"))
    _facts(document, "call.facts", names)
    _keep_with_next(document.tables[-1])
    add_tag(document, "if not call.is_first")
    add_text(document, "QA finding", "{{ call.sentence }}")
    add_tag(document, "endif")
    add_tag(document, "endif")
    add_tag(document, "if call.is_brief")
    _notes(document)
    add_tag(document, "endif")
    add_tag(document, "if not call.is_first and not call.is_brief")
    _moments(document, "")
    add_tag(document, "endif")
    _praise(document)
    add_tag(document, "if not call.is_brief")
    _scorecard(document)
    _metrics(document)
    add_tag(document, "endif")
    _transcript(document)
    add_tag(document, "endfor")


def _keep_with_next(table: Table) -> None:
    for row in table.rows:
        for cell in row.cells:
            for paragraph in cell.paragraphs:
                paragraph.paragraph_format.keep_with_next = True


def _notes(document: DocumentObject) -> None:
    add_tag(document, "for note in call.notes")
    add_text(document, "QA note", "※ {{ note }}")
    add_tag(document, "endfor")


def _moments(document: DocumentObject, which: str) -> None:
    """Add a call's trajectory, chart, notes and key moments; `which` names the call where that is needed."""
    add_text(document, "QA trajectory", f"{which}客户情绪轨迹　", "{{r call.trajectory }}")
    add_text(document, "QA chart", "{{ call.chart }}")
    _notes(document)
    add_text(document, "Heading 2", f"{which}关键节点与建议话术")
    add_tag(document, "if call.key_moments")
    _moment_table(document)
    add_tag(document, "else")
    add_text(document, "QA small", "没有关键节点。")
    add_tag(document, "endif")


def _moment_table(document: DocumentObject) -> None:
    table = add_grid(document, 3, (9, 27, 138), lines=True)
    add_row_tag(table, 0, "for moment in call.key_moments")
    number, when, what = table.rows[1].cells
    paragraph = fill_cell(number, "QA story", ("\u00a0{{ moment.number }}\u00a0", "QA number"))
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    fill_cell(when, "QA story", "{{ moment.at }}").runs[0].bold = True
    add_text(when, "QA small", "{{ moment.span }}")
    fill_cell(what, "QA story", "{{r moment.story }}")
    add_tag(what, "if moment.others")
    add_text(what, "QA small", "{{ moment.others }}")
    add_tag(what, "endif")
    add_tag(what, "for advice in moment.advice")
    add_tag(what, "if advice.text")
    add_text(what, "QA advice", ("建议话术　", "QA advice word"), "{{ advice.text }}")
    add_tag(what, "endif")
    add_tag(what, "if advice.rule")
    add_text(what, "QA small", "{{ advice.rule }}")
    add_tag(what, "endif")
    add_tag(what, "endfor")
    add_row_tag(table, 2, "endfor")


def _praise(document: DocumentObject) -> None:
    add_tag(document, "if call.praise")
    add_text(document, "Heading 2", "做得好的地方")
    add_tag(document, "for good in call.praise")
    good = add_text(document, "QA story", ("{{ good.at }}　", "QA speaker"), "{{ good.text }}")
    good.paragraph_format.keep_with_next = True
    add_tag(document, "if good.quotes")
    add_text(document, "QA small", "{{ good.quotes }}").paragraph_format.keep_with_next = True
    add_tag(document, "endif")
    add_text(document, "QA small", "{{ good.rule }}")
    add_tag(document, "endfor")
    add_tag(document, "endif")


def _scorecard(document: DocumentObject) -> None:
    add_text(document, "Heading 2", "评分卡")
    add_tag(document, "if call.scorecard")
    table = add_grid(document, 7, (23, 43, 17, 18, 73), lines=True)
    fill_head(table, ("时间", "类别与规则", "等级", "分值", "证据"))
    _to_the_right(table.rows[0].cells[3].paragraphs[0])
    add_row_tag(table, 1, "for group in call.scorecard")
    cells = table.rows[2].cells
    name = cells[0].merge(cells[2])
    for cell, text in ((name, "{{ group.name }}"), (cells[3], "{{ group.points }}"), (cells[4], "{{ group.limit }}")):
        fill_cell(cell, "QA cell", text).paragraph_format.keep_with_next = True
    name.paragraphs[0].runs[0].bold = True
    _to_the_right(cells[3].paragraphs[0])
    shade_row(table.rows[2], "F1F5F7")
    add_row_tag(table, 3, "for hit in group.hits")
    at, rule, severity, points, evidence = table.rows[4].cells
    mark = "{% if hit.node %}\u00a0{{ hit.node }}\u00a0{% endif %}"
    fill_cell(at, "QA cell", "{{ hit.at }} ", (mark, "QA number"))
    fill_cell(rule, "QA cell", "{{ hit.title }}")
    add_text(rule, "QA small", "{{ hit.rule }}")
    fill_cell(severity, "QA cell", "{{ hit.severity }}")
    _to_the_right(fill_cell(points, "QA cell", "{{ hit.points }}"))
    fill_cell(evidence, "QA cell", "{%p for line in hit.evidence %}")
    add_text(evidence, "QA cell", "{{ line }}")
    add_tag(evidence, "endfor")
    add_tag(evidence, "if hit.counted")
    add_text(evidence, "QA small", "{{ hit.counted }}")
    add_tag(evidence, "endif")
    add_tag(evidence, "if hit.advice")
    add_text(evidence, "QA advice", ("建议话术　", "QA advice word"), "{{ hit.advice }}")
    add_tag(evidence, "endif")
    add_row_tag(table, 5, "endfor")
    add_row_tag(table, 6, "endfor")
    add_tag(document, "endif")
    add_text(
        document,
        "QA total",
        "{% if call.score_line %}{{ call.score_line }}{% else %}{{ call.deduction_total }}{% endif %}",
    )
    add_tag(document, "if call.score_rest")
    add_text(document, "QA small", "{{ call.score_rest }}")
    add_tag(document, "endif")


def _metrics(document: DocumentObject) -> None:
    add_text(document, "Heading 2", "通话指标")
    for condition, heads, widths, fields in (
        ("if call.has_norm", ("指标", "本次", "团队中位数", "说明"), (44, 36, 30, 64), ("value", "usual", "remark")),
        ("else", ("指标", "本次", "说明"), (44, 46, 84), ("value", "remark")),
    ):
        add_tag(document, condition)
        table = add_grid(document, 4, widths, lines=True)
        fill_head(table, heads)
        add_row_tag(table, 1, "for row in call.metrics")
        fill_cell(table.rows[2].cells[0], "QA table head", "{{ row.label }}")
        for cell, field in zip(table.rows[2].cells[1:], fields, strict=True):
            paragraph = fill_cell(cell, "QA cell", f"{{{{ row.{field} }}}}")
            if field != "remark":
                _to_the_right(paragraph)
        for cell in table.rows[0].cells[1:-1]:
            _to_the_right(cell.paragraphs[0])
        add_row_tag(table, 3, "endfor")
    add_tag(document, "endif")
    add_text(document, "QA note", "※ {{ call.norm }}")
    add_tag(document, "if call.role_metrics")
    for condition, heads, tags in (
        ("if call.unknown_speaker", ("客户", "客服", "说话人未知"), ("customer", "agent", "unknown")),
        ("else", ("客户", "客服"), ("customer", "agent")),
    ):
        add_tag(document, condition)
        width = 130 / len(heads)
        table = add_grid(document, 4, (44, *([width] * len(heads))), lines=True)
        fill_head(table, ("按说话人", *heads))
        add_row_tag(table, 1, "for metric in call.role_metrics")
        fill_cell(table.rows[2].cells[0], "QA table head", "{{ metric.label }}")
        for cell, tag in zip(table.rows[2].cells[1:], tags, strict=True):
            fill_cell(cell, "QA cell", f"{{{{ metric.{tag} }}}}")
        add_row_tag(table, 3, "endfor")
    add_tag(document, "endif")
    add_tag(document, "endif")


def _to_the_right(paragraph: Paragraph) -> None:
    """Align a figure right, at a distance from the words of the next column."""
    paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    paragraph.paragraph_format.right_indent = Mm(2)


def _transcript(document: DocumentObject) -> None:
    add_text(document, "Heading 2", "对话全文")
    add_tag(document, "if call.transcript")
    legend = add_text(document, "QA small", "{{r call.legend }}").paragraph_format
    legend.space_after = Pt(4)
    legend.keep_with_next = True
    add_tag(document, "for line in call.transcript")
    mark = "{% for mark in line.nodes %}\u00a0{{ mark.number }}\u00a0{% endfor %}"
    add_text(
        document,
        "QA turn",
        (mark, "QA number"),
        "\t",
        ("{{ line.time }}", "QA time"),
        "\t",
        ("{{ line.who }}", "QA speaker"),
        "\t",
        "{{r line.text }}",
    )
    add_tag(document, "endfor")
    add_tag(document, "else")
    add_text(document, "QA small", "录音中没有识别到语音。")
    add_tag(document, "endif")


def _heading(document: DocumentObject, level: int, title: str) -> None:
    """Add a heading of the order: beside the chapters where there are several, else beside their sections."""
    add_tag(document, "if report.several")
    add_text(document, f"Heading {level}", title)
    add_tag(document, "else")
    add_text(document, f"Heading {level + 1}", title)
    add_tag(document, "endif")


def _dossier(document: DocumentObject) -> None:
    add_tag(document, "if report.calls")
    _heading(document, 1, "订单档案")
    add_tag(document, "if report.dossier.changes")
    _heading(document, 2, "各次来电的变化")
    _rows(
        document,
        "report.dossier.changes",
        (("来电", 18, "number"), ("间隔", 38, "after"), ("得分", 22, "score"), ("客户情绪", 22, "feeling")),
        ("问题", 74, "issues"),
        ("agent", 1),
    )
    add_tag(document, "endif")
    add_tag(document, "if report.dossier.no_promises and report.dossier.no_classes")
    add_text(document, "QA small", "{{ report.dossier.no_promises }}")
    add_text(document, "QA small", "{{ report.dossier.no_classes }}")
    add_tag(document, "else")
    _heading(document, 2, "客服的承诺")
    add_tag(document, "if report.dossier.promises")
    _rows(
        document,
        "report.dossier.promises",
        (("来电", 18, "number"), ("承诺", 34, "promise"), ("原话", 50, "quote"), ("到期", 34, "due")),
        ("结果", 38, "r outcome"),
        ("at", 0),
    )
    add_tag(document, "else")
    add_text(document, "QA small", "{{ report.dossier.no_promises }}")
    add_tag(document, "endif")
    _heading(document, 2, "问题类型与环节的依据")
    add_tag(document, "if report.dossier.classes")
    table = add_grid(document, 4, (18, 40, 116), lines=True)
    fill_head(table, ("来电", "判定", "依据"))
    add_row_tag(table, 1, "for row in report.dossier.classes")
    cells = table.rows[2].cells
    fill_cell(cells[0], "QA cell", "{{ row.number }}")
    fill_cell(cells[1], "QA cell", "{{ row.kind }} {{ row.name }}")
    fill_cell(cells[2], "QA cell", "{% for line in row.evidence %}{{ line }}{% endfor %}")
    add_row_tag(table, 3, "endfor")
    add_tag(document, "else")
    add_text(document, "QA small", "{{ report.dossier.no_classes }}")
    add_tag(document, "endif")
    add_tag(document, "endif")
    add_tag(document, "endif")


def _rows(
    document: DocumentObject,
    source: str,
    columns: Sequence[tuple[str, int, str]],
    last: tuple[str, int, str],
    small: tuple[str, int] | None = None,
) -> None:
    """Add a table with a row for each item: head, width and field of each column; `small` is below one of them."""
    whole = (*columns, last)
    table = add_grid(document, 4, [width for _, width, _ in whole], lines=True)
    fill_head(table, [head for head, _, _ in whole])
    add_row_tag(table, 1, f"for row in {source}")
    cells = table.rows[2].cells
    for cell, (_, _, name) in zip(cells, whole, strict=True):
        tag = f"{{{{r row.{name[2:]} }}}}" if name.startswith("r ") else f"{{{{ row.{name} }}}}"
        fill_cell(cell, "QA cell", tag)
    if small is not None:
        name, column = small
        add_tag(cells[column], f"if row.{name}")
        add_text(cells[column], "QA small", f"{{{{ row.{name} }}}}")
        add_tag(cells[column], "endif")
    add_row_tag(table, 3, "endfor")


def _signing(document: DocumentObject) -> None:
    _heading(document, 1, "复核与签字")
    reviews = add_grid(document, 3, (TEXT_MM,), lines=False)
    add_row_tag(reviews, 0, "for name in report.reviews")
    fill_cell(reviews.rows[1].cells[0], "QA small", "{{ name }}").paragraph_format.space_after = Pt(12)
    for cell in reviews.rows[1].cells:
        rule_below(cell, RULE, 6)
    add_row_tag(reviews, 2, "endfor")
    _keep_with_next(reviews)
    add_space(document, 14).paragraph_format.keep_with_next = True
    signatures = add_grid(document, 1, (16, 36, 16, 36, 16, 36), lines=False)
    for index in range(3):
        name, line = signatures.rows[0].cells[2 * index : 2 * index + 2]
        fill_cell(name, "Normal", f"{{{{ report.signatures[{index}] }}}}").alignment = WD_ALIGN_PARAGRAPH.RIGHT
        rule_below(line, INK, 6)


def _closing(document: DocumentObject) -> None:
    _heading(document, 1, "方法与说明")
    add_methods(document)


if __name__ == "__main__":
    write("call.docx", make())
