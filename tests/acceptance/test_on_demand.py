"""Reports by call, agent and day, exports and searches, as they are typed; exports are read back by other programs."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet
import pytest

from qareport.cli import main
from qareport.codec import from_json, to_json
from qareport.model import Call, FailedCall, Transcript
from qareport.privacy import LABELS
from qareport.settings import default_dir
from qareport.store import Store
from qareport.workflows.export import KINDS, writing
from qareport.workflows.export.writing import cell
from qareport.workflows.judge import RuleBook, judge_calls
from qareport.workflows.transcribe import TranscribedCall
from qareport.workflows.workspace import Workspace
from tests.support.command import run_qareport
from tests.support.paths import ROOT

PHONE = "13812345678"
Run = Callable[..., tuple[int, str, str]]
#: What is said in three calls of two agents on two days: (role, text, emotion), then its tags in a search.
TALKS = {
    "c1": (
        ("agent", "您好，请问有什么可以帮您？", "NEUTRAL"),
        ("customer", "我昨天下的单，什么时候发货？", "NEUTRAL"),
        ("customer", "你们是不是压单啊！我要退货！", "ANGRY"),
        ("customer", f"我的电话是{PHONE}", None),
    ),
    "c2": (
        ("customer", "=HYPERLINK(\"http://x\",\"退货\")", "NEUTRAL"),
        ("customer", "-1+1是多少", "NEUTRAL"),
        ("agent", "＝全角的也算", "HAPPY"),
    ),
    "c3": (("customer", "退货可以吗", "NEUTRAL"),),
}  # fmt: skip
BEGAN = {"c1": "2026-11-20T23:30:00+00:00", "c2": "2026-11-21T10:00:00+08:00", "c3": "2026-11-22T09:00:00+08:00"}
AGENTS = {"c1": "A017", "c2": "A023", "c3": "A017"}


def transcript(call_id: str) -> Transcript:
    segments = [
        {"start_ms": 6000 * n, "end_ms": 6000 * n + 2000, "role": role, "text": text, "emotion": emotion}
        for n, (role, text, emotion) in enumerate(TALKS[call_id])
    ]
    data = {
        "call_id": call_id,
        "order_id": f"2026{call_id}",
        "agent_id": AGENTS[call_id],
        "started_at": BEGAN[call_id],
        "segments": segments,
    }
    return from_json(Transcript, json.dumps(data), where=call_id)


@pytest.fixture(scope="module")
def rule_book() -> RuleBook:
    return Workspace.open(config=default_dir("config")).rule_book


def fill(url: str, rule_book: RuleBook) -> None:
    """Put three judged calls into a store, a failed one, and one that waits."""
    with Store(url) as store:
        items = []
        for call_id in TALKS:
            heard = transcript(call_id)
            call = Call(
                call_id=call_id,
                audio_path="",
                order_id=heard.order_id,
                agent_id=heard.agent_id,
                started_at=heard.started_at,
                customer_phone=PHONE,
            )
            store.transcripts.put(call_id, heard)
            items.append(TranscribedCall(call=call, key=call_id, transcript=heard))
        done, failures = judge_calls(items, store, rule_book, on_progress=lambda *_: None)
        assert (len(done), failures) == (3, ())
        began = datetime.fromisoformat("2026-11-22T10:00:00+08:00")
        broken = Call(call_id="c4", audio_path=f"{PHONE}.wav", order_id="2026c4", agent_id="A023", started_at=began)
        store.calls.put_failure(broken, FailedCall.of(broken, "decode", f"{PHONE}.wav: empty file"))
        store.calls.put(Call(call_id="c5", audio_path="", started_at=began))


@pytest.fixture
def url(store_url: str, rule_book: RuleBook) -> str:
    """A store of a test's own, in each database."""
    fill(store_url, rule_book)
    return store_url


@pytest.fixture(scope="module")
def shared_url(rule_book: RuleBook, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store for the tests that change nothing in it."""
    url = f"sqlite:///{tmp_path_factory.mktemp('shared') / 'store.db'}"
    fill(url, rule_book)
    return url


def _runner(url: str, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str | Path) -> tuple[int, str, str]:
        status = main(["--store", url, *map(str, arguments)])
        output = capsys.readouterr()
        return status, output.out, output.err

    return run


@pytest.fixture
def run(url: str, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command on a store of its own; returns status, stdout and stderr."""
    return _runner(url, capsys)


@pytest.fixture
def look(shared_url: str, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command that changes nothing on the shared store."""
    return _runner(shared_url, capsys)


# --- report -----------------------------------------------------------------------------------------------------------


def test_orders_are_chosen_by_call_agent_and_day(run: Run, tmp_path: Path) -> None:
    def orders(*arguments: str) -> list[str]:
        status, out, _ = run("report", *arguments, "--format", "json", "--out", tmp_path)
        assert status == 0
        return [Path(line).stem for line in out.splitlines()]

    assert orders("--call", "c2") == ["2026c2"]
    assert orders("--agent", "A017") == ["2026c1", "2026c3"]
    # 23:30 in London is the next morning in Shanghai.
    assert orders("--date", "2026-11-21") == ["2026c1", "2026c2"]
    assert orders("--date", "2026-11-22", "--agent", "A017") == ["2026c3"]
    assert orders("--date", "2026-11-22") == ["2026c3", "2026c4"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--agent", "A99"), "no agent 'A99'; in the store: A017, A023 …"),
        (("--call", "c9"), "no call 'c9'; in the store: c1, c2, c3, c4, c5 …"),
        (("--date", "2026-11-24"), "no call began then; the nearest days with calls: 2026-11-22"),
        (("--agent", "A017", "--call", "c2"), "no call is all of that at once"),
        (("2026c1", "--agent", "A017"), "name orders, or choose them by --call, --agent and --date"),
        (("--call", "c5"), "no result yet: c5; run `qareport run` or `daily` first"),
        ((), "name orders, or choose them by --call, --agent and --date"),
        (("nope", "--refresh"), "no order or call 'nope'; orders in the store: 2026c1"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(
    look: Run, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    status, _, err = look("report", *arguments, "--format", "json", "--out", tmp_path)
    assert status == 2
    assert says in err


def test_refresh_judges_with_todays_rules_and_does_nothing_when_nothing_changed(
    run: Run, url: str, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    shutil.copytree(default_dir("config"), config)
    report = ("report", "2026c1", "--format", "json", "--out", tmp_path, "--config", config)
    assert run(*report)[0] == 0
    before = json.loads((tmp_path / "2026c1.json").read_text("utf-8"))
    assert "test.new" not in to_text(before)
    (config / "rules" / "new.yaml").write_text(
        "schema: 1\nrules:\n  - id: test.new\n    title: 压单\n    severity: major\n    points: -10\n"
        "    category: 物流\n    when:\n      customer says: [压单]\n    advice: 说明发货时间。\n",
        "utf-8",
    )
    assert run(*report)[0] == 0
    assert "test.new" not in (tmp_path / "2026c1.json").read_text("utf-8")
    assert run(*report, "--refresh") == (0, f"{tmp_path / '2026c1.json'}\n", "")
    after = (tmp_path / "2026c1.json").read_text("utf-8")
    assert "test.new" in after
    assert run(*report, "--refresh")[0] == 0
    assert (tmp_path / "2026c1.json").read_text("utf-8") == after
    with Store(url) as store:
        assert store.orders.get("2026c3").rules_sha256 != store.orders.get("2026c1").rules_sha256
    status, out, _ = run("search", "rule:test.new AND 压单", "--count")
    assert (status, out) == (0, "1 sentences in 1 calls\n")


def test_a_call_without_its_transcript_keeps_its_result_and_says_so(run: Run, url: str, tmp_path: Path) -> None:
    import sqlalchemy

    with Store(url) as store, store.database.write() as session:
        session.execute(sqlalchemy.text("DELETE FROM transcripts WHERE call_id = 'c3'"))
    status, out, err = run("report", "2026c3", "--refresh", "--format", "json", "--out", tmp_path)
    assert status == 1
    assert "c3: no transcript is stored, so its last result stays" in err
    assert Path(out.strip()).exists()


def test_neither_refresh_nor_search_nor_export_nor_status_loads_an_engine(shared_url: str, tmp_path: Path) -> None:
    script = (
        "import sys; from qareport.cli import main\n"
        f"for line in (['report', '2026c1', '--refresh', '--format', 'docx'], ['search', '退货'], "
        f"['export', 'segments'], ['status']):\n    assert main(['--store', {shared_url!r}, *line]) < 2, line\n"
        "print('LOADED', sorted({'torch', 'funasr', 'silero_vad', 'openpyxl', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1:] == ["LOADED []"], done.stderr


# --- export -----------------------------------------------------------------------------------------------------------


def to_text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def read_csv(path: Path) -> list[dict[str, str]]:
    content = path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf"), "without a byte order mark Excel shows no Chinese"
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def read_xlsx(path: Path) -> list[dict[str, Any]]:
    (sheet,) = openpyxl.load_workbook(path).worksheets
    names, *rows = sheet.iter_rows()
    assert all(sheet_cell.data_type != "f" for row in rows for sheet_cell in row), "no cell is a formula"
    return [{str(name.value): value.value for name, value in zip(names, row, strict=True)} for row in rows]


def read_parquet(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pyarrow.parquet.read_table(path).to_pylist()
    return rows


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_holds_the_same_rows(look: Run, tmp_path: Path, kind: str) -> None:
    readers = {"csv": read_csv, "xlsx": read_xlsx, "parquet": read_parquet, "jsonl": read_jsonl}
    tables: dict[str, list[dict[str, Any]]] = {}
    for name, read in readers.items():
        path = tmp_path / f"{kind}.{name}"
        status, out, err = look("export", kind, "-o", path)
        assert (status, out) == (0, f"{path}\n"), err
        tables[name] = read(path)
        assert [*tables[name][0]] == [column.name for column in KINDS[kind].columns]
    assert len({len(rows) for rows in tables.values()}) == 1
    for plain, sheet, typed, text in zip(
        tables["jsonl"], tables["xlsx"], tables["parquet"], tables["csv"], strict=True
    ):
        for column in KINDS[kind].columns:
            value = plain[column.name]
            if column.kind == "time" and value is not None:
                at = datetime.fromisoformat(value)
                assert (typed[column.name], datetime.fromisoformat(text[column.name])) == (at, at)
                assert sheet[column.name] == at.replace(tzinfo=None)
                continue
            assert typed[column.name] == value, column.name
            made = cell(value)
            assert sheet[column.name] == (None if made == "" else made), column.name
            expected = {True: "true", False: "false", None: ""}.get(made, made) if made in (True, False, None) else made
            assert text[column.name] == (str(made) if type(made) in (int, float) else expected), column.name
    assert list(tmp_path.glob(".*.part")) == []


def test_sentences_have_their_tags_and_no_personal_data(look: Run, tmp_path: Path) -> None:
    look("export", "segments", "-o", tmp_path / "s.jsonl", "--order", "2026c1")
    rows = read_jsonl(tmp_path / "s.jsonl")
    assert [row["segment"] for row in rows] == [1, 2, 3, 4]
    assert rows[1]["rich_text"] == "我昨天下的单，什么时候发货？[NEUTRAL][SILENCE]"
    assert rows[2]["rich_text"].startswith("你们是不是压单啊！我要退货！[ANGRY]")
    assert rows[3]["text"] == f"我的电话是{LABELS['phone']}"
    assert (rows[0]["started_at"], rows[0]["emotion"]) == ("2026-11-21T07:30:00+08:00", "NEUTRAL")


def test_privacy_switched_off_shows_what_was_said(look: Run, tmp_path: Path) -> None:
    (tmp_path / "qareport.yaml").write_text("privacy: {enabled: false}\n", "utf-8")
    shown = ("--config", tmp_path)
    assert PHONE in look("export", "segments", "--format", "jsonl", *shown)[1]
    assert PHONE in look("search", "我的电话", *shown)[1]
    for kind in (*KINDS, "text"):
        assert PHONE not in look("export", kind)[1], kind
    assert PHONE not in look("search", "我的电话")[1]


def test_failed_and_waiting_calls_are_rows_too(run: Run, tmp_path: Path) -> None:
    run("export", "calls", "-o", tmp_path / "c.jsonl")
    rows = {row["call_id"]: row for row in read_jsonl(tmp_path / "c.jsonl")}
    assert [row["state"] for row in rows.values()] == ["judged", "judged", "judged", "failed", "waiting"]
    assert (rows["c4"]["failed_step"], rows["c4"]["failure"]) == ("decode", "[电话].wav: empty file")
    assert rows["c1"]["customer_phone"] == "138****5678"
    assert isinstance(rows["c1"]["score"], int)
    assert rows["c5"]["score"] is None


def test_calls_are_chosen_by_day_order_and_agent(run: Run) -> None:
    def calls(*arguments: str) -> list[str]:
        out = run("export", "calls", "--format", "jsonl", *arguments)[1]
        return [json.loads(line)["call_id"] for line in out.splitlines()]

    assert calls("--since", "2026-11-22") == ["c3", "c4", "c5"]
    assert calls("--until", "2026-11-21") == ["c1", "c2"]
    assert calls("--since", "2026-11-21", "--until", "2026-11-21", "--agent", "A023") == ["c2"]
    assert calls("--order", "2026c1", "--order", "2026c4") == ["c1", "c4"]
    status, _, err = run("export", "calls", "--since", "2027-01-01")
    assert (status, "the nearest days with calls: 2026-11-22" in err) == (2, True)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+86", "'+86"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "' =1"),
        ("\r=1", "' =1"),
        ("  =1", "'  =1"),
        ("＝1", "'＝1"),
        (["=1", "b"], "'=1 | b"),
        ("1-1=0", "1-1=0"),
        (-1, -1),
        (-0.5, -0.5),
        (True, True),
        (None, None),
        ("bell\x07", "bell\ufffd"),
    ],
)
def test_no_text_becomes_a_formula_and_numbers_stay_numbers(value: object, shown: object) -> None:
    assert cell(value) == shown
    assert type(cell(value)) is type(shown)


def test_formulas_that_were_said_are_text_in_a_spreadsheet(look: Run, tmp_path: Path) -> None:
    for name, read in (("csv", read_csv), ("xlsx", read_xlsx)):
        look("export", "segments", "-o", tmp_path / f"s.{name}", "--order", "2026c2")
        texts = [row["text"] for row in read(tmp_path / f"s.{name}")]
        assert texts == ['\'=HYPERLINK("http://x","退货")', "'-1+1是多少", "'＝全角的也算"]
    look("export", "segments", "-o", tmp_path / "s.jsonl", "--order", "2026c2")
    assert read_jsonl(tmp_path / "s.jsonl")[0]["text"] == TALKS["c2"][0][1]


def test_rows_that_do_not_fit_on_a_sheet_go_on_on_the_next_and_cut_cells_are_told(
    look: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_SHEET_ROWS", 4)
    monkeypatch.setattr(writing, "_CELL_CHARACTERS", 12)
    status, _, err = look("export", "segments", "-o", tmp_path / "s.xlsx")
    assert status == 0
    sheets = openpyxl.load_workbook(tmp_path / "s.xlsx").worksheets
    assert [(sheet.title, sheet.max_row) for sheet in sheets] == [("segments", 4), ("segments 2", 4), ("segments 3", 3)]
    column = [known.name for known in KINDS["segments"].columns].index("text")
    heads, columns = zip(*((sheet[1][column], sheet[2 : sheet.max_row]) for sheet in sheets), strict=True)
    assert [head.value for head in heads] == ["text"] * 3
    texts = [row[column].value for rows in columns for row in rows]
    assert [text[:5] for text in texts] == [cell(line[1])[:5] for talk in TALKS.values() for line in talk]
    assert "the rows continue on further sheets, 3 in all" in err
    assert "cells that end with … are cut, " in err
    assert all(len(text) == 12 for text in texts if text.endswith("…"))


def test_text_is_found_in_any_editor(look: Run, tmp_path: Path) -> None:
    assert look("export", "text", "-o", tmp_path / "all.txt")[0] == 0
    content = (tmp_path / "all.txt").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    lines = content.decode("utf-8-sig").splitlines()
    angry = [line for line in lines if "[ANGRY]" in line and "退货" in line]
    assert [line[: line.index("[")] for line in angry] == ["0:12 客户：你们是不是压单啊！我要退货！"]
    assert lines[0].startswith("# 通话 c1　订单 2026c1　客服 A017　开始 2026-11-21 07:30:00+08:00　得分 ")
    assert "# 通话 c5　开始 2026-11-22 10:00:00+08:00　尚未处理" in lines
    assert look("export", "text", "-o", f"{tmp_path}/texts/")[0] == 0
    assert sorted(path.name for path in (tmp_path / "texts").iterdir()) == [f"c{n}.txt" for n in range(1, 6)]
    assert "退货可以吗[NEUTRAL]" in (tmp_path / "texts" / "c3.txt").read_text("utf-8-sig")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("calls", "--format", "xlsx"), "xlsx is no text: name a file with -o FILE"),
        (("calls", "-o", "calls.doc"), "no such format: doc; expected csv, xlsx, parquet, jsonl"),
        (("text", "--format", "csv"), "leave --format away"),
        (("nothing",), "'nothing' is not one of"),
        (("calls", "-o", "/dev/null/x.csv"), "cannot be written"),
    ],
)
def test_an_export_that_cannot_be_says_why(look: Run, arguments: tuple[str, ...], says: str) -> None:
    status, _, err = look("export", *arguments)
    assert status == 2
    assert says in err


def test_every_column_is_described() -> None:
    page = (ROOT / "docs" / "guide" / "search-and-export.md").read_text("utf-8")
    for table in KINDS.values():
        for column in table.columns:
            assert f"`{column.name}`" in page, (table.name, column.name)


# --- search -----------------------------------------------------------------------------------------------------------


def test_a_search_shows_when_whose_and_what_with_the_hits_marked(run: Run) -> None:
    status, out, err = run("search", "ANGRY AND 退货")
    assert (status, err) == (0, "1 sentences in 1 calls\n")
    assert out.startswith("2026-11-21 07:30  2026c1  c1  0:12  customer  你们是不是压单啊！我要【退货】！[ANGRY]")
    _, out, err = run("search", "退货", "--limit", "1")
    assert (out.split("  ")[2], err) == ("c3", "3 sentences in 3 calls\nThe newest 1 are shown; --limit shows more.\n")
    assert run("search", "ANGRY", "NOT", "退货")[1] == ""


def test_a_search_as_json_says_where_the_hits_are(look: Run) -> None:
    answer = json.loads(look("search", "--in", "call", "您好 ANGRY", "--format", "json")[1])
    assert (answer["query"], answer["in"], answer["sentences"], answer["calls"]) == ("您好 ANGRY", "call", 2, 1)
    first, second = answer["hits"]
    assert [first["text"][start:end] for start, end in first["marks"]] == ["您好"]
    assert (second["call_id"], second["start_ms"], second["marks"]) == ("c1", 12000, [])
    assert "ANGRY" in second["tags"]
    assert date.fromisoformat(second["started_at"][:10]) == date(2026, 11, 20)


def test_a_wrong_query_names_the_place(look: Run) -> None:
    status, out, err = look("search", "ANGRY AND (退货")
    assert (status, out) == (2, "")
    assert err == "qareport: query, character 11: unclosed (; expected a ) after it\n"


# --- logs -------------------------------------------------------------------------------------------------------------


def test_logs_are_one_event_a_step_with_the_call_in_it_and_nothing_that_was_said(tmp_path: Path) -> None:
    lines = [json.loads(to_json(transcript(name))) for name in ("c1", "c2")]
    given = tmp_path / "calls.jsonl"
    given.write_text("".join(to_text(line) + "\n" for line in lines), "utf-8")
    ran = run_qareport(["--log-format", "json", "analyse", given, "--format", "json"], cwd=tmp_path)
    assert ran.status == 0
    events = [json.loads(line) for line in ran.stderr.splitlines()]
    assert [(event["step"], event["outcome"], event.get("call_id") or event["call_ids"]) for event in events] == [
        ("analyse", "done", "c1"),
        ("analyse", "done", "c2"),
        ("render", "done", ["c1"]),
        ("render", "done", ["c2"]),
    ]
    assert all(isinstance(event["duration_ms"], int) and datetime.fromisoformat(event["time"]) for event in events)
    assert PHONE not in ran.stderr
    assert "压单" not in ran.stderr
    ran = run_qareport(["report", "nope", "--log-format", "json"], cwd=tmp_path)
    (line,) = ran.stderr.splitlines()
    assert ran.status == 2
    assert (json.loads(line)["level"], "no order or call 'nope'" in line) == ("ERROR", True)
