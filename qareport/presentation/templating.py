"""Find templates and run them in a sandbox.

Users edit templates, so they run in Jinja's sandbox: they can print and loop, and can reach nothing else. A name that
the view does not have is an error, not an empty space.

Safe for threads: each document gets an environment of its own, and what they share (compiled templates) is locked.
"""

from __future__ import annotations

import itertools
import re
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from jinja2 import StrictUndefined, TemplateRuntimeError, TemplateSyntaxError, nodes
from jinja2.ext import i18n
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from qareport.errors import DocumentError, os_reason
from qareport.messages import say
from qareport.presentation import emotion_chart, heatmap_chart, locale, trend_chart
from qareport.presentation.view_types import Chart, HeatChart, TrendChart
from qareport.settings import default_dir

T = TypeVar("T")


#: Of a template that has gone wild: passes of its loops, size of a text, of a number that it computes.
_MOST_PASSES, _MOST_CHARACTERS, _MOST_NUMBER = 2_000_000, 10_000_000, 10**9
#: `"%1000000d" % 1`
_WIDE = re.compile(r"\d{5,}")


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """A sandbox that compiles each template once for all documents of the process, whichever thread makes them.

    Loops and what is computed are bounded, so that a slip in a template is an error and not a machine without memory.
    """

    intercepted_binops = frozenset(("+", "*", "**", "%"))

    def __init__(self, **options: Any) -> None:
        """Take the options of Jinja's environments."""
        super().__init__(**options)
        self.filters.update(counted=_counter(), measured=_measured)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """Count the passes of every loop, and measure texts that are put together."""
        template = super()._parse(source, name, filename)
        for loop in list(template.find_all(nodes.For)):
            loop.iter = nodes.Filter(loop.iter, "counted", [], [], None, None, lineno=loop.lineno)
        for joined in list(template.find_all(nodes.Concat)):
            joined.nodes = [
                nodes.Filter(part, "measured", [], [], None, None, lineno=joined.lineno) for part in joined.nodes
            ]
        return template

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Compute, unless the outcome would be too large."""
        if operator == "**" or (operator == "%" and isinstance(left, str) and _WIDE.search(left)):
            raise TemplateRuntimeError(f"{operator}: what it makes may be too large")
        if operator == "*":
            size = next((len(part) for part in (left, right) if isinstance(part, str | list | tuple)), None)
            times = next((part for part in (left, right) if isinstance(part, int)), 0)
            if size is not None and size * times > _MOST_CHARACTERS:
                raise TemplateRuntimeError("*: what it makes is too large")
        outcome = _measured(super().call_binop(context, operator, left, right))
        if isinstance(outcome, int) and abs(outcome) > _MOST_NUMBER and operator == "*":
            raise TemplateRuntimeError("*: what it makes is too large")
        return outcome

    def compile(self, source: Any, *place: Any, **options: Any) -> Any:
        """Return the code of a template, from memory if it was compiled before under the same filters."""
        if any(place) or options or not isinstance(source, str):
            return super().compile(source, *place, **options)
        key = (source, self.autoescape, *sorted(self.filters))
        with _compiling:
            code = _compiled.pop(key, None) or super().compile(source)
            _compiled[key] = code  # the most recent is last
            if len(_compiled) > _KEPT:
                del _compiled[next(iter(_compiled))]
        return code


def _measured(value: Any) -> Any:
    if isinstance(value, str | list | tuple) and len(value) > _MOST_CHARACTERS:
        raise TemplateRuntimeError(f"a text of {len(value)} characters: at most {_MOST_CHARACTERS}")
    return value


def _counter() -> Callable[[Iterable[T]], Iterator[T]]:
    """Make the filter that counts the passes of all loops of one environment."""
    passes = itertools.count(1)

    def counted(items: Iterable[T]) -> Iterator[T]:
        for item in items:
            if next(passes) > _MOST_PASSES:
                raise TemplateRuntimeError(f"its loops make more than {_MOST_PASSES} passes")
            yield item

    return counted


#: Code of templates, least recently used first; a Word template has three parts with tags.
_compiled: dict[tuple[object, ...], Any] = {}
_KEPT = 32
#: Braces as a Chinese input method types them: to Jinja they are no tag.
FULL_WIDTH_TAG = re.compile(r"\uff5b[\uff5b%]|[\uff5d%]\uff5d")
#: Chinese characters, without those of rare names (CJK Unified Ideographs and their extension A).
_CHINESE = re.compile(r"[\u3400-\u9fff]")
#: Letters that are written from right to left, and characters that set the direction (Unicode TR 9).
_BIDIRECTIONAL = re.compile(r"[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufeff]")
_compiling = threading.Lock()


def make_environment() -> ImmutableSandboxedEnvironment:
    """Make a fresh sandbox: everything printed is escaped, everything unknown is an error.

    `_("…")`, `{% trans %}…{% endtrans %}` and `language` speak the language of the document that is being made;
    `text is chinese` tells whether a text has Chinese characters, `text is bidirectional` whether it may not run in the
    direction of the page.
    """
    environment = BoundedEnvironment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        extensions=[i18n],
    )
    environment.tests["chinese"] = lambda text: _CHINESE.search(str(text)) is not None
    environment.tests["bidirectional"] = lambda text: _BIDIRECTIONAL.search(str(text)) is not None
    environment.globals.update(_=locale._, gettext=locale._, ngettext=locale.ngettext, language=locale.language())
    return environment


def draw(chart: Chart | HeatChart | TrendChart) -> Markup:
    """Draw a chart as SVG, for pages."""
    if isinstance(chart, HeatChart):
        drawing = heatmap_chart.svg(chart)
    else:
        drawing = trend_chart.svg(chart) if isinstance(chart, TrendChart) else emotion_chart.svg(chart)
    return Markup(drawing)  # noqa: S704 - drawn, and escaped where it is drawn


def find_template(name: str, templates: Path | None) -> Path:
    """Find a template in the user's folder, else among the bundled ones.

    Raises:
        DocumentError: it is in neither.
    """
    folders = [folder for folder in (templates, default_dir("templates")) if folder is not None]
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    looked = ", ".join(str(folder) for folder in folders)
    raise DocumentError(
        say("no such template"),
        where=name,
        expected=say("a file in {looked}", looked=looked),
        to_do=say("run `qareport init`"),
    )


def read_template(path: Path) -> str:
    """Read a text template.

    Raises:
        DocumentError: it cannot be read, is not UTF-8, or has tags in full-width braces.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DocumentError(say("is not UTF-8 text"), where=str(path), to_do=say("save it as UTF-8")) from error
    except OSError as error:
        raise DocumentError(say("cannot be read: {strerror}", strerror=os_reason(error)), where=str(path)) from error
    if match := FULL_WIDTH_TAG.search(text):
        where = f"{path}:{text.count(chr(10), 0, match.start()) + 1}"
        raise DocumentError(say("tags in full-width braces are printed as they stand: write {{ … }}"), where=where)
    return text


def template_line(error: BaseException) -> int | None:
    """Return the line of a template's source at which an error arose while it was compiled or filled."""
    if isinstance(error, TemplateSyntaxError):
        return error.lineno
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<template>"]
    return frames[-1].lineno if frames else None
