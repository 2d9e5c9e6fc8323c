"""Dialogue acts: what a sentence does (asks, evades, threatens, gives up …), as a reader understood it.

The acts stand between the transcript and everything that judges it. `docs/explanation/analysis.md` defines each;
the guide by which calls are labelled with them is `corpus/labels.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from qareport.model.vocabulary import Role


class Act(StrEnum):
    """What a customer or an agent does with a sentence. `refuse` and `small` are acts of both."""

    # Of the customer.
    ASK = "ask"
    #: The same again, because it was not answered.
    ASK_AGAIN = "ask_again"
    REQUEST = "request"
    INFORM = "inform"
    COMPLAIN = "complain"
    #: A step above this agent: complaint, authority, bad review, media, lawyer.
    THREATEN = "threaten"
    #: This purchase, this shop or the platform.
    GIVE_UP = "give_up"
    SARCASM = "sarcasm"
    #: Something that this shop promised was not kept.
    REMIND_PROMISE = "remind_promise"
    ACCEPT = "accept"
    THANK = "thank"
    #: Content again after having been upset, through what the agent did.
    CALM = "calm"

    # Of both.
    REFUSE = "refuse"
    #: Greeting, goodbye, 嗯, 对, 喂.
    SMALL = "small"

    # Of the agent.
    GREET = "greet"
    CLOSE = "close"
    #: Addresses the question or demand.
    ANSWER = "answer"
    #: Replies to a clear question or demand without addressing it.
    EVADE = "evade"
    HOLD = "hold"
    ASK_INFO = "ask_info"
    CONFIRM = "confirm"
    APOLOGISE = "apologise"
    EMPATHISE = "empathise"
    #: To do something by a time.
    PROMISE = "promise"
    OFFER = "offer"
    EXPLAIN = "explain"
    #: It is somebody else's matter (推诿).
    BLAME = "blame"
    RUDE = "rude"


_OF_BOTH = (Act.REFUSE, Act.SMALL)
CUSTOMER_ACTS: Final = (
    Act.ASK, Act.ASK_AGAIN, Act.REQUEST, Act.INFORM, Act.COMPLAIN, Act.THREATEN, Act.GIVE_UP, Act.SARCASM,
    Act.REMIND_PROMISE, Act.ACCEPT, Act.THANK, Act.CALM, *_OF_BOTH,
)  # fmt: skip
AGENT_ACTS: Final = (
    Act.GREET, Act.CLOSE, Act.ANSWER, Act.EVADE, Act.HOLD, Act.ASK_INFO, Act.CONFIRM, Act.APOLOGISE, Act.EMPATHISE,
    Act.PROMISE, Act.OFFER, Act.EXPLAIN, Act.BLAME, Act.RUDE, *_OF_BOTH,
)  # fmt: skip
#: By role; a speaker who is not known does nothing that could be judged.
ACTS_OF: Final = {Role.CUSTOMER: CUSTOMER_ACTS, Role.AGENT: AGENT_ACTS, Role.UNKNOWN: ()}


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenAct:
    """An act that a reader claims of a segment."""

    act: Act
    #: 0 … 1: how sure the reader is; calibrated for the bundled reader, 1 for words that a user wrote.
    score: float = 1.0
    #: Which reader says so: bundled, words, language_model, or given with the transcript.
    reader: str = "given"
    #: The words of the segment that show it, where the reader can tell.
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicScore:
    """A topic that a reader claims of a call."""

    name: str
    #: 0 … 1, as of `SpokenAct`.
    score: float = 1.0
    reader: str = "given"
