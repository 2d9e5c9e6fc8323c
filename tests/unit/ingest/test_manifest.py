"""Manifests as people's programs write them: Excel workbooks, CSV from a Chinese Excel, and what is wrong in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest

from qareport.errors import ConfigError
from qareport.ingest import read_manifest

HEAD = ("audio", "order_id", "agent_id", "started_at", "customer_phone")


def workbook(path: Path, *rows: Sequence[object], title: str = "通话") -> Path:
    """A workbook with a sheet of notes before the one that is the manifest."""
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.title = "说明"
    book.active.append(["这张表不是清单"])
    sheet = book.create_sheet(title)
    for row in rows:
        sheet.append(list(row))
    book.save(path)
    return path


def problems(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_manifest(path)
    return [str(problem).replace(f"{path.parent}/", "") for problem in caught.value.problems]


def test_a_workbook_gives_real_dates_and_numbers_as_the_texts_that_they_stand_for(tmp_path: Path) -> None:
    began = datetime(2026, 11, 21, 9, 13, 5)  # noqa: DTZ001 - Excel knows no zones
    path = workbook(
        tmp_path / "m.xlsx",
        HEAD,
        ("a.wav", 20261105000042, "A017", began, 13800001234),
        (),
        ("b.wav", "00042", 17.0, "2026/11/21 9:14", None),
        ("c.wav", 7, None, "2026-11-21T09:13:05+00:00", None),
    )
    first, second, third = read_manifest(path)
    assert (first.order_id, first.customer_phone) == ("20261105000042", "13800001234")
    assert (second.order_id, second.agent_id, third.order_id) == ("00042", "17", "7")
    starts = [call.started_at.isoformat() for call in (first, second, third) if call.started_at]
    assert starts == ["2026-11-21T09:13:05+08:00", "2026-11-21T09:14:00+08:00", "2026-11-21T09:13:05+00:00"]


def test_times_without_an_offset_are_those_of_the_zone_in_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("audio,started_at\na.wav,2026-07-01 09:00\nb.wav,2026-12-01 09:00:00\n")
    summer, winter = read_manifest(path, "America/New_York")
    assert summer.started_at is not None
    assert winter.started_at is not None
    assert (summer.started_at.isoformat(), winter.started_at.isoformat()) == (
        "2026-07-01T09:00:00-04:00",
        "2026-12-01T09:00:00-05:00",
    )


def test_an_id_that_a_number_format_shows_with_zeros_keeps_them(tmp_path: Path) -> None:
    path = workbook(tmp_path / "m.xlsx", HEAD, ("a.wav", 1, 17))
    book = openpyxl.load_workbook(path)
    book["通话"]["C2"].number_format = "0000"
    book.save(path)
    assert read_manifest(path)[0].agent_id == "0017"


def test_every_bad_row_of_a_workbook_is_reported_with_its_sheet_and_row(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "m.xlsx",
        HEAD,
        ("a.wav", 20261105000042123456, None, None),
        (None, "o2", None, None),
        ("c.wav", "o3", None, 46347.5),
        ("d.wav", "o4", None, "下午三点"),
        ("e.wav",),
        ("e.wav",),
        ("f.wav", "o5", None, None, 138000012341380000),
    )
    found = problems(path)
    places = [line.partition(": ")[0] for line in found]
    assert places == [f"m.xlsx sheet '通话' row {row}" for row in (2, 3, 4, 5, 7, 8)]
    assert (
        "order_id: a number of more than 15 digits, of which Excel keeps only 15; format the column as text" in found[0]
    )
    assert "before the year 2000" in found[2]
    assert "started_at: no time that can be read; write it like 2026-11-21T09:13:05+08:00" in found[3]
    assert "'e' is given twice; first given on m.xlsx sheet '通话' row 6" in found[4].replace(f"{tmp_path}/", "")
    assert "13800001234" not in found[5], "a telephone number stands in no message"


@pytest.mark.parametrize(
    ("name", "meant"),
    [("ordr_id", "order_id"), ("Agent ID", "agent_id"), ("channel", "channels"), ("STARTED_AT", "started_at")],
)
def test_a_column_that_was_hardly_meant_to_be_left_alone_is_an_error(tmp_path: Path, name: str, meant: str) -> None:
    path = tmp_path / "m.csv"
    path.write_text(f"audio,{name}\na.wav,\nb.wav,\n", "utf-8")
    assert problems(path) == [f"m.csv:2:1: no such column: {name!r}; did you mean {meant!r}?"]
    path = workbook(tmp_path / "m.xlsx", ("audio", name), ("a.wav", "x"))
    assert problems(path) == [f"m.xlsx sheet '通话' row 2: no such column: {name!r}; did you mean {meant!r}?"]


def test_columns_of_the_business_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("audio,order_id,orders,order_no,remarks,start,agent,备注\na.wav,o1,2,9,x,y,z,w\n", "utf-8")
    (call,) = read_manifest(path)
    assert call.order_id == "o1"


def test_an_error_in_a_cell_is_named(tmp_path: Path) -> None:
    path = workbook(tmp_path / "m.xlsx", HEAD, ("a.wav", "#N/A"))
    assert problems(path) == ["m.xlsx sheet '通话' row 2: order_id: the cell holds an error (#N/A); fix the formula"]


def test_a_workbook_without_an_audio_column_names_the_columns_that_there_are(tmp_path: Path) -> None:
    path = workbook(tmp_path / "m.xlsx", ("录音", "订单"), ("a.wav", "o1"))
    (found,) = problems(path)
    assert found == "m.xlsx sheet '说明': the columns are 这张表不是清单; expected at least a column named audio"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", b"<html>an error page</html>"])
def test_a_file_that_is_no_workbook_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.xlsx"
    path.write_bytes(content)
    (found,) = problems(path)
    assert found.startswith("m.xlsx: cannot be read: ")
    assert "expected a workbook (.xlsx)" in found


def test_an_old_excel_file_says_how_to_save_it(tmp_path: Path) -> None:
    (tmp_path / "m.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    assert problems(tmp_path / "m.xls") == ["m.xls: is an old Excel file; save it as .xlsx or .csv"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_csv_is_read_as_excel_in_china_writes_it(tmp_path: Path, encoding: str, delimiter: str) -> None:
    path = tmp_path / "m.csv"
    rows = ("audio,order_id,agent_id,started_at", "录音一.wav,20261105000042,王芳𠮷,2026/11/21 9:13")
    path.write_text("\r\n".join(rows).replace(",", delimiter), encoding, newline="")
    (call,) = read_manifest(path)
    assert (call.call_id, call.order_id, call.agent_id) == ("录音一", "20261105000042", "王芳𠮷")
    assert call.started_at is not None
    assert call.started_at.isoformat() == "2026-11-21T09:13:00+08:00"


def test_a_number_in_json_loses_no_digits(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text('{"audio": "a.wav", "order_id": 20261105000042.0, "agent_id": 123456789012345678}\n')
    (call,) = read_manifest(path)
    assert (call.order_id, call.agent_id) == ("20261105000042", "123456789012345678")
