"""Silences that tell something: nobody answers the customer, or the customer falls silent before giving up."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qareport.analysis.context import Scene, salience
from qareport.model import STATE_SILENCE, Act, Moment, MomentKind, MomentLabel, Role, Silence

#: What a customer wants answered.
_WANTS_ANSWER = (
    Act.ASK, Act.ASK_AGAIN, Act.REQUEST, Act.COMPLAIN, Act.REMIND_PROMISE, Act.THREATEN, Act.GIVE_UP, Act.SARCASM,
    Act.REFUSE,
)  # fmt: skip
#: After such words of the agent's a pause was one in which nobody worked.
_IDLE = (Act.EVADE, Act.BLAME, Act.RUDE)
#: After these it was one in which the agent worked.
_RESULT = (Act.ANSWER, Act.PROMISE, Act.OFFER)
#: What a customer does who was left waiting, or who has swallowed a refusal.
_UPSET = (Act.GIVE_UP, Act.THREATEN, Act.SARCASM, Act.COMPLAIN, Act.ASK_AGAIN)
#: A customer who does only this worked during the pause, or waited content.
_BUSY = (Act.INFORM, Act.THANK, Act.ACCEPT, Act.CALM)
#: After these, a pause is felt whatever the agent says next.
_GRAVE = (Act.THREATEN, Act.GIVE_UP)
#: A customer who ends with one of these waits for nothing.
_WAITS_NO_MORE = (Act.GIVE_UP, Act.THANK, Act.ACCEPT)
#: Calls into a silence.
_CALLS = re.compile(r"(?:喂|在吗|在不|有人|人呢|你?还?在(?:吗|不|没)|听得|hello|are you there)")


@dataclass(frozen=True, slots=True)
class TellingSilence:
    """A silence that tells something, between the segments `last` and `following` (None: the call ends)."""

    silence: Silence
    last: int
    following: int | None
    #: The customer gives up after having been silent.
    given_up: bool

    @property
    def is_customers(self) -> bool:
        """Tell whether the customer fell silent; otherwise nobody answered."""
        return self.silence.after is Role.AGENT


def find_telling_silences(scene: Scene) -> list[TellingSilence]:
    """Find the silences of `check_in_ms` or more that tell something.

    The customer is upset after it (gives up, threatens, asks again …), or, after the agent's words, neither content nor
    busy; or the customer's words before it want an answer, and then the customer speaks again or calls into it with
    none, or the agent speaks but to nothing that was asked. A pause that the agent announced (an act of hold)
    tells nothing unless the customer asks again into it, and neither does one after which a result comes.
    """
    telling = []
    last = 0
    places = {(silence.start_ms, silence.end_ms): silence for silence in scene.silences}
    for index in range(1, len(scene.spoken) + 1):
        last_end_ms = scene.spoken[last].end_ms
        following = index if index < len(scene.spoken) else None
        if following is None:
            silence = next((gap for gap in scene.silences if gap.start_ms >= last_end_ms and gap.before is None), None)
        else:
            silence = places.get((last_end_ms, scene.spoken[index].start_ms))
        if silence is not None and silence.duration_ms >= scene.settings.check_in_ms and _tells(scene, last, following):
            given_up = following is not None and scene.turn_does(following, Act.GIVE_UP, forward=True)
            telling.append(TellingSilence(silence, last, following, given_up))
        if following is not None and scene.spoken[index].end_ms >= last_end_ms:
            last = index
    return telling


def _tells(scene: Scene, last: int, following: int | None) -> bool:
    before = scene.spoken[last].role
    after = scene.spoken[following].role if following is not None else None
    if before is Role.AGENT:
        return following is not None and after is Role.CUSTOMER and _is_customers(scene, last, following)
    if before is not Role.CUSTOMER:
        return False
    wants_answer = scene.turn_does(last, *_WANTS_ANSWER)
    if following is None:
        return wants_answer and not _held(scene, last) and not scene.turn_does(last, *_WAITS_NO_MORE)
    if after is Role.AGENT:
        return wants_answer and _is_slow(scene, last, following)
    return after is Role.CUSTOMER and _nobody_answers(scene, last, following, wants_answer=wants_answer)


def _is_customers(scene: Scene, last: int, following: int) -> bool:
    """Tell whether the customer fell silent after the agent: nothing was announced, and what follows is not content."""
    if scene.turn_does(last, Act.HOLD):
        return False
    if scene.turn_does(following, *_UPSET, forward=True):
        return True
    if scene.turn_does(last, Act.ASK_INFO) or scene.turn_does(following, Act.THANK, Act.CALM, forward=True):
        return False
    return scene.turn_does(last, *_IDLE) or not scene.turn_does(following, *_BUSY, Act.SMALL, forward=True)


def _is_slow(scene: Scene, last: int, following: int) -> bool:
    """Tell whether an agent who should answer first says nothing, and then nothing to the matter."""
    if scene.turn_does(last, *_GRAVE):
        return True
    if scene.turn_does(following, *_IDLE, forward=True) and not scene.does(following, *_RESULT):
        return True
    known = bool(scene.acts[following]) and not scene.turn_does(following, *_RESULT, forward=True)
    return known and not _held(scene, last)


def _nobody_answers(scene: Scene, last: int, following: int, *, wants_answer: bool) -> bool:
    """Tell whether a customer speaks again because nobody answered."""
    upset = scene.turn_does(following, *_UPSET, forward=True)
    if _held(scene, last):
        return scene.does(following, *_GRAVE) or (wants_answer and (upset or scene.does(following, Act.ASK)))
    if upset or (wants_answer and not scene.does(following, *_BUSY)):
        return True
    return _CALLS.match(scene.words[following]) is not None and not scene.does_only(last, Act.SMALL)


def _held(scene: Scene, index: int) -> bool:
    """Tell whether the agent's turn before the customer's announced that it takes time."""
    first = scene.turn_start(index)
    return first > 0 and scene.turn_does(first - 1, Act.HOLD)


def silence_moments(scene: Scene, telling: Sequence[TellingSilence], covered: frozenset[int]) -> Iterator[Moment]:
    """Make a moment of each telling silence.

    Nobody answers: the moment is the agent's, whose turn it was; its quote is what was left unanswered. The customer
    falls silent: it is the customer's, and grave when the customer then gives up; its quote is what was said before.

    Args:
        scene: the call.
        telling: the silences.
        covered: starts of the silences that another moment covers already.
    """
    for item in telling:
        customers = item.is_customers
        yield Moment(
            at_ms=item.silence.start_ms,
            end_ms=item.silence.end_ms,
            kind=MomentKind.SILENCE,
            role=Role.CUSTOMER if customers else Role.AGENT,
            label_code=_label(item),
            quote=scene.spoken[item.last].text,
            tags=(STATE_SILENCE,),
            salience=0.0
            if item.silence.start_ms in covered
            else salience(MomentKind.SILENCE, grave=customers and item.given_up),
        )


def _label(item: TellingSilence) -> MomentLabel:
    if not item.is_customers:
        return MomentLabel.NOBODY_SPEAKS
    return MomentLabel.GIVE_UP if item.given_up else MomentLabel.FALLS_SILENT
