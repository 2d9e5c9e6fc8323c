"""Files that commands write: where they may lie, who may read them, and what becomes of what cannot be written."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from qareport.cli import main
from qareport.store import Store
from tests.support.store_samples import make_call, put_result


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with Store(url) as store:
        put_result(store, make_call("c1"))
    return url


def test_a_call_whose_id_is_a_path_is_written_into_the_folder(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    victim = tmp_path / "precious.txt"
    victim.write_text("mine")
    with Store(url) as store:
        for call_id in ("../precious", str(tmp_path / "precious"), "x/../../precious"):
            store.calls.put(make_call(call_id, order_id=None))
    assert main(["--store", url, "export", "text", "-o", str(tmp_path / "texts") + "/"]) == 0
    assert victim.read_text() == "mine"
    assert len(list((tmp_path / "texts").iterdir())) == 3


@pytest.mark.parametrize("words", ["export calls --format csv -o", "status --prometheus"])
def test_a_pipe_that_is_named_is_written_to(words: str, url: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert main(["--store", url, *words.split(), str(pipe)]) == 0
    assert os.read(reader, 10) != b""
    os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.parametrize(
    ("words", "begins"),
    [("export calls -o", "\ufeffcall_id,"), ("export text -o", "# "), ("status --prometheus", "# HELP")],
)
def test_a_dash_is_standard_output(
    words: str,
    begins: str,
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    assert main(["--store", url, *words.split(), "-"]) == 0
    assert capfdbinary.readouterr().out.decode().startswith(begins)
    assert not list(Path().iterdir())


def test_a_dash_takes_no_format_that_is_no_text(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--locale", "en", "--store", url, "export", "calls", "--format", "xlsx", "-o", "-"]) == 2
    assert "xlsx is no text: name a file with -o FILE" in capsys.readouterr().err


def test_everything_that_is_written_is_private(tmp_path: Path, url: str) -> None:
    script = (
        "import json, os, sys; os.umask(0); from qareport.cli import main; list(map(main, json.loads(sys.argv[1])))"
    )
    new = f"sqlite:///{tmp_path / 'new.db'}"
    (tmp_path / "t.jsonl").write_text('{"call_id":"a","segments":[{"start_ms":0,"end_ms":9,"text":"退货"}]}\n', "utf-8")
    commands = ("analyse t.jsonl --format json", "store backup copy.db", "export text -o texts/", "daily --dry-run")
    given = json.dumps([["--store", new, *words.split()] for words in commands])
    subprocess.run([sys.executable, "-c", script, given], cwd=tmp_path, check=True)
    written = [path for path in tmp_path.rglob("*") if path.name not in ("t.jsonl", "store.db")]
    names = {path.name for path in written}
    assert {"new.db", "copy.db", "a.json", "a.txt", "out", "reports"} <= names
    assert [str(path) for path in written if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


def test_the_metrics_may_be_read_by_the_collector(tmp_path: Path, url: str) -> None:
    path = tmp_path / "qareport.prom"
    assert main(["--store", url, "status", "--prometheus", str(path)]) == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
