"""Work that the desk gives to other processes: recordings to hear, exports, replays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class JobKind(StrEnum):
    """What is to be done."""

    UPLOAD = "upload"
    #: Sound for listening to one call.
    SOUND = "sound"
    EXPORT = "export"
    REPLAY = "replay"
    #: Question-answer pairs of calls that are new or were judged anew.
    MINE = "mine"


class JobState(StrEnum):
    """How far a job has come: RECEIVING (its file arrives) → QUEUED → RUNNING → one of the last three."""

    RECEIVING = "receiving"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens to it."""
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One piece of work. A worker holds it under a lease; when the lease ends, another takes it."""

    job_id: int
    kind: JobKind
    state: JobState
    #: What is to be done, as the kind defines it.
    payload: Mapping[str, Any]
    #: How far it is, as the kind defines it; what it made, once it is done.
    progress: Mapping[str, Any]
    attempts: int
    user_id: int | None
    #: Code and words of what went wrong; "" unless it failed.
    error_code: str
    error: str
    created_at: datetime
    done_at: datetime | None
