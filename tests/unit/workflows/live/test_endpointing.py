"""Utterances begin and end as the detector decides, 32 ms at a time."""

from __future__ import annotations

from qareport.settings import LiveSettings
from qareport.workflows.live.endpointing import Endpointer, SpeechChange, SpeechStep

STEP = 32


def follow(script: list[tuple[float, int]], settings: LiveSettings | None = None) -> list[SpeechChange]:
    """Feed probabilities, each for so many decisions, and finish what is open."""
    endpointer = Endpointer(settings or LiveSettings(), quietest=lambda start, end, most: start + most - 1000)
    changes, at_ms = [], 0
    for probability, count in script:
        for _ in range(count):
            changes += endpointer.feed(probability, at_ms, at_ms + STEP)
            at_ms += STEP
    return changes if endpointer.open_since_ms is None else [*changes, endpointer.finish(at_ms)]


def kinds(changes: list[SpeechChange]) -> list[SpeechStep]:
    return [change.change for change in changes]


def test_an_utterance_has_preroll_pauses_after_200_ms_and_ends_after_500() -> None:
    began, paused, ended = follow([(0.1, 40), (0.9, 50), (0.1, 40)])
    assert kinds([began, paused, ended]) == [SpeechStep.BEGAN, SpeechStep.PAUSED, SpeechStep.ENDED]
    assert (began.from_ms, began.start_ms) == (40 * STEP - 300, 40 * STEP)
    assert paused.end_ms == ended.end_ms == 90 * STEP


def test_who_speaks_on_after_a_pause_has_not_ended() -> None:
    changes = follow([(0.9, 30), (0.1, 10), (0.9, 30), (0.1, 20)])
    assert kinds(changes) == [
        SpeechStep.BEGAN,
        SpeechStep.PAUSED,
        SpeechStep.RESUMED,
        SpeechStep.PAUSED,
        SpeechStep.ENDED,
    ]
    assert changes[-1].start_ms == 0
    assert changes[-1].end_ms == 70 * STEP


def test_a_doubtful_stretch_neither_begins_nor_ends_speech() -> None:
    assert follow([(0.4, 50)]) == []
    changes = follow([(0.9, 10), (0.4, 50), (0.9, 10), (0.1, 20)])
    assert kinds(changes) == [SpeechStep.BEGAN, SpeechStep.PAUSED, SpeechStep.ENDED]


def test_a_click_is_dropped() -> None:
    assert kinds(follow([(0.9, 4), (0.1, 20)]))[-1] is SpeechStep.DROPPED


def test_a_long_utterance_is_cut_and_goes_on_from_the_cut() -> None:
    changes = follow([(0.9, 700), (0.1, 20)], LiveSettings(max_utterance_ms=10_000))
    cuts = [change for change in changes if change.change is SpeechStep.CUT]
    assert [change.end_ms for change in cuts] == [9000, 18_000]
    assert changes[-1].change is SpeechStep.ENDED
    assert (changes[-1].from_ms, changes[-1].end_ms) == (18_000, 700 * STEP)


def test_preroll_never_reaches_into_the_utterance_before() -> None:
    changes = follow([(0.9, 20), (0.1, 16), (0.9, 20), (0.1, 20)], LiveSettings(preroll_ms=2000))
    second = [change for change in changes if change.change is SpeechStep.BEGAN][1]
    assert second.from_ms == 20 * STEP
