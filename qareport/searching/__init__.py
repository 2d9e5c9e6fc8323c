"""Searching what was said: terms that work for Chinese, the query language, and marks on what was found.

Pure functions over text; `qareport.store` keeps the index and answers queries. The language is described in
docs/export.md.
"""

from qareport.searching.lines import Line, lines_of
from qareport.searching.query import And, Between, Fact, Mark, Node, Not, Or, Words, parse, phrases_of
from qareport.searching.results import Found, Hit
from qareport.searching.terms import MARK, Terms, find_spans, mark_of, terms_of, terms_of_text

__all__ = [
    "MARK",
    "And",
    "Between",
    "Fact",
    "Found",
    "Hit",
    "Line",
    "Mark",
    "Node",
    "Not",
    "Or",
    "Terms",
    "Words",
    "find_spans",
    "lines_of",
    "mark_of",
    "parse",
    "phrases_of",
    "terms_of",
    "terms_of_text",
]
