"""The daily run of a period: take in new recordings, transcribe and judge them, make the documents, send the mails."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from qareport import __version__
from qareport.codec import to_json
from qareport.delivery import Clock, DispatchResult, mail, post
from qareport.delivery.chat import Robots, client_of, tell_due
from qareport.errors import MailError, QareportError, StoreError, fault_reason
from qareport.events import Progress
from qareport.files import content_key
from qareport.messages import say
from qareport.model import (
    MAIL,
    ROBOT,
    Call,
    Delivery,
    DeliveryRecord,
    DeliveryState,
    Note,
    Period,
    PeriodKind,
    PeriodReport,
    RunState,
)
from qareport.periods import bounds, period_of
from qareport.presentation.locale import speaking
from qareport.settings import Settings
from qareport.store import FinishedPeriod, holder
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
from qareport.workflows.daily.editions import Editions, openable
from qareport.workflows.daily.headlines import headlines
from qareport.workflows.daily.intake import Intake
from qareport.workflows.daily.letters import Letters
from qareport.workflows.judge import judge_calls
from qareport.workflows.render import file_key
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
        if any("daily" in robot.tells for robot in settings.notify.robots):
            return  # the headline goes to chat groups alone
        raise MailError(
            say("mail has no recipients"),
            where="qareport.yaml",
            to_do=say("fill in mail.team, mail.agents or mail.operator"),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """What there is of a period once its documents are made."""

    #: The team's report; None: it is not built, because all that follows from it is there and settled.
    team: PeriodReport | None
    calls: int
    failed_calls: int
    documents: tuple[Path, ...]
    letters: tuple[Delivery, ...]


class _Run:
    """One period on its way through the steps."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store
        self._settings = context.settings
        self._log = context.log
        self._letters = Letters(context)
        self._robots = Robots(context.settings.notify, client_of(context.settings), now=context.clock.now)
        self._started = time.monotonic()

    def run(self) -> Result:
        """Do it, and keep a record of it whatever happens."""
        context = self._context
        name = period_name(context.period)
        number = self._store.runs.begin(name, mode=context.options.mode, holder=holder(), now=context.clock.now())
        try:
            with speaking(self._settings.report.locale):
                result = self._work()
            # For the terminal, in its own language.
            result = replace(result, problems=self._log.problems)
        except BaseException as error:
            with suppress(StoreError):  # the error that is on its way says more
                self._end(number, RunState.FAILED, [str(fault_reason(error))], "failed")
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
        state = self._state()  # before anything is read: what changes meanwhile is noticed by the next run
        made = self._finished(state) or self._make(notes)
        mails = self._mail(made.letters)
        if context.options.mode is Mode.SEND:
            mails += self._tell_groups(made.team)
            self._keep(state, made)
        unknown = self._store.outbox.list(DeliveryState.UNKNOWN)
        return Result(
            period=context.period,
            mode=context.options.mode,
            state=RunState.PARTIAL if log.partial else RunState.DONE,
            calls=made.calls,
            failed_calls=made.failed_calls,
            new_calls=len(new),
            documents=made.documents,
            letters=made.letters if context.options.mode is not Mode.SEND else (),
            mails=mails,
            unknown=unknown,
            problems=log.problems,
            skipped=tuple(log.skipped),
            undated=self._store.calls.count_undated(),
            seconds=time.monotonic() - self._started,
        )

    def _make(self, notes: Sequence[Note]) -> _Made:
        """Make the documents of the period, and compose its mails."""
        context, log = self._context, self._log
        editions = Editions(context)
        with log.step("gather"):
            material = editions.gather()
        reports = editions.build(material, notes)
        with log.step("orders"):
            orders = editions.write_orders(reports[0], material)
        with log.step("render", len(reports)):
            made = editions.write(reports, openable(reports[0], orders))
        with log.step("compose"):
            letters = tuple(
                letter
                for edition in made
                for letter in self._letters.compose(edition, () if edition.report.agent_id else orders)
            )
        if context.options.mode is not Mode.SEND:
            letters += self._for_operator()
        return _Made(
            team=reports[0],
            calls=material.calls,
            failed_calls=len(material.failures),
            documents=tuple(path for edition in made for path in edition.documents) + orders,
            letters=letters,
        )

    # --- what is finished ---------------------------------------------------------------------------------------------

    def _state(self) -> str:
        """Return what changes with everything that documents and mails of the period follow from, but for their files.

        An order's report tells of its calls on other days as well, so that every call of the store counts.
        """
        context, workspace = self._context, self._context.workspace
        return content_key(
            __version__,
            workspace.templates_key,
            to_json(context.settings),
            to_json(workspace.roster),
            str(context.out.resolve()),
            self._store.runs.find_state(),
            *map(to_json, self._store.calls.list_failures(*bounds(context.period))),
            *(user.display for user in self._store.users.list()),
        )

    def _finished(self, state: str) -> _Made | None:
        """Return what is made already: nothing changed since, all files are as they were written, all mails settled.

        None: something is to be made, or said in the report, or somebody wants the mails as files.
        """
        context = self._context
        if context.options.mode is not Mode.SEND or self._log.troubles:
            return None
        known = self._store.runs.find_finished(bounds(context.period), state)
        if known is None or set(known.deliveries) - self._store.outbox.list_settled(known.deliveries):
            return None
        paths = self._store.documents.list_paths(known.documents)
        if any(key not in paths or file_key(paths[key], key) != key for key in known.documents):
            return None
        self._letters.keys.update(known.deliveries)
        return _Made(
            team=None,
            calls=known.calls,
            failed_calls=known.failed_calls,
            documents=tuple(paths[key] for key in known.documents),
            letters=(),
        )

    def _keep(self, state: str, made: _Made) -> None:
        """Keep what the run made, unless something was in its way, or pages hold recordings, which come and go."""
        with_sound = self._settings.report.audio and any(path.suffix == ".html" for path in made.documents)
        if made.team is None or self._log.troubles or with_sound:
            return
        keys = [self._store.documents.find_key(path.resolve()) for path in made.documents]
        finished = FinishedPeriod(
            calls=made.calls,
            failed_calls=made.failed_calls,
            documents=tuple(key for key in keys if key is not None),
            deliveries=tuple(sorted(self._letters.keys)),
        )
        self._store.runs.put_finished(bounds(self._context.period), state, finished)

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

    # --- chat groups --------------------------------------------------------------------------------------------------

    def _tell_groups(self, report: PeriodReport | None) -> tuple[DeliveryRecord, ...]:
        """Tell chat groups the headline, each once. Returns those of this period as the outbox has them.

        Args:
            report: the team's; None: its headlines are settled.
        """
        context, store = self._context, self._store
        if not self._robots.list("daily"):
            return ()
        with self._log.step("notify"):
            told_of = () if report is None else tuple(headlines(context, report, self._robots))
            store.outbox.put(told_of, now=context.clock.now())
            self._letters.keys.update(headline.key for headline in told_of)
            told = tell_due(
                store, self._robots, context.settings.notify, clock=context.clock,
                on_sent=lambda done, total: context.on_progress("notify", done, total),
            )  # fmt: skip
        for record in told.deliveries:
            if record.state is not DeliveryState.SENT:
                what = say("robot {name} was not told: {reply}", name=record.recipient, reply=record.reply)
                self._log.trouble(what, partial=False)
        return tuple(r for r in store.outbox.list(period=period_name(context.period)) if r.channel == ROBOT)

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
        told = self._for_operator([mail for mail in self._mails() if mail.key in self._letters.keys])
        if told:
            with self._log.step("tell"):
                self._tell(told)
        return self._mails()

    def _mails(self) -> tuple[DeliveryRecord, ...]:
        records = self._store.outbox.list(period=period_name(self._context.period))
        return tuple(record for record in records if record.channel == MAIL)

    def _for_operator(self, mails: Sequence[DeliveryRecord] = ()) -> tuple[Delivery, ...]:
        """Compose the mail to the operator; none when nothing needs a person, or there is no operator."""
        problems = self._log.problems
        if not problems or not self._settings.mail.operator:
            return ()
        sent = sum(mail.state is DeliveryState.SENT for mail in mails)
        settled = sum(mail.state is DeliveryState.FORGOTTEN for mail in mails)
        state = RunState.PARTIAL if self._log.partial else RunState.DONE
        return self._letters.compose_for_operator(problems, state=state, sent=sent, unsent=len(mails) - sent - settled)

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
        trouble = self._log.trouble
        if posted.trouble:
            trouble(say("mails wait because the mail server cannot be used: {reason}", reason=posted.trouble))
        for record in posted.deliveries:
            if record.state is DeliveryState.FAILED:
                trouble(
                    say(
                        "mail {key} ({recipient}) was refused: {reply}",
                        key=record.key[:12],
                        recipient=record.recipient,
                        reply=record.reply,
                    )
                )
        for record in self._store.outbox.list(DeliveryState.UNKNOWN):
            trouble(
                say(
                    "mail {key} ({recipient}, {period}) may or may not have arrived: {reply}. Ask whether it arrived, "
                    "then: qareport mail forget {key}, or mail resend {key} --yes",
                    key=record.key[:12],
                    recipient=record.recipient,
                    period=record.period,
                    reply=record.reply,
                )
            )

    def _tell(self, letters: Sequence[Delivery]) -> None:
        self._store.outbox.put(letters, now=self._context.clock.now())
        self._post(waits=())

    def _tell_of_failure(self, error: Exception) -> None:
        """Tell the operator that the run ended early; an error in doing so must not hide the first one."""
        mode = self._context.options.mode
        if mode is Mode.PLAN or not self._settings.mail.operator:
            return
        with suppress(QareportError), speaking(self._settings.report.locale):
            reason = str(error if isinstance(error, QareportError) else fault_reason(error))
            letters = self._letters.compose_for_operator([reason], state=RunState.FAILED)
            if mode is Mode.SEND:
                self._tell(letters)
            else:
                self._letters.write(letters)
