"""Collect what is said to readers and bring the catalogues of other languages up to date: `make catalogues`.

There are three kinds. *Documents* are written in Chinese: words come from the Python code (`_`, `N_`, `plural`), from
the text templates (`_("…")`, `{% trans %}`), from the Word templates (all Chinese words outside tags) and from the
shipped rules (titles, what they call a moment, praise). *Messages* are written in English: `say` and `say_count`, the
help texts of all commands, and what the reference of the HTTP API says. The third is what click, the library of the
command line, says itself. Each .po file gets what is new and loses what is gone; translate there, and run this again:
it writes the .mo files that the program reads. Exit status 1 says that something is not translated yet.
"""

from __future__ import annotations

import inspect
import io
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from docx import Document
from fastapi import FastAPI

from qareport import cli, messages, rules
from qareport.cli.language import CLICK_DOMAIN, help_texts
from qareport.presentation import locale, topic_wording
from qareport.report.formats import docx
from qareport.web import reference
from qareport.web.app import add_api

ROOT = Path(__file__).resolve().parents[1]
#: A catalogue that says the same is the same file.
_DAY = datetime(2026, 11, 27, tzinfo=UTC)
_DOCUMENT_KEYWORDS: Mapping[str, Any] = {
    "_": None, "N_": None, "gettext": None, "ngettext": (1, 2), "plural": (1, 1)
}  # fmt: skip
_MESSAGE_KEYWORDS: Mapping[str, Any] = {"say": None, "say_count": (1, 2)}

#: The modules of click that speak to users.
_CLICK_MODULES = ("core", "decorators", "exceptions", "formatting", "parser", "termui", "types")

#: Where a text stands, the text or its forms, and the context in which it is said, if it has one.
_Found = Iterator[tuple[Path, str | tuple[str, ...], str | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """One kind of what is said: where its catalogues are, in which languages, and where its words stand."""

    name: str
    catalogues: Path
    languages: tuple[str, ...]
    find: Callable[[], _Found]

    def path(self, language: str) -> Path:
        """Return where the catalogue of a language is."""
        return self.catalogues / language / "LC_MESSAGES" / f"{self.name}.po"


def collect(domain: Domain) -> Catalog:
    """Collect every text of a domain with the files that say it."""
    catalogue = Catalog(project="qareport", charset="utf-8", creation_date=_DAY, revision_date=_DAY)
    for path, message, context in domain.find():
        own = ROOT in path.parents and "site-packages" not in path.parts  # an environment may lie in the project
        place = path.relative_to(ROOT).as_posix() if own else f"{path.parent.name}/{path.name}"
        known = catalogue.get(message if isinstance(message, str) else message[0], context)
        places = sorted({*(known.locations if known else ()), (place, None)})
        new = [place for place in places if known is None or place not in known.locations]
        catalogue.add(message, locations=new, context=context)
    return catalogue


def _document_texts() -> _Found:
    yield from _in_code(_DOCUMENT_KEYWORDS)
    pages = (ROOT / "qareport" / "web" / "templates").glob("*.j2")
    for path in (*sorted((ROOT / "templates").glob("*.j2")), *sorted(pages)):
        with path.open("rb") as source:
            found = extract("jinja2.ext:babel_extract", source, keywords=_DOCUMENT_KEYWORDS)
            yield from ((path, match[1], None) for match in found)
    for path in sorted((ROOT / "templates").glob("*.docx")):
        yield from ((path, message, None) for message in docx.messages(Document(str(path))))
    yield from _rule_texts()


def _rule_texts() -> _Found:
    for rule in rules.load(rules.RuleFiles.from_folder(ROOT / "config" / "rules")).rules:
        praise = [advice.text for advice in (rule.advice, *rule.variants.values())] if rule.points > 0 else []
        for text in filter(None, (rule.title, rule.moment, *praise)):
            yield ROOT / "config" / "rules" / Path(rule.location.file).name, text, topic_wording.RULES


def _in_code(keywords: Mapping[str, Any]) -> _Found:
    for path in sorted((ROOT / "qareport").rglob("*.py")):
        with path.open("rb") as source:
            yield from ((path, match[1], None) for match in extract("python", source, keywords=keywords))


def _message_texts() -> _Found:
    yield from _in_code(_MESSAGE_KEYWORDS)
    yield from ((ROOT / "qareport" / "web" / "reference.py", text, None) for text in _api_texts())
    for command in cli.all_commands():
        path = Path(inspect.getfile(inspect.unwrap(command.callback or cli.main)))
        yield from ((path, text, None) for text in help_texts(command))


def _api_texts() -> Iterator[str]:
    """Yield what the reference of the HTTP API says: docstrings of routes, descriptions of fields and parameters."""
    app = FastAPI()
    add_api(app)
    yield from dict.fromkeys(reference.texts_of(reference.make_document(app)))


def _click_texts() -> _Found:
    folder = Path(inspect.getfile(click)).parent
    for path in (folder / f"{name}.py" for name in _CLICK_MODULES):
        with path.open("rb") as source:
            yield from ((path, match[1], None) for match in extract("python", source, keywords=_DOCUMENT_KEYWORDS))


DOCUMENTS = Domain(name=locale.DOMAIN, catalogues=locale.CATALOGUES, languages=locale.LOCALES[1:], find=_document_texts)
MESSAGES = Domain(
    name=messages.DOMAIN,
    catalogues=messages.CATALOGUES,
    languages=messages.LANGUAGES[1:],
    find=_message_texts,
)
CLICK = Domain(name=CLICK_DOMAIN, catalogues=messages.CATALOGUES, languages=messages.LANGUAGES[1:], find=_click_texts)
DOMAINS = (DOCUMENTS, MESSAGES, CLICK)


def read(domain: Domain, language: str) -> Catalog:
    """Read the catalogue of a language, empty if there is none yet."""
    path = domain.path(language)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as source:
        return read_po(source, locale=language)


def update(domain: Domain, language: str, collected: Catalog) -> Catalog:
    """Give a language's catalogue the messages that were collected; what is gone goes."""
    catalogue = read(domain, language)
    catalogue.update(collected, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    catalogue.revision_date, catalogue.fuzzy = _DAY, False
    catalogue.header_comment = f"# The {domain.name} catalogue in the language {language}, kept by `make catalogues`."
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


def main() -> int:
    """Bring all catalogues up to date."""
    status = 0
    for domain in DOMAINS:
        collected = collect(domain)
        for language in domain.languages:
            catalogue = update(domain, language, collected)
            path = domain.path(language)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(written(catalogue))
            path.with_suffix(".mo").write_bytes(compiled(catalogue))
            lacking = missing(catalogue)
            sys.stdout.write(f"{domain.name} {language}: {len(catalogue)}, {len(lacking)} without a translation\n")
            sys.stdout.writelines(f"  {message}\n" for message in lacking)
            status = max(status, int(bool(lacking)))
    return status


if __name__ == "__main__":
    sys.exit(main())
