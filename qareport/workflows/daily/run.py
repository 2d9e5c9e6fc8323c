"""The daily run of a period: take in new recordings, transcribe and judge them, make the documents, send the mails."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from qareport import ingest, periods, privacy
from qareport.delivery import Clock, DispatchResult, mail, post
from qareport.errors import ConfigError, MailError, Problem, QareportError, StoreError
from qareport.events import Progress
from qareport.model import (
    Call,
    Delivery,
    DeliveryRecord,
    DeliveryState,
    FailedCall,
    Note,
    NoteCode,
    Period,
    PeriodKind,
    RunState,
)
from qareport.periods import period_of
from qareport.presentation.locale import speaking
from qareport.settings import Settings
from qareport.store import holder
from qareport.workflows import transcribe
from qareport.workflows.daily.context import (
    Context,
    DailyOptions,
    Mode,
    Result,
    due_periods,
    last_period,
    period_name,
    summary,
)
from qareport.workflows.daily.editions import Editions, Letters
from qareport.workflows.judge import RuleBook, judge_calls
from qareport.workflows.transcribe import TranscribedCall
from qareport.workflows.workspace import Workspace

_CLOCK = Clock()


def run_daily(
    workspace: Workspace, options: DailyOptions, *, on_progress: Progress, clock: Clock = _CLOCK
) -> Iterator[Result]:
    """Process the periods that are due, oldest first, and yield the outcome of each.

    Args:
        workspace: the installation; the lock of its store is held meanwhile.
        options: what to do.
        on_progress: called after each call, document and mail.
        clock: the time.

    Raises:
        BusyError: another run is in progress.
        ConfigError: the settings are wrong: everything wrong in them.
        MailError: mail is to be sent and is not set up.
        StoreError: the store cannot be read or written; what was kept so far stays.
    """
    if options.mode is Mode.SEND:
        _check_mail(workspace.settings)
    store = workspace.store
    with store.lock():
        store.outbox.settle(now=clock.now())
        for period in _periods(workspace, options, clock):
            context = Context(workspace=workspace, options=options, period=period, clock=clock, on_progress=on_progress)
            yield _Run(context).run()


def _check_mail(settings: Settings) -> None:
    """Check that mail can be sent, before the work instead of after it."""
    if not (settings.mail.team or settings.mail.agents or settings.mail.operator):
        raise MailError(
            "mail has no recipients", where="qareport.yaml", to_do="fill in mail.team, mail.agents or mail.operator"
        )
    mail.Transport(settings.mail, mail.read_password(settings.mail)).close()


def _periods(workspace: Workspace, options: DailyOptions, clock: Clock) -> tuple[Period, ...]:
    zone = workspace.settings.period.time_zone
    if options.day is not None:
        return (period_of(options.kind, options.day, zone),)
    if options.mode is not Mode.SEND:
        return (last_period(options.kind, clock.now(), zone),)
    days = workspace.settings.daily.catch_up_days
    if options.kind is not PeriodKind.DAY:
        days = 31 if days else 0
    states = workspace.store.runs.list_states(Mode.SEND)
    return due_periods(options.kind, clock.now(), zone, states=states, catch_up_days=days)


#: Names that a note carries.
_NAMED = 5
_COPIES = "recordings are duplicates of others and not counted"


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
            run.log.trouble(problem, Note(code=NoteCode.SOURCES_MISSING, values={"first": str(problem)}))
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
            ("recordings_undated", undated, "recordings belong to no day, because their start is not known", True),
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
        """Return the rules; broken ones are replaced by the last valid set, and recorded. None: there is none."""
        log = self.context.log
        try:
            rule_book = self.context.workspace.rule_book_for_run
        except ConfigError as error:
            log.trouble(error, Note(code=NoteCode.RULES_UNREADABLE, values={"first": str(error.problems[0])}))
            return None
        for note in rule_book.notes:
            first = note.values["first"]
            log.trouble(f"the rules are broken, the last valid set is used: {first} (qareport rules lint)")
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
            reason = str(error) if isinstance(error, QareportError) else f"{type(error).__name__}: {error}"
            note = Note(code=NoteCode.NOT_TRANSCRIBED, values={"calls": str(len(calls)), "first": reason})
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


class _Run:
    """One period on its way through the steps."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store
        self._settings = context.settings
        self._log = context.log
        self._letters = Letters(context)
        self._started = time.monotonic()

    def run(self) -> Result:
        """Do it, and keep a record of it whatever happens."""
        context = self._context
        name = period_name(context.period)
        number = self._store.runs.begin(name, mode=context.options.mode, holder=holder(), now=context.clock.now())
        try:
            with speaking(self._settings.report.locale):
                result = self._work()
        except BaseException as error:
            with suppress(StoreError):  # the error that is on its way says more
                self._end(number, RunState.FAILED, [f"{type(error).__name__}: {error}"], "failed")
            if isinstance(error, Exception) and not isinstance(error, StoreError):
                self._tell_of_failure(error)
            raise
        self._end(number, result.state, result.problems, summary(result))
        return result

    def _end(self, number: int, state: RunState, problems: Sequence[str], text: str) -> None:
        now = self._context.clock.now()
        self._store.runs.end(number, state, steps=self._log.steps, summary=text, problems=problems, now=now)

    def _work(self) -> Result:
        context, log = self._context, self._log
        new, notes = self._take_in()
        editions = Editions(context)
        with log.step("gather"):
            material = editions.gather()
        made = editions.make(material, notes)
        with log.step("orders"):
            orders = editions.write_orders(made[0].report)
        with log.step("compose"):
            letters = tuple(
                letter
                for edition in made
                for letter in self._letters.compose(edition, () if edition.report.agent_id else orders)
            )
        mails = self._mail(letters)
        unknown = self._store.outbox.list(DeliveryState.UNKNOWN)
        return Result(
            period=context.period,
            mode=context.options.mode,
            state=RunState.PARTIAL if log.partial else RunState.DONE,
            calls=material.calls,
            failed_calls=len(material.failures),
            new_calls=len(new),
            documents=tuple(path for edition in made for path in edition.documents) + orders,
            letters=letters if context.options.mode is not Mode.SEND else (),
            mails=mails,
            unknown=unknown,
            problems=log.problems,
            seconds=time.monotonic() - self._started,
        )

    def _take_in(self) -> tuple[tuple[Call, ...], tuple[Note, ...]]:
        """Work on new recordings. Returns them, and what readers must know of the rules."""
        context, log, intake = self._context, self._log, Intake(self._context)
        new: tuple[Call, ...] = ()
        if context.period.kind is PeriodKind.DAY:
            with log.step("find"):
                new = intake.find_new()
        with log.step("rules"):
            rule_book = intake.rule_book()
        with log.step("transcribe", len(new)):
            transcribed = intake.transcribe(new)
        if rule_book is None:
            return new, ()
        with log.step("analyse", len(transcribed)):
            judge_calls(transcribed, self._store, rule_book, on_progress=context.on_progress)
        return new, rule_book.notes

    # --- mail ---------------------------------------------------------------------------------------------------------

    def _mail(self, letters: Sequence[Delivery]) -> tuple[DeliveryRecord, ...]:
        """Send, write or only list the mails. Returns those of this period as the outbox has them."""
        context = self._context
        if context.options.mode is Mode.DRY_RUN:
            with self._log.step("write", len(letters)):
                self._letters.write(letters)
        if context.options.mode is not Mode.SEND:
            return ()
        with self._log.step("send", len(letters)):
            self._store.outbox.put(letters, now=context.clock.now())
            self._account_for(self._post())
        problems = self._log.problems
        if problems and self._settings.mail.operator:
            with self._log.step("tell"):
                self._tell(problems, ok=not self._log.partial)
        return self._store.outbox.list(period=period_name(context.period))

    def _post(self, waits: Sequence[float] | None = None) -> DispatchResult:
        return post(
            self._store,
            self._settings.mail,
            clock=self._context.clock,
            on_sent=lambda done, total: self._context.on_progress("send", done, total),
            waits=waits,
        )

    def _account_for(self, posted: DispatchResult) -> None:
        """Turn what happened to mails into troubles, each of which is reported once."""
        if posted.trouble:
            self._log.trouble(f"mails wait because the mail server cannot be used: {posted.trouble}")
        for record in posted.deliveries:
            if record.state is DeliveryState.FAILED:
                self._log.trouble(f"mail {record.key[:12]} ({record.recipient}) was refused: {record.reply}")
        for record in self._store.outbox.list(DeliveryState.UNKNOWN):
            key = record.key[:12]
            self._log.trouble(
                f"mail {key} ({record.recipient}, {record.period}) may or may not have arrived: {record.reply}. Ask "
                f"whether it arrived, then: qareport mail forget {key}, or mail resend {key} --yes"
            )

    def _tell(self, problems: Sequence[str], *, ok: bool) -> None:
        letters = self._letters.compose_for_operator(problems, ok=ok)
        self._store.outbox.put(letters, now=self._context.clock.now())
        self._post(waits=())

    def _tell_of_failure(self, error: Exception) -> None:
        """Tell the operator that the run ended early; an error in doing so must not hide the first one."""
        if self._context.options.mode is Mode.SEND and self._settings.mail.operator:
            with suppress(QareportError), speaking(self._settings.report.locale):
                self._tell([f"{type(error).__name__}: {error}"], ok=False)
