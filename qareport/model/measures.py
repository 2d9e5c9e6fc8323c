"""The registry of measures of a call: name, unit, formula.

Rules, team norms, reports and exports take their names and values from here, so a name means one number everywhere. A
name ends in its unit: `_ms` whole milliseconds, `_share` 0 … 1, `_per_minute`, `_dbfs`; counts and sentiment (valence,
-5 … +5) end in none. The measures of a role begin with it: `agent_talk_ms`. Labels: `presentation.wording.MEASURES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

from qareport.model.analysis import CallMetrics, RoleMetrics
from qareport.model.vocabulary import Role


class Unit(StrEnum):
    """What the number of a measure counts."""

    MILLISECONDS = "milliseconds"
    COUNT = "count"
    SHARE = "share"
    PER_MINUTE = "per_minute"
    DBFS = "dbfs"
    VALENCE = "valence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One measure of a call."""

    id: str
    unit: Unit
    #: In words, by the fields of `CallMetrics` and `RoleMetrics`.
    formula: str
    #: Read from the metrics of a call; None: there was nothing to measure.
    of: Callable[[CallMetrics], float | None]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole > 0 else None


def _talk_share(role: Role, metrics: CallMetrics) -> float | None:
    """Divide a role's talk by that of agent and customer, if both speak: talk of unknown speakers does not count."""
    talk_ms = {name: metrics.roles[name].talk_ms for name in (Role.AGENT, Role.CUSTOMER) if name in metrics.roles}
    return _share(talk_ms[role], sum(talk_ms.values())) if len(talk_ms) == 2 else None


def _own(read: Callable[[RoleMetrics], float | None]) -> Callable[[Role, CallMetrics], float | None]:
    return lambda role, call: read(call.roles[role]) if role in call.roles else None


_MS: Final = Unit.MILLISECONDS
_OF_CALL: Final[tuple[tuple[str, Unit, str, Callable[[CallMetrics], float | None]], ...]] = (
    ("duration_ms", _MS, "length of the recording", lambda call: call.duration_ms),
    ("talk_ms", _MS, "time in which anyone speaks", lambda call: call.talk_ms),
    ("talk_share", Unit.SHARE, "talk_ms / duration_ms", lambda call: _share(call.talk_ms, call.duration_ms)),
    ("non_talk_ms", _MS, "duration_ms - talk_ms", lambda call: call.non_talk_ms),
    (
        "non_talk_share",
        Unit.SHARE,
        "non_talk_ms / duration_ms",
        lambda call: _share(call.non_talk_ms, call.duration_ms),
    ),
    ("overlap_ms", _MS, "time in which two speakers speak at once", lambda call: call.overlap_ms),
    ("overlap_share", Unit.SHARE, "overlap_ms / duration_ms", lambda call: _share(call.overlap_ms, call.duration_ms)),
    ("silence_count", Unit.COUNT, "number of silences", lambda call: call.silence_count),
    ("silence_ms", _MS, "sum of the silences", lambda call: call.silence_ms),
    ("silence_share", Unit.SHARE, "silence_ms / duration_ms", lambda call: _share(call.silence_ms, call.duration_ms)),
    ("longest_silence_ms", _MS, "longest silence", lambda call: call.longest_silence_ms),
    ("hold_count", Unit.COUNT, "number of holds", lambda call: len(call.holds)),
    ("hold_ms", _MS, "sum of the holds", lambda call: sum(hold.duration_ms for hold in call.holds)),
    ("longest_hold_ms", _MS, "longest hold", lambda call: max((hold.duration_ms for hold in call.holds), default=0)),
    (
        "first_response_ms",
        _MS,
        "end of a customer's turn to the agent's next, the first",
        lambda call: call.first_response_ms,
    ),
    (
        "median_response_ms",
        _MS,
        "end of a customer's turn to the agent's next, the median",
        lambda call: call.median_response_ms,
    ),
    (
        "longest_response_ms",
        _MS,
        "end of a customer's turn to the agent's next, the longest",
        lambda call: call.longest_response_ms,
    ),
    (
        "unknown_emotion_share",
        Unit.SHARE,
        "talk tagged EMO_UNKNOWN / talk with an emotion tag",
        lambda call: call.unknown_emotion_share,
    ),
)
_OF_ROLE: Final[tuple[tuple[str, Unit, str, Callable[[Role, CallMetrics], float | None]], ...]] = (
    ("segments", Unit.COUNT, "number of utterances", _own(lambda own: own.segments)),
    ("talk_ms", _MS, "time in which the role speaks", _own(lambda own: own.talk_ms)),
    ("talk_share", Unit.SHARE, "the role's talk_ms / (agent's + customer's), where both speak", _talk_share),
    (
        "longest_monologue_ms",
        _MS,
        "longest talk without a pause of more than check_in_ms",
        _own(lambda own: own.longest_monologue_ms),
    ),
    (
        "interruptions",
        Unit.COUNT,
        "times that it began to speak over the other",
        lambda role, call: call.interruptions.get(role),
    ),
    ("interruption_ms", _MS, "time in which both then spoke", lambda role, call: call.interruption_ms.get(role)),
    (
        "characters_per_minute",
        Unit.PER_MINUTE,
        "characters, digits, Latin words / its talk that is not English",
        _own(lambda own: own.characters_per_minute),
    ),
    (
        "words_per_minute",
        Unit.PER_MINUTE,
        "Latin words / its talk that is English",
        _own(lambda own: own.words_per_minute),
    ),
    ("loudness_dbfs", Unit.DBFS, "mean power of its segments", _own(lambda own: own.loudness_dbfs)),
    ("sentiment", Unit.VALENCE, "mean valence over the call", _own(lambda own: own.sentiment)),
    (
        "sentiment_start",
        Unit.VALENCE,
        "mean of the curve in the first quarter of its talk",
        _own(lambda own: own.sentiment_start),
    ),
    (
        "sentiment_end",
        Unit.VALENCE,
        "mean of the curve in the last quarter of its talk",
        _own(lambda own: own.sentiment_end),
    ),
)


def _measures() -> Iterator[Measure]:
    for name, unit, formula, read in _OF_CALL:
        yield Measure(id=name, unit=unit, formula=formula, of=read)
    for role in (Role.AGENT, Role.CUSTOMER):
        for name, unit, formula, read_role in _OF_ROLE:
            yield Measure(id=f"{role}_{name}", unit=unit, formula=formula, of=partial(read_role, role))


#: By id: those of the call, then the agent's, then the customer's.
MEASURES: Final[Mapping[str, Measure]] = {measure.id: measure for measure in _measures()}

#: The measures of which a team has a norm.
NORM_MEASURES: Final = (
    "duration_ms",
    "first_response_ms",
    "median_response_ms",
    "longest_response_ms",
    "silence_count",
    "silence_ms",
    "longest_silence_ms",
    "silence_share",
    "non_talk_share",
    "hold_ms",
    "agent_interruptions",
    "customer_interruptions",
    "agent_characters_per_minute",
    "customer_characters_per_minute",
    "agent_talk_share",
)
