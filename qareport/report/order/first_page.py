"""Reckon how much room the first page has for key moments, and how much each takes.

Heights are in points, as the bundled templates set them (Word's lines are the taller ones). They are estimates: what
does not fit after all goes on to the next page.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

from qareport.model import OrderReport
from qareport.report.order.key_moments import Candidate
from qareport.report.order.view_types import Facts

#: An A4 page between its margins.
_PAGE = 740.0
#: Title, facts, the call's trajectory and chart, the heading of the key moments.
_ALWAYS = 68.0 + 57.0 + 138.0 + 42.0
_DEMO_NOTICE, _NOTE, _LINE = 32.0, 14.0, 15.5
#: The facts, a row each, with the Chinese characters that a line of their columns holds, and the height of a line.
_FACTS = (
    (("name", 10), ("calls", 12), ("when", 15), ("agent", 9)),
    (("hits", 10), ("trend", 12), ("issue", 15), ("roles", 9)),
)
_FACT_LINE = 13.0
#: Below the summary: one line each. In the overview: its heading, and a call.
_SUMMARY_PADDING, _OVERVIEW, _OVERVIEW_ROW = 24.0, 62.0, 21.0
#: What three key moments with their advice take: with less the overview goes on to the next page.
_ENOUGH = 230.0
#: Padding of a key moment, and the line of its rule.
_NODE_PADDING, _RULE_LINE = 13.0, 13.0
#: Chinese characters in a line of a summary, of a follow-up, of a key moment's story.
_WIDE_LINE, _FOLLOW_UP_LINE, _TEXT_LINE = 42, 48, 38
#: Characters of what happened before its quotation, and of the word before an advice.
_LEAD, _ADVICE_WORD = 20, 5


def room(
    report: OrderReport, *, facts: Facts, sentence: str, follow_up: Sequence[str], notes: int, demo: bool
) -> float:
    """Return the height that is left for key moments on the first page; the overview of calls yields to them."""
    calls = len(report.calls) + len(report.failed_calls)
    left = _PAGE - _ALWAYS - _NOTE * notes - _DEMO_NOTICE * demo
    left -= _FACT_LINE * sum(max(_lines(getattr(facts, name), width) for name, width in row) - 1 for row in _FACTS)
    left -= _SUMMARY_PADDING + 1.15 * _LINE * _lines(sentence, _WIDE_LINE)
    left -= _LINE * sum(_lines(line, _FOLLOW_UP_LINE) for line in follow_up)
    overview = _OVERVIEW + _OVERVIEW_ROW * calls if calls > 1 else 0.0
    return left - overview if left - overview >= _ENOUGH else left


def height(candidate: Candidate) -> float:
    """Return the height that a key moment takes: its story, and each rule with its advice."""
    told = candidate.told
    story = candidate.moment.quote if candidate.moment else "".join(item.quote for item in told[0].evidence)
    total = _NODE_PADDING + _LINE * _lines(story, _TEXT_LINE, before=_LEAD)
    total += _LINE * bool(candidate.others)
    for advice in {finding.advice for finding in told if finding.advice}:
        total += 4 + _LINE * _lines(advice, _TEXT_LINE, before=_ADVICE_WORD)
    return total + _RULE_LINE * len({finding.rule_id for finding in told})


def _lines(text: str, width: int, *, before: int = 0) -> int:
    """Count the lines that a text takes behind some characters: a Chinese one is as wide as two Latin ones."""
    units = sum(2 if unicodedata.east_asian_width(letter) in "WFA" else 1 for letter in text)
    return max(math.ceil((units / 2 + before) / width), 1)
