"""`qareport plan`: what so many calls a day need, on paper."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from qareport.cli.console import Options, takes_options
from qareport.cli.language import SpokenCommand
from qareport.messages import Message, for_user, say

if TYPE_CHECKING:
    from qareport.workflows.capacity.plan import CapacityPlan


@click.command(cls=SpokenCommand)
@click.option("--calls", type=click.IntRange(1, 100_000_000), required=True, metavar="N", help="Calls a day.")
@click.option("--minutes", type=click.FloatRange(0.1, 600), default=3.0, show_default=True, help="Their mean length.")
@click.option(
    "--hours",
    type=click.FloatRange(0.1, 24),
    default=8.0,
    show_default=True,
    help="In which the recordings of a day are to be done.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@takes_options
def plan(options: Options, calls: int, minutes: float, hours: float, as_json: bool) -> int:
    """Plan an installation: GPUs, cores, store, documents and mails of a day, and what breaks first.

    \b
    qareport plan --calls 100000 --minutes 3

    Each line names its source: a result of this repository's benchmarks, or an estimate. Nothing is looked at on this
    machine.
    """
    from qareport.workflows.capacity.plan import Demand, make_plan

    made = make_plan(Demand(calls=calls, minutes=minutes, hours=hours))
    if as_json:
        click.echo(json.dumps(_data(made), ensure_ascii=False, indent=1))
        return 0
    for line in plan_lines(made):
        click.echo(for_user(line))
    return 0


def plan_lines(plan: CapacityPlan) -> Iterator[Message | str]:
    """Yield the plan line by line."""
    demand = plan.demand
    yield say(
        "{calls} calls a day of {minutes} min, done within {hours} h",
        calls=f"{demand.calls:,}",
        minutes=f"{demand.minutes:g}",
        hours=f"{demand.hours:g}",
    )
    yield ""
    for row in plan.rows:
        yield row.text
        for figure in row.figures:
            source = say("measured: {source}", source=figure.source) if figure.measured else figure.source
            yield f"    ({source})"
    yield ""
    yield say("What breaks first on one machine (H200, 16 cores, 128 GiB, 2 TB):")
    for limit in plan.limits:
        yield say(
            "  {used} % of {what} (100 % at {calls} calls a day)",
            used=f"{100 * limit.used:,.0f}" if limit.used >= 0.1 else f"{100 * limit.used:.1f}",
            what=limit.text,
            calls=f"{_rounded(limit.calls):,}",
        )
        yield say("      then: {to_do}", to_do=limit.to_do)


def _data(plan: CapacityPlan) -> dict[str, Any]:
    """Return a plan for programs; its texts are those of the lines."""
    return {
        "calls": plan.demand.calls,
        "minutes": plan.demand.minutes,
        "hours": plan.demand.hours,
        "needs": [
            {
                "name": row.name,
                "value": row.value,
                "unit": row.unit,
                "text": for_user(row.text),
                "figures": [
                    {"value": figure.value, "source": for_user(figure.source), "measured": figure.measured}
                    for figure in row.figures
                ],
            }
            for row in plan.rows
        ],
        "limits": [
            {
                "name": limit.name,
                "used": limit.used,
                "calls": limit.calls,
                "text": for_user(limit.text),
                "to_do": for_user(limit.to_do),
            }
            for limit in plan.limits
        ],
    }


def _rounded(calls: int) -> int:
    """Round to two digits: no plan is more exact."""
    digits = max(0, len(str(calls)) - 2)
    return round(calls, -digits)
