"""Find templates, run them in a sandbox, and clean everything that is printed.

A lone surrogate or a control character cuts a Word document short without an error, and a bidirectional control can
make a printed line read differently from what was said. Each such character becomes U+FFFD, so a reader sees that
something was there.

Users edit templates, so they run in Jinja's sandbox: they can print and loop, and can reach nothing else. A name that
the view does not have is an error, not an empty space.

Safe for threads: each document gets an environment of its own, and what they share (compiled templates) is locked.
"""

from __future__ import annotations

import dataclasses
import re
import threading
import traceback
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from jinja2 import StrictUndefined, TemplateSyntaxError
from jinja2.ext import i18n
from jinja2.sandbox import ImmutableSandboxedEnvironment

from qareport.errors import DocumentError
from qareport.presentation import locale
from qareport.settings import default_dir

T = TypeVar("T")

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

#: Line breaks and tabs: a quotation is one line.
_SPACES = re.compile("\r\n|[\t\n\x0b\x0c\r\x85\u2028\u2029]")
#: C0 and C1 controls, bidirectional controls (UAX #9), interlinear marks, noncharacters: not legal in XML, or unseen.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufff9-\ufffb\ufdd0-\ufdef"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
    + "]"
)


def clean(text: str) -> str:
    """Make text safe to print in XML: line breaks become spaces, what cannot be printed becomes U+FFFD."""
    if text.isprintable():
        return text
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _UNPRINTABLE.sub(REPLACEMENT, _SPACES.sub(" ", whole))


def clean_value(value: T) -> T:
    """Clean every string inside a frozen domain value (dataclasses, tuples, mappings) and return its copy."""
    cleaned: Any = _clean(value)
    return cleaned  # type: ignore[no-any-return]


def _clean(value: Any) -> Any:
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, tuple):
        parts = [_clean(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if isinstance(value, Mapping):
        return {_clean(key): _clean(part) for key, part in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return dataclasses.replace(value, **{name: _clean(getattr(value, name)) for name in names})
    return value


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
    raise DocumentError("no such template", where=name, expected=f"a file in {looked}", to_do="run `qareport init`")


def read_template(path: Path) -> str:
    """Read a text template.

    Raises:
        DocumentError: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DocumentError("is not UTF-8 text", where=str(path), to_do="save it as UTF-8") from error
    except OSError as error:
        raise DocumentError(f"cannot be read: {error.strerror}", where=str(path)) from error


def template_line(error: BaseException) -> int | None:
    """Return the line of a template's source at which an error arose while it was compiled or filled."""
    if isinstance(error, TemplateSyntaxError):
        return error.lineno
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<template>"]
    return frames[-1].lineno if frames else None
