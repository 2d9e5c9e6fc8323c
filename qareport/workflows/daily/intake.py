"""Finds the new recordings of a day and does what is missing: transcribe, analyse, judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from qareport import ingest, periods, privacy
from qareport.errors import ConfigError, Problem, QareportError, StoreError
from qareport.model import Call, FailedCall, Note
from qareport.workflows import transcribe
from qareport.workflows.daily.context import Context
from qareport.workflows.rule_book import RuleBook
from qareport.workflows.transcribe import TranscribedCall

#: Names that a note carries.
_NAMED = 5
_COPIES = "recordings are second copies of others and not counted"


@dataclass(frozen=True, slots=True)
class Intake:
    """The steps from recordings to transcripts, and the rules to judge them by."""

    context: Context

    def find_new(self) -> tuple[Call, ...]:
        """Find the recordings whose calls have no result yet, and keep that they exist.

        A source that cannot be read is a trouble: what the others and the store hold is reported all the same. Calls
        older than the retention time are left alone: they would be deleted again by the next `store retain`.
        """
        run = self.context
        sources = [self._dated(source) for source in run.options.sources or run.settings.daily.sources]
        manifest = self._dated(run.options.manifest or run.settings.daily.manifest)
        if not sources and not manifest:
            return ()
        ingested = self._find(sources, Path(manifest) if manifest else None)
        if run.settings.retention.days is not None:
            ingested = _since(ingested, run.clock.now() - timedelta(days=run.settings.retention.days))
        self._report(ingested)
        unfinished = run.store.calls.list_unfinished([failure.call_id for failure in ingested.failures])
        for failure in ingested.failures:
            if failure.call_id in unfinished:  # a recording that was archived since keeps its result
                run.store.calls.put_failure(failure.call, failure)
        calls = transcribe.disambiguate_ids(ingested.calls, ingested.ids_from_file_name, run.store)
        unfinished = run.store.calls.list_unfinished([call.call_id for call in calls])
        new = tuple(call for call in calls if call.call_id in unfinished)
        for call in new:
            run.store.calls.put(call)
        return new

    def _find(self, sources: Sequence[str], manifest: Path | None) -> ingest.Ingest:
        run = self.context
        unreadable: list[Problem] = []
        try:
            ingested = ingest.find_calls(
                sources,
                manifest,
                cache=run.out / "fetched",
                settings=run.settings.ingest,
                time_zone=run.settings.period.time_zone,
                wait=run.clock.sleep,
                unreadable=unreadable,
            )
        except QareportError as error:
            unreadable += error.problems
            ingested = ingest.Ingest(calls=())
        for problem in unreadable:
            run.log.trouble(problem, Note(code="sources_missing", values={"first": str(problem)}))
        return ingested

    def _dated(self, text: str) -> str:
        """Put the day in: {date} is 2026-11-21, {day} is 20261121."""
        first = self.context.period.first
        return text.replace("{date}", first.isoformat()).replace("{day}", f"{first:%Y%m%d}")

    def _report(self, ingested: ingest.Ingest) -> None:
        """Name what was found and is no call of the period, and why."""
        start, end = periods.bounds(self.context.period)
        waiting = [
            call.call_id for call in ingested.waiting if call.started_at is None or start <= call.started_at < end
        ]
        undated = [call.call_id for call in ingested.calls if call.started_at is None]
        undated += [failure.call_id for failure in ingested.failures if failure.started_at is None]
        for code, names, what, partial in (
            ("recordings_waiting", waiting, "recordings are still being written, the next run takes them", True),
            ("recordings_undated", undated, "recordings belong to no day, nobody says when they began", True),
            ("recordings_unlisted", _names(ingested.unlisted), "recordings have no row in the manifest", False),
            (
                "recordings_unfit",
                _names(ingested.unmatched),
                "names of recordings do not fit ingest.name_pattern",
                False,
            ),
        ):
            self._note(code, names, what, partial=partial)

    def _note(self, code: str, names: Sequence[str], what: str, *, partial: bool) -> None:
        if names:
            first = ", ".join(privacy.mask(name)[0] for name in names[:_NAMED]) + (" …" if len(names) > _NAMED else "")
            note = Note(code=code, values={"calls": str(len(names)), "names": first})
            self.context.log.trouble(f"{len(names)} {what}: {first}", note, partial=partial)

    def rule_book(self) -> RuleBook | None:
        """Return the rules; broken ones are replaced by the last valid set, which is a trouble. None: there is none."""
        log = self.context.log
        try:
            rule_book = self.context.workspace.rule_book_for_run
        except ConfigError as error:
            log.trouble(error, Note(code="rules_unreadable", values={"first": str(error.problems[0])}))
            return None
        for note in rule_book.notes:
            first = note.values["first"]
            log.trouble(f"the rules are broken, the last good set is used: {first} (qareport rules lint)")
        return rule_book

    def transcribe(self, calls: Sequence[Call]) -> tuple[TranscribedCall, ...]:
        """Transcribe new recordings; without any, no model is looked for. An engine that fails is a trouble."""
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
            reason = str(error) if isinstance(error, QareportError) else f"{type(error).__name__}: {error}"
            note = Note(code="not_transcribed", values={"calls": str(len(calls)), "first": reason})
            run.log.trouble(f"{len(calls)} new recordings were not transcribed: {reason}", note)
            return ()
        copies = [duplicate.call.call_id for duplicate in outcome.duplicates]
        self._note("recordings_twice", copies, _COPIES, partial=False)
        return outcome.calls


def _since(ingested: ingest.Ingest, oldest: datetime) -> ingest.Ingest:
    def is_kept(call: Call | FailedCall) -> bool:
        return call.started_at is None or call.started_at >= oldest

    calls, failures = tuple(filter(is_kept, ingested.calls)), tuple(filter(is_kept, ingested.failures))
    return replace(ingested, calls=calls, failures=failures)


def _names(paths: Sequence[str]) -> list[str]:
    return [Path(path).name for path in paths]
