"""Question-answer pairs: what calls teach, from being mined to being approved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class QaKind(StrEnum):
    """What a pair shows."""

    #: A customer's question, and what answers it for every customer.
    ANSWER = "answer"
    #: The customer falls silent, and the agent asks on (在客户沉默时主动确认需求).
    SILENCE_CHECK_IN = "silence_check_in"
    #: A question, the poor reply that was given, and a better one; the better one is a rule's advice, nobody said it.
    PREFERENCE = "preference"


class QaState(StrEnum):
    """What people have said of a pair; only approved and edited ones leave the store."""

    MINED = "mined"
    APPROVED = "approved"
    EDITED = "edited"
    REJECTED = "rejected"


#: The states whose pairs leave the store.
LEAVING_STATES = (QaState.APPROVED, QaState.EDITED)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPair:
    """A pair as it is found in one masked call. Times are milliseconds from the start of the recording."""

    kind: QaKind
    #: The question in full: follow-ups joined, the product named.
    question: str
    #: What answers it; of a preference: the better reply.
    answer: str
    #: Of a preference: the reply that was given.
    rejected: str = ""
    q_ms: int
    a_ms: int
    issue: str | None = None
    stage: str | None = None
    #: The customer's emotion tags around the answer; None: not judged.
    emotion_before: str | None = None
    emotion_after: str | None = None
    #: The customer was low before the answer, and no longer within a minute after it; None: was not low.
    helped: bool | None = None
    #: The indexes, among the segments of the call, of the sentences that the question and the answer come from.
    question_places: tuple[int, ...] = ()
    answer_places: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QaPair:
    """A pair in the store. Its texts hold no personal data."""

    pair_id: int
    call_id: str
    agent_id: str | None = None
    kind: QaKind
    state: QaState
    question: str
    answer: str
    rejected: str = ""
    q_ms: int
    a_ms: int
    issue: str | None = None
    stage: str | None = None
    emotion_before: str | None = None
    emotion_after: str | None = None
    helped: bool | None = None
    #: The smallest id of the pairs that ask nearly the same, and of those of them that answer nearly the same.
    group_id: int
    answer_id: int
    #: How many pairs the group has, and how many agents give this answer; of the calls that may be seen.
    group_size: int = 1
    support: int = 1
    #: Another answer of the group says something else: other figures, or yes where this one says no.
    contradicted: bool = False
    #: Hash of what was said in the call.
    transcript_key: str
    rules_sha256: str
    edited_by: int | None = None
    edited_at: datetime | None = None

    @property
    def synthetic_chosen(self) -> bool:
        """Whether nobody ever said the better reply: it is a rule's advice."""
        return self.kind is QaKind.PREFERENCE and self.state is not QaState.EDITED


@dataclass(frozen=True, slots=True, kw_only=True)
class QaFilter:
    """Which pairs are wanted; what is None or empty does not count."""

    states: tuple[QaState, ...] = ()
    kind: QaKind | None = None
    issue: str = ""
    #: Words of the question or the answer.
    words: str = ""
    contradicted: bool = False
    #: Only pairs after which the customer was no longer low.
    helped: bool = False

    def as_query(self) -> dict[str, str]:
        """Return it as the parameters of a link, and as an export states it."""
        values = {
            "state": ",".join(self.states), "kind": self.kind or "", "issue": self.issue, "q": self.words,
            "contradicted": "1" if self.contradicted else "", "helped": "1" if self.helped else "",
        }  # fmt: skip
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class QaCounts:
    """What a run of the miner did."""

    #: Calls that were looked at, and those of them that were solved.
    calls: int
    solved: int
    #: Pairs that are new or took the place of mined ones, and those that are gone.
    added: int
    removed: int
    groups: int
