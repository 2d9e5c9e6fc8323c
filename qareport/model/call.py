"""What the business knows of a call, of one that failed, and the proof that calls were deleted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from qareport.model.vocabulary import Role


class OfCall:
    """What belongs to one call, and through it to an order."""

    __slots__ = ()

    call_id: str
    order_id: str | None

    @property
    def subject(self) -> str:
        """Return what it is filed under: the order's number, or the call's id where no order is known."""
        return self.order_id or self.call_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(OfCall):
    """One recording and what the business knows about it, before it is transcribed."""

    call_id: str
    audio_path: str
    order_id: str | None = None
    agent_id: str | None = None
    started_at: datetime | None = None
    customer_phone: str | None = None
    #: The role on each channel, in order; empty when not given, (UNKNOWN,) when one channel holds both.
    channel_roles: tuple[Role, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedCall(OfCall):
    """A call that could not be worked on: it stays in every list and report, with its reason."""

    call_id: str
    audio_path: str
    order_id: str | None = None
    agent_id: str | None = None
    started_at: datetime | None = None
    #: The step that failed: ingest, decode, transcribe, analyse or render.
    step: str
    reason: str

    @classmethod
    def of(cls, call: Call, step: str, reason: str) -> FailedCall:
        """Make the record of a call that could not be worked on."""
        return cls(
            call_id=call.call_id,
            audio_path=call.audio_path,
            order_id=call.order_id,
            agent_id=call.agent_id,
            started_at=call.started_at,
            step=step,
            reason=reason,
        )

    @property
    def call(self) -> Call:
        """The call, as far as the record of its failure tells."""
        return Call(
            call_id=self.call_id,
            audio_path=self.audio_path,
            order_id=self.order_id,
            agent_id=self.agent_id,
            started_at=self.started_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """The proof that calls were deleted. It names no order, number or person."""

    deleted_at: datetime
    #: What was asked for: order, customer, before or retention.
    by: str
    #: Of the order, the digits of the number, or the day, as it was given: `scrypt:SALT:HASH`. Every telephone number
    #: can be tried, so the hash is a slow one, and no two proofs share a salt.
    selector_hash: str
    calls: int
    results: int
    transcripts: int
    documents: int
    #: Of the recordings: whether one of them was deleted can be proved from a copy of it.
    audio_sha256: tuple[str, ...] = ()
    #: Documents that could not be removed, with the reason.
    files_left: tuple[str, ...] = ()
