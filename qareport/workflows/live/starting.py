"""What telephone systems say of a call that begins, and what the desk is told of it. It imports no speech model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qareport import privacy
from qareport.errors import QareportError
from qareport.model import LiveCall, Role


class LiveRefusedError(QareportError):
    """A call that is not heard; `code` says why to programs: overload, conflict or invalid."""

    def __init__(self, code: str, what: Any, **more: Any) -> None:
        super().__init__(what, **more)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveStart:
    """What a telephone system says of a call whose sound begins."""

    convention: str
    call_id: str
    order_id: str | None = None
    agent_id: str | None = None
    external_ref: str | None = None
    customer_phone: str | None = None
    peer: str = ""
    #: Who speaks on each channel of this connection.
    roles: tuple[Role, ...]
    sample_rate: int = 8000
    #: Whether the other side comes by a connection of its own, with the same `call_id`.
    is_half: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveLeg:
    """A connection's part of a call: which channels of the recording are its own."""

    live_id: str
    channels: tuple[int, ...]


def summary(call: LiveCall) -> dict[str, Any]:
    """Return what the desk is told of a call: its number masked, without lines and files."""
    return {
        "live_id": call.live_id, "call_id": call.call_id, "order_id": call.order_id, "agent_id": call.agent_id,
        "customer": privacy.mask_phone(call.customer_phone), "convention": call.convention, "state": call.state.value,
        "started_at": call.started_at.isoformat(), "ended_at": call.ended_at.isoformat() if call.ended_at else None,
        "ended_by": call.ended_by, "channel_roles": [role.value for role in call.channel_roles],
        "external_ref": call.external_ref,
    }  # fmt: skip
