"""Recombine service sentences: templates with slots -> utterances, and which of them a test alone may use."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import yaml

SENTENCES = Path(__file__).parent / "sentences"
LANGUAGES = ("zh", "en", "yue")
#: How often each language is spoken in the tests, and in training, which has more of the two rarer languages.
SHARES = (0.72, 0.14, 0.14)
TRAINING_SHARES = (0.64, 0.21, 0.15)
#: Share of templates that training never uses.
HELD_OUT_SHARE = 0.07
PUNCTUATION = "，。？！,.?!"
#: Longest utterance in characters (English: words times two), about 10 s.
MAX_LENGTH = 34

_DIGITS = {
    "zh": list("零一二三四五六七八九"),
    "yue": list("零一二三四五六七八九"),
    "en": ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
}
_SLOT = re.compile(r"\{(\w+)(?::(\d+))?\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentences:
    """The sentences of a language."""

    language: str
    slots: dict[str, list[str]]
    short: list[str]
    roles: dict[str, list[str]]  #: customer and agent -> templates
    held_out: frozenset[str]  #: templates that training never uses


def strip_punctuation(text: str) -> str:
    """Return what `woitn` writes: no punctuation."""
    return text.translate({ord(mark): None for mark in PUNCTUATION})


def spoken_length(text: str, language: str) -> int:
    """Estimate the length of `text` in syllables."""
    return 2 * len(text.split()) if language == "en" else len(strip_punctuation(text))


def _draw_digits(language: str, count: int, rng: np.random.Generator) -> str:
    digits = [_DIGITS[language][int(d)] for d in rng.integers(0, 10, count)]
    if language == "zh" and rng.random() < 0.5:
        digits = ["幺" if d == "一" else d for d in digits]
    return (" " if language == "en" else "").join(digits)


def fill(template: str, sentences: Sentences, rng: np.random.Generator) -> str:
    """Fill every slot of `template`."""

    def draw(match: re.Match[str]) -> str:
        name, count = match.group(1), match.group(2)
        if name == "digits":
            return _draw_digits(sentences.language, int(count), rng)
        return str(rng.choice(sentences.slots[name]))

    return _SLOT.sub(draw, template)


def _choose_held_out(
    slots: dict[str, list[str]], templates: list[str], short: list[str], language: str
) -> frozenset[str]:
    """Hold out templates whose every character (word in English) also occurs in two other templates."""

    def units(text: str) -> set[str]:
        bare = strip_punctuation(_SLOT.sub(" ", text))
        return set(bare.split() if language == "en" else bare.replace(" ", ""))

    counts: dict[str, int] = {}
    for text in (*templates, *short, *(value for values in slots.values() for value in values)):
        for unit in units(text):
            counts[unit] = counts.get(unit, 0) + 1
    rng = np.random.default_rng(20261121)
    chosen: list[str] = []
    for index in rng.permutation(len(templates)):
        template = templates[int(index)]
        own = units(template)
        if "{digits" in template and language != "zh":
            continue
        if len(own) >= 4 and all(counts[unit] >= 3 for unit in own) and "呵" not in template and "哈" not in template:
            chosen.append(template)
            for unit in own:
                counts[unit] -= 1
        if len(chosen) >= round(HELD_OUT_SHARE * len(templates)):
            break
    return frozenset(chosen)


@cache
def load_sentences(language: str) -> Sentences:
    """Read `sentences/<language>.yaml`."""
    data = yaml.safe_load((SENTENCES / f"{language}.yaml").read_text(encoding="utf-8"))
    slots = {key: [str(v) for v in values] for key, values in data["slots"].items()}
    roles = {role: [str(t) for t in data[role]] for role in ("customer", "agent")}
    short = [str(text) for text in data["short"]]
    held_out = _choose_held_out(slots, roles["customer"] + roles["agent"], short, language)
    return Sentences(language=language, slots=slots, short=short, roles=roles, held_out=held_out)


def _templates(sentences: Sentences, role: str, *, held_out: bool) -> list[str]:
    return [t for t in sentences.roles[role] if (t in sentences.held_out) == held_out]


def _clauses(text: str) -> list[str]:
    return [part for part in re.split(r"(?<=[，。？！,.?!])\s*", text) if part]


def draw_text(language: str, rng: np.random.Generator, *, held_out: bool, novel: bool = False) -> str:
    """Draw an utterance: a short word, one to three sentences, a fragment, or clauses from different sentences.

    `held_out` draws single sentences from held-out templates only; `novel` leaves out the fixed short ones.
    """
    sentences = load_sentences(language)
    role = "customer" if rng.random() < 0.58 else "agent"
    templates = _templates(sentences, role, held_out=held_out)
    glue = " " if language == "en" else ""

    def sentence() -> str:
        return fill(str(rng.choice(templates)), sentences, rng)

    kind = rng.random()
    if held_out:
        return sentence()
    if kind < 0.08 and not novel:
        text = str(rng.choice(sentences.short))
        if rng.random() < 0.6:
            text += ("." if language == "en" else "。") if rng.random() < 0.7 else ("?" if language == "en" else "？")
        return text
    if kind < 0.42:
        return sentence()
    if kind < 0.74:
        parts = [sentence() for _ in range(2 if kind < 0.66 else 3)]
    elif kind < 0.86:
        clauses = _clauses(sentence() + glue + sentence())
        first = int(rng.integers(0, len(clauses)))
        parts = clauses[first : first + int(rng.integers(1, 3))]
    else:
        pool = _clauses(glue.join(sentence() for _ in range(5)))
        parts = [str(clause) for clause in rng.permutation(np.array(pool, dtype=object))[: int(rng.integers(2, 5))]]
    while len(parts) > 1 and spoken_length(glue.join(parts), language) > MAX_LENGTH:
        parts = parts[:-1]
    return glue.join(parts)


def every_text() -> list[str]:
    """List every template with its slots removed, every slot value and every digit: all characters that can occur."""
    lines: list[str] = [PUNCTUATION, "abcdefghijklmnopqrstuvwxyz", "".join(_DIGITS["zh"]) + "幺"]
    lines += _DIGITS["en"]
    for language in LANGUAGES:
        sentences = load_sentences(language)
        lines += sentences.short
        lines += [value for values in sentences.slots.values() for value in values]
        lines += [_SLOT.sub(" ", t) for role in sentences.roles.values() for t in role]
    return lines
