"""What templates are filled with is documented, exists and is used: in both directions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, get_type_hints

import pytest

from qareport.delivery.mail import MailView
from qareport.presentation.view_types import Chart, Curve, HeatChart, HeatChartCell, HeatChartRow, TrendChart
from qareport.report.formats.html import PageVariables
from qareport.report.order.view_types import OrderView
from qareport.report.period.view_types import PeriodView
from qareport.settings import default_dir
from tests.support.template_fields import fields_used, template_source
from tools import make_reference

TEMPLATES: Mapping[str, Mapping[str, Any]] = {
    "call.docx": {"report": OrderView},
    "call.html.j2": {"report": OrderView},
    "period.docx": {"report": PeriodView},
    "period.html.j2": {"report": PeriodView},
    "mail.html.j2": {"mail": MailView},
    "mail.txt.j2": {"mail": MailView},
}
#: Drawn as pictures: their fields are read by the drawing.
DRAWN = (Chart, Curve, HeatChart, HeatChartRow, HeatChartCell, TrendChart)


def variables(name: str) -> dict[str, Any]:
    """Return the types of what a template is filled with."""
    page = get_type_hints(PageVariables) if name in ("call.html.j2", "period.html.j2") else {}
    return {**TEMPLATES[name], **page}


def used(name: str) -> set[str]:
    return fields_used(template_source(default_dir("templates") / name), variables(name))


def documented() -> Iterator[tuple[type, str, str]]:
    """Yield the fields that templates can print: class, name, description."""
    for view in make_reference._reachable([OrderView, PeriodView, MailView]):
        remarks = make_reference.field_descriptions(view)
        for field in dataclasses.fields(view):
            yield view, field.name, remarks.get(field.name, "")


def test_every_template_variable_is_described() -> None:
    assert [f"{view.__name__}.{name}" for view, name, remark in documented() if not remark.endswith(".")] == []


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_everything_that_a_bundled_template_prints_exists(name: str) -> None:
    assert len(used(name)) > 20


def test_every_field_is_printed_by_a_bundled_template_or_is_there_for_ones_own() -> None:
    printed = set().union(*(used(name) for name in TEMPLATES))
    fields = {f"{view.__name__}.{name}": remark for view, name, remark in documented() if view not in DRAWN}
    assert {name for name in fields if name not in printed} == {
        name for name, remark in fields.items() if remark.endswith("For your own templates.")
    }


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("{{ report.sentense }}", "line 1: no such field: OrderView.sentense"),
        ("{% for call in report.calls %}\n{{ call.facts.nam }}{% endfor %}", "line 2: no such field: Facts.nam"),
        ("{{ raport.title }}", "line 1: no such name: raport"),
        ("{% macro say(it) %}{{ it.txt }}{% endmacro %}{{ say(report.badge) }}", "no such field: Phrase.txt"),
    ],
)
def test_a_wrong_name_in_a_template_is_found(source: str, told: str) -> None:
    with pytest.raises(AssertionError, match=told):
        fields_used(source, {"report": OrderView})
