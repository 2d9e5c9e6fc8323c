"""What all requests share: the installation, the clock, and the ticket of the first start."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from qareport.settings import Settings
from qareport.store import Store
from qareport.workflows.rule_desk import RuleDesk
from qareport.workflows.rule_publishing import RulePublisher
from qareport.workflows.workspace import Workspace

#: How long the link of the first start opens the desk.
SETUP_LASTS = timedelta(minutes=15)


def _now() -> datetime:
    return datetime.now(UTC)


class Desk:
    """An open desk over an installation, shared by all requests; safe for threads."""

    def __init__(self, workspace: Workspace, *, clock: Callable[[], datetime] = _now) -> None:
        """Open the store and read the settings.

        Raises:
            ConfigError: everything wrong in `qareport.yaml`.
            StoreError: the store cannot be opened.
        """
        self.workspace: Final = workspace
        self.now: Final = clock
        self.settings: Final[Settings] = workspace.settings
        self.store: Final[Store] = workspace.store
        self.rules: Final = RulePublisher(RuleDesk(workspace))
        #: Counts wrong passwords.
        self.login_limits: Final = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._ticket: tuple[str, datetime] | None = None
        self._lock = threading.Lock()

    @property
    def session_lasts(self) -> timedelta:
        """How long a login lasts at most."""
        return timedelta(hours=self.settings.desk.session_hours)

    @property
    def idle_lasts(self) -> timedelta:
        """How long a login lasts without being used."""
        return timedelta(minutes=self.settings.desk.idle_minutes)

    def make_ticket(self) -> str:
        """Make the ticket with which the first administrator is set up; it replaces an earlier one."""
        ticket = secrets.token_urlsafe(24)
        with self._lock:
            self._ticket = (ticket, self.now() + SETUP_LASTS)
        return ticket

    def is_ticket(self, ticket: str) -> bool:
        """Tell whether a ticket opens the set-up now."""
        with self._lock:
            kept = self._ticket
        return kept is not None and self.now() < kept[1] and hmac.compare_digest(kept[0].encode(), ticket.encode())

    def use_ticket(self, ticket: str) -> bool:
        """Use a ticket up. Returns whether it opened the set-up; of two at the same time one does."""
        with self._lock:
            kept, fits = self._ticket, False
            if kept is not None and self.now() < kept[1]:
                fits = hmac.compare_digest(kept[0].encode(), ticket.encode())
            if fits:
                self._ticket = None
            return fits
