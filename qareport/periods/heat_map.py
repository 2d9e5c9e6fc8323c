"""Issue × emotion: what customers were troubled by, how it showed, and in which stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from qareport.model import (
    NEGATIVE_EMOTIONS,
    STATE_SILENCE,
    TAG_IRONY,
    CallSummary,
    Emotion,
    HeatCell,
    HeatMap,
    HeatRow,
)
from qareport.periods.scope import Scope

_EMOTIONS = tuple(emotion.value for emotion in NEGATIVE_EMOTIONS)
#: Columns that are always there; the other negative emotions have one where a call showed them.
_ALWAYS = frozenset({Emotion.ANGRY.value, Emotion.SAD.value, STATE_SILENCE, TAG_IRONY})


def heat_map(scope: Scope) -> HeatMap:
    """Count calls by issue and by what the customer showed.

    A call with two issues is in both rows, one that showed two emotions in both columns; the total row counts each
    call once. Shares: of an emotion, of the row's calls in which the model named any emotion; of silence and irony, of
    all calls of the row. Calls outside the model's domain are left out. Rows: most troubled calls first, calls without
    a known issue last.
    """
    inside = [call for call in scope.now if not call.outside_domain]
    shown = {emotion for call in inside for emotion in call.emotions}
    emotions = tuple(name for name in (*_EMOTIONS, STATE_SILENCE, TAG_IRONY) if name in _ALWAYS or name in shown)
    by_issue: dict[str | None, list[CallSummary]] = {}
    for call in inside:
        for issue in call.issues or (None,):
            by_issue.setdefault(issue, []).append(call)
    rows = [_row(scope, issue, calls, emotions) for issue, calls in by_issue.items()]
    rows.sort(key=lambda row: (row.issue is None, -row.troubled, -row.calls, row.issue or ""))
    return HeatMap(emotions=emotions, rows=tuple(rows), total=_row(scope, None, inside, emotions))


def _row(scope: Scope, issue: str | None, calls: Sequence[CallSummary], emotions: Sequence[str]) -> HeatRow:
    return HeatRow(
        issue=issue,
        calls=len(calls),
        troubled=sum(bool(call.emotions) for call in calls),
        cells=tuple(_cell(emotion, calls) for emotion in emotions),
        stages=tuple(_stages(calls)),
        small=len(calls) < scope.settings.small_n,
    )


def _cell(emotion: str, calls: Sequence[CallSummary]) -> HeatCell:
    with_it = [call for call in calls if emotion in call.emotions]
    n = sum(call.dominant_emotion is not None for call in calls) if emotion in _EMOTIONS else len(calls)
    stage, stage_calls = next(iter(_stages(with_it)), (None, 0))
    return HeatCell(
        emotion=emotion,
        calls=len(with_it),
        n=max(n, len(with_it)),
        share=len(with_it) / max(n, len(with_it)) if n or with_it else None,
        stage=stage,
        stage_calls=stage_calls,
    )


def _stages(calls: Iterable[CallSummary]) -> list[tuple[str, int]]:
    counts = Counter(stage for call in calls for stage in dict.fromkeys(call.stages))
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
