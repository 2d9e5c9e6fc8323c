"""`python -m qareport` is the command line."""

from __future__ import annotations

import sys

from qareport.cli import main

sys.exit(main())
