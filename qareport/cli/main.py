"""The command line's entry: the global options, the table of commands, and the exit status.

0 done; 1 finished, but some calls failed (each is listed with its reason); 2 the command, the configuration or the
rules are wrong. Results go to stdout or files, everything else to stderr.
"""

from __future__ import annotations

import contextlib
import gc
import gettext
import importlib
import logging
import os
import select
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Final

import click

from qareport import __version__
from qareport.cli import terminal
from qareport.cli.console import GLOBAL_OPTIONS, Options, complain, is_json
from qareport.cli.language import CLICK_DOMAIN, SpokenGroup, choose_language, speaking_to_user
from qareport.errors import Problem, QareportError, no_memory, os_reason, redact
from qareport.files import private_files
from qareport.messages import Message, say

#: Python looks for rubbish after so many new objects, and so many times as many. What commands make by the hundred
#: thousand is kept until they end: to look for it after 700 each time took two thirds of reading 24,000 summaries.
COLLECT: Final = (20_000, 20, 10)


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command is defined, and the line that `--help` shows for it."""

    #: Module in this package and the name in it: `run:demo`.
    place: str
    short_help: str

    def load(self) -> click.Command:
        """Import the module, and return the command."""
        module, name = self.place.split(":")
        command: click.Command = getattr(importlib.import_module(f"qareport.cli.{module}"), name)
        command.short_help = self.short_help
        return command


COMMANDS: Mapping[str, Entry] = {
    "analyse": Entry("run:analyse", "Make reports from existing transcripts"),
    "audit": Entry("desk:audit", "Read and verify the desk's audit log"),
    "daily": Entry("daily:daily", "Make and mail the report of a day"),
    "demo": Entry("run:demo", "Run the bundled calls; needs no network"),
    "doctor": Entry("doctor:doctor", "Check this machine and the configuration"),
    "export": Entry("search:export", "Write stored calls as tables or text"),
    "init": Entry("setup:init", "Copy configuration and templates to edit"),
    "integrations": Entry("integrations:integrations", "Check and try integrations with other systems"),
    "live": Entry("live:live_group", "Try calls that are heard while they are on"),
    "mail": Entry("daily:mail", "List, resend, settle and test mails"),
    "models": Entry("setup:models", "Download or check the speech model"),
    "notify": Entry("integrations:notify_group", "Try the robots of chat groups"),
    "plan": Entry("plan:plan", "Plan an installation for so many calls a day"),
    "qa": Entry("qa:qa", "Learn question-answer pairs from good calls"),
    "report": Entry("run:report", "Write the report of orders from the store"),
    "rules": Entry("rules:rules_group", "Check, test, explain and replay the rules"),
    "run": Entry("run:run", "Turn recordings into reports"),
    "search": Entry("search:search", "Find what was said"),
    "serve": Entry("serve:serve", "Open the desk in a browser"),
    "status": Entry("status:status", "Show what is done, waiting and failed"),
    "store": Entry("store:store_group", "Check, back up and clean the store"),
    "templates": Entry("setup:templates", "Check edited document templates"),
    "token": Entry("desk:token", "Make and revoke keys of the API"),
    "transcribe": Entry("transcribe:transcribe", "Transcribe recordings"),
    "users": Entry("desk:users", "Manage the people who use the desk"),
}


def all_commands() -> Iterator[click.Command]:
    """Yield `qareport` itself, every command, and the commands within groups."""
    yield cli
    for entry in COMMANDS.values():
        command = entry.load()
        yield command
        if isinstance(command, click.Group):
            yield from command.commands.values()


class LazyGroup(SpokenGroup):
    """A group that imports a command's module when that command is used, so that `--help` imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands in alphabetical order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None if there is none of that name."""
        entry = COMMANDS.get(cmd_name)
        return None if entry is None else entry.load()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section(gettext.dgettext(CLICK_DOMAIN, "Commands")):
            formatter.write_dl([(name, str(Message(COMMANDS[name].short_help))) for name in self.list_commands(ctx)])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="qareport", help="Show the version and exit.")
@click.pass_context
def cli(context: click.Context, /, **arguments: Any) -> None:
    """Quality reports from customer-service calls: transcripts, emotion, key moments, advice, Word and PDF.

    Try it with `qareport demo`; then `qareport run FOLDER` on recordings of your own.
    """
    context.obj = Options(**{name: value for name, value in arguments.items() if value is not None})


for _option in GLOBAL_OPTIONS:
    cli = _option(cli)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    gc.set_threshold(*COLLECT)
    _open_missing_streams()
    with speaking_to_user(choose_language(given, os.environ)), private_files(), terminal.guarded():
        try:
            status = _run(given)
            _flush()
            return status
        except OSError as error:  # of the output itself: what failed is said, the traceback of it would not be read
            return 0 if _reader_has_ended() else _report_system_error(error)
        except SystemExit:  # click ends so where a pipe is broken
            if _reader_has_ended():
                return 0
            raise


def _run(arguments: list[str]) -> int:
    if any(_is_misread(argument) for argument in arguments):
        return _report_unreadable(arguments)
    try:
        return int(cli.main(args=arguments, prog_name="qareport", standalone_mode=False) or 0)
    except (click.exceptions.Abort, KeyboardInterrupt):
        complain(say("stopped; run the same command again to continue"))
        return 130
    except click.ClickException as error:
        error.show()
        return 2
    except QareportError as error:
        for problem in error.problems:
            complain(str(problem))
        return 2
    except OSError as error:
        if _reader_has_ended():
            return 0
        if error.errno is not None and not isinstance(error, BrokenPipeError):
            return _report_system_error(error)
        return _report_fault()
    except UnicodeEncodeError:
        return _report_fault() if all(map(_is_text, arguments)) else _report_unreadable(arguments)
    except Exception as error:  # noqa: BLE001 - the last boundary: nothing may end as if "some calls failed"
        if (lacking := no_memory(error)) is None:
            return _report_fault()
        complain(lacking)
        return 2


def _is_text(argument: str) -> bool:
    """Tell whether the locale could read an argument; a name of a file may be one that it cannot."""
    return argument.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in argument)


def _is_misread(argument: str) -> bool:
    """Tell whether an argument is UTF-8 that the locale could not read, as under `LC_ALL=POSIX PYTHONUTF8=0`."""
    if _is_text(argument):
        return False
    try:
        return bool(os.fsencode(argument).decode())
    except UnicodeError:
        return False


def _report_unreadable(arguments: list[str]) -> int:
    argument = next(argument for argument in arguments if not _is_text(argument))
    shown = os.fsencode(argument).decode("utf-8", "replace")
    what = say("an argument cannot be read in this locale: {argument}", argument=shown)
    complain(Problem(what=what, to_do=say("set LC_ALL=C.UTF-8, unset PYTHONUTF8, and write it in UTF-8")))
    return 2


def _report_fault() -> int:
    if is_json():
        logging.getLogger(__name__).exception("unexpected error")
    else:
        click.echo(redact(traceback.format_exc()), err=True, nl=False)
    complain(say("this is a fault in qareport {version}; please report it with the lines above", version=__version__))
    return 2


def _report_system_error(error: OSError) -> int:
    """Say which file the system does not let us read or write, and why: folders without permission, full disks."""
    where = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else str(say("the output"))
    reason = os_reason(error)
    to_do = say("check the path, its permissions and the disk")
    _close(sys.stdout)
    complain(Problem(what=say("cannot be read or written: {reason}", reason=reason), where=where, to_do=to_do))
    return 2


# --- streams ----------------------------------------------------------------------------------------------------------


def _open_missing_streams() -> None:
    """Open the null device in place of streams that are closed: the next file, the store's, would take their number."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
            setattr(sys, name, os.fdopen(number, mode, closefd=False))


def _flush() -> None:
    try:
        sys.stderr.flush()
    except OSError:
        _close(sys.stderr)
    sys.stdout.flush()


def _reader_has_ended() -> bool:
    """Tell whether who reads our output, for example `| head`, has ended; then nothing more is written to it."""
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        ended = any(events & select.POLLERR for _, events in poll.poll(0))
    except (OSError, ValueError):  # a test's stream has no number
        return False
    if ended:
        _close(sys.stdout)
    return ended


def _close(stream: IO[str]) -> None:
    """Let what is still to be written go nowhere, so that the end of the process does not fail by it."""
    with contextlib.suppress(OSError, ValueError):  # a test's stream has no number
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
