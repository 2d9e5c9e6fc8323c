"""Folders as they are on real machines: every file ends in exactly one list, whatever its name or its rights."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from qareport.errors import NotFoundError
from qareport.ingest import Ingest, find_calls
from qareport.settings import IngestSettings

GBK = "通话-王芳.wav".encode("gbk")


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"not read here")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


def find(folder: Path, *more: str, manifest: Path | None = None) -> Ingest:
    return find_calls(
        [str(folder), *more], manifest, cache=folder.parent / "cache", settings=IngestSettings(settle_s=0.0)
    )


def ids(found: Ingest) -> list[str]:
    return [call.call_id for call in found.calls]


def test_files_that_are_no_recordings_by_their_names_are_named(tmp_path: Path) -> None:
    for name in ("a.wav", "notes.txt", "deep/b.xyz", "noending", ".hidden.wav", ".git/c.wav"):
        put(tmp_path / "in" / name)
    found = find(tmp_path / "in")
    assert ids(found) == ["a"]
    assert [Path(path).name for path in found.skipped] == ["b.xyz", "noending", "notes.txt"]


def test_a_manifest_row_names_a_recording_whatever_its_ending(tmp_path: Path) -> None:
    put(tmp_path / "in" / "a.wav")
    put(tmp_path / "in" / "deep" / "b.xyz")
    put(tmp_path / "in" / "c.xyz")
    (tmp_path / "m.csv").write_text("audio,order_id\na.wav,o1\nb.xyz,o2\n")
    found = find(tmp_path / "in", manifest=tmp_path / "m.csv")
    assert [(call.call_id, call.order_id) for call in found.calls] == [("a", "o1"), ("b", "o2")]
    assert (found.failures, [Path(path).name for path in found.skipped]) == ((), ["c.xyz"])


def test_links_to_folders_are_followed_and_circles_are_cut(tmp_path: Path) -> None:
    put(tmp_path / "nas" / "b.wav")
    put(tmp_path / "in" / "a.wav")
    (tmp_path / "in" / "0-day").symlink_to(tmp_path / "nas")
    (tmp_path / "in" / "circle").symlink_to(tmp_path / "in")
    (tmp_path / "nas" / "back").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "self").symlink_to(tmp_path / "in" / "self")
    found = find(tmp_path / "in")
    assert sorted(ids(found)) == ["a", "b"]
    (problem,) = map(str, found.problems)
    assert problem.startswith(
        f"{tmp_path}/in/self: a link to {tmp_path}/in/self, which cannot be read: Too many levels"
    )


def test_a_recording_behind_a_link_to_nothing_is_a_call_that_failed(tmp_path: Path) -> None:
    put(tmp_path / "in" / "a.wav")
    (tmp_path / "in" / "z.wav").symlink_to("/unmounted/z.wav")
    (tmp_path / "in" / "2026-11-21").symlink_to("/unmounted/day")
    found = find(tmp_path / "in")
    assert ids(found) == ["a"]
    (failure,) = found.failures
    assert (failure.call_id, failure.step) == ("z", "ingest")
    assert "a link to /unmounted/z.wav, which cannot be read: No such file or directory" in failure.reason
    assert str(found.problems[0]).startswith(
        f"{tmp_path}/in/2026-11-21: a link to /unmounted/day, which cannot be read"
    )


def test_a_folder_that_may_not_be_opened_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "in" / "a.wav")
    put(tmp_path / "in" / "closed" / "b.wav")
    listdir = os.listdir

    def refuse(path: Path) -> list[str]:  # as root, which opens everything, the tests run, too
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return listdir(path)

    monkeypatch.setattr(os, "listdir", refuse)
    found = find(tmp_path / "in")
    assert ids(found) == ["a"]
    assert str(found.problems[0]) == (
        f"{tmp_path}/in/closed: this folder cannot be read: Permission denied; check the path and its permissions"
    )


def test_a_name_in_gbk_is_shown_as_it_was_meant_and_its_recording_can_be_opened(tmp_path: Path) -> None:
    put(tmp_path / "in" / "a.wav")
    put(tmp_path / "in" / os.fsdecode(GBK))
    found = find(tmp_path / "in")
    assert sorted(ids(found)) == ["a", "通话-王芳"]
    path = next(call.audio_path for call in found.calls if call.call_id == "通话-王芳")
    assert path.encode("utf-8")
    assert Path(path).read_bytes() == b"not read here"
    assert sorted(ids(find(tmp_path / "in"))) == ["a", "通话-王芳"], "a second run finds the same"


def test_a_name_in_gbk_joins_with_a_row_in_utf_8(tmp_path: Path) -> None:
    put(tmp_path / "in" / os.fsdecode(GBK))
    (tmp_path / "m.csv").write_text("audio,order_id\n通话-王芳.wav,o1\n", "utf-8")
    found = find(tmp_path / "in", manifest=tmp_path / "m.csv")
    assert [(call.call_id, call.order_id) for call in found.calls] == [("通话-王芳", "o1")]


@pytest.mark.parametrize("name", [b"\xff\xfe.wav", b"\x80.wav", "王".encode("gbk") * 100 + b".wav"])
def test_whatever_bytes_a_name_has_the_id_is_valid_text(tmp_path: Path, name: bytes) -> None:
    put(tmp_path / "in" / os.fsdecode(name))
    (call,) = find(tmp_path / "in").calls
    assert call.call_id.encode("utf-8")
    assert Path(call.audio_path).read_bytes()


def test_a_folder_with_a_name_in_gbk_is_walked(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode("录音".encode("gbk"))
    put(folder / "a.wav")
    put(folder / "b.txt")
    found = find(folder)
    assert ids(found) == ["a"]
    assert found.calls[0].audio_path.encode("utf-8")
    assert [path.rpartition("/")[0].rpartition("/")[2] for path in found.skipped] == ["录音"]


@pytest.mark.parametrize("audio", ["a" * 300 + ".wav", "x\\x00.wav", "loop/x.wav", "a.wav/b.wav"])
def test_a_row_with_a_name_that_no_file_can_have_is_one_failed_call(tmp_path: Path, audio: str) -> None:
    put(tmp_path / "a.wav")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "m.csv").write_text(f"audio,order_id\n{audio},o1\na.wav,o2\n".replace("\\x00", "\x00"))
    for sources in ([], [str(tmp_path)]):
        found = find_calls(sources, tmp_path / "m.csv", cache=tmp_path / "cache")
        assert [call.order_id for call in found.calls] == ["o2"]
        assert len(found.failures) + len([item for item in found.problems if ".csv" in str(item)]) == 1


@pytest.mark.parametrize("audio", ["呼叫 é-01", "呼叫 É-01.wav", unicodedata.normalize("NFC", "呼叫 é-01.WAV")])
def test_a_row_finds_its_recording_without_the_suffix_in_other_case_and_composed_otherwise(
    tmp_path: Path, audio: str
) -> None:
    put(tmp_path / "in" / unicodedata.normalize("NFD", "呼叫 é-01.wav"))
    (tmp_path / "m.csv").write_text(f"audio,order_id\n{audio},o1\n", "utf-8")
    found = find(tmp_path / "in", manifest=tmp_path / "m.csv")
    assert ([call.order_id for call in found.calls], found.failures, found.unlisted) == (["o1"], (), ())


def test_a_name_that_is_like_two_recordings_is_not_guessed_at(tmp_path: Path) -> None:
    put(tmp_path / "in" / "a.wav")
    put(tmp_path / "in" / "A.wav")
    (tmp_path / "m.csv").write_text("audio,order_id\na,o1\n", "utf-8")
    (failure,) = find(tmp_path / "in", manifest=tmp_path / "m.csv").failures
    assert "several recordings have this name" in str(failure.reason)


def test_without_sources_a_row_names_its_recording_without_the_suffix(tmp_path: Path) -> None:
    put(tmp_path / "a-01.wav")
    (tmp_path / "m.csv").write_text("audio,order_id\na-01,o1\n", "utf-8")
    found = find_calls([], tmp_path / "m.csv", cache=tmp_path / "cache", settings=IngestSettings(settle_s=0.0))
    assert [call.order_id for call in found.calls] == ["o1"]


def test_a_path_of_windows_in_a_row_is_found_by_its_name(tmp_path: Path) -> None:
    put(tmp_path / "in" / "a.wav")
    (tmp_path / "m.csv").write_text("audio,order_id\nD:\\rec\\2026\\a.wav,o1\n")
    assert [call.order_id for call in find(tmp_path / "in", manifest=tmp_path / "m.csv").calls] == ["o1"]
    assert find(tmp_path / "in", manifest=tmp_path / "m.csv").calls[0].call_id == "a"


def test_a_source_that_cannot_be_read_is_named_and_the_others_are_found(tmp_path: Path) -> None:
    put(tmp_path / "in" / "a.wav")
    (tmp_path / "empty").mkdir()
    (tmp_path / "gone.wav").symlink_to("nowhere.wav")
    sources = [str(tmp_path / name) for name in ("empty", "gone.wav", "b" * 300, "nothing")]
    found = find(tmp_path / "in", *sources)
    assert ids(found) == ["a"]
    assert [str(problem).partition(": ")[2].partition(";")[0] for problem in found.problems] == [
        "no recording in this folder",
        "a link to nowhere.wav, which does not exist",
        "cannot be read: File name too long",
        "no such file or folder",
    ]


def test_the_row_that_cannot_be_used_keeps_its_recording_from_being_a_call_without_order(tmp_path: Path) -> None:
    put(tmp_path / "in" / "a.wav")
    put(tmp_path / "in" / "b.wav")
    (tmp_path / "m.csv").write_text("audio,call_id,order_id\na.wav,,2.02E+13\nb.wav,1.2E+5,o2\n")
    found = find(tmp_path / "in", manifest=tmp_path / "m.csv")
    assert found.calls == ()
    assert [(failure.call_id, failure.step) for failure in found.failures] == [("a", "ingest")]
    assert len(found.problems) == 1
    assert "call_id: a number that a spreadsheet has rounded" in str(found.problems[0])


def test_a_pipe_that_is_named_outright_is_said_to_be_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(NotFoundError, match=r"a\.wav: is not a file"):
        find(tmp_path / "a.wav")
