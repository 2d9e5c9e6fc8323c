"""Events for webhooks, kept in the transaction of what happened: what is undone is told to nobody, what is done always.

An event becomes one row for each webhook that waits for it. Where none does, nothing is computed and nothing written.
What is told of a call is masked, whatever the settings say.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from qareport import privacy
from qareport.errors import DamagedError
from qareport.model import (
    CallReport,
    CallReview,
    DeliveryState,
    EventType,
    FindingReview,
    Verdict,
    review_findings,
)
from qareport.search import tags_of
from qareport.store.connection import from_stored, in_utc
from qareport.store.desk_schema import TeamAgentRow
from qareport.store.schema import CallReportRow, CallRow
from qareport.store.webhook_schema import WebhookDeliveryRow, WebhookRow

#: Of a body, in bytes of UTF-8. Its frame (type, time, address of the page) has room beside it.
MOST_BYTES: Final = 20_000
_FRAME_BYTES: Final = 1_000
#: Of one text, in characters.
_MOST_TEXT: Final = 500
#: What is never cut: without it nobody knows what a body is about.
_NAMES: Final = ("call_id", "order_id", "external_ref", "agent_id", "team", "score", "risk", "reviewed")
#: Names of things and of rules, which are not masked.
_PLAIN: Final = (
    *_NAMES, "tag", "tags", "tags_added", "tags_removed", "rule", "rule_id", "title", "files", "period", "live_id",
)  # fmt: skip
VerdictsOf = Callable[[Session, str], Sequence[Verdict]]


def append_event(
    session: Session, kind: EventType, data: Mapping[str, Any] | Callable[[], Mapping[str, Any]], *, object: str,
    agent_id: str | None = None, at: datetime | None = None, only: int | None = None,
) -> int:  # fmt: skip
    """Plan the deliveries of an event within a transaction.

    Args:
        session: of the transaction.
        kind: what happened.
        data: what is told of it, or what makes that; texts in it are masked and cut where they are long.
        object: what it is about, as `call:7001`; deliveries about the same thing keep their order. "": nothing.
        agent_id: whose call it is about; webhooks of some teams are told of their calls alone.
        at: when; None: now.
        only: the one webhook that is told, on or off; None: all that wait for it.

    Returns:
        how many webhooks are told.
    """
    rows = _listeners(session, kind, agent_id, only)
    if not rows:
        return 0
    text = json.dumps(bounded(data() if callable(data) else data), ensure_ascii=False, separators=(",", ":"))
    now = in_utc(at or datetime.now(UTC))
    for row in rows:
        session.add(
            WebhookDeliveryRow(
                id=f"msg_{secrets.token_hex(14)}",
                webhook_id=row.id,
                type=kind,
                object=object[:220],
                at=now,
                data=text,
                state=DeliveryState.PLANNED,
                tries=0,
                changed_at=now,
                next_at=now,
                reply="",
            )
        )
    session.flush()
    return len(rows)


def bounded(data: Mapping[str, Any]) -> dict[str, Any]:
    """Mask the texts of a body's data and make it fit: long texts are cut, then the largest parts go."""
    fitting: dict[str, Any] = _masked(data)
    while _size(fitting) > MOST_BYTES - _FRAME_BYTES:
        largest = max((name for name in fitting if name not in _NAMES), key=lambda name: _size(fitting[name]))
        fitting[largest] = (
            fitting[largest][: len(fitting[largest]) // 2] if isinstance(fitting[largest], list) else None
        )
    return fitting


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return privacy.mask(value[:_MOST_TEXT])[0]
    if isinstance(value, Mapping):
        return {name: item if name in _PLAIN else _masked(item) for name, item in value.items()}
    return [_masked(item) for item in value] if isinstance(value, list | tuple) else value


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, default=str).encode())


def _listeners(session: Session, kind: EventType, agent_id: str | None, only: int | None = None) -> list[WebhookRow]:
    query = select(WebhookRow).order_by(WebhookRow.id)
    if only is not None:
        return list(session.scalars(query.where(WebhookRow.id == only)))
    rows = [
        row
        for row in session.scalars(query.where(WebhookRow.off_reason.is_(None)))
        if not (types := json.loads(row.types)) or kind in types
    ]
    if any(row.teams != "[]" for row in rows):
        teams = set(_teams_of(session, agent_id))
        rows = [row for row in rows if row.teams == "[]" or teams & set(json.loads(row.teams))]
    return rows


def _teams_of(session: Session, agent_id: str | None) -> list[str]:
    if agent_id is None:
        return []
    query = select(TeamAgentRow.team_id).where(TeamAgentRow.agent_id == agent_id).order_by(TeamAgentRow.team_id)
    return list(session.scalars(query))


# --- calls ------------------------------------------------------------------------------------------------------------


def append_call_event(
    session: Session, kind: EventType, row: CallRow, *, at: datetime | None = None, **more: Any
) -> None:
    """Plan the deliveries of an event that is about a call, with no more of it than its names."""
    append_event(
        session, kind, lambda: names_of(session, row) | more, object=f"call:{row.call_id}", agent_id=row.agent_id, at=at
    )


def names_of(session: Session, row: CallRow) -> dict[str, Any]:
    """Return what a call is called: id, order, ticket, agent and the agent's team."""
    return {
        "call_id": row.call_id, "order_id": row.order_id, "external_ref": row.external_ref, "agent_id": row.agent_id,
        "team": next(iter(_teams_of(session, row.agent_id)), None),
    }  # fmt: skip


@contextmanager
def telling_result(session: Session, call_id: str, key: str, verdicts_of: VerdictsOf) -> Iterator[None]:
    """Tell what the newest result of a call is after the block, and which tags came and went with it.

    Args:
        session: of the transaction.
        call_id: the call.
        key: of the result that becomes the newest; that it is already is told to nobody.
        verdicts_of: reads the verdicts on a call.
    """
    row = session.get(CallRow, call_id)
    known = None if row is None else row.report_key
    kind = EventType.CALL_JUDGED if known is None else EventType.CALL_REJUDGED
    told = known != key and bool(_listeners(session, kind, None if row is None else row.agent_id))
    before = _tags(session, row, verdicts_of) if told and row is not None else []
    yield
    row = session.get_one(CallRow, call_id)
    if known != key:
        append_event(
            session, kind, lambda: _described(session, row, verdicts_of, before), object=f"call:{call_id}",
            agent_id=row.agent_id,
        )  # fmt: skip


@contextmanager
def telling_review(session: Session, verdict: Verdict, verdicts_of: VerdictsOf) -> Iterator[None]:
    """Tell what a verdict says after the block that keeps it, and which tags came and went with it."""
    row = session.get(CallRow, verdict.call_id)
    told = row is not None and _listeners(session, EventType.FINDING_REVIEWED, row.agent_id)
    before = _tags(session, row, verdicts_of) if told and row is not None else []
    yield
    if row is None or not told:
        return
    said = {
        "finding": {
            "rule_id": verdict.rule_id, "at_ms": verdict.at_ms, "title": verdict.finding.title,
            "verdict": verdict.kind.value, "reason": verdict.reason.value if verdict.reason else None,
            "comment": verdict.comment,
        }
    }  # fmt: skip
    append_event(
        session, EventType.FINDING_REVIEWED, lambda: _described(session, row, verdicts_of, before) | said,
        object=f"call:{row.call_id}", agent_id=row.agent_id, at=verdict.at,
    )  # fmt: skip


def _described(session: Session, row: CallRow, verdicts_of: VerdictsOf, before: Sequence[str]) -> dict[str, Any]:
    report = _newest(session, row)
    if report is None:
        return names_of(session, row)
    review = _review(report, verdicts_of(session, row.call_id))
    tags = tags_of(privacy.mask_report(report), order_id=row.order_id, external_ref=row.external_ref, review=review)
    return {
        **names_of(session, row), "score": report.score, "risk": report.risk.value, "reviewed": tags.reviewed,
        "tags": tags.tags, "tags_added": sorted(set(tags.tags) - set(before)),
        "tags_removed": sorted(set(before) - set(tags.tags)), "evidence": [asdict(said) for said in tags.evidence],
    }  # fmt: skip


def _tags(session: Session, row: CallRow | None, verdicts_of: VerdictsOf) -> list[str]:
    report = None if row is None else _newest(session, row)
    if row is None or report is None:
        return []
    return tags_of(report, order_id=row.order_id, review=_review(report, verdicts_of(session, row.call_id))).tags


def _newest(session: Session, row: CallRow) -> CallReport | None:
    result = None if row.report_key is None else session.get(CallReportRow, row.report_key)
    if result is None:
        return None
    try:
        return from_stored(CallReport, result.report, where=f"report {result.key}")
    except DamagedError:  # `store check` names it
        return None


def _review(report: CallReport, verdicts: Sequence[Verdict]) -> CallReview | None:
    """Lay the verdicts over the findings; the reviewed score is computed where it is shown, not here."""
    given = [(item, item.verdict) for item in review_findings(report.findings, verdicts) if item.verdict is not None]
    if not given:
        return None
    return CallReview(
        score=None, passed=None, reviewers=(), reviewed_at=max(verdict.at for _, verdict in given),
        findings=tuple(
            FindingReview(
                rule_id=item.finding.rule_id, at_ms=item.finding.at_ms, title=item.finding.title, verdict=verdict.kind,
                reason=verdict.reason, points=item.finding.points if item.added else 0, added=item.added,
            )
            for item, verdict in given
        ),
    )  # fmt: skip
