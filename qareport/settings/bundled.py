"""The files that are shipped with qareport: default configuration and templates, the small model, the reader, calls."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def default_dir(name: str) -> Path:
    """Return the folder of the default configuration or of the default templates.

    In a source checkout it is beside the package, in an installed package inside it.

    Args:
        name: "config" or "templates".
    """
    inside = _PACKAGE / "bundled" / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def bundled_model() -> Path:
    """Return the directory of the small bundled model (`--model demo`).

    training/README.md documents how it was made.
    """
    return _PACKAGE / "bundled" / "model"


def bundled_reader() -> Path:
    """Return the model of the bundled reader, which understands sentences (`understanding.bundled`)."""
    return _PACKAGE / "bundled" / "reader.npz"


def bundled_patterns() -> Path:
    """Return the patterns of the bundled reader, a file for each act (`understanding.patterns`)."""
    return _PACKAGE / "bundled" / "patterns"


def bundled_calls() -> Path:
    """Return the directory of the bundled recordings and their manifest."""
    return _PACKAGE / "bundled" / "calls"


def bundled_figures() -> Path:
    """Return the measured figures that `qareport plan` multiplies (`make reference` writes them)."""
    return _PACKAGE / "bundled" / "figures.json"
