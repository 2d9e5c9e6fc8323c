"""What a store says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


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
