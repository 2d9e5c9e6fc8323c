"""The command line: the only package that prints or sets an exit status."""

from qareport.cli.main import COMMANDS, all_commands, cli, main

__all__ = ["COMMANDS", "all_commands", "cli", "main"]
