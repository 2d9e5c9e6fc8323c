"""Model directories are found without a network, and nothing broken in them goes unnoticed."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from qareport.asr import check, fetch, identify, resolve
from qareport.asr.model_files import find
from qareport.errors import ModelError
from qareport.settings import bundled_model
from tests.support.asr_fixtures import make_model


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def model(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "tiny")


@pytest.fixture(autouse=True)
def no_network_and_empty_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "modelscope"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "huggingface"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def test_a_whole_directory_passes(model: Path) -> None:
    files = check(model)
    assert [path.name for path in files.all()] == [
        "model.pt", "config.yaml", "configuration.json", "am.mvn", "bpe.model",
    ]  # fmt: skip


NAMES = ["model.pt", "config.yaml", "configuration.json", "am.mvn", "bpe.model"]


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_is_named(model: Path, name: str) -> None:
    (model / name).unlink()
    with pytest.raises(ModelError, match=f"{name}: this file of the model is missing"):
        check(model)


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_file_is_named(model: Path, name: str) -> None:
    (model / name).write_bytes(b"")
    with pytest.raises(ModelError, match=f"{name}: this file of the model is empty"):
        check(model)


@pytest.mark.parametrize("name", NAMES)
def test_a_git_lfs_pointer_is_named(model: Path, name: str) -> None:
    (model / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(ModelError, match=f"{name}: is a Git LFS pointer"):
        check(model)


@pytest.mark.parametrize("name", ["model.pt", "configuration.json", "am.mvn", "bpe.model"])
def test_a_file_that_was_cut_off_is_named(model: Path, name: str) -> None:
    content = (model / name).read_bytes()
    (model / name).write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(ModelError, match=name):
        check(model)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("config.yaml", lambda text: text.replace("model: SenseVoiceSmall", "model: Paraformer"), "'Paraformer'"),
        ("config.yaml", lambda text: text.replace("n_mels", "mels"), "lacks frontend_conf.n_mels"),
        ("config.yaml", lambda text: "a: [", "is not YAML"),
        ("configuration.json", lambda text: "[]", "names no files"),
        ("am.mvn", lambda text: text.replace("-12.5 ", "", 1), "<AddShift> holds 559 numbers; expected 560"),
        ("am.mvn", lambda text: text.replace("0.25", "x", 1), "<Rescale> holds something that is no number"),
        ("bpe.model", lambda text: "nothing of the kind", "is not a SentencePiece model"),
        ("model.pt", lambda text: "PK nothing of the kind", "is truncated or not a PyTorch file"),
    ],
)
def test_wrong_contents_are_named(model: Path, name: str, change: Callable[[str], str], message: str) -> None:
    path = model / name
    path.write_text(change(path.read_bytes().decode("utf-8", "replace")), encoding="utf-8")
    with pytest.raises(ModelError, match=f"{name}: .*{message}"):
        check(model)


def test_the_revision_changes_with_any_file(model: Path) -> None:
    first = identify(str(model), check(model))
    assert first.name == "tiny"
    assert identify(str(model), check(model)) == first
    (model / "am.mvn").write_text((model / "am.mvn").read_text().replace("-12.5", "-12.25", 1))
    assert identify(str(model), check(model)).revision != first.revision


def test_demo_is_the_bundled_model() -> None:
    assert resolve("demo") == bundled_model()


def test_a_directory_is_itself(model: Path) -> None:
    assert resolve(str(model)) == model


@pytest.mark.parametrize(
    "place",
    [
        "modelscope/hub/models/iic/SenseVoiceSmall",
        "modelscope/models/iic/SenseVoiceSmall",
        "modelscope/iic/SenseVoiceSmall",
        "huggingface/hub/models--FunAudioLLM--SenseVoiceSmall/snapshots/0123abc",
    ],
)
@pytest.mark.parametrize("name", ["iic/SenseVoiceSmall", "FunAudioLLM/SenseVoiceSmall"])
def test_what_either_hub_has_downloaded_is_found(tmp_path: Path, model: Path, place: str, name: str) -> None:
    shutil.copytree(model, tmp_path / place)
    assert resolve(name) == tmp_path / place
    assert fetch(name) == tmp_path / place


def test_the_snapshot_of_the_branch_comes_first(tmp_path: Path) -> None:
    repository = tmp_path / "huggingface" / "hub" / "models--FunAudioLLM--SenseVoiceSmall"
    for commit in ("aaa", "bbb"):
        (repository / "snapshots" / commit).mkdir(parents=True)
        (repository / "snapshots" / commit / "configuration.json").touch()
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("aaa\n")
    assert resolve("FunAudioLLM/SenseVoiceSmall").name == "aaa"


def test_an_absent_model_is_refused_in_one_line_that_says_what_to_do() -> None:
    with pytest.raises(ModelError) as caught:
        resolve("iic/SenseVoiceSmall")
    text = str(caught.value)
    assert "\n" not in text
    assert "qareport models fetch" in text
    assert "--model demo" in text


@pytest.mark.parametrize("name", ["./gone", "/no/such/dir", "gone", "a/b/c"])
def test_a_directory_that_does_not_exist_is_said_to_be_absent(name: str) -> None:
    with pytest.raises(ModelError, match="no such directory"):
        resolve(name)
    with pytest.raises(ModelError, match="no such directory"):
        fetch(name)


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("iic/SenseVoiceSmall", ["iic/SenseVoiceSmall", "FunAudioLLM/SenseVoiceSmall"]),
        ("FunAudioLLM/SenseVoiceSmall", ["FunAudioLLM/SenseVoiceSmall", "iic/SenseVoiceSmall"]),
    ],
)
def test_a_download_tries_both_hubs_and_tells_why_each_failed(
    monkeypatch: pytest.MonkeyPatch, name: str, asked: list[str]
) -> None:
    tried: list[str] = []

    class Hub:
        @staticmethod
        def snapshot_download(repository: str) -> str:
            tried.append(repository)
            raise ConnectionError("no route")

    for package in ("modelscope", "huggingface_hub"):
        monkeypatch.setitem(sys.modules, package, Hub)
    with pytest.raises(ModelError) as caught:
        fetch(name)
    assert tried == asked
    assert "modelscope: no route" in str(caught.value)
    assert "huggingface_hub: no route" in str(caught.value)
    assert "name it with --model" in str(caught.value)


def test_a_downloaded_model_is_checked(monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    class Hub:
        @staticmethod
        def snapshot_download(repository: str) -> str:
            return str(model)

    monkeypatch.setitem(sys.modules, "modelscope", Hub)
    assert fetch("iic/SenseVoiceSmall") == model
    (model / "am.mvn").unlink()
    with pytest.raises(ModelError, match="am.mvn"):
        fetch("iic/SenseVoiceSmall")


def test_a_download_that_broke_off_goes_on_and_empty_folders_of_one_are_no_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model: Path
) -> None:
    place = tmp_path / "modelscope" / "hub" / "models" / "iic" / "SenseVoiceSmall"
    place.mkdir(parents=True)
    with pytest.raises(ModelError, match="no model iic/SenseVoiceSmall"):
        resolve("iic/SenseVoiceSmall")
    shutil.copy(model / "configuration.json", place)
    with pytest.raises(ModelError, match="is missing"):
        check(resolve("iic/SenseVoiceSmall"))

    class Hub:
        @staticmethod
        def snapshot_download(repository: str) -> str:
            shutil.copytree(model, place, dirs_exist_ok=True)
            return str(place)

    monkeypatch.setitem(sys.modules, "modelscope", Hub)
    assert fetch("iic/SenseVoiceSmall") == place


def test_an_absent_bundled_model_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model directory"):
        check(tmp_path / "gone")


def test_a_part_that_is_not_needed_may_be_absent_but_not_a_directory_that_somebody_named(tmp_path: Path) -> None:
    assert find("nobody/nothing", setting="asr.speaker_model", needed=False) is None
    assert find(str(tmp_path), setting="asr.speaker_model", needed=False) == tmp_path
    with pytest.raises(ModelError, match="asr.fsmn_vad: nobody/nothing .* run `qareport models fetch`"):
        find("nobody/nothing", setting="asr.fsmn_vad", needed=True)
    with pytest.raises(ModelError, match="asr.speaker_model: .*gone is not on this machine; .* correct the path"):
        find(str(tmp_path / "gone"), setting="asr.speaker_model", needed=False)
