"""Where the tests find the checkout, and what stands beside it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
#: Recordings, weights and calls that others labelled; a test that needs them is skipped without them.
SHARED = ROOT.parent / "shared"
