"""What a call is about and where its order stands: several of each, with the words that say so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qareport.analysis.context import Scene
from qareport.analysis.topics import Topic
from qareport.model import Classification, Evidence

#: So many quotes show enough.
QUOTES = 3


def find_issues(scene: Scene) -> tuple[Classification, ...]:
    """Find the issue types that the customer names; the one named in most segments first, then the earlier one.

    Nothing named leaves the tuple empty: unknown, not "other".
    """
    indexes = [index for index, _ in scene.of_customer()]
    counted = [(count, found) for topic in scene.topics.topics for count, found in _classify(scene, topic, indexes)]
    counted.sort(key=lambda pair: (-pair[0], pair[1].evidence[0].at_ms))
    return tuple(found for _, found in counted)


def find_stages(scene: Scene) -> tuple[Classification, ...]:
    """Find the stages that either side names, in the order of their first evidence; empty when none is named."""
    indexes = range(len(scene.spoken))
    found = [one for stage in scene.topics.stages for _, one in _classify(scene, stage, indexes)]
    return tuple(sorted(found, key=lambda one: one.evidence[0].at_ms))


def _classify(scene: Scene, topic: Topic, indexes: Sequence[int]) -> Iterable[tuple[int, Classification]]:
    matches = [(index, match) for index in indexes if (match := topic.words.match(scene.words[index])) is not None]
    if not matches:
        return
    evidence = tuple(
        Evidence(at_ms=segment.start_ms, end_ms=segment.end_ms, role=segment.role, quote=segment.text)
        for segment in (scene.spoken[index] for index, _ in matches[:QUOTES])
    )
    yield (
        len(matches),
        Classification(name=topic.name, evidence=evidence, fuzzy=all(match.fuzzy for _, match in matches)),
    )
