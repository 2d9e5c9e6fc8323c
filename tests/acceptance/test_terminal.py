"""What is shown on a terminal: text, our own emphasis, and nothing that a recording or a file name tells it to do."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from qareport.cli import main
from qareport.cli.terminal import emphasise, guarded, printable
from qareport.store import Store
from tests.support.store_samples import make_call, put_result

HOSTILE = "退货\x1b]0;title\x07\x1b[8m\x9b31m\u202egnp\u2066\r\x08\x7f\ufdd0"


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def controls(text: str) -> list[str]:
    return [c for c in text if not c.isprintable() and c not in "\n\t"]


def test_no_control_character_reaches_a_terminal() -> None:
    terminal = FakeTerminal()
    with contextlib.redirect_stdout(terminal), guarded():
        sys.stdout.write(HOSTILE.replace("\ufdd0", "") + "\n")
        sys.stdout.buffer.write(HOSTILE.replace("\ufdd0", "").encode()[:7])
        sys.stdout.buffer.write(b"\r\n")
    shown = terminal.getvalue()
    assert controls(shown.replace("\r\n", "\n")) == []
    assert "退货\ufffd]0;title\ufffd" in shown


def test_the_programs_own_emphasis_does() -> None:
    terminal = FakeTerminal()
    with contextlib.redirect_stdout(terminal), guarded():
        sys.stdout.write(f"a {emphasise(HOSTILE)} b")
    assert terminal.getvalue().startswith("a \x1b[1;31m退货")
    assert terminal.getvalue().endswith("\x1b[0m b")
    assert controls(terminal.getvalue().replace("\x1b[1;31m", "").replace("\x1b[0m", "")) == []


def test_a_pipe_gets_what_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    with guarded():
        sys.stdout.write(HOSTILE)
    assert capsys.readouterr().out == HOSTILE


def test_messages_are_text_wherever_they_go(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["analyse", str(tmp_path / "\x1b[8mhidden.jsonl")]) == 2
    assert controls(capsys.readouterr().err) == []
    assert printable("表\t列\n") == "表\t列\n"


@pytest.mark.parametrize("argument", ["退货".encode(), "退货".encode("gbk")], ids=["utf-8", "gbk"])
def test_an_argument_that_the_locale_cannot_read_is_named(argument: bytes, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with Store(url) as store:
        put_result(store, make_call("c1"))
    done = subprocess.run(
        [sys.executable, "-m", "qareport", "--locale", "en", "--store", url, "report", argument],
        env=os.environ | {"PYTHONUTF8": "0", "LC_ALL": "POSIX"},
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    said = done.stderr.decode()
    assert done.returncode == 2
    assert said.startswith("qareport: an argument cannot be read in this locale: ")
    assert said.endswith("; set LC_ALL=C.UTF-8, unset PYTHONUTF8, and write it in UTF-8\n")
    assert ("退货" in said) is (argument == "退货".encode())


def test_a_search_on_a_real_terminal_shows_no_escape_of_a_transcript(tmp_path: Path) -> None:
    transcript = {"call_id": "a", "segments": [{"start_ms": 0, "end_ms": 9, "text": HOSTILE + "\n第二行"}]}
    (tmp_path / "t.jsonl").write_text(json.dumps(transcript) + "\n", "utf-8")
    store = ["--store", f"sqlite:///{tmp_path / 'q.db'}"]
    assert main([*store, "analyse", str(tmp_path / "t.jsonl"), "--format", "json", "--out", str(tmp_path / "out")]) == 0
    reader, writer = pty.openpty()
    command = [sys.executable, "-m", "qareport", *store, "search", "退货"]
    subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=True)
    os.close(writer)
    shown = os.read(reader, 10_000).decode()
    os.close(reader)
    assert "\x1b[1;31m退货\x1b[0m" in shown
    assert controls(shown.replace("\x1b[1;31m", "").replace("\x1b[0m", "").replace("\r\n", "\n")) == []
    assert shown.count("\n") == 1
