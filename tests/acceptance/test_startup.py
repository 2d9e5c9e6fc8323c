"""Commands import what they use: what is slow to import is imported by those alone that need it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from qareport.__main__ import main as program
from qareport.cli import COMMANDS, main

#: What takes a tenth of a second and more, each.
DATABASE = {"sqlalchemy", "alembic"}
DOCUMENTS = {"docx", "docxtpl", "lxml", "weasyprint", "fontTools", "PIL", "resvg_py", "uharfbuzz"}
SOUND = {"numpy", "av", "torch", "funasr", "silero_vad", "modelscope"}
OTHERS = {
    "jinja2",
    "rich",
    "openpyxl",
    "pyarrow",
    "pandas",
    "prometheus_client",
    "pypinyin",
    "fsspec",
    "pythonjsonlogger",
}
#: Packages of our own that only judging needs.
JUDGING = {
    "qareport.rules",
    "qareport.analysis",
    "qareport.asr",
    "qareport.audio",
    "qareport.ingest",
    "qareport.delivery",
    "qareport.understanding",
}

ORDER = "20261105000042"
LINE = {
    "call_id": "c1",
    "order_id": ORDER,
    "segments": [{"start_ms": 0, "end_ms": 2000, "role": "customer", "text": "我昨天下的单，什么时候发货？"}],
}


def loaded_by(*arguments: str, cwd: Path) -> set[str]:
    """Run a command in a process of its own, and return the modules that are loaded at its end."""
    code = (
        "import json, sys; from qareport.cli import main\n"
        "status = main(sys.argv[1:])\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
        "sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store that holds one order."""
    path = tmp_path_factory.mktemp("startup")
    (path / "calls.jsonl").write_text(json.dumps(LINE, ensure_ascii=False), "utf-8")
    store = f"sqlite:///{path / 'qareport.db'}"
    assert main(["analyse", str(path / "calls.jsonl"), "--out", str(path), "--format", "json", "--store", store]) == 0
    return path


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_the_list_of_commands_imports_no_command_and_nothing_that_one_needs(option: str, tmp_path: Path) -> None:
    loaded = loaded_by(option, cwd=tmp_path)
    assert loaded & (DATABASE | DOCUMENTS | SOUND | OTHERS | JUDGING | {"pydantic", "yaml", "asyncio"}) == set()
    commands = {f"qareport.cli.{entry.place.split(':')[0]}" for entry in COMMANDS.values()}
    assert loaded & commands == set()


@pytest.mark.parametrize(
    ("formats", "needed"),
    [
        ("json", set()),
        # uharfbuzz cuts the fonts of drawings to the characters that these show.
        ("docx", {"docx", "docxtpl", "lxml", "resvg_py", "uharfbuzz"}),
        # The page is laid out by a process of its own, which loads WeasyPrint.
        ("pdf", set()),
        ("docx,pdf", {"docx", "docxtpl", "lxml", "resvg_py", "uharfbuzz"}),
    ],
)
def test_a_report_from_the_store_imports_the_libraries_of_its_formats_alone(
    formats: str, needed: set[str], folder: Path, tmp_path: Path
) -> None:
    loaded = loaded_by("report", ORDER, "--format", formats, "--out", str(tmp_path), cwd=folder)
    assert loaded & (DOCUMENTS - needed) == set()
    templating = set() if formats == "json" else {"jinja2"}
    assert loaded & (SOUND | OTHERS - templating | JUDGING | {"alembic", "regex"}) == set()


def test_reading_and_judging_transcripts_loads_nothing_that_only_training_and_listening_need(
    folder: Path, tmp_path: Path
) -> None:
    loaded = loaded_by("analyse", str(folder / "calls.jsonl"), "--out", str(tmp_path), "--format", "json", cwd=tmp_path)
    assert "qareport.understanding.bundled" in loaded
    assert loaded & (SOUND - {"numpy"} | {"sklearn", "scipy", "joblib", "training"}) == set()


def test_importing_the_package_imports_nothing_else(tmp_path: Path) -> None:
    code = "import sys, qareport; print(sorted(name for name in sys.modules if name.startswith('qareport')))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['qareport']"


def test_the_desk_that_answers_browsers_imports_nothing_that_decodes_hears_or_makes_documents(tmp_path: Path) -> None:
    code = "import json, sys, qareport.web; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout)) & ((SOUND | DOCUMENTS | {"pypinyin"}) - {"numpy"}) == set()


def test_a_clock_that_python_cannot_tell_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> int:
        raise OverflowError("timestamp too large to convert to C _PyTime_t")

    monkeypatch.setattr("qareport.cli.main", fail)
    assert program() == 2
    assert "set the clock" in capsys.readouterr().err
