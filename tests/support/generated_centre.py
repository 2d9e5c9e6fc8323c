"""A generated centre: five days of labelled conversations, eight agents, and orders that customers call about again.

    python -m tests.support.generated_centre FOLDER

writes `calls.jsonl` for `qareport analyse`, and a configuration with mail: to look at the reports of a period.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from qareport.codec import to_json
from qareport.model import Transcript
from tests.support import dailies
from tests.support.corpus_calls import read_cases, transcript_of

#: Batches that are read for conversations.
BATCHES = ("AA", "AB", "AC", "AD", "AE", "AF")
DAYS, CALLS = 5, 160
#: Id, name, group.
PEOPLE = (
    ("A003", "李敏", "物流组"),
    ("A008", "王芳", "物流组"),
    ("A012", "陈思远", "物流组"),
    ("A017", "赵一鸣", "售后一组"),
    ("A023", "孙晓", "售后一组"),
    ("A031", "欧阳文静", "售后二组"),
    ("A042", "周倩", "售后二组"),
    ("A061", "", ""),
)
#: One call in so many is about an order that was called about before.
_AGAIN = 5
#: How much sooner than others a conversation with an angry customer is taken.
_TROUBLE = 0.4


def transcripts(
    last: date = dailies.DAY, *, calls: int = CALLS, days: int = DAYS, seed: int = 7
) -> Iterator[Transcript]:
    """Yield the calls of the days up to `last`, oldest first."""
    dice = random.Random(7)
    cases = list(read_cases(BATCHES))
    dice.shuffle(cases)
    cases.sort(key=lambda case: dice.random() - _TROUBLE * ("ANGRY" in json.dumps(case["segments"])))
    orders: list[tuple[str, str, set[str]]] = []
    starts = sorted(
        datetime.combine(last, datetime.min.time(), dailies.CHINA)
        + timedelta(days=-dice.randrange(days), hours=9, seconds=dice.randrange(11 * 3600))
        for _ in range(calls)
    )
    for number, (started_at, case) in enumerate(zip(starts, cases, strict=False)):
        topics = set(case["truth"]["topics"])
        known = [order for order in orders if order[2] & topics] if dice.randrange(_AGAIN) == 0 else []
        order_id, phone, about = (
            dice.choice(known)
            if known
            else (f"{started_at:%Y%m%d}{dice.randrange(10**6):06d}", f"138{dice.randrange(10**8):08d}", topics)
        )
        orders.append((order_id, phone, about))
        yield replace(
            transcript_of(case, with_acts=False),
            call_id=f"C{started_at:%m%d}-{number:03d}",
            order_id=order_id,
            agent_id=dice.choice(PEOPLE)[0],
            started_at=started_at,
        )


def write(folder: Path, **mail: Any) -> Path:
    """Write the calls and a configuration into a folder, and return the path of the calls."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "calls.jsonl"
    path.write_text("".join(f"{to_json(call)}\n" for call in transcripts()), "utf-8")
    addresses = {name: f"{name.lower()}@example.com" for name, *_ in PEOPLE}
    dailies.make_config(folder / "config", port=2525, agents=addresses, **mail)
    people = {name: {"name": called, "group": group} for name, called, group in PEOPLE if called}
    (folder / "config" / "agents.yaml").write_text(json.dumps({"agents": people}, ensure_ascii=False), "utf-8")
    settings_path = folder / "config" / "qareport.yaml"
    settings = json.loads(settings_path.read_text("utf-8"))
    settings["daily"]["orders"] = 10
    settings_path.write_text(json.dumps(settings, ensure_ascii=False, indent=1), "utf-8")
    return path


if __name__ == "__main__":
    sys.stdout.write(f"{write(Path(sys.argv[1]))}\n")
