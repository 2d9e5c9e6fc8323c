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
    except OverflowError as error:
        if "timestamp" not in str(error):
            raise
        # Python itself cannot tell such a time, 2**63 ns after 1970: nothing can be imported that says it better.
        sys.stderr.write("qareport: the clock of this machine is after 2262: set the clock（请校准这台机器的时钟）\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
