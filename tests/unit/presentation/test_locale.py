"""Documents speak Chinese, or English when asked: nothing stays untranslated, whatever a document says."""

from __future__ import annotations

import ast
import gettext
import io
import re
import runpy
import string
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from qareport.model import Note, PeriodKind
from qareport.presentation import locale, note_wording, wording
from qareport.presentation.locale import N_, Translated, _, plural, speaking, unbroken
from qareport.presentation.templating import make_environment
from qareport.report.period import terms
from qareport.settings import MailSettings
from tests.support import period_samples
from tests.support.paths import ROOT

CHINESE = re.compile("[\u3001-\u303f\u3400-\u9fff\uff01-\uff5e]")
#: What marks a text for the catalogues.
MARKS = {"_", "N_", "plural", "ngettext"}
#: An error for who runs the program; data that templates are tried with.
UNSAID = {"smtp.py", "spreadsheet.py", "template_check.py", "robots.py"}


@pytest.fixture(scope="module")
def catalogues() -> SimpleNamespace:
    """The script that makes the catalogues, with its functions."""
    sys.path.insert(0, str(ROOT / "templates"))
    try:
        return SimpleNamespace(**runpy.run_path(str(ROOT / "tools" / "make_catalogues.py")))
    finally:
        sys.path.remove(str(ROOT / "templates"))


def every_catalogue(catalogues: SimpleNamespace) -> list[tuple[Any, str]]:
    return [(domain, language) for domain in catalogues.DOMAINS for language in domain.languages]


def fields(text: str) -> set[str]:
    return {name for _text, name, _form, _conversion in string.Formatter().parse(text) if name}


def test_what_is_said_and_what_is_translated_are_the_same(catalogues: SimpleNamespace) -> None:
    for domain in catalogues.DOMAINS:
        collected = catalogues.collect(domain)
        said = {message.id for message in collected}
        for language in domain.languages:
            assert [message.id for message in catalogues.read(domain, language) if message.id not in said] == []
            assert catalogues.missing(catalogues.update(domain, language, collected)) == []


def test_translations_have_the_fields_of_what_they_translate(catalogues: SimpleNamespace) -> None:
    for domain, language in every_catalogue(catalogues):
        for message in catalogues.read(domain, language):
            if message.id:
                said = message.string if isinstance(message.string, tuple) else (message.string,)
                original = message.id if isinstance(message.id, str) else message.id[-1]
                assert [fields(text) for text in said] == [fields(original)] * len(said), original


def test_english_translations_of_documents_are_not_chinese(catalogues: SimpleNamespace) -> None:
    for message in catalogues.read(catalogues.DOCUMENTS, "en"):
        if message.id:
            assert not CHINESE.search("".join(message.string)), message.string


def test_the_compiled_catalogues_say_what_the_written_ones_say(catalogues: SimpleNamespace) -> None:
    for domain, language in every_catalogue(catalogues):
        path = domain.path(language).with_suffix(".mo")
        kept = gettext.GNUTranslations(io.BytesIO(path.read_bytes()))
        made = gettext.GNUTranslations(io.BytesIO(catalogues.compiled(catalogues.read(domain, language))))
        assert {key: text for key, text in kept._catalog.items() if key} == {  # type: ignore[attr-defined]
            key: text
            for key, text in made._catalog.items()  # type: ignore[attr-defined]
            if key
        }


def loose(path: Path) -> list[str]:
    """Return the Chinese texts of a module that no catalogue hears of."""
    tree = ast.parse(path.read_text("utf-8"))
    marked: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS:
            marked |= {part for argument in node.args for part in ast.walk(argument)}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "strip":
            marked |= set(node.args)  # what is cut off is not said
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            marked.add(node.value)  # a docstring
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [
        f"{path.name}:{node.lineno} {node.value}" for node in texts if node not in marked and CHINESE.search(node.value)
    ]


@pytest.mark.parametrize(
    "folder", ["qareport/presentation", "qareport/report", "qareport/delivery", "qareport/workflows/daily"]
)
def test_code_says_nothing_that_cannot_be_translated(folder: str) -> None:
    assert [
        line for path in sorted((ROOT / folder).rglob("*.py")) if path.name not in UNSAID for line in loose(path)
    ] == []


@pytest.mark.parametrize("path", sorted((ROOT / "templates").glob("*.j2")), ids=lambda path: path.name)
def test_text_templates_say_nothing_that_cannot_be_translated(path: Path) -> None:
    source = re.sub(r"\{#.*?#\}|_\(\"[^\"]*\"\)", "", path.read_text("utf-8"), flags=re.DOTALL)
    assert [line for line in source.splitlines() if CHINESE.search(line)] == []


def test_words_speak_the_language_in_which_they_are_read() -> None:
    words = Translated({"a": N_("客户")})
    assert (words["a"], dict(words)) == ("客户", {"a": "客户"})
    with speaking("en"):
        assert (words["a"], words.get("b"), len(words)) == ("Customer", None, 1)
    assert words["a"] == "客户"


def test_texts_outside_the_catalogue_stand_as_they_are() -> None:
    with speaking("en"):
        assert _("无人说过的话") == "无人说过的话"
        assert _("") == ""


def test_the_subject_of_mails_is_translated_where_it_is_the_default() -> None:
    with speaking("en"):
        assert _(MailSettings().subject) == "{{ organisation }} {{ title }} {{ period }}: {{ headline }}"


def test_a_language_without_a_catalogue_is_refused() -> None:
    with pytest.raises(FileNotFoundError), speaking("eo"):
        pass
    assert locale.current() == "zh"


@pytest.mark.parametrize(("count", "said"), [(0, "0 calls"), (1, "1 call"), (2, "2 calls"), (1000, "1000 calls")])
def test_english_has_a_form_for_one(count: int, said: str) -> None:
    with speaking("en"):
        assert plural("{count}通", count, count=count) == said
    assert plural("{count}通", count, count=count) == f"{count}通"


@pytest.mark.parametrize(
    ("length_ms", "chinese", "english"),
    [
        (3_240, "3.2秒", "3.2\u00a0s"),
        (184_320, "3分04秒", "3\u00a0min 04\u00a0s"),
        (3_723_000, "1小时02分03秒", "1\u00a0h 02\u00a0min 03\u00a0s"),
        (None, "未测得", "not measured"),
    ],
)
def test_durations_in_both_languages(length_ms: int | None, chinese: str, english: str) -> None:
    assert wording.duration(length_ms) == chinese
    with speaking("en"):
        assert wording.duration(length_ms) == english


def test_a_number_and_its_unit_stay_in_one_line() -> None:
    with speaking("en"):
        assert wording.second(42_500) == "42\u00a0s"
    assert unbroken("16 kHz, 3 spoken sentences, -20 dBFS") == "16\u00a0kHz, 3 spoken sentences, -20\u00a0dBFS"


@pytest.mark.parametrize(
    ("kind", "chinese", "english"),
    [
        (PeriodKind.DAY, "2026年11月21日 周六", "Sat 2026-11-21"),
        (PeriodKind.WEEK, "2026年第47周（11月16日至11月22日）", "2026, week 47 (11-16 to 11-22)"),
        (PeriodKind.MONTH, "2026年11月", "2026-11"),
    ],
)
def test_periods_in_both_languages(kind: PeriodKind, chinese: str, english: str) -> None:
    period = period_samples.periods.period_of(kind, period_samples.DAY, period_samples.ZONE)
    assert terms.subject(period) == chinese
    with speaking("en"):
        assert terms.subject(period) == english


def test_a_note_without_wording_is_shown_whole_in_both_languages() -> None:
    note = Note(code="from_tomorrow", values={"x": "1", "y": "2"})
    assert note_wording.note(note) == "from_tomorrow（x＝1，y＝2）"
    with speaking("en"):
        assert note_wording.note(note) == "from_tomorrow (x = 1, y = 2)"


def test_templates_can_mark_words_in_both_ways() -> None:
    source = '{{ _("规则") }} {% trans %}规则{% endtrans %} {% trans n=2 %}{{ n }}句{% endtrans %} {{ _("95%区间") }}'
    with speaking("en"):
        assert make_environment().from_string(source).render() == "Rule Rule 2句 95%区间"
