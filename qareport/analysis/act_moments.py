"""Moments that rest on acts: churn, escalation, irony, repeats, broken promises, recoveries, missing answers."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qareport.analysis.context import Scene, salience
from qareport.analysis.silences import TellingSilence
from qareport.model import (
    NEGATIVE_EMOTIONS,
    STATE_SILENCE,
    Act,
    AudioEvent,
    Moment,
    MomentKind,
    MomentLabel,
    Role,
)

#: The kind of moment that an act is, and what it means.
_KINDS: dict[Act, tuple[MomentKind, MomentLabel]] = {
    Act.GIVE_UP: (MomentKind.CHURN_SIGNAL, MomentLabel.GIVE_UP),
    Act.THREATEN: (MomentKind.ESCALATION, MomentLabel.ESCALATION),
    Act.ASK_AGAIN: (MomentKind.REPEAT, MomentLabel.ASK_AGAIN),
    Act.SARCASM: (MomentKind.IRONY, MomentLabel.IRONY),
    Act.REMIND_PROMISE: (MomentKind.BROKEN_PROMISE, MomentLabel.BROKEN_PROMISE),
    Act.CALM: (MomentKind.RECOVERY, MomentLabel.RECOVERY),
    Act.EVADE: (MomentKind.NO_ANSWER, MomentLabel.NO_ANSWER),
}
#: Before a recovery the customer must have been low.
_LOW = (Act.COMPLAIN, Act.THREATEN, Act.GIVE_UP, Act.SARCASM, Act.REMIND_PROMISE, Act.ASK_AGAIN)
#: Giving up within this time after a silence belongs to the question that was asked again before it.
GIVE_UP_WITHIN_MS = 30_000
#: An agent who does one of these has replied to the matter, whatever the customer thinks of it.
_REPLIES = (
    Act.ANSWER, Act.OFFER, Act.PROMISE, Act.REFUSE, Act.EXPLAIN, Act.ASK_INFO, Act.HOLD, Act.CONFIRM, Act.BLAME,
)  # fmt: skip
#: A reply that only greets, says yes or is sorry is not yet one.
_NO_REPLY = frozenset((Act.GREET, Act.SMALL, Act.CLOSE, Act.APOLOGISE, Act.EMPATHISE))


@dataclass(frozen=True, slots=True)
class ActRun:
    """Sentences of one speaker that do the same, with nothing but back-channels between them."""

    act: Act
    indexes: tuple[int, ...]


def find_runs(scene: Scene, act: Act) -> list[ActRun]:
    """Find where an act is done; sentences of the same turn, or with only back-channels between them, are one run."""
    runs: list[list[int]] = []
    for index in scene.places.get(act, ()):
        if runs and _is_one_run(scene, runs[-1][-1], index):
            runs[-1].append(index)
        else:
            runs.append([index])
    return [ActRun(act, tuple(run)) for run in runs]


def _is_one_run(scene: Scene, earlier: int, later: int) -> bool:
    role = scene.spoken[earlier].role
    if scene.spoken[later].role is not role:
        return False
    between = range(earlier + 1, later)
    return all(scene.spoken[index].role is role or scene.does_only(index, Act.SMALL) for index in between)


def act_moments(scene: Scene, telling: Sequence[TellingSilence]) -> Iterator[Moment]:
    """Make a moment of each run of an act that is one; a recovery needs a low before it.

    A question that is asked again carries the silence that follows, and is GIVE_UP when the customer then gives up, or
    says no more and gets no answer. Signs that another moment tells already have a salience of 0.
    """
    waits = {item.last: item for item in telling if not item.is_customers}
    repeats = list(_repeat_moments(scene, waits))
    abandoned = [moment.end_ms for moment in repeats if moment.label_code is MomentLabel.GIVE_UP]
    abandoned += [item.silence.end_ms for item in telling if item.is_customers and item.given_up]
    abandoned.sort()
    yield from repeats
    for act in (Act.GIVE_UP, Act.THREATEN, Act.SARCASM, Act.REMIND_PROMISE):
        for run in find_runs(scene, act):
            at_ms = scene.spoken[run.indexes[0]].start_ms
            covered = act is Act.GIVE_UP and _is_soon_after(abandoned, at_ms)
            yield _moment(scene, run, covered=covered)
    for run in find_runs(scene, Act.CALM):
        if _was_low(scene, run.indexes[0]):
            yield _moment(scene, run)
    given_up = {moment.at_ms for moment in repeats if moment.label_code is MomentLabel.GIVE_UP}
    yield from _no_answer_moments(scene, given_up)


def _is_soon_after(ends_ms: Sequence[int], at_ms: int) -> bool:
    place = bisect.bisect_right(ends_ms, at_ms)
    return place > 0 and at_ms - ends_ms[place - 1] <= GIVE_UP_WITHIN_MS


def _repeat_moments(scene: Scene, waits: dict[int, TellingSilence]) -> Iterator[Moment]:
    for run in find_runs(scene, Act.ASK_AGAIN):
        wait = waits.get(run.indexes[-1])
        given_up = wait is not None and _gives_up_after(scene, wait)
        yield _moment(scene, run, wait=wait, given_up=given_up)


def _gives_up_after(scene: Scene, wait: TellingSilence) -> bool:
    places = scene.places.get(Act.GIVE_UP, ())
    place = bisect.bisect_right(places, wait.last)
    if place < len(places):
        return scene.spoken[places[place]].start_ms - wait.silence.end_ms <= GIVE_UP_WITHIN_MS
    return wait.following is None


def _was_low(scene: Scene, index: int) -> bool:
    own = (place for place, _ in scene.of_customer() if place < index)
    return any(scene.does(place, *_LOW) or scene.states[place] in NEGATIVE_EMOTIONS for place in own)


def _no_answer_moments(scene: Scene, given_up: set[int]) -> Iterator[Moment]:
    """Find the evasions, and the replies to a question that hold nothing before the customer asks again.

    Those before a question that is asked again and given up are told by it.
    """
    asked_again = scene.places.get(Act.ASK_AGAIN, ())
    runs = find_runs(scene, Act.EVADE)
    evasive = {index for run in runs for index in run.indexes}
    for again in asked_again:
        replies = _replies_before(scene, again)
        if replies and evasive.isdisjoint(replies):
            runs.append(ActRun(Act.EVADE, (replies[0],)))
    for run in runs:
        place = bisect.bisect_right(asked_again, run.indexes[-1])
        told = place < len(asked_again) and scene.spoken[asked_again[place]].start_ms in given_up
        yield _moment(scene, run, covered=told)


def _replies_before(scene: Scene, again: int) -> list[int]:
    """Return the agent's turn before a question that is asked again, when it replied without saying anything.

    Nothing where the turn before it was not the agent's, where the customer asked nothing before that, or where a
    sentence of the reply may have addressed the matter.
    """
    first = scene.turn_start(again)
    replies = scene.turn_before(first) if first else range(0)
    if not replies or any(scene.does(index, *_REPLIES) for index in replies):
        return []
    asked = replies[0] - 1
    if asked < 0 or not scene.turn_does(asked, Act.ASK, Act.ASK_AGAIN, Act.REQUEST):
        return []
    return [index for index in replies if not scene.acts[index] or not _NO_REPLY.issuperset(scene.acts[index])]


def _moment(
    scene: Scene,
    run: ActRun,
    *,
    wait: TellingSilence | None = None,
    given_up: bool = False,
    covered: bool = False,
) -> Moment:
    kind, label = _KINDS[run.act]
    first, last = scene.spoken[run.indexes[0]], scene.spoken[run.indexes[-1]]
    claims = [claim for index in run.indexes if (claim := scene.acts[index].get(run.act)) is not None]
    surest = max(claims, key=lambda claim: claim.score, default=None)
    tags = (*_evidence(scene, run), *((STATE_SILENCE,) if wait is not None else ()))
    return Moment(
        at_ms=first.start_ms,
        end_ms=max(first.end_ms, last.end_ms, wait.silence.end_ms if wait is not None else 0),
        kind=kind,
        role=first.role,
        label_code=MomentLabel.GIVE_UP if given_up else label,
        quote=first.text,
        tags=tags,
        salience=0.0 if covered else salience(kind, grave=given_up),
        reader=surest.reader if surest is not None else None,
        score=surest.score if surest is not None else None,
        count=len(run.indexes),
    )


def _evidence(scene: Scene, run: ActRun) -> tuple[str, ...]:
    """Return what voice and sound add to the words: a negative emotion, and laughter where praise is meant badly."""
    if scene.spoken[run.indexes[0]].role is not Role.CUSTOMER or run.act is Act.CALM:
        return ()
    states = [scene.states[index] for index in run.indexes]
    tags = list(dict.fromkeys(state for state in states if state in NEGATIVE_EMOTIONS))
    if run.act is Act.SARCASM and any(AudioEvent.LAUGHTER in scene.spoken[index].events for index in run.indexes):
        tags.append(AudioEvent.LAUGHTER.upper())
    return tuple(tags)
