"""The report as one self-contained HTML page; the same page is what the PDF is printed from."""

from __future__ import annotations

import traceback
from pathlib import Path

from jinja2 import TemplateError, TemplateSyntaxError
from jinja2.exceptions import SecurityError
from markupsafe import Markup

from qareport.errors import TagError
from qareport.report import charts, heatchart
from qareport.report.environment import find_template, make_environment, read_template
from qareport.report.perioddata import HeatChart
from qareport.report.viewdata import Chart, DocumentView

TEMPLATE = "call.html.j2"
STYLES = "call.css"


def render_html(view: DocumentView, templates: Path | None, *, name: str = TEMPLATE, styles_name: str = STYLES) -> str:
    """Fill the HTML template of that name. Styles and pictures stand inside the page: it needs no other file.

    Raises:
        DocumentError: a template is missing, or one of its tags is broken (named with its line).
    """
    path = find_template(name, templates)
    styles = read_template(find_template(styles_name, templates))
    environment = make_environment()
    environment.filters["svg"] = _svg
    source = read_template(path)
    try:
        # "</" ends a <style> element wherever it stands, and means nothing in CSS.
        return environment.from_string(source).render(report=view, css=Markup(styles.replace("</", "<\\/")))  # noqa: S704
    except SecurityError as error:
        raise _broken(path, error, "a template can print and loop, nothing else") from error
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise _broken(path, error, "mend the tag on that line") from error


def _svg(chart: Chart | HeatChart) -> Markup:
    drawing = heatchart.svg(chart) if isinstance(chart, HeatChart) else charts.svg(chart)
    return Markup(drawing)  # noqa: S704 - drawn, and escaped where it is drawn


def _broken(path: Path, error: Exception, to_do: str) -> TagError:
    line = error.lineno if isinstance(error, TemplateSyntaxError) else template_line(error)
    where = f"{path}:{line}" if line else str(path)
    return TagError(f"template tag cannot be used: {error}", where=where, to_do=to_do)


def template_line(error: BaseException) -> int | None:
    """Return the line of a template's source at which an error arose while it was filled."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<template>"]
    return frames[-1].lineno if frames else None
