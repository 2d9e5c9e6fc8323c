"""`qareport templates check`: every broken tag is named with its place, and what is whole passes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import docx
import pytest

from qareport import cli
from qareport.report import template_check
from qareport.report.period.view import build_period_view
from qareport.settings import default_dir
from qareport.workflows.check_templates import check_templates

TEMPLATES = default_dir("templates")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TEMPLATES, tmp_path / "templates"))


def edit(path: Path, old: str, new: str) -> int:
    """Change a text template, and return the line of the change."""
    source = path.read_text("utf-8")
    assert source.count(old) == 1, old
    path.write_text(source.replace(old, new), "utf-8")
    return 1 + source[: source.index(old)].count("\n")


def edit_word(path: Path, changes: dict[str, str]) -> None:
    document = docx.Document(str(path))
    for paragraph in document.paragraphs:
        if paragraph.text in changes:
            text = changes.pop(paragraph.text)
            for run in paragraph.runs[1:]:
                run._r.getparent().remove(run._r)
            paragraph.runs[0].text = text
    assert not changes
    document.save(str(path))


def problems(folder: Path, name: str) -> list[str]:
    (checked,) = check_templates(folder, [name])
    return [str(problem) for problem in checked.problems]


def test_the_templates_that_travel_with_qareport_are_fine(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["templates", "check", "--templates", str(TEMPLATES)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [
        [name, "fine"]
        for name in ("call.docx", "call.html.j2", "period.docx", "period.html.j2", "mail.html.j2", "mail.txt.j2")
    ]


def test_every_broken_tag_is_named_with_its_place(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    edit_word(
        folder / "call.docx",
        {"{{ report.sentence }}": "结论 {{ report.sentense }}", "对话全文": "对话 {{ report.titel }}"},
    )
    first = edit(folder / "period.html.j2", '<p class="finding">{{ report.sentence }}', "<p>{{ report.sentense }}")
    second = edit(folder / "period.html.j2", "{{ report.agents_note }}", "{{ 1 / 0 }}")
    third = edit(folder / "mail.txt.j2", "{{ line.why }}", "{{ line.wy }}")
    shared = edit(folder / "base.css", "body { margin: 0; }", "body { margin: none at all; }")
    own = edit(folder / "period.css", ".notice { margin-top: 2.5mm; }", ".notice { margin-top: high; }")
    names = ["call.docx", "period.html.j2", "mail.txt.j2"]
    assert cli.main(["templates", "check", *names]) == 2  # ./templates
    said = capsys.readouterr()
    assert "call.docx        2 to fix" in said.out
    told = said.err.splitlines()
    assert len(told) == 7
    assert "in the paragraph '结论 {{ report.sentense }}" in told[0]
    assert "in the paragraph '对话 {{ report.titel }}" in told[1]
    assert f"period.html.j2:{first}: template tag cannot be used" in told[2]
    assert f"period.html.j2:{second}: template tag cannot be used: division by zero" in told[3]
    assert f"base.css:{shared}: in print: Ignored `margin: none at all`" in told[4]
    assert f"period.css:{own}: in print: Ignored `margin-top: high`" in told[5]
    assert f"mail.txt.j2:{third}: template tag cannot be used" in told[6]


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("mail.html.j2", "{{ mail.sentence }}", "{{ mail.sentence | safe }}", "prints text as if it were HTML"),
        ("period.html.j2", "<main>", '<main><img src="logo.png" alt="">', "logo.png"),
        ("call.html.j2", "{% if report.failed %}", "{% if report.failed %}{% if %}", "Expected an expression"),
        ("mail.html.j2", "{{ mail.sentence }}", "{{ mail.sentence.__class__.mro() }}", "__class__"),
    ],
)
def test_what_else_goes_wrong_in_a_template(folder: Path, name: str, old: str, new: str, told: str) -> None:
    edit(folder / name, old, new)
    assert told in " ".join(problems(folder, name))


def test_a_tag_that_only_an_empty_report_breaks_is_found(folder: Path) -> None:
    line = edit(folder / "mail.html.j2", "{{ mail.sentence }}", "{{ mail.links[0].title }}")
    (told,) = problems(folder, "mail.html.j2")
    assert f"mail.html.j2:{line}:" in told


def test_a_user_need_not_have_all_templates(tmp_path: Path) -> None:
    shutil.copyfile(TEMPLATES / "mail.txt.j2", tmp_path / "mail.txt.j2")
    line = edit(tmp_path / "mail.txt.j2", "{{ line.why }}", "{{ line.wy }}")
    assert str(tmp_path / f"mail.txt.j2:{line}:") in problems(tmp_path, "mail.txt.j2")[0]
    assert problems(tmp_path, "mail.html.j2") == []


def test_a_page_that_never_comes_names_the_styles_of_its_own_kind(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(template_check, "_CPU_LIMIT_S", 0.001)
    (told,) = problems(folder, "period.html.j2")
    assert "not laid out within 0.001 s of processor time" in told
    assert f"look at what was changed in {folder / 'period.css'}" in told


def test_hostile_views_keep_their_names_and_lose_every_text() -> None:
    view = build_period_view(template_check.sample_period(), template_check.SETTINGS)
    hostile = template_check.make_hostile(view)
    assert hostile.created == view.created
    assert len(hostile.tiles) == len(view.tiles)
    assert all("qareport-check" in tile.label and "qareport-check" in tile.value for tile in hostile.tiles)
    assert re.search("长{10000}", str(hostile))
    assert re.search("W{10000}", str(hostile))
    styles = {run.style for row in hostile.agents.rows for phrase in row for run in phrase.runs}
    assert styles == {run.style for row in view.agents.rows for phrase in row for run in phrase.runs}
