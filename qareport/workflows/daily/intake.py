"""Finds the new recordings of a day and does what is missing: transcribe, analyse, judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from qareport import ingest, periods, privacy
from qareport.errors import ConfigError, Problem, QareportError, StoreError
from qareport.events import Progress
from qareport.model import Call, FailedCall, Note, Period, Transcript
from qareport.settings import Settings
from qareport.store import Store
from qareport.workflows import judge as pipeline
from qareport.workflows import transcribe
from qareport.workflows.daily.request import Log, Request

#: Names that a note carries.
_NAMED = 5
_COPIES = "recordings are second copies of others and not counted"


def find_new(
    request: Request,
    settings: Settings,
    period: Period,
    store: Store,
    log: Log,
    *,
    now: datetime,
    wait: Callable[[float], None],
) -> tuple[Call, ...]:
    """Find the recordings whose calls have no result yet, and keep that they exist.

    A source that cannot be read is a trouble: what the others and the store hold is reported all the same. Calls older
    than the retention time are left alone: they would be deleted again by the next `store retain`.
    """
    sources = [_dated(one, period) for one in request.sources or settings.daily.sources]
    manifest = _dated(request.manifest or settings.daily.manifest, period)
    if not sources and not manifest:
        return ()
    unreadable: list[Problem] = []
    try:
        found = ingest.find_calls(
            sources,
            Path(manifest) if manifest else None,
            cache=Path(request.out or settings.daily.out) / "fetched",
            settings=settings.ingest,
            time_zone=settings.period.time_zone,
            wait=wait,
            unreadable=unreadable,
        )
    except QareportError as error:
        unreadable += error.problems
        found = ingest.Ingest(calls=())
    for problem in unreadable:
        log.trouble(problem, Note(code="sources_missing", values={"first": str(problem)}))
    if settings.retention.days is not None:
        found = _since(found, now - timedelta(days=settings.retention.days))
    _report(found, period, log)
    unfinished = store.open_calls([failure.call_id for failure in found.failures])
    for failure in found.failures:
        if failure.call_id in unfinished:  # a recording that was archived since keeps its result
            store.put_failure(_call_of(failure), failure)
    calls = transcribe.disambiguate_ids(found.calls, found.ids_from_file_name, store)
    unfinished = store.open_calls([call.call_id for call in calls])
    new = tuple(call for call in calls if call.call_id in unfinished)
    for call in new:
        store.put_call(call)
    return new


def _since(found: ingest.Ingest, oldest: datetime) -> ingest.Ingest:
    def kept(one: Call | FailedCall) -> bool:
        return one.started_at is None or one.started_at >= oldest

    calls, failures = tuple(filter(kept, found.calls)), tuple(filter(kept, found.failures))
    return replace(found, calls=calls, failures=failures)


def _report(found: ingest.Ingest, period: Period, log: Log) -> None:
    """Say what was found and is no call of the period, and why."""
    start, end = periods.bounds(period)
    waiting = [one.call_id for one in found.waiting if one.started_at is None or start <= one.started_at < end]
    undated = [one.call_id for one in found.calls if one.started_at is None]
    undated += [one.call_id for one in found.failures if one.started_at is None]
    for code, names, what, partial in (
        ("recordings_waiting", waiting, "recordings are still being written, the next run takes them", True),
        ("recordings_undated", undated, "recordings belong to no day, nobody says when they began", True),
        ("recordings_unlisted", _names(found.unlisted), "recordings have no row in the manifest", False),
        ("recordings_unfit", _names(found.unmatched), "names of recordings do not fit ingest.name_pattern", False),
    ):
        _tell(code, names, what, log, partial=partial)


def _tell(code: str, names: Sequence[str], what: str, log: Log, *, partial: bool) -> None:
    if names:
        first = ", ".join(privacy.mask(name)[0] for name in names[:_NAMED]) + (" …" if len(names) > _NAMED else "")
        note = Note(code=code, values={"calls": str(len(names)), "names": first})
        log.trouble(f"{len(names)} {what}: {first}", note, partial=partial)


def _names(paths: Sequence[str]) -> list[str]:
    return [Path(path).name for path in paths]


def _dated(text: str, period: Period) -> str:
    """Put the day in: {date} is 2026-11-21, {day} is 20261121."""
    return text.replace("{date}", period.first.isoformat()).replace("{day}", f"{period.first:%Y%m%d}")


def load_judge(request: Request, store: Store, log: Log) -> pipeline.RuleBook | None:
    """Read the rules; broken ones are replaced by the last good set, and that is said. None: there is none."""
    try:
        judge = pipeline.RuleBook.load_for_run(request.config_dir, store)
    except ConfigError as error:
        log.trouble(error, Note(code="rules_unreadable", values={"first": str(error.problems[0])}))
        return None
    for note in judge.notes:
        log.trouble(f"the rules are broken, the last good set is used: {note.values['first']} (qareport rules lint)")
    return judge


def listen(
    calls: Sequence[Call],
    request: Request,
    settings: Settings,
    store: Store,
    log: Log,
    on_progress: Progress,
) -> tuple[tuple[Call, str, Transcript], ...]:
    """Transcribe new recordings; without any, no model is looked for. An engine that fails is a trouble."""
    if not calls:
        return ()
    from qareport import asr

    try:
        files = asr.locate(request.model, settings.asr)
        heard = transcribe.listen(
            calls,
            store,
            engine_key=asr.transcription_key(files, settings.asr, settings.audio),
            load_transcriber=lambda: asr.load(files, device=request.device, asr=settings.asr, audio=settings.audio),
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
    _tell("recordings_twice", [twin.call.call_id for twin in heard.duplicates], _COPIES, log, partial=False)
    return heard.transcripts


def _call_of(failure: FailedCall) -> Call:
    return Call(
        call_id=failure.call_id,
        audio_path=failure.audio_path,
        order_id=failure.order_id,
        agent_id=failure.agent_id,
        started_at=failure.started_at,
    )
