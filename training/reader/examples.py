"""Labelled calls and exchanges of the corpus as the reader sees them, and copies of them as recognisers spoil them."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from qareport.model import ACTS_OF, Act, Emotion, Role
from qareport.text.pinyin import sound
from qareport.understanding.features import Utterance, normal_form, plain_form

CORPUS: Final = Path(__file__).resolve().parents[2] / "corpus"
#: Batches that no training sees.
HELD_OUT: Final = frozenset((CORPUS / "held_out.txt").read_text("utf-8").split())
#: Batches that were rewritten from real dialogues.
REWRITTEN: Final = frozenset((CORPUS / "rewritten.txt").read_text("utf-8").split())
#: The kind of moment that an act is: such an act counts only where the moment is marked.
MOMENTS: Final[Mapping[str, Act]] = {
    "churn_signal": Act.GIVE_UP,
    "escalation": Act.THREATEN,
    "repeat": Act.ASK_AGAIN,
    "irony": Act.SARCASM,
    "broken_promise": Act.REMIND_PROMISE,
    "recovery": Act.CALM,
    "no_answer": Act.EVADE,
}
ALARMS: Final = tuple(act for act in MOMENTS.values() if act is not Act.CALM)
#: In seconds: how far from the mark of a moment its sentence may begin.
TOLERANCE_S: Final = 0.6
Labels = npt.NDArray[np.int8]
YES, NO, UNKNOWN = 1, 0, -1


@dataclass(frozen=True, slots=True)
class Example:
    """A call or an exchange. Labels are of the shape (sentences, acts of the role): `YES`, `NO` or `UNKNOWN`."""

    name: str
    batch: str
    sentences: tuple[Utterance, ...]
    labels: tuple[Labels, ...]
    topics: frozenset[str] = frozenset()
    topics_optional: frozenset[str] = frozenset()
    #: Those that only one of two labellers named, where there are two: nothing is learned about them.
    topics_doubted: frozenset[str] = frozenset()

    def topic_label(self, topic: str) -> int:
        """Return whether the call is about a topic, as it is learned: `YES`, `NO` or `UNKNOWN`."""
        return YES if topic in self.topics else UNKNOWN if topic in self.topics_optional else NO


def acts_of(sentence: Utterance) -> tuple[Act, ...]:
    """Return the acts that the sentence's speaker can do, in the order of labels."""
    return ACTS_OF[Role.CUSTOMER if sentence.is_customer else Role.AGENT]


def load_calls(paths: Sequence[Path] = tuple(sorted((CORPUS / "calls").glob("*.jsonl")))) -> list[Example]:
    """Read labelled calls, and of second labels what they say of topics."""
    return [
        _of_call(json.loads(line), path.stem, second)
        for path in paths
        for second in [_second_topics(path.stem)]
        for line in path.read_text("utf-8").splitlines()
        if line
    ]


def _second_topics(batch: str) -> dict[str, frozenset[str]]:
    """Return the topics that the second labeller of a batch required, by call; nothing where there was none."""
    path = CORPUS / "second" / f"{batch}.txt"
    found: dict[str, frozenset[str]] = {}
    name = ""
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        if line.startswith("## "):
            name = line[3:].split()[0]
            found[name] = frozenset()
        elif line.startswith("t "):
            parts = map(str.strip, re.split("[;；]", line[2:]))
            found[name] = frozenset(part for part in parts if part and not part.startswith("?"))
    return found


def _of_call(call: Mapping[str, Any], batch: str, second: Mapping[str, frozenset[str]]) -> Example:
    rows = sorted(call["segments"], key=lambda row: row[0])
    sentences, labels = [], []
    truth = call["truth"]
    for row in rows:
        emotion = Emotion(row[4]) if len(row) > 4 and row[4] else Emotion.NEUTRAL
        sentence = Utterance(
            text=normal_form(row[3]), is_customer=row[2] == "customer", start_s=row[0], end_s=row[1],
            emotion=None if emotion is Emotion.EMO_UNKNOWN else emotion,
            laughs=len(row) > 5 and "Laughter" in row[5], said=plain_form(row[3]),
        )  # fmt: skip
        sentences.append(sentence)
        labels.append(_labels(sentence, row[6] if len(row) > 6 else None, row[0], truth))
    topics = frozenset(truth["topics"])
    return Example(
        name=call["id"], batch=batch, sentences=tuple(sentences), labels=tuple(labels),
        topics=topics, topics_optional=frozenset(truth.get("topics_optional", ())),
        topics_doubted=topics ^ second.get(call["id"], topics),
    )  # fmt: skip


def _labels(sentence: Utterance, acts: Sequence[str] | None, start_s: float, truth: Mapping[str, Any]) -> Labels:
    """Label one sentence: an alarm act is sure only where its moment is, and open where the moment is optional."""
    own = acts_of(sentence)
    row = np.full(len(own), NO if acts is not None else UNKNOWN, dtype=np.int8)
    for act in acts or ():
        row[own.index(Act(act))] = YES
    for kind, act in MOMENTS.items():
        if act not in own:
            continue
        place = own.index(act)
        if _marks(truth["moments"], kind, start_s, TOLERANCE_S):
            row[place] = YES
        elif row[place] == YES or _marks(truth.get("optional", ()), kind, start_s, 3.0):
            row[place] = UNKNOWN
        elif acts is None:
            row[place] = NO
    return row


def _marks(moments: Sequence[Sequence[Any]], kind: str, start_s: float, tolerance_s: float) -> bool:
    return any(name == kind and abs(at - start_s) < tolerance_s for name, at in moments)


def load_exchanges() -> list[Example]:
    """Read the short exchanges (`corpus/exchanges`)."""
    return [
        _of_exchange(block, path.stem)
        for path in sorted((CORPUS / "exchanges").glob("*.txt"))
        for block in re.split(r"^## ", path.read_text("utf-8"), flags=re.MULTILINE)[1:]
    ]


_LINE = re.compile(r"(?P<role>[ca]) (?P<marks>[^:：]*)[:：] *(?P<text>.+)")


def _of_exchange(block: str, batch: str) -> Example:
    name, *lines = block.strip().splitlines()
    sentences, labels = [], []
    for line in filter(None, map(str.strip, lines)):
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"corpus/exchanges/{batch}.txt, exchange {name}: {line!r} is no line of an exchange")
        marks = match["marks"].split()
        emotion = next((Emotion(mark) for mark in marks if mark.isupper()), Emotion.NEUTRAL)
        start_s = 4.0 * len(sentences)
        sentence = Utterance(normal_form(match["text"]), match["role"] == "c", start_s, start_s + 3, emotion)
        own = acts_of(sentence)
        row = np.full(len(own), NO, dtype=np.int8)
        for mark in marks:
            if not mark.isupper():
                row[own.index(Act(mark.rstrip("?~")))] = YES if mark[-1] not in "?~" else UNKNOWN
        sentences.append(sentence)
        labels.append(row)
    return Example(f"{batch}-{name.strip()}", f"exchanges/{batch}", tuple(sentences), tuple(labels))


_MARKS = re.compile(r"[,.?!;:，。？！、；：…~]+")
_FILLERS = ("嗯", "那个", "就是说", "呃", "啊", "然后")


def spoil(examples: Sequence[Example], seed: int, alike: Mapping[str, str]) -> Iterator[Example]:
    """Copy examples as recognisers and chats spoil them.

    Sentences of one turn are joined, punctuation is lost, fillers come in, characters become others of the same sound,
    emotion and times are not known.

    Args:
        examples: to be copied.
        seed: of the choices.
        alike: for a character, others that sound the same.
    """
    random_ = random.Random(seed)
    for example in examples:
        deaf = random_.random() < 0.5
        plain = random_.random() < 0.35
        misheard = random_.random() < 0.3
        sentences: list[Utterance] = []
        labels: list[Labels] = []
        for sentence, row in zip(example.sentences, example.labels, strict=True):
            text = _MARKS.sub("", sentence.text) if plain else sentence.text
            if random_.random() < 0.08:
                text = random_.choice(_FILLERS) + text
            if misheard:
                text = "".join(random_.choice(alike[c]) if c in alike and random_.random() < 0.06 else c for c in text)
            spoiled = replace(sentence, text=text, emotion=None if deaf else sentence.emotion)
            joins = sentences and sentences[-1].is_customer == sentence.is_customer and random_.random() < 0.35
            if joins:
                last = sentences[-1]
                sentences[-1] = replace(last, text=f"{last.text} {text}", end_s=sentence.end_s)
                labels[-1] = np.where(
                    (labels[-1] == YES) | (row == YES), YES, np.minimum(labels[-1], row)
                ).astype(np.int8)  # fmt: skip
            else:
                sentences.append(spoiled)
                labels.append(row)
        yield replace(example, name=f"{example.name}*", sentences=tuple(sentences), labels=tuple(labels))


def sound_alikes(examples: Sequence[Example]) -> dict[str, str]:
    """Find, for the common characters of the corpus, the other common ones that sound the same."""
    counts = Counter(letter for example in examples for sentence in example.sentences for letter in sentence.text)
    by_sound: dict[str, list[str]] = {}
    for letter, _ in counts.most_common(2000):
        if "\u4e00" <= letter <= "\u9fff":
            by_sound.setdefault(sound(letter), []).append(letter)
    return {
        letter: "".join(other for other in letters if other != letter)
        for letters in by_sound.values()
        for letter in letters
        if len(letters) > 1
    }
