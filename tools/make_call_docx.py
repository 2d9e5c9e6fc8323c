"""Make call.docx, the Word template of the call report, so that its content can be reviewed as text.

Run `python tools/make_call_docx.py`; it writes templates/call.docx. Users edit call.docx in Word or WPS:
wording, order of sections, fonts and colours (all looks are styles, those of marks and chips start with "QA"), and the
picture in the header (a transparent placeholder: right-click, change picture). Tags are `{{ }}` and `{% %}`; a
`{%p … %}` tag is alone in its paragraph, a `{%tr … %}` tag in a table row of its own, `{{r … }}` prints text with
its marks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from docx.document import Document as DocumentObject
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.shared import Pt
from word_parts import (
    add_end,
    add_facts,
    add_grid,
    add_row_tag,
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
from word_styles import INK


def make() -> bytes:
    """Build the template; the same script and python-docx give the same bytes."""
    document = begin_document("通话质检报告")
    _first_part(document)
    _overview(document)
    _chapters(document)
    _dossier(document)
    _closing(document)
    return saved(document)


# --- the document -----------------------------------------------------------------------------------------------------


def _first_part(document: DocumentObject) -> None:
    document._body.clear_content()
    add_titled(document, "Title", "{{ report.title }}", "{{r report.badge }}")
    add_tag(document, "if report.demo_notice")
    add_text(document, "QA notice", "{{ report.demo_notice }}")
    add_tag(document, "endif")
    add_text(document, "QA small")
    add_facts(
        document,
        (
            ("订单号", "{{ report.facts.name }}"),
            ("来电次数", "{{ report.facts.calls }}"),
            ("{% if report.several %}最近通话{% else %}本次通话{% endif %}", "{{ report.facts.when }}"),
            ("客服", "{{ report.facts.agent }}"),
            ("问题类型", "{{ report.facts.issue }}"),
            ("客户情绪趋势", "{{ report.facts.trend }}"),
            ("说话人判定", "{{ report.facts.roles }}"),
            ("规则命中", "{{ report.facts.hits }}"),
        ),
    )
    add_text(document, "QA finding", "{{ report.sentence }}")


def _overview(document: DocumentObject) -> None:
    add_tag(document, "if report.several")
    add_text(document, "Heading 2", "来电一览")
    table = add_grid(document, 4, (14, 31, 20, 18, 19, 30, 42), lines=True)
    fill_head(table, ("来电", "时间", "时长", "客服", "客户情绪", "结论", "问题 / 原因"))
    add_row_tag(table, 1, "for row in report.overview")
    tags = ("row.number", "row.when", "row.length", "row.agent", "row.trend", "r row.badge", "row.remark")
    for cell, tag in zip(table.rows[2].cells, tags, strict=True):
        fill_cell(cell, "QA cell", "{{r row.badge }}" if tag.startswith("r ") else f"{{{{ {tag} }}}}")
    remark = table.rows[2].cells[-1]
    add_tag(remark, "if row.change")
    add_text(remark, "QA small", "{{ row.change }}")
    add_tag(remark, "endif")
    add_row_tag(table, 3, "endfor")
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
    document.add_paragraph(style="QA small").paragraph_format.page_break_before = True
    add_titled(document, "Heading 1", "{{ call.title }}", "{{r call.badge }}")
    add_text(document, "QA small")
    add_facts(
        document,
        (
            ("通话编号", "{{ call.facts.name }}"),
            ("客户电话", "{{ call.phone }}"),
            ("通话时间与时长", "{{ call.facts.when }}"),
            ("客服", "{{ call.facts.agent }}"),
            ("问题类型", "{{ call.facts.issue }}"),
            ("客户情绪趋势", "{{ call.facts.trend }}"),
            ("说话人判定", "{{ call.facts.roles }}"),
            ("规则命中", "{{ call.facts.hits }}"),
        ),
    )
    add_text(document, "QA finding", "{{ call.sentence }}")
    add_tag(document, "endif")
    add_text(document, "QA trajectory", "客户情绪轨迹　", "{{r call.trajectory }}")
    add_text(document, "QA chart", "{{ call.chart }}")
    add_tag(document, "for note in call.notes")
    add_text(document, "QA note", "※ {{ note }}")
    add_tag(document, "endfor")
    for part in (_key_moments, _praise, _deductions, _metrics, _transcript):
        part(document)
    add_tag(document, "endfor")


def _key_moments(document: DocumentObject) -> None:
    add_text(document, "Heading 2", "关键节点与建议话术")
    _either(document, "call.key_moments", _moment_table, "没有关键节点。")
    add_tag(document, "if call.further")
    add_text(document, "QA total", "其余命中")
    add_tag(document, "for hit in call.further")
    add_text(
        document, "QA cell", "{{ hit.at }}　{{ hit.title }}（{{ hit.rule }}） · {{ hit.severity }} · {{ hit.points }}"
    )
    add_tag(document, "if hit.advice")
    add_text(document, "QA advice", ("建议话术　", "QA advice word"), "{{ hit.advice }}")
    add_tag(document, "endif")
    add_tag(document, "endfor")
    add_tag(document, "endif")


def _praise(document: DocumentObject) -> None:
    add_tag(document, "if call.praise")
    add_text(document, "Heading 2", "做得好的地方")
    add_tag(document, "for good in call.praise")
    add_text(document, "QA story", ("{{ good.at }}　", "QA speaker"), "{{ good.text }}")
    add_tag(document, "if good.quotes")
    add_text(document, "QA small", "{{ good.quotes }}")
    add_tag(document, "endif")
    add_text(document, "QA small", "{{ good.rule }}")
    add_tag(document, "endfor")
    add_tag(document, "endif")


def _either(document: DocumentObject, tag: str, fill: Callable[[DocumentObject], None], otherwise: str) -> None:
    add_tag(document, f"if {tag}")
    fill(document)
    add_tag(document, "else")
    add_text(document, "QA small", otherwise)
    add_tag(document, "endif")


def _moment_table(document: DocumentObject) -> None:
    table = add_grid(document, 3, (9, 25, 140), lines=True)
    add_row_tag(table, 0, "for moment in call.key_moments")
    number, when, what = table.rows[1].cells
    fill_cell(number, "QA story", ("\u00a0{{ moment.number }}\u00a0", "QA number"))
    fill_cell(when, "QA story", "{{ moment.at }}").runs[0].bold = True
    add_text(when, "QA small", "{{ moment.span }}")
    fill_cell(what, "QA story", "{{r moment.story }}")
    add_tag(what, "for advice in moment.advice")
    add_tag(what, "if advice.text")
    add_text(what, "QA advice", ("建议话术　", "QA advice word"), "{{ advice.text }}")
    add_tag(what, "endif")
    add_text(what, "QA small", "{{ advice.rule }}")
    add_tag(what, "endfor")
    add_row_tag(table, 2, "endfor")


def _deductions(document: DocumentObject) -> None:
    add_text(document, "Heading 2", "评分卡")
    add_tag(document, "if call.scorecard")
    table = add_grid(document, 7, (20, 48, 14, 20, 72), lines=True)
    fill_head(table, ("时间", "类别与规则", "等级", "分值", "证据"))
    add_row_tag(table, 1, "for group in call.scorecard")
    head = table.rows[2]
    shade_row(head, "F1F5F7")
    name = head.cells[0].merge(head.cells[2])
    title = fill_cell(name, "QA cell", "{{ group.name }}")
    title.runs[0].bold = True
    title.paragraph_format.keep_with_next = True
    fill_cell(head.cells[3], "QA cell", "{{ group.points }}").runs[0].bold = True
    fill_cell(
        head.cells[4],
        "QA cell",
        "{{ group.limit }} · {{ group.judged }}{% if group.empty %} · {{ group.empty }}{% endif %}",
    )
    add_tag(head.cells[4], "if group.not_applicable")
    add_text(head.cells[4], "QA small", "{{ group.not_applicable }}")
    add_tag(head.cells[4], "endif")
    add_row_tag(table, 3, "for hit in group.hits")
    cells = table.rows[4].cells
    fill_cell(cells[0], "QA cell", "{{ hit.at }}")
    fill_cell(cells[1], "QA cell", "{{ hit.title }}")
    add_text(cells[1], "QA small", "{{ hit.rule }}")
    fill_cell(cells[2], "QA cell", "{{ hit.severity }}")
    fill_cell(cells[3], "QA cell", "{{ hit.points }}")
    add_tag(cells[3], "if hit.counted")
    add_text(cells[3], "QA small", "{{ hit.counted }}")
    add_tag(cells[3], "endif")
    fill_cell(cells[4], "QA cell", "{%p for line in hit.evidence %}")
    add_text(cells[4], "QA cell", "{{ line }}")
    add_tag(cells[4], "endfor")
    add_row_tag(table, 5, "endfor")
    add_row_tag(table, 6, "endfor")
    add_tag(document, "endif")
    add_text(document, "QA total", "{{ call.score_line or call.deduction_total }}")


def _metrics(document: DocumentObject) -> None:
    add_text(document, "Heading 2", "通话指标与团队相比")
    add_tag(document, "if call.compared")
    table = add_grid(document, 4, (36, 28, 30, 42, 38), lines=True)
    fill_head(table, ("指标", "本次", "团队中位数", "一半通话在", "说明"))
    add_row_tag(table, 1, "for row in call.compared")
    cells = table.rows[2].cells
    fill_cell(cells[0], "QA table head", "{{ row.label }}")
    for cell, tag in zip(cells[1:], ("value", "usual", "range", "remark"), strict=True):
        fill_cell(cell, "QA cell", f"{{{{ row.{tag} }}}}")
    add_row_tag(table, 3, "endfor")
    add_tag(document, "endif")
    add_text(document, "QA note", "※ {{ call.norm }}")
    table = add_grid(document, 3, (42, 60, 72), lines=True)
    add_row_tag(table, 0, "for metric in call.metrics")
    cells = table.rows[1].cells
    fill_cell(cells[0], "QA table head", "{{ metric.label }}")
    fill_cell(cells[1], "QA cell", "{{ metric.value }}")
    fill_cell(cells[2], "QA small", "{{ metric.remark }}")
    add_row_tag(table, 2, "endfor")
    add_tag(document, "if call.role_metrics")
    add_text(document, "QA small")
    for condition, heads, tags in (
        ("if call.unknown_speaker", ("客户", "客服", "说话人未知"), ("customer", "agent", "unknown")),
        ("else", ("客户", "客服"), ("customer", "agent")),
    ):
        add_tag(document, condition)
        width = 132 / len(heads)
        table = add_grid(document, 4, (42, *([width] * len(heads))), lines=True)
        fill_head(table, ("按说话人", *heads))
        add_row_tag(table, 1, "for metric in call.role_metrics")
        fill_cell(table.rows[2].cells[0], "QA table head", "{{ metric.label }}")
        for cell, tag in zip(table.rows[2].cells[1:], tags, strict=True):
            fill_cell(cell, "QA cell", f"{{{{ metric.{tag} }}}}")
        add_row_tag(table, 3, "endfor")
    add_tag(document, "endif")
    add_tag(document, "endif")


def _transcript(document: DocumentObject) -> None:
    add_text(document, "Heading 2", "对话全文")
    add_tag(document, "if call.transcript")
    legend = add_text(document, "QA small", "{{r call.legend }}").paragraph_format
    legend.space_after = Pt(4)
    legend.keep_with_next = True
    add_tag(document, "for line in call.transcript")
    add_text(
        document,
        "QA turn",
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
    fill_cell(cells[1], "QA small", "{{ row.kind }}")
    add_text(cells[1], "QA cell", "{{ row.name }}")
    fill_cell(cells[2], "QA cell", "{%p for line in row.evidence %}")
    add_text(cells[2], "QA cell", "{{ line }}")
    add_tag(cells[2], "endfor")
    add_row_tag(table, 3, "endfor")
    add_tag(document, "else")
    add_text(document, "QA small", "{{ report.dossier.no_classes }}")
    add_tag(document, "endif")
    add_tag(document, "endif")


def _rows(
    document: DocumentObject,
    source: str,
    columns: Sequence[tuple[str, int, str]],
    last: tuple[str, int, str],
    small: tuple[str, int],
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
    name, column = small
    add_tag(cells[column], f"if row.{name}")
    add_text(cells[column], "QA small", f"{{{{ row.{name} }}}}")
    add_tag(cells[column], "endif")
    add_row_tag(table, 3, "endfor")


def _closing(document: DocumentObject) -> None:
    _heading(document, 1, "方法与说明")
    table = add_grid(document, 3, (38, 136), lines=False)
    add_row_tag(table, 0, "for row in report.methods")
    fill_cell(table.rows[1].cells[0], "QA small", "{{ row.label }}")
    fill_cell(table.rows[1].cells[1], "QA small", "{{ row.value }} {{ row.remark }}")
    add_row_tag(table, 2, "endfor")
    add_text(document, "Normal").paragraph_format.space_before = Pt(24)
    signatures = add_grid(document, 1, (16, 36, 16, 36, 16, 36), lines=False)
    for index in range(3):
        name, line = signatures.rows[0].cells[2 * index : 2 * index + 2]
        fill_cell(name, "Normal", f"{{{{ report.signatures[{index}] }}}}").alignment = WD_ALIGN_PARAGRAPH.RIGHT
        rule_below(line, INK, 6)
    add_end(document)


if __name__ == "__main__":
    write("call.docx", make())
