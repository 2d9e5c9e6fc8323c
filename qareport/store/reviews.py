"""Verdicts on findings, acknowledgements of calls, and what the queue of the review is made from."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select, true, update
from sqlalchemy.orm import Session, aliased

from qareport.codec import to_json
from qareport.errors import NotFoundError
from qareport.messages import say
from qareport.model import (
    Acknowledgement,
    Agents,
    AuditEntry,
    CallReport,
    Finding,
    RulePrecision,
    Verdict,
    VerdictKind,
    VerdictReason,
    cohen_kappa,
    stale_verdicts,
)
from qareport.model.review import LEAST_PAIRS
from qareport.store.audit import append
from qareport.store.connection import batches, from_stored, in_utc, select_in, upsert
from qareport.store.database import Database
from qareport.store.review_schema import AcknowledgementRow, VerdictRow
from qareport.store.schema import CallReportRow, CallRow
from qareport.store.search_index import index_review
from qareport.store.search_schema import SearchCallRow
from qareport.store.webhook_events import telling_review


class ReviewRepository:
    """The verdicts and acknowledgements of a store. What changes something is kept with its line of the audit log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- verdicts -----------------------------------------------------------------------------------------------------

    def add(self, verdict: Verdict, entry: AuditEntry) -> Verdict:
        """Keep a verdict. Returns it with its number and the key of the result that it is about.

        Raises:
            NotFoundError: the call is gone.
        """
        with self._database.write() as session:
            append(session, entry)
            return add_verdict(session, verdict)

    def find_state(self, first: datetime, last: datetime) -> tuple[int, ...]:
        """Return what changes with every verdict on a call that began in [first, last) and is judged."""
        call, verdict = SearchCallRow, VerdictRow
        stale = func.sum(case((verdict.stale, 1), else_=0))
        query = (
            select(func.count(), func.coalesce(func.max(verdict.id), 0), func.coalesce(stale, 0))
            .join_from(call, verdict, verdict.call_id == call.call_id)
            .where(call.started_utc >= in_utc(first), call.started_utc < in_utc(last))
        )
        with self._database.read() as session:
            return tuple(map(int, session.execute(query).one()))

    def list(self, call_id: str) -> tuple[Verdict, ...]:
        """Return all verdicts on a call, oldest first."""
        with self._database.read() as session:
            return verdicts_of(session, call_id)

    def list_many(self, call_ids: Sequence[str]) -> dict[str, tuple[Verdict, ...]]:
        """Return the verdicts on many calls, by call; calls without any are missing."""
        by_call: defaultdict[str, Any] = defaultdict(list)  # `list` is a method of this class
        with self._database.read() as session:
            for row in select_in(session, select(VerdictRow).order_by(VerdictRow.id), VerdictRow.call_id, call_ids):
                by_call[row.call_id].append(_verdict(row))
        return {call_id: tuple(verdicts) for call_id, verdicts in by_call.items()}

    def list_reviewed(self) -> frozenset[str]:
        """Return the calls that have a verdict that counts."""
        counted = ~VerdictRow.stale & _is_current()
        with self._database.read() as session:
            return frozenset(session.scalars(select(VerdictRow.call_id).where(counted).distinct()))

    def list_stale(self, agents: Agents) -> tuple[Verdict, ...]:
        """Return the verdicts that count no longer, and that none replaces."""
        with self._database.read() as session:
            query = _of_agents(select(VerdictRow), agents).where(VerdictRow.stale, _is_current())
            return tuple(_verdict(row) for row in session.scalars(query.order_by(VerdictRow.id)))

    def list_second_looks(self, agents: Agents, user_id: int) -> tuple[Verdict, ...]:
        """Return the verdicts of others that wait for a second reviewer."""
        wanted = VerdictRow.second_wanted & ~VerdictRow.stale & _is_current()
        by_others = VerdictRow.user_id.is_(None) | (VerdictRow.user_id != user_id)
        with self._database.read() as session:
            query = _of_agents(select(VerdictRow), agents).where(wanted, by_others)
            return tuple(_verdict(row) for row in session.scalars(query.order_by(VerdictRow.id)))

    def precisions(self, agents: Agents) -> tuple[RulePrecision, ...]:
        """Return how many reviewed findings of each rule were right, and how reviewers agreed; by rule id."""
        row, second = VerdictRow, aliased(VerdictRow)
        counted = (
            _of_agents(select(row.rule_id, row.verdict, func.count()), agents)
            .where(~row.stale, _is_current())
            .group_by(row.rule_id, row.verdict)
        )
        pairs = _of_agents(select(row.rule_id, row.verdict, second.verdict), agents).join(
            second, (second.replaces == row.id) & second.blind
        )
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        looks: defaultdict[str, Any] = defaultdict(list)  # `list` is a method of this class
        with self._database.read() as session:
            for rule_id, kind, count in session.execute(counted):
                counts[rule_id][kind] = count
            for rule_id, first, other in session.execute(pairs):
                looks[rule_id].append((VerdictKind(first), VerdictKind(other)))
        return tuple(_precision(rule_id, counts[rule_id], looks[rule_id]) for rule_id in sorted({*counts, *looks}))

    # --- calls to review ----------------------------------------------------------------------------------------------

    def sample(self, first: datetime, last: datetime, per_agent: int, agents: Agents) -> tuple[str, ...]:
        """Choose judged calls of each agent that began in [first, last) and have findings, the same ones each time.

        Args:
            first: start of the day.
            last: its end.
            per_agent: how many of each agent at most; calls of unknown agents count as those of one agent.
            agents: whose calls may be seen.
        """
        row = SearchCallRow
        query = select(row.call_id, row.agent_id).where(
            row.started_utc >= in_utc(first),
            row.started_utc < in_utc(last),
            func.length(row.rules) > len("||"),
            _visible(agents),
        )
        calls: defaultdict[str | None, Any] = defaultdict(list)
        with self._database.read() as session:
            for call_id, agent_id in session.execute(query):
                calls[agent_id].append((hashlib.sha256(call_id.encode()).hexdigest(), call_id))
        return tuple(call_id for own in calls.values() for _, call_id in sorted(own)[:per_agent])

    def list_unreviewed(self, call_ids: Sequence[str]) -> frozenset[str]:
        """Return those of some judged calls in which a rule hit of which nobody has reviewed a finding."""
        row, reviewed = SearchCallRow, defaultdict[str, set[str]](set)
        verdicts = select(VerdictRow.call_id, VerdictRow.rule_id).where(~VerdictRow.stale)
        with self._database.read() as session:
            for batch in batches(call_ids):
                for call_id, rule_id in session.execute(verdicts.where(VerdictRow.call_id.in_(batch))):
                    reviewed[call_id].add(rule_id)
            found = [
                call_id
                for batch in batches(call_ids)
                for call_id, rules in session.execute(select(row.call_id, row.rules).where(row.call_id.in_(batch)))
                if set(filter(None, rules.split("|"))) - reviewed[call_id]
            ]
        return frozenset(found)

    def find_newest_start(self, agents: Agents) -> datetime | None:
        """Return when the newest judged call with findings began; None: there is none of known time."""
        row = SearchCallRow
        query = select(func.max(row.started_utc)).where(func.length(row.rules) > len("||"), _visible(agents))
        with self._database.read() as session:
            newest = session.scalar(query)
        return datetime.fromisoformat(newest) if newest else None

    def find_judged_at(self, call_id: str) -> datetime | None:
        """Return when the newest result of a call was made; None: before that was kept."""
        query = select(CallReportRow.judged_at).join(CallRow, CallRow.report_key == CallReportRow.key)
        with self._database.read() as session:
            text = session.scalar(query.where(CallRow.call_id == call_id))
        return datetime.fromisoformat(text) if text else None

    # --- acknowledgements ---------------------------------------------------------------------------------------------

    def acknowledge(self, call_id: str, user_id: int, entry: AuditEntry) -> None:
        """Note that an agent has read what was found in a call; the first time counts, and a second writes nothing."""
        with self._database.write() as session:
            if session.get(AcknowledgementRow, (call_id, user_id)) is None:
                append(session, entry)
                upsert(session, AcknowledgementRow, call_id=call_id, user_id=user_id, at=in_utc(entry.at))

    def list_acknowledgements(self, call_id: str) -> tuple[Acknowledgement, ...]:
        """Return who has read what was found in a call, the earliest first."""
        query = select(AcknowledgementRow).where(AcknowledgementRow.call_id == call_id).order_by(AcknowledgementRow.at)
        with self._database.read() as session:
            return tuple(
                Acknowledgement(call_id=row.call_id, user_id=row.user_id, at=datetime.fromisoformat(row.at))
                for row in session.scalars(query)
            )


def add_verdict(session: Session, verdict: Verdict) -> Verdict:
    """Add a verdict within a transaction. See `ReviewRepository.add`."""
    call = session.get(CallRow, verdict.call_id)
    if call is None:
        raise NotFoundError(say("there is no call {call_id!r}", call_id=verdict.call_id))
    row = VerdictRow(
        call_id=verdict.call_id, rule_id=verdict.rule_id, at_ms=verdict.at_ms, quote_sha256=verdict.quote_sha256,
        report_key=call.report_key or "", verdict=verdict.kind, reason=verdict.reason, comment=verdict.comment,
        user_id=verdict.user_id, at=in_utc(verdict.at), stale=verdict.stale, replaces=verdict.replaces,
        second_wanted=verdict.second_wanted, blind=verdict.blind, finding=to_json(verdict.finding),
    )  # fmt: skip
    with telling_review(session, verdict, verdicts_of):
        session.add(row)
        session.flush()
        index_review(session, verdict.call_id)
    return _verdict(row)


def follow_report(session: Session, report: CallReport) -> None:
    """Let the verdicts on a call follow its findings into its new result; those whose finding is gone get stale."""
    verdicts = verdicts_of(session, report.call_id)
    if not verdicts:
        return
    stale = stale_verdicts(report.findings, verdicts)
    of_call = update(VerdictRow).where(VerdictRow.call_id == report.call_id)
    session.execute(of_call.values(stale=VerdictRow.id.in_(sorted(stale))))
    index_review(session, report.call_id)


def verdicts_of(session: Session, call_id: str) -> tuple[Verdict, ...]:
    """Return all verdicts on a call, oldest first."""
    query = select(VerdictRow).where(VerdictRow.call_id == call_id).order_by(VerdictRow.id)
    return tuple(_verdict(row) for row in session.scalars(query))


def _is_current() -> Any:
    """Select verdicts that no other one replaces."""
    later = aliased(VerdictRow)
    return ~select(later.id).where(later.replaces == VerdictRow.id).exists()


def _of_agents(query: Any, agents: Agents) -> Any:
    """Restrict a query of verdicts to calls of some agents."""
    if agents.only is None:
        return query
    return query.join(CallRow, CallRow.call_id == VerdictRow.call_id).where(CallRow.agent_id.in_(sorted(agents.only)))


def _visible(agents: Agents) -> Any:
    return true() if agents.only is None else SearchCallRow.agent_id.in_(sorted(agents.only))


def _precision(rule_id: str, counts: Counter[str], looks: Sequence[tuple[VerdictKind, VerdictKind]]) -> RulePrecision:
    return RulePrecision(
        rule_id=rule_id,
        confirmed=counts[VerdictKind.CONFIRMED],
        rejected=counts[VerdictKind.REJECTED],
        not_applicable=counts[VerdictKind.NOT_APPLICABLE],
        pairs=len(looks),
        agreed=sum(first is second for first, second in looks),
        kappa=cohen_kappa(looks) if len(looks) >= LEAST_PAIRS else None,
    )


def _verdict(row: VerdictRow) -> Verdict:
    return Verdict(
        verdict_id=row.id, call_id=row.call_id, rule_id=row.rule_id, at_ms=row.at_ms, quote_sha256=row.quote_sha256,
        report_key=row.report_key, kind=VerdictKind(row.verdict),
        reason=VerdictReason(row.reason) if row.reason else None, comment=row.comment, user_id=row.user_id,
        at=datetime.fromisoformat(row.at), stale=row.stale, replaces=row.replaces,
        second_wanted=row.second_wanted, blind=row.blind,
        finding=from_stored(Finding, row.finding, where=f"verdict {row.id}"),
    )  # fmt: skip
