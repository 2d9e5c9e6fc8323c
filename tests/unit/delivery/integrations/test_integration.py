"""Files of integrations: every fault is named with its line and column, and what is good says what it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from qareport.delivery.integrations import CODES, load_integrations, read_integration
from qareport.errors import ConfigError, Diagnostic
from qareport.settings import default_dir

PRESETS = sorted((default_dir("templates") / "integrations").glob("*.yaml"))


def faults(folder: Path, text: str) -> list[str]:
    path = folder / "integrations" / "x.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        load_integrations(folder)
    found = []
    for problem in caught.value.problems:
        code = f" [{problem.code}]" if isinstance(problem, Diagnostic) else ""
        found.append(str(problem).replace(f"{path}:", "").partition(";")[0] + code)
    return found


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_each_preset_is_without_faults_and_reads_its_secret_from_elsewhere(path: Path) -> None:
    integration = read_integration(path)
    assert len(integration.requests) >= 1
    assert all("env:" in value for value in integration.form.headers.values())


def test_a_folder_without_integrations_has_none(tmp_path: Path) -> None:
    assert load_integrations(tmp_path) == ()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("on: [call.judgd]\nurl: https://x.cn/", "1:6: 0: got 'call.judgd'"),
        ("on: [call.judged]\nurll: https://x.cn/", "2:1: unknown key 'urll'"),
        ("on: [call.judged]\n", "1:1: one request, or a list of requests, is needed [no-request]"),
        ("on: [call.judged]\nurl: ftp://x.cn/", "2:1: got 'ftp://x.cn/'"),
        ("on: [call.judged]\nurl: https://{{ order_id }}.cn/", "2:1: got 'https://{{ order_id }}.cn/'"),
        ("on: [call.judged]\nurl: https://me@x.cn/", "2:1: got 'https://me@x.cn/'"),
        ("on: [call.judged]\nif: risk = 'high'\nurl: https://x.cn/", "2:5: not a template: "),
        ("on: [call.judged]\nif: '{{ risk }}'\nurl: https://x.cn/", "2:6: braces are not written here"),
        ("on: [call.judged]\nurl: https://x.cn/{{ ordr }}", "2:22: there is no 'ordr' here [unknown-name]"),
        ("on: [call.judged]\nurl: https://x.cn/\nbody: {a: '{{ item }}'}", "3:15: there is no 'item' here [item-"),
        ("on: [call.judged]\nurl: https://x.cn/\nbody: |\n  a\n  b {{ tags.pop() }}", "5:13: calls are not"),
        ("on: [call.judged]\nurl: https://x.cn/\nbody: ['{% include \"y\" %}']", "3:9: include is not possible here"),
        ("on: [call.judged]\nurl: https://x.cn/\nbody: '{{ tags.__class__ }}'", "3:16: names that begin with _ are"),
        ("on: [call.judged]\nurl: https://x.cn/\nbody: '｛｛ tags ｝｝'", "3:8: full-width braces are printed"),
        ("on: [call.judged]\nheaders: {X-Api-Key: abc}\nurl: https://x.cn/", "2:11: X-Api-Key: a secret stands here"),
        ("on: [call.judged]\nheaders: {A: 'env:A b'}\nurl: https://x.cn/", "2:11: A: no place of a secret"),
        ("on: [call.judged]\nheaders: {'A B': x}\nurl: https://x.cn/", "2:11: A B: cannot be sent as a header"),
        (
            "on: [call.judged]\nlookup: {url: 'https://x.cn/{{ ticket }}', ticket: answer.id}\nurl: https://x.cn/",
            "2:32: there is no 'ticket' here [ticket-too-early]",
        ),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_place(tmp_path: Path, text: str, fault: str) -> None:
    assert [found for found in faults(tmp_path, text) if found.startswith(fault.partition(";")[0])], faults(
        tmp_path, text
    )


def test_all_faults_of_all_files_are_said_at_once_each_with_a_code_that_is_explained(tmp_path: Path) -> None:
    found = faults(tmp_path, "on: [call.judged]\nif: nope\nurl: https://x.cn/{{ nor }}\nbody: ['{{ this() }}']")
    assert len(found) == 4  # this is neither known nor can it be called
    (tmp_path / "integrations" / "y.yml").write_text("")
    with pytest.raises(ConfigError) as caught:
        load_integrations(tmp_path)
    codes = {problem.code for problem in caught.value.problems if isinstance(problem, Diagnostic)}
    assert "wrong-suffix" in codes
    assert codes <= set(CODES)
