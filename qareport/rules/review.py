"""The scorecard of a call as reviewers left it: the rules' arithmetic over the findings that stand.

Points of rejected and not applicable findings go, those of added ones come; limits of categories and fatal findings
count as in the first card. Nothing is judged anew: a finding that cost nothing because a heavier one covered it, or
because its rule had reached its `most`, still costs nothing when the other is rejected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qareport.model import ReviewedFinding, Scorecard
from qareport.rules.judge import score_card
from qareport.settings import CategorySettings, ScoreSettings


def reviewed_card(card: Scorecard, findings: Sequence[ReviewedFinding], settings: ScoreSettings) -> Scorecard:
    """Add up the findings of a call that stand.

    Args:
        card: the card of the rules; its start, total and limits count, whatever the settings say by now.
        findings: all findings of the call, with their verdicts.
        settings: the thresholds of a pass and of a fatal finding.
    """
    limits = tuple(CategorySettings(name=category.name, limit=category.limit) for category in card.categories)
    judged = [(category.name, "") for category in card.categories for _ in range(category.judged)]
    idle = [(category.name, rule_id) for category in card.categories for rule_id in category.not_applicable]
    standing = sorted((item.finding for item in findings if item.stands), key=lambda finding: finding.at_ms)
    own = replace(settings, start=card.start, total=card.total, categories=limits)
    return score_card(standing, judged, idle, own)
