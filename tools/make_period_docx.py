"""Make period.docx, the Word template of daily, weekly and monthly reports: its content can be reviewed as text.

Run `python tools/make_period_docx.py`; it writes templates/period.docx. Users edit period.docx as they edit
call.docx: see make_call_docx.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from docx.document import Document as DocumentObject
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.shared import Mm, Pt
from docx.table import _Cell
from word_parts import (
    add_grid,
    add_methods,
    add_row_tag,
    add_tag,
    add_text,
    add_titled,
    begin_document,
    fill_cell,
    fill_head,
    rule_below,
    saved,
    write,
)
from word_styles import GREEN, INK, RED, RULE, TEAL, TEXT_MM

#: Character styles besides those of the call report: name, colour, fill, bold, frame.
MARKS: tuple[tuple[str, str, str | None, bool, str | None], ...] = (
    ("QA worse", RED, None, True, None),
    ("QA better", GREEN, None, False, None),
    ("QA outlier", INK, None, True, "single"),
    ("QA tile value", INK, None, True, None),
    ("QA link", TEAL, None, False, None),
)
_TILES, _TILE_COLUMNS = 10, 5
_TRENDS = 3
_CALLBACK_WIDTHS = (8, 44, 62, 28, 32)
#: There is something to compare with.
_COMPARED = "report.has_previous or report.has_baseline"
#: Every column has something to say.
_ALWAYS: Mapping[str, Sequence[int]] = {"": ()}


def make() -> bytes:
    """Build the template; the same script and python-docx give the same bytes."""
    document = begin_document("客服质检日报", MARKS)
    document.styles["QA tile value"].font.size = Pt(14)
    document.styles["QA link"].font.underline = True
    heading = document.styles["Heading 2"].paragraph_format
    heading.space_before, heading.keep_with_next = Pt(9), True
    for part in (
        _first_part, _tiles, _trend, _callbacks, _coaching, _heat, _weak_links, _further_callbacks, _groups, _people,
        _outcomes, _ledger,
    ):  # fmt: skip
        part(document)
    _closing(document)
    return saved(document)


def _first_part(document: DocumentObject) -> None:
    document._body.clear_content()
    add_titled(document, "Title", "{{ report.title }}", "{{ report.subject }}", (104, 70))
    add_tag(document, "if report.edition")
    add_text(document, "QA total", "{{ report.edition }}")
    add_tag(document, "endif")
    add_tag(document, "if report.partial")
    add_text(document, "QA notice", "本报告不完整：")
    add_tag(document, "for line in report.partial")
    add_text(document, "QA notice", "{{ line }}")
    add_tag(document, "endfor")
    add_tag(document, "endif")
    add_tag(document, "if report.demo_notice")
    add_text(document, "QA notice", "{{ report.demo_notice }}")
    add_tag(document, "endif")
    add_text(document, "QA finding", "{{ report.sentence }}")


def _tiles(document: DocumentObject) -> None:
    table = add_grid(document, _TILES // _TILE_COLUMNS, [TEXT_MM / _TILE_COLUMNS] * _TILE_COLUMNS, lines=False)
    for index in range(_TILES):
        cell = table.rows[index // _TILE_COLUMNS].cells[index % _TILE_COLUMNS]
        tile = f"report.tiles[{index}]"
        fill_cell(cell, "QA fact name", f"{{{{ {tile}.label }}}}")
        add_text(
            cell, "QA cell", (f"{{{{ {tile}.value }}}}", "QA tile value"), (f" {{{{ {tile}.remark }}}}", "QA muted")
        )
        add_tag(cell, f"for change in {tile}.changes")
        add_text(cell, "QA fact name", "{{r change }}")
        add_tag(cell, "endfor")
        rule_below(cell, RULE, 4)


def _trend(document: DocumentObject) -> None:
    add_tag(document, "if report.trend")
    add_text(document, "QA small", "{{ report.trend_title }}")
    table = add_grid(document, 1, [TEXT_MM / _TRENDS] * _TRENDS, lines=False)
    for index in range(_TRENDS):
        fill_cell(table.rows[0].cells[index], "QA chart", f"{{{{ report.trend[{index}] }}}}")
    add_tag(document, "endif")


def _coaching(document: DocumentObject) -> None:
    add_text(document, "Heading 2", "{{ report.coaching_title }}")
    add_tag(document, "for item in report.coaching")
    _coached(document)
    add_tag(document, "if item.advice")
    add_text(document, "QA advice", ("建议话术　", "QA advice word"), "{{ item.advice }}")
    add_tag(document, "endif")
    add_tag(document, "else")
    add_text(document, "QA small", "{{ report.coaching_empty }}")
    add_tag(document, "endfor")
    add_tag(document, "if report.praise")
    add_text(document, "Heading 2", "{{ report.praise_title }}")
    add_tag(document, "for item in report.praise")
    _coached(document)
    add_tag(document, "endfor")
    add_tag(document, "endif")


def _coached(document: DocumentObject) -> None:
    who = add_text(document, "Normal", ("{{ item.agent }}", "QA speaker"), "　{{ item.what }}")
    who.paragraph_format.keep_with_next = True
    add_text(document, "QA small", "{{r item.listen }}")


def _callbacks(document: DocumentObject) -> None:
    add_text(document, "Heading 2", "{{ report.callbacks_title }}")
    add_tag(document, "if report.callbacks")
    _callback_table(document, "report.callbacks")
    add_tag(document, "if report.callbacks_rest")
    add_text(document, "QA total", "{{ report.callbacks_follow }}{{ report.callbacks_more }}")
    add_tag(document, "elif report.callbacks_more")
    add_text(document, "QA total", "{{ report.callbacks_more }}")
    add_tag(document, "endif")
    add_tag(document, "else")
    add_text(document, "QA small", "{{ report.callbacks_empty }}")
    add_tag(document, "endif")


def _callback_table(document: DocumentObject, rows: str) -> None:
    table = add_grid(document, 4, _CALLBACK_WIDTHS, lines=True)
    fill_head(table, ("#", "订单 / 电话", "为什么", "承诺", "风险"))
    add_row_tag(table, 1, f"for row in {rows}")
    cells = table.rows[2].cells
    fill_cell(cells[0], "QA cell", "{{ row.rank }}")
    fill_cell(cells[1], "QA cell", "{{r row.order }}")
    add_text(cells[1], "QA small", "{{ row.phone }} · {{ row.when }}")
    add_text(cells[1], "QA small", "{{ row.agent }}")
    fill_cell(cells[2], "QA cell", "{{ row.why }}")
    add_tag(cells[2], "if row.listen")
    add_text(cells[2], "QA small", "{{r row.listen }}")
    add_tag(cells[2], "endif")
    fill_cell(cells[3], "QA cell", "{{ row.promise }}")
    fill_cell(cells[4], "QA cell", "{{r row.risk }}")
    add_row_tag(table, 3, "endfor")


def _heat(document: DocumentObject) -> None:
    add_text(document, "Heading 2", "{{ report.heat_title }}")
    add_text(document, "QA chart", "{{ report.heat }}")
    add_tag(document, "for note in report.heat_notes")
    add_text(document, "QA small", "{{ note }}")
    add_tag(document, "endfor")


def _weak_links(document: DocumentObject) -> None:
    add_text(document, "Heading 2", "{{ report.weak_title }}")
    add_tag(document, "for link in report.weak_links")
    title = add_text(
        document,
        "Normal",
        ("\u00a0{{ link.number }}\u00a0", "QA number"),
        "　",
        ("{{ link.title }}", "QA speaker"),
        "：{{ link.story }}",
    )
    title.paragraph_format.keep_with_next = True
    add_tag(document, "if link.advice")
    advice = add_text(document, "QA advice", ("建议话术　", "QA advice word"), "{{ link.advice }}")
    advice.paragraph_format.keep_with_next = True
    add_tag(document, "endif")
    add_tag(document, "for line in link.evidence")
    add_text(document, "QA small", "{{r line }}")
    add_tag(document, "endfor")
    add_tag(document, "else")
    add_text(document, "QA small", "{{ report.weak_empty }}")
    add_tag(document, "endfor")
    add_text(document, "QA small", ("未能判断　", "QA speaker"), "{{ report.not_judged }}")


def _further_callbacks(document: DocumentObject) -> None:
    add_tag(document, "if report.callbacks_rest")
    add_text(document, "Heading 2", "{{ report.callbacks_rest_title }}")
    _callback_table(document, "report.callbacks_rest")
    add_tag(document, "if report.callbacks_more")
    add_text(document, "QA total", "{{ report.callbacks_more }}")
    add_tag(document, "endif")
    add_tag(document, "endif")


def _groups(document: DocumentObject) -> None:
    heads = ("组", "客服人数", "通话", "平均得分", "{{ report.against }}", "合格率", "高风险", "平均时长", "主要失分")
    add_tag(document, "if report.groups.rows")
    widths_mm = (25, 15, 11, 15, 15, 15, 13, 16, 49)
    _table(
        document,
        "各组",
        "report.groups",
        heads,
        widths_mm,
        figures=(1, 2, 3, 4, 5, 6, 7),
        without={_COMPARED: (), "": (4,)},
    )
    add_tag(document, "endif")


def _people(document: DocumentObject) -> None:
    heads = ("客服", "通话", "平均得分", "{{ report.against }}", "合格率", "高风险", "平均时长", "主要失分", "做得好")
    without = {
        f"({_COMPARED}) and report.praise": (),
        _COMPARED: (8,),
        "report.praise": (3,),
        "": (3, 8),
    }
    widths_mm = (26, 10, 15, 13, 13, 13, 15, 40, 29)
    _table(document, "客服一览", "report.agents", heads, widths_mm, figures=(1, 2, 3, 4, 5, 6), without=without)
    add_tag(document, "if report.agents_note")
    add_text(document, "QA small", "{{ report.agents_note }}")
    add_tag(document, "endif")
    heads = (
        "规则",
        "等级",
        "出现 / 适用的通话",
        "{{ report.previous_head }}",
        "{{ report.baseline_head }}",
        "分值合计",
    )
    without = {
        "report.has_previous and report.has_baseline": (),
        "report.has_previous": (4,),
        "report.has_baseline": (3,),
        "": (3, 4),
    }
    _table(document, "各规则的出现", "report.rules", heads, (46, 14, 33, 31, 33, 17), figures=(5,), without=without)


def _outcomes(document: DocumentObject) -> None:
    add_tag(document, "if report.outcomes.rows")
    heads = ("规则与建议", "客服", "之前", "之后", "变化（百分点，95%区间）", "结论")
    _table(document, "建议之后的变化", "report.outcomes", heads, (45, 13, 36, 30, 30, 20), figures=(1,))
    add_text(document, "QA small", "{{ report.outcomes_note }}")
    add_tag(document, "endif")


def _ledger(document: DocumentObject) -> None:
    heads = ("状态", "订单 / 电话", "承诺", "到期", "客服")
    _table(document, "要兑现的承诺", "report.promises", heads, (22, 30, 72, 22, 28))
    add_text(document, "QA small", "{{ report.promises_note }}")
    add_tag(document, "if report.failed.rows")
    _table(document, "处理失败的通话", "report.failed", ("通话编号", "时间", "客服", "原因"), (48, 24, 26, 76))
    add_tag(document, "endif")


def _table(
    document: DocumentObject,
    title: str,
    name: str,
    heads: Sequence[str],
    widths_mm: Sequence[float],
    *,
    figures: Sequence[int] = (),
    without: Mapping[str, Sequence[int]] = _ALWAYS,
) -> None:
    """Add a section of one table.

    Args:
        document: what it is added to.
        title: its heading.
        name: its rows and what is said of them.
        heads: of its columns.
        widths_mm: of its columns; one that takes no column leaves its width to the widest.
        figures: the columns that are aligned right.
        without: by condition, the first that holds, the columns that have nothing to say; "": else.
    """
    add_text(document, "Heading 2", title)
    add_tag(document, f"if {name}.rows")
    for index, (condition, left_out) in enumerate(without.items()):
        if len(without) > 1:
            add_tag(document, "else" if not condition else f"{'elif' if index else 'if'} {condition}")
        _rows(document, name, heads, widths_mm, figures, left_out)
    if len(without) > 1:
        add_tag(document, "endif")
    add_tag(document, f"if {name}.more")
    add_text(document, "QA total", f"{{{{ {name}.more }}}}")
    add_tag(document, "endif")
    add_tag(document, "else")
    add_text(document, "QA small", f"{{{{ {name}.empty }}}}")
    add_tag(document, "endif")


def _rows(
    document: DocumentObject,
    name: str,
    heads: Sequence[str],
    widths_mm: Sequence[float],
    figures: Sequence[int],
    without: Sequence[int],
) -> None:
    columns = [index for index in range(len(heads)) if index not in without]
    widest = max(columns, key=lambda index: widths_mm[index])
    spare = sum(widths_mm[index] for index in without)
    widths = [widths_mm[index] + (spare if index == widest else 0) for index in columns]
    table = add_grid(document, 4, widths, lines=True)
    fill_head(table, [heads[index] for index in columns])
    add_row_tag(table, 1, f"for row in {name}.rows")
    for index, cell in zip(columns, table.rows[2].cells, strict=True):
        fill_cell(cell, "QA cell", f"{{{{r row[{index}] }}}}")
    add_row_tag(table, 3, "endfor")
    for row in (0, 2):
        for place, index in enumerate(columns):
            if index in figures:
                _to_the_right(table.rows[row].cells[place])
            elif index - 1 in figures:
                table.rows[row].cells[place].paragraphs[0].paragraph_format.left_indent = Mm(2)


def _to_the_right(cell: _Cell) -> None:
    cell.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.RIGHT


def _closing(document: DocumentObject) -> None:
    add_text(document, "Heading 2", "方法与说明")
    add_methods(document)


if __name__ == "__main__":
    write("period.docx", make())
