"""Suggestions for what is misspelled."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from qareport.messages import Message, say

_HAN = re.compile(r"[\u4e00-\u9fff]")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the nearest known word, None when none is near."""
    by_form = {name.casefold(): name for name in known}
    wanted = word.casefold()
    # Chinese words are short: one character of three is already a third.
    near = difflib.get_close_matches(wanted, by_form, n=1, cutoff=0.5 if _HAN.search(word) else 0.6)
    near = near or [form for form in by_form if word and form.startswith(wanted)]
    return by_form[near[0]] if near else None


def did_you_mean(word: str, known: Iterable[str]) -> Message | None:
    """Ask whether the nearest known word was meant; None when none is near."""
    near = nearest(word, known)
    return say("did you mean {word!r}?", word=near) if near is not None else None
