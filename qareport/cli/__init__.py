"""The command line: the only place that prints or sets an exit status.

0 done; 1 finished, but some calls failed (each is listed with its reason); 2 the command, the configuration or the
rules are wrong. Results go to stdout or files, everything else to stderr.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click

from qareport import __version__
from qareport.cli import calls, daily, finding, logs, machine, rules, status, storage, templates
from qareport.cli.console import complain
from qareport.cli.options import GLOBAL_OPTIONS, Options
from qareport.errors import QareportError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="qareport")
@click.pass_context
def cli(context: click.Context, /, **arguments: Any) -> None:
    """Quality reports from customer-service calls: transcripts, emotion, key moments, advice, Word and PDF.

    Try it with `qareport demo`; then `qareport run FOLDER` on recordings of your own.
    """
    context.obj = Options(**{name: value for name, value in arguments.items() if value is not None})


for _option in reversed(GLOBAL_OPTIONS):
    cli = _option(cli)


for _command in (
    *calls.COMMANDS,
    *daily.COMMANDS,
    *finding.COMMANDS,
    *status.COMMANDS,
    rules.rules,
    storage.storage,
    templates.templates,
    *machine.COMMANDS,
):
    cli.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    try:
        status = cli.main(
            args=None if arguments is None else list(arguments), prog_name="qareport", standalone_mode=False
        )
        return int(status or 0)
    except click.exceptions.Abort:
        complain("stopped; the same command goes on where it was")
        return 130
    except click.ClickException as error:
        error.show()
        return 2
    except QareportError as error:
        for problem in error.problems:
            complain(str(problem))
        return 2
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:  # the last boundary: nothing may end as if "some calls failed"
        if logs.is_json():
            logging.getLogger(__name__).exception("unexpected error")
        else:
            traceback.print_exc()
        complain(f"this is a fault in qareport {__version__}; please report it with the lines above")
        return 2
