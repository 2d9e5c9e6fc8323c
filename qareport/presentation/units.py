"""Keep a number and its unit in one line."""

from __future__ import annotations

import re

#: The space before a unit, which English has and Chinese has not.
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=(?:h|min|s|ms|k?Hz|dB|dBFS|[kMG]B)\b)")


def unbroken(text: str) -> str:
    """Put no-break spaces between numbers and units: 3 min 04 s then breaks between 3 min and 04 s only."""
    return _BEFORE_UNIT.sub("\u00a0", text)
