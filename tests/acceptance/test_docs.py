"""The documentation is true: commands and names exist, examples are read by the code, links lead somewhere."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path

import click
import pytest
import yaml

from qareport import cli, codec, settings
from qareport.ingest import read_manifest
from qareport.model import EventType, OrderReport
from qareport.report.order.view_types import CallView, OrderView
from qareport.rules.loader import RuleForm
from qareport.settings import ReportSettings
from tests.support.chromium import SKIPPED, browser
from tests.support.paths import ROOT
from tools import make_reference

DOCS = ROOT / "docs"
GUIDE = DOCS / "guide"
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
#: Begins the pages that nobody writes by hand.
GENERATED = "<!-- Written by "
CHINESE = ".zh-CN.md"
WIDTH = 120


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of one language on a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


# --- commands ---------------------------------------------------------------------------------------------------------


def examples() -> list[str]:
    lines = [line for page in PAGES for block in blocks(page, "sh") for line in block.splitlines()]
    return sorted({line for line in lines if line.startswith("qareport ")})


@pytest.mark.parametrize("line", examples())
def test_every_command_shown_in_the_documentation_is_one_that_qareport_takes(line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    command: click.Command = cli.cli
    context = click.Context(cli.cli)
    while isinstance(command, click.Group):
        group = command.make_context(command.name or "qareport", words, parent=context, resilient_parsing=False)
        name, found, words = command.resolve_command(group, [*group._protected_args, *group.args])
        assert found is not None, name
        command, context = found, group
    command.make_context(command.name, words, parent=context)


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.name)
def test_a_readme_starts_with_the_two_commands_that_do_everything(page: Path) -> None:
    assert blocks(page, "sh")[0].split("\n")[:2] == ["make demo", "make test"]


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.name)
def test_a_readme_names_every_command(page: Path) -> None:
    text = page.read_text("utf-8")
    for name in cli.COMMANDS:
        assert f"`qareport {name}" in text, name


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.name)
def test_a_readme_names_every_global_option(page: Path) -> None:
    text = page.read_text("utf-8")
    for parameter in cli.cli.params:
        assert any(f"`{option}" in text for option in parameter.opts) or parameter.name in ("version", "help")


# --- data and keys ----------------------------------------------------------------------------------------------------

MANIFESTS = [page for page in PAGES if blocks(page, "csv")]


@pytest.mark.parametrize("page", MANIFESTS, ids=name_of)
def test_the_manifest_of_a_page_is_a_manifest(page: Path, tmp_path: Path) -> None:
    (example,) = blocks(page, "csv")
    path = tmp_path / "calls.csv"
    path.write_text(example, "utf-8")
    assert read_manifest(path).calls[0].order_id == "20261105000042"


def test_readmes_and_the_first_guide_show_a_manifest() -> None:
    assert {*READMES, GUIDE / "first-report.md", GUIDE / f"first-report{CHINESE}"} <= set(MANIFESTS)


JSON = DOCS / "reference" / "json.md"


def test_the_json_examples_are_what_the_code_reads() -> None:
    whole, smallest, report = blocks(JSON, "json")
    transcript = codec.read_transcript(whole.encode(), where="docs/reference/json.md")
    assert transcript.segments[0].tokens[0].text == "我"
    assert codec.read_transcript(smallest.encode(), where="docs/reference/json.md").segments[0].emotion is None
    assert codec.from_json(OrderReport, report, where="docs/reference/json.md").calls[0].score == 82


def test_the_json_examples_show_fields_that_exist() -> None:
    whole, _, report = blocks(JSON, "json")
    transcript = codec.read_transcript(whole.encode(), where="x")
    assert keys(json.loads(whole)) <= keys(codec.to_data(transcript))
    value = codec.from_json(OrderReport, report, where="x")
    assert keys(json.loads(report)) <= keys(codec.to_data(value))


def keys(data: object) -> set[str]:
    """All keys in a piece of JSON."""
    if isinstance(data, dict):
        return set(data) | {key for value in data.values() for key in keys(value)}
    if isinstance(data, list):
        return {key for value in data for key in keys(value)}
    return set()


def setting_names() -> set[str]:
    """All settings as `section.key`."""
    given = settings.Settings()
    return {
        f"{section.name}.{key.name}"
        for section in fields(given)
        if is_dataclass(value := getattr(given, section.name))
        for key in fields(value)
    }


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_setting_that_a_page_names_exists(page: Path) -> None:
    known = setting_names()
    sections = {name.split(".")[0] for name in known} - {"report"}  # `report.…` may be a name for templates
    named = re.findall(r"`(\w+\.\w+)(?::[^`]*)?`", prose(page))
    files = re.compile(r"\.(?:py|md|js|css|docx|db|log|yaml|json)$")
    assert [
        name
        for name in named
        if name.split(".")[0] in sections and not files.search(name) and name not in {*known, *EventType}
    ] == []


@pytest.mark.parametrize("page", [GUIDE / "rules.md", GUIDE / f"rules{CHINESE}"], ids=name_of)
def test_every_key_of_a_rule_is_explained(page: Path) -> None:
    text = page.read_text("utf-8")
    for name, field in RuleForm.model_fields.items():
        key = field.alias or name
        assert f"`{key}`" in text or f"`{key}: " in text, key


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_of_yaml_is_yaml(page: Path) -> None:
    for block in blocks(page, "yaml"):
        assert yaml.safe_load(block) is not None, block


def test_the_guides_to_rules_show_the_same_rules_in_both_languages() -> None:
    english, chinese = (blocks(GUIDE / name, "yaml") for name in ("rules.md", f"rules{CHINESE}"))
    assert len(english) == len(chinese)


@pytest.mark.parametrize("page", [GUIDE / "templates.md", GUIDE / f"templates{CHINESE}"], ids=name_of)
def test_every_name_for_templates_on_a_page_about_them_exists(page: Path) -> None:
    views = {"report": OrderView, "call": CallView}
    named = re.findall(r"`(report|call)\.(\w+)`", page.read_text("utf-8"))
    known = {(name, field.name) for name, view in views.items() for field in fields(view)}
    files = {("call", "docx"), ("call", "css"), ("call", "js"), ("report", "json")}
    assert len(named) > 25
    assert set(named) - known - {("report", field.name) for field in fields(ReportSettings)} - files == set()


# --- links and files --------------------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings: lower case, hyphens for spaces, without punctuation."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def links(page: Path) -> Iterator[tuple[str, str]]:
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", prose(page)):
        path, _, anchor = target.partition("#")
        yield path, anchor


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    for path, anchor in links(page):
        target = page.parent / path if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


@pytest.mark.parametrize("page", [page for page in PAGES if page.name.endswith(CHINESE)], ids=name_of)
def test_a_chinese_page_leads_to_chinese_pages_where_there_are_some(page: Path) -> None:
    for path, _ in links(page):
        target = page.parent / path
        if path.endswith(".md") and not path.endswith(CHINESE) and target.name != "README.md":
            assert not target.with_name(target.name.replace(".md", CHINESE)).exists(), path


@pytest.mark.parametrize("page", [page for page in PAGES if DOCS in page.parents], ids=name_of)
def test_a_page_in_english_only_leads_to_no_heading_of_a_page_in_both_languages(page: Path) -> None:
    """In the Chinese site such a link leads to the Chinese page, which has no heading of that name."""
    if page.name.endswith(CHINESE) or page.with_name(page.name.replace(".md", CHINESE)).exists():
        return
    for path, anchor in links(page):
        target = page.parent / path
        assert not anchor or not target.with_name(target.name.replace(".md", CHINESE)).exists(), f"{path}#{anchor}"


def test_every_page_of_the_guide_is_there_in_both_languages() -> None:
    english = {page.name for page in GUIDE.glob("*.md") if not page.name.endswith(CHINESE)}
    assert {page.name.replace(CHINESE, ".md") for page in GUIDE.glob(f"*{CHINESE}")} == english


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    listed = set(re.findall(r"(\S+\.md)$", (ROOT / "mkdocs.yml").read_text("utf-8"), re.MULTILINE))
    assert listed == {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md") if not page.name.endswith(CHINESE)}


def test_every_page_of_the_documentation_that_code_and_configuration_name_exists() -> None:
    places = [ROOT / "Makefile", ROOT / "pyproject.toml"]
    for folder, endings in (("qareport", "py"), ("tools", "py"), ("config", "yaml"), ("deploy", "*")):
        places += sorted((ROOT / folder).rglob(f"*.{endings}"))
    for place in places:
        for named in re.findall(r"docs/[\w./-]+\.md", place.read_text("utf-8")):
            assert (ROOT / named).exists(), f"{place.relative_to(ROOT)}: {named}"


FOLDERS = r"(?:qareport|templates|config|deploy|tools|tests|benchmarks|training|docs)"


def files_named(page: Path) -> set[str]:
    """The files and folders of the repository that a page names in backticks, `analysis/turns.py` in short form too."""
    spans = re.findall(r"`([^`\n]+)`", prose(page))
    whole = {span for span in spans if re.fullmatch(rf"{FOLDERS}/[\w./-]*", span)}
    short = {f"qareport/{span}" for span in spans if re.fullmatch(r"[a-z_]+/[\w/]+\.py", span)}
    return whole | {name for name in short if not re.match(rf"qareport/{FOLDERS}/", name)}


@pytest.mark.parametrize(
    "page", [page for page in PAGES if {"explanation", "howto", "reference"} & set(page.parts)], ids=name_of
)
def test_every_file_that_a_page_for_developers_names_exists(page: Path) -> None:
    new = set(re.findall(r"New file: `([^`]+)`", page.read_text("utf-8")))
    for named in files_named(page) - new:
        assert (ROOT / named).exists(), named


def test_every_answer_to_where_is_names_a_file_and_what_it_defines() -> None:
    text = (DOCS / "explanation" / "architecture.md").read_text("utf-8")
    table = text.split("## Where is what\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| .+ \| .+ \| `([^`]+)` \|(?: `(\w+)`)? \|$", table, re.MULTILINE)
    assert len(rows) > 20
    for place, name in rows:
        assert (ROOT / place).exists(), place
        paths = sorted((ROOT / place).rglob("*.py")) if place.endswith("/") else [ROOT / place]
        assert not name or name in {name for path in paths for name in defined(path)}, f"{place}: {name}"


@cache
def defined(path: Path) -> frozenset[str]:
    """The names that a module defines: functions, classes, their fields and arguments, values, and its own name."""
    names = {path.stem, path.parent.name}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return frozenset(names)


# --- the glossary -----------------------------------------------------------------------------------------------------


def glossary() -> list[tuple[str, str, str]]:
    text = (DOCS / "glossary.md").read_text("utf-8")
    return re.findall(r"^\| ([^|]+) \| ([^|]+) \| `([^`]+)` \|$", text, re.MULTILINE)


def test_the_glossary_has_the_terms_of_the_field_each_once() -> None:
    terms = [english for english, _, _ in glossary()]
    assert len(terms) >= 70
    assert len(set(terms)) == len(terms)


@pytest.mark.parametrize(("english", "chinese", "identifier"), glossary())
def test_a_term_of_the_glossary_is_chinese_and_its_identifier_exists(
    english: str, chinese: str, identifier: str
) -> None:
    assert any(unicodedata.name(letter, "").startswith("CJK") for letter in chinese) or chinese == english
    names = {name for path in (ROOT / "qareport").rglob("*.py") for name in defined(path)}
    notes = {name for path in (ROOT / "qareport").rglob("*.py") for name in written_notes(path)}
    assert identifier in names | notes | {name.split(".")[1] for name in setting_names()}


@cache
def written_notes(path: Path) -> frozenset[str]:
    """Strings in a module that could be a code or a key."""
    tree = ast.walk(ast.parse(path.read_text("utf-8")))
    values = (node.value for node in tree if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return frozenset(value for value in values if re.fullmatch(r"[a-z_]+", value))


# --- form -------------------------------------------------------------------------------------------------------------


def columns(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=name_of)
def test_no_line_of_a_page_is_wider_than_120_columns(page: Path) -> None:
    code = False
    for number, line in enumerate(page.read_text("utf-8").splitlines(), start=1):
        code ^= line.startswith("```")
        width = len(line) if code else columns(line)
        assert width <= WIDTH or line.startswith("|") or "http" in line, f"{name_of(page)}:{number}: {width} columns"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_has_one_title(page: Path) -> None:
    assert len(re.findall(r"^# ", prose(page), re.MULTILINE)) == 1


# --- pages that are made ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "make"), make_reference.PAGES.items(), ids=list(make_reference.PAGES))
def test_a_page_of_the_reference_is_what_its_tool_writes(name: str, make: Callable[[], str]) -> None:
    assert (DOCS / "reference" / name).read_text("utf-8") == make(), "run `make reference`"


# --- the site ---------------------------------------------------------------------------------------------------------

needs_mkdocs = pytest.mark.skipif(
    importlib.util.find_spec("material") is None, reason="needs the extra docs (make docs)"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@needs_mkdocs
def test_the_site_is_built_without_a_warning_and_loads_nothing_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > len(list((ROOT / "docs").rglob("*.md")))
    for page in pages:
        text = page.read_text("utf-8")
        loaded = re.findall(r"<(?:script|img|link|iframe|source)\b[^>]*?(?:src|href)=\"?([^\s\">]+)", text)
        assert [url for url in loaded if re.match(r"(?:https?:)?//", url)] == [], page
    for style in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", style.read_text("utf-8")), style


@needs_mkdocs
def test_the_index_of_the_site_knows_chinese_words(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text("utf-8"))
    assert {"en", "zh"} <= set(index["config"]["lang"])
    texts = [entry["text"] for entry in index["docs"] if entry["location"].startswith("zh-CN/guide/rules.html")]
    assert any("规则" in text.split("\u200b") for text in texts), "Chinese text is not cut into words"


@needs_mkdocs
@pytest.mark.skipif(SKIPPED, reason="needs chromium")
@pytest.mark.parametrize("word", ["一票否决", "diarization"])
def test_the_search_of_the_site_finds_words_in_both_languages_without_a_server(
    site: Path, tmp_path: Path, word: str
) -> None:
    search = "document.querySelector('[data-md-component=search-query]')"
    with browser(tmp_path) as page:
        page.open((site / "zh-CN" / "index.html").as_uri())
        page.wait(f"{search} !== null")
        page.evaluate(f"{search}.focus(); {search}.value = {word!r}; {search}.dispatchEvent(new Event('keyup'))")
        page.wait("document.querySelectorAll('.md-search-result__item').length > 0")
