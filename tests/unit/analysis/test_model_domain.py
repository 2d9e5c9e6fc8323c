"""The bundled model on voices that it does not know: no emotion is claimed, and the report says why."""

from __future__ import annotations

import dataclasses

from qareport import analysis
from qareport.model import AudioEvent, Emotion, ModelInfo, MomentKind, Segment, Transcript
from qareport.settings import AnalysisSettings
from tests.support.calls import CUSTOMER, EXAMPLE, TOPICS, call, say

#: What the bundled model wrote of two English callers.
FOREIGN = (
    say(0, 3, CUSTOMER, "when 你保，话 妈 打is 我，what 偿我 等 i 没called吧， 小been 点.", Emotion.ANGRY),
    say(4, 6, CUSTOMER, "呵，粉小理下。", Emotion.SAD, events=(AudioEvent.LAUGHTER,)),
    say(7, 9, CUSTOMER, "请会 我i。what  骗 shirt。", Emotion.SAD),
    say(10, 14, CUSTOMER, "goodbye 款. size 色 five day shipping 选 四", Emotion.HAPPY),
)


def heard_by(name: str, *segments: Segment) -> Transcript:
    return dataclasses.replace(call(*segments, duration=15), model=ModelInfo(name=name, revision="1"))


def test_a_limited_model_outside_its_domain_makes_no_claim_about_emotion() -> None:
    result = analysis.analyse(heard_by("demo", *FOREIGN), AnalysisSettings(), TOPICS)
    assert {state.state for state in result.trajectory} <= {"NOT_JUDGED", "SILENCE"}
    assert result.curve == ()
    assert {moment.kind for moment in result.moments} <= {MomentKind.INTERRUPTION, MomentKind.EVENT}
    assert result.metrics.unknown_emotion_share is None
    (note,) = [note for note in result.notes if note.code == "outside_model_domain"]
    assert note.values == {"model": "demo", "share": "0.82"}


def test_its_pauses_and_talk_time_are_still_measured() -> None:
    result = analysis.analyse(heard_by("demo", *FOREIGN), AnalysisSettings(), TOPICS)
    assert result.metrics.talk_ms == 11_000


def test_the_same_words_of_another_model_are_believed() -> None:
    transcript = heard_by("iic/SenseVoiceSmall", *FOREIGN)
    assert analysis.within_domain(transcript, ("demo",)) is transcript


def test_the_limited_model_is_believed_within_its_domain() -> None:
    transcript = dataclasses.replace(EXAMPLE, model=ModelInfo(name="demo", revision="1"))
    assert analysis.within_domain(transcript, ("demo",)) is transcript


def test_taking_emotions_back_twice_is_taking_them_back_once() -> None:
    once = analysis.within_domain(heard_by("demo", *FOREIGN), ("demo",))
    assert analysis.within_domain(once, ("demo",)) is once
