"""Mail as a channel of the outbox: sent once, tried again only when the server has certainly not accepted it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from email.utils import parseaddr
from pathlib import Path
from typing import Self

from qareport.delivery.mail.compose import Content, Purpose, compose
from qareport.delivery.mail.smtp import Transport, read_password
from qareport.delivery.mail.view import test_view
from qareport.delivery.outbox import Clock, DispatchResult, RetryPolicy, dispatch
from qareport.model import MAIL, ChannelKind, DeliveryRecord, Edition, Outcome
from qareport.periods import local_day
from qareport.presentation.locale import speaking
from qareport.settings import MailSettings, Settings
from qareport.store import Store

_CLOCK = Clock()


class MailChannel:
    """The channel over a mail server. Use as a context manager; it connects at the first mail."""

    def __init__(self, settings: MailSettings) -> None:
        """Set the channel up; nothing is sent yet.

        Raises:
            MailError: mail is not set up, or there is no password.
        """
        self._transport = Transport(settings, read_password(settings))
        self._address = parseaddr(settings.sender)[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def kind(self) -> ChannelKind:
        """At most once: a second copy of a mail cannot be taken back."""
        return MAIL

    def send(self, delivery: DeliveryRecord, content: bytes, *, begin: Callable[[], bool]) -> Outcome | None:
        """Try to send one mail to one recipient (`Transport.send`)."""
        return self._transport.send(content, sender=self._address, recipient=delivery.recipient, begin=begin)

    def close(self) -> None:
        """Close the connection; the next mail opens it again."""
        self._transport.close()


def post(
    store: Store,
    settings: MailSettings,
    *,
    clock: Clock,
    on_sent: Callable[[int, int], None],
    waits: Sequence[float] | None = None,
) -> DispatchResult:
    """Send all mails that are due; wait and try again those that were refused for now.

    Call it only while holding the store's lock.

    Args:
        store: holds the outbox.
        settings: the server, and how long to wait.
        clock: the time.
        on_sent: called with `(done, total)` after each mail.
        waits: seconds between the rounds of this call; None: those of the settings.

    Raises:
        MailError: mail is not set up, or there is no password: nothing was tried.
        StoreError: the outbox cannot be written; a mail that was on its way is found UNKNOWN by the next run.
    """
    if not store.outbox.due(clock.now(), channel=MAIL):
        return DispatchResult()
    policy = RetryPolicy(waits_s=settings.retry_s, give_up_hours=settings.give_up_hours)
    with MailChannel(settings) as channel:
        return dispatch(store, channel, policy, clock=clock, on_sent=on_sent, waits_s=waits)


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
            (mail,) = compose(content, purpose, [address], settings.mail, templates=templates, now=now)
        sender = parseaddr(settings.mail.sender)[1]
        outcome = transport.send(mail.content, sender=sender, recipient=address, begin=lambda: True)
    assert outcome is not None  # noqa: S101 - `begin` allows it
    return outcome
