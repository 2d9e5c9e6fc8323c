"""Run the command line: `python -m qareport`."""

from __future__ import annotations

import sys

from qareport.cli import main

sys.exit(main())
