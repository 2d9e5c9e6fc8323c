"""The domain: what a call is, what was heard in it, what was judged, and the report made of that.

Frozen values only; nothing here reads, writes or computes. Times are whole milliseconds from the start of the recording
(`*_ms`), instants are aware datetimes, levels are dBFS. None means "not known" or "not judged", never zero.
The JSON of `Transcript` and `OrderReport` is a contract with other programs (schema version 1, see docs/json.md).
"""

from qareport.model.basics import (
    SCHEMA_VERSION,
    AudioEvent,
    Call,
    Emotion,
    FailedCall,
    Language,
    MomentKind,
    Note,
    PersonalKind,
    Risk,
    Role,
    RoleSource,
    Severity,
)
from qareport.model.happened import (
    STATE_NOT_JUDGED,
    STATE_SILENCE,
    Analysis,
    CallMetrics,
    Classification,
    CurvePoint,
    Evidence,
    Gap,
    Hold,
    Interruption,
    Moment,
    Promise,
    RoleMetrics,
    Silence,
    TrajectoryState,
)
from qareport.model.heard import AudioInfo, ModelInfo, Segment, Token, Transcript
from qareport.model.judged import CategoryScore, Finding, Judgement, Scorecard, ScoreItem
from qareport.model.reported import CallReport, MaskedSpan, OrderReport, Provenance

__all__ = [
    "SCHEMA_VERSION",
    "STATE_NOT_JUDGED",
    "STATE_SILENCE",
    "Analysis",
    "AudioEvent",
    "AudioInfo",
    "Call",
    "CallMetrics",
    "CallReport",
    "CategoryScore",
    "Classification",
    "CurvePoint",
    "Emotion",
    "Evidence",
    "FailedCall",
    "Finding",
    "Gap",
    "Hold",
    "Interruption",
    "Judgement",
    "Language",
    "MaskedSpan",
    "ModelInfo",
    "Moment",
    "MomentKind",
    "Note",
    "OrderReport",
    "PersonalKind",
    "Promise",
    "Provenance",
    "Risk",
    "Role",
    "RoleMetrics",
    "RoleSource",
    "ScoreItem",
    "Scorecard",
    "Segment",
    "Severity",
    "Silence",
    "Token",
    "TrajectoryState",
    "Transcript",
]
