"""What speech recognition finds on this machine: installed packages and GPUs. Importing this module loads no torch."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping

#: Distributions of the `engine` extra that transcription needs.
PACKAGES = ("torch", "funasr", "silero-vad", "kaldi-native-fbank")


def installed_packages() -> Mapping[str, str | None]:
    """Return the version of each package that transcription needs; None where it is not installed."""
    return {name: _version(name) for name in PACKAGES}


def gpu_names() -> tuple[str, ...]:
    """Return the names of the GPUs that torch can use; imports torch.

    Raises:
        ImportError: torch is not installed.
    """
    import torch

    return tuple(torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count()))


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
