"""Tables as files."""

from __future__ import annotations

import io
import time

import pytest

from qareport.errors import DocumentError
from qareport.workflows.export.columns import Table
from qareport.workflows.export.writing import open_table

EMPTY = Table(name="calls", columns=(), items=lambda record, zone: iter(()))


@pytest.mark.parametrize("year", [1970, 1979, 2108])
def test_a_clock_by_which_workbooks_cannot_be_dated_is_named_and_csv_is_written_all_the_same(
    monkeypatch: pytest.MonkeyPatch, year: int
) -> None:
    monkeypatch.setattr(time, "gmtime", lambda *_: time.struct_time((year, 1, 1, 0, 0, 0, 3, 1, 0)))
    with pytest.raises(DocumentError, match=f"xlsx: the clock of this machine says {year}"):
        open_table(EMPTY, "xlsx", io.BytesIO()).__enter__()
    file = io.BytesIO()
    with open_table(EMPTY, "csv", file):
        pass
    assert file.getvalue().startswith(b"\xef\xbb\xbf")
