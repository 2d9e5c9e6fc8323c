"""Manifests as programs write them: what a cell means, which rows are one call, what is wrong with a row."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qareport import messages
from qareport.errors import ConfigError
from qareport.ingest import Manifest, read_manifest
from qareport.model import Role
from qareport.settings import IngestSettings


def csv(folder: Path, *lines: str, name: str = "m.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def problems(manifest: Manifest) -> list[str]:
    return [str(problem).replace(f"{manifest.path.parent}/", "") for problem in manifest.problems]


def refusal(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_manifest(path)
    return [str(problem).replace(f"{path.parent}/", "") for problem in caught.value.problems]


# --- cells ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "order"),
    [
        ("20241105000042.0", "20241105000042"),
        ("'20241105000042", "20241105000042"),
        ('"=""20241105000042"""', "20241105000042"),
        ("\u200b２０２４11０5000042", "20241105000042"),
        ("NULL", None),
        ("nan", None),
        ("None", None),
        ("-", None),
        ("N/A", None),
        ("不详", None),
        ("0", None),
        ("2024 1105 0000 42", "20241105000042"),
        ('"1,234,567"', "1234567"),
        ("“20241105000042”", "20241105000042"),
        ("20241105/000042", "20241105/000042"),
    ],
)
def test_an_order_is_what_the_cell_means(tmp_path: Path, cell: str, order: str | None) -> None:
    (call,) = read_manifest(csv(tmp_path, "audio,order_id,agent_id", f"a.wav,{cell},A017")).calls
    assert (call.order_id, call.agent_id) == (order, "A017")


@pytest.mark.parametrize("cell", ["20241105000042；20241105000043", "20241105000042 20241105000043"])
def test_two_orders_in_one_cell_are_no_order(tmp_path: Path, cell: str) -> None:
    manifest = read_manifest(csv(tmp_path, "audio,order_id", f"a.wav,{cell}"))
    assert problems(manifest) == ["m.csv:2:1: order_id: more than one number; expected one: its calls are found by it"]


@pytest.mark.parametrize("cell", ["anonymous", "匿名", "-1", "保密"])
def test_callers_who_withhold_their_number_are_not_one_customer(tmp_path: Path, cell: str) -> None:
    (call,) = read_manifest(csv(tmp_path, "audio,customer_phone", f"a.wav,{cell}")).calls
    assert call.customer_phone is None


def test_a_phone_number_that_became_a_fraction_is_found_by_its_digits(tmp_path: Path) -> None:
    (call,) = read_manifest(csv(tmp_path, "audio,customer_phone", "a.wav,13800001234.0")).calls
    assert call.customer_phone == "13800001234"


@pytest.mark.parametrize("heading", ["external_ref", "工单号", "Ticket No.", "工单编号"])
def test_the_ticket_of_a_call_keeps_every_character_of_its_number(tmp_path: Path, heading: str) -> None:
    (call,) = read_manifest(csv(tmp_path, f"audio,单号,{heading}", "a.wav,o1,00042.0")).calls
    assert (call.order_id, call.external_ref) == ("o1", "00042")


@pytest.mark.parametrize("heading", ["shop", "店铺", "Store name", "门店"])
def test_the_shop_of_a_call_is_known_by_what_people_call_it(tmp_path: Path, heading: str) -> None:
    (call,) = read_manifest(csv(tmp_path, f"audio,{heading}", "a.wav,安心旗舰店")).calls
    assert call.shop == "安心旗舰店"


def test_two_legs_with_different_tickets_are_refused(tmp_path: Path) -> None:
    path = csv(tmp_path, "audio,call_id,channels,工单号", "a.wav,1,agent,7", "b.wav,1,customer,8")
    (found,) = problems(read_manifest(path))
    assert "external_ref: the two legs of call 1 differ" in found


@pytest.mark.parametrize(
    "cell",
    [
        "20241105091305",
        "2024年11月5日9时13分5秒",
        "2024/11/5 9:13:05",
        "1730769185",
        "2024年11月5日 星期二 9:13:05",
        "2024-11-05 9時13分5秒",
        "2024-11-05 01:13:05 UTC",
    ],
)
def test_a_start_is_read_as_people_and_recorders_write_it(tmp_path: Path, cell: str) -> None:
    (call,) = read_manifest(csv(tmp_path, "audio,started_at", f"a.wav,{cell}")).calls
    assert call.started_at is not None
    assert call.started_at.astimezone().timestamp() == 1730769185


def test_each_row_that_cannot_be_used_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    manifest = read_manifest(
        csv(
            tmp_path,
            "audio,call_id,order_id,started_at,channels,customer_phone",
            "a.wav,,2.02411E+13,,,",
            "b.wav,,o2,0001-01-01 00:00,,",
            "c.wav,,o3,,boss|customer,",
            ",,o4,,,",
            "e.wav,1.2E+20,,,,",
            "f.wav,,,,,1.38E+10",
            "g.wav,,o7,,,,要退货，颜色不对",
            "h.wav,,o8,,,",
        )
    )
    found = problems(manifest)
    assert [line.split(": ")[0] for line in found] == [f"m.csv:{line}:1" for line in range(2, 9)]
    assert "order_id: a number that a spreadsheet has rounded (like 1.2E+13): its last digits are lost" in found[0]
    assert "started_at: a time in the year 1, when no call began" in found[1]
    assert "channels: no role: 'boss'; expected agent|customer (客服|客户)" in found[2]
    assert "no recording in the column audio" in found[3]
    assert "1.38E+10" not in found[5], "a telephone number stands in no message"
    assert "7 cells, and the heading has 6; put quotation marks round a cell that holds a comma" in found[6]
    assert [call.call_id for call in manifest.calls] == ["h"]
    assert [row.call and row.call.call_id for row in manifest.rows] == ["a", "b", "c", None, None, "f", "g", "h"]


def test_rows_of_commas_are_no_rows(tmp_path: Path) -> None:
    manifest = read_manifest(csv(tmp_path, "audio,order_id", "a.wav,o1", ",", "  ,  ", '"",NULL', ""))
    assert (len(manifest.calls), manifest.problems) == (1, ())


def test_times_without_an_offset_are_those_of_the_zone_in_the_settings(tmp_path: Path) -> None:
    path = csv(tmp_path, "audio,started_at", "a.wav,2026-07-01 09:00", "b.wav,2026-12-01 09:00:00")
    starts = [call.started_at.isoformat() for call in read_manifest(path, "America/New_York").calls if call.started_at]
    assert starts == ["2026-07-01T09:00:00-04:00", "2026-12-01T09:00:00-05:00"]


# --- columns ----------------------------------------------------------------------------------------------------------


def test_a_manifest_may_be_all_chinese(tmp_path: Path) -> None:
    path = csv(
        tmp_path,
        "录音文件,通话编号,订单号,客服/工号,开始时间,客户电话,声道,备注",
        "a.wav,C1,o1,A017,2026-11-21 09:13:05,13800001234,客服|客户,急",
        "b.wav,C2,o2,A018,2026-11-21 09:14:05,13800001235,混合,",
    )
    manifest = read_manifest(path)
    first, second = manifest.calls
    assert (first.audio_path, first.call_id, first.order_id, first.agent_id) == ("a.wav", "C1", "o1", "A017")
    assert (first.customer_phone, first.channel_roles) == ("13800001234", (Role.AGENT, Role.CUSTOMER))
    assert first.started_at is not None
    assert second.channel_roles == (Role.UNKNOWN,)
    assert manifest.unknown_columns == ("备注",)


@pytest.mark.parametrize("name", ["Agent ID", "AGENT-ID", " agent_id ", "工号", "\ufeff工号", "Ａgent id"])
def test_case_spaces_and_width_of_a_heading_do_not_matter(tmp_path: Path, name: str) -> None:
    (call,) = read_manifest(csv(tmp_path, f"audio,{name}", "a.wav,A017")).calls
    assert call.agent_id == "A017"


def test_a_heading_that_looks_like_a_typing_error_is_refused_before_any_work(tmp_path: Path) -> None:
    path = csv(tmp_path, "audio,ordr_id", "a.wav,o1", "b.wav,o2")
    assert refusal(path) == ["m.csv: no such column: 'ordr_id'; did you mean 'order_id'?"]


def test_other_headings_are_named_with_what_may_have_been_meant(tmp_path: Path) -> None:
    manifest = read_manifest(csv(tmp_path, "audio,remarks,电话号,", "a.wav,x,13800001234,"))
    assert [str(name) for name in manifest.unknown_columns] == ["remarks", "电话号 (did you mean 电话号码?)"]


@pytest.mark.parametrize(
    ("heading", "called"),
    [
        ("order_id,order_id", "order_id, order_id"),
        ("订单号,订单编号", "订单号, 订单编号"),
        ("order id,订单", "order id, 订单"),
    ],
)
def test_two_columns_for_the_same_are_refused(tmp_path: Path, heading: str, called: str) -> None:
    path = csv(tmp_path, f"audio,{heading}", "a.wav,o1,7")
    assert refusal(path) == [f"m.csv: two columns for order_id: {called}; rename or delete one of them"]


def test_the_column_with_the_name_itself_wins_over_others_for_the_same(tmp_path: Path) -> None:
    (call,) = read_manifest(csv(tmp_path, "audio,order_no,order_id,订单号", "a.wav,9,o1,8")).calls
    assert call.order_id == "o1"


@pytest.mark.parametrize(
    ("content", "said"), [("", "it has no heading"), ("name,order\nx,y\n", "the columns are name, order")]
)
def test_a_manifest_without_an_audio_column_names_those_that_it_has(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "m.csv"
    path.write_text(content)
    assert refusal(path)[0] == f"m.csv: {said}; expected at least a column named audio (录音文件)"


# --- legs and repeated ids --------------------------------------------------------------------------------------------


def test_two_rows_of_a_call_with_one_role_each_are_its_legs(tmp_path: Path) -> None:
    path = csv(
        tmp_path,
        "audio,call_id,channels,order_id",
        "7001-out.wav,7001,客服,o1",
        "b.wav,7002,,o2",
        "7001-in.wav,7001,in,",
    )
    manifest = read_manifest(path)
    legs, other = manifest.rows
    assert legs.call is not None
    assert (legs.call.audio_path, legs.other_leg, legs.call.order_id) == ("7001-out.wav", "7001-in.wav", "o1")
    assert legs.call.channel_roles == (Role.AGENT, Role.CUSTOMER)
    assert other.other_leg == ""


def test_the_words_for_legs_are_those_of_the_settings(tmp_path: Path) -> None:
    path = csv(tmp_path, "audio,call_id,channels", "a.wav,1,far", "b.wav,1,near")
    (row,) = read_manifest(path, settings=IngestSettings(legs={"far": "customer", "near": "agent"})).rows
    assert row.call is not None
    assert row.call.channel_roles == (Role.CUSTOMER, Role.AGENT)


def test_legs_that_contradict_each_other_are_named(tmp_path: Path) -> None:
    path = csv(tmp_path, "audio,call_id,channels,order_id", "a.wav,1,agent,o1", "b.wav,1,customer,o2")
    (found,) = problems(read_manifest(path))
    assert found == "m.csv:3:1: order_id: the two legs of call 1 differ; write the same in both rows"


@pytest.mark.parametrize(
    ("first", "second"), [("", ""), ("agent", "agent"), ("agent|customer", "agent"), ("mixed", "in")]
)
def test_a_call_that_is_given_twice_is_read_once_and_the_second_is_named(
    tmp_path: Path, first: str, second: str
) -> None:
    path = csv(tmp_path, "audio,call_id,channels", f"a.wav,1,{first}", f"b.wav,1,{second}", "c.wav,2,")
    manifest = read_manifest(path)
    assert [call.audio_path for call in manifest.calls] == ["a.wav", "c.wav"]
    (found,) = problems(manifest)
    assert found.startswith("m.csv:3:1: call_id '1' is given twice; first given in ")


# --- files ------------------------------------------------------------------------------------------------------------


def test_an_old_excel_file_says_how_to_save_it(tmp_path: Path) -> None:
    for name in ("m.xls", "m.xlsx"):  # Excel encrypts a workbook into the old form
        (tmp_path / name).write_bytes(b"\xd0\xcf\x11\xe0")
        (found,) = refusal(tmp_path / name)
        assert found == (
            f"{name}: is an old Excel file, or one with a password; save it as .xlsx or .csv, without a password"
        )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_csv_is_read_as_excel_in_china_writes_it(tmp_path: Path, encoding: str, delimiter: str) -> None:
    path = tmp_path / "m.csv"
    rows = ("audio,order_id,agent_id,started_at", "录音一.wav,20261105000042,王芳𠮷,2026/11/21 9:13")
    path.write_text("\r\n".join(rows).replace(",", delimiter), encoding, newline="")
    (call,) = read_manifest(path).calls
    assert (call.call_id, call.order_id, call.agent_id) == ("录音一", "20261105000042", "王芳𠮷")
    assert call.started_at is not None
    assert call.started_at.isoformat() == "2026-11-21T09:13:00+08:00"


@pytest.mark.parametrize(
    "above", ["十一月通话清单,,", "sep=,", "\n\n", "制表：张三,2026-11-30\n\n说明：请勿修改"], ids=repr
)
def test_titles_may_stand_above_the_heading(tmp_path: Path, above: str) -> None:
    (call,) = read_manifest(csv(tmp_path, above, "录音文件,订单号,工号", "a.wav,1,A017")).calls
    assert (call.call_id, call.order_id, call.agent_id) == ("a", "1", "A017")


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_columns_none_of_which_is_known_are_listed_one_by_one(tmp_path: Path, delimiter: str) -> None:
    (said,) = refusal(csv(tmp_path, "音轨,编码,日期".replace(",", delimiter), "a.wav,1,2".replace(",", delimiter)))
    assert "音轨, 编码, 日期" in said


def test_chinese_commas_between_columns_are_named(tmp_path: Path) -> None:
    assert refusal(csv(tmp_path, "audio，order_id", "a.wav，1")) == [
        "m.csv: its cells are divided by a Chinese mark (，); write English commas (,)"
    ]


def test_bars_divide_cells_too_and_joined_files_repeat_their_heading(tmp_path: Path) -> None:
    manifest = read_manifest(csv(tmp_path, "audio|order_id", "a.wav|1", "audio|order_id", "b.wav|2"))
    assert [(call.call_id, call.order_id) for call in manifest.calls] == [("a", "1"), ("b", "2")]


def test_utf_16_without_its_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_bytes("audio,order_id\n甲.wav,1\n".encode("utf-16-le"))
    assert [call.call_id for call in read_manifest(tmp_path / "m.csv").calls] == ["甲"]


def test_a_file_in_two_encodings_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_bytes("录音文件,订单号\n".encode() + "王芳.wav,1\n".encode("gbk"))
    (said,) = refusal(tmp_path / "m.csv")
    assert said.startswith("m.csv: is neither UTF-8 nor GB18030 (byte ")
    assert said.endswith("open it in Excel and save it as “CSV UTF-8”")


def test_a_name_that_is_given_twice_in_json_is_refused(tmp_path: Path) -> None:
    manifest = read_manifest(csv(tmp_path, '{"audio": "a.wav", "audio": "b.wav"}', name="m.jsonl"))
    assert problems(manifest) == ["m.jsonl:1:1: the name 'audio' is given twice; keep one of its values"]


@pytest.mark.parametrize("value", ["true", '["a.wav"]', '{"path": "a.wav"}'])
def test_what_is_no_text_names_no_recording(tmp_path: Path, value: str) -> None:
    manifest = read_manifest(csv(tmp_path, f'{{"audio": {value}}}', name="m.jsonl"))
    assert problems(manifest) == ["m.jsonl:1:1: audio: no name of a file; expected text"]


def test_only_line_ends_end_a_row(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text('audio,order_id,note\na.wav,1,x\u2028y\x0b\x85z\nb.wav,2,"two\r\nlines"\n', "utf-8", newline="")
    assert [(call.call_id, call.order_id) for call in read_manifest(path).calls] == [("a", "1"), ("b", "2")]


@pytest.mark.parametrize("name", ["m.jsonl", "m.json"])
def test_one_list_in_json_is_a_manifest_too(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(json.dumps([{"audio": "a.wav", "order_id": 1}, 5], indent=1), "utf-8")
    manifest = read_manifest(tmp_path / name)
    assert [(call.call_id, call.order_id) for call in manifest.calls] == [("a", "1")]
    assert problems(manifest) == [f"{name} [2]: not a JSON object"]


def test_a_list_within_an_object_is_a_manifest_too_and_a_name_given_twice_in_it_is_named(tmp_path: Path) -> None:
    path = csv(tmp_path, '{"calls": [{"audio": "a.wav"}, {"audio": "b.wav", "audio": "c.wav"}]}', name="m.json")
    manifest = read_manifest(path)
    assert [call.call_id for call in manifest.calls] == ["a"]
    assert problems(manifest) == ["m.json [2]: the name 'audio' is given twice; keep one of its values"]


@pytest.mark.parametrize("name", ["m.csv", "m.jsonl"])
def test_the_mark_with_which_dos_ends_a_file_is_no_row(tmp_path: Path, name: str) -> None:
    lines = ('{"audio": "a.wav"}',) if name == "m.jsonl" else ("audio", "a.wav")
    manifest = read_manifest(csv(tmp_path, *lines, "\x1a", name=name))
    assert [call.call_id for call in manifest.calls] == ["a"]
    assert problems(manifest) == []


def test_what_is_wrong_with_a_line_of_json_is_said_in_chinese(tmp_path: Path) -> None:
    with messages.speaking("zh"):
        (found,) = problems(read_manifest(csv(tmp_path, '{"audio": "a.wav" "order_id": 1}', name="m.jsonl")))
    assert "少了英文逗号" in found


def test_a_quotation_mark_that_is_never_closed_swallows_no_row_unseen(tmp_path: Path) -> None:
    manifest = read_manifest(csv(tmp_path, "audio,order_id", "a.wav,o1", '"b.wav,o2', "c.wav,o3"))
    (found,) = problems(manifest)
    assert found.startswith("m.csv:3:1: not CSV: ")
    assert "look for a quotation mark that is never closed" in found
    assert [call.call_id for call in manifest.calls] == ["a"]


def test_a_line_of_json_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    lines = ["nonsense", "[" * 100_000, "[1]", json.dumps({"audio": "a.wav", "订单号": 20261105000042.0, "note": {}})]
    path.write_text("\n".join(lines), "utf-8")
    manifest = read_manifest(path)
    (call,) = manifest.calls
    assert (call.call_id, call.order_id) == ("a", "20261105000042")
    assert [line.split(": ")[1].split(";")[0] for line in problems(manifest)] == [
        "not JSON", "nested too deeply", "not a JSON object",
    ]  # fmt: skip
    assert manifest.unknown_columns == ("note",)


def test_a_number_in_json_loses_no_digits(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text('{"audio": "a.wav", "order_id": 20261105000042.0, "agent_id": 123456789012345678}\n')
    (call,) = read_manifest(path).calls
    assert (call.order_id, call.agent_id) == ("20261105000042", "123456789012345678")
