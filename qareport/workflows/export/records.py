"""Stored calls on their way out: masked as the privacy settings say, one call in memory at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from qareport import privacy
from qareport.model import PersonalKind
from qareport.settings import PrivacySettings
from qareport.store import CallRecord, Store
from qareport.workflows.export.columns import Table


def masked_records(store: Store, call_ids: Sequence[str], masking: PrivacySettings) -> Iterator[CallRecord]:
    """Iterate over calls as they may leave the store."""
    for record in store.results.list(call_ids):
        yield _masked(record, masking.kinds) if masking.enabled else record


def _masked(record: CallRecord, kinds: Collection[PersonalKind]) -> CallRecord:
    report, failure = record.report, record.failure
    return replace(
        record,
        report=report and privacy.mask_report(report, kinds),
        # The name of a recording may hold the number that called.
        failure=failure and replace(failure, reason=privacy.mask(failure.reason, kinds=kinds)[0]),
    )


def rows(table: Table, record: CallRecord, zone: ZoneInfo) -> Iterator[list[object]]:
    """Return the rows of one call, a value for each column."""
    for item in table.items(record, zone):
        yield [column.value(item) for column in table.columns]
