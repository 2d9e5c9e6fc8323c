"""What all requests share: the installation, the clock, and the ticket of the first start."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Callable, Hashable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar

from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from qareport.delivery import DeskKey
from qareport.model import Team
from qareport.outgoing import OutgoingClient, OutgoingReach
from qareport.settings import Settings, load_teams
from qareport.store import Store
from qareport.web.live_feed import LiveBoard
from qareport.web.oidc import OidcProvider, open_provider
from qareport.workflows.rule_desk import RuleDesk
from qareport.workflows.rule_publishing import RulePublisher
from qareport.workflows.workspace import Workspace

#: How long the link of the first start opens the desk.
SETUP_LASTS = timedelta(minutes=15)
#: How old counts beside choices may be.
RECENT = timedelta(seconds=60)
#: Of so many askers they are kept at a time.
_MOST_RECENT = 200
#: So many things that take long to make are kept at a time.
_MOST_MADE = 20
T = TypeVar("T")


def _now() -> datetime:
    return datetime.now(UTC)


class Desk:
    """An open desk over an installation, shared by all requests; safe for threads."""

    def __init__(self, workspace: Workspace, *, clock: Callable[[], datetime] = _now) -> None:
        """Open the store and read the settings.

        Raises:
            ConfigError: everything wrong in `qareport.yaml` or `teams.yaml`, or missing for signing in by a provider.
            StoreError: the store cannot be opened.
        """
        self.workspace: Final = workspace
        self.now: Final = clock
        self.settings: Final[Settings] = workspace.settings
        self.store: Final[Store] = workspace.store
        self.rules: Final = RulePublisher(RuleDesk(workspace))
        #: Counts wrong passwords.
        self.login_limits: Final = SlidingWindowCounterRateLimiter(MemoryStorage())
        #: Whether teams are kept in `config/teams.yaml`, and no page changes them.
        self.teams_in_file: Final = self._read_teams()
        #: Reaches other systems.
        self.outgoing: Final = OutgoingClient(OutgoingReach(allow=self.settings.webhooks.allow))
        #: Where people sign in with accounts of the organisation; None: nowhere.
        self.oidc: OidcProvider | None = open_provider(self.settings.desk, now=clock)
        #: What happens in live calls.
        self.live: Final = LiveBoard(Path(self.settings.desk.folder), began=int(clock().timestamp()) * 1000)
        #: Whether what the first pages would wait for is still being loaded.
        self.preparing = False
        #: How many requests were answered and how many seconds that took, by method and status.
        self.requests: dict[tuple[str, int], tuple[int, float]] = {}
        self._ticket: tuple[str, datetime] | None = None
        self._recent: dict[Hashable, tuple[datetime, Any]] = {}
        self._made: dict[Hashable, tuple[Hashable, Any]] = {}
        self._lock = threading.Lock()

    def _read_teams(self) -> bool:
        """Bring the store's teams in line with the file, where there is one; who looks after them stays."""
        entries = load_teams(self.workspace.config)
        if entries is None:
            return False
        teams = self.store.teams
        kept = {team.team_id: team for team in teams.list()}
        for team_id in kept.keys() - {entry.id for entry in entries}:
            teams.delete(team_id)
        for entry in entries:
            users = kept[entry.id].users if entry.id in kept else ()
            teams.put(Team(team_id=entry.id, name=entry.name or entry.id, agents=entry.agents, users=users))
        return True

    @cached_property
    def key(self) -> DeskKey:
        """The desk's key, made the first time that it is needed.

        Raises:
            ConfigError: it cannot be used; the error says why.
        """
        return DeskKey.open(self.settings.desk.key_path)

    @property
    def session_lasts(self) -> timedelta:
        """How long a login lasts at most."""
        return timedelta(hours=self.settings.desk.session_hours)

    @property
    def idle_lasts(self) -> timedelta:
        """How long a login lasts without being used."""
        return timedelta(minutes=self.settings.desk.idle_minutes)

    def recently(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what `make` returned less than `RECENT` ago for this key, or what it returns now.

        For counts beside the choices of a form: they may be a little old. The key has everything that decides what may
        be seen.
        """
        with self._lock:
            made = self._recent.get(key)
        if made is not None and self.now() - made[0] < RECENT:
            value: T = made[1]
            return value
        value = make()
        with self._lock:
            if len(self._recent) >= _MOST_RECENT:
                self._recent.clear()
            self._recent[key] = (self.now(), value)
        return value

    def as_of(self, key: Hashable, state: Hashable, make: Callable[[], T]) -> T:
        """Return what `make` returned last for this key, if what it was made from is in the same state still.

        For what takes long to make and seldom changes. The key has everything that decides what may be seen.
        """
        with self._lock:
            known = self._made.pop(key, None)
            if known is not None and known[0] == state:
                self._made[key] = known  # the last to go
                value: T = known[1]
                return value
        value = make()
        with self._lock:
            if len(self._made) >= _MOST_MADE:
                self._made.pop(next(iter(self._made)))
            self._made[key] = (state, value)
        return value

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
