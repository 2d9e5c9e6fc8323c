"""The documentation is true: its commands exist, its examples are read by the code that they speak of."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import fields
from pathlib import Path

import click
import pytest

from qareport import cli, codec
from qareport.ingest import read_manifest
from qareport.model import OrderReport
from qareport.report.order.view_types import CallView, OrderView
from qareport.settings import ReportSettings
from tests.conftest import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "demo").glob("*.md")])
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of one language on a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


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
    for name in cli.cli.commands:
        assert f"`qareport {name}" in text, name


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.name)
def test_a_readme_names_every_global_option(page: Path) -> None:
    text = page.read_text("utf-8")
    for parameter in cli.cli.params:
        assert any(f"`{option}" in text for option in parameter.opts) or parameter.name in ("version", "help")


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.name)
def test_the_manifest_of_a_readme_is_a_manifest(page: Path, tmp_path: Path) -> None:
    (example,) = blocks(page, "csv")
    path = tmp_path / "calls.csv"
    path.write_text(example, "utf-8")
    assert read_manifest(path)[0].order_id == "20261105000042"


def test_the_json_examples_are_what_the_code_reads() -> None:
    whole, smallest, report = blocks(ROOT / "docs" / "reference" / "json.md", "json")
    transcript = codec.read_transcript(whole.encode(), where="docs/reference/json.md")
    assert transcript.segments[0].tokens[0].text == "我"
    assert codec.read_transcript(smallest.encode(), where="docs/reference/json.md").segments[0].emotion is None
    assert codec.from_json(OrderReport, report, where="docs/reference/json.md").calls[0].score == 82


def test_the_json_examples_show_fields_that_exist() -> None:
    whole, _, report = blocks(ROOT / "docs" / "reference" / "json.md", "json")
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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


def test_every_name_for_templates_on_the_page_about_them_exists() -> None:
    views = {"report": OrderView, "call": CallView}
    named = re.findall(r"`(report|call)\.(\w+)`", (ROOT / "docs" / "documents.md").read_text("utf-8"))
    known = {(name, field.name) for name, view in views.items() for field in fields(view)}
    settings = {("report", field.name) for field in fields(ReportSettings)}
    files = {("call", "docx"), ("call", "css"), ("call", "js"), ("report", "json")}
    assert len(named) > 25
    assert set(named) - known - settings - files == set()
