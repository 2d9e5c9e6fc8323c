"""The intake of a daily run: new recordings are found, named where they are no calls, and transcribed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from qareport import ingest, periods, privacy
from qareport.errors import ConfigError, QareportError, StoreError, fault_reason
from qareport.messages import Message, say
from qareport.model import Call, CallSource, FailedCall, Note, NoteCode
from qareport.workflows import transcribe
from qareport.workflows.daily.context import Context
from qareport.workflows.judge import RuleBook
from qareport.workflows.transcribe import TranscribedCall

#: Names that a note carries.
_NAMED = 5
#: What was found and is no call of the period, by the code of its note.
_LEFT_OUT: Mapping[str, Message] = {
    "recordings_waiting": say("{count} recordings are still being written, the next run takes them: {names}"),
    "recordings_undated": say("{count} recordings belong to no day, because their start is not known: {names}"),
    "recordings_unlisted": say("{count} recordings have no row in the manifest: {names}"),
    "recordings_unfit": say("{count} names of recordings do not fit ingest.name_pattern: {names}"),
    "recordings_twice": say("{count} recordings are duplicates of others and not counted: {names}"),
}


@dataclass(frozen=True, slots=True)
class Intake:
    """The steps from recordings to transcripts, and the rules to judge them by."""

    context: Context

    def find_new(self) -> tuple[Call, ...]:
        """Find the recordings whose calls have no result yet, and keep that they exist.

        A source that cannot be read is recorded as a trouble: what the others and the store hold is reported all the
        same. Calls older than the retention time are skipped: the next `store retain` would delete them again.
        """
        run = self.context
        sources = [self._dated(source) for source in run.options.sources or run.settings.daily.sources]
        manifest = self._dated(run.options.manifest or run.settings.daily.manifest)
        if not sources and not manifest:
            return ()
        ingested, refused = transcribe.refuse_unfit(self._find(sources, Path(manifest) if manifest else None))
        for failure in refused:
            note = Note(code=NoteCode.SOURCES_MISSING, values={"first": failure.reason})
            run.log.trouble(f"{failure.audio_path}: {failure.reason}", note)
        if run.settings.retention.days is not None:
            ingested = _since(ingested, run.clock.now() - timedelta(days=run.settings.retention.days))
        self._report(ingested)
        unfinished = run.store.calls.list_unfinished([failure.call_id for failure in ingested.failures])
        for failure in ingested.failures:
            if failure.call_id in unfinished:  # a recording that was archived since keeps its result
                run.store.calls.put_failure(failure.call, failure)
        unfinished = run.store.calls.list_unfinished([call.call_id for call in ingested.calls])
        new = tuple(call for call in ingested.calls if call.call_id in unfinished)
        for call in new:
            run.store.calls.put(call)
        return new

    def _find(self, sources: Sequence[str], manifest: Path | None) -> ingest.Ingest:
        run = self.context
        try:
            ingested = ingest.find_calls(
                sources,
                manifest,
                cache=run.out / "fetched",
                settings=run.settings.ingest,
                audio=run.settings.audio,
                time_zone=run.settings.period.time_zone,
                wait=run.clock.sleep,
            )
        except QareportError as error:
            return ingest.Ingest(calls=(), problems=error.problems)
        calls = transcribe.disambiguate_ids(ingested.calls, ingested.ids_from_file_name, run.store)
        calls, refused = transcribe.refuse_taken_ids(calls, run.store, ZoneInfo(run.settings.period.time_zone))
        calls = tuple(replace(call, source=CallSource.DAILY) for call in calls)
        return replace(ingested, calls=calls, problems=(*ingested.problems, *refused))

    def _dated(self, text: str) -> str:
        """Put the day in: {date} is 2026-11-21, {day} is 20261121."""
        first = self.context.period.first
        return text.replace("{date}", first.isoformat()).replace("{day}", f"{first:%Y%m%d}")

    def _report(self, ingested: ingest.Ingest) -> None:
        """Name what was found and is no call of the period, and why."""
        for problem in ingested.problems:
            first = privacy.mask(str(problem))[0]
            self.context.log.trouble(problem, Note(code=NoteCode.SOURCES_MISSING, values={"first": first}))
        start, end = periods.bounds(self.context.period)
        waiting = [
            call.call_id for call in ingested.waiting if call.started_at is None or start <= call.started_at < end
        ]
        undated = [call.call_id for call in ingested.calls if call.started_at is None]
        undated += [failure.call_id for failure in ingested.failures if failure.started_at is None]
        self.context.log.skipped += ingested.skipped
        self._note("recordings_waiting", waiting, partial=True)
        self._note("recordings_undated", undated, partial=True)
        self._note("recordings_unlisted", _names(ingested.unlisted), partial=False)
        self._note("recordings_unfit", _names(ingested.unmatched), partial=False)

    def _note(self, code: str, names: Sequence[str], *, partial: bool) -> None:
        if names:
            first = ", ".join(privacy.mask(name)[0] for name in names[:_NAMED]) + (" …" if len(names) > _NAMED else "")
            note = Note(code=code, values={"calls": str(len(names)), "names": first})
            what = Message(_LEFT_OUT[code].template, (("count", len(names)), ("names", first)))
            self.context.log.trouble(what, note, partial=partial)

    def rule_book(self) -> RuleBook | None:
        """Return the rules; broken ones are replaced by the last valid set, and recorded. None: there is none."""
        log = self.context.log
        try:
            rule_book = self.context.workspace.rule_book_for_run
        except ConfigError as error:
            log.trouble(error, Note(code=NoteCode.RULES_UNREADABLE, values={"first": str(error.problems[0])}))
            return None
        for note in rule_book.notes:
            log.trouble(
                say(
                    "the rules are broken, the last valid set is used: {first} (qareport rules lint)",
                    first=note.values["first"],
                )
            )
        return rule_book

    def transcribe(self, calls: Sequence[Call]) -> tuple[TranscribedCall, ...]:
        """Transcribe new recordings; without any, no model is looked for. An engine that fails is recorded."""
        if not calls:
            return ()
        run = self.context
        try:
            outcome = transcribe.transcribe_calls(
                calls,
                run.store,
                engine_key=run.workspace.engine_key,
                load_transcriber=run.workspace.load_transcriber,
                on_progress=run.on_progress,
            )
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - what the store holds is reported, whatever is wrong with the engine
            reason = str(error if isinstance(error, QareportError) else fault_reason(error))
            note = Note(code=NoteCode.NOT_TRANSCRIBED, values={"calls": str(len(calls)), "first": reason})
            lost = say("{count} new recordings were not transcribed: {reason}", count=len(calls), reason=reason)
            run.log.trouble(lost, note)
            return ()
        copies = [duplicate.call.call_id for duplicate in outcome.duplicates]
        self._note("recordings_twice", copies, partial=False)
        return outcome.calls


def _since(ingested: ingest.Ingest, oldest: datetime) -> ingest.Ingest:
    def is_kept(call: Call | FailedCall) -> bool:
        return call.started_at is None or call.started_at >= oldest

    calls, failures = tuple(filter(is_kept, ingested.calls)), tuple(filter(is_kept, ingested.failures))
    return replace(ingested, calls=calls, failures=failures)


def _names(paths: Sequence[str]) -> list[str]:
    return [Path(path).name for path in paths]
