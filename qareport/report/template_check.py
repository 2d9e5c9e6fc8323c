"""Test templates: fill them with usual reports, with empty ones, and with data that has broken documents before.

The reports are bundled as JSON (`samples/`). Hostile texts are put into their views, after the selection and before
the template, so that every place of a template meets them.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import docx

from qareport import messages
from qareport.codec import from_json
from qareport.errors import MailError, Problem, QareportError, TagError
from qareport.messages import say
from qareport.model import OrderReport, PeriodReport
from qareport.presentation.locale import LOCALES, speaking
from qareport.presentation.templating import find_template
from qareport.presentation.view_types import DocumentView, clean
from qareport.report.formats.docx import render_docx, text_nodes
from qareport.report.formats.html import find_style, render_html
from qareport.report.formats.pdf import Printer
from qareport.report.order.transcript_lines import Sound
from qareport.report.order.view import build_view
from qareport.report.period.view import build_period_view
from qareport.settings import ReportSettings

T = TypeVar("T")
#: Fills the templates of a folder with one set of data, and returns what is wrong with the outcome.
Fill = Callable[[Path], list[Problem]]

#: Templates of documents.
DOCUMENTS = ("call.docx", "call.html.j2", "period.docx", "period.html.j2")
SAMPLES = Path(__file__).parent / "samples"
SETTINGS = ReportSettings(organisation="客户服务中心 <质检>")
#: Endings of what a template folder holds.
ENDINGS = frozenset({".j2", ".css", ".js", ".docx"})
#: No template contains such a tag: a page that has it as a tag printed text without escaping it.
_MARK = "qareport-check"
_HOSTILE = (
    f'<{_MARK} a="1">1 < 2 && 3 > 2</w:t></w:p>',
    f"{{{{ report.title }}}} {{% raw %}} {{# note #}} {{_{{ <{_MARK}>",
    f"bell\x07 null\x00 tab\t line\n lone \ud83d surrogate <{_MARK}>",
    f"\u202egnp.exe\u202c \u2067right\u2069 שלום عربي ]]> &amp; &#x0; \\a \\n ' \" ` <{_MARK}>",
)
#: Words without a place to break, and how far apart a document gets them.
_LONG, _LONG_EVERY = ("长" * 10_000, "W" * 10_000), 7
#: Fields of unlimited length.
_PROSE = frozenset({"text", "sentence", "advice", "evidence", "story"})
#: Fields that the code writes for the code: names of styles, anchors, identifiers.
_NAMES = frozenset({"style", "anchor", "kind", "side", "created", "language", "href", "marks"})
#: Processor time for a sample: it is printed in seconds, or its styles make a page that never ends.
_CPU_LIMIT_S = 60.0
#: More tags than these are not looked for in one template.
_MOST_PROBLEMS = 50


def sample_order(name: str = "order") -> OrderReport:
    """Read a bundled report of an order: `order` has everything, `order-empty` nothing."""
    return from_json(OrderReport, (SAMPLES / f"{name}.json").read_bytes(), where=name)


def sample_period(name: str = "period") -> PeriodReport:
    """Read a bundled report of a day: `period` has everything, `period-empty` nothing."""
    return from_json(PeriodReport, (SAMPLES / f"{name}.json").read_bytes(), where=name)


def check_documents(templates: Path | None, names: Collection[str]) -> Iterator[tuple[str, list[Problem]]]:
    """Test templates of orders and periods, and yield the name of each with everything wrong in it.

    Args:
        templates: a folder of the user's templates; a template that is not in it is taken from the bundled ones.
        names: some of `DOCUMENTS`.
    """
    user = messages.language()
    with speaking(LOCALES[0]), messages.speaking(user), closing(Printer(cpu_limit_s=_CPU_LIMIT_S)) as printer:
        order = {name: build_view(sample_order(name), SETTINGS) for name in ("order", "order-failed", "order-empty")}
        period = {name: build_period_view(sample_period(name), SETTINGS) for name in ("period", "period-empty")}
        for stem, views in (("call", with_hostile(order)), ("period", with_hostile(period))):
            word, page = f"{stem}.docx", f"{stem}.html.j2"
            if word in names:
                yield word, find_problems(word, templates, [_word(view, stem) for view in views])
            if page in names:
                # Between the fullest and the worst, an empty report is laid out as the first is.
                printed = (views[0], views[-1])
                fills = [_page(view, stem, printer if view in printed else None) for view in views]
                yield page, find_problems(page, templates, fills)


def with_hostile(views: Mapping[str, T]) -> list[T]:
    """Return the views, and the first of them once more with hostile texts in every place."""
    return [*views.values(), make_hostile(next(iter(views.values())))]


def make_hostile(view: T) -> T:
    """Put a text that has broken documents in the place of every text of a view."""
    texts, long, places = itertools.cycle(_HOSTILE), iter(_LONG), itertools.count(1)

    def worse(value: Any, name: str) -> Any:
        if isinstance(value, Enum) or name in _NAMES:
            return value
        if isinstance(value, str):
            usual = next(texts)
            return clean(next(long, usual) if name in _PROSE and next(places) % _LONG_EVERY == 0 else usual)
        if isinstance(value, tuple):
            return tuple(worse(part, name) for part in value)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            parts = {field.name: worse(getattr(value, field.name), field.name) for field in dataclasses.fields(value)}
            return dataclasses.replace(value, **parts)
        return value

    made: T = worse(view, "")
    return made


def find_problems(name: str, templates: Path | None, fills: list[Fill]) -> list[Problem]:
    """Find every broken tag of a template: each one that stops it is taken out of a copy, and the copy tried again."""
    path = find_template(name, templates)
    by_text: dict[str, Problem] = {}
    with tempfile.TemporaryDirectory() as folder:
        for file in (path.parent if templates is None else templates).iterdir():
            if file.suffix in ENDINGS:
                shutil.copyfile(file, Path(folder) / file.name)
        copy = Path(folder) / name
        shutil.copyfile(path, copy)
        for fill in fills:
            while len(by_text) < _MOST_PROBLEMS:
                try:
                    problems, retry = fill(Path(folder)), False
                except QareportError as error:
                    problems, retry = list(error.problems), _take_out(copy, error)
                for problem in problems:
                    where = str(problem.where).replace(folder, str(path.parent))
                    to_do = problem.to_do
                    if folder in str(to_do):
                        to_do = str(to_do).replace(folder, str(path.parent))
                    shown = dataclasses.replace(problem, where=where, to_do=to_do)
                    by_text.setdefault(str(shown), shown)
                if not retry:
                    break
    return list(by_text.values())


def unescaped(page: str, path: Path) -> list[Problem]:
    """Tell whether a page that was filled with hostile texts has taken one of them for a tag of its own."""
    if f"<{_MARK}" not in page:
        return []
    return [
        Problem(
            what=say("prints text as if it were HTML"),
            where=str(path),
            to_do=say("take `| safe` away, or `autoescape false`"),
        )
    ]


def _word(view: DocumentView, stem: str) -> Fill:
    def fill(folder: Path) -> list[Problem]:
        render_docx(view, folder, stem=stem)
        return []

    return fill


def _page(view: DocumentView, stem: str, printer: Printer | None) -> Fill:
    def fill(folder: Path) -> list[Problem]:
        # With everything that is on the page alone, and not in print.
        sounds = {call.facts.name: Sound(source="data:,", note=_HOSTILE[0]) for call in getattr(view, "calls", ())}
        problems = unescaped(
            render_html(view, folder, stem=stem, interactive=True, sounds=sounds), folder / f"{stem}.html.j2"
        )
        if printer is None:
            return problems
        page = render_html(view, folder, stem=stem)
        _pdf, warnings = printer.print_with_warnings(page, styles=folder / f"{stem}.css")
        return problems + [_printing(line, folder, stem) for line in warnings]

    return fill


def _printing(warning: str, folder: Path, stem: str) -> Problem:
    """Say where a warning of the printer comes from: styles, with their line, or the page."""
    match = re.search(r" at (\d+):\d+", warning)
    if match:
        name, line = find_style(int(match[1]) - 1, stem, folder)  # a <style> element begins with a line of its own
        what = f"in print: {warning[: match.start()]}{warning[match.end() :]}"
        return Problem(what=what, where=f"{folder / name}:{line}")
    return Problem(what=say("in print: {warning}", warning=warning), where=str(folder / f"{stem}.html.j2"))


def _take_out(copy: Path, error: QareportError) -> bool:
    """Take the printing tags out of the line or paragraph that an error names; False if there are none."""
    if isinstance(error, TagError) and copy.suffix == ".docx":
        return _take_out_of_word(copy, error.paragraph)
    line = re.search(r":(\d+)$", str(error.problems[0].where)) if isinstance(error, TagError | MailError) else None
    if line is None:
        return False
    lines = copy.read_text("utf-8").split("\n")
    at = int(line[1]) - 1
    before, lines[at] = lines[at], _without_prints(lines[at])
    copy.write_text("\n".join(lines), "utf-8")
    return lines[at] != before


def _take_out_of_word(copy: Path, text: str) -> bool:
    document = docx.Document(str(copy))
    changed = False
    for nodes in text_nodes(document):
        whole = "".join(node.text or "" for node in nodes)
        # docxtpl puts the tags of the paragraphs that follow behind the one that is filled.
        if whole.strip() and text.strip().startswith(whole.strip()) and _without_prints(whole) != whole:
            changed = True
            nodes[0].text = _without_prints(whole)
            for node in nodes[1:]:
                node.text = ""
    document.save(str(copy))
    return changed


def _without_prints(text: str) -> str:
    return re.sub(r"\{\{.*?\}\}", "", text)
