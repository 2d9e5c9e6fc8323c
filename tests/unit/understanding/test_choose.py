"""The settings choose the reader; the user's own words come before it; a key is private."""

from __future__ import annotations

import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from qareport.errors import ConfigError
from qareport.model import Act, Role
from qareport.settings import LanguageModelSettings, UnderstandingSettings, load
from qareport.understanding import load_act_words, open_reader
from qareport.understanding.choose import read_key
from tests.support.calls import CUSTOMER, call, say
from tests.support.paths import ROOT
from tests.support.readers import FixedReader

MODEL = LanguageModelSettings(url="http://127.0.0.1:9/v1", model="m")
SAID = call(say(0, 1, CUSTOMER, "我去消协。"))


@pytest.fixture(autouse=True)
def bundled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for the trained model, so that a test knows what it claims."""
    reader = FixedReader(acts={"我去消协。": (Act.COMPLAIN,)})
    module = SimpleNamespace(BundledReader=SimpleNamespace(load=lambda: reader))
    monkeypatch.setitem(sys.modules, "qareport.understanding.bundled", module)


def test_the_bundled_reader_is_the_default() -> None:
    read = open_reader(UnderstandingSettings(), ROOT / "config").read(SAID)
    assert [(spoken.act, spoken.reader) for spoken in read.segments[0].acts] == [(Act.COMPLAIN, "bundled")]


def test_own_words_come_before_each_reader_and_the_bundled_one_after_a_language_model(tmp_path: Path) -> None:
    (tmp_path / "acts.yaml").write_text("schema: 1\ncustomer: {threaten: {always: [消协]}}\n", "utf-8")
    settings = UnderstandingSettings(reader="language_model", language_model=MODEL)
    read = open_reader(settings, tmp_path, {}).read(SAID)  # nobody listens at this port
    spoken = [(spoken.act, spoken.reader) for spoken in read.segments[0].acts]
    assert spoken == [(Act.THREATEN, "words"), (Act.COMPLAIN, "bundled")]
    assert [note.code for note in read.notes] == ["language_model_failed"]


def test_the_key_of_the_reader_tells_which_was_chosen() -> None:
    settings = UnderstandingSettings(reader="language_model", language_model=MODEL)
    chosen = {open_reader(section, ROOT / "config", {}).key for section in (UnderstandingSettings(), settings)}
    assert len(chosen) == 2


def test_broken_words_are_refused_when_the_reader_is_opened(tmp_path: Path) -> None:
    (tmp_path / "acts.yaml").write_text("schema: 1\ncustomer: {rude: {}}\n", "utf-8")
    with pytest.raises(ConfigError, match="acts.yaml:2:12"):
        open_reader(UnderstandingSettings(), tmp_path)


@pytest.mark.parametrize("name", ["understanding.md", "understanding.zh-CN.md"])
def test_the_examples_of_the_guide_are_read(tmp_path: Path, name: str) -> None:
    page = (ROOT / "docs" / "guide" / name).read_text("utf-8")
    words, chosen = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "acts.yaml").write_text(words, "utf-8")
    (tmp_path / "qareport.yaml").write_text(chosen, "utf-8")
    reader = open_reader(load(tmp_path).understanding, tmp_path, {})
    said = call(say(0, 1, Role.UNKNOWN, "我找消费者协会。"), say(2, 3, CUSTOMER, "那颜色就算了。"))
    assert len(load_act_words(tmp_path / "acts.yaml")) == 3
    assert reader.key != open_reader(UnderstandingSettings(), tmp_path).key
    assert [segment.acts for segment in open_reader(UnderstandingSettings(), tmp_path).read(said).segments] == [(), ()]


def test_the_key_of_the_server_comes_from_the_environment_or_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("sk-file\n")
    path.chmod(0o600)
    settings = LanguageModelSettings(key_file=str(path))
    assert read_key(settings, {"QAREPORT_LLM_KEY": "sk-variable"}) == "sk-variable"
    assert read_key(settings, {}) == "sk-file"
    assert read_key(LanguageModelSettings(), {}) == ""
    path.chmod(0o644)
    with pytest.raises(ConfigError, match=r"others may read it \(mode 0644\)"):
        read_key(settings, {})


@pytest.mark.parametrize("key", ["geheim\r\nX-Other: 1", "geheim密", "geheim\x00"])
def test_what_cannot_be_a_key_is_refused_without_quoting_it(key: str) -> None:
    with pytest.raises(ConfigError, match="QAREPORT_LLM_KEY: cannot be a key") as raised:
        read_key(LanguageModelSettings(), {"QAREPORT_LLM_KEY": key})
    assert "geheim" not in str(raised.value)


def test_the_model_is_loaded_when_the_first_call_is_read_and_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[FixedReader] = []

    def load_slowly() -> FixedReader:
        time.sleep(0.05)
        loaded.append(FixedReader(acts={"我去消协。": (Act.COMPLAIN,)}))
        return loaded[-1]

    module = SimpleNamespace(BundledReader=SimpleNamespace(load=load_slowly))
    monkeypatch.setitem(sys.modules, "qareport.understanding.bundled", module)
    reader = open_reader(UnderstandingSettings(), ROOT / "config")
    assert not loaded
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(reader.read, [SAID] * 4))
    assert len(loaded) == 1
    assert read[0].segments[0].acts
