"""Convert domain types to JSON and back, and read transcripts, those of FunASR included."""

from qareport.codec.identifiers import clean_text, is_nothing, read_identifier, read_number, read_telephone
from qareport.codec.instants import LATEST_YEAR, OLDEST_YEAR, is_plausible, read_instant
from qareport.codec.transcripts import read_transcript, read_transcripts
from qareport.codec.values import (
    JsonObject,
    expected_of,
    explain,
    explain_issues,
    from_json,
    given_twice,
    json_schema,
    load_json,
    only_list,
    read_report,
    shorten,
    to_data,
    to_json,
)

__all__ = [
    "LATEST_YEAR",
    "OLDEST_YEAR",
    "JsonObject",
    "clean_text",
    "expected_of",
    "explain",
    "explain_issues",
    "from_json",
    "given_twice",
    "is_nothing",
    "is_plausible",
    "json_schema",
    "load_json",
    "only_list",
    "read_identifier",
    "read_instant",
    "read_number",
    "read_report",
    "read_telephone",
    "read_transcript",
    "read_transcripts",
    "shorten",
    "to_data",
    "to_json",
]
