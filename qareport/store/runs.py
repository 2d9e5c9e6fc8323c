"""Runs of `qareport daily`: when each began, how far it came, how it ended."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update

from qareport import events
from qareport.codec import from_json, to_data
from qareport.model import RunRecord, RunState, RunStep
from qareport.store.database import Database
from qareport.store.schema import RunRow


class RunRepository:
    """The runs of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, period: str, *, mode: str, holder: str, now: datetime) -> int:
        """Record that a run began, and return its number. Only for who holds the store's lock.

        Runs that are still recorded as running were killed, and are recorded so.
        """
        with self._database.write() as session:
            session.execute(update(RunRow).where(RunRow.state == RunState.RUNNING).values(state=RunState.KILLED))
            row = RunRow(
                period=period,
                mode=mode,
                state=RunState.RUNNING,
                started_at=now.isoformat(),
                holder=holder,
                steps="[]",
                problems="[]",
                summary="",
            )
            session.add(row)
            session.flush()
            return row.number

    def end(
        self,
        number: int,
        state: RunState,
        *,
        steps: Sequence[RunStep],
        summary: str,
        problems: Sequence[str],
        now: datetime,
    ) -> None:
        """Record how a run ended."""
        with self._database.write() as session:
            row = session.get_one(RunRow, number)
            row.state, row.summary, row.ended_at = state, summary, now.isoformat()
            row.steps = json.dumps([to_data(step) for step in steps])
            row.problems = json.dumps(list(problems), ensure_ascii=False)
            period, took = row.period, now - datetime.fromisoformat(row.started_at)
        for step in steps:
            events.happened(
                step.name, "done", duration_ms=round(step.seconds * 1000), run=number, period=period, count=step.count
            )
        duration_ms = max(0, round(took.total_seconds() * 1000))
        events.happened("run", state, duration_ms=duration_ms, run=number, period=period, problems=list(problems))

    def list(self, *, period: str | None = None, limit: int = 100) -> tuple[RunRecord, ...]:
        """Return runs, newest first."""
        query = select(RunRow).order_by(RunRow.number.desc()).limit(limit)
        if period is not None:
            query = query.where(RunRow.period == period)
        with self._database.read() as session:
            return tuple(_record(row) for row in session.scalars(query))

    def list_states(self, mode: str) -> dict[str, RunState]:
        """Return how the newest run of a mode ended, for each period that was ever run in it; DONE once is DONE."""
        states: dict[str, RunState] = {}
        query = select(RunRow.period, RunRow.state).where(RunRow.mode == mode).order_by(RunRow.number)
        with self._database.read() as session:
            for period, state in session.execute(query):
                if states.get(period) is not RunState.DONE:
                    states[period] = RunState(state)
        return states


def _record(row: RunRow) -> RunRecord:
    return RunRecord(
        number=row.number,
        period=row.period,
        mode=row.mode,
        state=RunState(row.state),
        started_at=datetime.fromisoformat(row.started_at),
        ended_at=datetime.fromisoformat(row.ended_at) if row.ended_at else None,
        steps=from_json(tuple[RunStep, ...], row.steps, where=f"run {row.number}"),
        summary=row.summary,
        problems=tuple(json.loads(row.problems)),
        holder=row.holder,
    )
