"""Train the bundled reader: `python -m training.reader`. The same corpus gives the same model."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from qareport.settings import bundled_reader
from training.reader.calibrate import calibrate_acts, calibrate_topics
from training.reader.examples import HELD_OUT, load_calls, load_exchanges
from training.reader.export import write_model
from training.reader.fit import fit, out_of_fold
from training.reader.second import fit_second_look, fit_topic_look

CARD = Path(__file__).resolve().parent / "card.json"


def main() -> None:
    """Train, calibrate and write the model and its card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=bundled_reader(), help="the model file")
    out: Path = parser.parse_args().out
    started = time.monotonic()
    calls = [call for call in load_calls() if call.batch not in HELD_OUT]
    exchanges = load_exchanges()
    topics = sorted({topic for call in calls for topic in call.topics})
    # Batch A was labelled with moments alone: it teaches alarms, but not what the other acts are.
    unseen = out_of_fold([call for call in calls if call.batch != "A"], exchanges, topics)
    second, trees, unseen = fit_second_look(unseen)
    acts, act_card = calibrate_acts(unseen)
    topic_second, unseen = fit_topic_look(unseen.without_deaf(), topics)
    thresholds, topic_card = calibrate_topics(unseen, topics)
    fitted = fit(calls, exchanges, topics)
    write_model(out, fitted, second, trees, topic_second, acts, thresholds)
    card = {
        "calls": len(calls),
        "exchanges": len(exchanges),
        "held_out": sorted(HELD_OUT),
        "seconds": round(time.monotonic() - started),
        "bytes": out.stat().st_size,
        "acts": act_card,
        "topics": topic_card,
    }
    CARD.write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"{out}: {card['bytes']} bytes after {card['seconds']} s; figures in {CARD}")


if __name__ == "__main__":
    main()
