"""What people do with question-answer pairs: look through them, approve, edit and reject them, take them out."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from typing import Final

from qareport.errors import QareportError
from qareport.messages import say
from qareport.model import Job, JobKind, Permission, QaFilter, QaPair, QaState
from qareport.web.access import Access
from qareport.workflows.export.qa import QA_FORMATS, write_pairs
from qareport.workflows.qa_mining import clean

#: Groups on one page.
PAGE: Final = 20
#: Characters of a text that somebody edits.
MOST_TEXT: Final = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class QaPage:
    """Groups of pairs, each by the one that stands for it."""

    pairs: tuple[QaPair, ...]
    #: Groups that the filter lets through, on all pages.
    total: int
    number: int

    @property
    def has_more(self) -> bool:
        """Whether there is a page after this one."""
        return self.number * PAGE < self.total


def read_page(access: Access, wanted: QaFilter, number: int = 1, *, limit: int = PAGE) -> QaPage:
    """Return a page of groups, those that are asked most first.

    Raises:
        ForbiddenError: no pairs may be seen.
    """
    access.require(Permission.EXPORTS_WRITE)
    agents = access.agents(Permission.EXPORTS_WRITE)
    pairs, total = access.desk.store.qa_pairs.list(wanted, agents, limit=limit, offset=(number - 1) * limit)
    return QaPage(pairs=pairs, total=total, number=number)


def look_at(access: Access, pair_id: int) -> QaPair:
    """Return a pair.

    Raises:
        NotFoundError: there is none, or it may not be seen.
    """
    access.require(Permission.EXPORTS_WRITE)
    return access.desk.store.qa_pairs.get(pair_id, access.agents(Permission.EXPORTS_WRITE))


def group_of(access: Access, pair: QaPair) -> tuple[QaPair, ...]:
    """Return the other answers of a pair's group, one of each kind, the most frequent first."""
    agents = access.agents(Permission.EXPORTS_WRITE)
    group = access.desk.store.qa_pairs.list_group(pair.group_id, agents) if pair.group_size > 1 else ()
    others = {other.answer_id: other for other in reversed(group) if other.answer_id != pair.answer_id}
    return tuple(sorted(others.values(), key=lambda other: -other.support))


def decide(access: Access, pair_id: int, state: QaState, *, question: str = "", answer: str = "") -> QaPair:
    """Approve, edit, reject or take back a pair; the same once more changes nothing.

    A text that differs makes an approved pair an edited one. Who rejects a pair rejects the others of its group that
    say the same; who approves one leaves the others, which it stands for.

    Args:
        access: who decides.
        pair_id: of which pair.
        state: what it becomes.
        question: the new text; "": as it is.
        answer: the new text; "": as it is.

    Raises:
        NotFoundError: there is no such pair, or it may not be seen.
        ForbiddenError: they may not approve.
        BusyError: somebody else was first.
    """
    pair = look_at(access, pair_id)
    access.require(Permission.QA_WRITE)
    agents = access.agents(Permission.QA_WRITE)
    if not agents.holds(pair.agent_id):
        access.require_reach()
    texts = {"question": _text(question, pair.question), "answer": _text(answer, pair.answer)}
    changed = texts != {"question": pair.question, "answer": pair.answer}
    if state is QaState.EDITED and not changed and pair.state is not QaState.EDITED:
        raise QareportError(say("nothing was changed"), to_do=say("change the question or the answer, or approve it"))
    if state is QaState.APPROVED and (changed or pair.state is QaState.EDITED):
        state = QaState.EDITED
    if state is pair.state and not changed:
        return pair
    alike: list[int] = []
    if state is QaState.REJECTED and pair.group_size > 1:
        group = access.desk.store.qa_pairs.list_group(pair.group_id, agents)
        alike = [other.pair_id for other in group if other.answer_id == pair.answer_id]
    access.desk.store.qa_pairs.decide(
        pair, state, access.entry(f"qa.{state}", object=f"qa:{pair_id}", call=pair.call_id),
        at=access.desk.now(), user_id=access.principal.user.user_id, alike=alike,
        question=texts["question"] if changed else None, answer=texts["answer"] if changed else None,
    )  # fmt: skip
    return look_at(access, pair_id)


def ask_to_mine(access: Access) -> Job:
    """Let the worker look through the calls that are new; while one such job waits or runs, no other is made."""
    access.require(Permission.EXPORTS_WRITE)
    under_way = _mining_of(access)
    if under_way is not None:
        return under_way
    access.record("qa.mine")
    return access.desk.store.jobs.add(JobKind.MINE, {}, at=access.desk.now(), user_id=access.principal.user.user_id)


def is_mining(access: Access) -> bool:
    """Whether the worker looks through the calls, or soon will."""
    return _mining_of(access) is not None


def _mining_of(access: Access) -> Job | None:
    newest = access.desk.store.jobs.list(JobKind.MINE, limit=1)
    return newest[0] if newest and not newest[0].state.is_over else None


def export(access: Access, wanted: QaFilter, format: str, *, anonymous: bool) -> bytes:
    """Write the approved pairs that a filter lets through, with the side file that says what they are, as a ZIP file.

    Raises:
        ForbiddenError: they may not take anything out.
    """
    access.require(Permission.EXPORTS_WRITE)
    name = f"qa.{QA_FORMATS[format].suffix}"
    rows, packed = io.BytesIO(), io.BytesIO()
    agents, store = access.agents(Permission.EXPORTS_WRITE), access.desk.store
    made = write_pairs(store, wanted, agents, format, anonymous=anonymous, file=rows)
    told = made.describe(access.desk.now())
    asked = " ".join(f"{key}={value}" for key, value in wanted.as_query().items())
    access.record("qa.export", format=format, rows=str(made.rows), sha256=told["sha256"], wanted=asked)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, rows.getvalue())
        archive.writestr(f"{name}.meta.json", json.dumps(told, ensure_ascii=False, indent=1) + "\n")
    return packed.getvalue()


def _text(given: str, kept: str) -> str:
    """Return a text as it is kept: masked; what browsers make of its lines does not count as a change."""
    plain = " ".join(given.split())
    return kept if not plain or plain == " ".join(kept.split()) else clean(given.strip())
