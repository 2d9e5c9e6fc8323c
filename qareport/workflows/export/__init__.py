"""Stored calls as tables and as text for other programs: one row a segment, moment, finding or call.

The columns are described in docs/guide/search-and-export.md.
"""

from qareport.workflows.export.columns import KINDS, Table, masked_records, rows
from qareport.workflows.export.writing import FORMATS, TableWriter, open_table, text_of_call

__all__ = ["FORMATS", "KINDS", "Table", "TableWriter", "masked_records", "open_table", "rows", "text_of_call"]
