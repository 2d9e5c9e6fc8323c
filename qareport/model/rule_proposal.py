"""Texts of rule files on their way: drafts, proposals that wait for a second person, and what was published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ProposalState(StrEnum):
    """How far a text has come: DRAFT → (PROPOSED →) PUBLISHED; or REFUSED by the second person."""

    DRAFT = "draft"
    #: Waits for the consent of a second person.
    PROPOSED = "proposed"
    PUBLISHED = "published"
    REFUSED = "refused"
    #: Found in the folder before a publication replaced it: it was written by other means than the desk.
    FOUND = "found"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleProposal:
    """A text of one rule file, whose it is, and what was in the file when it was begun."""

    proposal_id: int = 0
    #: Path below the folder of rules, with `/`.
    file: str
    state: ProposalState
    #: Proposals that are published together share a number; None for drafts.
    batch: int | None = None
    #: The file when the draft was begun; "" and no hash for a file that did not exist.
    base_text: str = ""
    base_sha256: str | None = None
    text: str
    #: Hash of the whole rule set whose replay its writer has seen.
    replay_sha256: str | None = None
    user_id: int | None = None
    second_user_id: int | None = None
    reason: str = ""
    #: When it last changed.
    at: datetime
