"""Excel workbooks as manifests: what is shown counts, merged cells too, and a small file cannot claim a large one."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from openpyxl.chart import BarChart

from qareport.errors import ConfigError
from qareport.ingest import read_manifest, workbook

HEAD = ("audio", "order_id", "agent_id", "started_at", "customer_phone")


def save(path: Path, *rows: Sequence[object], title: str = "通话", merge: str = "") -> Path:
    """A workbook with a sheet of notes before the one that is the manifest."""
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.title = "说明"
    book.active.append(["这张表不是清单"])
    sheet = book.create_sheet(title)
    for row in rows:
        sheet.append(list(row))
    if merge:
        sheet.merge_cells(merge)
    book.save(path)
    return path


def with_sheet(path: Path, xml: str) -> Path:
    """Write a workbook whose second sheet is this XML."""
    save(path, ("audio",), ("a.wav",))
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/worksheets/sheet2.xml"] = (
        f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{xml}</worksheet>'
    ).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def refusal(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        read_manifest(path)
    return str(caught.value).replace(f"{path.parent}/", "")


def test_a_workbook_gives_real_dates_and_numbers_as_the_texts_that_they_stand_for(tmp_path: Path) -> None:
    began = datetime(2026, 11, 21, 9, 13, 5)  # noqa: DTZ001 - Excel knows no zones
    path = save(
        tmp_path / "m.xlsx",
        HEAD,
        ("a.wav", 20261105000042, "A017", began, 13800001234),
        (),
        ("b.wav", "00042", 17.0, "2026/11/21 9:14", None),
        ("c.wav", 7, None, "2026-11-21T09:13:05+00:00", None),
        ("d.wav", 8, None, 20261121091305, None),
    )
    first, second, third, fourth = read_manifest(path).calls
    assert (first.order_id, first.customer_phone) == ("20261105000042", "13800001234")
    assert (second.order_id, second.agent_id, third.order_id) == ("00042", "17", "7")
    starts = [call.started_at.isoformat() for call in (first, second, third, fourth) if call.started_at]
    assert starts == [
        "2026-11-21T09:13:05+08:00",
        "2026-11-21T09:14:00+08:00",
        "2026-11-21T09:13:05+00:00",
        "2026-11-21T09:13:05+08:00",
    ]


def test_an_id_that_a_number_format_shows_with_zeros_keeps_them(tmp_path: Path) -> None:
    path = save(tmp_path / "m.xlsx", HEAD, ("a.wav", 1, 17))
    book = openpyxl.load_workbook(path)
    book["通话"]["C2"].number_format = "0000"
    book.save(path)
    assert read_manifest(path).calls[0].agent_id == "0017"


def test_every_bad_row_of_a_workbook_is_named_with_its_sheet_and_row_and_the_others_are_read(tmp_path: Path) -> None:
    path = save(
        tmp_path / "m.xlsx",
        HEAD,
        ("a.wav", 20261105000042123456, None, None),
        (None, "o2", None, None),
        ("c.wav", "o3", None, 46347),
        ("d.wav", "o4", None, "下午三点"),
        ("e.wav",),
        ("e.wav",),
        ("f.wav", "o5", None, None, 138000012341380000),
        ("g.wav", "#N/A"),
        ("h.wav", 20241100000000.0),
    )
    manifest = read_manifest(path)
    found = [str(problem).replace(f"{tmp_path}/", "") for problem in manifest.problems]
    places = [line.partition(": ")[0] for line in found]
    assert places == [f"m.xlsx sheet '通话' row {row}" for row in (2, 3, 4, 5, 7, 8, 9, 10)]
    assert (
        "order_id: a number of more than 15 digits, of which Excel keeps only 15; format the column as text" in found[0]
    )
    assert "started_at: a number that is no time of a call" in found[2]
    assert "started_at: no time that can be read; expected a time such as 2026-11-21T09:13:05+08:00" in found[3]
    assert "'e' is given twice; first given in m.xlsx sheet '通话' row 6" in found[4].replace(f"{tmp_path}/", "")
    assert "13800001234" not in found[5], "a telephone number stands in no message"
    assert "order_id: the cell holds an error (#N/A); fix the formula" in found[6]
    assert "order_id: a number that a spreadsheet has rounded" in found[7]
    assert [call.call_id for call in manifest.calls] == ["e"]


def test_a_merged_cell_counts_in_each_of_its_rows(tmp_path: Path) -> None:
    rows = [("录音文件", "订单号", "工号"), ("a.wav", "o1", "A1"), ("b.wav", None, "A2"), ("c.wav", None, None)]
    path = save(tmp_path / "m.xlsx", *rows, ("d.wav", None, None), merge="B2:B4")
    assert [(call.order_id, call.agent_id) for call in read_manifest(path).calls] == [
        ("o1", "A1"), ("o1", "A2"), ("o1", None), (None, None),
    ]  # fmt: skip


def test_cells_that_are_merged_to_the_right_fill_no_other_column(tmp_path: Path) -> None:
    path = save(tmp_path / "m.xlsx", ("audio", "备注", "order_id"), ("a.wav", "急", None), merge="B2:C2")
    assert read_manifest(path).calls[0].order_id is None


def test_titles_may_stand_above_the_heading(tmp_path: Path) -> None:
    title = ("十一月通话清单", None, None)
    path = save(tmp_path / "m.xlsx", title, (), ("录音文件", "订单号"), ("a.wav", "1"), ("b.wav", None), merge="B4:B5")
    assert [(call.call_id, call.order_id) for call in read_manifest(path).calls] == [("a", "1"), ("b", "1")]


def test_a_formula_whose_result_was_not_saved_is_no_empty_cell(tmp_path: Path) -> None:
    manifest = read_manifest(save(tmp_path / "m.xlsx", HEAD, ("a.wav", "=B3"), ("b.wav", "7")))
    assert [(call.call_id, call.order_id) for call in manifest.calls] == [("b", "7")]
    (problem,) = manifest.problems
    assert "row 2: order_id: the cell holds a formula whose result was not saved" in str(problem)


def test_a_workbook_is_known_by_its_content(tmp_path: Path) -> None:
    path = save(tmp_path / "m.xlsx", HEAD, ("a.wav", "1")).rename(tmp_path / "m.csv")
    assert [call.order_id for call in read_manifest(path).calls] == ["1"]


def test_blank_rows_and_spaces_are_no_rows(tmp_path: Path) -> None:
    path = save(tmp_path / "m.xlsx", HEAD, ("a.wav",), ("  ", " "), (None, None), ("b.wav",))
    manifest = read_manifest(path)
    assert ([call.call_id for call in manifest.calls], manifest.problems) == (["a", "b"], ())


def test_sheets_that_are_charts_are_left_alone(tmp_path: Path) -> None:
    path = save(tmp_path / "m.xlsx", HEAD, ("a.wav",))
    book = openpyxl.load_workbook(path)
    book.create_chartsheet("空图")
    book.create_chartsheet("图").add_chart(BarChart())
    book.move_sheet("空图", -5)
    book.save(path)
    assert len(read_manifest(path).calls) == 1


def test_a_workbook_without_an_audio_column_names_the_columns_that_there_are(tmp_path: Path) -> None:
    path = save(tmp_path / "m.xlsx", ("recorder", "订单"), ("a.wav", "o1"))
    assert refusal(path) == (
        "m.xlsx sheet '说明': the columns are 这张表不是清单; expected at least a column named audio (录音文件)"
    )


def test_two_columns_for_the_same_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "m.xlsx", ("audio", "order_id", "order_id"), ("a.wav", "o1", 7))
    assert refusal(path).startswith("m.xlsx sheet '通话': two columns for order_id: order_id, order_id; rename")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", b"<html>an error page</html>"])
def test_a_file_that_is_no_workbook_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.xlsx"
    path.write_bytes(content)
    assert refusal(path).startswith("m.xlsx: cannot be read: ")
    assert "expected a workbook (.xlsx)" in refusal(path)


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/styles.xml", "xl/worksheets/sheet2.xml"])
@pytest.mark.parametrize("content", [b"", b"<a>", b"\x00\xff", b"<a/>"])
def test_a_damaged_workbook_is_refused_in_words(tmp_path: Path, part: str, content: bytes) -> None:
    path = save(tmp_path / "m.xlsx", HEAD, ("a.wav",))
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, whole in parts.items():
            archive.writestr(name, content if name == part else whole)
    try:
        manifest = read_manifest(path)
    except ConfigError as error:
        assert str(error).startswith(f"{path}")
    else:
        assert len(manifest.calls) == 1, "a part that is not needed"


# --- bounds -----------------------------------------------------------------------------------------------------------


def test_a_row_number_of_a_billion_is_only_a_number(tmp_path: Path) -> None:
    rows = f'<row r="1">{cell("A1", "audio")}</row><row r="999999999999">{cell("A999999999999", "a.wav")}</row>'
    path = with_sheet(tmp_path / "m.xlsx", f'<dimension ref="A1:XFD999999999"/><sheetData>{rows}</sheetData>')
    assert [call.call_id for call in read_manifest(path).calls] == ["a"]


def test_merged_cells_without_end_fill_the_rows_that_there_are(tmp_path: Path) -> None:
    rows = f'<row r="1">{cell("A1", "audio")}{cell("B1", "order_id")}</row>' + "".join(
        f'<row r="{row}">{cell(f"A{row}", f"{row}.wav")}{cell(f"B{row}", "o1") if row == 2 else ""}</row>'
        for row in range(2, 6)
    )
    merged = '<mergeCells><mergeCell ref="B2:B1048576"/></mergeCells>'
    path = with_sheet(tmp_path / "m.xlsx", f"<sheetData>{rows}</sheetData>{merged}")
    assert [call.order_id for call in read_manifest(path).calls] == ["o1"] * 4


@pytest.mark.parametrize(
    "xml",
    [
        "<sheetData>" + "<row/>" * 9000 + "</sheetData>",
        "<sheetData><row>" + "<c/>" * 9000 + "</row></sheetData>",
        "<x:sheetData><x:row>" + "<x:c/>" * 9000 + "</x:row></x:sheetData>",
        "<sheetData><row><c>" + "x" * 900_000 + "</c></row></sheetData>",
    ],
)
def test_what_a_few_kilobytes_unpack_to_is_bounded(tmp_path: Path, xml: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = with_sheet(tmp_path / "m.xlsx", xml.replace("<x:", "<").replace("</x:", "</"))
    monkeypatch.setattr(workbook, "MOST_ELEMENTS", 4000)
    monkeypatch.setattr(workbook, "MOST_BYTES", 500_000)
    assert path.stat().st_size < 12_000
    assert refusal(path).startswith("m.xlsx: the workbook is too large; expected at most ")
    assert refusal(path).endswith("save the sheet with the calls as .csv")


def test_too_many_rows_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 10)
    path = save(tmp_path / "m.xlsx", HEAD, *((f"{row}.wav",) for row in range(20)))
    assert "the workbook is too large; expected at most 10 rows" in refusal(path)
