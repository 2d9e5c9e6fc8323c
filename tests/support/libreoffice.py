"""Word documents opened by a second program, LibreOffice; where it is missing, the test is skipped."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.postgres import REQUIRE_ALL

SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")


def to_pdf(documents: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return what LibreOffice prints of each Word document; it is started once for all of them."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{name}.docx" for name in documents]
        for path, content in zip(paths, documents.values(), strict=True):
            path.write_bytes(content)
        _run("--convert-to", "pdf", "--outdir", folder, *map(str, paths))
        return {path.stem: path.with_suffix(".pdf").read_bytes() for path in paths}


def version() -> str:
    """Return its name and version, such as "LibreOffice 7.4"."""
    name, number, *_ = _run("--version").split()
    return f"{name} {'.'.join(number.split('.')[:2])}"


def _run(*arguments: str) -> str:
    if SOFFICE is None:
        if os.environ.get(REQUIRE_ALL):
            pytest.fail("LibreOffice is not installed")
        pytest.skip("LibreOffice is not installed (Debian: libreoffice-writer-nogui): see deploy/system-packages")
    with tempfile.TemporaryDirectory() as profile:
        command = [SOFFICE, f"-env:UserInstallation={Path(profile).as_uri()}", "--headless", *arguments]
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout
