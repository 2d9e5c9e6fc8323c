"""Finds the new recordings of a day and does what is missing: transcribe, analyse, judge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qareport import ingest, pipeline
from qareport.daily.request import Log, Request
from qareport.errors import ConfigError, QareportError, StoreError
from qareport.model import Call, FailedCall, Note, Period, Transcript
from qareport.settings import Settings
from qareport.store import Store


def find_new(request: Request, settings: Settings, period: Period, store: Store, log: Log) -> tuple[Call, ...]:
    """Find the recordings whose calls have no result yet, and keep that they exist.

    A source that cannot be read is a trouble: what the store holds is reported all the same.
    """
    sources = [_dated(one, period) for one in request.sources or settings.daily.sources]
    manifest = _dated(request.manifest or settings.daily.manifest, period)
    if not sources and not manifest:
        return ()
    cache = Path(request.out or settings.daily.out) / "fetched"
    try:
        found = ingest.find_calls(sources, Path(manifest) if manifest else None, cache=cache)
    except QareportError as error:
        log.trouble(error, Note(code="sources_missing", values={"first": str(error.problems[0])}))
        return ()
    known = [call.call_id for call in found.calls] + [failure.call_id for failure in found.failures]
    unfinished = store.open_calls(known)
    for failure in found.failures:
        if failure.call_id in unfinished:  # a recording that was archived since keeps its result
            store.put_failure(_call_of(failure), failure)
    new = tuple(call for call in found.calls if call.call_id in unfinished)
    for call in new:
        store.put_call(call)
    return new


def _dated(text: str, period: Period) -> str:
    """Put the day in: {date} is 2026-11-21, {day} is 20261121."""
    return text.replace("{date}", period.first.isoformat()).replace("{day}", f"{period.first:%Y%m%d}")


def load_judge(request: Request, store: Store, log: Log) -> pipeline.Judge | None:
    """Read the rules; broken ones are replaced by the last good set, and that is said. None: there is none."""
    try:
        judge = pipeline.Judge.load_for_run(request.config_dir, store)
    except ConfigError as error:
        log.trouble(error, Note(code="rules_unreadable", values={"first": str(error.problems[0])}))
        return None
    for note in judge.notes:
        log.trouble(f"the rules are broken, the last good set is used: {note.values['first']} (qareport rules lint)")
    return judge


def listen(
    calls: Sequence[Call], request: Request, settings: Settings, store: Store, log: Log, on_progress: pipeline.Progress
) -> tuple[tuple[Call, str, Transcript], ...]:
    """Transcribe new recordings; without any, no model is looked for. An engine that fails is a trouble."""
    if not calls:
        return ()
    from qareport import asr

    try:
        info = asr.identify(request.model, asr.check(asr.resolve(request.model)))
        heard = pipeline.listen(
            calls,
            store,
            engine_key=asr.transcription_key(info, settings.asr, settings.audio),
            load_transcriber=lambda: asr.load(
                request.model, device=request.device, asr=settings.asr, audio=settings.audio
            ),
            on_progress=on_progress,
        )
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - what the store holds is reported, whatever is wrong with the engine
        reason = str(error) if isinstance(error, QareportError) else f"{type(error).__name__}: {error}"
        log.trouble(
            f"{len(calls)} new recordings were not transcribed: {reason}",
            Note(code="not_transcribed", values={"calls": str(len(calls)), "first": reason}),
        )
        return ()
    return heard.transcripts


def _call_of(failure: FailedCall) -> Call:
    return Call(
        call_id=failure.call_id,
        audio_path=failure.audio_path,
        order_id=failure.order_id,
        agent_id=failure.agent_id,
        started_at=failure.started_at,
    )
