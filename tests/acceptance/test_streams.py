"""Output that cannot be written, readers that end, interruptions: said in a line or not at all, never a traceback."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from qareport.cli import main
from qareport.store import Store
from tests.support.store_samples import fill, make_call

QAREPORT = f"{sys.executable} -m qareport"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with calls, to be copied."""
    path = tmp_path_factory.mktemp("filled") / "qareport.db"
    with Store(f"sqlite:///{path}") as store:
        for number in range(40):
            fill(store, make_call(f"c{number}"), audio=chr(ord("a") + number % 26))
    return path


@pytest.fixture
def folder(tmp_path: Path, filled: Path) -> Path:
    """A folder with the store qareport.db and the transcripts t.jsonl."""
    shutil.copy(filled, tmp_path)
    (tmp_path / "t.jsonl").write_text('{"call_id":"a","segments":[{"start_ms":0,"end_ms":9,"text":"退货"}]}\n', "utf-8")
    return tmp_path


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("words", ["export segments --format jsonl", "--help"])
def test_a_reader_that_ends_ends_the_command_quietly(words: str, folder: Path) -> None:
    ran = shell(f"{QAREPORT} {words} | true", folder)
    assert (ran.returncode, "Traceback" in ran.stderr) == (0, False), ran.stderr


@pytest.mark.parametrize("words", ["export calls", "rules schema"])
def test_a_full_disk_behind_stdout_is_said(words: str, folder: Path) -> None:
    ran = shell(f"{QAREPORT} {words} > /dev/full", folder)
    assert ran.returncode == 2
    assert "No space left on device" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert "fault in qareport" not in ran.stderr


@pytest.mark.parametrize("words", ["export calls", "transcribe nowhere.wav"])
@pytest.mark.parametrize("streams", ["<&- >&- 2>&-", "2>/dev/full"])
def test_closed_streams_are_no_fault_and_harm_no_store(words: str, streams: str, folder: Path) -> None:
    ran = shell(f"{QAREPORT} {words} {streams}", folder)
    assert ran.returncode == (2 if "nowhere" in words else 0), ran.stderr
    assert "Traceback" not in ran.stderr + ran.stdout
    with Store(f"sqlite:///{folder / 'qareport.db'}") as store:
        assert list(store.maintenance.verify()) == []


@pytest.mark.parametrize(
    "words",
    [
        "analyse t.jsonl --format json --out {}",
        "report o1 --format json --out {}",
        "export calls -o {}/calls.csv",
        "init {}",
        "demo --out {}",
        "run t.wav --out {} --model demo --store sqlite:///other.db",
        "status --prometheus {}/metrics.prom",
        "store backup {}/copy.db",
    ],
)
def test_a_place_that_cannot_be_written_is_named(
    words: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    (folder / "t.wav").write_bytes(b"")
    (folder / "file").write_text("a file, where a folder is needed")
    assert main(words.format("file/out").split()) in (1, 2)
    said = "".join(capsys.readouterr())
    assert "file" in said
    assert "Traceback" not in said
    assert "fault in qareport" not in said


@pytest.mark.parametrize("format", ["csv", "xlsx", "parquet", "jsonl"])
def test_a_full_disk_behind_an_export_is_one_line(
    folder: Path, format: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    assert main(["--locale", "en", "export", "segments", "--format", format, "-o", "/dev/full"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "qareport: /dev/full: cannot be written: No space left on device; check the folder and the disk"
    ]


def test_a_disk_that_fills_up_leaves_no_half_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fill_up(source: str, target: str) -> str:
        if source.endswith("topics.yaml"):
            raise OSError(errno.ENOSPC, "No space left on device", target)
        return shutil.copy2(source, target)

    monkeypatch.setattr("qareport.cli.setup.copy_file", fill_up)
    assert main(["init", str(tmp_path / "new")]) == 2
    assert "cannot be written: No space left on device; check the folder" in capsys.readouterr().err
    assert list((tmp_path / "new").iterdir()) == []
    monkeypatch.undo()
    assert main(["init", str(tmp_path / "new")]) == 0
    assert (tmp_path / "new" / "config" / "topics.yaml").exists()


def test_an_interruption_while_the_program_loads_is_no_fault(folder: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "qareport", "analyse", "t.jsonl"]
    process = subprocess.Popen(
        command, cwd=folder, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a job in the background ignores it
    )  # fmt: skip
    assert process.stderr is not None
    fcntl.fcntl(process.stderr, fcntl.F_SETPIPE_SZ, 4096)  # so it cannot run far ahead
    for line in process.stderr:
        if line.endswith(" click.core\n"):  # in the middle of the imports of the command line
            break
    process.send_signal(signal.SIGINT)
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 130
    assert "Traceback" not in said


def test_documents_that_cannot_be_made_end_with_status_1_and_are_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    reports = folder / "out" / "reports"
    reports.mkdir(parents=True)
    (reports / "a.json").mkdir()  # takes the place of the document
    assert main(["analyse", "t.jsonl", "--format", "json"]) == 1
    assert "a json" in capsys.readouterr().out
    assert os.listdir(reports) == ["a.json"]
