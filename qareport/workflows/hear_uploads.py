"""Hear what people put in on the desk: one recording after the other, judged, and told line by line while it is heard.

A worker process that holds the engine takes the jobs. A killed worker's job is taken by the next; nothing is heard
twice, as transcripts and results are kept under the hash of what they follow from.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qareport import asr, events, privacy
from qareport.audio.containers import open_options, sha256_of
from qareport.audio.trial_decode import survives
from qareport.errors import QareportError
from qareport.files import content_key, is_file
from qareport.messages import keep, recall, say
from qareport.model import (
    Call,
    CallCorrection,
    CallSource,
    FailedCall,
    Job,
    JobKind,
    JobState,
    Note,
    Role,
    Segment,
)
from qareport.store import holder
from qareport.workflows.call_sound import make_listening
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
#: A lease is renewed so often while the model works.
_RENEW_S = 10.0


class UploadWorker:
    """Takes uploads from the queue, one at a time, until it is told to stop."""

    def __init__(
        self, workspace: Workspace, engine: Transcriber, *, owner: str = "", is_busy: Callable[[], bool] = lambda: False
    ) -> None:
        """Take what to work with; `owner` names the worker in leases, "": by its process.

        While `is_busy` says that live calls need the machine, each kind of job begins every `_PATIENCE_S` at most.
        """
        self._workspace = workspace
        self._engine = engine
        self._owner = owner or f"{holder()}:{secrets.token_hex(4)}"
        self._is_busy = is_busy
        self.stopping = threading.Event()

    def run(self) -> None:
        """Work until `stopping` is set; what is under way then goes back into the queue.

        Sound for listening is made beside, in a thread of its own, so that nobody waits for a long recording; stored
        calls are judged again in another, and exports and question-answer pairs are made in a third.
        """
        beside = [
            threading.Thread(target=self._work, args=({JobKind.SOUND: self.make_sound},)),
            threading.Thread(target=self._work, args=({JobKind.REPLAY: self.judge_again},)),
            threading.Thread(target=self._work, args=({JobKind.EXPORT: self.export, JobKind.MINE: self.mine_pairs},)),
        ]
        for thread in beside:
            thread.start()
        self._work({JobKind.UPLOAD: self.work_on, JobKind.REHEAR: self.work_on})
        for thread in beside:
            thread.join()
        self.give_back()

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
            job = self._workspace.store.jobs.take(list(work), self._owner, at=_now())
            if job is None:
                self.stopping.wait(_IDLE_S)
            else:
                work[job.kind](job)

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
        store, settings = self._workspace.store, self._workspace.settings
        call_id, code, words = str(job.payload["call_id"]), "", ""
        try:
            make_listening(
                Path(settings.desk.folder) / "sound",
                store.results.get(call_id),
                settings.privacy,
                max_duration_ms=settings.audio.max_duration_minutes * 60_000,
                original=bool(job.payload.get("original")),
            )
        except QareportError as error:
            code, words = "no_sound", keep(error, clean=_masked)
        except Exception as error:  # noqa: BLE001 - one bad recording stops no other
            code, words = "no_sound", _masked(f"{type(error).__name__}: {error}")
        state = JobState.FAILED if code else JobState.DONE
        store.jobs.finish(job.job_id, self._owner, state, at=_now(), error_code=code, error=words)

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
            outcome = _Outcome(code="failed", words=_masked(f"{type(error).__name__}: {error}"))
        heard.end(outcome)
        if job.kind is JobKind.UPLOAD:
            merge(
                self._workspace.store,
                str(job.payload["call_id"]),
                heard_as=outcome.call_id,
                failed=bool(outcome.code),
                keep_audio=self._workspace.settings.live.keep_audio,
            )
        events.happened(
            job.kind.value, outcome.code or "done", duration_ms=watch.lap_ms(), reason=recall(outcome.words) or None
        )

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
            with suppress(_LostError):
                heard.renew()

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def call_of(job: Job) -> Call:
    """Return what the person who uploaded a recording said of the call, or the telephone system of a live one."""
    facts = job.payload
    started_at = facts.get("started_at")
    return Call(
        call_id=str(facts["call_id"]),
        audio_path=str(facts["path"]),
        order_id=facts.get("order_id") or None,
        agent_id=facts.get("agent_id") or None,
        shop=facts.get("shop") or None,
        customer_phone=facts.get("customer_phone") or None,
        external_ref=facts.get("external_ref") or None,
        started_at=datetime.fromisoformat(started_at) if started_at else None,
        channel_roles=tuple(Role(role) for role in facts.get("channel_roles") or ()),
        source=CallSource.LIVE if facts.get("live_id") else CallSource.UPLOAD,
    )


def _code_of(failure: FailedCall) -> str:
    return "not_audio" if failure.step == "decode" else "failed"


def _now() -> datetime:
    return datetime.now(UTC)


def _masked(words: str) -> str:
    return privacy.mask(words)[0]
