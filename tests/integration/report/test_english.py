"""Documents and mails in English: nothing Chinese but what people said, what rules say, and names."""

from __future__ import annotations

import dataclasses
import html
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Any

import docx
import pdfplumber
import pytest

from qareport import cli, report
from qareport.delivery import mail
from qareport.model import Moment, MomentLabel
from qareport.presentation import wording
from qareport.presentation.locale import speaking
from qareport.settings import ReportSettings
from tests.support import period_samples
from tests.support import report_samples as samples
from tests.support.documents import docx_text, html_text

ENGLISH = ReportSettings(organisation="Customer Care", locale="en")
CHINESE = re.compile("[\u3001-\u303f\u3400-\u9fff\uff01-\uff5e]")
ORDERS = {
    "example": samples.EXAMPLE,
    "five_calls": samples.FIVE_CALLS,
    "two_calls": samples.TWO_CALLS,
    "failed_only": samples.FAILED_ONLY,
    "empty": samples.EMPTY,
    "unknown_roles": samples.UNKNOWN_ROLES,
}
PERIODS = {
    "day": period_samples.large_report(calls=300, agents=8),
    "empty": period_samples.empty_report(),
    "failures": period_samples.failures_report(),
}


#: Fields that hold what people said, names, and what rules say. Every other text is the program's own.
QUOTED = {
    "quote", "text", "raw", "last_said", "tokens",
    "call_id", "order_id", "agent_id", "audio_path", "path", "models", "model",
    "name", "topic", "issue", "issues", "stage", "stages", "action", "by", "promises",
    "title", "category", "advice", "praise", "moment",
    "reason", "values",
}  # fmt: skip


def texts(value: Any, *, quoted: bool = False) -> Iterator[str]:
    """Yield every text of a report that the program did not write."""
    if isinstance(value, str) and not isinstance(value, Enum):
        if quoted:
            yield value
    elif isinstance(value, Mapping):
        for part in (*value.keys(), *value.values()):
            yield from texts(part, quoted=quoted)
    elif isinstance(value, tuple):
        for part in value:
            yield from texts(part, quoted=quoted)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from texts(getattr(value, field.name), quoted=field.name in QUOTED)
        if isinstance(value, Moment) and value.label_code is None:
            yield value.label  # another program's


def chinese_left(document: str, report: Any) -> list[str]:
    """Return the lines that still hold Chinese when quotations, names and rules' texts are taken out of them."""
    own = {text for text in texts(report) if CHINESE.search(text)}
    own |= {text.strip(" 。，,.") for text in own}  # as a sentence at the top quotes it
    for text in sorted(own, key=len, reverse=True):
        document = document.replace(text, "")
    return [line for line in document.splitlines() if CHINESE.search(line)]


@pytest.mark.parametrize("name", sorted(ORDERS))
@pytest.mark.parametrize("kind", ["docx", "html"])
def test_an_order_in_english(name: str, kind: str) -> None:
    content = report.render(ORDERS[name], kind, templates=None, settings=ENGLISH)
    assert chinese_left({"docx": docx_text, "html": html_text}[kind](content), ORDERS[name]) == []


@pytest.mark.parametrize("name", sorted(PERIODS))
@pytest.mark.parametrize("kind", ["docx", "html"])
def test_a_day_in_english(name: str, kind: str) -> None:
    content = report.render(PERIODS[name], kind, templates=None, settings=ENGLISH)
    assert chinese_left({"docx": docx_text, "html": html_text}[kind](content), PERIODS[name]) == []


@pytest.mark.parametrize("name", sorted(PERIODS))
def test_a_mail_in_english(name: str) -> None:
    with speaking("en"):
        view = mail.period_view(PERIODS[name], report.build_view(PERIODS[name], ENGLISH))
        for template in (mail.HTML_TEMPLATE, mail.TEXT_TEMPLATE):
            assert chinese_left(mail.fill(template, view, None), PERIODS[name]) == []
        assert mail.attachment_name(PERIODS[name], "pdf") == "Daily quality report-2026-11-21.pdf"
    assert 'lang="en-US"' in mail.fill(mail.HTML_TEMPLATE, view, None)


def test_files_say_that_they_are_english() -> None:
    document = docx.Document(io.BytesIO(report.render(samples.EXAMPLE, "docx", templates=None, settings=ENGLISH)))
    assert document.core_properties.language == "en-US"
    assert 'w:lang w:val="en-US" w:eastAsia="zh-CN"' in document.styles.element.xml
    assert document.core_properties.title == "Call quality report: Order 20241105998877"
    assert [p.text for p in document.paragraphs if p.style.name == "Heading 2"][:2] == [
        "Key moments and what to say instead",
        "Scorecard",
    ]
    with pdfplumber.open(io.BytesIO(report.render(samples.EXAMPLE, "pdf", templates=None, settings=ENGLISH))) as pdf:
        assert pdf.doc.catalog["Lang"] == b"en-US"
        assert pdf.pages[0].extract_text().rstrip().endswith(f"1 / {len(pdf.pages)}")
    page = report.render(samples.EXAMPLE, "html", templates=None, settings=ENGLISH).decode()
    assert '<html lang="en-US">' in page


def test_labels_of_the_program_are_in_english_and_those_of_rules_as_they_were_written() -> None:
    page = report.render(samples.FIVE_CALLS, "html", templates=None, settings=ENGLISH).decode()
    labels = re.findall(r'<span class="label">(.*?)</span>', page)
    with speaking("en"):
        assert wording.LABELS[MomentLabel.TRUST_BROKEN] == "trust broken"
        assert not any(CHINESE.search(text) for text in wording.LABELS.values())
    assert "trust broken" in labels
    assert "追问" in labels
    assert "信任崩塌" not in page


def test_chinese_quotations_say_that_they_are_chinese() -> None:
    page = report.render(samples.EXAMPLE, "html", templates=None, settings=ENGLISH).decode()
    assert '<span class="quote" lang="zh-CN">: &#34;你们是不是压单啊！&#34;</span>' in page
    assert re.search('<span class="said" data-ms="1200"[^>]* lang="zh-CN">您好，这里是售后服务', page)
    chinese = report.render(samples.EXAMPLE, "html", templates=None, settings=replace(ENGLISH, locale="zh")).decode()
    assert chinese.count('lang="zh-CN"') == 1  # the page's own


def test_a_sentence_reads_as_english() -> None:
    page = report.render(samples.EXAMPLE, "html", templates=None, settings=ENGLISH).decode()
    sentence = re.search(r'<p class="finding">(.*?)</p>', page)
    assert sentence is not None
    assert "5.0\u00a0s from 42\u00a0s" in sentence[1]
    assert html.unescape(sentence[1]).replace("\u00a0", " ") == (
        'Customer calls about "dispatch", asks again 2 times; agent gives no straight answer, says nothing for 5.0 s '
        'from 42 s; customer gets angry at 87 s, falls silent for 6.0 s at 125 s, gives up at 131 s "算了", '
        'is sarcastic at 170 s "呵……你们自己看看是不是太麻烦了".'
    )


def test_what_is_next_reads_as_english_with_names_of_the_program_translated() -> None:
    text = html_text(report.render(samples.RICH, "html", templates=None, settings=ENGLISH))
    assert "Agent A017 promised: dispatch (48小时内), to be done by 11-23 09:14." in text
    assert 'Agent A017 to call the customer back by 11-22 18:00 with a definite answer about "dispatch".' in text
    assert "delivery delay (before dispatch)" in text


def test_the_users_own_words_stand_in_an_english_word_document(tmp_path: Path) -> None:
    from qareport.settings import default_dir

    document = docx.Document(str(default_dir("templates") / "call.docx"))
    heading = next(p for p in document.paragraphs if p.text == "对话全文")
    heading.runs[0].text = "逐字记录"
    split = next(p for p in document.paragraphs if p.text == "评分卡")
    split.runs[0].text = "评分"
    split.add_run("卡")  # Word cuts texts into runs as it likes
    document.save(str(tmp_path / "call.docx"))
    text = docx_text(report.render(samples.EXAMPLE, "docx", templates=tmp_path, settings=ENGLISH))
    assert "逐字记录" in text
    assert "\nScorecard\n" in text


def test_the_language_is_a_setting_and_an_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    transcript = tmp_path / "one.jsonl"
    transcript.write_text(
        '{"schema_version": 1, "call_id": "c1", "order_id": "o1", "segments": '
        '[{"start_ms": 0, "end_ms": 2000, "role": "customer", "text": "你好"}]}\n',
        "utf-8",
    )

    def title() -> str:
        return re.findall("<title>(.*?)</title>", (tmp_path / "out/reports/o1.html").read_text("utf-8"))[0]

    assert cli.main(["analyse", str(transcript), "--format", "html"]) == 0
    assert title() == "通话质检报告：订单 o1"
    assert cli.main(["report", "o1", "--format", "html", "--locale", "en"]) == 0
    assert title() == "Call quality report: Order o1", "the document of another language is not taken for this one's"
    (tmp_path / "config").mkdir()
    (tmp_path / "config/qareport.yaml").write_text("report: {locale: en}\n", "utf-8")
    (tmp_path / "out/reports/o1.html").unlink()
    assert cli.main(["report", "o1", "--format", "html", "--config", "config"]) == 0
    assert title() == "Call quality report: Order o1"
    assert cli.main(["--locale", "zh", "report", "o1", "--format", "html", "--config", "config"]) == 0
    assert title() == "通话质检报告：订单 o1"
    assert cli.main(["report", "o1", "--locale", "fr"]) == 2
