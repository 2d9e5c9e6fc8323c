"""What the web process does for integrations and chat robots: it follows their files, and sends what waits for them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from qareport import events
from qareport.delivery import Clock, WebhookSender, tell_operator
from qareport.delivery.chat import AlertTeller, Robots, client_of, keep_robots
from qareport.delivery.integrations import (
    ChangingFiles,
    Integration,
    IntegrationTries,
    keep_integrations,
    load_integrations,
)
from qareport.errors import QareportError
from qareport.messages import say
from qareport.model import Webhook
from qareport.outgoing import OutgoingClient, OutgoingReach
from qareport.web.desk import Desk

#: A peer has so long for each of the requests of a delivery.
_TIMEOUT_S: Final = 10.0
#: Longer than all requests of one delivery can take.
_LEASE: Final = timedelta(minutes=15)
#: Files are looked at so often.
_LOOK_S: Final = 2.0


class Integrating:
    """The integrations of a desk: their files as they are now, their rows in the store, and what sends for them."""

    def __init__(self, desk: Desk) -> None:
        """Take the desk; nothing is read yet."""
        self._desk = desk
        folder = desk.workspace.config / "integrations"

        def mark() -> object:
            if not folder.is_dir():
                return ()
            states = [(path.name, path.stat()) for path in sorted(folder.iterdir())]
            return [(name, status.st_mtime_ns, status.st_size) for name, status in states]

        self.files: Final = ChangingFiles(lambda: load_integrations(desk.workspace.config), mark)
        self._kept: Sequence[Integration] | None = None
        self._said = ""

    def follow(self) -> None:
        """Bring the rows of the store in line with the files, if those have changed; faults are logged, each once."""
        try:
            found = self.files()
            if found is not self._kept:
                keep_integrations(self._desk.store, found, at=self._desk.now())
                self._kept = found
            trouble = self.files.trouble
        except (QareportError, OSError) as error:
            trouble = str(error)
        if trouble and trouble != self._said:
            events.happened("integrations", "failed", reason=trouble)
        self._said = trouble

    def run(self, stopping: threading.Event) -> None:
        """Follow the files until `stopping` is set."""
        while not stopping.is_set():
            self.follow()
            stopping.wait(_LOOK_S)

    def sender(self) -> WebhookSender:
        """Make what sends for them."""
        desk = self._desk
        reach = OutgoingReach(allow=desk.settings.webhooks.allow, timeout_s=_TIMEOUT_S, silence_s=_TIMEOUT_S)
        attempt = IntegrationTries(
            self.files, OutgoingClient(reach), public_url=desk.settings.desk.public_url, now=desk.now
        )

        def on_off(row: Webhook) -> None:
            what = say(
                "integration {name} is off: all tries failed for three days; look at its deliveries at "
                "/settings/integrations, mend it, then switch it on",
                name=row.name,
            )
            clock = Clock(now=desk.now)
            tell_operator(desk.store, desk.settings, [what], templates=desk.workspace.templates, clock=clock)

        return WebhookSender(
            desk.store, attempt, kinds=("integration",), places=4, lease=_LEASE, now=desk.now, on_off=on_off
        )


def teller_of(desk: Desk) -> AlertTeller:
    """Make what tells alerts to chat groups."""
    settings = desk.settings
    robots = Robots(settings.notify, client_of(settings), now=desk.now)
    keep_robots(desk.store, robots, at=desk.now())
    return AlertTeller(
        desk.store, robots, fold_s=settings.notify.fold_s,
        locale=settings.report.locale, public_url=settings.desk.public_url, now=desk.now,
    )  # fmt: skip


def loops_for_others(desk: Desk) -> Sequence[Callable[[threading.Event], None]]:
    """Return what runs beside the answers of a desk, for integrations and robots."""
    integrating = Integrating(desk)
    integrating.follow()
    return (integrating.run, integrating.sender().run, teller_of(desk).run)
