"""`qareport integrations` and `qareport notify`, as a user runs them: a stored call, files with faults, real robots."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from qareport import cli
from qareport.settings import default_dir
from qareport.store import CallFilter, Store
from tests.support import dailies
from tests.support.centre import analyse_calls
from tests.support.robots import SECRET, RobotServer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration with an integration, and a store with calls of a day."""
    made = tmp_path_factory.mktemp("integrations")
    shutil.copytree(default_dir("config"), made / "config")
    (made / "config" / "integrations").mkdir()
    shutil.copy(default_dir("templates") / "integrations" / "zammad.yaml", made / "config" / "integrations")
    analyse_calls(made, f"sqlite:///{made / 'store.db'}")
    return made


def run(folder: Path, *arguments: str) -> int:
    return cli.main([*arguments, "--config", str(folder / "config"), "--store", f"sqlite:///{folder / 'store.db'}"])


def test_a_try_shows_each_request_masked_and_without_secrets(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ZAMMAD_TOKEN", "very-secret")
    with Store(f"sqlite:///{folder / 'store.db'}") as store:
        call_id, order_id = store.calls.list_ids(CallFilter())[0]
    assert run(folder, "integrations", "try", "zammad", "--call", call_id) == 0
    shown = capsys.readouterr().out
    assert f"GET https://zammad.example.com/api/v1/tickets/search?query=order_id:{order_id}&" in shown
    assert "POST https://zammad.example.com/api/v1/tags/add\n" in shown
    assert "Authorization: Token token=*** (env:ZAMMAD_TOKEN)" in shown
    assert '"item":"情绪/ANGRY","object":"Ticket","o_id":"{{ ticket | number }}"' in shown
    assert "very-secret" not in shown
    assert run(folder, "integrations", "try", "zammad", "--call", call_id, "--overturned") == 0
    assert "DELETE https://zammad.example.com/api/v1/tags/remove" in capsys.readouterr().out
    assert run(folder, "integrations", "try", "nope", "--call", call_id) == 2
    assert "there is no integration 'nope'; expected one of zammad" in capsys.readouterr().err


def test_lint_names_faults_in_each_form(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "integrations", "lint") == 0
    assert capsys.readouterr().out.startswith("zammad\tzammad.example.com\t3\tcall.judged, ")
    broken = tmp_path / "config"
    shutil.copytree(folder / "config", broken)
    (broken / "integrations" / "bad.yaml").write_text("on: [call.judged]\nurl: https://x.cn/{{ ordr }}\n")
    for format_, words in (("text", ":2:22: there is no 'ordr' here"), ("github", ",line=2,col=22::")):
        assert run(tmp_path, "integrations", "lint", "--format", format_) == 2
        assert words in capsys.readouterr().out
    assert run(tmp_path, "integrations", "lint", "--format", "json") == 2
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert (problem["code"], problem["line"], problem["column"]) == ("unknown-name", 2, 22)


def test_a_test_message_reaches_the_robots_of_a_team_and_says_what_each_answered(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with RobotServer() as server:
        config = dailies.make_config(tmp_path / "config", port=9)
        settings = json.loads((config / "qareport.yaml").read_text("utf-8"))
        robots = [
            {"name": "red", "kind": "dingtalk", "url": "env:DINGTALK_URL", "secret": "env:KEY", "team": "red"},
            {"name": "blue", "kind": "wecom", "url": "env:WECOM_URL", "team": "blue"},
        ]
        settings |= {"notify": {"robots": robots}, "webhooks": {"allow": [server.origin]}}
        (config / "qareport.yaml").write_text(json.dumps(settings, ensure_ascii=False), "utf-8")
        for name, value in {
            "DINGTALK_URL": server.url("dingtalk"),
            "WECOM_URL": server.url("wecom"),
            "KEY": SECRET,
        }.items():
            monkeypatch.setenv(name, value)
        assert run(tmp_path, "notify", "test", "--team", "red") == 0
        assert capsys.readouterr().out == "red (dingtalk): sent, 200 ok\n"
        assert [kind for kind, _ in server.taken] == ["dingtalk"]
        monkeypatch.setenv("KEY", "another")
        assert run(tmp_path, "notify", "test") == 1
        assert capsys.readouterr().out.splitlines() == [
            "red (dingtalk): failed, 200 310000 sign not match", "blue (wecom): sent, 200 ok",
        ]  # fmt: skip
        assert run(tmp_path, "notify", "test", "--team", "green") == 2
