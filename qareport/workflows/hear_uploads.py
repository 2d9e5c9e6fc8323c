"""Hear what people put in on the desk: one recording after the other, judged, and told line by line while it is heard.

A worker process that holds the engine takes the jobs. A killed worker's job is taken by the next; nothing is heard
twice, as transcripts and results are kept under the hash of what they follow from.
"""

from __future__ import annotations

import os
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qareport import asr, events, privacy
from qareport.audio.containers import open_options, sha256_of
from qareport.audio.trial_decode import survives
from qareport.errors import QareportError, StoreError, fault_reason
from qareport.files import content_key, is_file
from qareport.messages import keep, recall, say
from qareport.model import (
    Call,
    CallCorrection,
    FailedCall,
    Job,
    JobKind,
    JobState,
    Note,
    Segment,
)
from qareport.store import holder
from qareport.workflows.call_sound import make_sound
from qareport.workflows.export.jobs import make_export
from qareport.workflows.judge import judge_calls
from qareport.workflows.live.merging import merge
from qareport.workflows.rejudging import (
    find_judged,
    forget_changed_rules,
    judge_again,
    judge_call_again,
    mine_pairs,
)
from qareport.workflows.transcribe import RecordingToTranscribe, TranscribedCall, keep_failure, transcribe_calls
from qareport.workflows.uploads import call_of
from qareport.workflows.workspace import Workspace

if TYPE_CHECKING:
    from qareport.asr import Transcriber

#: A worker that is told nothing looks for work so often, and so often while live calls need the machine.
_IDLE_S, _PATIENCE_S = 0.3, 10.0
#: Sound of so many channels of the longest recording is tried.
_MOST_CHANNELS = 2
_CRASHED = say(
    "reading this recording crashed the decoder, or took too much memory or time; convert it to WAV and upload that"
)
#: The setting that is named where a recording is too long, in every language.
_LONGEST = "audio.max_duration_minutes"
#: A lease is renewed so often while the model works.
_RENEW_S = 10.0


class UploadWorker:
    """Takes uploads from the queue, one at a time, until it is told to stop."""

    def __init__(
        self, workspace: Workspace, engine: Transcriber, *, owner: str = "",
        is_busy: Callable[[], bool] = lambda: False, niceness: int = 0,
    ) -> None:  # fmt: skip
        """Take what to work with; `owner` names the worker in leases, "": by its process.

        While `is_busy` says that live calls need the machine, each kind of job begins every `_PATIENCE_S` at most.
        Threads that work are by `niceness` nicer than others of the process: these get the processor first.
        """
        self._workspace = workspace
        self._engine = engine
        self._owner = owner or f"{holder()}:{secrets.token_hex(4)}"
        self._is_busy = is_busy
        self._niceness = niceness
        self.stopping = threading.Event()

    def run(self) -> None:
        """Work until `stopping` is set; what is under way then goes back into the queue.

        Sound for listening is made beside, in a thread of its own, so that nobody waits for a long recording; stored
        calls are judged again in another, and exports and question-answer pairs are made in a third.
        """
        queues: Sequence[Mapping[JobKind, Callable[[Job], None]]] = (
            {JobKind.UPLOAD: self.work_on, JobKind.REHEAR: self.work_on},
            {JobKind.SOUND: self.make_sound},
            {JobKind.REPLAY: self.judge_again},
            {JobKind.EXPORT: self.export, JobKind.MINE: self.mine_pairs},
        )
        with ThreadPoolExecutor(len(queues), "qareport-jobs", initializer=self._give_way) as pool:
            loops = [pool.submit(copy_context().run, self._work, queue) for queue in queues]
            try:
                for loop in as_completed(loops):
                    loop.result()
            finally:  # one that fails ends the others, and with them the process, which is started again
                self.stopping.set()
        self.give_back()

    def _give_way(self) -> None:
        """Let other threads go before this one and those that it starts; on Linux alone threads differ in that."""
        if self._niceness and sys.platform == "linux":
            niceness = os.getpriority(os.PRIO_PROCESS, 0) + self._niceness
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)

    def give_back(self) -> None:
        """Put what is in work back into the queue."""
        self._workspace.store.jobs.give_back(self._owner)

    def _work(self, work: Mapping[JobKind, Callable[[Job], None]]) -> None:
        began_s = -_PATIENCE_S
        while not self.stopping.is_set():
            if self._is_busy() and time.monotonic() - began_s < _PATIENCE_S:
                self.stopping.wait(_IDLE_S)
                continue
            began_s = time.monotonic()
            try:
                job = self._workspace.store.jobs.take(list(work), self._owner, at=_now())
                if job is None:
                    self.stopping.wait(_IDLE_S)
                else:
                    work[job.kind](job)
            except StoreError as error:  # calls that are on go on meanwhile; a job under way is taken once more
                events.happened("jobs", "failed", reason=str(events.reason_of(error)))
                self.stopping.wait(_PATIENCE_S)

    def export(self, job: Job) -> None:
        """Write an export."""
        make_export(self._workspace, job, self._owner)

    def judge_again(self, job: Job) -> None:
        """Judge all stored calls again by the rules as they are now."""
        judge_again(self._workspace, job, self._owner)

    def mine_pairs(self, job: Job) -> None:
        """Look through stored calls for question-answer pairs."""
        mine_pairs(self._workspace, job, self._owner)

    def make_sound(self, job: Job) -> None:
        """Make the sound of one call for listening."""
        make_sound(self._workspace, job, self._owner)

    def work_on(self, job: Job) -> None:
        """Hear and judge one upload, or a call again; whatever goes wrong with it ends that job alone."""
        watch = events.Stopwatch()
        heard = _Heard(self._workspace, job, self._owner)
        try:
            with _renewed(heard):
                outcome = self._hear_again(job, heard) if job.kind is JobKind.REHEAR else self._process(job, heard)
        except _LostError:
            return
        except QareportError as error:
            outcome = _Outcome(code=getattr(error, "code", "failed"), words=keep(error, clean=_masked))
        except Exception as error:  # noqa: BLE001 - one bad recording stops no other
            outcome = _Outcome(code="failed", words=keep(fault_reason(error), clean=_masked))
        if job.kind is JobKind.UPLOAD and not self._merge(job, heard, outcome):
            return
        heard.end(outcome)
        events.happened(
            job.kind.value, outcome.code or "done", duration_ms=watch.lap_ms(), reason=recall(outcome.words) or None
        )

    def _merge(self, job: Job, heard: _Heard, outcome: _Outcome) -> bool:
        """Let live calls know the outcome, before the job ends: a worker that is killed between does it again.

        Returns False where another worker has the job by now: its outcome counts.
        """
        try:
            heard.renew()
            merge(
                self._workspace.store, str(job.payload["call_id"]), heard_as=outcome.call_id,
                failed=bool(outcome.code), keep_audio=self._workspace.settings.live.keep_audio, job_id=job.job_id,
            )  # fmt: skip
        except _LostError:
            return False
        except QareportError as error:  # `settle` does it later
            events.happened("live", "failed", call_id=str(job.payload["call_id"]), reason=str(events.reason_of(error)))
        return True

    def _process(self, job: Job, heard: _Heard) -> _Outcome:
        call, language = call_of(job), str(job.payload.get("language") or "auto")
        key, engine = self._in_language(language, self._workspace.settings.asr.language)
        heard.step("decoding")
        if not self._is_decodable(call):
            failure = keep_failure(self._workspace.store, call, "decode", _CRASHED)
            return _Outcome(code="decoder_crashed", words=keep(failure, clean=_masked))
        transcription = transcribe_calls(
            [call],
            self._workspace.store,
            engine_key=key,
            load_transcriber=lambda: _Aloud(engine, heard),
            on_progress=lambda *_: None,
        )
        if transcription.duplicates:
            return _Outcome(call_id=transcription.duplicates[0].first.call_id)
        if transcription.failures:
            failure = transcription.failures[0]
            return _Outcome(code=_code_of(failure), words=keep(failure, clean=_masked))
        heard.step("judging")
        forget_changed_rules(self._workspace)
        _, failures = judge_calls(
            transcription.calls,
            self._workspace.store,
            self._workspace.rule_book_for_run,
            on_progress=lambda *_: None,
        )
        if not failures:  # the page opens with its sound
            self._workspace.store.jobs.add(JobKind.SOUND, {"call_id": call.call_id, "original": False}, at=_now())
        if failures:
            return _Outcome(code="judging", words=keep(failures[0], clean=_masked))
        return _Outcome(call_id=call.call_id, notes=transcription.calls[0].transcript.notes)

    def _is_decodable(self, call: Call) -> bool:
        """Try in another process whether the decoders survive an upload; one that is gone is found out later."""
        path = Path(call.audio_path)
        format, options = open_options(path) if path.is_file() else (None, {})
        most_s = self._workspace.settings.audio.max_duration_minutes * 60 * _MOST_CHANNELS
        return not path.is_file() or survives(path, format=format, options=options, most_s=most_s)

    def _in_language(self, language: str, auto: str) -> tuple[str, Transcriber]:
        """Return the engine for a language, and its part of the keys of transcripts; `auto` is what "auto" means."""
        settings = self._workspace.settings
        wanted = auto if language == "auto" else language
        chosen = settings.asr if wanted == settings.asr.language else replace(settings.asr, language=wanted)
        key = asr.transcription_key(self._workspace.engine_files(), chosen, settings.audio)
        return key, self._engine if chosen is settings.asr else self._engine.in_language(wanted)

    def _hear_again(self, job: Job, heard: _Heard) -> _Outcome:
        """Hear a stored recording in another language; its transcript is the one that counts from now on."""
        store, call_id, language = self._workspace.store, str(job.payload["call_id"]), str(job.payload["language"])
        judged = find_judged(store, call_id)
        call, before = judged.call, judged.transcript
        if before.audio is None or not is_file(before.audio.path):
            return _Outcome(code="sound_gone", words=keep(say("the recording is not kept any more")))
        if sha256_of(before.audio.path) != before.audio.sha256:
            return _Outcome(code="sound_gone", words=keep(say("another recording is in its place by now")))
        engine_key, engine = self._in_language(language, "auto")
        key = content_key(engine_key, before.audio.sha256, ",".join(call.channel_roles))
        heard.step("decoding")
        transcript = store.transcripts.find(key)
        if transcript is None:
            found = engine.transcribe_aloud(replace(call, audio_path=before.audio.path), on_lines=heard.lines)
            if isinstance(found, FailedCall):
                return _Outcome(code=_code_of(found), words=keep(found, clean=_masked))
            transcript = found
            store.transcripts.put(key, transcript)
        heard.step("judging")
        self._count(call_id, key, job)
        return _Outcome(call_id=call_id, notes=transcript.notes)

    def _count(self, call_id: str, key: str, job: Job) -> None:
        """Let a transcript be the one of its call, and judge the call by it."""
        store = self._workspace.store
        correction = store.corrections.find(call_id) or CallCorrection(call_id=call_id)
        language = str(job.payload["language"])
        store.corrections.put(
            replace(correction, transcript_key=key, language=language, user_id=job.user_id, at=job.created_at)
        )
        forget_changed_rules(self._workspace)
        judge_call_again(store, self._workspace.rule_book_for_run, call_id)
        store.jobs.add(JobKind.SOUND, {"call_id": call_id, "original": False}, at=_now())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """How an upload ended: with a call, or with a code and words."""

    call_id: str = ""
    code: str = ""
    words: str = ""
    notes: Sequence[Note] = ()


class _LostError(Exception):
    """The job was cancelled, or its lease has ended."""


class _Heard:
    """What is known of an upload so far, and told to the queue."""

    def __init__(self, workspace: Workspace, job: Job, owner: str) -> None:
        self._jobs = workspace.store.jobs
        self._masking = workspace.settings.privacy
        self._job = job
        self._owner = owner
        self._step = ""
        self._segments: list[Segment] = []
        self._lock = threading.Lock()

    def step(self, name: str) -> None:
        """Tell which step begins: decoding, hearing or judging."""
        self._step = name
        self.renew()

    def lines(self, segments: Sequence[Segment]) -> None:
        """Tell the next sentences, masked."""
        with self._lock:
            self._segments += segments
            self._step = "hearing"
        self.renew()

    def renew(self) -> None:
        """Hold the job for longer and tell how far it is.

        Raises:
            _LostError: it is held no more.
        """
        if not self._jobs.renew(self._job.job_id, self._owner, at=_now(), progress=self._progress()):
            raise _LostError

    def end(self, outcome: _Outcome) -> None:
        """Tell how it ended."""
        state = JobState.FAILED if outcome.code else JobState.DONE
        progress = self._progress() | {"call_id": outcome.call_id, "notes": [note.code for note in outcome.notes]}
        self._jobs.finish(
            self._job.job_id, self._owner, state, at=_now(), progress=progress, error_code=outcome.code,
            error=outcome.words,
        )  # fmt: skip

    def _progress(self) -> dict[str, Any]:
        with self._lock:
            segments = tuple(self._segments)
        if self._masking.enabled:
            segments = privacy.mask_segments(segments, self._masking.kinds).segments
        return {"step": self._step, "lines": [_line(segment) for segment in segments]}


def _line(segment: Segment) -> Mapping[str, Any]:
    return {
        "start_ms": segment.start_ms,
        "end_ms": segment.end_ms,
        "role": segment.role.value,
        "channel": segment.channel,
        "text": segment.text,
        "emotion": segment.emotion.value if segment.emotion else None,
        "events": [event.value for event in segment.events],
    }


class _Aloud:
    """The `RecordingTranscriber` that tells sentences while it hears."""

    def __init__(self, engine: Transcriber, heard: _Heard) -> None:
        self._engine = engine
        self._heard = heard

    def transcribe_many(
        self, recordings: Sequence[RecordingToTranscribe], *, on_progress: events.Progress
    ) -> Iterator[TranscribedCall | FailedCall]:
        """Yield the outcome of each recording."""
        for recording in recordings:
            outcome = self._engine.transcribe_aloud(recording.call, on_lines=self._heard.lines)
            if isinstance(outcome, FailedCall):
                yield outcome
            else:
                yield TranscribedCall(call=recording.call, key=recording.key, transcript=outcome)


@contextmanager
def _renewed(heard: _Heard) -> Iterator[None]:
    """Renew the lease while a block works, however long the model takes."""
    over = threading.Event()

    def renew() -> None:
        while not over.wait(_RENEW_S):
            with suppress(_LostError, StoreError):  # a store that is busy now may not be in a moment
                heard.renew()

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _code_of(failure: FailedCall) -> str:
    if failure.step != "decode":
        return "failed"
    return "too_long" if _LONGEST in failure.reason else "not_audio"


def _now() -> datetime:
    return datetime.now(UTC)


def _masked(words: str) -> str:
    return privacy.mask(words)[0]
