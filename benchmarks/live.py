"""Measure live calls as a supervisor meets them: how late sentences, signals and rules come, and what kills lose.

    python -m benchmarks.live [--calls 50] [--only A6,A7,A8,A9,A10,core] [--kills 5] [--seed 1]

runs `qareport serve` with the bundled model, plays the bundled calls to it in real time (8 kHz, two channels, own
protocol) and follows `/api/v1/live/stream`, which the board shows. Parts:

    A6    so many calls at once: final text, signals, rules after their windows
    A7    one call alone: final text and first partial
    A8    ten calls more than `live.max_calls`, and three uploads at the same time
    A9    each bundled call once: alerts borne out, findings that the recording's result lacks, text beside the script
          and beside the recording heard without joining, an alert for each scripted escalation
    A10   the worker killed while it hears calls and uploads (`benchmarks.live_kills`)
    core  so many calls on a core of its own, in processor time: for machines that others work on, too

On a busy machine wall time says little: `machine` says how many cores of it worked, and how many for others. Adds to
benchmarks/results/live.json, an entry for each part and number of calls.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from benchmarks.live_core import OneCore
from benchmarks.live_desk import RATE, LiveDesk, Telephone, open_live_desk, say, scripts, wait_until
from benchmarks.live_figures import Delays, Told, character_errors, escalations
from benchmarks.live_kills import kill_workers
from benchmarks.machine import describe
from qareport import settings
from qareport.audio.streaming import WavAppender
from qareport.errors import NotFoundError
from qareport.model import Call, LiveState, Role, Transcript
from tests.support.live_calls import engine
from tests.support.serving import wait_for

RESULT = Path(__file__).parent / "results" / "live.json"
#: Bars: a percentile and its milliseconds. The board draws what comes at once; its own share is under 0.1 s.
MANY: Final = {
    "final": ("p95_ms", 1500), "signal": ("p95_ms", 2000), "rule": ("p95_ms", 2000),
}  # fmt: skip
ALONE: Final = {"final": ("p95_ms", 900), "first": ("p95_ms", 1200)}
#: Calls begin within so many seconds.
SPREAD_S: Final = 10.0
#: Share of confirmed findings that the result of the recording may lack.
MOST_LACKING: Final = 0.05
#: In seconds: so long the results of recordings are waited for.
MERGED_S: Final = 120.0
#: Calls past `live.max_calls`, and uploads, of A8.
TOO_MANY, UPLOADS = 10, 3


def telephones(count: int, prefix: str, *, spread_s: float = SPREAD_S) -> list[Telephone]:
    """Return calls: the bundled recordings one after the other, those of two channels; begun within some seconds."""
    two = [script for script in scripts() if "mono" not in script["audio"]]
    return [
        Telephone(
            call_id=f"{prefix}-{number}", script=two[number % len(two)], agent_id=f"A{number % 8}",
            after_s=number * spread_s / count,
        )
        for number in range(count)
    ]  # fmt: skip


@contextmanager
def watched(desk: LiveDesk, figures: dict[str, Any], calls: Sequence[Telephone]) -> Iterator[None]:
    """Note what each process and others on the machine did meanwhile, in cores, and whether telephones kept time."""
    before, began = desk.processor_s(), time.monotonic()
    yield
    passed_s = time.monotonic() - began
    cores = {name: round((used - before[name]) / passed_s, 2) for name, used in desk.processor_s().items()}
    whole = cores.pop("machine")
    figures["machine"] = {
        "cores_in_use": whole, **cores, "others": round(whole - sum(cores.values()), 2),
        "load_average": round(os.getloadavg()[0], 1), "seconds": round(passed_s),
        "telephones_late_ms": round(max(call.late_ms for call in calls)),
    }  # fmt: skip


def told(desk: LiveDesk, calls: Sequence[Telephone]) -> list[Told]:
    """Wait until the calls are over; return what was told of them."""
    taken = [call for call in calls if not call.refused]

    def are_over() -> bool:
        ended = {event["live_id"] for _, event in list(desk.follower.events) if event["type"] == "live.ended"}
        return all(desk.follower.live_ids.get(call.call_id) in ended for call in taken)

    wait_for(are_over, what="the ends of the calls")
    return [Told.of(call, desk.follower.of(call.call_id)) for call in taken]


def measure_many(calls: int, folder: Path, *, too_many: int = 0, uploads: int = 0) -> dict[str, Any]:
    """A6 and A8: many calls at once."""
    figures: dict[str, Any] = {"calls": calls}
    with open_live_desk(folder, max_calls=calls) as desk:
        made = telephones(calls, "call")
        late = [replace(call, after_s=SPREAD_S + 3) for call in telephones(too_many, "late")]
        with watched(desk, figures, made):
            content = (settings.bundled_calls() / "c01-shipping-doubt.ogg").read_bytes()
            put = [desk.upload(f"{n}.ogg", content + bytes(n), f"upload-{n}") for n in range(1, uploads + 1)]
            desk.call([*made, *late])
        heard = told(desk, made)
        delays = Delays.of(heard).summary(MANY)
        figures |= {"cut_off": [f"{call.call_id} {call.refused}" for call in made if call.refused], **delays}
        if too_many:
            figures["refused"] = sorted(call.refused for call in late)
        if uploads:
            figures["uploads"] = [_end_of(desk, number) for number in put]
    return figures


def _end_of(desk: LiveDesk, upload: int) -> str:
    def state() -> str | None:
        found = str(desk.client.get(f"/api/v1/uploads/{upload}").json()["state"])
        return found if found in ("done", "failed", "cancelled") else None

    return wait_for(state, what="the upload", seconds=900)


def measure_alone(folder: Path, *, calls: int = 3) -> dict[str, Any]:
    """A7: one call, and then another."""
    figures: dict[str, Any] = {"calls": calls}
    with open_live_desk(folder, max_calls=calls) as desk:
        made = telephones(calls, "alone", spread_s=0)
        with watched(desk, figures, made):
            for call in made:
                desk.call([call])
        figures |= Delays.of(told(desk, made)).summary(ALONE)
    return figures


def measure_results(folder: Path, *, at_once: int) -> dict[str, Any]:
    """A9 and the text: each bundled call once, live and then from its recording."""
    longest = sorted(scripts(), key=lambda script: -max(turn["end_ms"] for turn in script["turns"]))
    made = [Telephone(call_id=script["call_id"], script=script) for script in longest]
    figures: dict[str, Any] = {"calls": len(made), "at_once": at_once}
    with open_live_desk(folder, max_calls=at_once + 1, is_masked=False) as desk:
        with watched(desk, figures, made):
            desk.call(made, at_once=at_once)
        heard = told(desk, made)
        figures["cut_off"] = [f"{call.call_id} {call.refused}" for call in made if call.refused]
        say("all calls are over; their recordings are judged")
        figures |= _borne_out(desk, heard)
    figures["escalations"] = escalations(heard)
    figures |= _text(heard, folder)
    figures["meets"] = (
        not figures["unmerged"] and not figures["unmarked"] and figures["share_lacking"] <= MOST_LACKING
        and figures["escalations"]["meets"]
    )  # fmt: skip
    return figures


def _borne_out(desk: LiveDesk, heard: Sequence[Told]) -> dict[str, Any]:
    """Compare what was told of calls with the results of their recordings."""
    live = {call.call_id: desk.follower.live_ids[call.call_id] for call in heard}

    def unmerged() -> list[str]:
        states = {call_id: desk.store.live_calls.get(live_id).state for call_id, live_id in live.items()}
        return [f"{call_id} {state}" for call_id, state in states.items() if state is not LiveState.MERGED]

    wait_until(lambda: not unmerged(), seconds=MERGED_S)
    alerts = desk.store.alerts.list_of(list(live.values()))
    confirmed, lacking = 0, []
    for call in heard:
        try:
            batch = {finding.rule_id for finding in desk.store.results.get(call.call_id).findings}
        except NotFoundError:
            continue
        own = [data for _, data in call.of_type("live.finding") if data["state"] == "confirmed"]
        confirmed += len(own)
        lacking += [f"{call.call_id} {data['rule_id']} {data['at_ms']}" for data in own if data["rule_id"] not in batch]
    return {
        "unmerged": unmerged(), "alerts": len(alerts), "unmarked": sum(alert.borne_out is None for alert in alerts),
        "borne_out": sum(alert.borne_out is True for alert in alerts),
        "not_borne_out": [
            f"{alert.call_id} {alert.subject} {alert.at_ms}" for alert in alerts if alert.borne_out is False
        ],
        "confirmed": confirmed, "lacking": lacking, "share_lacking": round(len(lacking) / max(1, confirmed), 3),
    }  # fmt: skip


def _text(heard: Sequence[Told], folder: Path) -> dict[str, Any]:
    """Compare what was heard live, and the same sound heard as a recording without joining, with the scripts."""
    alone = replace(engine(), asr=replace(engine().asr, merge=False))
    wrong, count = [0, 0], 0
    for call in heard:
        say(f"{call.call_id} is heard as a recording")
        sound = Telephone(call_id=call.call_id, script=dict(call.script)).sound
        path = folder / f"{call.call_id}.wav"
        wav = WavAppender(path, RATE, len(sound))
        wav.append(sound.T)
        wav.close()
        roles = (Role.AGENT, Role.CUSTOMER) if len(sound) == 2 else ()
        recording = Call(call_id=call.call_id, audio_path=str(path), channel_roles=roles)
        transcript = alone.transcribe_aloud(recording, on_lines=lambda _: None)
        segments = transcript.segments if isinstance(transcript, Transcript) else ()
        lines: list[list[Mapping[str, Any]]] = [
            [data for _, data in call.of_type("live.line")],
            [
                {"role": segment.role.value, "start_ms": segment.start_ms, "text": segment.text}
                for segment in segments
            ],
        ]  # fmt: skip
        for place, own in enumerate(lines):
            errors, characters = character_errors(call.script, own)
            wrong[place] += errors
        count += characters
    live, batch = (errors / count for errors in wrong)
    return {
        "characters": count, "live_cer": round(live, 4), "recording_cer": round(batch, 4),
        "text_meets": live - batch <= 0.01,
    }  # fmt: skip


def measure_core(calls: int, *, most_s: float) -> dict[str, Any]:
    """Hear many calls by the processor time of one core."""
    core = OneCore()
    heard = core.hear(telephones(calls, "core"), most_s=most_s)
    figures = Delays.of(heard).summary(MANY)
    for name in ("unheard", "sentences", "alert"):  # it stops in the middle of calls, and has no desk
        del figures[name]
    return {
        "calls": calls, "seconds": round(core.passed_s), "busy": round(core.worked_s / core.passed_s, 2),
        "load_average": round(os.getloadavg()[0], 1), **figures,
    }  # fmt: skip


def main() -> None:
    """Measure what was asked for and write it beside what was measured before."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--at-once", type=int, default=6, help="calls at a time of A9")
    parser.add_argument("--only", default="A6,A7,A8,A9,A10", help="parts, with commas between them")
    parser.add_argument("--kills", type=int, default=5, help="of A10; each takes a minute")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=80, help="of `core`: seconds of its calls, at most")
    options = parser.parse_args()
    parts: dict[str, Callable[[Path], Mapping[str, Any]]] = {
        "A6": lambda folder: measure_many(options.calls, folder),
        "A7": measure_alone,
        "A8": lambda folder: measure_many(options.calls, folder, too_many=TOO_MANY, uploads=UPLOADS),
        "A9": lambda folder: measure_results(folder, at_once=options.at_once),
        "A10": lambda folder: kill_workers(folder, options.kills, random.Random(options.seed)),
        "core": lambda folder: measure_core(options.calls, most_s=options.seconds),
    }
    names = options.only.split(",")
    if strange := [name for name in names if name not in parts]:
        parser.error(f"no such part: {', '.join(strange)}")
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            figures = dict(parts[name](Path(folder)))
        print(json.dumps({name: figures}, ensure_ascii=False, indent=1), flush=True)
        known = json.loads(RESULT.read_text("utf-8"))["runs"] if RESULT.exists() else {}
        known[f"{name} {figures.get('calls', figures.get('kills'))}"] = figures
        result: dict[str, Any] = {"machine": describe(), "runs": dict(sorted(known.items()))}
        RESULT.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", "utf-8")
    sys.exit(0)


if __name__ == "__main__":
    main()
