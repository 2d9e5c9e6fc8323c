"""PDFs read by a second program, poppler; where it is missing, the test is skipped."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from tests.support.postgres import REQUIRE_ALL


def poppler(program: str, content: bytes, *arguments: str) -> str:
    """Run one of poppler's programs on a PDF and return what it prints."""
    if shutil.which(program) is None and not os.environ.get(REQUIRE_ALL):
        pytest.skip(f"{program} is not installed (Debian: poppler-utils): see deploy/system-packages")
    done = subprocess.run([program, *arguments], input=content, capture_output=True, check=True)
    return done.stdout.decode("utf-8")
