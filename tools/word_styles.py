"""The page and the styles of Word templates: colours, fonts, marks, shading, borders."""

from __future__ import annotations

from collections.abc import Sequence

from docx.document import Document as DocumentObject
from docx.enum.section import WD_SECTION
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.styles.style import BaseStyle, CharacterStyle, ParagraphStyle

LATIN, CHINESE, MONO = "Arial", "微软雅黑", "Consolas"
INK, MUTED, RULE, TEAL, RED, GREEN, AMBER = "1F2933", "52606D", "D3D9DF", "0B5563", "B3261E", "2F6F44", "8A5200"
TEXT_MM = 174

#: Character styles of marks: name, colour, fill, bold, frame.
MARKS: tuple[tuple[str, str, str | None, bool, str | None], ...] = (
    ("QA tag-negative", "FFFFFF", RED, True, None),
    ("QA tag-positive", GREEN, None, True, "single"),
    ("QA tag-other", TEAL, None, False, "single"),
    ("QA tag-neutral", MUTED, None, False, None),
    ("QA tag-unknown", INK, None, False, "dashed"),
    ("QA tag-unjudged", INK, None, False, "dotted"),
    ("QA tag-silence", "FFFFFF", "66737F", True, None),
    ("QA tag-event", INK, "E8ECEF", False, None),
    ("QA risk-high", "FFFFFF", RED, True, "single"),
    ("QA risk-medium", AMBER, None, True, "single"),
    ("QA risk-low", GREEN, None, True, "single"),
    ("QA risk-none", MUTED, None, True, "dashed"),
    ("QA failed", INK, None, True, "double"),
    ("QA label", RED, None, True, None),
    ("QA quote", INK, None, False, None),
    ("QA muted", MUTED, None, False, None),
    ("QA time", MUTED, None, False, None),
    ("QA speaker", INK, None, True, None),
    ("QA advice word", GREEN, None, True, None),
    ("QA number", "FFFFFF", INK, True, None),
)


# --- page and styles --------------------------------------------------------------------------------------------------


def set_page(document: DocumentObject) -> None:
    section = document.sections[0]
    section.start_type = WD_SECTION.NEW_PAGE
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = Mm(18)
    section.top_margin, section.bottom_margin = Mm(20), Mm(18)
    section.header_distance, section.footer_distance = Mm(9), Mm(9)


def _fonts(style: BaseStyle, latin: str = LATIN, chinese: str = CHINESE) -> None:
    properties = style.element.get_or_add_rPr()
    for old in properties.findall(qn("w:rFonts")):
        properties.remove(old)
    fonts = OxmlElement("w:rFonts")
    for name, value in (("ascii", latin), ("hAnsi", latin), ("eastAsia", chinese), ("cs", latin)):
        fonts.set(qn(f"w:{name}"), value)
    properties.insert(0, fonts)


def _look(
    style: ParagraphStyle, size: float, color: str = INK, *, bold: bool = False, before: float = 0, after: float = 0
):
    _fonts(style)
    style.font.size, style.font.bold, style.font.italic = Pt(size), bold, False
    style.font.color.rgb = RGBColor.from_string(color)
    spacing = style.paragraph_format
    spacing.space_before, spacing.space_after, spacing.line_spacing = Pt(before), Pt(after), 1.15
    return style


def add_styles(document: DocumentObject, more: Sequence[tuple[str, str, str | None, bool, str | None]] = ()) -> None:
    """Set the looks of a report; `more` are marks besides `MARKS`."""
    styles = document.styles
    language = styles.element.find(qn("w:docDefaults")).find(".//" + qn("w:lang"))
    language.set(qn("w:val"), "zh-CN")
    language.set(qn("w:eastAsia"), "zh-CN")
    _look(styles["Normal"], 9.5)
    _look(styles["Title"], 20, bold=True)
    add_border(styles["Title"].element.get_or_add_pPr(), bottom=None)
    _look(styles["Heading 1"], 15, before=14, after=3, bold=True)
    _look(styles["Heading 2"], 12, TEAL, before=12, after=4, bold=True)
    add_border(styles["Heading 2"].element.get_or_add_pPr(), bottom=(RULE, 6, 2))
    _look(styles["Heading 3"], 10.5, TEAL, before=8, after=3, bold=True)
    for name in ("Header", "Footer"):
        _look(styles[name], 7.5, MUTED)
        for tabs in styles[name].element.pPr.findall(qn("w:tabs")):
            styles[name].element.pPr.remove(tabs)
    _paragraph_styles(document)
    for name, color, fill, bold, frame in (*MARKS, *more):
        _mark(document, name, color, fill, bold, frame)
    for name in ("QA tag-neutral", "QA tag-unknown", "QA tag-unjudged", "QA tag-negative", "QA tag-silence"):
        styles[name].font.size = Pt(7.5)
    for name in ("QA tag-positive", "QA tag-other", "QA tag-event"):
        styles[name].font.size = Pt(7.5)
    for name in ("QA risk-high", "QA risk-medium", "QA risk-low", "QA risk-none"):
        styles[name].font.size = Pt(9)
    styles["QA time"].font.size = Pt(8.5)


def _paragraph_styles(document: DocumentObject) -> None:
    def add(name: str, size: float, color: str = INK, **spacing: float) -> ParagraphStyle:
        style = document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        style.base_style = document.styles["Normal"]
        style.quick_style = True
        return _look(style, size, color, **spacing)

    add("QA fact name", 7.8, MUTED)
    add("QA fact", 9.5, after=3)
    finding = add("QA finding", 11, before=6, after=6)
    add_border(finding.element.get_or_add_pPr(), left=(TEAL, 24, 8))
    shade(finding.element.get_or_add_pPr(), "F1F5F7")
    finding.paragraph_format.left_indent = Mm(3)
    notice = add("QA notice", 9.5, AMBER, before=6)
    notice.font.bold = True
    frame = (AMBER, 8, 3)
    add_border(notice.element.get_or_add_pPr(), kind="dashed", top=frame, left=frame, bottom=frame, right=frame)
    add("QA trajectory", 9.5, before=4, after=2)
    note = add("QA note", 8.5, MUTED)
    note.paragraph_format.left_indent, note.paragraph_format.first_line_indent = Mm(4), Mm(-4)
    add("QA story", 10)
    advice = add("QA advice", 9.5, before=2, after=1)
    add_border(advice.element.get_or_add_pPr(), left=(GREEN, 18, 6))
    advice.paragraph_format.left_indent = Mm(2.5)
    add("QA small", 8, MUTED)
    add("QA table head", 8.2, MUTED)
    add("QA cell", 8.8)
    add("QA total", 9.5, before=3).font.bold = True
    turn = add("QA turn", 9.5, after=2)
    turn.paragraph_format.left_indent, turn.paragraph_format.first_line_indent = Mm(40), Mm(-40)
    turn.paragraph_format.tab_stops.add_tab_stop(Mm(14))
    turn.paragraph_format.tab_stops.add_tab_stop(Mm(40))
    add("QA chart", 8)


def _mark(document: DocumentObject, name: str, color: str, fill: str | None, bold: bool, frame: str | None) -> None:
    style = document.styles.add_style(name, WD_STYLE_TYPE.CHARACTER)
    if not isinstance(style, CharacterStyle):
        raise TypeError(name)
    style.quick_style = True
    style.font.color.rgb, style.font.bold = RGBColor.from_string(color), bold
    if name.startswith("QA tag-"):
        _fonts(style, latin=MONO)
    properties = style.element.get_or_add_rPr()
    if frame:
        border = OxmlElement("w:bdr")
        for key, value in (("val", frame), ("sz", "6"), ("space", "0"), ("color", fill or color)):
            border.set(qn(f"w:{key}"), value)
        properties.append(border)
    if fill:
        shade(properties, fill)


def shade(properties: object, fill: str) -> None:
    shade = OxmlElement("w:shd")
    for key, value in (("val", "clear"), ("color", "auto"), ("fill", fill)):
        shade.set(qn(f"w:{key}"), value)
    put(properties, shade)


def add_border(properties: object, *, kind: str = "single", **sides: tuple[str, int, int] | None) -> None:
    for old in properties.findall(qn("w:pBdr")):
        properties.remove(old)
    box = OxmlElement("w:pBdr")
    for side in ("top", "left", "bottom", "right"):
        line = sides.get(side)
        if line:
            edge = OxmlElement(f"w:{side}")
            for key, value in (("val", kind), ("sz", line[1]), ("space", line[2]), ("color", line[0])):
                edge.set(qn(f"w:{key}"), str(value))
            box.append(edge)
    if len(box):
        put(properties, box)


#: Order of children that Word insists on, as far as they are used here.
_ORDER = (
    "keepNext",
    "keepLines",
    "pageBreakBefore",
    "widowControl",
    "numPr",
    "pBdr",
    "shd",
    "tabs",
    "spacing",
    "ind",
    "contextualSpacing",
    "jc",
    "outlineLvl",
    "tblInd",
    "tblBorders",
    "tblLayout",
    "tblCellMar",
    "tblLook",
)


def put(properties: object, child: object) -> None:
    """Insert a property where the schema has it: Word refuses a file whose properties are in another order."""
    names = [qn(f"w:{name}") for name in _ORDER]
    if properties.tag == qn("w:rPr"):
        properties.append(child)
        return
    place = names.index(child.tag)
    for index, other in enumerate(properties):
        if other.tag in names and names.index(other.tag) > place:
            properties.insert(index, child)
            return
    properties.append(child)
