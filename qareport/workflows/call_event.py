"""What other systems would be told of a stored call: for trying integrations without waiting for a call."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC
from typing import TYPE_CHECKING, Any

from qareport import search
from qareport.delivery.integrations import Integration, RequestForm, WrittenRequest, preview
from qareport.errors import NotFoundError
from qareport.messages import say
from qareport.model import EventType
from qareport.presentation.links import Links
from qareport.workflows.render import assemble_order

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from qareport.workflows.workspace import Workspace


def event_of(workspace: Workspace, call_id: str, *, at: datetime, overturned: bool = False) -> dict[str, Any]:
    """Return the event of a stored call, `{type, timestamp, data}`, masked whatever the settings say.

    Args:
        workspace: the installation.
        call_id: the call.
        at: when it happens.
        overturned: False: as if it had just been judged, so that all its tags are new; True: as if a review had
            overturned them all.

    Raises:
        NotFoundError: the store has no result of such a call.
    """
    store, settings = workspace.store, workspace.settings
    order = assemble_order(store, call_id, compared=False, score=settings.score, call_id=call_id)
    call = next((call for call in order.calls if call.call_id == call_id), None)
    if call is None:
        raise NotFoundError(say("there is no call {call_id!r}", call_id=call_id), where=store.url)
    tags = search.tags_of(
        call, order_id=order.order_id, external_ref=store.calls.find_external_ref(call_id),
        review=order.reviews.get(call_id),
    )  # fmt: skip
    teams = [team.team_id for team in store.teams.list() if call.agent_id in team.agents]
    data = asdict(tags) | {
        "agent_id": call.agent_id, "team": next(iter(teams), None), "tags": [] if overturned else tags.tags,
        "tags_added": [] if overturned else tags.tags, "tags_removed": tags.tags if overturned else [],
        "evidence": [] if overturned else [asdict(said) for said in tags.evidence],
        "url": Links(desk=settings.desk.public_url.rstrip("/")).call(call_id) or None,
    }  # fmt: skip
    kind = EventType.FINDING_REVIEWED if overturned else EventType.CALL_JUDGED
    return {"type": kind.value, "timestamp": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "data": data}


def previews(integration: Integration, event: dict[str, Any]) -> Iterator[tuple[RequestForm, list[WrittenRequest]]]:
    """Yield each request of an integration with what it would send of an event; nothing is sent or read."""
    for request in integration.requests:
        yield request, list(preview(integration, request, event))
