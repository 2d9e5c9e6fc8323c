"""The libraries of the engine: their versions, the GPUs that torch can use, and suppression of their output."""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import logging
import os
import threading
import warnings
from collections.abc import Iterator, Mapping

logger = logging.getLogger(__name__)
#: What is suppressed belongs to the process: of two threads, the one that ends last would restore what the other set.
_ONE_AT_A_TIME = threading.RLock()

#: Distributions of the `engine` extra that transcription needs.
PACKAGES = ("torch", "funasr", "silero-vad", "kaldi-native-fbank")


def installed_packages() -> Mapping[str, str | None]:
    """Return the version of each package that transcription needs; None where it is not installed."""
    return {name: _version(name) for name in PACKAGES}


def let_threads_sleep() -> None:
    """Let torch's threads sleep while they wait, unless the environment says otherwise; call it before torch loads.

    OpenMP lets them spin, which takes the time of whatever else runs: on a busy machine 2.5 times the CPU time.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def gpu_names() -> tuple[str, ...]:
    """Return the names of the GPUs that torch can use; imports torch.

    Raises:
        ImportError: torch is not installed.
    """
    let_threads_sleep()
    import torch

    return tuple(torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count()))


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


@contextlib.contextmanager
def suppress_output() -> Iterator[None]:
    """Suppress funasr's prints, log records and warnings, and restore the root logger; one thread at a time."""
    with _ONE_AT_A_TIME:
        yield from _suppressed()


def _suppressed() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, disabled = root.handlers[:], root.level, root.manager.disable
    logging.disable(logging.CRITICAL)
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        root.handlers[:] = handlers
        root.setLevel(level)
        if printed.getvalue().strip():
            logger.debug("funasr printed: %s", printed.getvalue().strip())
