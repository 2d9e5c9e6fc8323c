"""What happened in a call, found from its transcript alone: silences, measures, emotion, key moments, notes.

Pure functions from `Transcript` to `Analysis`. Words that carry meaning (topics, churn, escalation …) are not in
the code but in `config/topics.yaml`, read by `load_topics`.
"""

from qareport.analysis.analyse import analyse, is_outside, within_domain
from qareport.analysis.emotion import WEIGHTS, arrow_form, condense
from qareport.analysis.topics import Topic, Topics, load_topics

__all__ = [
    "WEIGHTS",
    "Topic",
    "Topics",
    "analyse",
    "arrow_form",
    "condense",
    "is_outside",
    "load_topics",
    "within_domain",
]
