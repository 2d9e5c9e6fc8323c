"""What a reader must know before trusting an analysis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qareport.model import CallMetrics, Note, Role, RoleSource, Segment

#: Above this share of the judged talk time a note says that emotion is mostly unknown.
MOSTLY = 0.5


def find_notes(spoken: Sequence[Segment], metrics: CallMetrics, *, duration_known: bool) -> Iterator[Note]:
    """Name what could not be judged, or only guessed. Shares are written as fractions with two decimals.

    - no_speech: no words at all.
    - duration_unknown: the length of the recording; its first and last silence are unknown with it.
    - roles_unknown {share}: share of segments without a speaker.
    - roles_guessed {source, share}: share of segments whose speaker is told by voice or by words.
    - emotion_not_judged {share}: share of talk time without an emotion.
    - loudness_unknown, sounds_not_judged: no segment has a level, or names what else is heard (laughter, music …).
    - emotion_mostly_unknown {share}: share of the judged talk time in which the model could not tell.
    """
    if not duration_known:
        yield Note(code="duration_unknown")
    if not spoken:
        yield Note(code="no_speech")
        return
    count = len(spoken)
    unknown = sum(1 for segment in spoken if segment.role is Role.UNKNOWN)
    if unknown:
        yield Note(code="roles_unknown", values={"share": _share(unknown, count)})
    for source in (RoleSource.VOICE, RoleSource.WORDS):
        guessed = sum(1 for segment in spoken if segment.role is not Role.UNKNOWN and segment.role_source is source)
        if guessed:
            yield Note(code="roles_guessed", values={"source": source.value, "share": _share(guessed, count)})
    total_ms = sum(segment.end_ms - segment.start_ms for segment in spoken)
    blank_ms = sum(segment.end_ms - segment.start_ms for segment in spoken if segment.emotion is None)
    if any(segment.emotion is None for segment in spoken):
        yield Note(code="emotion_not_judged", values={"share": _share(blank_ms, total_ms)})
    if all(segment.loudness_dbfs is None for segment in spoken):
        yield Note(code="loudness_unknown")
    if not any(segment.events for segment in spoken):
        yield Note(code="sounds_not_judged")
    if metrics.unknown_emotion_share is not None and metrics.unknown_emotion_share > MOSTLY:
        yield Note(code="emotion_mostly_unknown", values={"share": f"{metrics.unknown_emotion_share:.2f}"})


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2f}" if whole else "1.00"
