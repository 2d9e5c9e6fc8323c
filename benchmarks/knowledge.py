"""Score what is learned from good calls; writes results/knowledge.json.

    python -m benchmarks.knowledge [--show BATCH…]

reads, judges and mines the calls of which pairs are marked (`corpus/pairs.md`) as the product does, and compares: was
the call solved (the gate), and which sentences of the agent are an answer that holds for everyone. The batches that
were looked at while the miner was made stand apart from the held-out ones, and from the figures with the acts of the
labels in place of those that the bundled reader finds. `--show` prints what went wrong, and writes nothing.

    python -m benchmarks.knowledge --calls 90000 [--processes 2]

fills a store with calls of three minutes made from the corpus, each with a few other words, and measures the time and
the memory of `qareport qa mine` in a process of its own, then of an export of 1,000 approved pairs, in which personal
data is searched.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import insert

from benchmarks.analysis import three_minutes
from benchmarks.machine import describe
from benchmarks.understanding import HELD_OUT_BATCHES, kind_of_writing
from corpus.pairs import HERE, MAYBE, YES, MarkedCall, marked_batches, read_marks
from corpus.score import Count, total
from qareport import privacy
from qareport.analysis.qa_pairs import find_pairs
from qareport.analysis.solved import is_solved
from qareport.codec import to_json
from qareport.model import Agents, AuditEntry, Call, CallReport, QaFilter, QaKind, QaState
from qareport.settings import default_dir
from qareport.store import Store
from qareport.store.schema import CallReportRow, CallRow
from qareport.workflows.judge import RuleBook, judge_call
from qareport.workflows.qa_mining import ALL_KINDS
from qareport.workflows.workspace import Workspace
from tests.support.corpus_calls import read_cases, transcript_of

RESULT: Final = Path(__file__).parent / "results" / "knowledge.json"
#: Calls that are made anew; the others are copies with other words.
POOL: Final = 300
EXPORTED: Final = 1000
_FILLERS = "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么"


@dataclass(frozen=True, slots=True)
class Scored:
    """How what is found in one call compares with its marks."""

    case: Mapping[str, Any]
    gate: Count
    answers: Count
    #: Numbers of sentences that are no answer and were found as one, and of those that were not found.
    false: tuple[int, ...] = ()
    missed: tuple[int, ...] = ()


def score(case: Mapping[str, Any], marked: MarkedCall, rule_book: RuleBook, *, with_acts: bool) -> Scored:
    """Mine a labelled call, and compare; a call that may be solved or not counts neither way."""
    if marked.solved == MAYBE:
        return Scored(case, Count(), Count())
    report = _report(case, rule_book, with_acts=with_acts)
    solved = is_solved([segment for segment in report.segments if segment.text.strip()])
    wanted = marked.solved == YES
    pairs = [pair for pair in find_pairs(report) if pair.kind is QaKind.ANSWER]
    found = {place + 1 for pair in pairs for place in pair.answer_places}
    false, missed = found - marked.answers - marked.optional, marked.answers - found
    return Scored(
        case,
        Count(solved and wanted, solved and not wanted, wanted and not solved),
        Count(len(found & marked.answers), len(false), len(missed)),
        tuple(sorted(false)),
        tuple(sorted(missed)),
    )


def _report(case: Mapping[str, Any], rule_book: RuleBook, *, with_acts: bool) -> CallReport:
    transcript = transcript_of(dict(case), with_acts=with_acts)
    call = Call(call_id=transcript.call_id, audio_path="", order_id=transcript.order_id, agent_id="A001")
    report = judge_call(call, transcript, rule_book, earlier=())
    return replace(report, segments=privacy.mask_segments(report.segments, ALL_KINDS).segments)


def score_batches(batches: Sequence[str], rule_book: RuleBook, *, with_acts: bool = False) -> list[Scored]:
    """Score the marked calls of batches."""
    marks = {marked.call_id: marked for name in batches for marked in read_marks(HERE / "pairs" / f"{name}.txt")}
    return [
        score(case, marks[case["id"]], rule_book, with_acts=with_acts)
        for case in read_cases(batches)
        if case["id"] in marks
    ]


def figures(scored: Sequence[Scored]) -> dict[str, Any]:
    """Add up the gate and the answers."""
    named = {"gate": [item.gate for item in scored], "answers": [item.answers for item in scored]}
    return {"calls": len(scored)} | {name: _rates(total(counts)) for name, counts in named.items()}


def _rates(count: Count) -> dict[str, Any]:
    rates = {name: getattr(count, name) for name in ("precision", "recall", "f1")}
    return count._asdict() | {name: None if rate is None else round(rate, 3) for name, rate in rates.items()}


def measure_marks(rule_book: RuleBook) -> dict[str, Any]:
    """Score the batches that were looked at and the held-out ones, as a whole and by how they were written."""
    measured: dict[str, Any] = {}
    for name, held_out in (("looked_at", False), ("held_out", True)):
        batches = [batch for batch in marked_batches() if (batch in HELD_OUT_BATCHES) == held_out]
        scored = score_batches(batches, rule_book)
        measured[name] = {"batches": batches, "as_the_product_reads": figures(scored)}
        for kind in ("rewritten", "free"):
            measured[name][kind] = figures([item for item in scored if kind_of_writing(item.case) == kind])
        measured[name]["with_the_acts_of_the_labels"] = figures(score_batches(batches, rule_book, with_acts=True))
    return measured


def show(scored: Sequence[Scored]) -> None:
    """Print what went wrong in each call."""
    for item in scored:
        said = {number: segment[3] for number, segment in enumerate(item.case["segments"], start=1)}
        wrong = [f"false {number} {said[number]}" for number in item.false]
        wrong += [f"missed {number} {said[number]}" for number in item.missed]
        gate = "let through" if item.gate.false else "kept out" if item.gate.missed else ""
        if wrong or gate:
            print(item.case["id"], gate, *wrong, sep="\n  ")


def fill(store: Store, calls: int, rule_book: RuleBook) -> None:
    """Put calls into a store, past the search index: 300 judged ones of three minutes, over and over in other words."""
    pool = [transcript_of(case, with_acts=False) for case in read_cases() if case["id"].rstrip("0123456789") != "A"]
    random.Random(20).shuffle(pool)
    judged = []
    for number in range(min(POOL, calls)):
        transcript = three_minutes(number, pool)
        call = Call(call_id=transcript.call_id, audio_path="", agent_id="A001")
        judged.append(judge_call(call, transcript, rule_book, earlier=()))
    with store.database.write() as session:
        for first in range(0, calls, 500):
            reports = [_copy(judged[number % len(judged)], number) for number in range(first, min(first + 500, calls))]
            session.execute(insert(CallReportRow), [_report_row(report) for report in reports])
            session.execute(insert(CallRow), [_call_row(report) for report in reports])


def _copy(report: CallReport, number: int) -> CallReport:
    """Return a call with another name and agent, in which every other sentence has two more characters."""
    dice = random.Random(number)
    segments = tuple(
        replace(segment, text=segment.text + "".join(dice.choices(_FILLERS, k=2))) if dice.random() < 0.5 else segment
        for segment in report.segments
    )
    return replace(report, call_id=f"C{number:07d}", agent_id=f"A{number % 120:03d}", segments=segments)


def _report_row(report: CallReport) -> dict[str, Any]:
    key = report.call_id.rjust(64, "0")
    return {"key": key, "report": to_json(report), "rules_sha256": "0" * 64, "call_id": report.call_id}


def _call_row(report: CallReport) -> dict[str, Any]:
    call = Call(call_id=report.call_id, audio_path="", agent_id=report.agent_id)
    key = report.call_id.rjust(64, "0")
    return {"call_id": report.call_id, "agent_id": report.agent_id, "call": to_json(call), "report_key": key}


def measure_speed(calls: int, processes: int, rule_book: RuleBook) -> dict[str, Any]:
    """Measure `qareport qa mine` over stored calls, again with nothing to do, and an export of approved pairs."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        url = f"sqlite:///{folder}/q.db"
        with Store(url) as store:
            fill(store, calls, rule_book)
        mined = _run("qa", "mine", "--processes", str(processes), "--store", url)
        again = _run("qa", "mine", "--processes", str(processes), "--store", url)
        with Store(url) as store:
            states = store.qa_pairs.count_states(Agents())
            groups = store.qa_pairs.list(QaFilter(), Agents(), limit=1)[1]
            _approve(store, EXPORTED)
        exported = _run("export", "qa", "--format", "jsonl", "-o", f"{folder}/qa.jsonl", "--store", url)
        lines = Path(folder, "qa.jsonl").read_text("utf-8").splitlines()
    texts = [json.loads(line)[name] for line in lines for name in ("question", "answer", "rejected")]
    return {
        "calls": calls, "processes": processes, "pairs": sum(states.values()), "groups": groups, "mine": mined,
        "mine_again": again, "export": exported, "rows_exported": len(lines),
        "personal_data_in_them": sum(len(privacy.find(text)) for text in texts),
    }  # fmt: skip


def _approve(store: Store, most: int) -> None:
    pairs, _ = store.qa_pairs.list(QaFilter(), Agents(), limit=most)
    at = datetime.now(UTC)
    for pair in pairs:
        entry = AuditEntry(at=at, actor="benchmark", actor_kind="system", action="qa.approved")
        store.qa_pairs.decide(pair, QaState.APPROVED, entry, at=at, user_id=None)


def _run(*arguments: str) -> dict[str, float]:
    """Run a command; return its seconds, processor seconds with those of children, and the most memory it held."""
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "qareport", *arguments], stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"qareport {' '.join(arguments)} ended with {os.waitstatus_to_exitcode(status)}")
    return {
        "seconds": round(time.monotonic() - started, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_memory_mib": used.ru_maxrss // 1024,
    }


def write(**parts: Any) -> None:
    """Replace parts of the result, and leave the others as they are."""
    result = json.loads(RESULT.read_text("utf-8")) if RESULT.exists() else {}
    RESULT.write_text(json.dumps({**result, **parts}, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Measure, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--show", nargs="+", metavar="BATCH", help="what went wrong, of batches that may be looked at")
    parser.add_argument("--calls", type=int, help="measure time and memory over so many stored calls instead")
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args()
    rule_book = Workspace.open(config=default_dir("config")).rule_book
    if chosen.show:
        show(score_batches(chosen.show, rule_book))
    elif chosen.calls:
        speed = measure_speed(chosen.calls, chosen.processes, rule_book)
        print(speed)
        kept = json.loads(RESULT.read_text("utf-8")).get("speed", {}) if RESULT.exists() else {}
        write(machine=describe(), speed={**kept, str(chosen.calls): speed})
    else:
        marks = measure_marks(rule_book)
        for name, parts in _flat(marks):
            print(f"{name:40} gate {parts['gate']}\n{'':40} answers {parts['answers']}")
        write(machine=describe(), marks=marks)


def _flat(marks: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, parts in marks.items():
        yield from ((f"{name} {part}", values) for part, values in parts.items() if part != "batches")


if __name__ == "__main__":
    main()
