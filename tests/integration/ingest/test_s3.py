"""Recordings in S3-compatible storage, read from a real server: none is lost, none is half, and no key is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qareport import cli
from qareport.errors import NotFoundError
from qareport.ingest import Ingest, find_calls
from qareport.settings import IngestSettings
from tests.support import object_store
from tests.support.object_store import KEY_ID, SECRET, ObjectStore

#: Of a recording that is large enough for a download to take a while.
SIZE = 4_000_000


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectStore]:
    with object_store.running() as made:
        yield made


@pytest.fixture
def bucket(server: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    server.empty()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return server


def find(
    *sources: str,
    cache: Path,
    manifest: Path | None = None,
    settle_s: float = 0.0,
    wait: Callable[[], None] = lambda: None,
) -> Ingest:
    settings = IngestSettings(settle_s=settle_s, manifest_urls=("s3://calls/day/",))
    return find_calls(sources, manifest, cache=cache, settings=settings, wait=lambda _: wait())


def contents(found: Ingest) -> dict[str, bytes]:
    return {call.call_id: Path(call.audio_path).read_bytes() for call in found.calls}


def test_all_recordings_below_a_folder_are_read_and_nothing_else_is(bucket: ObjectStore, tmp_path: Path) -> None:
    for name in ("day/a.wav", "day/evening/b 1.mp3", "day/notes.txt", "other/c.wav"):
        bucket.put(name, name.encode())
    found = find("s3://calls/day/", cache=tmp_path)
    assert contents(found) == {"a": b"day/a.wav", "b 1": b"day/evening/b 1.mp3"}
    assert found.skipped == ("s3://calls/day/notes.txt",)


def test_a_recording_is_fetched_once_and_again_where_it_has_changed(bucket: ObjectStore, tmp_path: Path) -> None:
    bucket.put("day/a.wav", b"first")
    (call,) = find("s3://calls/day/", cache=tmp_path).calls
    fetched = Path(call.audio_path).stat()
    find("s3://calls/day/", cache=tmp_path)
    assert Path(call.audio_path).stat().st_ino == fetched.st_ino
    bucket.put("day/a.wav", b"again")
    assert contents(find("s3://calls/day/", cache=tmp_path)) == {"a": b"again"}


def test_a_manifest_names_recordings_one_by_one_and_none_outside_what_is_allowed(
    bucket: ObjectStore, tmp_path: Path
) -> None:
    bucket.put("day/a.wav", b"a")
    bucket.put("secret/b.wav", b"b")
    manifest = tmp_path / "calls.csv"
    rows = ["audio,call_id", "s3://calls/day/a.wav,c1", "s3://calls/day/gone.wav,c2", "s3://calls/secret/b.wav,c3"]
    manifest.write_text("\n".join(rows), "utf-8")
    found = find(cache=tmp_path / "cache", manifest=manifest)
    assert contents(found) == {"c1": b"a"}
    assert {failure.call_id: failure.reason for failure in found.failures} == {
        "c2": "s3://calls/day/gone.wav: no recording behind this URL",
        "c3": "s3://calls/secret/b.wav: a manifest may not name this address (ingest.manifest_urls)",
    }


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://calls/none/", "s3://calls/none/: no recording behind this URL"),
        (
            "s3://no-such-bucket/day/",
            "s3://no-such-bucket/day/: cannot be fetched: The specified bucket does not exist",
        ),
    ],
)
def test_what_is_not_there_is_named(bucket: ObjectStore, tmp_path: Path, url: str, said: str) -> None:
    with pytest.raises(NotFoundError) as refused:
        find(url, cache=tmp_path)
    assert str(refused.value).startswith(said)


def test_who_may_not_read_is_told_so_and_no_key_is_shown(
    bucket: ObjectStore, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put("day/a.wav", b"a")
    bucket.trust_nobody()
    monkeypatch.chdir(tmp_path)
    assert cli.main(["run", "s3://calls/day/", "--model", "demo", "--verbose"]) == 2
    said = capsys.readouterr()
    assert "s3://calls/day/: cannot be fetched: The AWS Access Key Id you provided does not exist" in said.err
    assert KEY_ID not in said.err + said.out
    assert SECRET not in said.err + said.out


@pytest.mark.parametrize("password", [SECRET, "with%2Fslash%40and"])
def test_keys_in_an_address_are_not_repeated_by_the_driver(bucket: ObjectStore, tmp_path: Path, password: str) -> None:
    with pytest.raises(NotFoundError) as refused:
        find(f"s3://{KEY_ID}:{password}@calls/day/", cache=tmp_path)
    assert str(refused.value).startswith("s3://calls/day/: cannot be fetched: ")
    for secret in (KEY_ID, password, "with/slash@and"):
        assert secret not in str(refused.value)


def test_a_recording_that_is_written_again_while_it_is_read_waits_for_the_next_run(
    bucket: ObjectStore, tmp_path: Path
) -> None:
    bucket.put("day/b.wav", b"b")
    with bucket.rewriting("day/a.wav", SIZE):
        found = find("s3://calls/day/", cache=tmp_path)
    assert contents(found) == {"b": b"b"}
    assert [call.call_id for call in found.waiting] == ["a"]
    assert not list(tmp_path.rglob("a.wav")), "nothing half is left behind"
    (whole,) = (content for name, content in contents(find("s3://calls/day/", cache=tmp_path)).items() if name == "a")
    assert (len(whole), len(set(whole))) == (SIZE, 1)


def test_a_recording_that_was_put_there_just_now_is_watched_as_a_file_is(bucket: ObjectStore, tmp_path: Path) -> None:
    bucket.put("day/a.wav", b"half")
    bucket.put("day/b.wav", b"b")
    found = find("s3://calls/day/", cache=tmp_path, settle_s=60, wait=lambda: bucket.put("day/a.wav", b"whole"))
    assert (list(contents(found)), [call.call_id for call in found.waiting]) == (["b"], ["a"])


def test_a_recording_that_is_deleted_while_it_is_watched_is_no_call(bucket: ObjectStore, tmp_path: Path) -> None:
    bucket.put("day/a.wav", b"a")
    bucket.put("day/b.wav", b"b")
    found = find("s3://calls/day/", cache=tmp_path, settle_s=60, wait=lambda: bucket.delete("day/a.wav"))
    assert (list(contents(found)), found.waiting) == (["b"], ())
