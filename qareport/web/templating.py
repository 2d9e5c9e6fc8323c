"""The desk's pages: Jinja templates of the package, escaped throughout, in the reader's language."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import i18n
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from qareport.messages import Message
from qareport.model import Permission
from qareport.presentation import emotion_chart, locale, topic_wording, wording
from qareport.presentation.templating import draw
from qareport.presentation.view_types import Chart, Phrase, TextRun
from qareport.report.order.view_types import TranscriptLine

_FOLDER: Final = Path(__file__).parent
#: Scripts and styles.
STATIC: Final = _FOLDER / "static"
#: From one Chinese character to the last one before a Latin letter.
_CHINESE: Final = re.compile(r"([\u3400-\u9fff](?:[^A-Za-z]*[\u3400-\u9fff])?)")
_TAG: Final = re.compile(r"\[[A-Z_]+\]")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[i18n],
    )
    environment.filters["svg"] = draw
    environment.filters["narrow_svg"] = _draw_narrow
    environment.filters["zh"] = mark_chinese
    environment.filters["rule"] = _name_rule
    environment.filters["phrase"] = write_phrase
    environment.filters["transcript"] = write_transcript
    environment.filters["items_of"] = dict
    environment.globals.update(
        _=locale._, gettext=locale._, ngettext=locale.ngettext, plural=locale.plural, Permission=Permission,
        named=topic_wording.named, rule_name=topic_wording.rule, wording=wording, tag_of=write_tag,
        tag_words=_tag_words, static=static_address,
    )  # fmt: skip
    return environment


def prepare_pages() -> None:
    """Compile all templates, and import what lays out a call: the first pages would wait a second for it."""
    environment = _environment()
    for name in environment.list_templates():
        environment.get_template(name)
    import_module("qareport.report.order.view")


@cache
def static_address(name: str) -> str:
    """Return the address of a script or style, with the hash of what is in it: browsers may keep it for good.

    Raises:
        FileNotFoundError: there is no such file.
    """
    return f"/static/{name}?v={hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


def _draw_narrow(chart: Chart) -> Markup:
    """Draw a call's curve for a phone, on which the wide one would have to be pushed aside to be seen whole."""
    return Markup(emotion_chart.svg(chart, emotion_chart.NARROW))  # noqa: S704 - escaped where it is drawn


def mark_chinese(text: str) -> str:
    """Mark what is Chinese in a text of rules, calls or people, on pages in another language, for screen readers."""
    if locale.current() == locale.LOCALES[0]:
        return text
    pieces = _CHINESE.split(text)
    chinese = Markup('<span lang="zh">{}</span>')
    return Markup("").join(chinese.format(piece) if place % 2 else piece for place, piece in enumerate(pieces))


def write_tag(name: str) -> Markup:
    """Write an emotion or a sound as the tag that is searched for, with its word beside it."""
    return Markup('<span class="tag-{}"{}>[{}]</span>').format(name, _word_of(name.upper()), name.upper())


def _word_of(tag: str) -> Markup:
    """Return what the page writes behind a tag: the word is a style, so that copied text has the tag alone."""
    word = wording.tag_name(tag)
    return Markup("") if word.upper() == tag.strip("[]") else Markup(' data-word="{}"').format(word)


def _tag_words() -> dict[str, str]:
    """Return the words of all tags, for scripts."""
    return {tag.upper(): word for words in (wording.EMOTIONS, wording.EVENTS) for tag, word in words.items()}


def _name_rule(title: str) -> str:
    """Write the title of a rule, or what it calls a moment: in the reader's language, if the program ships it."""
    return mark_chinese(topic_wording.rule(title))


def write_phrase(phrase: Phrase) -> Markup:
    """Write runs of text with their styles and links; in Python, as a long call has thousands of them."""
    return Markup("".join(map(_write_run, phrase.runs)))  # noqa: S704 - each run is escaped


def write_transcript(lines: Sequence[TranscriptLine]) -> Markup:
    """Write the lines of a call's transcript; in Python, too."""
    return Markup("\n".join(map(_write_line, lines)))  # noqa: S704 - each line is escaped


def _write_line(line: TranscriptLine) -> str:
    kind, suffix = escape(f"{line.kind} {line.side}"), "s" if line.kind == "silence" else ""
    return (
        f'<li class="{kind}" id="t{line.at_ms}{suffix}">'
        f'<a class="time" href="#t{line.at_ms}" data-ms="{line.at_ms}">{escape(line.time)}</a> '
        f'<span class="who">{escape(line.who)}</span> <span class="said">{write_phrase(line.text)}</span></li>'
    )


def _write_run(run: TextRun) -> str:
    text = escape(mark_chinese(run.text))
    style = f' class="{escape(run.style)}"' if run.style else ""
    if run.style.startswith("tag-") and _TAG.fullmatch(run.text):
        style += str(_word_of(run.text))
    if run.href:
        return f'<a href="{escape(run.href)}"{style}>{text}</a>'
    return f"<span{style}>{text}</span>" if style else text


def render(
    request: Request, template: str, /, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
) -> Response:
    """Fill a page in the language of the request.

    Args:
        request: whose page it is; `request.state` holds the principal and the nonce of its content policy.
        template: its file name.
        status: of the answer.
        headers: further ones of the answer.
        values: what the template prints.
    """
    desk = request.app.state.desk
    zone = ZoneInfo(desk.settings.period.time_zone)

    def moment(instant: datetime | None) -> str:
        """Write an instant as pages do: 2026-11-21 09:13."""
        return "" if instant is None else instant.astimezone(zone).strftime("%Y-%m-%d %H:%M")

    page = (
        _environment()
        .get_template(template)
        .render(
            request=request,
            principal=getattr(request.state, "principal", None),
            nonce=getattr(request.state, "nonce", ""),
            language=locale.language(),
            path=request.url.path,
            moment=moment,
            zone=zone.key,
            insecure=desk.settings.desk.insecure_http and request.url.scheme == "http",
            **{key: str(value) if isinstance(value, Message) else value for key, value in values.items()},
        )
    )
    return HTMLResponse(page, status_code=status, headers=dict(headers or {}))
