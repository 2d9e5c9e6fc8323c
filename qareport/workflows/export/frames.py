"""Tables of stored calls for programs: Parquet files, and pandas data frames of the same columns and types."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO, TYPE_CHECKING
from zoneinfo import ZoneInfo

from qareport.errors import DocumentError
from qareport.files import atomic_write
from qareport.store import CallFilter
from qareport.workflows.export.columns import KINDS
from qareport.workflows.export.records import masked_records, rows
from qareport.workflows.export.writing import open_table

if TYPE_CHECKING:
    import pandas

    from qareport.workflows.workspace import Workspace


def write_parquet(workspace: Workspace, kind: str, path: Path) -> int:
    """Write a table to a Parquet file and return the number of its rows; see `Workspace.to_parquet`."""
    try:
        with atomic_write(path) as file:
            return _write(workspace, kind, file)
    except OSError as error:
        raise DocumentError(
            f"cannot be written: {error.strerror}", where=str(path), to_do="check the folder and the disk"
        ) from error


def make_data_frame(workspace: Workspace, kind: str) -> pandas.DataFrame:
    """Return a table as a pandas data frame; see `Workspace.to_pandas`."""
    try:
        import pandas  # noqa: F401 - pyarrow needs it, and says less clearly that it is missing
    except ModuleNotFoundError as error:
        raise DocumentError(
            "pandas is not installed", where="to_pandas", to_do="pip install 'qareport[pandas]'"
        ) from error
    file = io.BytesIO()
    _write(workspace, kind, file)
    import pyarrow.parquet

    frame: pandas.DataFrame = pyarrow.parquet.read_table(file).to_pandas()
    return frame


def _write(workspace: Workspace, kind: str, file: IO[bytes]) -> int:
    if kind not in KINDS:
        raise DocumentError(f"no table {kind!r}", where="export", expected=", ".join(KINDS))
    settings, store, table = workspace.settings, workspace.store, KINDS[kind]
    zone = ZoneInfo(settings.period.time_zone)
    ids = [call_id for call_id, _ in store.calls.list_ids(CallFilter())]
    written = 0
    with open_table(table, "parquet", file) as writer:
        for record in masked_records(store, ids, settings.privacy):
            for row in rows(table, record, zone):
                writer.write(row)
                written += 1
    return written
