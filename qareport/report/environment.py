"""The one place where templates are found and given their environment.

Users edit templates, so they run in Jinja's sandbox: they can print and loop, and can reach nothing else. What they
name and the view does not have is an error, not an empty space.
"""

from __future__ import annotations

from pathlib import Path
from types import CodeType
from typing import Any

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from qareport.errors import DocumentError
from qareport.settings import default_dir

#: Code of templates by their source and what else decides it: each edition of a day is made of the same few templates.
_compiled: dict[tuple[object, ...], CodeType] = {}
_COMPILED_AT_MOST = 64


class _Sandbox(ImmutableSandboxedEnvironment):
    """The sandbox, which compiles a source once."""

    def compile(self, source: Any, *given: Any, **options: Any) -> Any:
        """Compile a template, or take the code that the same source gave before."""
        if not isinstance(source, str) or any(given) or any(options.values()):
            return super().compile(source, *given, **options)
        key = (source, self.autoescape, *sorted(self.filters))
        code = _compiled.get(key)
        if code is None:
            code = super().compile(source)
            if len(_compiled) >= _COMPILED_AT_MOST:
                _compiled.clear()
            _compiled[key] = code
        return code


def make_environment() -> ImmutableSandboxedEnvironment:
    """Make a fresh sandbox: everything printed is escaped, everything unknown is an error."""
    return _Sandbox(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )


def find_template(name: str, templates: Path | None) -> Path:
    """Find a template in the user's folder, else among those that travel with qareport.

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
