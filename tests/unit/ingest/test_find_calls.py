"""Which calls there are: files, folders and URLs, joined with a manifest; nothing is lost between them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from qareport.errors import ConfigError, NotFoundError
from qareport.ingest import find_calls, read_manifest
from qareport.model import Role


def recording(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"not read here")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


def test_a_folder_gives_its_recordings_by_name_and_leaves_other_files(tmp_path: Path) -> None:
    for name in ("b.wav", "a.MP3", "deep/c.opus", "notes.txt"):
        recording(tmp_path / name)
    found = find_calls([str(tmp_path)], None, cache=tmp_path)
    assert [Path(call.audio_path).name for call in found.calls] == ["a.MP3", "b.wav", "c.opus"]
    assert [call.call_id for call in found.calls] == ["a", "b", "c"]


def test_files_of_one_name_in_two_folders_are_two_calls(tmp_path: Path) -> None:
    paths = [str(recording(tmp_path / folder / "call.wav")) for folder in ("x", "y")]
    assert [call.call_id for call in find_calls(paths, None, cache=tmp_path).calls] == ["call", "call-2"]


def test_an_id_made_of_a_file_name_holds_no_number_of_a_person(tmp_path: Path) -> None:
    (tmp_path / "day").mkdir()
    for name, content in (("13812345678.wav", b"first"), ("in_13912345678_A17.wav", b"second")):
        (tmp_path / "day" / name).write_bytes(content)
        os.utime(tmp_path / "day" / name, (1_700_000_000, 1_700_000_000))
    ids = [call.call_id for call in find_calls([str(tmp_path / "day")], None, cache=tmp_path).calls]
    digests = [hashlib.sha256(content).hexdigest()[:8] for content in (b"first", b"second")]
    assert ids == [f"x5678-{digests[0]}", f"in_x5678_A17-{digests[1]}"]


def test_a_file_named_outright_is_taken_whatever_its_ending(tmp_path: Path) -> None:
    path = recording(tmp_path / "call.bin")
    assert len(find_calls([str(path)], None, cache=tmp_path).calls) == 1


@pytest.mark.parametrize("name", ["nothing-here.wav", "empty-folder"])
def test_a_source_that_holds_nothing_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty-folder").mkdir()
    with pytest.raises(NotFoundError, match=name):
        find_calls([str(tmp_path / name)], None, cache=tmp_path)


def test_a_url_is_fetched_once(tmp_path: Path) -> None:
    recording(tmp_path / "far" / "call.wav")
    url = f"file://{tmp_path}/far"
    first = find_calls([url], None, cache=tmp_path / "cache").calls[0]
    before = Path(first.audio_path).stat().st_mtime_ns
    again = find_calls([url], None, cache=tmp_path / "cache").calls[0]
    assert Path(again.audio_path).read_bytes() == b"not read here"
    assert Path(again.audio_path).stat().st_mtime_ns == before
    assert Path(again.audio_path).parent.parent == tmp_path / "cache"
    assert again.call_id == "call"


def test_an_unknown_kind_of_url_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"nosuch://x: cannot be fetched: .*nosuch"):
        find_calls(["nosuch://x"], None, cache=tmp_path)


MANIFEST = """audio,call_id,order_id,agent_id,started_at,channels,customer_phone
a.wav,c1,o1,A017,2026-11-21T09:13:05+08:00,agent|customer,13800001234
b.wav,,o2,,,mixed,
"""


def test_a_manifest_says_what_the_business_knows_of_each_call(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(MANIFEST, encoding="utf-8-sig")
    recording(tmp_path / "a.wav")
    recording(tmp_path / "b.wav")
    first, second = find_calls([], tmp_path / "m.csv", cache=tmp_path).calls
    assert (first.call_id, first.order_id, first.agent_id) == ("c1", "o1", "A017")
    assert first.channel_roles == (Role.AGENT, Role.CUSTOMER)
    assert first.started_at is not None
    assert first.started_at.isoformat() == "2026-11-21T09:13:05+08:00"
    assert (second.call_id, second.channel_roles, second.agent_id) == ("b", (Role.UNKNOWN,), None)


def test_json_lines_are_a_manifest_too(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text('{"audio": "a.wav", "order_id": 20261105, "channels": ["customer", "agent"]}\n')
    (call,) = read_manifest(path).calls
    assert call.order_id == "20261105"
    assert call.channel_roles == (Role.CUSTOMER, Role.AGENT)


def test_a_row_without_recording_and_a_recording_without_row_are_both_reported(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(MANIFEST)
    recording(tmp_path / "a.wav")
    extra = recording(tmp_path / "extra.wav")
    found = find_calls([str(tmp_path)], tmp_path / "m.csv", cache=tmp_path)
    assert [call.call_id for call in found.calls] == ["c1", "extra"]
    assert [(failure.call_id, failure.order_id, failure.step) for failure in found.failures] == [("b", "o2", "ingest")]
    assert found.unlisted == (str(extra),)


def test_with_sources_a_manifest_only_describes_them(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(MANIFEST)
    for name in ("a.wav", "b.wav"):
        recording(tmp_path / name)
    found = find_calls([str(tmp_path / "b.wav")], tmp_path / "m.csv", cache=tmp_path)
    assert [call.order_id for call in found.calls] == ["o2"]


def test_every_bad_row_of_a_manifest_is_reported_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text(
        "audio,call_id,started_at,channels\n"
        "a.wav,c1,yesterday,\n"
        "b.wav,c2,,boss|customer\n"
        ",c3,,\n"
        "d.wav,,,\n"
        "e.wav,c5,,\n"
        "f.wav,c5,,\n"
    )
    manifest = read_manifest(path)
    assert [problem.where.line for problem in manifest.problems] == [2, 3, 4, 7]  # type: ignore[union-attr]
    assert f"given twice; first given in {path}:6:1" in str(manifest.problems[-1])
    assert [call.call_id for call in manifest.calls] == ["d", "c5"]


@pytest.mark.parametrize("content", ["", "name,order\nx,y\n"])
def test_a_manifest_without_an_audio_column_says_so(tmp_path: Path, content: str) -> None:
    path = tmp_path / "m.csv"
    path.write_text(content)
    with pytest.raises(ConfigError, match="expected at least a column named audio"):
        read_manifest(path)


def test_a_manifest_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(b"audio\n\xff\xfe\n")
    with pytest.raises(ConfigError, match="UTF-8"):
        read_manifest(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_manifest(tmp_path / "absent.csv")
