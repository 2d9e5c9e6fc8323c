"""Score analysis and masks against the scripted corpus; writes results/analysis_quality.json.

    python -m benchmarks.analysis_quality [--show tuned|held_out]

Thresholds and words are tuned on the tuning split alone. `--show` lists what went wrong; shown for the held-out split,
that split is no longer held out.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from qareport import analysis, settings
from tests.corpus.score import Count, score
from tests.corpus.script import PER_SPLIT, write_split

RESULT = Path(__file__).parent / "results" / "analysis_quality.json"


def measure(*, held_out: bool) -> dict[str, Count]:
    """Score a split with the shipped settings and words."""
    config = settings.default_dir("config")
    limits, topics = settings.load(config).analysis, analysis.load_topics(config / "topics.yaml")
    return score(
        write_split(held_out=held_out), lambda conversation: analysis.analyse(conversation.transcript, limits, topics)
    )


def main() -> None:
    """Score both splits, print the table, write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", choices=["tuned", "held_out"])
    show = parser.parse_args().show
    result: dict[str, object] = {"conversations_per_split": PER_SPLIT}
    for name, held_out in (("tuned", False), ("held_out", True)):
        counts = measure(held_out=held_out)
        result[name] = {
            kind: {
                "true": count.hits + count.missed,
                "precision": round(count.precision, 4),
                "recall": round(count.recall, 4),
                "f1": round(count.f1, 4),
            }
            for kind, count in sorted(counts.items())
        }
        for kind, count in sorted(counts.items()):
            figures = f"P {count.precision:.3f} R {count.recall:.3f} F1 {count.f1:.3f}"
            print(f"{name:9} {kind:20} {count.hits + count.missed:5} {figures}")
            for example in count.examples[:12] if show == name else ():
                print("    ", example)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
