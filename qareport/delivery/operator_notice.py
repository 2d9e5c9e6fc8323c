"""Mail to the operator about what the desk cannot mend by itself."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from qareport import events
from qareport.delivery import mail
from qareport.delivery.mail.channel import post
from qareport.delivery.outbox import Clock
from qareport.errors import BusyError, QareportError
from qareport.messages import Message
from qareport.messages import speaking as messages_speaking
from qareport.model import Edition
from qareport.periods import local_day
from qareport.presentation.locale import speaking
from qareport.settings import Settings
from qareport.store import Store


def tell_operator(
    store: Store, settings: Settings, problems: Sequence[Message], *, templates: Path | None, clock: Clock
) -> bool:
    """Put a mail to `mail.operator` into the outbox and send it, now or with the next daily run.

    Nothing is raised: what made the mail necessary is shown on the desk as well.

    Args:
        store: has the outbox.
        settings: name the operator and the mail server.
        problems: each says what is wrong and what to do.
        templates: folder of the user's mail templates.
        clock: the time.

    Returns:
        whether there is an operator, and a mail for them.
    """
    if not settings.mail.host or not settings.mail.operator:
        return False
    now = clock.now()
    try:
        with speaking(settings.report.locale), messages_speaking(settings.report.locale):
            words = [str(problem) for problem in problems]
            today = local_day(now, settings.period.time_zone)
            view = mail.desk_view(words, organisation=settings.report.organisation, today=today)
            digest = hashlib.sha256("\0".join([now.isoformat(), *words]).encode()).hexdigest()[:12]
            purpose = mail.Purpose(edition=Edition.OPERATOR, period=f"desk:{today.isoformat()}", kind=f"desk-{digest}")
            letters = mail.compose(
                mail.Content(view=view), purpose, settings.mail.operator, settings.mail, templates=templates, now=now
            )
        store.outbox.put(letters, now=now)
        with suppress(BusyError), store.lock():  # a daily run that is under way sends it
            store.outbox.settle(now=now)
            post(store, settings.mail, clock=clock, on_sent=lambda done, total: None, waits=())
    except QareportError as error:
        events.happened("send", "failed", reason=str(error))
        return False
    return True
