"""Labels on real public dialogues, whose words are not in this repository.

`public/*.jsonl` holds ids, turn numbers and labels; the words are read from published files, which whoever measures
fetches into a folder (`README.md` says from where). They were typed: they have neither times nor emotions.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, Final

PUBLIC: Final = Path(__file__).parent / "public"
#: Sets of labels: the first is for looking at, the others for measuring at the end.
DEVELOPMENT, HELD_OUT, FRESH = "development", "held_out", "held_out_2"
#: One more for looking at, and one more for measuring; labelled for moments, faults and risk alone.
MORE, POSTS = "alarms", "held_out_3"
MOMENTS_ALONE: Final = frozenset((MORE, POSTS))
#: Sessions of JDDC are known by the first characters of their id, pieces by those of their hash.
_SHORT = 12
#: The published files with pieces of JDDC chats: `.enc` has the first turns of each, `.dec` the last one.
_PIECES = ("train", "test")
#: Turns begin so many seconds after each other, and last a little less, so that no pause tells anything.
TURN_S, LENGTH_S = 5.0, 4.5

#: The turns of a dialogue: role and words.
Dialogue = list[tuple[str, str]]


def read_labels(name: str) -> list[dict[str, Any]]:
    """Read a set of labels, a dialogue each.

    `turns` are the acts of each turn; `moments` and `optional` are pairs of kind and turn number, `promises` of turn
    number and action, `faults` of turn number and fault. Turns are counted from 1.
    """
    return [json.loads(line) for line in (PUBLIC / f"{name}.jsonl").read_text("utf-8").splitlines()]


def read_dialogues(folder: Path, labels: Iterable[Mapping[str, Any]]) -> dict[str, Dialogue]:
    """Read from a folder the published files that labelled dialogues come from: the dialogues by their id.

    Raises:
        FileNotFoundError: one of the files is not there.
    """
    labelled = {str(one["id"]): one for one in labels}
    sources = {name.partition(":")[0] for name in labelled}
    found: dict[str, Dialogue] = {}
    if "jddc" in sources:
        found.update(_jddc(folder / "chat_0.1per.txt"))
    for source, name in (("stc", "train_data_cn.json"), ("stc-test", "test_data_cn.json")):
        if source in sources:
            found.update(_stc(folder / name, source))
    if "ecd" in sources:
        found.update(_ecd(folder / "test"))
    if "jddc-piece" in sources:
        found.update(_pieces(folder, labelled))
    return found


def _jddc(path: Path) -> Iterator[tuple[str, Dialogue]]:
    """JDDC: session, user, 0 of a customer or 1 of an agent, three more fields, words; tabs between them."""
    rows = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
    sessions: dict[str, Dialogue] = {}
    for row in rows:
        sessions.setdefault(row[0], []).append(("customer" if row[2] == "0" else "agent", row[6]))
    for session, said in sessions.items():
        turns = [(role, " ".join(text for _, text in group)) for role, group in groupby(said, key=lambda pair: pair[0])]
        yield f"jddc:{session[:_SHORT]}", [(role, text.strip()) for role, text in turns if text.strip()]


def _stc(path: Path, source: str) -> Iterator[tuple[str, Dialogue]]:
    """STC-3: dialogues with an id and turns of a sender, `customer` or `helpdesk`, and utterances."""
    for dialogue in json.loads(path.read_text("utf-8")):
        yield (
            f"{source}:{dialogue['id']}",
            [
                ("customer" if turn["sender"] == "customer" else "agent", " ".join(turn["utterances"]))
                for turn in dialogue["turns"]
            ],
        )


def _ecd(path: Path) -> Iterator[tuple[str, Dialogue]]:
    """ECD: 1 for a real dialogue, then its turns, the last by the agent; words have spaces between them."""
    real = [line.split("\t")[1:] for line in path.read_text("utf-8").splitlines() if line.startswith("1\t")]
    for number, turns in enumerate(real, start=1):
        texts = [turn.replace(" ", "") for turn in turns]
        yield (
            f"ecd:{number}",
            [("agent" if (len(texts) - 1 - place) % 2 == 0 else "customer", text) for place, text in enumerate(texts)],
        )


def _pieces(folder: Path, labelled: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Dialogue]]:
    """Pieces of JDDC chats, those that are labelled: messages with commas between them, and the agent's last turn.

    Nothing tells who wrote which message, but customer and agent take turns, so the labels say where turns begin:
    `cuts` has the number of the first message of each turn from the second on, counted from 1.
    """
    for name in _PIECES:
        firsts, lasts = ((folder / f"{name}.{end}").read_text("utf-8").split("\n") for end in ("enc", "dec"))
        for first, last in zip(firsts, lasts, strict=True):
            hashed = hashlib.sha256(f"{first}\n{last}".encode()).hexdigest()
            piece = f"jddc-piece:{hashed[:_SHORT]}"
            if piece in labelled:
                messages = first.rstrip(",").split(",")
                bounds = pairwise([0, *(cut - 1 for cut in labelled[piece]["cuts"]), len(messages)])
                turns = [*(" ".join(messages[begin:end]) for begin, end in bounds), last.rstrip(",")]
                yield piece, [(("customer", "agent")[place % 2], text.strip()) for place, text in enumerate(turns)]


def case_of(labels: Mapping[str, Any], dialogue: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Make a labelled call of a dialogue, in the form of `calls/*.jsonl`, with evenly spaced turns.

    Its emotions are not known, and it has no promises or strings to be masked: what they would be compared with are
    words.

    Raises:
        ValueError: the dialogue has not as many turns as the labels.
    """
    if len(dialogue) != len(labels["turns"]):
        raise ValueError(f"{labels['id']}: {len(dialogue)} turns, {len(labels['turns'])} are labelled")
    starts = [TURN_S * place for place in range(len(dialogue))]
    return {
        "id": labels["id"],
        "segments": [
            [start, start + LENGTH_S, role, text, None, ["Speech"], acts]
            for start, (role, text), acts in zip(starts, dialogue, labels["turns"], strict=True)
        ],
        "truth": {
            "topics": labels["topics"],
            "topics_optional": labels["topics_optional"],
            "moments": [[kind, starts[turn - 1]] for kind, turn in labels["moments"]],
            "optional": [[kind, starts[turn - 1]] for kind, turn in labels["optional"]],
            "promises": [],
            "agent_ok": not labels["faults"],
            "risk": labels["risk"],
        },
    }
