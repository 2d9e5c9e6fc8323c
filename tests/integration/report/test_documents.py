"""Real documents, opened again with other programs: nothing lost, nothing turned, the same bytes for the same input."""

from __future__ import annotations

import base64
import io
import logging
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import docx
import pdfplumber
import pypdfium2
import pytest
from docx.text.paragraph import Paragraph
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from PIL import Image

from qareport import report
from qareport.errors import DocumentError
from qareport.model import OrderReport
from qareport.presentation import emotion_chart, fonts
from qareport.presentation.fonts import check_fonts
from qareport.presentation.locale import speaking
from qareport.presentation.view_types import clean, clean_value
from qareport.report.formats.html import render_html
from qareport.report.formats.pdf import Printer
from qareport.report.order.view import build_view
from qareport.settings import default_dir
from tests.support import period_samples
from tests.support import report_samples as samples
from tests.support.documents import SETTINGS, TEXT, docx_text, html_text, pdf_text, render, squeezed
from tests.support.libreoffice import to_pdf
from tests.support.paths import ROOT
from tests.support.poppler import poppler

TEMPLATES = default_dir("templates")
ALL = {
    "example": samples.EXAMPLE,
    "two_calls": samples.TWO_CALLS,
    "failed_only": samples.FAILED_ONLY,
    "empty": samples.EMPTY,
    "unknown_roles": samples.UNKNOWN_ROLES,
    "rich": samples.RICH,
}
#: Pages of the PDF, as reviewed by eye.
PAGES = {"example": 3, "two_calls": 4, "failed_only": 1, "empty": 2, "unknown_roles": 2, "rich": 4}


def quotations(order: OrderReport) -> list[str]:
    texts = []
    for call in order.calls:
        texts += [segment.text for segment in call.segments]
        texts += [moment.quote for moment in call.moments]
        texts += [item.quote for finding in call.findings for item in finding.evidence]
        texts += [finding.advice for finding in call.findings] + [finding.title for finding in call.findings]
    return [text for text in texts if text]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_picture_drawn_with_a_few_characters_is_the_one_drawn_with_the_whole_font(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with speaking(language):
        charts = [call.chart for order in (samples.RICH, samples.EMPTY) for call in build_view(order, SETTINGS).calls]
        drawings = [emotion_chart.svg(chart) for chart in charts if chart is not None]
    drawings.append(drawings[0].replace(">0:00<", ">AV fi \u0e01 \U00020b9f<"))  # Thai is in no Chinese font
    few = [emotion_chart.rasterise(drawing) for drawing in drawings]
    monkeypatch.setattr(fonts.SmallFonts, "files", lambda _, font, text: font.files)
    assert few == [emotion_chart.rasterise(drawing) for drawing in drawings]


def test_small_fonts_are_given_for_characters_that_the_font_has_alone() -> None:
    small, font = fonts.SmallFonts(), fonts.chinese_font()
    first, again, more = (small.files(font, text) for text in ("情绪 12", "12情", "绪x"))
    assert first == again != more
    assert sum(Path(path).stat().st_size for path in more) < 100_000
    shutil.rmtree(Path(more[0]).parent)  # as systems clear their temporary files
    assert all(Path(path).is_file() for path in small.files(font, "12"))
    assert small.files(font, "\u0e01") == font.files
    assert small.files(replace(font, family="No Such Family"), "新") == font.files


@pytest.mark.parametrize("kind", ["docx", "html", "pdf"])
@pytest.mark.parametrize("name", ["rich", "two_calls"])
def test_every_quotation_is_in_the_document(name: str, kind: str) -> None:
    text = squeezed(TEXT[kind](render(ALL[name], kind)))
    shown = [quote for quote in quotations(ALL[name]) if squeezed(quote) not in text]
    # A moment that has no room on the page is still in the transcript.
    assert shown == []


@pytest.mark.parametrize("kind", ["docx", "html"])
def test_hostile_strings_come_out_as_text(kind: str) -> None:
    text = squeezed(TEXT[kind](render(samples.hostile(), kind)))
    for hostile in samples.HOSTILE:
        assert text.count(squeezed(clean(hostile))) >= 2, hostile[:40]


def test_hostile_strings_come_out_as_text_in_pdf() -> None:
    text = squeezed(pdf_text(render(samples.hostile(), "pdf")))
    for hostile in samples.HOSTILE:
        wanted = squeezed(clean(hostile))
        if "שלום" in hostile or len(hostile) > 1000:
            continue  # order of right-to-left letters and page breaks are pdftotext's own
        assert wanted in text, hostile[:40]
    assert text.count("长") >= 20_000


def test_hostile_strings_are_whole_in_json() -> None:
    from qareport import codec

    again = codec.read_report(render(samples.hostile(), "json"), where="report.json")
    assert [segment.text for segment in again.calls[0].segments] == [clean(text) for text in samples.HOSTILE]


@pytest.mark.parametrize("name", sorted(ALL))
@pytest.mark.parametrize("kind", ["docx", "html", "pdf", "json"])
def test_same_input_gives_the_same_bytes(name: str, kind: str) -> None:
    assert render(ALL[name], kind) == render(ALL[name], kind)


def test_pdf_does_not_depend_on_the_process() -> None:
    printer = Printer()
    view = build_view(clean_value(samples.EXAMPLE), SETTINGS)
    try:
        assert printer.print(render_html(view, None)) == render(samples.EXAMPLE, "pdf")
    finally:
        printer.close()


@pytest.mark.parametrize("name", sorted(ALL))
def test_pdf_pages_and_no_warning(name: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        content = render(ALL[name], "pdf")
    assert caplog.messages == []
    with pdfplumber.open(io.BytesIO(content)) as pdf:
        assert len(pdf.pages) == PAGES[name]
        for number, page in enumerate(pdf.pages, start=1):
            text = page.extract_text()
            assert f"第 {number} / {len(pdf.pages)} 页" in text
            assert len(text) > 120, "an empty page"
            assert max(char["x1"] for char in page.chars) <= page.width - 40, "text runs out of the page"


def test_pdf_names_its_language_title_and_structure() -> None:
    content = render(samples.EXAMPLE, "pdf")
    with pdfplumber.open(io.BytesIO(content)) as pdf:
        assert pdf.doc.catalog["Lang"] == b"zh-CN"
    info = poppler("pdfinfo", content, "-")
    assert "通话质检报告：订单 20241105998877" in info
    assert re.search(r"Tagged:\s+yes", info)
    fonts = poppler("pdffonts", content, "-")
    assert {line.split()[-5] for line in fonts.splitlines()[2:]} == {"yes"}, "a font is not embedded"


def objects(content: bytes) -> list[dict[str, object]]:
    """Return the dictionaries of a PDF."""
    with pdfplumber.open(io.BytesIO(content)) as pdf:
        numbers = [number for table in pdf.doc.xrefs for number in table.get_objids()]
        return [entry for number in numbers if isinstance(entry := pdf.doc.getobj(number), dict)]


def charts_alt(order: OrderReport) -> str:
    """Return the description of the first call's picture."""
    return build_view(order, SETTINGS).calls[0].chart.alt


def words(value: object) -> str:
    """Read a PDF text string."""
    assert isinstance(value, bytes)
    return value.decode("utf-16") if value.startswith(b"\xfe\xff") else value.decode("latin-1")


def test_pdf_has_bookmarks_headings_and_a_described_picture() -> None:
    content = render(samples.RICH, "pdf")
    marks = [(mark.level, mark.get_title()) for mark in pypdfium2.PdfDocument(content).get_toc()]
    titles = ["关键节点与建议话术", "做得好的地方", "评分卡", "通话指标"]
    assert marks[:5] == [(0, "通话质检报告"), *((1, title) for title in titles)]
    assert marks[-5:-1] == [(1, "订单档案"), (2, "客服的承诺"), (2, "问题类型与环节的依据"), (1, "复核与签字")]
    figures = [entry for entry in objects(content) if str(entry.get("S")) == "/'Figure'"]
    assert [words(figure["Alt"]) for figure in figures] == [charts_alt(samples.RICH)]
    assert charts_alt(samples.RICH).endswith("关键节点5处，转差（+0.4 → −2.4），四段均值 +0.4 / −1.2 / −3.8 / −2.4")


def test_chinese_fonts_are_embedded_without_the_glyphs_that_nobody_sees() -> None:
    content = render(samples.RICH, "pdf")
    assert len(content) < 200_000
    fonts = [line.split() for line in poppler("pdffonts", content, "-").splitlines()[2:]]
    assert all(line[-5:-2] == ["yes", "yes", "yes"] for line in fonts), "embedded, a subset, with a way back to text"
    assert "(OT)" not in poppler("pdffonts", content, "-")


@pytest.mark.parametrize("name", ["RICH", "FAILED_ONLY"])
def test_archive_is_pdf_a_3_and_carries_the_report(name: str) -> None:
    order = getattr(samples, name)
    settings = replace(SETTINGS, pdf_archive=True)
    content = report.render(order, "pdf", templates=None, settings=settings)
    assert content == report.render(order, "pdf", templates=None, settings=settings)
    with pdfplumber.open(io.BytesIO(content)) as pdf:
        catalog = pdf.doc.catalog
        xmp = catalog["Metadata"].resolve().get_data().decode("utf-8")
        assert 'pdfaid:part="3"' in xmp
        assert 'pdfaid:conformance="A"' in xmp
        assert xmp.count("通话质检报告：") == 1
        assert [str(entry["S"]) for entry in catalog["OutputIntents"]] == ["/'GTS_PDFA1'"]
        assert [str(entry.resolve()["AFRelationship"]) for entry in catalog["AF"]] == ["/'Source'"]
        assert catalog["MarkInfo"]["Marked"] is True
    document = pypdfium2.PdfDocument(content)
    assert document.count_attachments() == 1
    attached = document.get_attachment(0)
    assert attached.get_name() == "report.json"
    assert bytes(attached.get_data()) == render(order, "json")
    assert pdf_text(content) == pdf_text(render(order, "pdf"))


def test_archive_of_a_day_carries_the_days_report() -> None:
    made = period_samples.failures_report()
    settings = replace(SETTINGS, pdf_archive=True)
    content = report.render(made, "pdf", templates=None, settings=settings)
    (attached,) = [pypdfium2.PdfDocument(content).get_attachment(0)]
    assert bytes(attached.get_data()) == report.render(made, "json", templates=None, settings=settings)
    with pdfplumber.open(io.BytesIO(content)) as pdf:
        assert b'pdfaid:part="3"' in pdf.doc.catalog["Metadata"].resolve().get_data()


def test_html_needs_nothing_else() -> None:
    page = render(samples.TWO_CALLS, "html").decode("utf-8")
    assert re.findall(r"(?:src|href)=\"(?!#)[^\"]*", page) == []
    assert "url(" not in page
    assert '<html lang="zh-CN">' in page
    assert page.count("<h1>") == 1


def test_word_document_has_headings_pictures_and_properties() -> None:
    document = docx.Document(io.BytesIO(render(samples.TWO_CALLS, "docx")))
    headings = [p.text for p in document.element.body.iter(PARAGRAPH) if outline_level(document, p)]
    assert headings[:5] == [
        "第2次来电：关键节点与建议话术",
        "来电一览",
        "处理失败的通话",
        "第1次来电　2026-11-20 14:02\t\xa0客户低风险\xa0　客服得分98",
        "对话全文",
    ]
    assert headings[-4:] == ["对话全文", "订单档案", "复核与签字", "方法与说明"]
    assert len(document.inline_shapes) == 1, "the first call had no trouble and is told in brief"
    assert all("情绪时间轴" in shape._inline.docPr.get("descr") for shape in document.inline_shapes)
    assert document.core_properties.title == "通话质检报告：订单 20241105998877"
    assert document.core_properties.author == "客户服务中心"
    assert "20241105998877" in "".join(p.text for p in document.sections[0].footer.paragraphs)


PARAGRAPH = docx.oxml.ns.qn("w:p")


def outline_level(document: docx.document.Document, paragraph: object) -> int:
    """Return the level at which Word's navigation pane shows a paragraph; 0: it does not."""
    name = Paragraph(paragraph, document).style.name
    return int(name.removeprefix("Heading ")) if name.startswith("Heading ") else 0


@pytest.mark.parametrize("name", ["RICH", "FIVE_CALLS", "FAILED_ONLY"])
def test_no_level_of_the_word_outline_is_left_out(name: str) -> None:
    document = docx.Document(io.BytesIO(render(getattr(samples, name), "docx")))
    levels = [level for p in document.element.body.iter(PARAGRAPH) if (level := outline_level(document, p))]
    assert len(levels) > 1 or name == "FAILED_ONLY"
    assert [(upper, lower) for upper, lower in pairwise(levels) if lower > upper + 1] == []


def test_no_tag_is_left_in_the_word_document() -> None:
    content = render(samples.TWO_CALLS, "docx")
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        for name in package.namelist():
            if name.endswith(".xml") and name.startswith("word/"):
                assert not re.search(rb"\{\{|\{%|%\}|\}\}", package.read(name)), name


def test_committed_word_template_is_what_the_script_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    made = runpy.run_path(str(ROOT / "tools" / "make_call_docx.py"))["make"]()

    def parts(content: bytes) -> dict[str, bytes]:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            return {name: package.read(name) for name in package.namelist()}

    assert parts(made) == parts((TEMPLATES / "call.docx").read_bytes())


def test_long_call_is_whole_in_every_document() -> None:
    order = samples.long_call(300)
    for kind in ("docx", "html", "pdf"):
        text = squeezed(TEXT[kind](render(order, kind)))
        assert [i for i in range(300) if f"第{i}句：" not in text] == []


# --- templates that users edit ----------------------------------------------------------------------------------------


def edited(tmp_path: Path, change: dict[str, str]) -> Path:
    """Copy the Word template with some of its paragraphs' texts changed."""
    document = docx.Document(str(TEMPLATES / "call.docx"))
    missing = set(change)
    for paragraph in document.paragraphs:
        if paragraph.text in change:
            missing.discard(paragraph.text)
            text = change[paragraph.text]
            for run in paragraph.runs[1:]:
                run._r.getparent().remove(run._r)
            paragraph.runs[0].text = text
    assert not missing
    document.save(str(tmp_path / "call.docx"))
    return tmp_path


def test_edited_word_template_works(tmp_path: Path) -> None:
    folder = edited(
        tmp_path, {"对话全文": "通话原文", "{{ report.sentence }}": "结论：{{ report.sentence }}（请复核）"}
    )
    document = docx.Document(str(folder / "call.docx"))
    body = document.element.body
    finding = next(p for p in document.paragraphs if p.text.startswith("结论："))
    body.insert(0, finding._p)  # the sections in another order
    document.save(str(folder / "call.docx"))
    text = docx_text(render(samples.EXAMPLE, "docx", folder))
    assert text.startswith("结论：客户为“发货”来电")
    assert "通话原文" in text
    assert "对话全文" not in text
    # what the folder does not have comes from the templates that travel with qareport
    assert "对话全文" in html_text(render(samples.EXAMPLE, "html", folder))


def logo() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (60, 16), "#0b5563").save(buffer, "PNG")
    return buffer.getvalue()


def section(document: docx.document.Document, title: str) -> list[object]:
    """Return the blocks of a section of the Word template: to the next heading, or the end of the loop it is in."""
    blocks = list(document.element.body)
    heading = next(p for p in document.paragraphs if p.text == title)._p
    found, depth = [heading], 0
    for block in blocks[blocks.index(heading) + 1 :]:
        style = Paragraph(block, document).style.name if block.tag == PARAGRAPH else ""
        tag = "".join(block.itertext()) if block.tag == PARAGRAPH else ""
        depth += tag.startswith(("{%p if", "{%p for")) - tag.startswith(("{%p endif", "{%p endfor"))
        if depth < 0 or style.startswith("Heading"):
            break
        found.append(block)
    return found


def test_word_template_with_a_logo_and_sections_moved_and_removed(tmp_path: Path) -> None:
    document = docx.Document(str(TEMPLATES / "call.docx"))
    (picture,) = [part for part in document.sections[0].header.part.related_parts.values() if "image" in str(part)]
    picture._blob = logo()
    first = section(document, "评分卡")[0]
    for block in section(document, "对话全文"):
        first.addprevious(block)
    for block in section(document, "通话指标"):
        block.getparent().remove(block)
    document.save(str(tmp_path / "call.docx"))
    content = render(samples.RICH, "docx", tmp_path)
    made = docx.Document(io.BytesIO(content))
    titles = [p.text for p in made.element.body.iter(PARAGRAPH) if outline_level(made, p)]
    assert titles[:5] == ["关键节点与建议话术", "做得好的地方", "对话全文", "评分卡", "订单档案"]
    assert [part.blob for part in made.sections[0].header.part.related_parts.values()] == [logo()]
    text = squeezed(docx_text(content))
    assert [quote for quote in quotations(samples.RICH) if squeezed(quote) not in text] == []


@pytest.mark.parametrize("kind", ["html", "pdf"])
def test_page_template_with_a_logo_and_sections_moved_and_removed(tmp_path: Path, kind: str) -> None:
    source = (TEMPLATES / "call.html.j2").read_text(encoding="utf-8")
    parts = re.split(r"(?=^<\{\{ heading \}\}>\{\{ _\(\"(?:评分卡|通话指标|对话全文))", source, flags=re.MULTILINE)
    before, scorecard, metrics, talk = parts
    metrics, end = re.split(r"(?=^\{% endif %\}\n\n\Z)", metrics, maxsplit=1, flags=re.MULTILINE)
    talk, after = re.split(r"(?=^</section>\n\{% endfor %\})", talk, maxsplit=1, flags=re.MULTILINE)
    assert "团队" in metrics
    picture = f'<img alt="标识" src="data:image/png;base64,{base64.b64encode(logo()).decode()}">'
    before = before.replace('<header class="masthead">', f'<header class="masthead">{picture}')
    scorecard = scorecard.replace("评分卡", "得分是怎么来的")
    (tmp_path / "call.html.j2").write_text(before + talk + scorecard + end + after, encoding="utf-8")
    styles = (TEMPLATES / "call.css").read_text(encoding="utf-8")
    (tmp_path / "call.css").write_text(styles.replace("#0b5563", "#7a1f5c"), encoding="utf-8")
    content = render(samples.RICH, kind, tmp_path)
    text = squeezed(TEXT[kind](content))
    assert text.index("对话全文") < text.index("得分是怎么来的") < text.index("订单档案")
    assert "团队中位数" not in text
    assert [quote for quote in quotations(samples.RICH) if squeezed(quote) not in text] == []
    if kind == "pdf":
        with pdfplumber.open(io.BytesIO(content)) as pdf:
            assert [image["srcsize"] for image in pdf.pages[0].images] == [(60, 16)]
    else:
        assert picture in content.decode("utf-8")


@pytest.mark.parametrize(
    ("broken", "shown"),
    [
        ("{{ report.sentense }}", "report.sentense"),
        ("结论 {{ report.sentence }", "结论"),
        ("{% for x in %}结论", "结论"),
        ("{{ report.sentence.__class__.__mro__ }}", "__class__"),
        ("注意 {%p if report.several %}", "注意"),
        ("{{ 1 / 0 }}结论", "结论"),
    ],
)
def test_broken_tag_in_word_names_the_paragraph(tmp_path: Path, broken: str, shown: str) -> None:
    folder = edited(tmp_path, {"{{ report.sentence }}": broken})
    with pytest.raises(DocumentError) as caught:
        render(samples.EXAMPLE, "docx", folder)
    assert str(folder / "call.docx") in str(caught.value)
    assert shown in str(caught.value)
    assert "in the paragraph" in str(caught.value)


def test_block_left_open_is_an_error_and_not_a_short_document(tmp_path: Path) -> None:
    folder = edited(tmp_path, {"对话全文": "{% if report.several %}对话"})
    with pytest.raises(DocumentError, match="template tag cannot be used"):
        render(samples.EXAMPLE, "docx", folder)


def test_broken_tag_in_html_names_the_line(tmp_path: Path) -> None:
    source = (TEMPLATES / "call.html.j2").read_text(encoding="utf-8").replace("report.sentence", "report.sentense")
    (tmp_path / "call.html.j2").write_text(source, encoding="utf-8")
    line = 1 + source[: source.index("report.sentense")].count("\n")
    with pytest.raises(DocumentError, match=rf"call\.html\.j2:{line}: .*sentense"):
        render(samples.EXAMPLE, "html", tmp_path)


def test_something_else_than_word_is_refused(tmp_path: Path) -> None:
    (tmp_path / "call.docx").write_text("not a document")
    with pytest.raises(DocumentError, match="is not a Word document"):
        render(samples.EXAMPLE, "docx", tmp_path)


def test_styles_cannot_read_files(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    secret = tmp_path / "secret.svg"
    secret.write_text('<svg xmlns="http://www.w3.org/2000/svg"><text y="9">SECRET</text></svg>')
    styles = (TEMPLATES / "call.css").read_text(encoding="utf-8")
    (tmp_path / "call.css").write_text(styles + f"\nmain {{ background: url({secret.as_uri()}) }}\n", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        content = render(samples.FAILED_ONLY, "pdf", tmp_path)
    assert "SECRET" not in pdf_text(content)
    assert any("disallowed protocol" in message for message in caplog.messages)


# --- files ------------------------------------------------------------------------------------------------------------


def test_write_makes_whole_files_in_the_order_asked_for(tmp_path: Path) -> None:
    kinds = ["pdf", "json", "docx", "html"]
    out = tmp_path / "new" / "folder"
    paths = report.write(samples.EXAMPLE, kinds, out, templates=None, settings=SETTINGS)
    assert [path.name for path in paths] == [f"20241105998877.{kind}" for kind in kinds]
    assert sorted(out.iterdir()) == sorted(paths)
    assert paths[0].read_bytes() == render(samples.EXAMPLE, "pdf")


def test_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "20241105998877.json").mkdir()
    with pytest.raises(DocumentError, match="cannot be written"):
        report.write(samples.EXAMPLE, ["json"], tmp_path, templates=None, settings=SETTINGS)
    assert [path.name for path in tmp_path.iterdir()] == ["20241105998877.json"]


@pytest.mark.parametrize("year", [1970, 1979, 2108])
def test_a_clock_by_which_word_files_cannot_be_dated_is_named_and_a_page_is_made_all_the_same(
    monkeypatch: pytest.MonkeyPatch, year: int
) -> None:
    monkeypatch.setattr(time, "gmtime", lambda *_: time.struct_time((year, 1, 1, 0, 0, 0, 3, 1, 0)))
    with pytest.raises(DocumentError, match=f"the clock of this machine says {year}"):
        render(samples.EXAMPLE, "docx")
    assert b"<html" in render(samples.EXAMPLE, "html")


def test_unknown_format_is_refused() -> None:
    with pytest.raises(DocumentError, match="unknown format 'odt'"):
        render(samples.EXAMPLE, "odt")


def test_page_that_never_comes_is_given_up_and_the_next_one_is_printed() -> None:
    printer = Printer(cpu_limit_s=2.0)
    try:
        with pytest.raises(
            DocumentError, match=r"not laid out within 2 s of processor time.*changed in mine/period\.css"
        ):
            printer.print("<p>" * 20_000, styles=Path("mine/period.css"))
        assert printer.print("<p>A</p>").startswith(b"%PDF")
    finally:
        printer.close()


def test_a_page_is_not_given_up_while_others_use_the_processor() -> None:
    """Only the page's own processor time counts: here it is stopped for longer than its limit."""
    printer = Printer(cpu_limit_s=3.0)
    try:
        plain = printer.print("<p>A</p>")
        process = printer._process
        assert process is not None
        os.kill(process.pid, signal.SIGSTOP)
        threading.Timer(4.0, lambda: os.kill(process.pid, signal.SIGCONT)).start()
        assert printer.print("<p>A</p>") == plain
    finally:
        printer.close()


def test_a_user_with_styles_of_ones_own_alone_gets_the_shared_ones_from_the_bundled_templates(tmp_path: Path) -> None:
    (tmp_path / "call.css").write_text(".finding { color: #123456 }\n", encoding="utf-8")
    page = render(samples.EXAMPLE, "html", tmp_path).decode("utf-8")
    shared = (TEMPLATES / "base.css").read_text(encoding="utf-8")
    assert f"<style>\n{shared}.finding {{ color: #123456 }}\n" in page


def test_fonts_that_a_page_brings_are_not_those_of_the_next() -> None:
    plain = '<p style="font-family: Own, sans-serif">A</p>'
    font = base64.b64encode(own_font()).decode()
    bringing = f"<style>@font-face {{ font-family: Own; src: url(data:font/ttf;base64,{font}) }}</style>{plain}"
    printer = Printer()
    try:
        first = printer.print(plain)
        assert "Own" in poppler("pdffonts", printer.print(bringing), "-")
        assert printer.print(plain) == first
        assert "Own" not in poppler("pdffonts", first, "-")
    finally:
        printer.close()


def own_font() -> bytes:
    pen = TTGlyphPen(None)
    for point in ((0, 0), (500, 0), (250, 700)):
        pen.lineTo(point) if pen.points else pen.moveTo(point)
    pen.closePath()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "A"])
    builder.setupCharacterMap({ord("A"): "A"})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "A": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (500, 0), "A": (500, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Own", "styleName": "Regular", "psName": "Own-Regular"})
    builder.setupOS2()
    builder.setupPost()
    buffer = io.BytesIO()
    builder.save(buffer)
    return buffer.getvalue()


def test_printer_starts_again_after_its_process_died() -> None:
    printer = Printer()
    page = render(samples.FAILED_ONLY, "html").decode("utf-8")
    try:
        first = printer.print(page)
        process = printer._process
        assert process is not None
        process.kill()
        process.wait()
        assert printer.print(page) == first
    finally:
        printer.close()


def test_missing_chinese_font_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from qareport.presentation import fonts

    monkeypatch.setattr(fonts, "_installed", lambda: iter(()))
    fonts.chinese_font.cache_clear()
    try:
        with pytest.raises(DocumentError, match="apt install fonts-noto-cjk"):
            render(samples.EXAMPLE, "pdf")
        assert any("fonts-noto-cjk" in str(notice) for notice in check_fonts())
    finally:
        fonts.chinese_font.cache_clear()


def test_importing_reports_loads_no_document_library() -> None:
    code = (
        "import sys, qareport.report as r; "
        "print([m for m in ('weasyprint', 'docx', 'docxtpl', 'resvg_py', 'torch', 'jinja2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_word_document_opens_elsewhere() -> None:
    opened = to_pdf({"report": render(replace(samples.TWO_CALLS, order_id="x"), "docx")})
    text = squeezed(pdf_text(opened["report"]))
    assert [quote for quote in quotations(samples.TWO_CALLS) if squeezed(quote) not in text] == []


def test_a_style_sheet_that_is_kept_prints_the_same_and_is_warned_of_again() -> None:
    page = "<html lang='zh-CN'><title>t</title><style>p {{ color: {}; }}</style><p>退货</p></html>"
    printer, fresh = Printer(), Printer()
    try:
        first = printer.print_with_warnings(page.format("red"))
        assert printer.print_with_warnings(page.format("red")) == first == fresh.print_with_warnings(page.format("red"))
        other = printer.print_with_warnings(page.format("blue"))
        assert other[0] != first[0]
        wrong = [printer.print_with_warnings(page.format("red; colour: blue"))[1] for _ in range(2)]
        assert wrong[0] == wrong[1] != []
    finally:
        printer.close()
        fresh.close()


@pytest.mark.parametrize(
    ("body", "printed"),
    [
        ("<ol><li>甲</li></ol>", "甲1."),
        ("<div style='display: list-item; list-style: decimal inside'>乙</div>", "1.乙"),
        ("<p>丙<span style='float: footnote'>丁</span></p>", "丙11.丁"),
        ("<style>p::marker { color: red }</style><p>戊</p>", "戊"),
    ],
)
def test_lists_and_notes_of_a_template_keep_their_marks(body: str, printed: str) -> None:
    printer = Printer()
    try:
        pdf = printer.print(f"<html lang='zh-CN'><title>t</title>{body}</html>")
    finally:
        printer.close()
    assert squeezed(pdf_text(pdf)) == printed
