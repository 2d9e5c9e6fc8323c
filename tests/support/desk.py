"""A desk with one user of each role, two teams and a few judged calls; clients that are logged in."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from starlette.routing import BaseRoute

from qareport import settings
from qareport.model import AudioInfo, Call, Emotion, Role, Segment, Team, Transcript, User, UserRole
from qareport.store import Store
from qareport.web import Desk, create_app
from qareport.workflows.judge import RuleBook, judge_calls
from qareport.workflows.transcribe import TranscribedCall
from qareport.workflows.workspace import Workspace
from tests.support.calls import AGENT, CUSTOMER, say

PASSWORD = "correct horse battery"  # noqa: S105 - of nobody
#: argon2id takes long by design. A hash names its own parameters: with the least, a login takes no time.
_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
#: Call, order, agent, minute of the morning of 2026-11-21.
CALLS = (("c1", "o1", "A1", 0), ("c2", "o1", "A2", 10), ("c3", "o2", "B1", 20), ("c4", None, None, 30))
#: Agents by team: the supervisor looks after `red`.
TEAMS = {"red": ("A1", "A2"), "blue": ("B1",)}


#: Those of the first application, which know no desk. FastAPI puts them together at their first request, which takes
#: longer than most tests.
_ROUTES: list[BaseRoute] = []


@dataclass
class Clock:
    """A clock that tests move."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        """Move on by some time, as `timedelta` takes it."""
        self.now += timedelta(**by)


@dataclass
class OpenDesk:
    """A desk for tests."""

    desk: Desk
    clock: Clock
    users: dict[UserRole, User] = field(default_factory=dict)

    @cached_property
    def app(self) -> FastAPI:
        """The application."""
        app = create_app(self.desk)
        app.router.routes[:] = _ROUTES or app.router.routes
        _ROUTES[:] = app.router.routes
        return app

    def browser(self, address: str = "testclient") -> TestClient:
        """Return a browser that nobody is logged in with, as the desk's own pages send requests.

        Requests of strangers are counted by their address.
        """
        headers = {"sec-fetch-site": "same-origin", "accept-language": "zh-CN"}
        return TestClient(
            self.app, base_url="http://127.0.0.1:8710", headers=headers, follow_redirects=False, client=(address, 50000)
        )  # fmt: skip

    def login(self, role: UserRole) -> TestClient:
        """Return a browser in which the user of a role is logged in."""
        client = self.browser()
        answer = client.post("/login", data={"name": role.value, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        return client

    def enter(self, role: UserRole) -> TestClient:
        """Return a browser with a session of a role's user, which took no password: that takes long by design."""
        client = self.browser()
        user, at = self.users[role], self.clock.now
        token = self.desk.store.sessions.start(
            user.user_id, at=at, lasts=self.desk.session_lasts, ip="", user_agent="test"
        )
        client.cookies.set("qareport", token)
        return client


@contextmanager
def open_desk(folder: Path, *, url: str = "", config: Path | None = None, calls: bool = True) -> Iterator[OpenDesk]:
    """Open a desk over a store of its own; it has all of `CALLS`, `TEAMS` and a user named after each role.

    Args:
        folder: where the store is.
        url: of another store, which is empty.
        config: folder of the configuration; None: the bundled one.
        calls: whether there are calls.
    """
    for call_id, *_ in CALLS if calls else ():
        (folder / f"{call_id}.wav").write_bytes(b"RIFF")
    url = url or f"sqlite:///{folder / 'q.db'}"
    config = config or settings.default_dir("config")
    if config.is_relative_to(folder):  # rules of the same name and content are read once in a process
        config = config.relative_to(folder)
    with (
        chdir(folder),  # uploads are kept beside it, and recordings are
        Workspace.open(config=config, store=url, make_store=True) as workspace,
    ):
        if not url.startswith("sqlite:"):
            _fill(workspace.store, workspace.rule_book if calls else None)
        else:
            (folder / "q.db").write_bytes(_filled(workspace.rule_book if calls else None))
        clock = Clock()
        desk = Desk(workspace, clock=clock)
        yield OpenDesk(desk=desk, clock=clock, users={user.role: user for user in desk.store.users.list()})


#: Filled stores, by the key of the rules: to make one and judge the calls takes longer than most tests.
_stores: dict[str, bytes] = {}


def _filled(rule_book: RuleBook | None) -> bytes:
    """Return an SQLite store with users, teams and, where there are rules, judged calls."""
    key = rule_book.key if rule_book else ""
    if key not in _stores:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "q.db"
            with Store(f"sqlite:///{path}") as store:
                _fill(store, rule_book)
            _stores[key] = path.read_bytes()
    return _stores[key]


def _fill(store: Store, rule_book: RuleBook | None) -> None:
    _add_people(store)
    if rule_book:
        _add_calls(store, rule_book)


def _add_people(store: Store) -> None:
    users = {}
    for role in UserRole:
        agent = "A1" if role is UserRole.AGENT else None
        users[role] = store.users.add(role.value, role, at=NOW, password=_HASH, agent_id=agent)
    for team_id, agents in TEAMS.items():
        looked_after_by = (users[UserRole.SUPERVISOR].user_id,) if team_id == "red" else ()
        store.teams.put(Team(team_id=team_id, name=team_id, agents=agents, users=looked_after_by))


def _add_calls(store: Store, rule_book: RuleBook) -> None:
    transcribed = []
    for call_id, order_id, agent_id, minute in CALLS:
        recording = f"{call_id}.wav"
        audio = AudioInfo(
            path=recording, sha256=call_id.ljust(64, "0"), duration_ms=20_000, sample_rate=8000, channels=2
        )
        call = Call(
            call_id=call_id,
            audio_path=recording,
            order_id=order_id,
            agent_id=agent_id,
            started_at=datetime(2026, 11, 21, 1, minute, tzinfo=UTC),
        )
        transcript = Transcript(
            call_id=call_id,
            order_id=order_id,
            agent_id=agent_id,
            started_at=call.started_at,
            segments=conversation(),
            audio=audio,
        )
        transcribed.append(TranscribedCall(call=call, transcript=transcript, key=f"key-{call_id}"))
        store.transcripts.put(f"key-{call_id}", transcript)
    done, failed = judge_calls(transcribed, store, rule_book, on_progress=lambda *_: None)
    assert not failed, failed
    assert len(done) == len(CALLS)


def conversation() -> tuple[Segment, ...]:
    """Return a call about a return in which the customer gets angry and is not answered."""
    lines: list[tuple[float, float, Role, str, Emotion]] = [
        (0, 2, AGENT, "您好，请问有什么可以帮您？", Emotion.NEUTRAL),
        (3, 6, CUSTOMER, "我要退货，运费谁出？", Emotion.NEUTRAL),
        (7, 9, AGENT, "这个我不太清楚呢。", Emotion.NEUTRAL),
        (10, 13, CUSTOMER, "都说了三遍了，退货运费到底谁出！", Emotion.ANGRY),
        (14, 16, AGENT, "请您耐心等待。", Emotion.NEUTRAL),
        (17, 19, CUSTOMER, "我要投诉你们。", Emotion.ANGRY),
    ]
    return tuple(say(*line) for line in lines)


def all_routes(routes: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    """Yield the routes of an application, those of its routers too."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif (router := getattr(route, "original_router", None)) is not None:
            yield from all_routes(router.routes)
