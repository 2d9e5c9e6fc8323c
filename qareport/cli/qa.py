"""`qareport qa`: what calls teach."""

from __future__ import annotations

import os

import click

from qareport.cli.console import Options, ProgressBars, notify, takes_options
from qareport.cli.language import SpokenGroup
from qareport.messages import say
from qareport.model import Agents, QaState
from qareport.workflows.qa_mining import mine

#: Processes that look through calls, at most, unless another number is asked for.
_MOST = 4


@click.group(cls=SpokenGroup)
def qa() -> None:
    """Learn from good calls: question-answer pairs for a knowledge base, or to train a model with."""


@qa.command("mine", short_help="Find question-answer pairs in stored calls")
@click.option("--processes", type=click.IntRange(1, 64), metavar="N", help="How many work at once [cores, at most 4].")
@takes_options
def mine_pairs(options: Options, processes: int | None) -> int:
    """Look through the calls that are new or were judged anew; what people decided on stays.

    Found pairs wait on the desk's page /qa until somebody approves them; only then `qareport export qa` writes them.
    """
    with options.open_workspace() as workspace, ProgressBars() as progress:
        store = workspace.store
        cores = processes or min(_MOST, len(os.sched_getaffinity(0)))
        counts = mine(store, processes=cores, url=workspace.store_url, on_progress=progress)
        states = store.qa_pairs.count_states(Agents())
    notify(
        say(
            "{calls} calls looked through, {solved} of them solved; {added} pairs added, {removed} gone",
            calls=counts.calls, solved=counts.solved, added=counts.added, removed=counts.removed,
        )
    )  # fmt: skip
    waiting = states.get(QaState.MINED, 0)
    decided = sum(states.get(state, 0) for state in (QaState.APPROVED, QaState.EDITED))
    notify(
        say(
            "{waiting} pairs wait to be approved, {approved} may leave: qareport serve, page /qa",
            waiting=waiting, approved=decided,
        )
    )  # fmt: skip
    return 0
