"""Transcribe recordings, each once: transcripts that the store already holds are reused."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from qareport import calendar, events
from qareport.audio.containers import sha256_of
from qareport.errors import AudioError, Problem
from qareport.events import Progress
from qareport.files import content_key, is_file
from qareport.messages import Message, say
from qareport.model import Call, FailedCall, Transcript, unfit_id

if TYPE_CHECKING:
    from qareport.asr import Transcriber
    from qareport.ingest import Ingest
    from qareport.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingToTranscribe:
    """A recording that is to be transcribed, and the key under which its transcript is kept."""

    call: Call
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscribedCall:
    """A call with its transcript, and the key under which the store holds it."""

    call: Call
    key: str
    transcript: Transcript


class RecordingTranscriber(Protocol):
    """Transcribes many recordings: one engine in this process, or many on other machines.

    It neither reads nor writes the store; the caller does.
    """

    def transcribe_many(
        self, recordings: Sequence[RecordingToTranscribe], *, on_progress: Progress
    ) -> Iterator[TranscribedCall | FailedCall]:
        """Yield the outcome of each recording as soon as it exists, in any order."""


class EngineTranscriber:
    """The `RecordingTranscriber` over one engine in this process."""

    def __init__(self, engine: Transcriber) -> None:
        self._engine = engine

    def transcribe_many(
        self, recordings: Sequence[RecordingToTranscribe], *, on_progress: Progress
    ) -> Iterator[TranscribedCall | FailedCall]:
        """Yield the outcome of each recording, in the order given."""
        by_id = {recording.call.call_id: recording for recording in recordings}
        for outcome in self._engine.transcribe([item.call for item in recordings], on_progress=on_progress):
            if isinstance(outcome, FailedCall):
                yield outcome
            else:
                recording = by_id[outcome.call_id]
                yield TranscribedCall(call=recording.call, key=recording.key, transcript=outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """A recording that was found again under another name: it counts as one call, the first one."""

    call: Call
    first: Call

    def __str__(self) -> str:
        same = say("the same recording as {call} ({file})", call=self.first.call_id, file=self.first.audio_path)
        return f"{self.call.audio_path}: {same}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcription:
    """The outcome of `transcribe_calls`."""

    #: Empty where each was handed on when it was there (`on_transcribed`).
    calls: tuple[TranscribedCall, ...]
    failures: tuple[FailedCall, ...]
    #: Recorded time of all calls that have a transcript.
    audio_ms: int
    #: How many transcripts the store held already.
    reused: int
    #: Recorded time that was transcribed now, and how long that took.
    transcribed_ms: int
    seconds: float
    #: Duplicates of recordings that are already counted.
    duplicates: tuple[Duplicate, ...] = ()


def transcribe_calls(
    calls: Sequence[Call],
    store: Store,
    *,
    engine_key: str,
    load_transcriber: Callable[[], RecordingTranscriber],
    on_progress: Progress,
    on_transcribed: Callable[[TranscribedCall], None] | None = None,
) -> Transcription:
    """Transcribe the calls whose transcript the store does not hold yet; load a model only if there are any.

    Args:
        calls: recordings with unique call ids.
        store: where transcripts are kept, each as soon as it exists.
        engine_key: hash of model and engine settings.
        load_transcriber: loads the model.
        on_progress: called after each call.
        on_transcribed: takes each call as soon as its transcript is there, so that transcripts of many calls are not
            held together; None: they are all returned.
    """
    started = time.monotonic()
    work = _Work(store, engine_key, on_transcribed)
    for call in calls:
        work.look_up(call)
    reused = len(work.transcribed)
    transcribed_ms = work.transcribe(load_transcriber, on_progress) if work.missing else 0
    work.settle_copies()
    return Transcription(
        calls=tuple(work.ready[call.call_id] for call in calls if call.call_id in work.ready),
        failures=tuple(work.failures),
        audio_ms=sum(work.transcribed.values()),
        reused=reused,
        transcribed_ms=transcribed_ms,
        seconds=time.monotonic() - started,
        duplicates=tuple(work.duplicates),
    )


class _Work:
    """The calls of one run, sorted by what is to be done with each."""

    def __init__(self, store: Store, engine_key: str, on_transcribed: Callable[[TranscribedCall], None] | None) -> None:
        self._store = store
        self._engine_key = engine_key
        self._on_transcribed = on_transcribed
        self._firsts: dict[str, Call] = {}
        #: Copies by the call id of the first, whose outcome decides about them.
        self._copies: dict[str, list[Call]] = defaultdict(list)
        #: Recorded milliseconds by call id.
        self.transcribed: dict[str, int] = {}
        #: By call id; only where nobody takes them at once.
        self.ready: dict[str, TranscribedCall] = {}
        self.missing: list[RecordingToTranscribe] = []
        self.failures: list[FailedCall] = []
        self.duplicates: list[Duplicate] = []

    def look_up(self, call: Call) -> None:
        """Find what the store knows of a recording."""
        try:
            sha256 = sha256_of(call.audio_path)
        except AudioError as error:
            self._fail(call, "decode", error)
            return
        first = self._store.calls.find_by_audio(sha256, call)
        if first is not None and not _same_file(first, call):
            self._drop_copy(call, first)
            return
        first = self._firsts.setdefault(sha256, call)
        if not _same_file(first, call) and not self._store.calls.has_result(call.call_id):
            self._copies[first.call_id].append(call)
            return
        self._store.calls.put(call)
        key = content_key(self._engine_key, sha256, ",".join(call.channel_roles))
        transcript = self._store.transcripts.find(key)
        failure = self._store.calls.find_failure(call.call_id, key)
        if transcript is not None:
            events.happened("transcribe", "kept", call_id=call.call_id)
            self._take(TranscribedCall(call=call, key=key, transcript=rebind(transcript, call)))
        elif failure is not None:
            self._fail(call, failure.step, failure, key=key)
        else:
            self.missing.append(RecordingToTranscribe(call=call, key=key))

    def transcribe(self, load_transcriber: Callable[[], RecordingTranscriber], on_progress: Progress) -> int:
        """Transcribe what is missing. Returns how many milliseconds that were."""
        by_id = {recording.call.call_id: recording for recording in self.missing}
        transcribed_ms = 0
        watch = events.Stopwatch()
        for outcome in load_transcriber().transcribe_many(self.missing, on_progress=on_progress):
            if isinstance(outcome, FailedCall):
                recording = by_id[outcome.call_id]
                # The same bytes will not decode another time either; whatever else failed may go well.
                key = recording.key if outcome.step == "decode" else None
                self._fail(recording.call, outcome.step, outcome, key=key)
            else:
                call_id = outcome.call.call_id
                events.happened("transcribe", "done", call_id=call_id, duration_ms=watch.lap_ms())
                self._store.transcripts.put(outcome.key, outcome.transcript)
                self._take(outcome)
                transcribed_ms += self.transcribed[call_id]
        return transcribed_ms

    def _take(self, item: TranscribedCall) -> None:
        audio = item.transcript.audio
        self.transcribed[item.call.call_id] = audio.duration_ms if audio else 0
        if self._on_transcribed is None:
            self.ready[item.call.call_id] = item
        else:
            self._on_transcribed(item)

    def settle_copies(self) -> None:
        """Drop copies of what was transcribed; of what failed, each is a call that failed (empty files are alike)."""
        failed = {failure.call_id: failure for failure in self.failures}
        firsts = {call.call_id: call for call in self._firsts.values()}
        for call_id, copies in self._copies.items():
            for copy in copies:
                if call_id in self.transcribed:
                    self._drop_copy(copy, firsts[call_id])
                else:
                    self._fail(copy, failed[call_id].step, _as_of(copy, failed[call_id]))

    def _drop_copy(self, call: Call, first: Call) -> None:
        self._store.calls.delete_unjudged(call.call_id)
        self.duplicates.append(Duplicate(call=call, first=first))

    def _fail(self, call: Call, step: str, reason: object, *, key: str | None = None) -> None:
        self.failures.append(keep_failure(self._store, call, step, reason, key=key))


def refuse_unfit(found: Ingest) -> tuple[Ingest, tuple[FailedCall, ...]]:
    """Part the calls that cannot be kept under their ids from the others. They fail without being kept."""
    refused = [
        FailedCall.of(call, "ingest", reason)
        for call in (*found.calls, *(failure.call for failure in found.failures))
        if (reason := unfit_id(call)) is not None
    ]
    calls = tuple(call for call in found.calls if unfit_id(call) is None)
    failures = tuple(failure for failure in found.failures if unfit_id(failure.call) is None)
    return replace(found, calls=calls, failures=failures), tuple(refused)


def disambiguate_ids(calls: Sequence[Call], ids_from_file_name: Collection[str], store: Store) -> tuple[Call, ...]:
    """Give a recording an id of its own where the store has another one under that id.

    Recorders begin each day with 0001.wav. A recording that was only moved keeps its id.

    Args:
        calls: what was found.
        ids_from_file_name: ids that were not given, but made from file names.
        store: knows the recordings of other days.
    """
    known = store.calls.list_recordings([call.call_id for call in calls if call.call_id in ids_from_file_name])
    return tuple(
        replace(call, call_id=f"{call.call_id}-{sha256_of(call.audio_path)[:8]}")
        if call.call_id in known and _is_other(call, *known[call.call_id])
        else call
        for call in calls
    )


def refuse_taken_ids(
    calls: Sequence[Call], store: Store, zone: ZoneInfo
) -> tuple[tuple[Call, ...], tuple[Problem, ...]]:
    """Keep a recording from taking the place of another call that the store has under the same id.

    Args:
        calls: what was found, with the ids that were given to them.
        store: knows the recordings of other days.
        zone: in which days begin and end.

    Returns:
        the calls that can be worked on, and what is wrong with the others.
    """
    known = store.calls.list_recordings([call.call_id for call in calls])
    kept: list[Call] = []
    problems: list[Problem] = []
    for call in calls:
        stored = known.get(call.call_id)
        why = None if stored is None else id_taken(stored[0], call, zone)
        if stored is None or why is None or not _is_other(call, *stored):
            kept.append(call)
        else:
            problems.append(Problem(what=why, where=call.audio_path))
    return tuple(kept), tuple(problems)


def id_taken(stored: Call, given: Call, zone: ZoneInfo) -> Message | None:
    """Say that two calls of one id are of different days or orders; None: nothing speaks against their being one."""
    days = [calendar.local_day(call.started_at, zone) for call in (stored, given) if call.started_at is not None]
    orders = [call.order_id for call in (stored, given) if call.order_id is not None]
    for values in (days, orders):
        if len(values) == 2 and values[0] != values[1]:
            return say(
                "the call_id {call!r} belongs to another call ({stored}, here {given}); give each call its own id",
                call=given.call_id,
                stored=values[0],
                given=values[1],
            )
    return None


def _is_other(call: Call, stored: Call, sha256: str | None) -> bool:
    if _same_file(call, stored):
        return False
    if sha256 is None:  # never transcribed: only a file that is still there is certain to be another one
        return is_file(stored.audio_path) and is_file(call.audio_path)
    try:
        return sha256_of(call.audio_path) != sha256
    except AudioError:
        return False


def _as_of(copy: Call, first: FailedCall) -> FailedCall:
    """Return the failure of the first of the copies with the name of this one's recording in its reason."""
    return first.reworded(lambda text: text.replace(first.audio_path, copy.audio_path))


def _same_file(first: Call, second: Call) -> bool:
    return Path(first.audio_path).resolve() == Path(second.audio_path).resolve()


def keep_failure(store: Store, call: Call, step: str, reason: object, *, key: str | None = None) -> FailedCall:
    """Keep that a call failed, and return the record of it; `reason` as `FailedCall.of` takes it."""
    failure = FailedCall.of(call, step, reason)
    store.calls.put_failure(call, failure, key=key)
    events.happened(step, "failed", call_id=call.call_id, order_id=call.order_id, reason=failure.reason)
    return failure


def rebind(transcript: Transcript, call: Call) -> Transcript:
    """Give a stored transcript the identity that the manifest has for its call today."""
    return replace(
        transcript,
        call_id=call.call_id,
        order_id=call.order_id,
        agent_id=call.agent_id,
        shop=call.shop,
        started_at=call.started_at,
        audio=transcript.audio and replace(transcript.audio, path=call.audio_path),
    )
