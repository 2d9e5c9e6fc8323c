"""Download models with the hubs' own clients; what has been downloaded already is only checked."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from qareport.asr import model_files
from qareport.asr.model_files import DEMO, HUGGINGFACE_NAME, MODELSCOPE_NAME, ModelFiles
from qareport.errors import ModelError

_Files = TypeVar("_Files")


def fetch_files(model: str) -> ModelFiles:
    """Download a model and check it; a model that is on this machine already is only checked.

    Raises:
        ModelError: no client is installed, the download failed, or files are missing or damaged.
    """
    return _fetch(model, model_files.check)


def fetch(model: str) -> Path:
    """Download a model and check it, as `fetch_files`; return its directory.

    Raises:
        ModelError: as `fetch_files`.
    """
    return fetch_files(model).directory


def fetch_vad(name: str) -> Path:
    """Download FSMN-VAD and check it, as `fetch`.

    Raises:
        ModelError: as `fetch`.
    """
    return _fetch(name, model_files.check_vad).directory


def fetch_speaker_model(name: str) -> Path:
    """Download cam++ and check it, as `fetch`.

    Raises:
        ModelError: as `fetch`.
    """
    return _fetch(name, model_files.check_speaker_model).directory


def _fetch(name: str, check_files: Callable[[Path], _Files]) -> _Files:
    try:
        return check_files(model_files.resolve(name))
    except ModelError:
        if Path(name).expanduser().is_dir() or not model_files.is_hub_name(name):
            raise
        return check_files(_download(name))  # resumes a download that broke off


def _download(model: str) -> Path:
    if model == HUGGINGFACE_NAME:
        sources = (("huggingface_hub", model), ("modelscope", MODELSCOPE_NAME))
    elif model == MODELSCOPE_NAME:
        sources = (("modelscope", model), ("huggingface_hub", HUGGINGFACE_NAME))
    else:
        sources = (("modelscope", model), ("huggingface_hub", model))
    reasons = []
    for package, name in sources:
        try:
            client = importlib.import_module(package)
            return Path(client.snapshot_download(name))
        except Exception as error:  # noqa: BLE001 - the clients raise errors of many libraries; all end as one ModelError
            first_line = (str(error).splitlines() or [""])[0]
            reasons.append(f"{package}: {type(error).__name__}: {first_line}")
    raise ModelError(
        f"could not be downloaded ({'; '.join(reasons)})",
        where=model,
        to_do=(
            f"check the network, or copy the model directory to {next(model_files.cache_places(model))} or anywhere "
            f"and name it with --model, asr.fsmn_vad or asr.speaker_model; `--model {DEMO}` uses the small bundled "
            "model"
        ),
    )
