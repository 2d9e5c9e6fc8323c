"""The report as one self-contained HTML page; the same page is what the PDF is printed from."""

from __future__ import annotations

import base64
import hashlib
import traceback
from collections.abc import Mapping
from pathlib import Path

from jinja2 import TemplateError, TemplateSyntaxError
from jinja2.exceptions import SecurityError
from markupsafe import Markup

from qareport.errors import TagError
from qareport.presentation import emotion_chart, heatmap_chart
from qareport.presentation.templating import find_template, make_environment, read_template
from qareport.presentation.view_types import Chart, DocumentView, HeatChart
from qareport.report.order.page_audio import Sound

TEMPLATE = "call.html.j2"
STYLES = "call.css"
SCRIPT = "call.js"


def render_html(
    view: DocumentView,
    templates: Path | None,
    *,
    name: str = TEMPLATE,
    styles_name: str = STYLES,
    script_name: str = "",
    sounds: Mapping[str, Sound] | None = None,
) -> str:
    """Fill the HTML template of that name. Styles, pictures and sounds stand inside the page: it needs no other file.

    Args:
        view: what it says.
        templates: the user's templates.
        name: the template.
        styles_name: its styles.
        script_name: its script; "" for a page that is printed, which has no use for one.
        sounds: the sound of each call by its id; None for a page without.

    Raises:
        DocumentError: a template is missing, or one of its tags is broken (named with its line).
    """
    path = find_template(name, templates)
    styles = read_template(find_template(styles_name, templates))
    script = read_template(find_template(script_name, templates)) if script_name else ""
    environment = make_environment()
    environment.filters["svg"] = _svg
    source = read_template(path)
    values = {
        "report": view,
        # "</" ends a <style> element wherever it stands, and means nothing in CSS.
        "css": Markup(styles.replace("</", "<\\/")),  # noqa: S704
        "script": Markup(script.replace("</", "<\\/")),  # noqa: S704 - ours or the user's; "</" likewise
        "policy": _policy(script.replace("</", "<\\/")),
        "sounds": sounds or {},
    }
    try:
        return environment.from_string(source).render(values)
    except SecurityError as error:
        raise _broken(path, error, "a template can print and loop, nothing else") from error
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise _broken(path, error, "mend the tag on that line") from error


def _policy(script: str) -> str:
    """Write the Content-Security-Policy of a page: what stands in it and nothing else, its own script by its hash."""
    parts = ["default-src 'none'", "style-src 'unsafe-inline'", "img-src data:", "media-src data:"]
    if script:
        digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode()
        parts.append(f"script-src 'sha256-{digest}'")
    return "; ".join((*parts, "base-uri 'none'", "form-action 'none'"))


def _svg(chart: Chart | HeatChart) -> Markup:
    drawing = heatmap_chart.svg(chart) if isinstance(chart, HeatChart) else emotion_chart.svg(chart)
    return Markup(drawing)  # noqa: S704 - drawn, and escaped where it is drawn


def _broken(path: Path, error: Exception, to_do: str) -> TagError:
    line = error.lineno if isinstance(error, TemplateSyntaxError) else template_line(error)
    where = f"{path}:{line}" if line else str(path)
    return TagError(f"template tag cannot be used: {error}", where=where, to_do=to_do)


def template_line(error: BaseException) -> int | None:
    """Return the line of a template's source at which an error arose while it was filled."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<template>"]
    return frames[-1].lineno if frames else None
