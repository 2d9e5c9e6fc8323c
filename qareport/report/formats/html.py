"""Render the report as one self-contained HTML page; the PDF is printed from the same page."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import TemplateError
from jinja2.exceptions import SecurityError
from markupsafe import Markup

from qareport.errors import TagError
from qareport.messages import Message, say
from qareport.presentation import emotion_chart
from qareport.presentation.templating import draw, find_template, make_environment, read_template, template_line
from qareport.presentation.view_types import Chart, DocumentView
from qareport.report.order.transcript_lines import Sound
from qareport.search.names import marks_by_name

#: Styles that every kind of report has; the kind's own come after them and win.
BASE_STYLES = "base.css"
#: The scripts of a page that is read on a screen, by the kind of its view.
_SCRIPTS = {"call": ("find.js", "call.js")}


@dataclass(frozen=True, slots=True, kw_only=True)
class PageVariables:
    """What the template of a page has besides its `report`."""

    #: The style sheets, base.css first.
    css: Markup
    #: The script; empty on a page that is printed.
    script: Markup
    #: The Content-Security-Policy of the page.
    policy: str
    #: The sound of each call by its id (`call.facts.name`); empty unless `report.audio` is set.
    sounds: Mapping[str, Sound]
    #: What the search box takes for tags, speakers and key moments: JSON, mark by name.
    names: str


def render_html(
    view: DocumentView,
    templates: Path | None,
    *,
    stem: str = "call",
    interactive: bool = False,
    sounds: Mapping[str, Sound] | None = None,
) -> str:
    """Fill the HTML template of the view's kind; styles, pictures and sounds are inside the page.

    Args:
        view: what it says.
        templates: the user's templates.
        stem: what the templates of the view's kind are called before the dot: call or period.
        interactive: with the kind's script; a page that is printed has no use for one.
        sounds: the sound of each call by its id; None for a page without.

    Raises:
        DocumentError: a template is missing, or one of its tags is broken (named with its line).
    """
    path = find_template(f"{stem}.html.j2", templates)
    styles = "".join(_read_styles(stem, templates))
    scripts = _SCRIPTS.get(stem, ()) if interactive else ()
    script = "".join(read_template(find_template(name, templates)) for name in scripts)
    environment = make_environment()
    environment.filters.update(svg=draw, narrow_svg=_narrow_svg)
    source = read_template(path)
    script = script.replace("</", "<\\/")
    variables = PageVariables(
        # "</" ends a <style> or <script> element anywhere; it means nothing in CSS.
        css=Markup(styles.replace("</", "<\\/")),  # noqa: S704 - ours or the user's
        script=Markup(script),  # noqa: S704 - likewise
        policy=_policy(script),
        sounds=sounds or {},
        names=json.dumps(marks_by_name(), ensure_ascii=False),
    )
    values = {field.name: getattr(variables, field.name) for field in dataclasses.fields(variables)}
    try:
        return environment.from_string(source).render(values, report=view)
    except SecurityError as error:
        raise _broken(path, error, say("a template can print and loop, nothing else")) from error
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise _broken(path, error, say("fix the tag on that line")) from error


def find_style(line: int, stem: str, templates: Path | None) -> tuple[str, int]:
    """Find the style sheet, and the line in it, at a line of what a page has as `css`; lines count from 1."""
    base, _own = _read_styles(stem, templates)
    lines = base.count("\n")
    return (BASE_STYLES, line) if line <= lines else (f"{stem}.css", line - lines)


def _read_styles(stem: str, templates: Path | None) -> tuple[str, str]:
    base = read_template(find_template(BASE_STYLES, templates))
    return base if base.endswith("\n") else f"{base}\n", read_template(find_template(f"{stem}.css", templates))


def _policy(script: str) -> str:
    """Write the Content-Security-Policy of a page: what is inside it and nothing else, its own script by its hash."""
    parts = ["default-src 'none'", "style-src 'unsafe-inline'", "img-src data:", "media-src data:"]
    if script:
        digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode()
        parts.append(f"script-src 'sha256-{digest}'")
    return "; ".join((*parts, "base-uri 'none'", "form-action 'none'"))


def _narrow_svg(chart: Chart) -> Markup:
    return Markup(emotion_chart.svg(chart, emotion_chart.NARROW))  # noqa: S704 - likewise


def _broken(path: Path, error: Exception, to_do: Message) -> TagError:
    line = template_line(error)
    where = f"{path}:{line}" if line else str(path)
    return TagError(say("template tag cannot be used: {error}", error=error), where=where, to_do=to_do)
