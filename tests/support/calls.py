"""Calls in a few words: segments from seconds, transcripts from segments, the example of the product's description."""

from __future__ import annotations

from collections.abc import Mapping

from qareport import analysis
from qareport.model import Act, Analysis, AudioEvent, AudioInfo, Emotion, Role, Segment, SpokenAct, Transcript
from qareport.settings import AnalysisSettings
from tests.support.paths import ROOT

TOPICS = analysis.load_topics(ROOT / "config" / "topics.yaml")
AGENT, CUSTOMER = Role.AGENT, Role.CUSTOMER


def say(
    start: float,
    end: float,
    role: Role,
    text: str,
    emotion: Emotion | None = Emotion.NEUTRAL,
    *,
    scores: Mapping[str, float] | None = None,
    events: tuple[AudioEvent, ...] = (),
    acts: str = "",
) -> Segment:
    """Make a segment from seconds; `acts` such as "ask_again complain=0.8"."""
    return Segment(
        start_ms=round(start * 1000),
        end_ms=round(end * 1000),
        role=role,
        text=text,
        emotion=emotion,
        emotion_scores=scores,
        events=events,
        acts=tuple(_spoken(*written.split("=")) for written in acts.split()),
    )


def _spoken(act: str, score: str = "1") -> SpokenAct:
    return SpokenAct(act=Act(act), score=float(score))


def call(*segments: Segment, duration: float | None = None) -> Transcript:
    """Make a transcript; `duration` in seconds."""
    audio = None
    if duration is not None:
        audio = AudioInfo(path="a.wav", sha256="0", duration_ms=round(duration * 1000), sample_rate=8000, channels=2)
    return Transcript(call_id="c", order_id="20241105998877", audio=audio, segments=segments)


def analyse_transcript(transcript: Transcript) -> Analysis:
    """Analyse a transcript with the shipped settings and topics."""
    return analysis.analyse(transcript, AnalysisSettings(), TOPICS)


def analyse(*segments: Segment, duration: float | None = None) -> Analysis:
    """Analyse a conversation with the shipped settings and topics."""
    return analyse_transcript(call(*segments, duration=duration))


#: The call of the product's description.
EXAMPLE = call(
    say(0.5, 4, AGENT, "您好，请问有什么可以帮您？", acts="greet"),
    say(4.8, 9, CUSTOMER, "你好，我买了一件羽绒服。", acts="inform"),
    say(9.6, 14, AGENT, "好的，请您提供一下订单号。", acts="ask_info"),
    say(14.8, 24, CUSTOMER, "二零二四一一零五九九八八七七。", acts="inform"),
    say(25, 33, AGENT, "好的，我看到您的订单了。", acts="confirm"),
    say(34, 41.5, AGENT, "请问您想了解什么？", acts="ask_info"),
    say(42, 44.5, CUSTOMER, "我想问一下到底什么时候发货？", acts="ask"),
    say(49.5, 57, AGENT, "这个系统显示正常的。", acts="evade"),
    say(57.8, 66, CUSTOMER, "可是我下单已经好几天了呀。", acts="complain"),
    say(66.5, 75, AGENT, "这个要看仓库的安排，我这边也看不到。", acts="evade"),
    say(75.6, 86, AGENT, "最近活动订单比较多。", acts="explain"),
    say(87, 90.2, CUSTOMER, "你们是不是压单！", Emotion.ANGRY, scores={"ANGRY": 0.9, "NEUTRAL": 0.1}, acts="complain"),
    say(90.8, 104, AGENT, "没有的，我们会安排的。", acts="evade"),
    say(104.6, 114, AGENT, "请您耐心等待。", acts="evade"),
    say(114.8, 124.3, AGENT, "您再等等看吧。", acts="evade"),
    say(125, 128, CUSTOMER, "所以到底什么时候发货？", acts="ask_again"),
    say(134, 135, CUSTOMER, "算了。", acts="give_up"),
    duration=140,
)
