"""The fixed words of a Word template, in the language of the document that is being made.

Templates are written in Chinese as their readers will see them, without any tag for the language: typed in Word, the
quotation marks of `_("…")` would become typographic ones, and no heading could be read in the outline. What stands in
the catalogue is put in its place when the template is filled; words of the user's own stand as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from docx.document import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml.ns import qn

from qareport.presentation.locale import LOCALES, _, current, language

_CHINESE = r"[\u3001-\u303f\u3400-\u9fff\uff01-\uff5e]"
#: From the first Chinese character of a text to its last.
_WORDS = re.compile(f"{_CHINESE}(?:.*{_CHINESE})?", re.DOTALL)
_TAG = re.compile(r"(\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\})", re.DOTALL)


def messages(document: Document) -> Iterator[str]:
    """Yield the fixed Chinese words of a template, for the catalogues."""
    for paragraph in _paragraphs(document):
        nodes = _nodes(paragraph)
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
        nodes = _nodes(paragraph)
        whole = "".join(node.text or "" for node in nodes)
        said = _translated(whole)
        if len(nodes) > 1 and said != whole and not _TAG.search(whole) and not _has_field(paragraph):
            nodes[0].text = said  # Word has cut one text into several runs
            for node in nodes[1:]:
                node.text = ""
            continue
        for node in nodes:
            node.text = _translated(node.text or "")
    for picture in _pictures(document):
        picture.set("descr", _translated(picture.get("descr", "")))
    for mark in document.styles.element.iter(qn("w:lang")):
        mark.set(qn("w:val"), language())


def paragraphs(document: Document) -> Iterator[list[Any]]:
    """Yield the text nodes of each paragraph: of the body, of tables, headers and footers."""
    for paragraph in _paragraphs(document):
        if nodes := _nodes(paragraph):
            yield nodes


def _translated(text: str) -> str:
    parts = _TAG.split(text)
    return "".join(
        part if index % 2 else _WORDS.sub(lambda found: _(found[0]), part) for index, part in enumerate(parts)
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


def _nodes(paragraph: Any) -> list[Any]:
    return list(paragraph.iter(qn("w:t")))


def _has_field(paragraph: Any) -> bool:
    return next(paragraph.iter(qn("w:fldChar")), None) is not None
