"""What the web process does beside answering: it sends to webhooks, from its start to its end."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

import anyio

from qareport.delivery import Clock, WebhookSender, WebhookTries, tell_operator, why_off
from qareport.model import Webhook
from qareport.web.desk import Desk
from qareport.web.integrating import loops_for_others

#: A loop that is told to stop has so long to end.
_LEAVE_S: Final = 2.5
#: Works until the event is set.
Loop = Callable[[threading.Event], None]


def loops_of(desk: Desk) -> Sequence[Loop]:
    """Return what runs beside the answers of a desk."""
    return (make_sender(desk).run, *loops_for_others(desk))


def make_sender(desk: Desk) -> WebhookSender:
    """Make what sends to a desk's webhooks."""

    def on_off(webhook: Webhook) -> None:
        clock = Clock(now=desk.now)
        tell_operator(desk.store, desk.settings, [why_off(webhook)], templates=desk.workspace.templates, clock=clock)

    attempt = WebhookTries(desk.outgoing, lambda: desk.key, public_url=desk.settings.desk.public_url, now=desk.now)
    return WebhookSender(desk.store, attempt, now=desk.now, on_off=on_off)


def lifespan_of(desk: Desk) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """Return the life of an application: its loops run in threads of their own."""

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        stopping = threading.Event()
        threads = [threading.Thread(target=loop, args=(stopping,), daemon=True) for loop in loops_of(desk)]
        for thread in threads:
            thread.start()
        yield
        stopping.set()
        for thread in threads:
            await anyio.to_thread.run_sync(thread.join, _LEAVE_S)

    return lifespan
