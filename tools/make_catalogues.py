"""Collect what documents say and bring the catalogues of other languages up to date: `make catalogues`.

Words come from the Python code (`_`, `N_`, `plural`), from the text templates (`_("…")`, `{% trans %}`) and from the
Word templates (all Chinese words outside tags). Each qareport.po under qareport/presentation/locales gets what
is new and loses what is gone; translate there, and run this again: it writes the qareport.mo that documents use.
Exit status 1 says that something is not translated yet.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from docx import Document

from qareport.presentation import locale
from qareport.report.formats import docx

ROOT = Path(__file__).resolve().parents[1]
#: A catalogue that says the same is the same file.
_DAY = datetime(2026, 11, 27, tzinfo=UTC)
_KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2), "plural": (1, 1)}


def collect() -> Catalog:
    """Collect every message with the files that say it."""
    catalogue = Catalog(project="qareport", charset="utf-8", creation_date=_DAY, revision_date=_DAY)
    for path, message in _messages():
        place = path.relative_to(ROOT).as_posix()
        known = catalogue.get(message if isinstance(message, str) else message[0])
        places = sorted({*(known.locations if known else ()), (place, None)})
        catalogue.add(message, locations=[place for place in places if known is None or place not in known.locations])
    return catalogue


def _messages() -> Iterator[tuple[Path, str | tuple[str, ...]]]:
    for path in sorted((ROOT / "qareport").rglob("*.py")):
        with path.open("rb") as source:
            yield from ((path, match[1]) for match in extract("python", source, keywords=_KEYWORDS))
    for path in sorted((ROOT / "templates").glob("*.j2")):
        with path.open("rb") as source:
            yield from ((path, match[1]) for match in extract("jinja2.ext:babel_extract", source, keywords=_KEYWORDS))
    for path in sorted((ROOT / "templates").glob("*.docx")):
        yield from ((path, message) for message in docx.messages(Document(str(path))))


def read(name: str) -> Catalog:
    """Read the catalogue of a language, empty if there is none yet."""
    path = _folder(name) / "qareport.po"
    if not path.exists():
        return Catalog(locale=name)
    with path.open("rb") as source:
        return read_po(source, locale=name)


def update(name: str, collected: Catalog) -> Catalog:
    """Give a language's catalogue the messages that were collected; what is gone goes."""
    catalogue = read(name)
    catalogue.update(collected, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    catalogue.revision_date, catalogue.fuzzy = _DAY, False
    catalogue.header_comment = f"# What documents say in the language {name}. Brought up to date by `make catalogues`."
    catalogue.project, catalogue.version = "qareport", ""
    catalogue.msgid_bugs_address, catalogue.last_translator, catalogue.language_team = "", "", ""
    return catalogue


def missing(catalogue: Catalog) -> list[str]:
    """Name the messages that have no translation, or one that is only a guess."""
    lacking = []
    for message in catalogue:
        translations = message.string if isinstance(message.string, tuple) else (message.string,)
        if message.id and (message.fuzzy or not all(translations)):
            lacking.append(message.id if isinstance(message.id, str) else message.id[0])
    return lacking


def compiled(catalogue: Catalog) -> bytes:
    """Return a catalogue as documents read it."""
    buffer = io.BytesIO()
    write_mo(buffer, catalogue)
    return buffer.getvalue()


def written(catalogue: Catalog) -> bytes:
    """Return a catalogue as people edit it."""
    buffer = io.BytesIO()
    write_po(buffer, catalogue, width=120, sort_output=True, include_lineno=False)
    return buffer.getvalue()


def _folder(name: str) -> Path:
    return locale.CATALOGUES / name / "LC_MESSAGES"


def main() -> int:
    """Bring all catalogues up to date."""
    collected, status = collect(), 0
    for name in locale.LOCALES[1:]:
        catalogue = update(name, collected)
        _folder(name).mkdir(parents=True, exist_ok=True)
        (_folder(name) / "qareport.po").write_bytes(written(catalogue))
        (_folder(name) / "qareport.mo").write_bytes(compiled(catalogue))
        lacking = missing(catalogue)
        sys.stdout.write(f"{name}: {len(catalogue)} messages, {len(lacking)} without a translation\n")
        sys.stdout.writelines(f"  {message}\n" for message in lacking)
        status = max(status, int(bool(lacking)))
    return status


if __name__ == "__main__":
    sys.exit(main())
