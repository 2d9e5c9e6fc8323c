"""Order reports as documents, and the text that other programs read in them."""

from __future__ import annotations

import html
import io
import re
from pathlib import Path

import docx

from qareport import report
from qareport.model import OrderReport
from qareport.settings import ReportSettings
from tests.support.poppler import poppler

SETTINGS = ReportSettings(organisation="客户服务中心")


def render(order: OrderReport, kind: str, templates: Path | None = None) -> bytes:
    return report.render(order, kind, templates=templates, settings=SETTINGS)


def pdf_text(content: bytes) -> str:
    return poppler("pdftotext", content, "-raw", "-", "-")


def docx_text(content: bytes) -> str:
    document = docx.Document(io.BytesIO(content))
    return "\n".join(
        "".join(node.text or "" for node in paragraph.iter(f"{{{paragraph.nsmap['w']}}}t"))
        for paragraph in document.element.body.iter(f"{{{document.element.nsmap['w']}}}p")
    )


def html_text(content: bytes) -> str:
    body = content.decode("utf-8").split("<body>")[1]
    return html.unescape(re.sub(r"<script>.*?</script>|<[^>]*>", "", body, flags=re.DOTALL))


TEXT = {"pdf": pdf_text, "docx": docx_text, "html": html_text}


def squeezed(text: str) -> str:
    """Drop what line breaking adds or takes away."""
    return re.sub(r"\s+", "", text)
