"""Sends what the outbox holds: each mail once, trying again only what the server certainly has not taken."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from pathlib import Path

from qareport.delivery.mail import Content, Purpose, Transport, compose, read_password, test_view
from qareport.errors import MailError
from qareport.model import Edition, MailRecord, MailState, Outcome
from qareport.periods import local_day
from qareport.presentation.locale import speaking
from qareport.settings import MailSettings, Settings
from qareport.store import Store

#: Between runs, when the settings name no wait.
_DEFAULT_WAIT_S = 300.0


def utc_now() -> datetime:
    """Return the time of day of this machine."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The time and how to wait; tests set it back."""

    now: Callable[[], datetime] = utc_now
    sleep: Callable[[float], None] = time.sleep


_CLOCK = Clock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What became of the mails that were due, each by its last state."""

    mails: tuple[MailRecord, ...] = ()
    #: Why the server could not be used, when it could not.
    trouble: str = ""

    def count(self, *states: MailState) -> int:
        """Count the mails in some states."""
        return sum(mail.state in states for mail in self.mails)


def post(
    store: Store,
    settings: MailSettings,
    *,
    clock: Clock,
    on_sent: Callable[[int, int], None],
    waits: Sequence[float] | None = None,
) -> Posted:
    """Send all mails that are due; wait and try again those that were refused for now.

    Only for who holds the store's lock.

    Args:
        store: holds the outbox.
        settings: the server, and how long to wait.
        clock: the time.
        on_sent: told `(done, total)` after each mail.
        waits: seconds between the rounds of this call; None: those of the settings.

    Raises:
        MailError: mail is not set up, or its password cannot be had: nothing was tried.
        StoreError: the outbox cannot be written; a mail that was on its way is found UNKNOWN by the next run.
    """
    due = store.due_mails(clock.now())
    if not due:
        return Posted()
    keys = [mail.key for mail in due]
    trouble = ""
    with Transport(settings, read_password(settings)) as transport:
        sender = _Sender(store, settings, transport, clock)
        for wait_s in (0.0, *(settings.retry_s if waits is None else waits)):
            if not due:
                break
            if wait_s:
                transport.close()  # a server hangs up on who says nothing for so long
                clock.sleep(wait_s)
            trouble = sender.round(due, lambda rest: on_sent(len(keys) - rest, len(keys)))
            due = tuple(mail for mail in _now(store, keys) if mail.state is MailState.RETRY)
    return Posted(mails=_now(store, keys), trouble=trouble if due else "")


def _now(store: Store, keys: Sequence[str]) -> tuple[MailRecord, ...]:
    return tuple(store.find_mail(key) for key in keys)


class _Sender:
    """Tries mails one after the other over one connection."""

    def __init__(self, store: Store, settings: MailSettings, transport: Transport, clock: Clock) -> None:
        self._store = store
        self._settings = settings
        self._transport = transport
        self._clock = clock
        self._address = parseaddr(settings.sender)[1]

    def round(self, mails: Sequence[MailRecord], on_rest: Callable[[int], None]) -> str:
        """Try each mail once. Returns why the server could not be used, "" when it could."""
        trouble = ""
        for number, mail in enumerate(mails, start=1):
            if trouble:  # without a server each mail would wait for the same time-out
                self._keep(mail, Outcome(state=MailState.RETRY, reply=trouble))
                continue
            try:
                outcome = self._try(mail)
            except MailError as error:
                trouble = str(error)
                outcome = Outcome(state=MailState.RETRY, reply=trouble)
            if outcome is not None:
                self._keep(mail, outcome)
            on_rest(len(mails) - number)
        return trouble

    def _try(self, mail: MailRecord) -> Outcome | None:
        return self._transport.send(
            self._store.mail_content(mail.key),
            sender=self._address,
            recipient=mail.recipient,
            begin=lambda: self._store.begin_mail(mail.key, now=self._clock.now()),
        )

    def _keep(self, mail: MailRecord, outcome: Outcome) -> None:
        now = self._clock.now()
        if outcome.state is not MailState.RETRY:
            self._store.end_mail(mail.key, outcome, now=now)
            return
        if now - mail.planned_at > timedelta(hours=self._settings.give_up_hours):
            given_up = f"given up after {self._settings.give_up_hours:g} h; last: {outcome.reply}"
            self._store.end_mail(mail.key, Outcome(state=MailState.FAILED, reply=given_up), now=now)
            return
        waits = self._settings.retry_s or (_DEFAULT_WAIT_S,)
        wait = timedelta(seconds=waits[min(mail.tries, len(waits) - 1)])
        self._store.end_mail(mail.key, outcome, now=now, next_try_at=now + wait)


def send_test(address: str, settings: Settings, *, templates: Path | None, clock: Clock = _CLOCK) -> Outcome:
    """Send a test mail past the outbox, and return the server's answer.

    Raises:
        MailError: mail is not set up, or there is no connection: why, and what to do.
    """
    now = clock.now()
    today = local_day(now, settings.period.time_zone)
    with speaking(settings.report.locale):
        content = Content(view=test_view(organisation=settings.report.organisation, today=today))
    purpose = Purpose(edition=Edition.OPERATOR, period=f"test:{now.isoformat()}", kind="test")
    with Transport(settings.mail, read_password(settings.mail)) as transport:
        with speaking(settings.report.locale):
            (letter,) = compose(content, purpose, [address], settings.mail, templates=templates, now=now)
        sender = parseaddr(settings.mail.sender)[1]
        outcome = transport.send(letter.content, sender=sender, recipient=address, begin=lambda: True)
    assert outcome is not None  # noqa: S101 - `begin` allows it
    return outcome
