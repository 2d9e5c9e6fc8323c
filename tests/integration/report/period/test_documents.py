"""Documents of a day, a week and a month, opened again: what the report knows stands in all of them."""

from __future__ import annotations

import io
import logging
import re
import runpy
import zipfile
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any

import docx
import openpyxl
import pdfplumber
import pytest

from qareport import periods, report
from qareport.delivery import mail
from qareport.model import Agent, HeadlineName, PeriodKind, PeriodReport, Roster
from qareport.presentation import heatmap_chart, wording
from qareport.presentation.links import Links
from qareport.presentation.view_types import clean
from qareport.report.period.view import build_period_view
from qareport.settings import ReportSettings, default_dir
from tests.support import period_samples as samples
from tests.support.documents import docx_text, html_text, pdf_text, squeezed
from tests.support.paths import ROOT

SETTINGS = ReportSettings(organisation="客户服务中心")
TEXT = {"pdf": pdf_text, "docx": docx_text, "html": html_text}


@cache
def made(kind: PeriodKind) -> PeriodReport:
    """The report of a period of one kind, with as much before it as it is compared with."""
    period = periods.period_of(kind, samples.DAY, samples.ZONE)
    start, end = periods.bounds(period)
    days = [call for back in range(130) for call in samples.large_day(samples.DAY - timedelta(days=back), 25, 4)]
    now = [call for call in days if start <= call.started_at < end]  # type: ignore[operator]
    before = [call for call in days if call.started_at < start]  # type: ignore[operator]
    return periods.build_period(period, now, before, [samples.failed("broken-1")], samples.SETTINGS)


def render(day: PeriodReport, form: str) -> bytes:
    return report.render(day, form, templates=None, settings=SETTINGS)


@pytest.mark.parametrize(
    ("kind", "title", "before", "baseline"),
    [
        (PeriodKind.DAY, "客服质检日报", "前一天", "前7天"),
        (PeriodKind.WEEK, "客服质检周报", "前一周", "前4周"),
        (PeriodKind.MONTH, "客服质检月报", "前一月", "前3个月"),
    ],
)
@pytest.mark.parametrize("form", ["docx", "html"])
def test_a_period_shows_everything_that_it_knows(
    kind: PeriodKind, title: str, before: str, baseline: str, form: str
) -> None:
    period = made(kind)
    text = squeezed(TEXT[form](render(period, form)))
    for words in (title, f"较{baseline}", before, baseline):
        assert words in text
    headline = {item.name: item for item in period.headlines}[HeadlineName.CALLS]
    assert f"听完的通话{headline.now.value:,.0f}" in text
    for back in period.callbacks[:20]:
        assert f"{back.rank}{back.order_id}{back.customer_phone}" in text
    for row in period.agents:
        assert f"{row.agent_id or '（客服未知）'}{row.calls:,}" in text
    for rule in period.rules:
        assert rule.title in text or not rule.hits
    for link in period.weak_links:
        assert squeezed(link.advice) in text
        assert all(squeezed(item.quote) in text for item in link.evidence)
    assert "broken-1" in text
    for row in period.agents:
        fault = row.main_fault
        assert fault is None or f"{fault.title}：{fault.calls}通，失{fault.points_lost}分" in text
    assert "没有得分的通话不计入得分、合格率和规则统计" in text
    assert not [word for word in ("命中", "σ", "N=", "见JSON", "＊") if word in text]


@pytest.mark.parametrize("name", ["day", "empty", "failures", "hostile"])
def test_a_pdf_has_pages_without_warnings(name: str, caplog: pytest.LogCaptureFixture) -> None:
    period = made(PeriodKind.DAY) if name == "day" else getattr(samples, f"{name}_report")()
    with caplog.at_level(logging.WARNING):
        content = render(period, "pdf")
    assert caplog.messages == []
    with pdfplumber.open(io.BytesIO(content)) as pdf:
        assert pdf.doc.catalog["Lang"] == b"zh-CN"
        for number, page in enumerate(pdf.pages, start=1):
            assert f"第 {number} / {len(pdf.pages)} 页" in page.extract_text()
            assert max(char["x1"] for char in page.chars) <= page.width - 40, "text runs out of the page"


@pytest.mark.parametrize("form", ["docx", "html"])
def test_hostile_texts_come_out_as_texts(form: str) -> None:
    text = squeezed(TEXT[form](render(samples.hostile_report(), form)))
    for hostile in samples.HOSTILE:
        assert squeezed(clean(hostile))[:40] in text, hostile[:40]


def test_the_same_day_gives_the_same_bytes() -> None:
    for form in ("docx", "html"):
        assert render(made(PeriodKind.DAY), form) == render(made(PeriodKind.DAY), form)
    assert render(samples.empty_report(), "pdf") == render(samples.empty_report(), "pdf")


def test_the_first_page_holds_what_is_to_be_done() -> None:
    with pdfplumber.open(io.BytesIO(render(samples.large_report(calls=600, agents=20), "pdf"))) as pdf:
        first = pdf.pages[0].extract_text()
    for words in ("听完的通话", "最近8天", "今天需要回电", "先辅导谁，练什么", "值得表扬"):
        assert words in first


def test_the_heat_map_reads_without_colour() -> None:
    chart = build_period_view(samples.large_report(calls=400, agents=8), SETTINGS).heat
    drawing = heatmap_chart.svg(chart)
    cells = [cell for row in chart.rows if not row.total for cell in row.cells]
    shades = re.findall(r'<rect [^>]*fill="#([0-9a-f]{6})"', drawing)
    light = [_lightness(shade) for shade in shades]
    heats = [cell.heat for cell in cells if cell.heat > 0]
    # The more calls, the darker in grey; every square has its figure in ink that stands out from the darkest.
    assert [value for _heat, value in sorted(zip(heats, light, strict=True))] == sorted(light, reverse=True)
    assert all(f">{cell.figure}<" in drawing for cell in cells)
    assert _contrast("1f2933", min(shades, key=_lightness)) >= 4.5
    assert f"<title>{chart.alt[:20]}" in drawing or f'aria-label="{chart.alt[:20]}' in drawing


def _channels(shade: str) -> tuple[float, float, float]:
    red, green, blue = (int(shade[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return red, green, blue


def _lightness(shade: str) -> float:
    return sum(weight * value for weight, value in zip((0.299, 0.587, 0.114), _channels(shade), strict=True))


def _contrast(first: str, second: str) -> float:
    """Contrast of two colours as WCAG 2 defines it."""

    def luminance(shade: str) -> float:
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in _channels(shade)]
        return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_committed_word_template_is_what_the_script_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    templates = default_dir("templates")
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    content = runpy.run_path(str(ROOT / "tools" / "make_period_docx.py"))["make"]()

    def parts(package_bytes: bytes) -> dict[str, bytes]:
        with zipfile.ZipFile(io.BytesIO(package_bytes)) as package:
            return {name: package.read(name) for name in package.namelist()}

    assert parts(content) == parts((templates / "period.docx").read_bytes())


def test_word_has_headings_and_a_picture_with_words() -> None:
    document = docx.Document(io.BytesIO(render(made(PeriodKind.DAY), "docx")))
    headings = [paragraph.text for paragraph in document.paragraphs if paragraph.style.name == "Heading 2"]
    for title in ("客服一览", "各规则的出现", "要兑现的承诺", "处理失败的通话", "方法与说明"):
        assert title in headings
    *trend, heat = [picture._inline.docPr.get("descr") for picture in document.inline_shapes]
    assert [words.split("：")[0] for words in trend] == ["平均得分", "高风险占比", "重复来电率"]
    assert "问题与情绪的通话数" in heat


def test_orders_and_seconds_lead_to_the_desk_in_every_document() -> None:
    period = made(PeriodKind.MONTH)
    pages = report.PeriodPages(links=Links(desk="https://qa.example.com"))
    first = period.callbacks[0]
    order, second = f"/orders/{first.order_id}", f"/calls/{first.call_id}?t={first.at_ms // 1000}"
    page = report.render(period, "html", templates=None, settings=SETTINGS, pages=pages).decode()
    assert f'href="https://qa.example.com{order}"' in page
    assert f'href="https://qa.example.com{second}"' in page
    word = docx.Document(io.BytesIO(report.render(period, "docx", templates=None, settings=SETTINGS, pages=pages)))
    addresses = {relation.target_ref for relation in word.part.rels.values() if relation.is_external}
    assert {f"https://qa.example.com{order}", f"https://qa.example.com{second}"} <= addresses


def test_a_document_names_the_workbook_only_where_there_is_one() -> None:
    period = replace(made(PeriodKind.MONTH), callbacks_total=99)
    with_it = report.build_view(period, SETTINGS, report.PeriodPages(with_workbook=True))
    assert "见同名的 xlsx 明细表" in with_it.callbacks_more
    assert report.build_view(period, SETTINGS).callbacks_more.endswith("位没有列出。")


def test_the_workbook_has_every_customer_and_nothing_in_it_runs() -> None:
    period = made(PeriodKind.MONTH)
    evil = replace(period.callbacks[0], order_id='=HYPERLINK("http://x")', quote="+1+1")
    content = report.render(
        replace(period, callbacks=(evil, *period.callbacks[1:])), "xlsx", templates=None, settings=SETTINGS
    )
    book = openpyxl.load_workbook(io.BytesIO(content))
    customers = list(book["未解决的客户"].iter_rows(min_row=2, values_only=True))
    assert len(customers) == period.callbacks_total == len(period.callbacks)
    assert customers[0][1] == '\'=HYPERLINK("http://x")'
    assert not [cell for sheet in book for row in sheet for cell in row if cell.data_type == "f"]
    scores = [row[4] for row in book["客服"].iter_rows(min_row=2, values_only=True)]
    assert scores == [agent.mean_score.value and round(agent.mean_score.value, 4) for agent in period.agents]
    assert content == report.render(
        replace(period, callbacks=(evil, *period.callbacks[1:])), "xlsx", templates=None, settings=SETTINGS
    )


@cache
def grouped(kind: PeriodKind) -> PeriodReport:
    """The report of a period whose agents have names and two groups."""
    period = periods.period_of(kind, samples.DAY, samples.ZONE)
    calls = [samples.call(f"{number}", agent=f"A0{number % 4}", score=60 + number) for number in range(12)]
    people = tuple(
        Agent(id=f"A0{number}", name=f"姓名{number}", group=("物流组", "售后组")[number % 2]) for number in range(3)
    )
    return periods.build_period(period, calls, (), (), samples.SETTINGS, roster=Roster(people))


@pytest.mark.parametrize("kind", [PeriodKind.DAY, PeriodKind.WEEK, PeriodKind.MONTH])
@pytest.mark.parametrize("form", ["docx", "html", "pdf", "xlsx"])
def test_groups_are_added_up_alike_in_every_document(kind: PeriodKind, form: str) -> None:
    period = grouped(kind)
    assert [row.group for row in period.groups] == ["售后组", "物流组", ""]
    content = render(period, form)
    if form == "xlsx":
        rows = list(openpyxl.load_workbook(io.BytesIO(content))["各组"].iter_rows(min_row=2, values_only=True))
        assert [row[:4] for row in rows] == [
            (row.group or None, row.agents, row.calls, row.mean_score.value) for row in period.groups
        ]
        return
    text = squeezed(TEXT[form](content))
    for row in period.groups:
        assert f"{row.group or '（没有组别）'}{row.agents}{row.calls}{row.mean_score.value:.1f}" in text


def test_names_of_issues_are_in_the_language_of_the_document() -> None:
    english = ReportSettings(organisation="Centre", locale="en")
    page = report.render(made(PeriodKind.DAY), "html", templates=None, settings=english).decode()
    heat = page.split('<table class="heat">')[1].split("</table>")[0]
    assert "delivery delay" in heat
    assert "物流延迟" not in heat
    promised = replace(made(PeriodKind.DAY).promises[0], action="发货")
    day = replace(made(PeriodKind.DAY), promises=(promised,))
    book = openpyxl.load_workbook(io.BytesIO(report.render(day, "xlsx", templates=None, settings=english)))
    assert [row[3] for row in book["Promise"].iter_rows(min_row=2, values_only=True)] == ["dispatch"]


NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
#: What pages say of themselves: the share of chance in a comparison, and that of the weights of a call back.
SAID_OF_METHOD = {"95", "10", "100"}


def leaves(value: Any) -> Iterator[Any]:
    """Yield everything that a report holds, and how long its lists are."""
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from leaves(getattr(value, field.name))
    elif isinstance(value, dict):
        for part in value.items():
            yield from leaves(part)
    elif isinstance(value, tuple):
        yield len(value)
        for part in value:
            yield from leaves(part)
    elif value is not None and not isinstance(value, bool | Enum):
        yield value


def in_words(value: Any) -> Iterator[str]:
    """Yield the ways in which pages write a value."""
    if isinstance(value, datetime):
        yield f"{value.astimezone(samples.CHINA):%m-%d %H:%M}"
    elif isinstance(value, date):
        year, week, _weekday = value.isocalendar()
        yield f"{value.isoformat()} {value:%m-%d} {value.year} {value.month} {value.day} {year} W{week}"
    elif isinstance(value, str):
        yield value
    else:
        size = abs(value)
        yield f"{size:,.0f} {size:,.1f} {size:.1%} {size * 100:.1f} {size // 1000} {wording.duration(round(size))}"


def numbers_of(period: PeriodReport) -> set[str]:
    """Return every number that may stand on the pages of a report: what it holds, and differences from before."""
    held = [*leaves(period), *leaves(samples.RULE_BOOK), period.coverage.calls - period.coverage.failed]
    for headline in period.headlines:
        for before in (headline.previous, headline.baseline):
            if before is not None and before.value is not None and headline.now.value is not None:
                held.append(headline.now.value - before.value)
    for row in (*period.agents, *period.groups):
        before = row.baseline_score or row.previous_score
        if before is not None and before.value is not None and row.mean_score.value is not None:
            held.append(row.mean_score.value - before.value)
    for square in (*period.heat.rows, period.heat.total):
        held.append(square.troubled / square.calls if square.calls else 0)
    held += [period.callbacks_total - shown for shown in (5, 10, 20)]
    return {number for value in held for text in in_words(value) for number in NUMBER.findall(text)} | SAID_OF_METHOD


@pytest.mark.parametrize("kind", [PeriodKind.DAY, PeriodKind.WEEK, PeriodKind.MONTH])
def test_every_number_of_page_and_mail_is_one_of_the_reports(kind: PeriodKind) -> None:
    period = made(kind)
    known = numbers_of(period)
    view = mail.period_view(period, report.build_view(period, SETTINGS))
    texts = {
        "html": re.sub("<[^>]*>", " ", render(period, "html").decode().split("<body>")[1]),
        "docx": docx_text(render(period, "docx")),
        "mail": mail.fill(mail.TEXT_TEMPLATE, view, None).split("\n-- ")[0],
    }
    for name, text in texts.items():
        body = text.split("方法与说明")[0]
        assert set(NUMBER.findall(body)) - known == set(), name


@pytest.mark.parametrize("form", ["docx", "html"])
def test_what_a_mail_says_with_numbers_the_documents_say_too(form: str) -> None:
    period = made(PeriodKind.DAY)
    view = mail.period_view(period, report.build_view(period, SETTINGS))
    text = squeezed(TEXT[form](render(period, form)))
    said = [view.sentence, view.callbacks_title]
    said += [f"{tile.label}{tile.value}{tile.remark}" for tile in view.numbers]
    said += [change.plain for tile in view.numbers for change in tile.changes]
    said += [part for row in view.callbacks for part in (row.why, row.listen.plain, row.risk.plain, row.promise)]
    said += [part for item in (*view.coaching, *view.praise) for part in (item.what, item.listen.plain)]
    said += [part for link in view.links for part in (link.story, *(line.plain for line in link.evidence))]
    assert [words for words in said if squeezed(words) not in text] == []


@cache
def after(before: int) -> PeriodReport:
    """The report of a month of which so many months before have calls."""
    days = [
        call for back in range(31 * before + 20) for call in samples.large_day(samples.DAY - timedelta(days=back), 5, 3)
    ]
    period = periods.period_of(PeriodKind.MONTH, samples.DAY, samples.ZONE)
    start = periods.bounds(period)[0]
    now = [call for call in days if call.started_at is not None and call.started_at >= start]
    earlier = [call for call in days if call.started_at is not None and call.started_at < start]
    return periods.build_period(period, now, earlier, (), samples.SETTINGS)


@pytest.mark.parametrize(
    ("before", "heads"),
    [(0, []), (1, ["前一月"]), (2, ["前一月", "前2个月月均"])],
)
@pytest.mark.parametrize("form", ["docx", "html"])
def test_tables_have_only_columns_that_compare_with_something(before: int, heads: list[str], form: str) -> None:
    text = squeezed(TEXT[form](render(after(before), form)))
    assert "出现/适用的通话" + "".join(heads) + "分值合计" in text
    assert ("较" in text.split("客服一览")[1].split("各规则")[0]) == bool(heads)
    assert "前1个月" not in text


def test_one_earlier_period_is_no_mean() -> None:
    english = ReportSettings(locale="en")
    text = html_text(report.render(after(1), "html", templates=None, settings=english))
    assert "vs. month before" in text
    assert not re.search(r"[Mm]ean of 1|vs\. 1 ", text)


def test_a_customer_whose_call_has_no_moment_has_no_second_to_listen_to() -> None:
    period = made(PeriodKind.MONTH)
    bare = replace(period.callbacks[0], at_ms=0, quote="")
    view = report.build_view(replace(period, callbacks=(bare, *period.callbacks[1:])), SETTINGS)
    assert view.callbacks[0].listen.plain == ""
    assert view.callbacks[1].listen.plain.startswith("第")


def test_advice_that_was_given_is_referred_to() -> None:
    view = report.build_view(samples.large_report(calls=200, agents=6), SETTINGS)
    first, *others = [item for item in view.coaching if "发货疑问后的沉默" in item.what]
    assert first.advice == "应立即提供物流单号及预计发出时间。"
    assert others
    assert all(item.what.endswith(f"（建议同{first.agent}）") and not item.advice for item in others)
    link = next(link for link in view.weak_links if "发货疑问后的沉默" in link.title)
    assert link.story.endswith("；建议见“先辅导谁，练什么”。")
    assert link.advice == ""


def test_advice_in_an_english_document_says_that_it_is_chinese() -> None:
    english = ReportSettings(locale="en")
    page = report.render(made(PeriodKind.DAY), "html", templates=None, settings=english).decode()
    assert '<span lang="zh-CN">应立即提供物流单号及预计发出时间。</span>' in page
