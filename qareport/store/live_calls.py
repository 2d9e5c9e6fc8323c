"""Calls that are heard while they are on, and the tickets that let their sound in."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from qareport.codec import to_json
from qareport.errors import NotFoundError
from qareport.messages import say
from qareport.model import Agents, JobKind, LiveCall, LiveLine, LiveState
from qareport.store.connection import from_stored, in_utc
from qareport.store.database import Database
from qareport.store.jobs import new_job
from qareport.store.live_schema import LiveCallRow as Row
from qareport.store.live_schema import LiveTicketRow

#: How long a ticket lets sound in.
TICKET_LASTS: Final = timedelta(seconds=60)
_ON = (LiveState.OPEN, LiveState.HELD)
_UNMERGED = (LiveState.ENDED, LiveState.LOST)


class LiveCallRepository:
    """The live calls of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, call: LiveCall) -> None:
        """Keep a call that begins."""
        with self._database.write() as session:
            session.add(Row(id=call.live_id, lines="[]", **_columns(call)))

    def change(self, calls: Sequence[LiveCall]) -> None:
        """Keep calls as they are now, their lines included, in one transaction."""
        with self._database.write() as session:
            _change(session, calls)

    def hand_over(self, call: LiveCall, payload: Mapping[str, Any], *, at: datetime) -> None:
        """Keep a call that is over, and add the job that judges its recording: both or neither, whatever is killed."""
        with self._database.write() as session:
            _change(session, [call])
            session.add(new_job(JobKind.UPLOAD, payload, at=at))

    def get(self, live_id: str) -> LiveCall:
        """Return a call with its lines.

        Raises:
            NotFoundError: there is none of that id.
        """
        with self._database.read() as session:
            row = session.get(Row, live_id)
            if row is None:
                raise NotFoundError(say("there is no live call {live_id!r}", live_id=live_id))
            return self._call(row)

    def list_on(self, agents: Agents | None = None) -> tuple[LiveCall, ...]:
        """Return the calls that are on, the oldest first; of these agents alone where they are given."""
        query = select(Row).where(Row.state.in_(_ON)).order_by(Row.started_at, Row.id)
        if agents is not None and agents.only is not None:
            query = query.where(Row.agent_id.in_(sorted(agents.only)))
        return self._list(query)

    def list_ended(
        self, agents: Agents | None = None, *, since: datetime | None = None, limit: int = 50
    ) -> tuple[LiveCall, ...]:
        """Return the calls that are over, the newest first; those alone that ended since an instant."""
        query = select(Row).where(Row.state.not_in(_ON)).order_by(Row.started_at.desc(), Row.id).limit(limit)
        if since is not None:
            query = query.where(Row.ended_at >= in_utc(since))
        if agents is not None and agents.only is not None:
            query = query.where(Row.agent_id.in_(sorted(agents.only)))
        return self._list(query)

    def list_unmerged(self, call_id: str, *, failed: bool = False) -> tuple[LiveCall, ...]:
        """Return the calls of this id that are over and wait for the result of their recording.

        With `failed` also those whose recording could not be judged: another one may have been.
        """
        states = (*_UNMERGED, LiveState.MERGE_FAILED) if failed else _UNMERGED
        return self._list(select(Row).where(Row.call_id == call_id, Row.state.in_(states)))

    def list_awaiting(self) -> Sequence[str]:
        """Return the ids of all calls that are over and wait for the result of their recording."""
        with self._database.read() as session:
            return session.scalars(select(Row.call_id).where(Row.state.in_(_UNMERGED)).distinct()).all()

    def find_merged(self, call_id: str) -> LiveCall | None:
        """Return the live call whose place the result of a call took, the newest where there are several."""
        query = select(Row).where(Row.merged_call_id == call_id).order_by(Row.started_at.desc(), Row.id).limit(1)
        return next(iter(self._list(query)), None)

    def _list(self, query: Any) -> tuple[LiveCall, ...]:
        with self._database.read() as session:
            return tuple(map(self._call, session.scalars(query)))

    def _call(self, row: Row) -> LiveCall:
        where = f"{self._database.url} live call {row.id}"
        lines = from_stored(tuple[LiveLine, ...], row.lines, where=where)
        return replace(from_stored(LiveCall, row.facts, where=where), lines=lines)


def _change(session: Session, calls: Sequence[LiveCall]) -> None:
    for call in calls:
        values = _columns(call) | {"lines": f"[{','.join(map(_line_json, call.lines))}]"}
        session.execute(update(Row).where(Row.id == call.live_id).values(values))


def _columns(call: LiveCall) -> dict[str, Any]:
    return {
        "call_id": call.call_id, "agent_id": call.agent_id, "state": call.state, "started_at": in_utc(call.started_at),
        "ended_at": in_utc(call.ended_at) if call.ended_at else None, "audio_path": call.audio_path,
        "facts": to_json(replace(call, lines=())), "merged_call_id": call.merged_call_id,
    }  # fmt: skip


@lru_cache(maxsize=20_000)
def _line_json(line: LiveLine) -> str:
    """Write a line once: a call that is on is kept each second, with all that was said so far."""
    return to_json(line)


def of_calls(ids: Sequence[str]) -> Any:
    """Return the condition that a live call belongs to one of these calls."""
    return or_(Row.call_id.in_(ids), Row.merged_call_id.in_(ids))


class LiveTicketRepository:
    """Tickets: each lets the sound of one call in, once, within a minute."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def make(self, facts: Mapping[str, Any], *, at: datetime) -> str:
        """Make a ticket, a UUID. Those that nobody used in time are forgotten."""
        ticket = str(uuid.uuid4())
        row = LiveTicketRow(
            ticket_sha256=_hash(ticket), facts=json.dumps(dict(facts)), expires_at=in_utc(at + TICKET_LASTS)
        )
        with self._database.write() as session:
            session.execute(delete(LiveTicketRow).where(LiveTicketRow.expires_at < in_utc(at)))
            session.add(row)
        return ticket

    def use(self, ticket: str, *, at: datetime) -> Mapping[str, Any] | None:
        """Use a ticket up. Returns what is known of its call; None where it lets nobody in."""
        with self._database.write() as session:
            row = session.get(LiveTicketRow, _hash(ticket))
            if row is None:
                return None
            done: Any = session.execute(delete(LiveTicketRow).where(LiveTicketRow.ticket_sha256 == row.ticket_sha256))
            if not done.rowcount or row.expires_at < in_utc(at):
                return None
            facts: Mapping[str, Any] = json.loads(row.facts)
            return facts


def _hash(ticket: str) -> str:
    return hashlib.sha256(ticket.strip().lower().encode()).hexdigest()
