"""Run the command line: `python -m qareport`, and the program `qareport`.

What the command line needs takes a while to import: an interruption in that time is none of its faults.
"""

from __future__ import annotations

import sys


def main() -> int:
    """Import the command line, run it, and return its exit status."""
    try:
        from qareport.cli import main as run

        return run()
    except KeyboardInterrupt:
        sys.stderr.write("qareport: stopped\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
