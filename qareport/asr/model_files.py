"""Locate a model directory and check every file in it, before anything heavy is loaded.

A directory is what the hubs publish: `configuration.json` names the weights, `config.yaml`, the feature normalisation
(`am.mvn`) and the SentencePiece model. When one is missing, funasr runs on random weights or without normalisation
and reports nothing; so nothing is loaded that has not passed `check`.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from qareport.audio.containers import sha256_of
from qareport.errors import AudioError, ModelError, os_reason
from qareport.files import in_home
from qareport.messages import say
from qareport.model import ModelInfo
from qareport.settings import bundled_model

#: The name on the command line of the bundled model.
DEMO = "demo"
#: The same model on the two hubs.
MODELSCOPE_NAME = "iic/SenseVoiceSmall"
HUGGINGFACE_NAME = "FunAudioLLM/SenseVoiceSmall"
_CLASS = "SenseVoiceSmall"
_VAD_CLASS = "FsmnVADStreaming"
_SPEAKER_CLASS = "CAMPPlus"
_LFS_POINTER = b"version https://git-lfs"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFiles:
    """The files of a checked model directory."""

    directory: Path
    weights: Path
    config: Path
    configuration: Path
    cmvn: Path
    tokenizer: Path

    def all(self) -> tuple[Path, ...]:
        """Return every file that decides the model's output."""
        return (self.weights, self.config, self.configuration, self.cmvn, self.tokenizer)


@dataclass(frozen=True, slots=True, kw_only=True)
class VadFiles:
    """The files of a checked directory of FSMN-VAD."""

    directory: Path
    weights: Path
    config: Path
    cmvn: Path

    @property
    def revision(self) -> str:
        """The first 12 hexadecimal digits of the SHA-256 over the files' SHA-256."""
        return _revision((self.weights, self.config, self.cmvn))


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerModelFiles:
    """The files of a checked directory of cam++."""

    directory: Path
    weights: Path
    config: Path

    @property
    def revision(self) -> str:
        """The first 12 hexadecimal digits of the SHA-256 over the files' SHA-256."""
        return _revision((self.weights, self.config))


def resolve(model: str) -> Path:
    """Locate the directory of a model, without any network.

    Args:
        model: "demo", a directory, or a name on a hub such as `iic/SenseVoiceSmall`.

    Raises:
        ModelError: it is not on this machine; the text says where to put it.
    """
    if model == DEMO:
        return bundled_model()
    path = in_home(model)
    if path.is_dir():
        return path
    if not is_hub_name(model):
        raise ModelError(
            say("there is no such directory"),
            where=model,
            expected=say(
                "a model directory, a hub name such as {modelscope_name}, or {demo}",
                modelscope_name=MODELSCOPE_NAME,
                demo=DEMO,
            ),
        )
    for place in cache_places(model):
        if (place / "configuration.json").is_file():  # a download that failed early leaves empty folders behind
            return place
    raise ModelError(
        say(
            "no model {model}: run `qareport models fetch`, or name a directory (--model DIR) or the small bundled "
            "model (--model {demo})",
            model=model,
            demo=DEMO,
        )
    )


def find(name: str, *, setting: str, needed: bool) -> Path | None:
    """Locate the directory of a part that a setting names; None where it is not needed and has not been downloaded.

    Raises:
        ModelError: it is needed, or a directory is named, and it is not on this machine.
    """
    try:
        return resolve(name)
    except ModelError as error:
        downloadable = is_hub_name(name)
        if downloadable and not needed:
            return None
        fetch = say("run `qareport models fetch`, or name its directory there")
        raise ModelError(
            say("{name} is not on this machine", name=name),
            where=setting,
            expected=say("a downloaded model"),
            to_do=fetch if downloadable else say("correct the path"),
        ) from error


def check(directory: Path) -> ModelFiles:
    """Check that the files of a model exist, are complete, and fit each other as far as can be told without loading.

    Raises:
        ModelError: names the file and what is wrong with it.
    """
    if not directory.is_dir():
        raise ModelError(
            say("there is no such model directory"), where=str(directory), to_do=say("see `--model {demo}`", demo=DEMO)
        )
    configuration = _present(directory, "configuration.json")
    metas = _metas(configuration)
    config = _present(directory, _meta(metas, "config", "config.yaml"))
    settings = _config(config, _CLASS)
    weights = _present(directory, _meta(metas, "init_param", "model.pt"))
    _check_weights(weights)
    cmvn = _present(directory, _meta(metas, "frontend_conf", "am.mvn", "cmvn_file"))
    _check_cmvn(cmvn, _input_size(config, settings))
    tokenizer = _present(directory, _meta(metas, "tokenizer_conf", "bpe.model", "bpemodel"))
    _check_tokenizer(tokenizer)
    return ModelFiles(
        directory=directory,
        weights=weights,
        config=config,
        configuration=configuration,
        cmvn=cmvn,
        tokenizer=tokenizer,
    )


def check_vad(directory: Path) -> VadFiles:
    """Check that every file of FSMN-VAD exists and is complete.

    Raises:
        ModelError: names the file and what is wrong with it.
    """
    metas = _metas(_present(directory, "configuration.json"))
    config = _present(directory, _meta(metas, "config", "config.yaml"))
    settings = _config(config, _VAD_CLASS)
    weights = _present(directory, _meta(metas, "init_param", "model.pt"))
    _check_weights(weights)
    cmvn = _present(directory, _meta(metas, "frontend_conf", "am.mvn", "cmvn_file"))
    _check_cmvn(cmvn, _input_size(config, settings))
    return VadFiles(directory=directory, weights=weights, config=config, cmvn=cmvn)


def check_speaker_model(directory: Path) -> SpeakerModelFiles:
    """Check that every file of cam++ exists; its weights are checked when they are loaded.

    Raises:
        ModelError: names the file and what is wrong with it.
    """
    metas = _metas(_present(directory, "configuration.json"))
    config = _present(directory, _meta(metas, "config", "config.yaml"))
    _config(config, _SPEAKER_CLASS)
    return SpeakerModelFiles(
        directory=directory,
        weights=_present(directory, _meta(metas, "init_param", "campplus_cn_common.bin")),
        config=config,
    )


def identify(model: str, files: ModelFiles) -> ModelInfo:
    """Name a model and its revision: the first 12 hexadecimal digits of the SHA-256 over all its files' SHA-256.

    Args:
        model: the name as it was given; a directory is named by its last part.
        files: the checked files.

    Raises:
        ModelError: a file cannot be read.
    """
    name = model if model == DEMO or not in_home(model).is_dir() else files.directory.resolve().name
    return ModelInfo(name=name, revision=_revision(files.all()))


def _revision(paths: tuple[Path, ...]) -> str:
    try:
        digests = "".join(sha256_of(path) for path in paths)
    except AudioError as error:
        raise ModelError(say("cannot be read: {error}", error=error)) from error
    return hashlib.sha256(digests.encode()).hexdigest()[:12]


# --- where models are kept --------------------------------------------------------------------------------------------


def is_hub_name(model: str) -> bool:
    """Tell whether a name is that of a model on a hub: `owner/name`."""
    return model.count("/") == 1 and not model.startswith(("/", ".", "~")) and all(model.split("/"))


def cache_places(model: str) -> Iterator[Path]:
    """Yield the directories in which the hubs' clients keep a model, the most usual first."""
    names = [model]
    if model in (MODELSCOPE_NAME, HUGGINGFACE_NAME):
        names = [MODELSCOPE_NAME, HUGGINGFACE_NAME]
    root = in_home(os.environ.get("MODELSCOPE_CACHE") or "~/.cache/modelscope")
    for name in names:
        owner, repository = name.split("/")
        folder = Path(owner) / repository.replace(".", "___")
        yield from (root / part / folder for part in ("hub/models", "models", "hub", "."))
        yield from _snapshots(root / "models" / f"{owner}--{repository}", "master")
    home = in_home(os.environ.get("HF_HOME") or "~/.cache/huggingface")
    hub = in_home(os.environ.get("HF_HUB_CACHE") or home / "hub")
    for name in names:
        yield from _snapshots(hub / f"models--{name.replace('/', '--')}", "main")


def _snapshots(repository: Path, branch: str) -> Iterator[Path]:
    """Yield the snapshot that a branch points to, then the others, newest first."""
    with contextlib.suppress(OSError):
        yield repository / "snapshots" / (repository / "refs" / branch).read_text().strip()
    try:
        newest_first = sorted((repository / "snapshots").iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    except OSError:
        return
    yield from newest_first


# --- what is in them --------------------------------------------------------------------------------------------------


def _present(directory: Path, name: str) -> Path:
    path = directory / name
    try:
        size = path.stat().st_size if path.is_file() else -1
        head = b""
        if size > 0:
            with path.open("rb") as file:
                head = file.read(len(_LFS_POINTER))
    except OSError as error:
        raise ModelError(say("cannot be read: {strerror}", strerror=os_reason(error)), where=str(path)) from error
    if size < 0:
        raise ModelError(
            say("this file of the model is missing"), where=str(path), to_do=say("copy or fetch the model again")
        )
    if size == 0:
        raise ModelError(
            say("this file of the model is empty"), where=str(path), to_do=say("copy or fetch the model again")
        )
    if head == _LFS_POINTER:
        raise ModelError(
            say("is a Git LFS pointer, not the file itself"), where=str(path), to_do=say("run `git lfs pull` there")
        )
    return path


def _metas(path: Path) -> Mapping[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise ModelError(
            say("is not JSON ({error})", error=error), where=str(path), to_do=say("copy or fetch the model again")
        ) from error
    metas = data.get("file_path_metas") if isinstance(data, dict) else None
    if not isinstance(metas, dict):
        raise ModelError(say("names no files"), where=str(path), expected=say("an object file_path_metas"))
    return metas


def _meta(metas: Mapping[str, Any], key: str, default: str, inner: str | None = None) -> str:
    value = metas.get(key)
    if inner is not None:
        value = value.get(inner) if isinstance(value, dict) else None
    return value if isinstance(value, str) and value else default


def _config(path: Path, name: str) -> Mapping[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError, OSError) as error:
        raise ModelError(say("is not YAML ({value})", value=str(error).splitlines()[0]), where=str(path)) from error
    named = data.get("model") if isinstance(data, dict) else None
    if named != name:
        raise ModelError(say("describes the model {named!r}", named=named), where=str(path), expected=name)
    return dict(data)


def _input_size(path: Path, settings: Mapping[str, Any]) -> int:
    frontend = settings.get("frontend_conf")
    try:
        return int(frontend["n_mels"]) * int(frontend["lfr_m"])  # type: ignore[index]
    except (TypeError, KeyError, ValueError) as error:
        raise ModelError(
            say("lacks frontend_conf.n_mels or lfr_m"), where=str(path), expected=say("two numbers")
        ) from error


def _check_weights(path: Path) -> None:
    """Check the zip archive that PyTorch writes: its directory opens and every record lies inside the file."""
    try:
        with zipfile.ZipFile(path) as archive:
            records = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise ModelError(
            say("is truncated or not a PyTorch file ({error})", error=error),
            where=str(path),
            to_do=say("copy or fetch the model again"),
        ) from error
    size = path.stat().st_size
    beyond = [record for record in records if record.header_offset + record.compress_size > size]
    if beyond or not any(record.filename.endswith("data.pkl") for record in records):
        raise ModelError(
            say("the PyTorch weights are truncated"), where=str(path), to_do=say("copy or fetch the model again")
        )


def _check_cmvn(path: Path, size: int) -> None:
    """Check the Kaldi text file: a shift and a scale for each input feature."""
    try:
        lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    except (ValueError, OSError) as error:
        raise ModelError(say("is not text ({error})", error=error), where=str(path)) from error
    for section in ("<AddShift>", "<Rescale>"):
        at = next((index for index, line in enumerate(lines) if line[:1] == [section]), len(lines))
        values = lines[at + 1][3:-1] if at + 1 < len(lines) else []
        try:
            numbers = [float(value) for value in values]
        except ValueError as error:
            raise ModelError(
                say("{section} holds something that is no number ({error})", section=section, error=error),
                where=str(path),
            ) from error
        if len(numbers) != size or lines[at + 1][-1] != "]":
            raise ModelError(
                say("{section} holds {count} numbers", section=section, count=len(numbers)),
                where=str(path),
                expected=str(size),
            )


def _check_tokenizer(path: Path) -> None:
    try:
        sentencepiece = importlib.import_module("sentencepiece")
    except ImportError as error:
        raise ModelError(say("sentencepiece is not installed"), to_do=say("pip install 'qareport[engine]'")) from error
    try:
        sentencepiece.SentencePieceProcessor().Load(str(path))
    except (RuntimeError, OSError, ValueError) as error:
        raise ModelError(
            say("is not a SentencePiece model ({error})", error=error),
            where=str(path),
            to_do=say("copy or fetch the model again"),
        ) from error
