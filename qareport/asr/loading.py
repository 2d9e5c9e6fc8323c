"""Locate or download models, check them, and load them into an engine.

Only `load` imports torch and funasr.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from qareport.asr import model_files
from qareport.asr.engine import CPU_ROUND_SECONDS, ROUND_BATCHES, Engine, Transcriber
from qareport.asr.model_files import HUGGINGFACE_NAME, MODELSCOPE_NAME, ModelFiles, SpeakerModelFiles, VadFiles
from qareport.asr.suppress_output import let_threads_sleep
from qareport.errors import ModelError, no_memory
from qareport.files import in_home
from qareport.messages import Message, say
from qareport.model import ModelInfo
from qareport.settings import AsrSettings, AudioSettings

_Files = TypeVar("_Files")


def fetch(model: str) -> Path:
    """Download a model and check it; one that is on this machine already is only checked. Return its directory.

    Raises:
        ModelError: no client is installed, the download failed, or files are missing or damaged.
    """
    return _fetch(model, model_files.check).directory


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
        if in_home(name).is_dir() or not model_files.is_hub_name(name):
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
            reasons.append(f"{package}: {(str(error).splitlines() or [type(error).__name__])[0][:150]}")
    raise ModelError(
        say("could not be downloaded ({reasons})", reasons="; ".join(reasons)),
        where=model,
        to_do=say(
            "check the network, or copy the model directory to {folder}, or anywhere and name it with --model, "
            "asr.fsmn_vad or asr.speaker_model",
            folder=next(model_files.cache_places(model)),
        ),
    )


#: Incremented with each change of this package that changes transcripts; stored ones are then made again.
_VERSION = 5
#: Settings that change no transcript, or (paths to models) are covered by the models' revisions.
_WITHOUT_EFFECT = frozenset({"batch_seconds", "vad", "fsmn_vad", "speaker_model"})
#: Settings that came later and change transcripts only where they are on: off, stored transcripts stay valid.
_OFF_AT_FIRST = frozenset({"cpu_bf16"})


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFiles:
    """The files of an engine, located, checked and hashed."""

    model: ModelFiles
    #: Name and revision of the model.
    info: ModelInfo
    #: None: speech is found with silero, which is installed as a package.
    vad: VadFiles | None
    #: None: speakers on one channel are distinguished by words alone.
    speaker_model: SpeakerModelFiles | None


def locate(model: str, asr: AsrSettings) -> EngineFiles:
    """Locate and check the files of a model, of the voice activity detector and of the speaker model.

    Args:
        model: "demo", a directory, or a hub name such as `iic/SenseVoiceSmall`.
        asr: which detector, and where it and the speaker model are.

    Raises:
        ModelError: a file that is needed is absent, incomplete or inconsistent; the text says where to put it.
    """
    files = model_files.check(model_files.resolve(model))
    info = model_files.identify(model, files)
    return EngineFiles(model=files, info=info, vad=_locate_vad(info, asr), speaker_model=_locate_speaker_model(asr))


def load(model: EngineFiles | str, *, device: str, asr: AsrSettings, audio: AudioSettings) -> Transcriber:
    """Load a model and a voice activity detector.

    Args:
        model: files from `locate`; a name is located first.
        device: "auto", "cpu", "cuda" or "cuda:N".
        asr: how speech is found and transcribed.
        audio: how recordings are read.

    Raises:
        ModelError: the model is absent, incomplete or inconsistent, the engine is not installed, or there is no such
            device.
    """
    files = locate(model, asr) if isinstance(model, str) else model
    let_threads_sleep()
    try:
        from qareport.asr.fsmn_vad import FsmnVad
        from qareport.asr.sensevoice import SenseVoice
        from qareport.asr.silero_vad import SileroVad
        from qareport.asr.speaker_embedding import SpeakerEmbedding
    except Exception as error:
        if not isinstance(error, ImportError) and no_memory(error) is None:
            raise
        raise _not_imported(error) from error
    chosen = _device(device)
    return Engine(
        speech=SenseVoice(files.model, files.info, device=chosen, settings=asr),
        vad=SileroVad(asr) if files.vad is None else FsmnVad(files.vad, asr, device=chosen),
        embed_speaker=None if files.speaker_model is None else SpeakerEmbedding(files.speaker_model),
        asr=asr,
        audio=audio,
        round_seconds=CPU_ROUND_SECONDS if chosen == "cpu" else ROUND_BATCHES * asr.batch_seconds,
    )


def describe_detection(files: EngineFiles, asr: AsrSettings) -> tuple[Message, Message]:
    """Describe, for people, what finds speech and what distinguishes speakers on one channel."""
    vad, speaker_model = files.vad, files.speaker_model
    silero = _installed("silero-vad")
    if vad is not None:
        speech = say("finds speech with FSMN-VAD@{revision}, {folder}", revision=vad.revision, folder=vad.directory)
    elif asr.vad == "auto" and files.info.name != model_files.DEMO:
        speech = say(
            "finds speech with silero-vad {version}: {model} is not on this machine (qareport models fetch)",
            version=silero,
            model=asr.fsmn_vad,
        )
    else:
        speech = say("finds speech with silero-vad {version}", version=silero)
    if speaker_model is not None:
        return speech, say(
            "tells voices on one channel apart by cam++@{revision}, {folder}",
            revision=speaker_model.revision,
            folder=speaker_model.directory,
        )
    return speech, say(
        "tells voices on one channel apart by words alone: {model} is not on this machine (qareport models fetch)",
        model=asr.speaker_model,
    )


def transcription_key(files: EngineFiles, asr: AsrSettings, audio: AudioSettings) -> str:
    """Hash everything that decides a transcript besides the recording and the call's own channel map.

    The size of batches and the limit on length are left out: they do not change what is recognised.
    """
    vad, speaker_model = files.vad, files.speaker_model
    parts = {
        "engine": _VERSION,
        "model": [files.info.name, files.info.revision],
        "vad": ["silero-vad", _installed("silero-vad")] if vad is None else ["fsmn-vad", vad.revision],
        "speaker_model": None if speaker_model is None else speaker_model.revision,
        "funasr": _installed("funasr"),
        "asr": {
            name: value
            for name, value in asdict(asr).items()
            if name not in _WITHOUT_EFFECT and (value or name not in _OFF_AT_FIRST)
        },
        "channel_roles": list(audio.channel_roles),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _not_imported(error: Exception) -> ModelError:
    """Say why the engine cannot be imported."""
    if no_memory(error) is not None:
        return ModelError(
            say("the memory that this process may use is not enough to load the engine ({error})", error=error),
            to_do=say("allow it more (ulimit -v), or end programs beside it"),
        )
    return ModelError(
        say("the engine is not installed ({error})", error=error), to_do=say("pip install 'qareport[engine]'")
    )


def _locate_vad(model: ModelInfo, asr: AsrSettings) -> VadFiles | None:
    """Locate FSMN-VAD where the settings ask for it; None means silero.

    "auto" takes FSMN-VAD, the detector that SenseVoice is published with, where it is on this machine. The demo model
    keeps to silero, which it was measured with and which is always installed.

    Raises:
        ModelError: "fsmn" or a directory is asked for and is absent, or its files are incomplete.
    """
    if asr.vad == "silero" or (asr.vad == "auto" and model.name == model_files.DEMO):
        return None
    directory = model_files.find(asr.fsmn_vad, setting="asr.fsmn_vad", needed=asr.vad == "fsmn")
    return None if directory is None else model_files.check_vad(directory)


def _locate_speaker_model(asr: AsrSettings) -> SpeakerModelFiles | None:
    """Locate cam++; None where it is not on this machine.

    Raises:
        ModelError: a directory is named that does not exist, or its files are incomplete.
    """
    directory = model_files.find(asr.speaker_model, setting="asr.speaker_model", needed=False)
    return None if directory is None else model_files.check_speaker_model(directory)


def _device(requested: str) -> str:
    import torch

    count = torch.cuda.device_count()
    if requested == "auto":
        return "cuda" if count else "cpu"
    kind, _, number = requested.partition(":")
    if requested != "cpu" and (kind != "cuda" or (number and not number.isdecimal())):
        raise ModelError(
            say("there is no device {requested!r}", requested=requested),
            where="--device",
            expected=say("auto, cpu, cuda or cuda:N"),
        )
    if kind == "cuda" and int(number or 0) >= count:
        raise ModelError(
            say(
                "there is no device {requested!r}: PyTorch {version} sees {count} CUDA devices",
                requested=requested,
                version=torch.__version__,
                count=count,
            ),
            where="--device",
            to_do=say("install a driver and a CUDA build of PyTorch, or use --device cpu"),
        )
    return requested


def _installed(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
