"""A run on a Ray cluster: whatever is lost on the way, each recording has one outcome, and it is the right one.

The processes of these tests are real processes of real nodes; they answer without a model, so that killing them is
cheap. `tests/acceptance/test_ray.py` runs the whole command with the bundled model.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from qareport import __version__
from qareport.errors import ClusterError, ModelError
from qareport.model import Call, FailedCall
from qareport.settings import AsrSettings, AudioSettings
from qareport.workflows.distributed import cluster as clusters
from qareport.workflows.distributed import transcriber
from qareport.workflows.distributed.process import EngineSetup, LoadedEngine
from qareport.workflows.distributed.transcriber import RayTranscriber
from qareport.workflows.transcribe import RecordingToTranscribe, TranscribedCall
from tests.support.ray_cluster import LocalCluster, kill_at_work
from tests.support.stub_transcribing import POISON, SLOW, STUB_TITLE, StubProcess


class FaultyProcess(StubProcess):
    def load(self, setup: EngineSetup) -> LoadedEngine:
        raise ImportError("no such library")


class Idler:
    def wait(self) -> None:
        """Hold what it was given."""


@pytest.fixture(scope="module")
def connection(ray_cluster: LocalCluster) -> Iterator[LocalCluster]:
    """This process, connected to the cluster as a run on its head node is."""
    import ray

    ray.init(address=ray_cluster.cluster.address, log_to_driver=False, logging_level=logging.CRITICAL)
    yield ray_cluster
    ray.shutdown()


@pytest.fixture
def stub(connection: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> LocalCluster:
    monkeypatch.setattr(clusters, "TranscribingProcess", StubProcess)
    monkeypatch.setattr(clusters, "_CPUS", 1)
    return connection


def recordings(folder: Path, contents: Sequence[bytes]) -> list[RecordingToTranscribe]:
    made = []
    for number, content in enumerate(contents):
        path = folder / f"{number}.wav"
        path.write_bytes(content)
        made.append(RecordingToTranscribe(call=Call(call_id=f"c{number}", audio_path=str(path)), key=f"k{number}"))
    return made


def transcribe(
    wanted: Sequence[RecordingToTranscribe],
    *,
    on_progress: Callable[[str, int, int], None] = lambda *_: None,
    model: str = "e1",
    device: str = "auto",
) -> dict[str, str]:
    """Transcribe recordings; returns what was said, or why not, by call."""
    engine = RayTranscriber(
        on="ray", model=model, device=device, asr=AsrSettings(), audio=AudioSettings(), engine_key="e1"
    )
    said: dict[str, str] = {}
    for outcome in engine.transcribe_many(wanted, on_progress=on_progress):
        if isinstance(outcome, FailedCall):
            assert outcome.call_id not in said
            said[outcome.call_id] = f"{outcome.step}: {outcome.reason}"
        else:
            assert isinstance(outcome, TranscribedCall)
            assert outcome.call.call_id not in said
            assert outcome.transcript.audio is not None
            assert outcome.transcript.audio.path == outcome.call.audio_path
            said[outcome.call.call_id] = outcome.transcript.segments[0].text
    return said


def test_each_recording_has_one_outcome_and_progress_counts_them(stub: LocalCluster, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    wanted = recordings(tmp_path, [f"call {number}".encode() for number in range(20)])
    (tmp_path / "19.wav").unlink()  # has gone since it was found
    said = transcribe(wanted, on_progress=lambda *step: seen.append(step))
    assert said.pop("c19") == f"ingest: {tmp_path / '19.wav'}: cannot be read: No such file or directory"
    assert said == {f"c{number}": f"call {number}" for number in range(19)}
    assert [step for step in seen if step[0] == "transcribe"] == [("transcribe", done, 20) for done in range(1, 21)]


def test_a_recording_that_kills_every_process_it_is_given_to_fails_alone(stub: LocalCluster, tmp_path: Path) -> None:
    contents = [b"well"] * 6 + [POISON] + [b"well"] * 5
    said = transcribe(recordings(tmp_path, contents))
    assert said.pop("c6") == (
        f"transcribe: {tmp_path / '6.wav'}: the process that transcribed it ended, 2 times; the other recordings went "
        "on without it"
    )
    assert set(said.values()) == {"well"}
    assert len(said) == 11


def test_a_process_that_is_killed_is_replaced_and_its_recordings_are_tried_again(
    stub: LocalCluster, tmp_path: Path
) -> None:
    killer = threading.Thread(target=kill_at_work, args=(STUB_TITLE,))
    killer.start()
    said = transcribe(recordings(tmp_path, [SLOW] * 4))
    killer.join()
    assert said == {f"c{number}": "slow" for number in range(4)}


def test_a_node_that_is_lost_takes_no_recording_with_it(stub: LocalCluster, tmp_path: Path) -> None:
    node = stub.add_node()
    seen: list[int] = []

    def lose_the_node(step: str, done: int, total: int) -> None:
        if not seen:
            stub.kill_node(node)
        seen.append(done)

    said = transcribe(recordings(tmp_path, [b"first", *[SLOW] * 8]), on_progress=lose_the_node)
    assert said == {"c0": "first"} | {f"c{number}": "slow" for number in range(1, 9)}


def test_a_node_with_another_model_is_named_and_nothing_of_it_is_taken(stub: LocalCluster, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="the node stub has another model, or another version of qareport"):
        transcribe(recordings(tmp_path, [b"x"]), model="e2")


def test_a_cluster_without_a_gpu_is_told_to_whoever_asks_for_cuda(stub: LocalCluster, tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="the cluster has no GPU"):
        transcribe(recordings(tmp_path, [b"x"]), device="cuda")


def test_a_cluster_that_is_busy_with_something_else_is_waited_for_and_then_named(
    stub: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    monkeypatch.setattr(transcriber, "PATIENCE_S", 0.5)
    monkeypatch.setattr(transcriber, "_LOOK_S", 0.2)
    other = ray.remote(Idler).options(num_cpus=2).remote()
    ray.get(other.wait.remote())
    try:
        with pytest.raises(ClusterError, match="no room for a process for 0.5 s"):
            transcribe(recordings(tmp_path, [b"x"]))
    finally:
        ray.kill(other)


def test_processes_that_end_while_they_load_end_the_run_with_the_reason(
    connection: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "TranscribingProcess", FaultyProcess)
    monkeypatch.setattr(transcriber, "_FALSE_STARTS", 2)
    with pytest.raises(ClusterError, match="processes end while they load the model: .*no such library"):
        transcribe(recordings(tmp_path, [b"x"]))


def test_each_node_tells_its_version_those_of_one_host_apart(connection: LocalCluster) -> None:
    """A node that another test has killed is none of them, although it counts as alive for some seconds."""
    second = connection.add_node()
    with clusters.connected("ray") as cluster:
        versions = cluster.versions()
    connection.cluster.remove_node(second)
    assert set(versions.values()) == {__version__}
    assert len(versions) == 2
