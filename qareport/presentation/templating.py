"""Find templates and run them in a sandbox.

Users edit templates, so they run in Jinja's sandbox: they can print and loop, and can reach nothing else. A name that
the view does not have is an error, not an empty space.

Safe for threads: each document gets an environment of its own, and what they share (compiled templates) is locked.
"""

from __future__ import annotations

import re
import threading
import traceback
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError
from jinja2.ext import i18n
from jinja2.sandbox import ImmutableSandboxedEnvironment

from qareport.errors import DocumentError
from qareport.messages import say
from qareport.presentation import locale
from qareport.settings import default_dir


class _Environment(ImmutableSandboxedEnvironment):
    """A sandbox that compiles each template once for all documents of the process, whichever thread makes them."""

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


#: Code of templates, least recently used first; a Word template has three parts with tags.
_compiled: dict[tuple[object, ...], Any] = {}
_KEPT = 32
#: Chinese characters, without those of rare names (CJK Unified Ideographs and their extension A).
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_compiling = threading.Lock()


def make_environment() -> ImmutableSandboxedEnvironment:
    """Make a fresh sandbox: everything printed is escaped, everything unknown is an error.

    `_("…")`, `{% trans %}…{% endtrans %}` and `language` speak the language of the document that is being made;
    `text is chinese` tells whether a text has Chinese characters.
    """
    environment = _Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        extensions=[i18n],
    )
    environment.tests["chinese"] = lambda text: _CHINESE.search(str(text)) is not None
    environment.globals.update(_=locale._, gettext=locale._, ngettext=locale.ngettext, language=locale.language())
    return environment


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
        DocumentError: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DocumentError(say("is not UTF-8 text"), where=str(path), to_do=say("save it as UTF-8")) from error
    except OSError as error:
        raise DocumentError(say("cannot be read: {strerror}", strerror=error.strerror), where=str(path)) from error


def template_line(error: BaseException) -> int | None:
    """Return the line of a template's source at which an error arose while it was compiled or filled."""
    if isinstance(error, TemplateSyntaxError):
        return error.lineno
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<template>"]
    return frames[-1].lineno if frames else None
