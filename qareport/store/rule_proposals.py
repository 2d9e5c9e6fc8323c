"""Drafts of rule files, one for each person and file; proposals that wait for consent; every text ever published."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from qareport.errors import NotFoundError
from qareport.messages import say
from qareport.model import AuditEntry, EventType, ProposalState, RuleProposal
from qareport.store.audit import append
from qareport.store.connection import in_utc
from qareport.store.database import Database
from qareport.store.rule_schema import RuleProposalRow as Row
from qareport.store.webhook_events import append_event

#: What makes the history of a file.
_HISTORY = (ProposalState.PUBLISHED, ProposalState.FOUND)


class RuleProposalRepository:
    """The proposals of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find_draft(self, file: str, user_id: int) -> RuleProposal | None:
        """Return a person's draft of a file, or None."""
        with self._database.read() as session:
            row = _draft(session, file, user_id)
            return None if row is None else _proposal(row)

    def save_draft(self, draft: RuleProposal) -> RuleProposal:
        """Put a person's draft of a file in the place of an earlier one. Returns it with its number."""
        with self._database.write() as session:
            row = _draft(session, draft.file, draft.user_id or 0)
            if row is None:
                row = _row(replace(draft, state=ProposalState.DRAFT))
                session.add(row)
            else:
                row.base_text, row.base_sha256, row.text = draft.base_text, draft.base_sha256, draft.text
                row.replay_sha256, row.at = draft.replay_sha256, in_utc(draft.at)
            session.flush()
            return _proposal(row)

    def drop_draft(self, file: str, user_id: int) -> None:
        """Delete a person's draft of a file, if there is one."""
        mine = (Row.file == file) & (Row.user_id == user_id) & (Row.state == ProposalState.DRAFT)
        with self._database.write() as session:
            session.execute(delete(Row).where(mine))

    def list_open(self, file: str | None = None) -> tuple[RuleProposal, ...]:
        """Return everyone's drafts and proposals, of one file or of all, the newest first."""
        query = select(Row).where(Row.state.in_((ProposalState.DRAFT, ProposalState.PROPOSED)))
        return self._list(query if file is None else query.where(Row.file == file))

    def list_history(self, file: str, limit: int = 100) -> tuple[RuleProposal, ...]:
        """Return the texts that a file has had, the newest first."""
        kept = self._list(select(Row).where(Row.file == file, Row.state.in_(_HISTORY)).limit(limit))
        # What was found in the folder is older than what was put in its place at the same time.
        return tuple(sorted(kept, key=lambda text: (text.at, text.state is ProposalState.PUBLISHED), reverse=True))

    def list_latest(self) -> dict[str, RuleProposal]:
        """Return the last publication of each file."""
        newest = select(func.max(Row.id)).where(Row.state == ProposalState.PUBLISHED).group_by(Row.file)
        return {proposal.file: proposal for proposal in self._list(select(Row).where(Row.id.in_(newest)))}

    def list_batch(self, batch: int) -> tuple[RuleProposal, ...]:
        """Return the texts that are proposed or were published together, in the order in which they were put."""
        return self._list(select(Row).where(Row.batch == batch))[::-1]

    def get(self, proposal_id: int) -> RuleProposal:
        """Return a proposal.

        Raises:
            NotFoundError: there is none of that number.
        """
        with self._database.read() as session:
            row = session.get(Row, proposal_id)
            if row is None:
                raise NotFoundError(say("there is no proposal {number}", number=proposal_id))
            return _proposal(row)

    def put_batch(
        self, proposals: Sequence[RuleProposal], entry: AuditEntry, *, write: Callable[[], None] | None = None
    ) -> tuple[RuleProposal, ...]:
        """Keep what is proposed or published together, with its line of the audit log; drafts of it are used up.

        Args:
            proposals: the new texts; drafts of the same person and file go.
            entry: the line of the audit log.
            write: writes the files; when it fails, nothing is kept.
        """
        with self._database.write() as session:
            append(session, entry)
            rows = [_row(proposal) for proposal in proposals]
            for row in rows:
                if row.state != ProposalState.FOUND:
                    mine = (Row.file == row.file) & (Row.user_id == row.user_id) & (Row.state == ProposalState.DRAFT)
                    session.execute(delete(Row).where(mine))
                session.add(row)
                session.flush()
                row.batch = rows[0].id
            session.flush()
            published = [row for row in rows if row.state == ProposalState.PUBLISHED]
            if published:
                _tell(session, [row.file for row in published], published[0].reason, entry.at)
            if write is not None:
                write()
            return tuple(map(_proposal, rows))

    def decide_batch(
        self, batch: int, state: ProposalState, entry: AuditEntry, *, second_user_id: int, at: datetime,
        found: Sequence[RuleProposal] = (), write: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        """End what waits for consent: published, refused, or a draft again; with its line of the audit log.

        Args:
            batch: the number that the proposals share.
            state: what they become.
            entry: the line of the audit log.
            second_user_id: who decides.
            at: when.
            found: texts of the files that are kept, as nobody published them.
            write: writes the files; when it fails, nothing changes.

        Raises:
            NotFoundError: nothing of that number waits.
        """
        waiting = (Row.batch == batch) & (Row.state == ProposalState.PROPOSED)
        with self._database.write() as session:
            append(session, entry)
            session.add_all(map(_row, found))
            session.flush()
            values: dict[str, Any] = {"state": state, "second_user_id": second_user_id, "at": in_utc(at)}
            done: Any = session.execute(update(Row).where(waiting).values(values))
            if not done.rowcount:
                raise NotFoundError(say("proposal {number} waits no more", number=batch))
            if state is ProposalState.PUBLISHED:
                rows = session.scalars(select(Row).where(Row.batch == batch).order_by(Row.id)).all()
                _tell(session, [row.file for row in rows], rows[0].reason, entry.at)
            if write is not None:
                write()

    def _list(self, query: Any) -> tuple[RuleProposal, ...]:
        with self._database.read() as session:
            return tuple(_proposal(row) for row in session.scalars(query.order_by(Row.id.desc())))


def _tell(session: Session, files: Sequence[str], reason: str, at: datetime) -> None:
    """Tell webhooks which rule files count now."""
    data = {"files": sorted(set(files)), "reason": reason}
    append_event(session, EventType.RULES_PUBLISHED, data, object="rules", at=at)


def _draft(session: Session, file: str, user_id: int) -> Row | None:
    return session.scalars(
        select(Row).where(Row.file == file, Row.user_id == user_id, Row.state == ProposalState.DRAFT)
    ).first()


def _row(proposal: RuleProposal) -> Row:
    return Row(
        file=proposal.file, state=proposal.state, batch=proposal.batch, base_text=proposal.base_text,
        base_sha256=proposal.base_sha256, text=proposal.text, replay_sha256=proposal.replay_sha256,
        user_id=proposal.user_id, second_user_id=proposal.second_user_id, reason=proposal.reason,
        at=in_utc(proposal.at),
    )  # fmt: skip


def _proposal(row: Row) -> RuleProposal:
    return RuleProposal(
        proposal_id=row.id, file=row.file, state=ProposalState(row.state), batch=row.batch, base_text=row.base_text,
        base_sha256=row.base_sha256, text=row.text, replay_sha256=row.replay_sha256, user_id=row.user_id,
        second_user_id=row.second_user_id, reason=row.reason, at=datetime.fromisoformat(row.at),
    )  # fmt: skip
