"""Write docs/reference/conditions.md and docs/reference/lint-codes.md from the rule language itself.

`make reference` writes it; a test compares the pages with what the functions return.
"""

from __future__ import annotations

from pathlib import Path

from qareport import rules

_PAGES = Path(__file__).resolve().parent.parent / "docs" / "reference"
_CONDITIONS = """\
# Conditions

<!-- Written by `make reference`; edit the docstrings in qareport/rules/conditions/ instead. -->

What may be written in `when`, `applies_when` and `unless` of a rule. How to write rules: [Rules](../guide/rules.md).

"""
_CODES = """\
# Lint codes

<!-- Written by `make reference`; edit CODES in qareport/rules/diagnostics.py instead. -->

The codes of the problems that `qareport rules lint` reports. Errors end with exit status 2. A comment
`# qareport: ignore[code]` silences a warning: on its own line that one, on the line of a rule's `- id:` those of the
whole rule. Errors cannot be silenced.

"""


def conditions_page() -> str:
    """Return the page of all kinds of condition."""
    return _CONDITIONS + rules.conditions_reference().rstrip("\n") + "\n"


def lint_codes_page() -> str:
    """Return the page of all codes."""
    return _CODES + rules.codes_reference().rstrip("\n") + "\n"
