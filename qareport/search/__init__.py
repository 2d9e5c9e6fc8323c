"""Searching what was said: terms that work for Chinese, the query language, and marks on what was found.

Pure functions over text; `qareport.store` keeps the index and answers queries. The language is described in
docs/guide/search-and-export.md.
"""

from qareport.search.call_tags import CallTags, tags_of
from qareport.search.facets import (
    FACETS,
    HEARD,
    MAIN_ISSUE,
    OUTSIDE,
    REVIEWED,
    SHOWN,
    dominant_emotion,
    facets_of,
    heat_facets_of,
    shown_emotions,
    spoken_languages,
)
from qareport.search.parser import parse, terms_in_query
from qareport.search.query import (
    And,
    Between,
    Fact,
    Found,
    Hit,
    Mark,
    Node,
    Not,
    Or,
    QueryTerm,
    Words,
    phrases_of,
    write_field,
)
from qareport.search.terms import MARK, Line, Terms, find_spans, lines_of, mark_of, terms_of, terms_of_text

__all__ = [
    "FACETS",
    "HEARD",
    "MAIN_ISSUE",
    "MARK",
    "OUTSIDE",
    "REVIEWED",
    "SHOWN",
    "And",
    "Between",
    "CallTags",
    "Fact",
    "Found",
    "Hit",
    "Line",
    "Mark",
    "Node",
    "Not",
    "Or",
    "QueryTerm",
    "Terms",
    "Words",
    "dominant_emotion",
    "facets_of",
    "find_spans",
    "heat_facets_of",
    "lines_of",
    "mark_of",
    "parse",
    "phrases_of",
    "shown_emotions",
    "spoken_languages",
    "tags_of",
    "terms_in_query",
    "terms_of",
    "terms_of_text",
    "write_field",
]
