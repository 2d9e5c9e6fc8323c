"""Facets: what a whole call is filed under, besides its agent, its time, its risk and its score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from qareport.model import (
    NEGATIVE_EMOTIONS,
    STATE_NOT_JUDGED,
    STATE_SILENCE,
    TAG_IRONY,
    CallReport,
    Emotion,
    Language,
    Moment,
    MomentKind,
    NoteCode,
    Role,
    Segment,
)

#: Kinds of facets, as the query language names them. `reviewed` (with the one value `yes`) and `source` are not of the
#: result: the store knows them.
FACETS: Final = ("issue", "stage", "emotion", "rule", "lang", "reviewed", "source")
#: What the facet `reviewed` is called for calls that have a verdict that counts.
REVIEWED: Final = "yes"
#: What else calls are filed under, for heat maps alone: the model named an emotion of the customer; the issue that the
#: call is mainly about; the model listened to voices that it was not made for.
HEARD, MAIN_ISSUE, OUTSIDE = "heard", "main", "outside"
#: A language with less of the spoken time than this is taken for a slip of the model in short sentences.
_LEAST_SHARE: Final = 0.1
#: Tags that say that no emotion is known.
_NO_EMOTION: Final = frozenset({Emotion.EMO_UNKNOWN.value, Emotion.OTHER.value, STATE_NOT_JUDGED})
#: What a customer may show, in the order of heat maps.
SHOWN: Final = (*(str(emotion.value) for emotion in NEGATIVE_EMOTIONS), STATE_SILENCE, TAG_IRONY)


def facets_of(report: CallReport) -> tuple[tuple[str, str], ...]:
    """Return what a call is filed under, each once: pairs of kind and value.

    `emotion` is what the customer showed, as heat maps count it: none where the model listened to voices that it was
    not made for.
    """
    outside = _is_outside(report)
    pairs = [
        *(("issue", issue.name) for issue in report.issues),
        *(("stage", stage.name) for stage in report.stages),
        *(("emotion", emotion) for emotion in (() if outside else shown_emotions(report.moments))),
        *(("rule", finding.rule_id) for finding in report.findings),
        *(("lang", language) for language in spoken_languages(report.segments)),
    ]
    return tuple(dict.fromkeys(pairs))


def heat_facets_of(report: CallReport) -> tuple[tuple[str, str], ...]:
    """Return what a call is filed under for heat maps besides `facets_of`."""
    customer = report.metrics.roles.get(Role.CUSTOMER) or report.metrics.roles.get(Role.UNKNOWN)
    heard = customer is not None and dominant_emotion(customer.emotion_shares) is not None
    return (
        *((HEARD, "") for _ in range(heard)),
        *((MAIN_ISSUE, issue.name) for issue in report.issues[:1]),
        *((OUTSIDE, "") for _ in range(_is_outside(report))),
    )


def dominant_emotion(shares: Mapping[str, float]) -> str | None:
    """Return the tag with the largest share of talk time among those that name an emotion; None: there is none."""
    named = {tag: share for tag, share in shares.items() if tag not in _NO_EMOTION and share > 0}
    return max(named, key=lambda tag: (named[tag], tag)) if named else None


def _is_outside(report: CallReport) -> bool:
    return any(note.code is NoteCode.OUTSIDE_MODEL_DOMAIN for note in report.notes)


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


def spoken_languages(segments: Iterable[Segment]) -> tuple[str, ...]:
    """Return the languages that are spoken for at least a tenth of the spoken time, most spoken first."""
    spoken_ms: Counter[str] = Counter()
    for segment in segments:
        if segment.language is not None and segment.language is not Language.NOSPEECH:
            spoken_ms[segment.language.value] += segment.duration_ms
    least_ms = _LEAST_SHARE * spoken_ms.total()
    return tuple(language for language, length_ms in spoken_ms.most_common() if length_ms >= least_ms)
