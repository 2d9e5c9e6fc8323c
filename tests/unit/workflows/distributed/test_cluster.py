"""A cluster is divided into processes: one for each GPU, and where there is none by CPUs."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from qareport.errors import ClusterError
from qareport.workflows.distributed.cluster import Cluster, Share, connected


def cluster(*nodes: dict[str, Any], dead: dict[str, Any] | None = None) -> Cluster:
    """A cluster of nodes with these resources, as Ray lists them."""
    ray = ModuleType("ray")
    listed = [{"NodeID": str(number), "Alive": True, "Resources": node} for number, node in enumerate(nodes)]
    listed += [] if dead is None else [{"NodeID": "dead", "Alive": False, "Resources": dead}]
    ray.nodes = lambda: listed  # type: ignore[attr-defined]
    return Cluster(ray, "ray")


GPU = Share(cpus=1, gpus=1)


@pytest.mark.parametrize(
    ("nodes", "device", "shares"),
    [
        ([{"CPU": 16.0, "GPU": 2.0}, {"CPU": 16.0, "GPU": 1.0}], "auto", [GPU] * 3),
        ([{"CPU": 16.0, "GPU": 2.0}, {"CPU": 64.0}], "auto", [GPU] * 2),
        ([{"CPU": 16.0, "GPU": 2.0}], "cuda", [GPU] * 2),
        ([{"CPU": 8.0, "GPU": 2.0}], "cpu", [Share(cpus=4)] * 2),
        ([{"CPU": 1.0}, {"CPU": 2.0}], "auto", [Share(cpus=1), Share(cpus=2)]),
        ([{"CPU": 10.0}], "auto", [Share(cpus=5)] * 2),
        ([{"memory": 1.0}, {"CPU": 7.0}], "auto", [Share(cpus=7)]),
    ],
)
def test_processes_follow_gpus_and_else_cpus(nodes: list[dict[str, Any]], device: str, shares: list[Share]) -> None:
    assert list(cluster(*nodes).shares(device)) == shares


def test_a_node_that_was_lost_counts_for_nothing() -> None:
    assert cluster({"CPU": 4.0}, dead={"CPU": 4.0, "GPU": 8.0}).shares("auto") == (Share(cpus=4),)


@pytest.mark.parametrize(
    ("device", "said"), [("auto", "no node of the cluster has a CPU"), ("cuda", "the cluster has no GPU")]
)
def test_a_cluster_without_what_is_needed_says_so(device: str, said: str) -> None:
    with pytest.raises(ClusterError, match=said):
        cluster({"memory": 1.0}).shares(device)


BUSY = ConnectionAbortedError(
    "Initialization failure from server:\nTraceback (most recent call last):\n  File …\nRuntimeError: it timed out\n"
)


def ray_that_answers(monkeypatch: pytest.MonkeyPatch, *answers: Exception | None) -> list[Exception | None]:
    """A library whose attempts to connect end so, one after the other; what is left of them is returned."""
    left = list(answers)

    def init(*_: object, **__: object) -> None:
        if answer := left.pop(0):
            raise answer

    ray = ModuleType("ray")
    ray.is_initialized = lambda: False  # type: ignore[attr-defined]
    ray.init, ray.shutdown, ray._private = init, lambda: None, ModuleType("_private")  # type: ignore[attr-defined]
    ray._private.worker = ModuleType("worker")
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setattr("qareport.workflows.distributed.cluster._AGAIN_S", 0)
    return left


def test_a_head_node_that_is_too_busy_at_first_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    left = ray_that_answers(monkeypatch, BUSY, None)
    with connected("ray") as reached:
        assert reached.address == "ray"
    assert not left


def test_of_an_error_on_the_head_node_its_reason_is_told_and_not_its_heading(monkeypatch: pytest.MonkeyPatch) -> None:
    ray_that_answers(monkeypatch, BUSY, BUSY, BUSY)
    with pytest.raises(ClusterError, match="cannot be reached: RuntimeError: it timed out;"), connected("ray"):
        pass


def test_an_error_of_another_kind_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    left = ray_that_answers(monkeypatch, ValueError("a bad address\nand more"), None)
    with pytest.raises(ClusterError, match="cannot be reached: a bad address;"), connected("ray"):
        pass
    assert left == [None]
