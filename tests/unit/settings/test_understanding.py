"""The section `understanding`: a language model is off unless it is named, and its address is checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from qareport import settings
from qareport.errors import ConfigError
from qareport.settings import Settings


def load(folder: Path, written: str) -> Settings:
    (folder / "qareport.yaml").write_text(written, "utf-8")
    return settings.load(folder)


def test_nothing_is_sent_anywhere_unless_it_is_configured() -> None:
    assert Settings().understanding.reader == "bundled"
    assert Settings().understanding.language_model.url == ""


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8000/v1", "https://llm.example.com/v1/", "http://[::1]:11434/v1", "http://llm", "HTTP://LLM/v1"],
)
def test_an_address_is_http_or_https_with_a_host(tmp_path: Path, url: str) -> None:
    text = f"understanding: {{reader: language_model, language_model: {{url: '{url}', model: qwen}}}}"
    assert load(tmp_path, text).understanding.language_model.url == url


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8000/v1", "ftp://127.0.0.1/v1", "file:///etc/passwd", "http://", "http:///v1", "http://host:99999/v1",
        "http://user:password@host/v1", "http://host/v1?key=1", "http://host/v1#a", "http://ho st/v1", "http://host:0/v1",
        "http://模型/v1", "http://host/v1\\r\\nX: y", "http://" + "a" * 64 + "/v1",
    ],
)  # fmt: skip
def test_any_other_address_is_refused_with_its_place(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="expected an address such as http") as raised:
        load(tmp_path, f'understanding:\n  language_model: {{url: "{url}"}}\n')
    assert "qareport.yaml:2:20: url: got " in str(raised.value)


@pytest.mark.parametrize("written", ["{}", "{url: 'http://llm/v1'}", "{model: qwen}"])
def test_a_language_model_needs_an_address_and_a_name(tmp_path: Path, written: str) -> None:
    with pytest.raises(ConfigError, match=r"qareport.yaml:1:1: .*expected with language_model.url and .model"):
        load(tmp_path, f"understanding:\n  reader: language_model\n  language_model: {written}\n")


def test_fields_of_a_request_that_decide_the_answer_are_not_further_fields(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"qareport.yaml:3:5: extra: .*expected fields without messages, stream"):
        load(tmp_path, "understanding:\n  language_model:\n    extra: {stream: true, messages: [], top_p: 1}\n")
