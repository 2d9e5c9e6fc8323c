"""The Python API as notebooks use it: its page names what exists, and its examples run."""

from __future__ import annotations

import inspect
import json
import re
import shutil
import sys
from pathlib import Path

import pyarrow.parquet
import pytest

import qareport
from qareport import Workspace, analyse, transcribe
from qareport.cli import main
from qareport.errors import AudioError, DocumentError, NotFoundError, TranscriptError
from qareport.model import CallReport, FailedCall, Transcript
from qareport.settings import bundled_calls
from qareport.workflows.export import KINDS
from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "reference" / "python-api.md"
ORDER = "20261105000042"
LINE = {
    "call_id": "given-1",
    "order_id": ORDER,
    "agent_id": "A017",
    "segments": [
        {"start_ms": 0, "end_ms": 2000, "role": "agent", "text": "您好，请问有什么可以帮您？"},
        {
            "start_ms": 2300,
            "end_ms": 5000,
            "role": "customer",
            "text": "我昨天下的单，什么时候发货？我的电话是13812345678",
        },
        {"start_ms": 9500, "end_ms": 11000, "role": "customer", "text": "你们是不是压单啊！", "emotion": "ANGRY"},
    ],
}

#: A rule file whose one rule nobody can hit.
NEVER = """schema: 1
rules:
  - id: never.said
    title: 没人说过的话
    category: 服务规范
    severity: info
    points: 0
    when:
      customer says: [从来没有人说过这句话]
    advice: 无
"""


def examples() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of a notebook: a recording, a transcript, and a store that holds its call."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(bundled_calls() / "c15-good-call.wav", "call.wav")
    Path("call.jsonl").write_text(json.dumps(LINE, ensure_ascii=False) + "\n", "utf-8")
    assert main(["analyse", "call.jsonl", "--format", "json"]) == 0
    return tmp_path


def test_the_page_names_everything_that_the_package_exports() -> None:
    first_table = PAGE.read_text("utf-8").split("\n## ")[0]
    named = set(re.findall(r"^\| `(\w+)", first_table, re.MULTILINE))
    assert named == set(qareport.__all__) - {"__version__"}
    assert all(getattr(qareport, name).__doc__ for name in named)


def test_the_page_names_the_methods_of_a_workspace_and_the_arguments_of_each_function() -> None:
    text = PAGE.read_text("utf-8")
    for name, arguments in re.findall(r"^\| `(\w+)\(([^)]*)\)`", text, re.MULTILINE):
        function = getattr(qareport, name, None) or getattr(Workspace, name)
        parameters = [parameter for parameter in inspect.signature(function).parameters if parameter != "self"]
        assert re.findall(r"\w+", arguments) == parameters, name


@pytest.mark.parametrize("example", examples(), ids=range(len(examples())))
def test_every_example_of_the_page_runs(example: str, folder: Path) -> None:
    if "to_pandas" in example:
        pytest.importorskip("pandas")
    exec(compile(example, str(PAGE), "exec"), {})  # noqa: S102 - our own page


def test_one_recording_gives_a_transcript_and_several_give_one_for_each_or_its_failure(folder: Path) -> None:
    (folder / "empty.wav").write_bytes(b"")
    transcript = transcribe("call.wav", model="demo")
    assert isinstance(transcript, Transcript)
    assert "下午好，请问有什么可以帮您？[" in transcript.rich_text()
    several = transcribe([folder / "empty.wav", folder / "call.wav"], model="demo")
    failure, again = several
    assert isinstance(failure, FailedCall)
    assert isinstance(again, Transcript)
    assert again.rich_text() == transcript.rich_text()
    with pytest.raises(AudioError, match="empty.wav"):
        transcribe("empty.wav", model="demo")
    with pytest.raises(NotFoundError, match="pass a list"):
        transcribe(folder, model="demo")


def test_a_transcript_is_judged_alike_from_an_object_a_dictionary_and_a_file(folder: Path) -> None:
    report = analyse(LINE)
    assert isinstance(report, CallReport)
    assert report.call_id == "given-1"
    assert report.findings
    assert analyse("call.jsonl") == report
    with Workspace.open() as workspace:
        (stored,) = workspace.store.orders.get(ORDER).reports
    assert stored.findings == report.findings
    Path("two.jsonl").write_text(Path("call.jsonl").read_text("utf-8") * 2, "utf-8")
    with pytest.raises(TranscriptError, match="two.jsonl: 2 transcripts"):
        analyse("two.jsonl")


def test_rules_that_were_edited_count_in_the_next_call(folder: Path) -> None:
    assert main(["init", "mine"]) == 0
    before = analyse(LINE, config="mine/config")
    for path in Path("mine/config/rules").glob("*.yaml"):
        path.unlink()
    Path("mine/config/rules/only.yaml").write_text(NEVER, "utf-8")
    assert before.findings
    assert analyse(LINE, config="mine/config").findings == ()


def test_a_workspace_lists_what_is_stored_and_lets_it_out_masked(folder: Path) -> None:
    with Workspace.open() as workspace:
        assert (workspace.orders(), workspace.calls()) == ((ORDER,), ("given-1",))
        report = workspace.order_report(ORDER)
        assert "13812345678" not in repr(report)
        assert workspace.to_parquet("segments", "new/segments.parquet") == len(LINE["segments"])
        with pytest.raises(DocumentError, match="no table 'words'; expected calls, segments"):
            workspace.to_parquet("words", "words.parquet")
    table = pyarrow.parquet.read_table("new/segments.parquet")
    assert table.column_names == [column.name for column in KINDS["segments"].columns]
    assert "13812345678" not in repr(table.to_pylist())


def test_a_data_frame_has_the_columns_and_types_of_the_parquet_file(folder: Path) -> None:
    pytest.importorskip("pandas")
    with Workspace.open() as workspace:
        for kind, table in KINDS.items():
            frame = workspace.to_pandas(kind)
            assert list(frame.columns) == [column.name for column in table.columns]
            assert len(frame) == workspace.to_parquet(kind, f"{kind}.parquet")


def test_without_pandas_the_error_names_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with Workspace.open() as workspace, pytest.raises(DocumentError, match=r"pip install 'qareport\[pandas\]'"):
        workspace.to_pandas("calls")
