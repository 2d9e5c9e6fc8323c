"""Facets: what a whole call is filed under, besides its agent, its time, its risk and its score."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from qareport.model import NEGATIVE_EMOTIONS, STATE_SILENCE, TAG_IRONY, CallReport, Moment, MomentKind, NoteCode

#: Kinds of facets, as the query language names them.
FACETS: Final = ("issue", "stage", "emotion", "rule")
#: What a customer may show, in the order of heat maps.
SHOWN: Final = (*(str(emotion.value) for emotion in NEGATIVE_EMOTIONS), STATE_SILENCE, TAG_IRONY)


def facets_of(report: CallReport) -> tuple[tuple[str, str], ...]:
    """Return what a call is filed under, each once: pairs of kind and value.

    `emotion` is what the customer showed, as heat maps count it: none where the model listened to voices that it was
    not made for.
    """
    outside = any(note.code is NoteCode.OUTSIDE_MODEL_DOMAIN for note in report.notes)
    pairs = [
        *(("issue", issue.name) for issue in report.issues),
        *(("stage", stage.name) for stage in report.stages),
        *(("emotion", emotion) for emotion in (() if outside else shown_emotions(report.moments))),
        *(("rule", finding.rule_id) for finding in report.findings),
    ]
    return tuple(dict.fromkeys(pairs))


def shown_emotions(moments: Iterable[Moment]) -> tuple[str, ...]:
    """Return what the customer showed: negative emotions that begin a moment, SILENCE and IRONY."""
    tags: set[str] = set()
    for moment in moments:
        if moment.kind is MomentKind.EMOTION:
            tags.update(moment.tags)
        elif moment.kind is MomentKind.IRONY:
            tags.add(TAG_IRONY)
        if STATE_SILENCE in moment.tags or moment.kind is MomentKind.SILENCE:
            tags.add(STATE_SILENCE)
    return tuple(tag for tag in SHOWN if tag in tags)
