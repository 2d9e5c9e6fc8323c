"""One run of `qareport daily`: every step keeps its result, so a run that is killed goes on where it was."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from qareport import settings as settings_module
from qareport.delivery import mail
from qareport.delivery.outbox import Clock, Posted, post
from qareport.errors import DocumentError, MailError, QareportError, StoreError
from qareport.events import Progress
from qareport.model import (
    Call,
    Letter,
    MailRecord,
    MailState,
    Note,
    Period,
    PeriodKind,
    PeriodReport,
    RunState,
    RunStep,
)
from qareport.periods import period_of
from qareport.presentation.locale import speaking
from qareport.settings import Settings
from qareport.store import Store, holder
from qareport.workflows import judge as pipeline
from qareport.workflows.daily import editions as making
from qareport.workflows.daily import intake
from qareport.workflows.daily.request import Log, Mode, Request, Result, period_name
from qareport.workflows.daily.schedule import due_periods, last_period

_CLOCK = Clock()


def run_daily(store: Store, request: Request, *, on_progress: Progress, clock: Clock = _CLOCK) -> Iterator[Result]:
    """Work on the periods that are due, oldest first, and yield what became of each.

    Args:
        store: where everything is kept; its lock is held meanwhile.
        request: what to do.
        on_progress: told after each call, document and mail.
        clock: the time.

    Raises:
        BusyError: another run is at work.
        ConfigError: the settings are wrong: everything wrong in them.
        MailError: mail is to be sent and is not set up.
        StoreError: the store cannot be read or written; what was kept so far stays.
    """
    settings = request.over(settings_module.load(request.config_dir))
    if request.mode is Mode.SEND:
        _check_mail(settings)
    with store.hold():
        store.settle_mails(now=clock.now())
        for period in _periods(store, request, settings, clock):
            yield _Run(store, request, settings, period, clock, on_progress).run()


def _check_mail(settings: Settings) -> None:
    """Find out before the work, not after it, that mail cannot be sent."""
    if not (settings.mail.team or settings.mail.agents or settings.mail.operator):
        raise MailError(
            "nobody is to get a mail", where="qareport.yaml", to_do="fill in mail.team, mail.agents or mail.operator"
        )
    mail.Transport(settings.mail, mail.read_password(settings.mail)).close()


def _periods(store: Store, request: Request, settings: Settings, clock: Clock) -> tuple[Period, ...]:
    zone = settings.period.time_zone
    if request.day is not None:
        return (period_of(request.kind, request.day, zone),)
    if request.mode is not Mode.SEND:
        return (last_period(request.kind, clock.now(), zone),)
    days = settings.daily.catch_up_days
    if request.kind is not PeriodKind.DAY:
        days = 31 if days else 0
    return due_periods(request.kind, clock.now(), zone, states=store.run_states(Mode.SEND), catch_up_days=days)


class _Run:
    """One period on its way through the steps."""

    def __init__(
        self,
        store: Store,
        request: Request,
        settings: Settings,
        period: Period,
        clock: Clock,
        on_progress: Progress,
    ) -> None:
        self._store = store
        self._request = request
        self._settings = settings
        self._period = period
        self._clock = clock
        self._on_progress = on_progress
        self._log = Log()
        self._started = time.monotonic()

    def run(self) -> Result:
        """Do it, and keep a record of it whatever happens."""
        name = period_name(self._period)
        number = self._store.begin_run(name, mode=self._request.mode, holder=holder(), now=self._clock.now())
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
        now = self._clock.now()
        self._store.end_run(number, state, steps=self._log.steps, summary=text, problems=problems, now=now)

    def _work(self) -> Result:
        store, request, settings, log = self._store, self._request, self._settings, self._log
        new: tuple[Call, ...] = ()
        if self._period.kind is PeriodKind.DAY:
            with self._step("find"):
                now, wait = self._clock.now(), self._clock.sleep
                new = intake.find_new(request, settings, self._period, store, log, now=now, wait=wait)
        with self._step("rules"):
            judge = intake.load_judge(request, store, log)
        with self._step("transcribe", len(new)):
            heard = intake.listen(new, request, settings, store, log, self._on_progress)
        if judge is not None:
            with self._step("analyse", len(heard)):
                pipeline.judge_calls(heard, store, judge, on_progress=self._on_progress)
        with self._step("gather"):
            material = making.gather(self._period, settings, store, log)
        editions, orders = self._make(material, judge.notes if judge else ())
        with self._step("compose"):
            letters = self._compose(editions, orders)
        mails = self._mail(letters)
        unknown = store.mails(MailState.UNKNOWN)
        done = not log.partial
        return Result(
            period=self._period,
            mode=request.mode,
            state=RunState.DONE if done else RunState.PARTIAL,
            calls=material.calls,
            failed_calls=len(material.failures),
            new_calls=len(new),
            documents=tuple(path for made, _ in editions for path in made.documents) + orders,
            letters=letters if request.mode is not Mode.SEND else (),
            mails=mails,
            unknown=unknown,
            problems=tuple(one.what for one in log.troubles),
            seconds=time.monotonic() - self._started,
        )

    def _make(
        self, material: making.Material, notes: Sequence[Note]
    ) -> tuple[list[tuple[making.Made, tuple[str, ...]]], tuple[Path, ...]]:
        """Make the editions with who gets each, and the orders' reports."""
        settings, log = self._settings, self._log
        partial = log.partial
        present = {*(one.agent_id for one in material.digests), *(one.agent_id for one in material.failures)}
        agents = [agent for agent in sorted(settings.mail.agents) if agent in present]
        editions: list[tuple[making.Made, tuple[str, ...]]] = []
        with self._step("render", 1 + len(agents)):
            whole = making.build(material, settings, agent_id=None, partial=partial, notes=(*notes, *log.remarks))
            folder = making.team_folder(self._request, settings, self._period)
            editions.append((self._documents(whole, settings.mail.attach, folder), settings.mail.team))
            for number, agent in enumerate(agents, start=1):
                own = making.build(material, settings, agent_id=agent, partial=partial, notes=notes)
                made = self._documents(own, settings.mail.attach_agents, folder / "agents")
                editions.append((made, (settings.mail.agents[agent],)))
                self._on_progress("render", number, len(agents))
        with self._step("orders"):
            orders = making.write_orders(whole, self._request, settings, self._store, log, self._on_progress)
        return editions, orders

    def _documents(self, made_of: PeriodReport, formats: Sequence[str], folder: Path) -> making.Made:
        return making.write_documents(
            made_of,
            formats,
            folder,
            request=self._request,
            settings=self._settings,
            store=self._store,
            log=self._log,
        )

    def _compose(
        self, editions: Sequence[tuple[making.Made, tuple[str, ...]]], orders: Sequence[Path]
    ) -> tuple[Letter, ...]:
        now = self._clock.now()
        return tuple(
            letter
            for made, recipients in editions
            if recipients
            for letter in making.letters(
                made, () if made.report.agent_id else orders, recipients, self._request, self._settings, now
            )
        )

    # --- mail ---------------------------------------------------------------------------------------------------------

    def _mail(self, letters: Sequence[Letter]) -> tuple[MailRecord, ...]:
        """Send, write or only name the mails. Returns those of this period as the outbox has them."""
        if self._request.mode is Mode.DRY_RUN:
            with self._step("write", len(letters)):
                self._write(letters)
        if self._request.mode is not Mode.SEND:
            return ()
        with self._step("send", len(letters)):
            self._store.plan_mails(letters, now=self._clock.now())
            self._account_for(self._post())
        problems = [one.what for one in self._log.troubles]
        if problems and self._settings.mail.operator:
            with self._step("tell"):
                self._tell(problems, ok=not self._log.partial)
        return self._store.mails(period=period_name(self._period))

    def _post(self, waits: Sequence[float] | None = None) -> Posted:
        return post(
            self._store,
            self._settings.mail,
            clock=self._clock,
            on_sent=lambda done, total: self._on_progress("send", done, total),
            waits=waits,
        )

    def _account_for(self, posted: Posted) -> None:
        """Turn what happened to mails into troubles, each of which is told once."""
        if posted.trouble:
            self._log.trouble(f"mails wait because the mail server cannot be used: {posted.trouble}")
        for one in posted.mails:
            if one.state is MailState.FAILED:
                self._log.trouble(f"mail {one.key[:12]} ({one.recipient}) was refused: {one.reply}")
        for one in self._store.mails(MailState.UNKNOWN):
            self._log.trouble(
                f"mail {one.key[:12]} ({one.recipient}, {one.period}) may or may not have arrived: {one.reply}. Ask "
                f"whether it is there, then: qareport mail forget {one.key[:12]}, or mail resend {one.key[:12]} --yes"
            )

    def _tell(self, problems: Sequence[str], *, ok: bool) -> None:
        letters = making.operator_letters(
            self._period, problems, self._request, self._settings, self._clock.now(), ok=ok
        )
        self._store.plan_mails(letters, now=self._clock.now())
        self._post(waits=())

    def _tell_of_failure(self, error: Exception) -> None:
        """Tell the operator that the run ended early; an error while telling must not hide the first one."""
        if self._request.mode is Mode.SEND and self._settings.mail.operator:
            with suppress(QareportError), speaking(self._settings.report.locale):
                self._tell([f"{type(error).__name__}: {error}"], ok=False)

    def _write(self, letters: Sequence[Letter]) -> None:
        folder = making.team_folder(self._request, self._settings, self._period) / "mail"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for letter in letters:
                path = folder / f"{letter.edition}-{letter.recipient.replace('/', '_')}.eml"
                partial = path.with_name(path.name + ".part")
                partial.write_bytes(letter.content)
                partial.replace(path)
        except OSError as error:
            raise DocumentError(
                f"mails cannot be written: {error.strerror}", where=str(folder), to_do="check the folder and the disk"
            ) from error

    @contextmanager
    def _step(self, name: str, count: int = 0) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        finally:
            self._log.steps.append(RunStep(name=name, seconds=round(time.monotonic() - started, 3), count=count))


def summary(result: Result) -> str:
    """Say a run in one line that a monitor can read: `name=value` after the period and its state."""
    states = [mail.state for mail in result.mails]
    counts = {
        "calls": result.calls,
        "failed_calls": result.failed_calls,
        "new": result.new_calls,
        "documents": len(result.documents),
        "sent": states.count(MailState.SENT),
        "waiting": states.count(MailState.RETRY) + states.count(MailState.PLANNED),
        "refused": states.count(MailState.FAILED),
        "unknown": len(result.unknown),
        "problems": len(result.problems),
    }
    told = " ".join(f"{name}={value}" for name, value in counts.items())
    return f"{period_name(result.period)} {result.state} {told} seconds={result.seconds:.1f}"
