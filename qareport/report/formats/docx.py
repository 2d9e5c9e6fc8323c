"""The report as a Word document: the view poured into a template that users edit in Word or WPS.

Looks live in the template's styles; the code only names them ("QA tag-negative" and so on). The same input gives the
same bytes.

Templates are written in Chinese as their readers will see them, without any tag for the language: typed in Word, the
quotation marks of `_("…")` would become typographic ones, and no heading could be read in the outline. Fixed words that
the catalogue knows are replaced when the template is filled; a user's own words stay as they are.
"""

from __future__ import annotations

import dataclasses
import functools
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any, Protocol
from xml.parsers import expat

import jinja2
from docx.document import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml import parse_xml
from docx.oxml.ns import qn
from docx.shared import Mm
from docxtpl import DocxTemplate
from markupsafe import Markup, escape

from qareport.errors import DocumentError, TagError
from qareport.files import repack
from qareport.messages import Message, say
from qareport.presentation import emotion_chart, heatmap_chart, trend_chart, wording
from qareport.presentation.locale import LOCALES, _, current, language
from qareport.presentation.templating import FULL_WIDTH_TAG, find_template, make_environment, template_line
from qareport.presentation.view_types import Chart, DocumentView, HeatChart, Phrase, TrendChart

_CHART_WIDTH_MM, _TREND_WIDTH_MM = 172, 54
_STYLE_PREFIX = "QA "
_CHINESE = r"[\u3001-\u303f\u3400-\u9fff\uff01-\uff5e]"
#: From the first Chinese character of a text to its last.
_WORDS = re.compile(f"{_CHINESE}(?:.*{_CHINESE})?", re.DOTALL)
_TAG = re.compile(r"(\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\})", re.DOTALL)


class _Part(Protocol):
    """The part of a document that is being filled; pictures are stored with it."""

    def new_pic_inline(self, image: io.BytesIO, width: int, height: int | None) -> Any: ...


class _Template(DocxTemplate):  # type: ignore[misc]
    """A Word template for one rendering whose errors name the paragraph that they are in."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.path = path

    def render_xml_part(self, src_xml: str, part: Any, context: Any, jinja_env: Any = None) -> str:
        """Fill one part of the document, and say in which paragraph it could not be done."""
        try:
            filled: str = super().render_xml_part(src_xml, part, context, jinja_env)
        except DocumentError:
            raise
        except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise _broken(self.path, _paragraph(src_xml, template_line(error)), Message(str(error))) from error
        return filled

    def patch_xml(self, src_xml: str) -> str:
        """Turn a part's XML into a template of Jinja's."""
        return _patched(src_xml)

    def fix_tables(self, xml: str) -> Any:
        """Refuse XML that docxtpl would repair by dropping the rest of the document."""
        try:
            expat.ParserCreate().Parse(xml, True)
        except expat.ExpatError as error:
            line = xml.split("\n")[error.lineno - 1]
            place = re.sub(r"<[^>]*>?", "", line[max(error.offset - 400, 0) : error.offset + 100])
            raise _broken(
                self.path, place, say("a block begins in one paragraph or cell and ends in the middle of another")
            ) from error
        return super().fix_tables(xml)

    def render_properties(self, context: Any, jinja_env: Any = None) -> None:
        """Leave the document's properties alone: they are set after filling, where nothing escapes them twice."""


@functools.lru_cache(maxsize=16)
def _patched(src_xml: str) -> str:
    """Let docxtpl prepare a part, once for all documents of a template: that is a third of a document's time."""
    patched: str = DocxTemplate.patch_xml(None, src_xml)
    return patched


def render_docx(view: DocumentView, templates: Path | None, *, stem: str = "call") -> bytes:
    """Fill the Word template of the view's kind: call.docx or period.docx.

    Raises:
        DocumentError: the template is missing or is no Word document, or one of its tags is broken (its paragraph's
            text is given).
    """
    path = find_template(f"{stem}.docx", templates)
    template = _Template(path)
    try:
        template.init_docx()
    except (PackageNotFoundError, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise DocumentError(say("is not a Word document"), where=str(path), expected=say("a .docx file")) from error
    translate(template.docx)
    _check_tags(template)
    styles = {style.name: style.style_id for style in template.docx.styles}
    template.render({"report": _context(view, template, styles)}, make_environment())
    _set_properties(template.docx, view)
    buffer = io.BytesIO()
    template.save(buffer)
    return repack(buffer.getvalue())


def _context(value: Any, template: _Template, styles: Mapping[str, str]) -> Any:
    """Copy the view with what Word needs in place of marked text and pictures."""
    if isinstance(value, str):
        return _protect(value)
    if isinstance(value, Phrase):
        return _runs(value, template, styles)
    if isinstance(value, Chart):
        return _Picture(template, emotion_chart.png(value), value.alt)
    if isinstance(value, HeatChart):
        return _Picture(template, emotion_chart.rasterise(heatmap_chart.svg(value)), value.alt)
    if isinstance(value, TrendChart):
        return _Picture(template, emotion_chart.rasterise(trend_chart.svg(value)), value.alt, _TREND_WIDTH_MM)
    if isinstance(value, tuple):
        return tuple(_context(part, template, styles) for part in value)
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
        return {name: _context(getattr(value, name), template, styles) for name in names}
    return value


def _protect(text: str) -> str:
    """Keep docxtpl from reading `{_{` and its like in data as escapes of its own."""
    if "_" not in text or not re.search(r"\{_[{%]|[}%]_\}", text):
        return text
    return Markup(str(escape(text)).replace("_", "&#95;"))  # noqa: S704 - escaped just before


def _runs(phrase: Phrase, template: _Template, styles: Mapping[str, str]) -> Markup:
    """Write text with its marks as runs, each in the character style of its name; what leads somewhere as a link."""
    runs = []
    for run in phrase.runs:
        name = run.style or ("link" if run.href else "")
        style = styles.get(_STYLE_PREFIX + name) if name else None
        look = f'<w:rPr><w:rStyle w:val="{escape(style)}"/></w:rPr>' if style else ""
        text = str(escape(_protect(run.text))).replace("\n", '</w:t><w:br/><w:t xml:space="preserve">')
        if run.style.startswith(("risk-", "failed")):
            text = f"\u00a0{text}\u00a0"
        written = f'<w:r>{look}<w:t xml:space="preserve">{text}</w:t></w:r>'
        if run.href:
            written = f'<w:hyperlink r:id="{template.build_url_id(run.href)}">{written}</w:hyperlink>'
        runs.append(written)
    return Markup("".join(runs))  # noqa: S704 - every text in it is escaped


class _Picture:
    """A chart that puts itself where the template prints it, with its description for readers who cannot see it."""

    def __init__(self, template: _Template, png: bytes, alt: str, width_mm: int = _CHART_WIDTH_MM) -> None:
        self._template, self._png, self._alt, self._width_mm = template, png, alt, width_mm

    def __html__(self) -> str:
        part: _Part = self._template.current_rendering_part
        inline = part.new_pic_inline(io.BytesIO(self._png), Mm(self._width_mm), None)
        inline.docPr.set("descr", self._alt)
        return f'</w:t></w:r><w:r><w:drawing>{inline.xml}</w:drawing></w:r><w:r><w:t xml:space="preserve">'


def _check_tags(template: _Template) -> None:
    """Refuse tags that would silently take the text beside them away."""
    roots = [template.docx.element.body]
    for uri in (DocxTemplate.HEADER_URI, DocxTemplate.FOOTER_URI):
        roots += [parse_xml(part.blob) for _relation, part in template.get_headers_footers(uri)]
    for root in roots:
        for kind, alone in (
            ("p", say("a {%p … %} tag must stand alone in its paragraph")),
            ("tr", say("a {%tr … %} tag must stand alone in its table row")),
        ):
            for holder in root.iter(qn(f"w:{kind}")):
                text = "".join(node.text or "" for node in holder.iter(qn("w:t")))
                tag = rf"\{{[%{{]{kind} [^{{}}]*[%}}]\}}"
                if kind == "p" and FULL_WIDTH_TAG.search(text):
                    raise _broken(
                        template.path,
                        text,
                        say("tags in full-width braces are printed as they stand: write {{ … }}"),
                    )
                if kind == "p" and (text.count("{{"), text.count("{%")) != (text.count("}}"), text.count("%}")):
                    raise _broken(template.path, text, say("a tag is not closed, or was never opened"))
                if re.search(rf"\{{[%{{]{kind} ", text) and not re.fullmatch(rf"\s*{tag}\s*", text):
                    raise _broken(template.path, text, alone)


def _paragraph(src_xml: str, line: int | None) -> str:
    """Return the text of the paragraph at a line of docxtpl's source, in which each paragraph begins a line."""
    lines = re.sub(r"<w:p([ >])", r"\n<w:p\1", src_xml).split("\n")
    if line is None or not 0 < line <= len(lines):
        return ""
    return unescape(re.sub(r"<[^>]*>", "", lines[line - 1]))


def _broken(path: Path, paragraph: str, error: Message) -> TagError:
    text = " ".join(paragraph.split())
    shown = text if len(text) <= 120 else text[:119] + "…"
    what = say("template tag cannot be used, in the paragraph {shown!r}: {error}", shown=shown, error=error)
    return TagError(
        what if shown else say("template tag cannot be used: {error}", error=error),
        where=str(path),
        to_do=say("fix it in Word, or start again from the bundled template"),
        paragraph=paragraph,
    )


def _set_properties(document: Document, view: DocumentView) -> None:
    core = document.core_properties
    core.title = wording.named(view.title, view.subject)[:255]
    core.language = language()
    core.subject = view.subject[:255]
    core.author = core.last_modified_by = (view.organisation or "qareport")[:255]
    made = datetime.fromisoformat(view.created) if view.created else datetime(2000, 1, 1, tzinfo=UTC)
    core.created = core.modified = made.astimezone(UTC).replace(tzinfo=None)
    core.revision = 1


def messages(document: Document) -> Iterator[str]:
    """Yield the fixed Chinese words of a template, for the catalogues."""
    for paragraph in _paragraphs(document):
        nodes = _text_nodes(paragraph)
        whole = "".join(node.text or "" for node in nodes)
        for text in [node.text or "" for node in nodes] if _TAG.search(whole) or _has_field(paragraph) else [whole]:
            yield from _literals(text)
    for picture in _pictures(document):
        yield from _literals(picture.get("descr", ""))


def translate(document: Document) -> None:
    """Put a template's fixed words, and the language that Word takes its text for, into that of the document."""
    if current() == LOCALES[0]:
        return
    for paragraph in _paragraphs(document):
        nodes = _text_nodes(paragraph)
        whole = "".join(node.text or "" for node in nodes)
        translated = _translated(whole)
        if len(nodes) > 1 and translated != whole and not _TAG.search(whole) and not _has_field(paragraph):
            nodes[0].text = translated  # Word has cut one text into several runs
            for node in nodes[1:]:
                node.text = ""
            continue
        for node in nodes:
            node.text = _translated(node.text or "")
    for picture in _pictures(document):
        picture.set("descr", _translated(picture.get("descr", "")))
    for mark in document.styles.element.iter(qn("w:lang")):
        mark.set(qn("w:val"), language())


def text_nodes(document: Document) -> Iterator[list[Any]]:
    """Yield the text nodes of each paragraph: of the body, of tables, headers and footers."""
    for paragraph in _paragraphs(document):
        if nodes := _text_nodes(paragraph):
            yield nodes


def _translated(text: str) -> str:
    parts = _TAG.split(text)
    return "".join(
        part if index % 2 else _WORDS.sub(lambda match: _(match[0]), part) for index, part in enumerate(parts)
    )


def _literals(text: str) -> Iterator[str]:
    for part in _TAG.split(text)[::2]:
        yield from _WORDS.findall(part)


def _paragraphs(document: Document) -> Iterator[Any]:
    for root in _roots(document):
        yield from root.iter(qn("w:p"))


def _pictures(document: Document) -> Iterator[Any]:
    for root in _roots(document):
        yield from root.iter(qn("wp:docPr"))


def _roots(document: Document) -> Iterator[Any]:
    yield document.element.body
    for relation in document.part.rels.values():
        if relation.reltype in (RELATIONSHIP_TYPE.HEADER, RELATIONSHIP_TYPE.FOOTER):
            yield relation.target_part.element


def _text_nodes(paragraph: Any) -> list[Any]:
    return list(paragraph.iter(qn("w:t")))


def _has_field(paragraph: Any) -> bool:
    return next(paragraph.iter(qn("w:fldChar")), None) is not None
