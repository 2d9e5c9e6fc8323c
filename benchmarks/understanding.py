"""Score what is understood of labelled calls; writes results/understanding.json.

    python -m benchmarks.understanding [--show] [BATCH…]

reads, analyses and judges the held-out batches of `corpus/` with the shipped configuration, and compares with the
labels: by kind, writer and language, for freely written and for rewritten calls, with and without the errors of
recognisers, and what it costs. With names of batches, and with `--show` what went wrong in each call, nothing is
written: shown, a held-out batch is no longer held out.

    python -m benchmarks.understanding --public FOLDER [--more | --held-out | --fresh | --posts] [--show]

measures on real public dialogues, whose words are not in this repository: FOLDER has the files that
`corpus/README.md` names. The development set, unless another is asked for: `--more` of it, or one of the three held-out
ones. Intervals are of 95 %, by bootstrap over calls.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.analysis import three_minutes
from benchmarks.machine import describe
from benchmarks.recogniser_errors import alike_characters, spoil_calls
from corpus.public_dialogues import (
    DEVELOPMENT,
    FRESH,
    HELD_OUT,
    MOMENTS_ALONE,
    MORE,
    POSTS,
    case_of,
    read_dialogues,
    read_labels,
)
from corpus.score import ALARMS, KINDS, CallScore, Count, score_report, total
from qareport import privacy
from qareport.codec import to_json
from qareport.model import Call, CallReport, OrderReport, Provenance, Transcript
from qareport.settings import default_dir
from qareport.workflows.judge import RuleBook, judge_call
from qareport.workflows.workspace import Workspace
from tests.support.corpus_calls import read_cases, transcript_of
from tests.support.paths import ROOT

RESULT = Path(__file__).parent / "results" / "understanding.json"
CORPUS = ROOT / "corpus"
REWRITTEN = frozenset((CORPUS / "rewritten.txt").read_text("utf-8").split())
HELD_OUT_BATCHES = tuple((CORPUS / "held_out.txt").read_text("utf-8").split())
COUNTED: Final = (*KINDS, "topics", "promises")
#: Shares beside the counts: of how many calls or strings, and in how many it is so.
SHARES: Final = ("risk_right", "good_agents_accused", "poor_service_noticed", "leaks", "wrongly_masked")
#: What cannot be compared once words are spoiled, or where there are no words at all.
WORDS: Final = frozenset(("promises", "leaks", "wrongly_masked"))
RESAMPLES, SEED = 2000, 20261129
#: Calls of three minutes whose cost is measured; the best of so many runs.
COSTED, RUNS = 200, 2
#: Cantonese is written with these; Mandarin is not.
_CANTONESE = frozenset("嘅咗冇唔佢喺啲嗰畀睇咁哋嚟冚嘢")

Integers = npt.NDArray[np.int64]
Case = Mapping[str, Any]
Scored = tuple[Case, CallScore]


def report_of(transcript: Transcript, rule_book: RuleBook) -> tuple[CallReport, str]:
    """Judge a call that nobody knows yet, and return its report as it leaves the store, and that as JSON."""
    name = transcript.order_id or transcript.call_id
    call = Call(call_id=transcript.call_id, audio_path="", order_id=name, agent_id=transcript.agent_id)
    report = judge_call(replace(call, started_at=transcript.started_at), transcript, rule_book, earlier=())
    provenance = Provenance(qareport="", model="none", rules_sha256=rule_book.ruleset.sha256, audio_sha256=())
    order = OrderReport(order_id=name, calls=(report,), provenance=provenance)
    masked = privacy.mask_order(order, rule_book.settings.privacy.kinds)
    return masked.calls[0], to_json(masked)


def score_calls(cases: Iterable[Case], rule_book: RuleBook) -> list[Scored]:
    """Read, analyse and judge calls, and compare with their labels."""
    return [
        (case, score_report(case, *report_of(transcript_of(dict(case), with_acts=False), rule_book))) for case in cases
    ]


def figures(scored: Sequence[Scored], *, intervals: bool = True, without: frozenset[str] = frozenset()) -> Any:
    """Add up what was compared: counts, precision, recall and F1 by kind, and the shares, with intervals."""
    scores = [score for _, score in scored]
    weights = _resamples(len(scores)) if intervals else None
    found: dict[str, Any] = {"calls": len(scores)}
    for kind in (kind for kind in COUNTED if kind not in without):
        found[kind] = _rates([score.counts[kind] for score in scores], weights)
    found["alarms"] = _rates([total([score.counts[kind] for kind in ALARMS]) for score in scores], weights)
    for name in (name for name in SHARES if name not in without):
        found[name] = _share([_share_of(score, name) for score in scores], weights)
    return found


def _resamples(count: int) -> Integers:
    """Draw calls with replacement: how often each is in each sample, of the shape (samples, calls)."""
    random_ = np.random.default_rng(SEED)
    return random_.multinomial(count, np.full(count, 1 / count), size=RESAMPLES)


def _rates(counts: Sequence[Count], weights: Integers | None) -> dict[str, Any]:
    added = total(counts)
    rates: dict[str, Any] = added._asdict()
    for name in ("precision", "recall", "f1"):
        value = getattr(added, name)
        rates[name] = None if value is None or not any(added) else round(value, 3)
    if weights is not None:
        right, false, missed = (weights @ np.array(counts, dtype=np.int64).reshape(-1, 3)).T
        for name, upper, lower in (
            ("precision", right, right + false),
            ("recall", right, right + missed),
            ("f1", 2 * right, 2 * right + false + missed),
        ):
            rates[f"{name}_95"] = _interval(upper, lower)
    return rates


def _interval(upper: Integers, lower: Integers) -> list[float] | None:
    """Return the bounds of the middle 95 % of ratios; samples in which there was nothing to count are left out."""
    known = lower > 0
    if not known.any():
        return None
    bounds = np.percentile(upper[known] / lower[known], [2.5, 97.5])
    return [round(float(bound), 3) for bound in bounds]


def _share_of(score: CallScore, name: str) -> tuple[int, int]:
    """Return in how many it is so, and of how many."""
    return {
        "risk_right": (int(score.risk_right), 1),
        "good_agents_accused": (int(score.agent_ok and score.accused), int(score.agent_ok)),
        "poor_service_noticed": (int(not score.agent_ok and score.accused), int(not score.agent_ok)),
        "leaks": (len(score.leaked), score.masked),
        "wrongly_masked": (len(score.lost), score.kept),
    }[name]


def _share(pairs: Sequence[tuple[int, int]], weights: Integers | None) -> dict[str, Any]:
    count, of = map(sum, zip(*pairs, strict=True))
    share: dict[str, Any] = {"count": count, "of": of}
    if weights is not None:
        upper, lower = (weights @ np.array(pairs, dtype=np.int64)).T
        share["share_95"] = _interval(upper, lower)
    return share


def language_of(case: Case) -> str:
    """Return the language of most of a call."""
    texts = [segment[3] for segment in case["segments"]]
    if sum(text.isascii() for text in texts) > len(texts) / 2:
        return "english"
    return "cantonese" if sum(bool(_CANTONESE & set(text)) for text in texts) > len(texts) / 3 else "mandarin"


def batch_of(case: Case) -> str:
    """Return the batch of a call of the corpus, by its id (`AE07`)."""
    return str(case["id"]).rstrip("0123456789")


def kind_of_writing(case: Case) -> str:
    """Return whether a call was written freely, or rewritten from a real dialogue."""
    return "rewritten" if batch_of(case) in REWRITTEN else "free"


def grouped(scored: Sequence[Scored], key: Callable[[Case], str]) -> dict[str, list[Scored]]:
    """Divide calls into groups."""
    groups: defaultdict[str, list[Scored]] = defaultdict(list)
    for item in scored:
        groups[key(item[0])].append(item)
    return dict(groups)


def measure_batches(batches: Sequence[str], rule_book: RuleBook) -> tuple[dict[str, Any], list[Scored]]:
    """Score batches of the corpus, together and apart, as they are and with the errors of recognisers."""
    cases = list(read_cases(batches))
    scored = score_calls(cases, rule_book)
    spoiled = score_calls(spoil_calls(cases, alike_characters()), rule_book)
    measured: dict[str, Any] = {"batches": list(batches), "together": figures(scored)}
    measured |= {name: figures(group) for name, group in sorted(grouped(scored, kind_of_writing).items())}
    measured["with_recogniser_errors"] = figures(spoiled, without=WORDS)
    for name, key in (("by_language", language_of), ("by_writer", batch_of)):
        groups = grouped(scored, key)
        measured[name] = {group: figures(items, intervals=False) for group, items in groups.items()}
    return measured, scored


def measure_public(folder: Path, name: str, rule_book: RuleBook) -> tuple[dict[str, Any], list[Scored]]:
    """Score a set of real dialogues, together and by where they come from."""
    labelled = read_labels(name)
    dialogues = read_dialogues(folder, labelled)
    scored = score_calls((case_of(labels, dialogues[labels["id"]]) for labels in labelled), rule_book)
    without = WORDS | {"silence"} | ({"topics"} if name in MOMENTS_ALONE else set())
    measured = {"together": figures(scored, without=without)}
    for source, group in grouped(scored, lambda case: str(case["id"]).partition(":")[0]).items():
        measured[source] = figures(group, intervals=False, without=without)
    return measured, scored


def measure_cost(rule_book: RuleBook) -> dict[str, Any]:
    """Measure what 1,000 calls of three minutes cost, in CPU seconds: to be read, and all that is done with them."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    pool = [transcript_of(case, with_acts=False) for case in read_cases(HELD_OUT_BATCHES)]
    random.Random(SEED).shuffle(pool)
    calls = [three_minutes(number, pool) for number in range(COSTED)]
    return {
        "calls_of_three_minutes": len(calls),
        "segments": sum(len(call.segments) for call in calls),
        "clock": f"CPU seconds of this process for 1,000 calls, one core, best of {RUNS} runs over {len(calls)}",
        "read": _cost(rule_book.read, calls),
        "read_and_analyse": _cost(lambda call: rule_book.analyse(rule_book.read(call)), calls),
        "read_analyse_judge_and_mask": _cost(lambda call: report_of(call, rule_book), calls),
    }


def _cost(work: Callable[[Transcript], object], calls: Sequence[Transcript]) -> float:
    work(calls[0])
    seconds = []
    for _ in range(RUNS):
        started = time.process_time()
        for call in calls:
            work(call)
        seconds.append(time.process_time() - started)
    return round(min(seconds) * 1000 / len(calls), 2)


def table(measured: Mapping[str, Any]) -> str:
    """Write figures as lines."""
    lines = [f"{'':20}{'right':>6}{'false':>6}{'missed':>7}{'precision':>10}{'recall':>8}{'F1':>6}"]
    for name, value in measured.items():
        if name in (*COUNTED, "alarms"):
            rates = "".join(
                f"{'-' if value[rate] is None else format(value[rate], '.2f'):>{width}}"
                for rate, width in (("precision", 10), ("recall", 8), ("f1", 6))
            )
            lines.append(f"{name:20}{value['right']:6}{value['false']:6}{value['missed']:7}{rates}")
        elif name in SHARES:
            lines.append(f"{name:20} {value['count']} of {value['of']}")
    return "\n".join(lines)


def show(scored: Sequence[Scored]) -> None:
    """Print what went wrong in each call."""
    for case, score in scored:
        wrong = [
            f"{kind}: {count.false} false, {count.missed} missed"
            for kind, count in score.counts.items()
            if count.false or count.missed
        ]
        wrong += ["risk"] * (not score.risk_right) + ["accused"] * (score.agent_ok and score.accused)
        wrong += ["not noticed"] * (not score.agent_ok and not score.accused)
        wrong += [f"leaks {part}" for part in score.leaked] + [f"lost {part}" for part in score.lost]
        if wrong:
            print(case["id"], "|", "; ".join(wrong))


def write(**parts: Any) -> None:
    """Replace parts of the result, and leave the others as they are."""
    result = json.loads(RESULT.read_text("utf-8")) if RESULT.exists() else {}
    RESULT.write_text(json.dumps({**result, **parts}, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Measure, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("batches", nargs="*", help="instead of the held-out ones")
    parser.add_argument("--public", type=Path, metavar="FOLDER")
    public = parser.add_mutually_exclusive_group()
    public.set_defaults(name=DEVELOPMENT)
    for option, name, use in (
        ("--more", MORE, "looking at, too"), ("--held-out", HELD_OUT, "measuring, but was looked at"),
        ("--fresh", FRESH, "measuring alone"), ("--posts", POSTS, "measuring alone"),
    ):  # fmt: skip
        about = f"the public dialogues of {name}.jsonl, for {use}"
        public.add_argument(option, dest="name", action="store_const", const=name, help=about)
    parser.add_argument("--show", action="store_true", help="what went wrong in each call")
    chosen = parser.parse_args()
    rule_book = Workspace.open(config=default_dir("config")).rule_book
    if chosen.public:
        measured, scored = measure_public(chosen.public, chosen.name, rule_book)
    else:
        measured, scored = measure_batches(chosen.batches or HELD_OUT_BATCHES, rule_book)
    if chosen.show:
        show(scored)
    for part in ("together", "free", "rewritten"):
        if part in measured:
            print(f"--- {part}: {measured[part]['calls']} calls\n{table(measured[part])}")
    if chosen.public:
        write(**{f"public_{chosen.name}": measured})
    elif not chosen.batches and not chosen.show:
        cost = measure_cost(rule_book)
        print(cost)
        write(machine=describe(), resamples=RESAMPLES, held_out=measured, cost=cost)


if __name__ == "__main__":
    main()
