"""A real Ray cluster of several nodes on this machine, each with its own processes, and ways to kill them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.patience import scaled

_STORE_BYTES = 80_000_000
#: How Linux lists a process that is at work.
TITLE = b"ray::TranscribingProcess.transcribe"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalCluster:
    """A head with two CPUs, and whatever nodes a test adds."""

    cluster: Any
    #: As `--on` takes it.
    client: str

    def add_node(self, cpus: int = 1) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            return self.cluster.add_node(num_cpus=cpus, object_store_memory=_STORE_BYTES)

    def kill_node(self, node: Any) -> None:
        """Kill the processes of a node as a power cut does."""
        self.cluster.remove_node(node, allow_graceful=False)


@contextmanager
def running(*, cpus: int = 2) -> Iterator[LocalCluster]:
    """Run a cluster."""
    from ray.cluster_utils import Cluster

    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # the paths of its sockets must be short
    Path(tempfile.gettempdir(), "ray").mkdir(exist_ok=True)  # who connects notes the address here, and does not make it
    port = _free_port()
    head = {"num_cpus": cpus, "include_dashboard": False, "object_store_memory": _STORE_BYTES, "temp_dir": folder}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # Ray does not close the logs of what it starts
        cluster = Cluster(initialize_head=True, head_node_args=head | {"ray_client_server_port": port})
    try:
        yield LocalCluster(cluster=cluster, client=f"ray://127.0.0.1:{port}")
    finally:
        cluster.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def at_work(title: bytes = TITLE) -> list[int]:
    """Return the ids of processes that transcribe a part just now."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdecimal() and (folder / "cmdline").read_bytes().startswith(title):
                found.append(int(folder.name))
        except OSError:  # it has ended
            continue
    return found


def kill_at_work(title: bytes = TITLE, *, within_s: float = 180) -> int:
    """Kill a process that transcribes a part, as soon as there is one, and return its id."""
    until = time.monotonic() + scaled(within_s)
    while time.monotonic() < until:
        for process in at_work(title):
            os.kill(process, signal.SIGKILL)
            return process
        time.sleep(0.02)
    raise AssertionError("no process transcribes anything")
