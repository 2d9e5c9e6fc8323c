"""The Ray cluster of a run: connect to it, see what it has, and say plainly what is wrong with it.

The only module that imports ray, and only where a run is on it.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from qareport.errors import ClusterError
from qareport.messages import say
from qareport.workflows.distributed.process import TranscribingProcess, installed_version

#: In seconds: an address that does not answer for so long leads nowhere.
_ANSWER_S = 10.0
#: A head node that is too busy to start a server for a run is asked so many times, with so many seconds between.
_ATTEMPTS, _AGAIN_S = 3, 5.0
#: In seconds: a node that is up runs a first task within this.
_TASK_S = 60.0
#: CPUs of a process where there is no GPU: decoding and the model use several.
_CPUS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What a process takes of the cluster."""

    cpus: int
    gpus: int = 0


class Cluster:
    """A cluster that a run is connected to."""

    def __init__(self, ray: ModuleType, address: str) -> None:
        """Take the connected library; `connected` makes it."""
        self.ray = ray
        self.address = address

    def shares(self, device: str) -> tuple[Share, ...]:
        """Divide the cluster into processes: one for each GPU, and where there is none by CPUs.

        Args:
            device: "auto", "cpu", or "cuda"; Ray chooses which GPU.

        Raises:
            ClusterError: no node has what is needed.
        """
        nodes = [node["Resources"] for node in self._alive().values()]
        gpus = sum(int(node.get("GPU", 0)) for node in nodes)
        if gpus and device != "cpu":
            return (Share(cpus=1, gpus=1),) * gpus
        if device.startswith("cuda"):
            raise ClusterError(
                say("the cluster has no GPU"),
                where=self.address,
                to_do=say("start its nodes with --num-gpus, or use --device cpu"),
            )
        shares = [share for node in nodes for share in _by_cpus(int(node.get("CPU", 0)))]
        if not shares:
            raise ClusterError(
                say("no node of the cluster has a CPU for this run"),
                where=self.address,
                to_do=say("start a node: ray start --address=HEAD:6379"),
            )
        return tuple(shares)

    def versions(self) -> dict[str, str | None]:
        """Ask each node which version of qareport it has; None where it has none, or does not answer.

        Nodes that share a host name are told apart by their addresses. A node that was lost while it was asked
        is none of the cluster's any more.
        """
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        ask = self.ray.remote(installed_version)
        asked = {
            node: ask.options(num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote()
            for node in self._alive()
        }
        answers = {node: self._version(answer) for node, answer in asked.items()}
        nodes = self._alive()
        hosts = Counter(node["NodeManagerHostname"] for node in nodes.values())
        return {
            f"{host} ({node['NodeManagerAddress']}:{node['NodeManagerPort']})" if hosts[host] > 1 else host: answers[
                number
            ]
            for number, node in nodes.items()
            if number in answers
            for host in [node["NodeManagerHostname"]]
        }

    def _alive(self) -> dict[str, dict[str, Any]]:
        return {node["NodeID"]: node for node in self.ray.nodes() if node["Alive"]}

    def _version(self, answer: Any) -> str | None:
        try:
            version: str = self.ray.get(answer, timeout=_TASK_S)
        except self.ray.exceptions.RayError:
            return None
        return version

    def start(self, share: Share) -> Any:
        """Start a process, as soon as the cluster has room for it, and return its handle.

        Ray starts none again and repeats nothing: what is lost is given to others by `RayTranscriber`.
        """
        remote = self.ray.remote(TranscribingProcess)
        options = {"num_cpus": share.cpus, "num_gpus": share.gpus, "max_restarts": 0, "max_task_retries": 0}
        return remote.options(**options).remote()


def _by_cpus(cpus: int) -> list[Share]:
    count = max(1, cpus // _CPUS)
    return [Share(cpus=cpus // count)] * count if cpus else []


@contextmanager
def connected(on: str) -> Iterator[Cluster]:
    """Connect to a cluster for the length of a block; a connection that is open already is used and left open.

    Args:
        on: "ray": the cluster of RAY_ADDRESS, else the one that this machine belongs to, else one of this machine
            alone, for this run; "ray://HOST:PORT": through the client port of its head node.

    Raises:
        ClusterError: ray is not installed, or the cluster cannot be reached.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as error:
        raise ClusterError(
            say("ray is not installed ({error})", error=error), to_do=say("pip install 'qareport[ray]'")
        ) from error
    if ray.is_initialized():
        yield Cluster(ray, on)
        return
    _be_quiet(ray)
    if on.startswith("ray://"):
        _check_answer(on)
    _init(ray, on)
    try:
        yield Cluster(ray, on)
    finally:
        ray.shutdown()


def _init(ray: ModuleType, on: str) -> None:
    """Connect; where the head node answers, but fails to start its server for this run (it is busy), try again."""
    for left in reversed(range(_ATTEMPTS)):
        try:
            ray.init(
                on if on.startswith("ray://") else None,
                include_dashboard=None if on.startswith("ray://") else False,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
            )
            return
        except Exception as error:  # ray raises errors of many kinds; all mean the same
            if isinstance(error, ConnectionAbortedError) and left:
                time.sleep(_AGAIN_S)
                continue
            raise _unreachable(on, _reason(error)) from error


def _reason(error: Exception) -> str:
    """What is to be told of an error: its first line, or the last one where that is a traceback of the head node's."""
    lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return lines[-1] if any(line.startswith("Traceback") for line in lines) else lines[0]


def _be_quiet(ray: ModuleType) -> None:
    """Keep Ray from writing of lost processes to stdout, where results belong: the run itself deals with them."""
    worker = ray._private.worker
    if hasattr(worker, "print_to_stdstream"):
        worker.print_to_stdstream = lambda *_, **__: None


def _check_answer(on: str) -> None:
    """Refuse an address where nothing answers at once; Ray itself would try for half a minute."""
    parts = urlsplit(on)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), timeout=_ANSWER_S).close()
    except OSError as error:
        raise _unreachable(on, str(error.strerror or error)) from error


def _unreachable(on: str, reason: str) -> ClusterError:
    return ClusterError(
        say("the Ray cluster cannot be reached: {reason}", reason=reason),
        where=on,
        to_do=say(
            "check that its head node runs (ray start --head --ray-client-server-port=10001) and has the same versions "
            "of Python and ray"
        ),
    )
