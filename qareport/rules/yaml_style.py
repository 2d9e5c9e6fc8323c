"""How people write YAML: plain values that other readers take for something else, texts folded over lines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from qareport.messages import Message, say

#: Plain values that other readers of YAML take for something else than their text.
AMBIGUOUS: Final[Mapping[re.Pattern[str], Message]] = {
    re.compile(r"(?i)(yes|no|on|off|y|n)\Z"): say("{text} is read as text here, elsewhere as true or false"),
    re.compile(r"[-+]?0[0-9]+\Z"): say("{text} is read as text here, elsewhere as an octal number"),
    re.compile(r"[0-9]+(:[0-5]?[0-9])+\Z"): say("{text} is read as text here, elsewhere as a number of minutes"),
}
#: YAML's `>-` puts a space where a line ends; between Chinese characters there is none.
_FOLD = re.compile(r"(?<=[\u3000-\u9fff\uff00-\uffef“”…]) (?=[\u3000-\u9fff\uff00-\uffef“”…])")


def is_ambiguous(text: str) -> bool:
    """Tell whether another reader of YAML takes a plain value for something else than its text."""
    return any(pattern.match(text) for pattern in AMBIGUOUS)


def unfold(text: str) -> str:
    """Take out the spaces that folding puts between Chinese characters.

    Spaces beside Latin letters and digits stay.
    """
    return _FOLD.sub("", text)
