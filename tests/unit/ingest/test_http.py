"""Recordings over HTTP, from a real server: what goes wrong with one is one failure, and nothing has no end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from qareport.ingest import Ingest, find_calls
from qareport.settings import IngestSettings

SOUND = b"not read here"


class Recorder(BaseHTTPRequestHandler):
    """Serves one recording, and everything that can go wrong."""

    seen: list[tuple[str, dict[str, str]]] = []  # noqa: RUF012 - emptied before each test

    def do_GET(self) -> None:
        self.seen.append((self.path, dict(self.headers)))
        name = self.path.partition("?")[0].rpartition("/")[2]
        answers: dict[str, Callable[[], None]] = {
            "missing.wav": lambda: self.send_error(404),
            "broken.wav": lambda: self.send_error(500),
            "moved.wav": lambda: self._head(302, {"Location": "http://169.254.169.254/latest"}),
            "cut.wav": lambda: self._send(SOUND, {"Content-Length": "1000"}),
            "large.wav": lambda: self._send(b"", {"Content-Length": "99000000"}),
            "endless.wav": self._send_without_end,
            "slow.wav": self._send_slowly,
        }
        if name in answers:
            answers[name]()
        elif self.headers.get("If-None-Match") == '"1"':
            self._head(304, {})
        else:
            self._send(SOUND, {"Content-Length": str(len(SOUND)), "ETag": '"1"'})

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, content: bytes, headers: dict[str, str]) -> None:
        self._head(200, headers)
        self.wfile.write(content)

    def _send_without_end(self) -> None:
        self._head(200, {})
        for _ in range(100):
            self.wfile.write(b"x" * 100_000)

    def _send_slowly(self) -> None:
        self._head(200, {})
        for _ in range(50):
            self.wfile.write(b"x")
            self.wfile.flush()
            time.sleep(0.1)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:  # the client has hung up
            self.close_connection = True


@pytest.fixture
def server() -> Iterator[str]:
    Recorder.seen.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as http:
        http.daemon_threads = True
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def find(folder: Path, *sources: str, **given: Any) -> Ingest:
    return find_calls(sources, None, cache=folder / "cache", settings=IngestSettings(**given))


def test_a_recording_is_fetched_once_and_asked_for_again(server: str, tmp_path: Path) -> None:
    for _ in range(2):
        (call,) = find(tmp_path, f"{server}/day/a%20b.wav?key=1").calls
        assert (call.call_id, Path(call.audio_path).read_bytes()) == ("a b", SOUND)
    assert [headers.get("If-None-Match") for _, headers in Recorder.seen] == [None, '"1"']


def test_a_recording_that_was_deleted_here_is_fetched_again(server: str, tmp_path: Path) -> None:
    (call,) = find(tmp_path, f"{server}/a.wav").calls
    Path(call.audio_path).unlink()
    (call,) = find(tmp_path, f"{server}/a.wav").calls
    assert Path(call.audio_path).read_bytes() == SOUND


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("missing.wav", "the server answers 404"),
        ("broken.wav", "the server answers 500"),
        ("moved.wav", "the server sends us on to http://169.254.169.254/latest, which was not asked for"),
        ("cut.wav", "broke off after 13 of 1000 bytes"),
        ("large.wav", "larger than 1 MB; if it is a recording, raise ingest.max_megabytes"),
        ("endless.wav", "larger than 1 MB"),
        ("slow.wav", "not fetched within 0.3 s; if the server is that slow, raise ingest.fetch_timeout_s"),
    ],
)
def test_what_goes_wrong_is_named_and_the_others_are_fetched(server: str, tmp_path: Path, name: str, says: str) -> None:
    found = find(tmp_path, f"{server}/{name}?token=secret", f"{server}/a.wav", max_megabytes=1.0, fetch_timeout_s=0.3)
    assert [call.call_id for call in found.calls] == ["a"]
    (problem,) = map(str, found.problems)
    assert problem.startswith(f"{server}/{name}?…: ")
    assert says in problem
    assert "secret" not in problem
    assert [path.name for path in tmp_path.rglob("*.wav")] == ["a.wav"], "nothing is left of the other"


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    found = find_calls(
        ["http://127.0.0.1:9/a.wav", "http://u:secret@[::1]:9/b.wav"], tmp_manifest(tmp_path), cache=tmp_path
    )
    assert len(found.problems) == 2
    assert all("cannot be fetched: " in str(problem) for problem in found.problems)
    assert "secret" not in "".join(map(str, found.problems))


def tmp_manifest(folder: Path) -> Path:
    (folder / "m.csv").write_text("audio\n")
    return folder / "m.csv"


def test_user_and_password_are_sent_and_never_kept(server: str, tmp_path: Path) -> None:
    url = server.replace("http://", "http://li:p%40ss@")
    (call,) = find(tmp_path, f"{url}/a.wav").calls
    assert Recorder.seen[0][1]["Authorization"] == "Basic bGk6cEBzcw=="
    assert "p%40ss" not in call.audio_path


def test_each_url_of_a_manifest_is_one_call_or_one_failure(server: str, tmp_path: Path) -> None:
    rows = [f"{server}/1/a.wav,c1", f"{server}/2/a.wav,c2", f"{server}/broken.wav,c3", "http://127.0.0.1:9/x.wav,c4"]
    (tmp_path / "m.csv").write_text("\n".join(["audio,call_id", *rows]))
    found = find_calls(
        [], tmp_path / "m.csv", cache=tmp_path / "cache", settings=IngestSettings(manifest_urls=(f"{server}/",))
    )
    assert [call.call_id for call in found.calls] == ["c1", "c2"]
    assert [failure.call_id for failure in found.failures] == ["c3", "c4"]
    assert "the server answers 500" in found.failures[0].reason
    assert "a manifest may not name this address (ingest.manifest_urls)" in found.failures[1].reason


def test_chains_of_addresses_are_refused(server: str, tmp_path: Path) -> None:
    found = find(tmp_path, f"simplecache::{server}/a.wav", f"{server}/a.wav")
    assert len(found.calls) == 1
    assert "a chain of addresses (::)" in str(found.problems[0])
