"""What is noticed at once while a call is on: anger, giving up, threats, irony, no answer, waiting, holding.

Signals rest on what the reader understands of the call so far, and on voices; they never change a score. What a
sentence that goes on does counts only where two readings of it in a row begin with the same words. Where one channel
holds both voices, who speaks is not known until the call is over: an angry voice is noticed as somebody's, and nothing
is noticed that would blame the agent.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from qareport.model import Act, Emotion, Role, Segment, Signal

#: Signals that are words of the customer, by what they do.
_CUSTOMER: Final = {Act.THREATEN: Signal.ESCALATION, Act.GIVE_UP: Signal.CHURN, Act.SARCASM: Signal.IRONY}
#: Of a sentence that goes on only these are believed: irony shows at its end.
_AT_ONCE: Final = (Act.THREATEN, Act.GIVE_UP)
#: What a customer wants answered.
_WANTS_ANSWER: Final = (
    Act.ASK, Act.ASK_AGAIN, Act.REQUEST, Act.COMPLAIN, Act.REMIND_PROMISE, Act.THREATEN, Act.GIVE_UP, Act.SARCASM,
)  # fmt: skip
#: In milliseconds: who was asked to hold for longer is forgotten.
HOLD_TOO_LONG_MS: Final = 30_000
#: How grave each signal is, 1 to 3.
LEVELS: Final = {
    Signal.ANGER: 2, Signal.CHURN: 2, Signal.ESCALATION: 3, Signal.IRONY: 1, Signal.WAITING: 1, Signal.NO_ANSWER: 1,
    Signal.HOLD: 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """A signal, where it is and what was said there."""

    signal: Signal
    at_ms: int
    quote: str = ""
    #: UNKNOWN: it may be either.
    speaker: Role = Role.CUSTOMER

    @property
    def key(self) -> tuple[Signal, int]:
        """Equal for the same place of the same signal."""
        return self.signal, self.at_ms


def is_angry(segment: Segment, least: float) -> bool:
    """Tell whether a voice that is not known to be the agent's is angry with this score or a higher one."""
    score = (segment.emotion_scores or {}).get(Emotion.ANGRY.value, 1.0)
    return segment.role is not Role.AGENT and segment.emotion is Emotion.ANGRY and score >= least


def in_finals(spoken: Sequence[Segment], since_ms: int, anger_score: float) -> Iterator[Noticed]:
    """Find the signals in the final sentences of a call that was read, of those that end after `since_ms`."""
    for segment in spoken:
        if segment.end_ms <= since_ms:
            continue
        if is_angry(segment, anger_score):
            yield _anger(segment)
        done = {claim.act for claim in segment.acts}
        if segment.role is Role.CUSTOMER:
            for act, signal in _CUSTOMER.items():
                if act in done:
                    yield Noticed(signal=signal, at_ms=segment.start_ms, quote=segment.text)
        elif segment.role is Role.AGENT and Act.EVADE in done:
            yield Noticed(
                signal=Signal.NO_ANSWER, at_ms=segment.start_ms, quote=segment.text, speaker=Role.AGENT
            )  # fmt: skip


def anger_in_partials(partials: Sequence[Segment], anger_score: float) -> Noticed | None:
    """Find anger in an open sentence: its last two readings are angry."""
    last = partials[-2:]
    if len(last) < 2 or not all(is_angry(partial, anger_score) for partial in last):
        return None
    return _anger(last[-1])


def _anger(segment: Segment) -> Noticed:
    return Noticed(signal=Signal.ANGER, at_ms=segment.start_ms, quote=segment.text, speaker=segment.role)


def common_start(partials: Sequence[Segment]) -> Segment | None:
    """Return an open sentence as far as its last two readings agree; None: there are no two, or they do not."""
    if len(partials) < 2:
        return None
    first, second = (partial.text.rstrip("，。！？,.!? ") for partial in partials[-2:])
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False))
    text = "".join(letter for letter, _ in same)
    return replace(partials[-1], text=text) if text.strip() else None


def in_common_start(segment: Segment) -> Iterator[Noticed]:
    """Find the signals in what `common_start` returned, once it was read."""
    done = {claim.act for claim in segment.acts}
    if segment.role is Role.CUSTOMER:
        for act in _AT_ONCE:
            if act in done:
                yield Noticed(signal=_CUSTOMER[act], at_ms=segment.start_ms, quote=segment.text)


def in_silence(spoken: Sequence[Segment], now_ms: int, check_in_ms: int) -> Noticed | None:
    """Find that somebody waits, in a silence that lasts until `now_ms` and in which nobody is speaking.

    Args:
        spoken: the sentences so far, in order of their starts, read.
        now_ms: where the call is.
        check_in_ms: how long a customer may be left without an answer.
    """
    if not spoken:
        return None
    last = max(spoken, key=lambda segment: segment.end_ms)
    silent_ms = now_ms - last.end_ms
    turn: list[Segment] = []
    for segment in reversed(spoken):
        if segment.role is not last.role:
            break
        turn.append(segment)
    done = {claim.act for segment in turn for claim in segment.acts}
    before = spoken[: len(spoken) - len(turn)]
    is_held = Act.HOLD in done if last.role is Role.AGENT else _announced(before)
    if is_held:
        if silent_ms >= HOLD_TOO_LONG_MS:
            return Noticed(signal=Signal.HOLD, at_ms=last.end_ms, quote=last.text)
        return None
    if last.role is Role.CUSTOMER and silent_ms > check_in_ms and done.intersection(_WANTS_ANSWER):
        return Noticed(signal=Signal.WAITING, at_ms=last.end_ms, quote=last.text)
    return None


def _announced(before: Sequence[Segment]) -> bool:
    """Tell whether the agent's turn before announced that it takes time."""
    for segment in reversed(before):
        if segment.role is not Role.AGENT:
            return False
        if any(claim.act is Act.HOLD for claim in segment.acts):
            return True
    return False
