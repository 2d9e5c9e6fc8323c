"""The `RecordingTranscriber` over the processes of a Ray cluster: parts go out, a lost process is replaced.

Processes only transcribe. Store, rules and documents stay with the run: so no node needs the store's password, SQLite
serves as well as PostgreSQL, copies are settled in one place, and what was transcribed is kept as soon as it arrives.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from qareport import events, messages
from qareport.asr.model_files import DEMO
from qareport.audio.tracks import unavailable
from qareport.errors import ClusterError, ModelError
from qareport.events import Progress
from qareport.files import in_home
from qareport.messages import say
from qareport.model import FailedCall, Transcript
from qareport.settings import HERE, AsrSettings, AudioSettings
from qareport.workflows.distributed.cluster import Cluster, Share, connected
from qareport.workflows.distributed.parts import CPU_PART, GPU_PART, Part, make_parts
from qareport.workflows.distributed.process import EngineSetup, LoadedEngine, RecordingBytes
from qareport.workflows.transcribe import (
    EngineTranscriber,
    RecordingToTranscribe,
    RecordingTranscriber,
    TranscribedCall,
    rebind,
)

if TYPE_CHECKING:
    from qareport.workflows.workspace import Workspace

Outcome = TranscribedCall | FailedCall

#: In seconds: a cluster that has had no room for any process for so long is busy with something else.
PATIENCE_S = 300.0
#: So many processes may end while they load, one after the other, before the run gives up.
_FALSE_STARTS = 3
#: In seconds: so often it is looked at how long nothing has happened.
_LOOK_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RayTranscriber:
    """Transcribes recordings on a Ray cluster."""

    #: "ray" or "ray://HOST:PORT".
    on: str
    model: str
    device: str
    asr: AsrSettings
    audio: AudioSettings
    #: What every process must have loaded, or its transcripts would be others than those of this machine.
    engine_key: str

    def transcribe_many(
        self, recordings: Sequence[RecordingToTranscribe], *, on_progress: Progress
    ) -> Iterator[Outcome]:
        """Yield the outcome of each recording as soon as it arrives.

        Raises:
            ClusterError: the cluster cannot be reached, has no room, or its processes do not start.
            ModelError: a node lacks the model, or has another one.
        """
        setup = EngineSetup(
            model=_absolute(self.model),
            device=self.device,
            asr=self.asr,
            audio=self.audio,
            language=messages.process_language(),
            report_language=messages.language(),
        )
        with connected(self.on) as cluster:
            run = _Run(cluster, setup, self.engine_key)
            try:
                for done, outcome in enumerate(run.outcomes(recordings), start=1):
                    for step in ("decode", "transcribe"):
                        on_progress(step, done, len(recordings))
                    yield outcome
            except (ConnectionError, cluster.ray.exceptions.RayError) as error:
                raise ClusterError(
                    say("the connection to the cluster was lost: {reason}", reason=_reason(error)),
                    where=self.on,
                    to_do=say("run the same command again: what was transcribed is kept"),
                ) from error
            finally:
                run.dismiss()


def choose_transcriber(workspace: Workspace, on: str | None) -> RecordingTranscriber:
    """Return what transcribes recordings: the engine, loaded in this process, or a cluster, not connected to yet.

    Args:
        workspace: its settings, model and device.
        on: overrides `engine.on`.

    Raises:
        ModelError: the model is not installed or incomplete, or there is no such device.
    """
    values = workspace.settings
    chosen = on or values.engine.on
    if chosen == HERE:
        return EngineTranscriber(workspace.load_engine())
    return RayTranscriber(
        on=chosen,
        model=workspace.model,
        device=workspace.device,
        asr=values.asr,
        audio=values.audio,
        engine_key=workspace.engine_key,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Process:
    """A process of the cluster, and what it takes of it."""

    handle: Any
    share: Share


class _Run:
    """The processes of one run, and what each of them is at."""

    def __init__(self, cluster: Cluster, setup: EngineSetup, engine_key: str) -> None:
        self._cluster, self._ray = cluster, cluster.ray
        self._setup, self._engine_key = setup, engine_key
        #: By what is awaited of it: a process, and its part; None: that it has loaded.
        self._at_work: dict[Any, tuple[_Process, Part | None]] = {}
        self._idle: list[_Process] = []
        self._waiting: deque[Part] = deque()
        self._false_starts = 0
        self._last_sign = time.monotonic()

    def outcomes(self, recordings: Sequence[RecordingToTranscribe]) -> Iterator[Outcome]:
        """Transcribe recordings; each has one outcome."""
        shares = self._cluster.shares(self._setup.device)
        on_gpu = shares[0].gpus > 0
        self._setup = replace(self._setup, device="cuda" if on_gpu else "cpu")
        self._waiting += make_parts(recordings, processes=len(shares), most=GPU_PART if on_gpu else CPU_PART)
        for share in shares[: len(self._waiting)]:
            self._start(share)
        while self._waiting or any(part is not None for _, part in self._at_work.values()):
            ready, _ = self._ray.wait(list(self._at_work), num_returns=1, timeout=_LOOK_S)
            if not ready:
                self._check_patience()
            for reference in ready:
                yield from self._take(reference)

    def dismiss(self) -> None:
        """End all processes."""
        for process in [*self._idle, *(process for process, _ in self._at_work.values())]:
            with suppress(ConnectionError, self._ray.exceptions.RayError):  # the cluster itself is gone
                self._ray.kill(process.handle)

    def _start(self, share: Share) -> None:
        process = _Process(handle=self._cluster.start(share), share=share)
        self._at_work[process.handle.load.remote(self._setup)] = (process, None)

    def _take(self, reference: Any) -> Iterator[Outcome]:
        """Take what has arrived: an engine that is loaded, the transcripts of a part, or the news of a loss."""
        process, part = self._at_work.pop(reference)
        try:
            answer = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            yield from self._replace(process, part, error)
            return
        self._last_sign = time.monotonic()
        self._idle.append(process)
        if part is None:
            self._check(answer)
            yield from self._hand_out()
            return
        unreadable = list(self._hand_out())  # before the store takes its time with what has arrived
        yield from _outcomes(part, answer)
        yield from unreadable

    def _hand_out(self) -> Iterator[FailedCall]:
        """Give parts to processes that have none; recordings that cannot be read now are failures."""
        while self._waiting and self._idle:
            part = self._waiting.popleft()
            items: list[RecordingBytes] = []
            for recording in part.recordings:
                read = _read(recording)
                if isinstance(read, FailedCall):
                    yield read
                else:
                    items.append(read)
            if items:
                there = {item.call.call_id for item in items}
                kept = tuple(recording for recording in part.recordings if recording.call.call_id in there)
                process = self._idle.pop()
                self._at_work[process.handle.transcribe.remote(items)] = (process, replace(part, recordings=kept))

    def _replace(self, process: _Process, part: Part | None, error: Exception) -> Iterator[Outcome]:
        """Put a new process in the place of a lost one, and try again what it was at."""
        self._ray.kill(process.handle)  # whatever is left of it
        reason = _reason(error)
        if part is None:
            self._false_starts += 1
            if self._false_starts >= _FALSE_STARTS:
                raise ClusterError(
                    say("processes end while they load the model: {reason}", reason=reason),
                    where=self._cluster.address,
                    to_do=say("check memory, and that every node has the same qareport[engine,ray] installed"),
                )
        else:
            events.happened("transcribe", "lost", calls=len(part.recordings), reason=reason)
            for again in part.after_loss():
                if again.is_given_up:
                    yield _given_up(again)
                else:
                    self._waiting.append(again)
        self._start(process.share)
        yield from self._hand_out()

    def _check(self, loaded: LoadedEngine) -> None:
        """Refuse a node whose transcripts would be others than those of this machine."""
        if loaded.fault:
            raise ModelError(
                say("the node {node} cannot load it: {reason}", node=loaded.node, reason=loaded.fault),
                where=self._setup.model,
            )
        if loaded.engine_key != self._engine_key:
            raise ModelError(
                say("the node {node} has another model, or another version of qareport", node=loaded.node),
                where=self._setup.model,
                to_do=say("give every node the same files and packages as this machine"),
            )
        self._false_starts = 0

    def _check_patience(self) -> None:
        """Give up where no process has found room in the cluster for long; one that works may take its time."""
        loading_alone = not self._idle and all(part is None for _, part in self._at_work.values())
        if not loading_alone:
            self._last_sign = time.monotonic()
        elif time.monotonic() - self._last_sign > PATIENCE_S:
            raise ClusterError(
                say("the cluster has had no room for a process for {seconds:g} s", seconds=PATIENCE_S),
                where=self._cluster.address,
                to_do=say("see what it is busy with (ray status), and run the same command again"),
            )


def _absolute(model: str) -> str:
    """Name a directory so that it is the same one on every node; other names stay as they are."""
    path = in_home(model)
    return str(path.resolve()) if model != DEMO and path.is_dir() else model


def _read(recording: RecordingToTranscribe) -> RecordingBytes | FailedCall:
    path = recording.call.audio_path
    try:
        with open(path, "rb") as file:
            return RecordingBytes(call=recording.call, content=file.read())
    except (OSError, MemoryError) as error:
        return FailedCall.of(recording.call, "ingest", unavailable(error, path))


def _outcomes(part: Part, answer: Sequence[Transcript | FailedCall]) -> Iterator[Outcome]:
    for recording, result in zip(part.recordings, answer, strict=True):
        if isinstance(result, FailedCall):
            yield result
        else:
            yield TranscribedCall(call=recording.call, key=recording.key, transcript=rebind(result, recording.call))


def _given_up(part: Part) -> FailedCall:
    call = part.recordings[0].call
    ended = say(
        "{path}: the process that transcribed it ended, {count} times; the other recordings went on without it",
        path=call.audio_path,
        count=part.losses,
    )
    return FailedCall.of(call, "transcribe", ended)


def _reason(error: Exception) -> str:
    """Return the line of a long error that says why."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if "Error" in line or "exit" in line or "died" in line]
    return (telling or lines or [type(error).__name__])[-1][:300]
