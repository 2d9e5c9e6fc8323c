"""The samples that templates are tried with: kept as JSON, rich enough that every place of a template is reached."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from qareport import codec
from qareport.model import Note
from qareport.report import template_check
from qareport.report.order.view import build_view
from qareport.report.period.view import build_period_view
from tests.support import period_samples, report_samples

FIVE = report_samples.FIVE_CALLS
PERIOD = period_samples.large_report(calls=400, agents=8)
MADE = {
    "order": replace(FIVE, calls=(*FIVE.calls[:2], FIVE.calls[-1])),
    "order-failed": report_samples.FAILED_ONLY,
    "order-empty": report_samples.EMPTY,
    "period": replace(
        PERIOD,
        partial=(Note(code="incomplete"),),
        promises=PERIOD.promises[:4],
        callbacks=PERIOD.callbacks[:7],
        callbacks_total=9,
        agent_id="A03",
    ),
    "period-empty": period_samples.empty_report(),
}
#: Fields that speak only where something is missing or unusual.
SILENT = {
    "demo_notice", "message", "empty", "more", "n", "unknown", "no_promises", "no_classes", "at_ms", "href", "remark",
    "marks",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(MADE))
def test_a_sample_is_what_the_tests_make(name: str) -> None:
    path = template_check.SAMPLES / f"{name}.json"
    made = codec.to_json(MADE[name]) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(made, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == made


def spoken(view: Any) -> Iterator[str]:
    """Name the fields of a view that say something, as Class.field."""
    if isinstance(view, tuple):
        for part in view:
            yield from spoken(part)
    elif dataclasses.is_dataclass(view):
        for field in dataclasses.fields(view):
            value = getattr(view, field.name)
            if value not in ("", (), None, False):
                yield f"{type(view).__name__}.{field.name}"
            yield from spoken(value)


def fields(view: Any) -> set[str]:
    """Name all fields of the classes of a view."""
    if isinstance(view, tuple):
        return {name for part in view for name in fields(part)}
    if not dataclasses.is_dataclass(view):
        return set()
    own = {f"{type(view).__name__}.{field.name}" for field in dataclasses.fields(view)}
    return own | {name for field in dataclasses.fields(view) for name in fields(getattr(view, field.name))}


@pytest.mark.parametrize("name", ["order", "period"])
def test_a_sample_has_something_in_every_field_of_a_view(name: str) -> None:
    view: Any
    if name == "order":
        view = build_view(template_check.sample_order(), template_check.SETTINGS)
    else:
        view = build_period_view(template_check.sample_period(), template_check.SETTINGS)
    empty = {name for name in fields(view) - set(spoken(view)) if name.split(".")[1] not in SILENT}
    assert empty == set()
