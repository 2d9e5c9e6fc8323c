"""Score recognitions against the truth."""

from collections.abc import Sequence
from dataclasses import dataclass

from training.decode import Recognition
from training.grammar import strip_punctuation


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The labels of a segment."""

    text: str
    language: str
    emotion: str
    event: str


def characters(text: str) -> str:
    """Return the characters that count for CER: no punctuation, no spaces."""
    return strip_punctuation(text).replace(" ", "").replace("▁", "")


def edit_distance(left: str, right: str) -> int:
    """Count the substitutions, insertions and deletions that turn `left` into `right`."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]


def percent(part: int, whole: int) -> float | None:
    """Return `part` of `whole` in percent, two decimals; None of nothing."""
    return round(100 * part / whole, 2) if whole else None


def cer(pairs: Sequence[tuple[Truth, Recognition]]) -> float | None:
    """Return the character error rate in percent over all of `pairs`."""
    errors = sum(edit_distance(characters(t.text), characters(h.text)) for t, h in pairs)
    return percent(errors, sum(len(characters(t.text)) for t, _ in pairs))


def summarise(pairs: Sequence[tuple[Truth, Recognition]]) -> dict[str, object]:
    """Return CER and the accuracy of language, emotion and event, whole and by class."""

    def share(field: str, chosen: Sequence[tuple[Truth, Recognition]]) -> float | None:
        return percent(sum(getattr(t, field) == getattr(h, field) for t, h in chosen), len(chosen))

    def by(field: str, measure: str) -> dict[str, float | None]:
        names = sorted({str(getattr(t, field)) for t, _ in pairs})
        groups = {name: [pair for pair in pairs if getattr(pair[0], field) == name] for name in names}
        return {name: cer(group) if measure == "cer" else share(measure, group) for name, group in groups.items()}

    return {
        "utterances": len(pairs),
        "characters": sum(len(characters(t.text)) for t, _ in pairs),
        "cer_percent": cer(pairs),
        "language_percent": share("language", pairs),
        "emotion_percent": share("emotion", pairs),
        "event_percent": share("event", pairs),
        "cer_by_language": by("language", "cer"),
        "language_by_language": by("language", "language"),
        "emotion_by_emotion": by("emotion", "emotion"),
        "emotion_by_language": by("language", "emotion"),
        "event_by_event": by("event", "event"),
    }
