"""Recordings that are not whole yet, lie behind URLs, or say what they are by name: none is lost or taken too soon."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from qareport.ingest import Ingest, find_calls
from qareport.settings import IngestSettings


def recording(path: Path, content: bytes = b"not read here", *, old: bool = True) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if old:
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


def find(
    *sources: Path | str, manifest: Path | None = None, wait: Callable[[float], None] | None = None, **given: Any
) -> Ingest:
    """Find calls, without waiting for real."""
    given.setdefault("settle_s", 10.0)
    cache = given.pop("cache", None) or Path(str(sources[0])).parent / "cache"
    settings = IngestSettings(**given)
    return find_calls(
        [str(source) for source in sources], manifest, cache=cache, settings=settings, wait=wait or (lambda _: None)
    )


def ids(calls: Any) -> list[str]:
    return [call.call_id for call in calls]


# --- still being written ----------------------------------------------------------------------------------------------


def test_a_recording_that_grows_is_left_for_the_next_run(tmp_path: Path) -> None:
    recording(tmp_path / "in" / "old.wav")
    growing = recording(tmp_path / "in" / "growing.wav", old=False)
    recording(tmp_path / "in" / "resting.wav", old=False)
    waited: list[float] = []

    def grow(seconds: float) -> None:
        waited.append(seconds)
        growing.write_bytes(growing.read_bytes() + b"more")

    found = find(tmp_path / "in", wait=grow)
    assert (ids(found.calls), ids(found.waiting), waited) == (["old", "resting"], ["growing"], [10.0])
    assert ids(find(tmp_path / "in").calls) == ["growing", "old", "resting"]


def test_nobody_waits_for_recordings_that_have_rested(tmp_path: Path) -> None:
    recording(tmp_path / "in" / "old.wav")

    def never(seconds: float) -> None:
        raise AssertionError(seconds)

    assert ids(find(tmp_path / "in", wait=never).calls) == ["old"]
    recording(tmp_path / "in" / "new.wav", old=False)
    assert len(find(tmp_path / "in", wait=never, settle_s=0.0).calls) == 2


def test_a_clock_that_is_ahead_on_another_machine_does_not_hold_a_recording_up(tmp_path: Path) -> None:
    path = recording(tmp_path / "in" / "ahead.wav")
    os.utime(path, (4_000_000_000, 4_000_000_000))
    assert ids(find(tmp_path / "in").calls) == ["ahead"]


@pytest.mark.parametrize("ending", [".part", ".tmp", ".filepart", ".PARTIAL"])
def test_a_temporary_name_waits_until_it_is_renamed(tmp_path: Path, ending: str) -> None:
    path = recording(tmp_path / "in" / f"a.wav{ending}")
    recording(tmp_path / "in" / "._b.wav")
    found = find(tmp_path / "in")
    assert (ids(found.calls), ids(found.waiting)) == ([], ["a"])
    path.rename(tmp_path / "in" / "a.wav")
    assert ids(find(tmp_path / "in").calls) == ["a"]


@pytest.mark.parametrize("with_sources", [True, False])
def test_a_row_whose_recording_is_still_being_written_waits_and_does_not_fail(
    tmp_path: Path, with_sources: bool
) -> None:
    recording(tmp_path / "in" / "a.wav.part")
    manifest = tmp_path / "in" / "m.csv"
    manifest.write_text("audio,order_id,started_at\na.wav,o1,2026-11-21T09:00:00+08:00\nb.wav,o2,\n")
    sources = [tmp_path / "in"] if with_sources else []
    found = find(*sources, manifest=manifest, cache=tmp_path)
    assert [(call.call_id, call.order_id, call.started_at is not None) for call in found.waiting] == [("a", "o1", True)]
    assert [(failure.call_id, failure.order_id) for failure in found.failures] == [("b", "o2")]
    assert not found.calls


def test_a_name_that_stands_in_two_folders_is_not_guessed_at(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        recording(tmp_path / "in" / folder / "a.wav")
    manifest = tmp_path / "m.csv"
    manifest.write_text("audio,order_id\na.wav,o1\n")
    (failure,) = find(tmp_path / "in", manifest=manifest).failures
    assert "several recordings have this name; write which: " in failure.reason
    manifest.write_text("audio,order_id\nin/y/a.wav,o1\n")
    found = find(tmp_path / "in", manifest=manifest)
    assert [(call.order_id, Path(call.audio_path).parent.name) for call in found.calls] == [("o1", "y"), (None, "x")]


# --- names ------------------------------------------------------------------------------------------------------------


def test_a_pattern_stands_in_for_a_manifest_and_what_does_not_fit_is_reported(tmp_path: Path) -> None:
    recording(tmp_path / "in" / "A017_o1_20261121091305.wav")
    recording(tmp_path / "in" / "memo.wav")
    found = find(tmp_path / "in", name_pattern="{agent_id}_{order_id}_{started_at:%Y%m%d%H%M%S}")
    named, other = found.calls
    assert (named.agent_id, named.order_id, named.call_id) == ("A017", "o1", "A017_o1_20261121091305")
    assert named.started_at is not None
    assert named.started_at.isoformat() == "2026-11-21T09:13:05+08:00"
    assert (other.call_id, other.order_id) == ("memo", None)
    assert [Path(path).name for path in found.unmatched] == ["memo.wav"]


def test_a_row_says_more_than_a_name(tmp_path: Path) -> None:
    recording(tmp_path / "in" / "A017_o1.wav")
    recording(tmp_path / "in" / "A018_o2.wav")
    manifest = tmp_path / "m.csv"
    manifest.write_text("audio,order_id\nA017_o1.wav,o9\n")
    found = find(tmp_path / "in", manifest=manifest, name_pattern="{agent_id}_{order_id}")
    assert [(call.agent_id, call.order_id) for call in found.calls] == [(None, "o9"), ("A018", "o2")]
    assert [Path(path).name for path in found.unlisted] == ["A018_o2.wav"]


# --- URLs -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def memory() -> Iterator[Any]:
    """A bucket that holds two recordings."""
    filesystem = fsspec.filesystem("memory")
    for name in ("day/a.wav", "day/sub/b.mp3", "day/notes.txt"):
        filesystem.pipe(f"/{name}", name.encode())
    yield filesystem
    filesystem.rm("/day", recursive=True)


def test_recordings_behind_a_url_keep_their_names_and_join_with_rows(memory: Any, tmp_path: Path) -> None:
    manifest = tmp_path / "m.csv"
    manifest.write_text("audio,order_id\na.wav,o1\nmissing.wav,o2\n")
    found = find("memory://day", manifest=manifest, cache=tmp_path / "cache")
    assert [(call.call_id, call.order_id) for call in found.calls] == [("a", "o1"), ("b", None)]
    assert Path(found.calls[0].audio_path).read_bytes() == b"day/a.wav"
    assert [failure.order_id for failure in found.failures] == ["o2"]
    assert [Path(path).name for path in found.unlisted] == ["b.mp3"]


def test_rows_may_name_urls(memory: Any, tmp_path: Path) -> None:
    manifest = tmp_path / "m.csv"
    manifest.write_text("audio,order_id\nmemory://day/sub/b.mp3,o1\n")
    found = find(manifest=manifest, cache=tmp_path / "cache", manifest_urls=("memory://day/",))
    (call,) = found.calls
    assert (call.call_id, call.order_id, Path(call.audio_path).read_bytes()) == ("b", "o1", b"day/sub/b.mp3")


def test_a_remote_file_that_changed_is_fetched_again_and_others_are_not(memory: Any, tmp_path: Path) -> None:
    fetched: list[str] = []
    get_file = type(memory).get_file

    def watched(self: Any, name: str, *given: Any, **options: Any) -> Any:
        fetched.append(Path(name).name)
        return get_file(self, name, *given, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(memory), "get_file", watched)
        first = find("memory://day", cache=tmp_path / "cache")
        find("memory://day", cache=tmp_path / "cache")
        assert fetched == ["a.wav", "b.mp3"]
        memory.pipe("/day/a.wav", b"DAY/A.WAV")  # as long as before
        again = find("memory://day", cache=tmp_path / "cache")
    assert fetched == ["a.wav", "b.mp3", "a.wav"]
    assert again.calls[0].audio_path == first.calls[0].audio_path
    assert Path(again.calls[0].audio_path).read_bytes() == b"DAY/A.WAV"


def test_a_download_that_breaks_off_is_never_taken_for_the_recording(memory: Any, tmp_path: Path) -> None:
    get_file = type(memory).get_file

    def cut(self: Any, name: str, target: str, *given: Any, **options: Any) -> None:
        get_file(self, name, target, *given, **options)
        Path(target).write_bytes(Path(target).read_bytes()[:3])
        if name.endswith("b.mp3"):
            raise ConnectionResetError("gone")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(memory), "get_file", cut)
        found = find("memory://day/a.wav", cache=tmp_path / "cache")
        assert (ids(found.calls), ids(found.waiting)) == ([], ["a"])
        found = find("memory://day", cache=tmp_path / "cache")
        assert (ids(found.calls), ids(found.waiting), ids(found.failures)) == ([], ["a"], ["b"])
        assert found.failures[0].reason.endswith("b.mp3: cannot be fetched: gone")
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.suffix in (".wav", ".mp3")]
    assert len(find("memory://day", cache=tmp_path / "cache").calls) == 2


def test_a_remote_recording_that_grows_is_left_for_the_next_run(tmp_path: Path) -> None:
    growing = recording(tmp_path / "far" / "a.wav", old=False)
    url = f"file://{tmp_path}/far"
    found = find(
        url, cache=tmp_path / "cache", wait=lambda _: recording(growing, b"longer than it was", old=False) and None
    )
    assert (ids(found.calls), ids(found.waiting)) == ([], ["a"])
    (call,) = find(url, cache=tmp_path / "cache").calls
    assert Path(call.audio_path).read_bytes() == b"longer than it was"


def test_one_source_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    recording(tmp_path / "in" / "a.wav")
    sources = ["nosuch://x", str(tmp_path / "nothing"), str(tmp_path / "in")]
    found = find_calls(sources, None, cache=tmp_path)
    assert ids(found.calls) == ["a"]
    first, second = map(str, found.problems)
    assert first.startswith("nosuch://x: cannot be fetched: ")
    assert second == f"{tmp_path}/nothing: no such file or folder; check the path"
