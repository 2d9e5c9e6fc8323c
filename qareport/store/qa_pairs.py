"""Question-answer pairs of a store: mined ones come and go with the results of their calls, decided ones stay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, case, delete, func, insert, or_, select, true, update

from qareport.errors import BusyError, NotFoundError
from qareport.messages import say
from qareport.model import Agents, AuditEntry, FoundPair, QaFilter, QaKind, QaPair, QaState
from qareport.store.audit import append
from qareport.store.connection import batches, in_utc
from qareport.store.database import Database
from qareport.store.qa_schema import QaMinedRow, QaPairRow
from qareport.store.schema import CallRow

Row = QaPairRow
_ALL: Final = Agents()
#: The group of pairs that were just put in, until they have a number of their own.
_NEW: Final = 0
#: Which pair of a group stands for it: an approved one, else a mined one, else a rejected one.
_RANK: Final = case((Row.state.in_((QaState.APPROVED, QaState.EDITED)), 0), (Row.state == QaState.MINED, 1), else_=2)
_OF_FOUND: Final = (
    "question", "answer", "rejected", "q_ms", "a_ms", "issue", "stage", "emotion_before", "emotion_after", "helped",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class MinedCall:
    """What the miner found in one call."""

    call_id: str
    #: Of the result and the miner: a call with another one is looked through again.
    key: str
    transcript_key: str
    rules_sha256: str
    pairs: tuple[FoundPair, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPlace:
    """Where a pair belongs among those that ask the same."""

    group_id: int
    answer_id: int
    contradicted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupedText:
    """What pairs are compared by."""

    pair_id: int
    kind: str
    question: str
    answer: str
    place: GroupPlace


class QaPairRepository:
    """The pairs of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- mining -------------------------------------------------------------------------------------------------------

    def list_unmined(self, miner: str, agents: Agents = _ALL) -> tuple[tuple[str, str], ...]:
        """Return the judged calls that this version of the miner has not looked through, with their new keys."""
        key = CallRow.report_key + ":" + miner
        query = (
            select(CallRow.call_id, key)
            .outerjoin(QaMinedRow, QaMinedRow.call_id == CallRow.call_id)
            .where(CallRow.report_key.is_not(None), QaMinedRow.key.is_(None) | (QaMinedRow.key != key), _of(agents))
            .order_by(CallRow.call_id)
        )
        with self._database.read() as session:
            return tuple((call_id, made or "") for call_id, made in session.execute(query))

    def put_mined(self, calls: Sequence[MinedCall]) -> tuple[int, int]:
        """Put what was found in calls in the place of what was mined in them before; what was decided stays.

        Returns:
            how many pairs were added, and how many removed.
        """
        added = removed = 0
        with self._database.write() as session:
            for batch in batches(calls):
                ids = [call.call_id for call in batch]
                known = set(session.scalars(select(CallRow.call_id).where(CallRow.call_id.in_(ids))))
                mine = Row.call_id.in_(ids) & (Row.state == QaState.MINED)
                done: Any = session.execute(delete(Row).where(mine).execution_options(synchronize_session=False))
                removed += done.rowcount
                decided = {
                    tuple(row)
                    for row in session.execute(
                        select(Row.call_id, Row.kind, Row.mined_question).where(Row.call_id.in_(ids))
                    )
                }
                rows = [
                    row for call in batch if call.call_id in known for row in _rows_of(call) if _key(row) not in decided
                ]
                if rows:
                    session.execute(insert(Row), rows)
                alone = {"group_id": Row.id, "answer_id": Row.id}
                session.execute(update(Row).where(Row.group_id == _NEW).values(alone))
                session.execute(delete(QaMinedRow).where(QaMinedRow.call_id.in_(ids)))
                done_with = [{"call_id": call.call_id, "key": call.key} for call in batch if call.call_id in known]
                if done_with:  # else all were deleted meanwhile
                    session.execute(insert(QaMinedRow), done_with)
                added += len(rows)
        return added, removed

    def list_texts(self) -> Iterator[GroupedText]:
        """Iterate over the texts of all pairs, oldest first."""
        query = select(
            Row.id, Row.kind, Row.question, Row.answer, Row.group_id, Row.answer_id, Row.contradicted
        ).order_by(Row.id)
        with self._database.read() as session:
            for row in session.execute(query.execution_options(yield_per=1000)):
                place = GroupPlace(group_id=row.group_id, answer_id=row.answer_id, contradicted=row.contradicted)
                yield GroupedText(pair_id=row.id, kind=row.kind, question=row.question, answer=row.answer, place=place)

    def put_places(self, places: Mapping[int, GroupPlace]) -> None:
        """Put pairs into their groups."""
        rows = [
            {"id": number, "group_id": at.group_id, "answer_id": at.answer_id, "contradicted": at.contradicted}
            for number, at in places.items()
        ]
        with self._database.write() as session:
            for batch in batches(rows):
                session.execute(update(Row), list(batch))

    # --- reading ------------------------------------------------------------------------------------------------------

    def list(self, wanted: QaFilter, agents: Agents, *, limit: int, offset: int = 0) -> tuple[tuple[QaPair, ...], int]:
        """Return one pair of each group, those that most calls ask first, and how many groups there are.

        Sizes and support count only calls that may be seen.
        """
        groups = _groups(agents).subquery()
        query = _joined(groups).where(groups.c.place == 1, _wanted(wanted))
        with self._database.read() as session:
            total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
            rows = session.execute(query.order_by(groups.c.size.desc(), Row.id).limit(limit).offset(offset))
            return tuple(_pair(*row) for row in rows), total

    def list_all(self, wanted: QaFilter, agents: Agents) -> Iterator[QaPair]:
        """Iterate over every wanted pair, also several of a group, in the order in which they were found."""
        groups = _groups(agents).subquery()
        query = _joined(groups).where(_wanted(wanted)).order_by(Row.id)
        with self._database.read() as session:
            for row in session.execute(query.execution_options(yield_per=500)):
                yield _pair(*row)

    def list_group(self, group_id: int, agents: Agents) -> tuple[QaPair, ...]:
        """Return the pairs of a group that may be seen: those of the answer that most agents give first."""
        groups = _groups(agents).subquery()
        query = _joined(groups).where(Row.group_id == group_id)
        with self._database.read() as session:
            return tuple(_pair(*row) for row in session.execute(query.order_by(groups.c.place)))

    def get(self, pair_id: int, agents: Agents) -> QaPair:
        """Return a pair.

        Raises:
            NotFoundError: there is none of that number, or it may not be seen.
        """
        groups = _groups(agents).subquery()
        with self._database.read() as session:
            row = session.execute(_joined(groups).where(Row.id == pair_id)).first()
        if row is None:
            raise NotFoundError(say("there is no question-answer pair {number}", number=pair_id))
        return _pair(*row)

    def count_states(self, agents: Agents) -> dict[QaState, int]:
        """Count the pairs that may be seen by their state."""
        query = select(Row.state, func.count()).join(CallRow, CallRow.call_id == Row.call_id)
        with self._database.read() as session:
            found = session.execute(query.where(_of(agents)).group_by(Row.state))
            return {QaState(state): count for state, count in found}

    def list_issues(self, agents: Agents) -> tuple[str, ...]:
        """Return the issues that pairs which may be seen are about."""
        query = select(Row.issue).join(CallRow, CallRow.call_id == Row.call_id).where(Row.issue.is_not(None))
        with self._database.read() as session:
            return tuple(str(name) for name in session.scalars(query.where(_of(agents)).distinct().order_by(Row.issue)))

    # --- deciding -----------------------------------------------------------------------------------------------------

    def decide(
        self, before: QaPair, state: QaState, entry: AuditEntry, *, at: datetime, user_id: int | None,
        question: str | None = None, answer: str | None = None, alike: Iterable[int] = (),
    ) -> None:  # fmt: skip
        """Approve, edit, reject or take back a pair, with its line of the audit log.

        Args:
            before: the pair as whoever decides has seen it.
            state: what it becomes.
            entry: the line of the audit log.
            at: when.
            user_id: who.
            question: the new text; None: as it is.
            answer: the new text; None: as it is.
            alike: further mined pairs that take the same state.

        Raises:
            BusyError: it is not as it was any more: somebody else was first.
        """
        values: dict[str, Any] = {"state": state, "edited_by": user_id, "edited_at": in_utc(at)}
        texts = {"question": question, "answer": answer}
        changed = values | {name: text for name, text in texts.items() if text is not None}
        same = (
            (Row.id == before.pair_id) & (Row.state == before.state)
            & (Row.question == before.question) & (Row.answer == before.answer)
        )  # fmt: skip
        with self._database.write() as session:
            append(session, entry)
            done: Any = session.execute(update(Row).where(same).values(changed))
            if not done.rowcount:
                raise BusyError(say("somebody else has just changed this pair"), to_do=say("look at it again"))
            others = [number for number in alike if number != before.pair_id]
            for batch in batches(others):
                mined = Row.id.in_(batch) & (Row.state == QaState.MINED)
                session.execute(update(Row).where(mined).values(values))


def _rows_of(call: MinedCall) -> Iterator[dict[str, Any]]:
    for pair in call.pairs:
        yield {
            "call_id": call.call_id, "kind": pair.kind, "state": QaState.MINED, "mined_question": pair.question,
            "group_id": _NEW, "answer_id": _NEW, "contradicted": False, "transcript_key": call.transcript_key,
            "rules_sha256": call.rules_sha256, **{name: getattr(pair, name) for name in _OF_FOUND},
        }  # fmt: skip


def _key(row: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return what a pair is known by when its call is mined again."""
    return row["call_id"], row["kind"], row["mined_question"]


def _of(agents: Agents) -> Any:
    return true() if agents.only is None else CallRow.agent_id.in_(sorted(agents.only))


def _groups(agents: Agents) -> Any:
    """Number the pairs of each group, of calls that may be seen: the first one stands for the group."""
    alike = (Row.group_id, Row.answer_id)
    counted = (
        select(
            Row.id,
            Row.group_id,
            _RANK.label("rank"),
            func.count().over(partition_by=Row.group_id).label("size"),
            func.count().over(partition_by=alike).label("said"),
            # How many different agents: no database counts DISTINCT in a window.
            (
                func.dense_rank().over(partition_by=alike, order_by=CallRow.agent_id)
                + func.dense_rank().over(partition_by=alike, order_by=CallRow.agent_id.desc())
                - 1
            ).label("agents"),
            CallRow.agent_id,
        )
        .join(CallRow, CallRow.call_id == Row.call_id)
        .where(_of(agents))
        .subquery()
    )
    order = (counted.c.rank, counted.c.agents.desc(), counted.c.said.desc(), counted.c.id)
    return select(
        counted.c.id,
        counted.c.size,
        counted.c.agents,
        counted.c.agent_id,
        func.row_number().over(partition_by=counted.c.group_id, order_by=order).label("place"),
    )


def _joined(groups: Any) -> Any:
    return select(Row, groups.c.agent_id, groups.c.size, groups.c.agents).join(groups, groups.c.id == Row.id)


def _wanted(wanted: QaFilter) -> Any:
    conditions: list[Any] = [true()]
    if wanted.states:
        conditions.append(Row.state.in_(wanted.states))
    if wanted.kind is not None:
        conditions.append(Row.kind == wanted.kind)
    if wanted.issue:
        conditions.append(Row.issue == wanted.issue)
    if wanted.contradicted:
        conditions.append(Row.contradicted)
    if wanted.helped:
        conditions.append(Row.helped.is_(True))
    for word in wanted.words.split():
        columns = (Row.question, Row.answer)
        conditions.append(or_(*(column.icontains(word, autoescape=True) for column in columns)))
    return and_(*conditions)


def _pair(row: Row, agent_id: str | None, size: int, agents: int) -> QaPair:
    return QaPair(
        pair_id=row.id, call_id=row.call_id, agent_id=agent_id, kind=QaKind(row.kind), state=QaState(row.state),
        group_id=row.group_id, answer_id=row.answer_id, group_size=size, support=agents, contradicted=row.contradicted,
        transcript_key=row.transcript_key, rules_sha256=row.rules_sha256, edited_by=row.edited_by,
        edited_at=datetime.fromisoformat(row.edited_at) if row.edited_at else None,
        **{name: getattr(row, name) for name in _OF_FOUND},
    )  # fmt: skip
