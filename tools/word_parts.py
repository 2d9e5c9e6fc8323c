"""Parts that the scripts for Word templates share: begin and save a template, tables, tags, reproducible files."""

from __future__ import annotations

import io
import struct
import sys
import zipfile
import zlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from docx import Document
from docx.document import Document as DocumentObject
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING, WD_TAB_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from docx.table import Table, _Cell, _Row
from docx.text.paragraph import Paragraph
from word_styles import RULE, TEAL, TEXT_MM, add_styles, put, set_page, shade

# --- building blocks --------------------------------------------------------------------------------------------------


def add_runs(paragraph: Paragraph, *runs: str | tuple[str, str]) -> Paragraph:
    """Add runs: plain text, or (text, character style)."""
    for run in runs:
        text, style = run if isinstance(run, tuple) else (run, None)
        paragraph.add_run(text, style=style)
    return paragraph


def add_text(document: DocumentObject | _Cell, style: str, *runs: str | tuple[str, str]) -> Paragraph:
    return add_runs(document.add_paragraph(style=style), *runs)


def add_tag(document: DocumentObject | _Cell, tag: str) -> None:
    """Add a paragraph that holds one tag and leaves nothing behind."""
    document.add_paragraph(f"{{%p {tag} %}}")


def fill_cell(cell: _Cell, style: str, *runs: str | tuple[str, str]) -> Paragraph:
    paragraph = cell.paragraphs[0]
    paragraph.style = style
    return add_runs(paragraph, *runs)


def add_grid(document: DocumentObject | _Cell, rows: int, widths_mm: Sequence[float], *, lines: bool) -> Table:
    table = document.add_table(rows=rows, cols=len(widths_mm))
    table.alignment, table.autofit = WD_TABLE_ALIGNMENT.LEFT, False
    properties = table._tbl.tblPr
    borders = OxmlElement("w:tblBorders")
    for side in ("top", "left", "bottom", "right", "insideH", "insideV"):
        edge = OxmlElement(f"w:{side}")
        shown = lines and side in ("bottom", "insideH")
        for key, value in (("val", "single" if shown else "nil"), ("sz", "4"), ("space", "0"), ("color", RULE)):
            edge.set(qn(f"w:{key}"), value)
        borders.append(edge)
    put(properties, borders)
    put(properties, _margins(top=40 if lines else 0, bottom=40 if lines else 0, left=50, right=50))
    for column, width in zip(table.columns, widths_mm, strict=True):
        column.width = Mm(width)
    for row in table.rows:
        _keep_whole(row._tr)
        for cell, width in zip(row.cells, widths_mm, strict=True):
            cell.width = Mm(width)
    return table


def _margins(**sides: int) -> object:
    """Make the cell margins of a table, in twentieths of a point."""
    margins = OxmlElement("w:tblCellMar")
    for side in ("top", "left", "bottom", "right"):
        edge = OxmlElement(f"w:{side}")
        edge.set(qn("w:w"), str(sides[side]))
        edge.set(qn("w:type"), "dxa")
        margins.append(edge)
    return margins


def _keep_whole(row: object) -> None:
    properties = row.get_or_add_trPr()
    properties.append(OxmlElement("w:cantSplit"))


def add_row_tag(table: Table, row: int, tag: str) -> None:
    table.rows[row].cells[0].paragraphs[0].add_run(f"{{%tr {tag} %}}")


def fill_head(table: Table, names: Sequence[str]) -> None:
    for cell, name in zip(table.rows[0].cells, names, strict=True):
        fill_cell(cell, "QA table head", name).paragraph_format.keep_with_next = True
    table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))


def add_methods(document: DocumentObject) -> None:
    """Add how the report was made, as one paragraph: a line each would often take a page of its own."""
    add_text(
        document,
        "QA small",
        "{% for row in report.methods %}",
        ("{{ row.label }}", "QA speaker"),
        " {{ row.value }}{% if row.remark %} {{ row.remark }}{% endif %}　{% endfor %}",
    )


def add_space(document: DocumentObject, points: float) -> Paragraph:
    """Add an empty paragraph of a height."""
    paragraph = add_text(document, "QA small")
    spacing = paragraph.paragraph_format
    spacing.line_spacing_rule, spacing.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(points)
    return paragraph


def add_field(paragraph: Paragraph, code: str) -> None:
    """Add a field that Word fills, such as PAGE."""
    for kind, text in (("begin", None), (None, code), ("separate", None), ("text", "1"), ("end", None)):
        run = paragraph.add_run()._r
        if kind == "text":
            run.text = text
        elif kind is None:
            instruction = OxmlElement("w:instrText")
            instruction.set(qn("xml:space"), "preserve")
            instruction.text = f" {text} "
            run.append(instruction)
        else:
            mark = OxmlElement("w:fldChar")
            mark.set(qn("w:fldCharType"), kind)
            run.append(mark)


def add_facts(
    document: DocumentObject, pairs: Sequence[tuple[str, str]], widths_mm: Sequence[float] = (40, 37, 56, 41)
) -> None:
    table = add_grid(document, 2, widths_mm, lines=False)
    cells = [cell for row in table.rows for cell in row.cells]
    for cell, (name, tag) in zip(cells, pairs, strict=True):
        fill_cell(cell, "QA fact name", name)
        add_text(cell, "QA fact", tag)


def add_titled(
    document: DocumentObject, style: str, title: str, badge: str, widths_mm: tuple[float, float] = (124, 50)
) -> None:
    table = add_grid(document, 1, widths_mm, lines=False)
    left, right = table.rows[0].cells
    fill_cell(left, style, title)
    fill_cell(right, "Normal", badge).alignment = WD_ALIGN_PARAGRAPH.RIGHT
    for cell in (left, right):
        rule_below(cell, TEAL, 12)
        align = OxmlElement("w:vAlign")
        align.set(qn("w:val"), "bottom")
        cell._tc.get_or_add_tcPr().append(align)


def shade_row(row: _Row, fill: str) -> None:
    """Fill all cells of a row with a colour."""
    for cell in row.cells:
        shade(cell._tc.get_or_add_tcPr(), fill)


def rule_below(cell: _Cell, color: str, size: int) -> None:
    borders = OxmlElement("w:tcBorders")
    edge = OxmlElement("w:bottom")
    for key, value in (("val", "single"), ("sz", str(size)), ("space", "0"), ("color", color)):
        edge.set(qn(f"w:{key}"), value)
    borders.append(edge)
    cell._tc.get_or_add_tcPr().append(borders)


# --- files ------------------------------------------------------------------------------------------------------------


def transparent_png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    pixel = zlib.compress(b"\0\0\0\0\0", 9)
    head = struct.pack(">IIBBBBB", 1, 1, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")


def repack(content: bytes) -> bytes:
    """Write the same parts with a fixed time, so that equal templates are equal files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, source.read(name))
    return buffer.getvalue()


def begin_document(title: str, marks: Sequence[tuple[str, str, str | None, bool, str | None]] = ()) -> DocumentObject:
    """Begin a template with its page, styles (`marks` besides the common ones), header, footer and properties."""
    document = Document()
    set_page(document)
    add_styles(document, marks)
    section = document.sections[0]
    header = section.header.paragraphs[0]
    header.paragraph_format.tab_stops.add_tab_stop(Mm(TEXT_MM), WD_TAB_ALIGNMENT.RIGHT)
    add_runs(
        header,
        "{{ report.title }} · {{ report.subject }}",
        "{% if report.organisation %} · {{ report.organisation }}{% endif %}\t",
    )
    header.add_run().add_picture(io.BytesIO(transparent_png()), width=Mm(30), height=Mm(8))
    picture = header._p.find(".//" + qn("wp:docPr"))
    picture.set("name", "logo")
    picture.set("descr", "企业标识占位图：右键，更改图片")
    footer = section.footer.paragraphs[0]
    footer.paragraph_format.tab_stops.add_tab_stop(Mm(TEXT_MM), WD_TAB_ALIGNMENT.RIGHT)
    add_runs(footer, "{{ report.footer }}", "\t")
    add_field(footer, "PAGE")
    add_runs(footer, " / ")
    add_field(footer, "NUMPAGES")
    core = document.core_properties
    core.title, core.subject, core.author, core.last_modified_by = title, "", "qareport", "qareport"
    core.comments, core.keywords, core.language = "", "", "zh-CN"
    core.created = core.modified = datetime(2000, 1, 1)  # noqa: DTZ001 - python-docx wants UTC without a zone
    core.revision = 1
    return document


def saved(document: DocumentObject) -> bytes:
    """Save a template: the same content gives the same bytes."""
    buffer = io.BytesIO()
    document.save(buffer)
    return repack(buffer.getvalue())


def write(name: str, content: bytes) -> None:
    """Write a template into the folder of the bundled ones, and say so."""
    path = Path(__file__).resolve().parents[1] / "templates" / name
    path.write_bytes(content)
    sys.stdout.write(f"{path}\n")
