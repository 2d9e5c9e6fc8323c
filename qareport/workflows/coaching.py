"""Coaching sheets: from an agent's edition of a period and what the team's good calls teach."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qareport.analysis.qa_groups import jaccard
from qareport.model import (
    LISTEN_TO,
    Agents,
    BestSaid,
    CoachingSheet,
    ListenTo,
    PeriodReport,
    QaFilter,
    QaKind,
    QaPair,
    QaState,
    WeakLink,
)
from qareport.store import Store

#: Answers of others that a weak link shows, and how many are looked through for them.
_SHOWN, _LOOKED_AT = 2, 500
#: A question less alike is another one; then only what is asked most about the issue is shown.
_LIKE = 0.15


def make_sheet(store: Store, report: PeriodReport, team: Agents) -> CoachingSheet:
    """Make the coaching sheet of an agent.

    Args:
        store: the pairs that were mined from calls.
        report: the agent's own edition of a period.
        team: the agents whose answers may be shown.
    """
    agent_id = report.agent_id or ""
    row = next((row for row in report.agents if row.agent_id == agent_id), None)
    praise = row.praise if row is not None else None
    change = next(iter(report.weak_links), None)
    outcomes = [(outcome, own) for outcome in report.outcomes for own in outcome.agents if own.agent_id == agent_id]
    outcome, own = next(iter(outcomes), (None, None))
    faults = [ListenTo(evidence=place, title=link.title) for link in report.weak_links for place in link.evidence]
    good = [ListenTo(evidence=praise.evidence, title=praise.title, is_praise=True)] if praise is not None else []
    return CoachingSheet(
        agent_id=agent_id,
        name=next((agent.name for agent in report.people if agent.id == agent_id), ""),
        first=report.period.first,
        last=report.period.last,
        calls=row.calls if row is not None else 0,
        listen_to=tuple(_one_a_call(faults, good)),
        change=change,
        best_said=best_said(store, change, team, without=agent_id) if change is not None else (),
        did_well=praise,
        outcome=outcome,
        own_outcome=own,
    )


def best_said(store: Store, link: WeakLink, team: Agents, *, without: str = "") -> tuple[BestSaid, ...]:
    """Return what good calls of the team answer at the point at which a weak link goes wrong.

    That point is known by the questions that were answered poorly in the calls of the link, and by its issue. Approved
    answers come before mined ones; of those the ones that most agents give.

    Args:
        store: the pairs that were mined from calls.
        link: the weak link.
        team: the agents whose answers may be shown.
        without: an agent whose own answers are left out.
    """
    calls = {place.call_id for place in link.evidence}
    poor = QaFilter(kind=QaKind.PREFERENCE)
    asked = [pair.question for pair in store.qa_pairs.list_all(poor, team) if pair.call_id in calls]
    wanted = QaFilter(
        states=(QaState.APPROVED, QaState.EDITED, QaState.MINED), kind=QaKind.ANSWER, issue=link.issue or ""
    )
    pairs, _ = store.qa_pairs.list(wanted, team, limit=_LOOKED_AT)
    others = [pair for pair in pairs if pair.agent_id != without and pair.call_id not in calls]
    ranked = sorted(others, key=lambda pair: _rank(pair, asked))
    return tuple(
        BestSaid(
            call_id=pair.call_id, agent_id=pair.agent_id, a_ms=pair.a_ms, question=pair.question, answer=pair.answer,
            support=pair.support,
        )
        for pair in ranked[:_SHOWN]
        if link.issue or _likeness(pair, asked) >= _LIKE
    )  # fmt: skip


def _rank(pair: QaPair, asked: Sequence[str]) -> tuple[bool, float, bool, int, int]:
    alike = _likeness(pair, asked)
    return alike < _LIKE, -alike if alike >= _LIKE else 0.0, pair.state is QaState.MINED, -pair.support, pair.pair_id


def _likeness(pair: QaPair, asked: Sequence[str]) -> float:
    return max((jaccard(pair.question, question) for question in asked), default=0.0)


def _one_a_call(faults: Sequence[ListenTo], good: Sequence[ListenTo]) -> Iterator[ListenTo]:
    """Choose the calls: room is kept for what was done well, and each call is named once."""
    seen: set[str] = {item.evidence.call_id for item in good}
    room = LISTEN_TO - len(good)
    for item in faults:
        if room and item.evidence.call_id not in seen:
            seen.add(item.evidence.call_id)
            room -= 1
            yield item
    yield from good
