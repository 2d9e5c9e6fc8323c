"""What a search answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from qareport.model import Risk
from qareport.searching.lines import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One sentence that was found, and the call that it is from."""

    call_id: str
    order_id: str | None
    agent_id: str | None
    started_at: datetime | None
    score: int | None
    risk: Risk
    line: Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The newest hits, and how many there are in all."""

    lines: int
    calls: int
    hits: tuple[Hit, ...]
