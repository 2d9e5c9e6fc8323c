"""Work that the desk gives to other processes: recordings to hear, exports, replays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from qareport.model.access import Agents


class JobKind(StrEnum):
    """What is to be done."""

    UPLOAD = "upload"
    #: A stored recording that is heard again, in another language.
    REHEAR = "rehear"
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


#: So long the file of an export is kept.
EXPORT_LASTS: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One export: what is in it, who ordered it, and its file once it is made."""

    export_id: int = 0
    job_id: int | None = None
    #: calls, segments, moments, findings or text.
    kind: str
    #: csv, xlsx, parquet, jsonl or txt.
    format: str
    #: In the language of searches; "": all calls.
    query: str = ""
    #: Where all parts of the query must hold: "sentence" or "call".
    scope: str = "sentence"
    #: Whose calls may be in it.
    agents: Agents = field(default_factory=Agents)
    user_id: int | None
    created_at: datetime
    #: Its file is deleted then, or was: sooner where a call in it was deleted.
    expires_at: datetime
    state: JobState = JobState.QUEUED
    error: str = ""
    calls: int = 0
    rows: int = 0
    size: int = 0
    #: Of the file; "" before it is made.
    sha256: str = ""
    #: Name of the file in the folder of exports; "" before it is made.
    file: str = ""

    def is_gone(self, now: datetime) -> bool:
        """Tell whether its file is deleted by now."""
        return now >= self.expires_at
