"""Open ports of live calls over a fresh store, with the bundled model, and what tests send to them."""

from __future__ import annotations

import asyncio
import difflib
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import torch

from qareport import settings
from qareport.asr.streaming import LiveRecogniser, ModelTurns
from qareport.model import LiveCall, LiveState, Permission, Role, UserRole
from qareport.web.ingest.player import Play, play, read_sound
from qareport.web.ingest.server import IngestServer
from qareport.web.worker import live_rule_book
from qareport.workflows.live.service import LiveService
from qareport.workflows.workspace import Workspace
from tests.support.live_calls import engine
from tests.support.patience import wait_for

#: What an angry customer says between two sentences of the agent.
SOUND = read_sound(settings.bundled_calls() / "c13-escalation.ogg", 8000)[::-1, 4 * 8000 : 10 * 8000]
SPEED = 4.0


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class Ports:
    """Open ports over a fresh store."""

    workspace: Workspace
    service: LiveService
    server: IngestServer
    token: str
    texts: list[str] = field(default_factory=list)

    def url(self, path: str) -> str:
        """Return the address of a convention."""
        return f"ws://127.0.0.1:{self.server.ports['live']}/live/{path}"

    def ticket(self, **facts: object) -> str:
        """Make a ticket for a call."""
        return self.workspace.store.live_tickets.make(facts, at=datetime.now(UTC))

    def play(self, convention: str, call_id: str, **more: object) -> None:
        """Play what the customer says as a convention does."""
        port = self.server.ports.get(convention)
        url = (
            self.url(convention) if port is None else f"{'ws' if convention == 'funasr' else 'tcp'}://127.0.0.1:{port}"
        )
        values: dict[str, object] = {
            "sound": SOUND, "url": url, "convention": convention, "facts": {"call_id": call_id, "agent_id": "A1"},
            "speed": SPEED, "on_text": self.texts.append,
        }  # fmt: skip
        asyncio.run(play(Play(**(values | more))))  # type: ignore[arg-type]

    def ended(self, call_id: str) -> LiveCall:
        """Wait until a call is over."""
        return self.wait_for(
            lambda: next((c for c in self.workspace.store.live_calls.list_ended() if c.call_id == call_id), None)
        )

    def ended_as(self, call_id: str, state: LiveState) -> LiveCall | None:
        """Return a call that ended so."""
        calls = self.workspace.store.live_calls.list_ended()
        return next((call for call in calls if call.call_id == call_id and call.state is state), None)

    def wait_for(self, look: Callable[[], LiveCall | None]) -> LiveCall:
        """Look until a call is there."""
        return wait_for(look, what="the call", seconds=40, every_s=0.1)


@contextmanager
def open_ports(folder: Path) -> Iterator[Ports]:
    """Open all ports; three calls at once get in."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    url = f"sqlite:///{folder / 'q.db'}"
    with Workspace.open(config=settings.default_dir("config"), store=url, model="demo", make_store=True) as workspace:
        user = workspace.store.users.add("phone", UserRole.ADMIN, at=datetime.now(UTC))
        scopes, now = [Permission.LIVE_INGEST], datetime.now(UTC)
        workspace.store.webhooks.add("crm", "https://crm.example.com/", at=now)
        _, secret = workspace.store.tokens.add("phone", user.user_id, scopes, at=now, lasts=timedelta(days=1))
        book = live_rule_book(workspace)
        live = replace(
            book.settings.live, port=0, funasr_port=free_port(), audiosocket_port=free_port(), max_calls=3, idle_s=20
        )
        book = replace(book, settings=replace(book.settings, live=live))
        service = LiveService(workspace.store, book, LiveRecogniser(engine(), ModelTurns()), folder / "sound")
        with service, IngestServer(service, workspace.store, live) as server:
            yield Ports(workspace, service, server, secret)
    torch.set_num_threads(threads)


def heard(call: LiveCall, role: Role | None = None) -> str:
    """Return what a role, or anybody, was heard to say."""
    return "".join(line.text for line in call.lines if role is None or line.role is role)


def alike(first: str, second: str) -> float:
    """Return how alike two texts are, from 0 to 1."""
    return difflib.SequenceMatcher(None, first, second, autojunk=False).ratio()
