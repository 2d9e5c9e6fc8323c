"""Check that labelled calls and exchanges follow the guide (`labels.md`): `python -m corpus.check FILE…`.

Exit status 1 if not. In `.jsonl` a line is a call: `{"id", "note", "segments": [[start_s, end_s, role, text, emotion,
events, acts]…], "truth": {…}}`. Set A was labelled before there were acts, so its segments may end after any field from
the text on. In `.txt` are short exchanges: `## NUMBER`, then lines `c` or `a`, acts and an emotion, a colon, the words.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

TOPICS = frozenset(
    [
        "物流延迟",
        "物流查询",
        "发错漏发",
        "尺码不符",
        "质量",
        "退换货",
        "退款",
        "价格",
        "发票",
        "订单修改",
        "安装维修",
        "商品咨询",
        "账户支付",
        "客服响应慢",
    ]
)
ACTS = {
    "customer": frozenset(
        [
            "ask",
            "ask_again",
            "request",
            "inform",
            "complain",
            "threaten",
            "give_up",
            "sarcasm",
            "remind_promise",
            "accept",
            "refuse",
            "thank",
            "calm",
            "small",
        ]
    ),
    "agent": frozenset(
        [
            "greet",
            "close",
            "answer",
            "evade",
            "hold",
            "ask_info",
            "confirm",
            "apologise",
            "empathise",
            "promise",
            "offer",
            "refuse",
            "explain",
            "blame",
            "rude",
            "small",
        ]
    ),
}
#: The act of the customer that a kind of moment is, and the other way round.
ACT_OF = {
    "churn_signal": "give_up",
    "escalation": "threaten",
    "repeat": "ask_again",
    "recovery": "calm",
    "irony": "sarcasm",
    "broken_promise": "remind_promise",
}
KINDS = frozenset({*ACT_OF, "no_answer", "silence"})
EMOTIONS = frozenset(["HAPPY", "SAD", "ANGRY", "NEUTRAL", "FEARFUL", "DISGUSTED", "SURPRISED", "EMO_UNKNOWN"])
EVENTS = frozenset(["BGM", "Speech", "Applause", "Laughter", "Cry", "Sneeze", "Breath", "Cough"])
FAULTS = frozenset(
    [
        "未正面回应",
        "推诿",
        "态度",
        "抢话",
        "未安抚",
        "未给时限",
        "承诺过度",
        "索要敏感信息",
        "引导线下",
        "打断",
        "重复索要信息",
        "未挽留",
    ]
)
TRUTH = ("topics", "moments", "promises", "masked", "kept", "agent_ok", "faults", "satisfaction", "risk")
#: A telling silence lasts two seconds (labels.md); times are written to a tenth.
LEAST_SILENCE_S = 1.9
#: A moment begins with a segment; times were rounded.
TOLERANCE_S = 0.05
#: Sentences up to so many characters are set phrases, which many people say.
SET_PHRASE = 6
_EXCHANGE_LINE = re.compile(r"(?P<role>[ca]) (?P<marks>[^:：]*)[:：] *(?P<text>.+)")


def problems(call: dict[str, Any]) -> Iterator[str]:
    """Name everything in which a labelled call does not follow the guide."""
    segments, truth = call.get("segments", []), call.get("truth", {})
    if len(segments) < 2:
        yield "fewer than two segments"
    yield from _segment_problems(segments)
    missing = [name for name in TRUTH if name not in truth]
    if missing:
        yield f"truth lacks {', '.join(missing)}"
        return
    yield from _moment_problems(segments, truth)
    yield from _label_problems(segments, truth)


def _segment_problems(segments: Sequence[Sequence[Any]]) -> Iterator[str]:
    last_s = 0.0
    for number, (start_s, end_s, role, _text, *rest) in enumerate(segments, start=1):
        where = f"segment {number}"
        if not last_s <= start_s < end_s:
            yield f"{where}: from {start_s} to {end_s} s, after a segment that begins at {last_s} s"
        last_s = start_s
        if role not in ACTS:
            yield f"{where}: role {role!r}, expected agent or customer"
            continue
        emotion, events, acts = (*rest, *(None,) * (3 - len(rest)))
        if emotion is not None and emotion not in EMOTIONS:
            yield f"{where}: emotion {emotion!r}"
        if events is not None and not (events and EVENTS.issuperset(events)):
            yield f"{where}: events {events}"
        if acts is not None and not (acts and ACTS[role].issuperset(acts)):
            yield f"{where}: acts {acts} of the {role}"


def _moment_problems(segments: Sequence[Sequence[Any]], truth: dict[str, Any]) -> Iterator[str]:
    has_acts = all(len(segment) > 6 for segment in segments)
    marked = [*truth["moments"], *truth.get("optional", ())]
    for kind, at_s in marked:
        if kind not in KINDS:
            yield f"moment {kind!r} is no kind of the guide"
        elif kind == "silence":
            yield from _silence_problems(segments, at_s)
        else:
            begun = [segment for segment in segments if abs(segment[0] - at_s) <= TOLERANCE_S]
            if not begun:
                yield f"{kind} at {at_s} s: no segment begins there"
            elif has_acts and kind in ACT_OF and not any(ACT_OF[kind] in segment[6] for segment in begun):
                yield f"{kind} at {at_s} s: the segment does not {ACT_OF[kind]}"
    if has_acts:
        kinds = {kind for kind, _at in marked}
        for kind, act in ACT_OF.items():
            if kind != "repeat" and kind not in kinds and any(act in segment[6] for segment in segments):
                yield f"somebody does {act}, and no {kind} is marked"


def _silence_problems(segments: Sequence[Sequence[Any]], at_s: float) -> Iterator[str]:
    if not any(abs(segment[1] - at_s) <= 0.6 for segment in segments):
        yield f"silence at {at_s} s: no segment ends there"
    following = [segment[0] for segment in segments if segment[0] > at_s + 0.5]
    if following and min(following) - at_s < LEAST_SILENCE_S:
        yield f"silence at {at_s} s lasts {min(following) - at_s:.1f} s"


def _label_problems(segments: Sequence[Sequence[Any]], truth: dict[str, Any]) -> Iterator[str]:
    text = "\n".join(segment[3] for segment in segments)
    yield from (f"topic {name!r}" for name in {*truth["topics"], *truth.get("topics_optional", ())} - TOPICS)
    yield from (f"{part!r} is in no segment" for part in (*truth["masked"], *truth["kept"]) if part not in text)
    for action, by in (*truth["promises"], *truth.get("promises_optional", ())):
        if by not in text:
            yield f"promise {action} {by!r}: its time is in no segment"
    if truth["agent_ok"] not in (True, False, None):
        yield f"agent_ok {truth['agent_ok']!r}"
    if truth["agent_ok"] is True and truth["faults"]:
        yield "the agent is ok and has faults"
    yield from (f"fault {name!r}" for _at, name in truth["faults"] if name not in FAULTS)
    if truth["satisfaction"] not in range(-2, 3):
        yield f"satisfaction {truth['satisfaction']}"
    if not truth["risk"] or not {"high", "medium", "low"}.issuperset(truth["risk"]):
        yield f"risk {truth['risk']}"


def exchange_problems(text: str) -> Iterator[str]:
    """Name everything that is wrong in a file of exchanges.

    Two exchanges may share a sentence only where the second follows the first, as a pair in which the same words do
    something else.
    """
    said: defaultdict[str, list[int]] = defaultdict(list)
    names: set[str] = set()
    head, *blocks = re.split(r"^## ", text, flags=re.MULTILINE)
    if head.strip():
        yield f"{head.strip()[:40]!r} belongs to no exchange"
    for place, block in enumerate(blocks):
        name, *lines = filter(None, map(str.strip, block.splitlines()))
        if name in names:
            yield f"exchange {name} is there twice"
        names.add(name)
        if not lines:
            yield f"exchange {name}: nobody says anything"
        for line in lines:
            match = _EXCHANGE_LINE.fullmatch(line)
            if match is None:
                yield f"exchange {name}: {line!r} is no line of an exchange"
                continue
            yield from (f"exchange {name}: {problem}" for problem in _mark_problems(match["role"], match["marks"]))
            said[match["text"]].append(place)
    for words, places in said.items():
        if len(words) > SET_PHRASE and (len(places) > 2 or places[-1] - places[0] > 1):
            yield f"{words!r} is said in exchanges {', '.join(str(place + 1) for place in places)}"


def _mark_problems(letter: str, marks: str) -> Iterator[str]:
    role = "customer" if letter == "c" else "agent"
    acts = [mark for mark in marks.split() if not mark.isupper()]
    yield from (f"emotion {mark!r}" for mark in marks.split() if mark.isupper() and mark not in EMOTIONS)
    yield from (f"act {act!r} of the {role}" for act in acts if act.rstrip("?~") not in ACTS[role])
    if not acts:
        yield "a line without an act"


def check(path: Path) -> list[str]:
    """Return the problems of a file, each with its line or exchange; ids must be unique in it."""
    if path.suffix == ".txt":
        return [f"{path}: {problem}" for problem in exchange_problems(path.read_text("utf-8"))]
    found, ids = [], set()
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        call = json.loads(line)
        found += [f"{path}:{number}: {call['id']}: {problem}" for problem in problems(call)]
        if call["id"] in ids:
            found.append(f"{path}:{number}: {call['id']} is there twice")
        ids.add(call["id"])
    return found


def main(arguments: Sequence[str]) -> int:
    """Check files and print what is wrong."""
    found = [problem for name in arguments for problem in check(Path(name))]
    sys.stdout.writelines(f"{problem}\n" for problem in found)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
