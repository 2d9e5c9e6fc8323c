"""What `qareport doctor` says of the desk: its port, files, worker, queue and certificates, and of the clock."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from qareport.cli.doctor_desk import CheckOutcome, check_clock, check_desk, check_tls
from qareport.delivery import DeskKey
from qareport.model import AuditEntry, JobKind
from qareport.settings import default_dir
from qareport.web.health import SignOfLife
from qareport.workflows.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    url = f"sqlite:///{tmp_path / 'q.db'}"
    with Workspace.open(config=default_dir("config"), store=url, make_store=True) as opened:
        folder = str(tmp_path / "desk")
        opened.settings = replace(opened.settings, desk=replace(opened.settings.desk, folder=folder))
        yield opened


@contextmanager
def listening(workspace: Workspace, answer: bytes) -> Iterator[None]:
    """Answer every request on the desk's port with the same bytes."""

    class Same(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Same) as server:
        use(workspace, port=server.server_address[1])
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


def use(workspace: Workspace, **values: object) -> None:
    settings = workspace.settings
    workspace.settings = replace(settings, desk=replace(settings.desk, **values))  # type: ignore[arg-type]


def said(outcomes: Iterator[CheckOutcome]) -> list[str]:
    return [str(outcome) for outcome in outcomes]


def test_a_port_is_free_or_taken(workspace: Workspace) -> None:
    with listening(workspace, b"hello"):
        port = workspace.settings.desk.port
        (line,) = said(check_desk(workspace))
        assert line == f"FAULT another program listens on 127.0.0.1:{port}; end it, or choose another desk.port"
    assert said(check_desk(workspace)) == [f"127.0.0.1:{port} is free: `qareport serve` opens the desk"]


def test_of_a_desk_that_runs_its_worker_queue_and_files_are_looked_at(workspace: Workspace) -> None:
    folder = Path(workspace.settings.desk.folder)
    workspace.store.jobs.add(JobKind.UPLOAD, {"call_id": "c"}, at=datetime.now(UTC) - timedelta(minutes=30))
    (folder / "uploads").mkdir(parents=True)
    (folder / "uploads").chmod(0o755)
    SignOfLife(state="failed", reason="no such model").leave(folder)
    with listening(workspace, b"ok\n"):
        lines = said(check_desk(workspace))
    assert lines[0].endswith(": the desk answers")
    assert f"{folder / 'uploads'}: others may read it (mode 0755); expected mode 0700" in lines[1]
    assert lines[2] == "FAULT the worker cannot load the model: no such model"
    assert lines[3].startswith("FAULT the oldest upload has waited for 30 minutes")


def test_a_key_that_the_group_may_read_is_a_fault_as_the_desk_refuses_it(workspace: Workspace) -> None:
    key = workspace.settings.desk.key_path
    DeskKey.open(key)
    assert len(said(check_desk(workspace))) == 1
    key.chmod(0o640)
    lines = said(check_desk(workspace))
    assert f"FAULT {key}: others may read it (mode 0640); expected mode 0600; chmod 0600 {key}" in lines


def test_who_could_listen_in_is_said(workspace: Workspace) -> None:
    use(workspace, port=1, insecure_http=True)
    assert any("unencrypted" in line for line in said(check_desk(workspace)))
    use(workspace, insecure_http=False, public_url="http://qa.example.com")
    assert any("desk.public_url begins with http" in line for line in said(check_desk(workspace)))


def test_a_key_that_others_read_and_that_is_not_the_certificates_is_a_fault(
    workspace: Workspace, tmp_path: Path
) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    assert said(check_tls(workspace, cert=cert, key=key)) == [f"FAULT {cert}: no such file"]
    cert.write_text("no certificate")
    key.write_text("no key")
    key.chmod(0o644)
    first, second = said(check_tls(workspace, cert=cert, key=key))
    assert first == f"FAULT {key}: others may read it (mode 0644); expected mode 0600; chmod 600 {key}"
    assert second.startswith(f"FAULT {cert}: certificate and key cannot be used together")


def test_a_clock_that_is_behind_the_log_is_a_fault(workspace: Workspace) -> None:
    assert not said(check_clock(workspace))[0].startswith("FAULT")
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    workspace.store.audit.record(AuditEntry(at=tomorrow, actor="a", actor_kind="person", action="login"))
    assert said(check_clock(workspace))[0].startswith("FAULT the clock is behind: the audit log has a line of")
