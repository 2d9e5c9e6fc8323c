"""Conditions of `synonyms.yaml` that several rules name: `condition: 催发货` stands for what is written there.

They are put in place of their names before a rule is read, so that everything that looks at a rule (versions, lint,
replay, explanations) sees the whole of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

#: The key that names one.
NAMED: Final = "condition"
#: Keys below which conditions stand.
_HOLDERS: Final = ("all", "any", "none", "sequence", "unless")


def spell_out(node: Any, conditions: Mapping[str, Mapping[str, Any] | None]) -> Any:
    """Return a condition with those that it names in their places; names that are not known stay.

    Args:
        node: as it is written, in English.
        conditions: by name; None: one that cannot be read.
    """
    if isinstance(node, list):
        return [spell_out(item, conditions) for item in node]
    if not isinstance(node, dict):
        return node
    whole = {key: spell_out(value, conditions) if key in _HOLDERS else value for key, value in node.items()}
    name = whole.get(NAMED)
    named = conditions.get(name) if isinstance(name, str) else None
    if named is None:
        return whole
    beside = {key: value for key, value in whole.items() if key != NAMED}
    # What stands beside the name (`first`, `times`, `within` …) counts for the whole of it.
    return {"any": [dict(named)], **beside} if beside else dict(named)
