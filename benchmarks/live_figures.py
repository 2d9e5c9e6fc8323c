"""What was told of live calls, beside what was scripted: how late sentences, signals and rules came, and what is wrong.

Times are milliseconds between a place in the call, as it was played, and the moment at which whoever follows
`/api/v1/live/stream` had it.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from rapidfuzz.distance import Levenshtein

from benchmarks.live_desk import Telephone

#: In milliseconds: a shorter pause ends no utterance: `live.end_silence_ms`, and what the detector adds to both sides.
UTTERANCE_GAP_MS: Final = 700

#: In milliseconds: as far as a place that is told may be from the scripted one.
_NEAR_MS: Final = 1500
#: In milliseconds: so long after its place a signal is due (`analysis.check_in_ms`, `HOLD_TOO_LONG_MS`).
_WAITS: Final = {"waiting": 2000, "hold": 30_000}
#: Moments of a script that give no reason for an alert.
_HARMLESS: Final = {"topic_mention", "silence", "event"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A call that was played, and what was told of it: milliseconds of the call, and the event."""

    call_id: str
    script: Mapping[str, Any]
    events: Sequence[tuple[float, Mapping[str, Any]]]

    @classmethod
    def of(cls, telephone: Telephone, events: Iterable[tuple[float, Mapping[str, Any]]]) -> Told:
        """Bring what was told to the clock of the call."""
        own = [((at_s - telephone.began_s) * 1000, event) for at_s, event in events]
        return cls(call_id=telephone.call_id, script=telephone.script, events=own)

    def of_type(self, type_: str) -> Iterator[tuple[float, Mapping[str, Any]]]:
        """Return when each event of a type came, and what it says."""
        return ((at_ms, event["data"]) for at_ms, event in self.events if event["type"] == type_)

    @property
    def is_harmless(self) -> bool:
        """Whether the script gives no reason for an alert."""
        return {moment["kind"] for moment in self.script["moments"]} <= _HARMLESS


@dataclass(slots=True)
class Delays:
    """How late things came."""

    final: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    signal: list[float] = field(default_factory=list)
    alert: list[float] = field(default_factory=list)
    rule: list[float] = field(default_factory=list)
    #: Sentences of the scripts, and those of which nothing was told.
    sentences: int = 0
    unheard: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, calls: Iterable[Told]) -> Delays:
        """Measure some calls."""
        delays = cls()
        for call in calls:
            delays.final += _finals(call)
            delays.first += _firsts(call)
            delays.signal += _signals(call, "live.signal", lambda data: data)
            delays.alert += _signals(call, "alert.raised", lambda data: data["alert"])
            delays.rule += _rules(call)
            lines = [data for _, data in call.of_type("live.line")]
            for turn in call.script["turns"]:
                delays.sentences += 1
                if not any(_shared(turn, line) > 0 for line in lines):
                    delays.unheard.append(f"{call.call_id} {turn['start_ms']}")
        return delays

    def summary(self, bars: Mapping[str, tuple[str, float]]) -> dict[str, Any]:
        """Sum up, with the bars: a percentile and the milliseconds that it may reach."""
        figures: dict[str, Any] = {
            name: percentiles(getattr(self, name)) for name in ("final", "first", "signal", "alert", "rule")
        }
        for name, (which, bar) in bars.items():
            figures[name] |= {"bar": f"{which} {bar:g}", "meets": figures[name].get(which, bar + 1) <= bar}
        return figures | {"sentences": self.sentences, "unheard": self.unheard}


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Return how many there are, median, 95th percentile and the worst."""
    if not values:
        return {"count": 0}
    ordered = sorted(values)
    place = max(0, -(-len(ordered) * 95 // 100) - 1)
    return {
        "count": len(ordered), "p50_ms": round(statistics.median(ordered)), "p95_ms": round(ordered[place]),
        "worst_ms": round(ordered[-1]),
    }  # fmt: skip


def _shared(turn: Mapping[str, Any], line: Mapping[str, Any]) -> int:
    """Milliseconds that a scripted sentence and a told one share, none where their speakers differ."""
    if line["role"] not in (turn["role"], "unknown"):
        return 0
    return min(int(turn["end_ms"]), int(line["end_ms"])) - max(int(turn["start_ms"]), int(line["start_ms"]))


def _finals(call: Told) -> Iterator[float]:
    """Measure by utterances: those of its sentences that end earlier wait for no one."""
    lines = list(call.of_type("live.line"))
    for number, (at_ms, line) in enumerate(lines):
        if any(later["channel"] == line["channel"] and near - at_ms < 50 for near, later in lines[number + 1 :]):
            continue
        turn = max(call.script["turns"], key=lambda turn: _shared(turn, line))
        yield at_ms - (turn["end_ms"] if _shared(turn, line) > 0 else line["end_ms"])


def _firsts(call: Told) -> Iterator[float]:
    told = [*call.of_type("live.partial"), *call.of_type("live.line")]
    texts = sorted((at_ms, data["role"]) for at_ms, data in told if data["text"])
    free_ms: dict[str, int] = {}
    for turn in call.script["turns"]:
        role, start_ms = turn["role"], turn["start_ms"]
        if start_ms - free_ms.get(role, -_NEAR_MS) >= _NEAR_MS:
            first = next((at_ms for at_ms, of in texts if of in (role, "unknown") and at_ms > start_ms), None)
            if first is not None:
                yield first - start_ms
        free_ms[role] = turn["end_ms"]


def _signals(call: Told, type_: str, read: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> Iterator[float]:
    for at_ms, data in call.of_type(type_):
        found = read(data)
        if (signal := found.get("signal")) is None:
            continue
        if signal in _WAITS:
            yield at_ms - found["at_ms"] - _WAITS[signal]
            continue
        roles = ("agent",) if signal == "no_answer" else ("customer",)
        own = [turn for turn in call.script["turns"] if turn["role"] in roles] or call.script["turns"]
        yield at_ms - min(own, key=lambda turn: abs(turn["start_ms"] - found["at_ms"]))["end_ms"]


def _rules(call: Told) -> Iterator[float]:
    """Measure from the end of a rule's window, or of the utterance that was going on when it ended: it may excuse."""
    until: dict[tuple[str, int], float] = {}
    ended_ms = next((at_ms for at_ms, _ in call.of_type("live.ended")), float("inf"))
    for at_ms, data in call.of_type("live.finding"):
        key = data["rule_id"], data["at_ms"]
        if data["state"] == "open" and data["until_ms"] is not None:
            until[key] = data["until_ms"]
        elif data["state"] == "confirmed" and key in until and at_ms < ended_ms - 1000:
            said = [end_ms for start_ms, end_ms in _utterances(call) if start_ms < until[key] < end_ms]
            yield at_ms - max([until[key], *said])


def _utterances(call: Told) -> list[tuple[float, float]]:
    """Return begin and end of what each side says without a pause that ends an utterance."""
    found: dict[str, list[tuple[float, float]]] = {}
    for turn in sorted(call.script["turns"], key=lambda turn: turn["start_ms"]):
        own = found.setdefault(turn["role"], [])
        joins = own and turn["start_ms"] - own[-1][1] < UTTERANCE_GAP_MS
        begin = own.pop()[0] if joins else turn["start_ms"]
        own.append((begin, turn["end_ms"]))
    return [utterance for own in found.values() for utterance in own]


# --- what is wrong ----------------------------------------------------------------------------------------------------


def bare(text: str) -> str:
    """Text without punctuation and spaces, in lower case: what a character error rate compares."""
    return re.sub(r"[\W_]+", "", text).lower()


def character_errors(script: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """Compare what was heard (`role`, `start_ms`, `text`) with a script: wrong characters, and all characters."""
    wrong = count = 0
    is_mixed = any(line["role"] == "unknown" for line in lines)
    for roles in [("agent", "customer", "unknown")] if is_mixed else [("agent",), ("customer",)]:
        said = bare("".join(turn["text"] for turn in script["turns"] if turn["role"] in roles))
        own = sorted((line for line in lines if line["role"] in roles), key=lambda line: line["start_ms"])
        wrong += Levenshtein.distance(said, bare("".join(line["text"] for line in own)))
        count += len(said)
    return wrong, count


def escalations(calls: Iterable[Told]) -> dict[str, Any]:
    """Look for the signal, and the alert, of every scripted escalation; and for alerts without a reason."""
    scripted, late, missed, unalerted = 0, [], [], []
    false: list[str] = []
    for call in calls:
        signals = [(at_ms, data) for at_ms, data in call.of_type("live.signal") if data["signal"] == "escalation"]
        alerts = [
            (at_ms, data["alert"]) for kind in ("alert.raised", "alert.changed") for at_ms, data in call.of_type(kind)
        ]
        raised = {data["alert"]["alert_id"]: data["alert"] for _, data in call.of_type("alert.raised")}
        for moment in call.script["moments"]:
            if moment["kind"] != "escalation":
                continue
            scripted += 1
            name = f"{call.call_id} {moment['at_ms']}"
            turn = next(turn for turn in call.script["turns"] if turn["start_ms"] == moment["at_ms"])
            near = [
                at_ms - turn["end_ms"]
                for at_ms, data in signals
                if turn["start_ms"] - _NEAR_MS <= data["at_ms"] <= turn["end_ms"]
            ]
            late += near[:1]
            missed += [] if near else [name]
            by_then = [alert for at_ms, alert in alerts if at_ms <= turn["end_ms"] + 2000]
            unalerted += [] if any(alert["signal"] == "escalation" for alert in by_then) else [name]
        if call.is_harmless:
            false += [f"{call.call_id} {alert['title']} {alert['at_ms']}" for alert in raised.values()]
    return {
        "scripted": scripted, "signalled": percentiles(late), "missed": missed, "without_alert_in_2_s": unalerted,
        "false_alerts_in_ordinary_calls": false,
        "meets": not missed and not unalerted and len(false) <= 1 and max(late, default=0) <= 2000,
    }  # fmt: skip
