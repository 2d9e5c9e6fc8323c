"""A reader of which a test says what it claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from qareport.model import Act, Role, SpokenAct, TopicScore, Transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedReader:
    """Claims acts by the text of a segment, and the same topics of every call."""

    acts: Mapping[str, tuple[Act, ...]] = field(default_factory=dict)
    topics: tuple[str, ...] = ()
    key: str = "fixed"

    def read(self, transcript: Transcript) -> Transcript:
        segments = []
        for segment in transcript.segments:
            acts = self.acts.get(segment.text, ()) if segment.role is not Role.UNKNOWN else ()
            claims = tuple(SpokenAct(act=act, score=0.8, reader="bundled") for act in acts)
            segments.append(replace(segment, acts=claims))
        topics = tuple(TopicScore(name=name, score=0.8, reader="bundled") for name in self.topics)
        return replace(transcript, segments=tuple(segments), topics=topics)
