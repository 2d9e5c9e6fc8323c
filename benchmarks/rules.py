"""Measure rules: 200 rules over 3,000 stored calls, and the replay of an edited rule over 90,000.

    python -m benchmarks.rules [--calls 90000]

writes benchmarks/results/rules.json and prints it. A single process and core; the calls are read from a real SQLite
store. Seconds are wall and processor time: on a busy machine the second is what a core needs. Bars: 10 s for the
first, 60 s for the second, and cost that grows no faster than the number of calls or rules. The calls are made from
the conversations of the tests beside the starter rules, chained to about three minutes, a seventh of them
conversations that hit a rule; the 200 rules are the starter rules and variants of them under other ids and with other
words.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import yaml

from benchmarks.machine import describe
from qareport import rules
from qareport.codec import to_json
from qareport.model import Call, Segment, Transcript
from qareport.rules.rule_tests import load_rule_tests
from qareport.settings import default_dir
from qareport.store import Store
from qareport.store.schema import CallReportRow, CallRow, CallSnapshotRow
from qareport.workflows import judge
from qareport.workflows.judge import RuleBook, judge_call
from qareport.workflows.workspace import Workspace

RESULT = Path(__file__).parent / "results" / "rules.json"
CALL_MS = 180_000
#: Share of the conversations in a call that are written to hit a rule.
FAULTY = 0.15
#: Pairs of characters: each round of variants replaces the first by the second.
VARIED = ("货件", "退还", "发寄", "您你")
#: Calls that are judged by many rules; the replay has all.
JUDGED = 3000
BEGIN = datetime.fromisoformat("2026-10-01T09:00:00+08:00")


def make_rules(folder: Path, count: int) -> None:
    """Write `count` rules: the starter rules, then variants of them whose words differ in one character."""
    config = default_dir("config") / "rules"
    documents = [
        rule
        for path in sorted(config.glob("*.yaml"))
        if not path.name.endswith(".test.yaml") and path.name != "synonyms.yaml"
        for rule in yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)["rules"]  # noqa: S506 - text only
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "synonyms.yaml").write_text((config / "synonyms.yaml").read_text("utf-8"), "utf-8")
    written = []
    for index, rule in enumerate(itertools.islice(itertools.cycle(documents), count)):
        round_ = index // len(documents)
        varied = json.loads(json.dumps(rule))
        if round_:
            letter = VARIED[(round_ - 1) % len(VARIED)]
            when = json.dumps(rule["when"], ensure_ascii=False).replace(letter[0], letter[1])
            varied |= {"id": f"v{round_}.{rule['id']}", "when": json.loads(when)}
        written.append(varied)
    (folder / "many.yaml").write_text(
        _numbers(yaml.safe_dump({"schema": 1, "rules": written}, allow_unicode=True)), "utf-8"
    )


def _numbers(text: str) -> str:
    """Take the quotes off plain numbers: they were read as text, so that `10s` stays what it is."""
    return (
        "\n".join(
            line.replace("'", "")
            if line.rsplit(" ", 1)[-1].strip("'").lstrip("-").replace(".", "", 1).isdigit()
            else line
            for line in text.splitlines()
        )
        + "\n"
    )


def make_calls(rule_book: RuleBook, count: int, *, length_ms: int = CALL_MS) -> Iterator[Transcript]:
    """Chain conversations of the tests until a call is about as long as wanted."""
    rng = random.Random(7)
    cases = load_rule_tests(rule_book.ruleset)
    faulty = [case.transcript.segments for case in cases if case.must_hit]
    calm = [case.transcript.segments for case in cases if not case.must_hit]
    for number in range(count):
        segments: list[Segment] = []
        at_ms = 0
        while at_ms < length_ms:
            talk = rng.choice(faulty if rng.random() < FAULTY else calm)
            shift_ms = at_ms - talk[0].start_ms
            for segment in talk:
                shifted = replace(segment, start_ms=segment.start_ms + shift_ms, end_ms=segment.end_ms + shift_ms)
                segments.append(shifted)
            at_ms = max(segment.end_ms for segment in segments) + rng.randint(300, 2500)
        yield Transcript(
            call_id=f"c{number}",
            order_id=f"o{number // 2}",
            agent_id=f"a{number % 40}",
            started_at=BEGIN + timedelta(seconds=20 * number),
            segments=tuple(segments),
        )


def fill(store: Store, rule_book: RuleBook, count: int, *, begin: int = 0, distinct: int = 1000) -> None:
    """Store judged calls, from number `begin` up to `count`; after `distinct` the same conversations come again."""
    store.rule_sets.put(rule_book.ruleset.sha256, rule_book.ruleset.files)
    reports = []
    for transcript in make_calls(rule_book, min(count, distinct)):
        call = Call(call_id=transcript.call_id, audio_path="", order_id=transcript.order_id)
        reports.append(judge_call(call, transcript, rule_book))
    for start in range(begin, count, 1000):
        with store.database.write() as session:
            for number in range(start, min(start + 1000, count)):
                began = BEGIN + timedelta(seconds=20 * number)
                report = replace(
                    reports[number % len(reports)],
                    call_id=f"c{number}",
                    agent_id=f"a{number % 40}",
                    started_at=began,
                )
                sha256 = rule_book.ruleset.sha256
                scene = rules.CallSnapshot.take(report, f"o{number // 2}").to_json()
                session.add(CallReportRow(key=f"k{number}", report=to_json(report), rules_sha256=sha256))
                session.add(CallSnapshotRow(key=f"k{number}", rules_sha256=sha256, snapshot=scene))
                session.flush()
                session.add(
                    CallRow(
                        call_id=f"c{number}",
                        order_id=f"o{number // 2}",
                        call="{}",
                        started_at=began.isoformat(),
                        report_key=f"k{number}",
                    )
                )


def judge_all(store: Store, rule_book: RuleBook, ruleset: rules.RuleSet, limit: int) -> dict[str, float]:
    """Match every rule of a set against stored calls, from reading them to their scores; returns seconds."""
    started, worked = time.perf_counter(), time.process_time()
    for call in itertools.islice(judge.stored_judgements(store), limit):
        if call is not None:
            context = call.snapshot.context(ruleset.stages, call.earlier())
            rules.judge_context(ruleset.rules, context, rule_book.settings.score)
    return _seconds(started, worked)


def _seconds(started: float, worked: float) -> dict[str, float]:
    wall, cpu = time.perf_counter() - started, time.process_time() - worked
    return {"wall": round(wall, 2), "cpu": round(cpu, 2)}


def edited(folder: Path, words: str, by: str) -> rules.RuleSet:
    """Return the starter rules with a rule edited."""
    source = default_dir("config") / "rules"
    folder.mkdir()
    for path in source.glob("*.yaml"):
        if not path.name.endswith(".test.yaml"):
            text = path.read_text("utf-8")
            (folder / path.name).write_text(text.replace(words, by, 1), "utf-8")
    return rules.load(folder)


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=90_000)
    count = parser.parse_args().calls
    rule_book = Workspace.open(config=default_dir("config")).rule_book
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sets = {}
        for size in (50, 100, 200):
            make_rules(folder / f"rules{size}", size)
            sets[size] = rules.load(folder / f"rules{size}")
        words = edited(folder / "words", "没发货, 不发货]", "没发货]")
        silence = edited(folder / "silence", "silence: 10s", "silence: 6s")
        acts = edited(folder / "acts", "customer does: give_up", "customer does: {act: give_up, score: 0.8}")
        with Store(f"sqlite:///{folder / 'bench.db'}") as store:
            fill(store, rule_book, min(count, JUDGED))
            by_calls = {n: judge_all(store, rule_book, sets[200], n) for n in (JUDGED // 4, JUDGED // 2, JUDGED)}
            by_rules = {n: judge_all(store, rule_book, sets[n], JUDGED) for n in (50, 100)} | {200: by_calls[JUDGED]}
            fill(store, rule_book, count, begin=JUDGED)
            replays = {}
            for label, ruleset in (("word_rule", words), ("silence_rule", silence), ("act_rule", acts)):
                started, worked = time.perf_counter(), time.process_time()
                result = rules.replay(ruleset, judge.stored_judgements(store), rule_book.settings.score)
                replays[label] = {
                    "seconds": _seconds(started, worked),
                    "calls": result.calls,
                    "gained": len(result.gained),
                    "lost": len(result.lost),
                }
    written = {
        "command": "python -m benchmarks.rules",
        "machine": describe(),
        "judge_200_rules_seconds_by_calls": by_calls,
        "judge_3000_calls_seconds_by_rules": by_rules,
        "replay_one_edited_rule": replays,
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    print(RESULT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
