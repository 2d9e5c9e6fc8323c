"""`qareport serve`, run as a user runs it: its processes, its address, and what it printed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import uvicorn
from starlette.types import ASGIApp

from tests.support.patience import scaled, wait_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """A desk that runs."""

    process: subprocess.Popen[bytes]
    address: str
    #: Where sound of calls that are on comes in.
    live: str
    log: Path

    def browser(self, name: str) -> httpx2.Client:
        """Return a browser in which a user of the demo is logged in, with the password that was printed."""
        printed = (line.split() for line in self.log.read_text("utf-8").splitlines())
        password = next(words[1] for words in printed if words[:1] == [name])
        client = httpx2.Client(
            base_url=self.address, headers={"sec-fetch-site": "same-origin"}, trust_env=False, timeout=scaled(60)
        )
        answer = client.post("/login", data={"name": name, "password": password})
        assert answer.status_code == 303, answer.text
        return client

    def child(self, name: str) -> int:
        """Return the process id of the web process or of the worker; waits until there is one."""
        return wait_for(lambda: self._find(name), what=f"process {name}", seconds=240, every_s=0.5)

    def _find(self, name: str) -> int | None:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text("ascii").split()
        for child in children:
            if Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[-2:-1] == [name.encode()]:
                return int(child)
        return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(*arguments: str, cwd: Path) -> Iterator[Serving]:
    """Run `qareport serve` on a free port; at the end it is told to stop."""
    port, live_port = _free_port(), _free_port()
    log = cwd / "serve.log"
    ports = ["--port", str(port), "--live-port", str(live_port)]
    command = [sys.executable, "-m", "qareport", "serve", *ports, *arguments]
    with log.open("wb") as file:
        process = subprocess.Popen(command, cwd=cwd, stdout=file, stderr=file, env=dict(os.environ))
    try:
        live = f"ws://127.0.0.1:{live_port}/live"
        yield Serving(process=process, address=f"http://127.0.0.1:{port}", live=live, log=log)
    finally:
        process.terminate()
        try:
            process.wait(timeout=scaled(15))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def listening(app: ASGIApp) -> Iterator[str]:
    """Serve an application on loopback, in a thread of this process; yields its address."""
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, log_config=None, ws="websockets-sansio", timeout_graceful_shutdown=3)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_for(lambda: server.started, what="the server")
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
