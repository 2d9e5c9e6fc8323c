"""The example of the guide, run whole: a telephone system, the desk, Zammad on loopback, a group of DingTalk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from qareport import cli
from qareport.settings import bundled_calls, default_dir
from tests.support.dailies import make_config
from tests.support.paths import ROOT
from tests.support.patience import scaled, wait_for
from tests.support.robots import SECRET, RobotServer
from tests.support.serving import serving
from tests.support.ticket_systems import Zammad

TICKET = 7


def example(page: str) -> str:
    """Return the program of the guide's example."""
    text = (ROOT / "docs" / "guide" / page).read_text("utf-8")
    block = text.partition("    ```python\n")[2].partition("    ```\n")[0]
    return "".join(line.removeprefix("    ") for line in block.splitlines(keepends=True))


def test_the_example_is_the_same_in_both_languages() -> None:
    assert example("integrations.md") == example("integrations.zh-CN.md") != ""


def test_a_call_is_handed_over_tagged_in_its_ticket_and_told_to_a_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Zammad(orders={TICKET: "elsewhere"}) as zammad, RobotServer() as robots:
        config = make_config(tmp_path / "config", port=9, team=[], agents={}, operator=[], attach=[])
        preset = (default_dir("templates") / "integrations" / "zammad.yaml").read_text("utf-8")
        (config / "integrations").mkdir()
        (config / "integrations" / "zammad.yaml").write_text(
            preset.replace("https://zammad.example.com", zammad.origin), "utf-8"
        )
        settings = json.loads((config / "qareport.yaml").read_text("utf-8"))
        robot = {"name": "group", "kind": "dingtalk", "url": "env:DINGTALK_URL", "secret": "env:DINGTALK_SECRET"}
        settings |= {
            "notify": {"robots": [robot]}, "webhooks": {"allow": [zammad.origin, robots.origin]},
            "daily": {"orders": 0}, "desk": {"public_url": "https://qa.example.com"},
        }  # fmt: skip
        (config / "qareport.yaml").write_text(json.dumps(settings, ensure_ascii=False), "utf-8")
        store = f"sqlite:///{tmp_path / 'q.db'}"
        where = ["--config", str(config), "--store", store]
        secrets = {"ZAMMAD_TOKEN": zammad.token, "DINGTALK_URL": robots.url("dingtalk"), "DINGTALK_SECRET": SECRET}
        for name, value in secrets.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("getpass.getpass", lambda prompt: "correct horse battery")
        assert cli.main(["users", "add", "boss", "--role", "admin", *where]) == 0
        capsys.readouterr()
        assert cli.main(["token", "add", "telephone", "--user", "boss", "--scope", "calls:write", *where]) == 0
        token = capsys.readouterr().out.strip()
        with serving(*where, "--model", "demo", "--device", "cpu", cwd=tmp_path) as desk:
            wait_for(lambda: _answers(desk.address), what="/healthz", seconds=240, every_s=0.5)
            program = tmp_path / "handover.py"
            program.write_text(example("integrations.md"), "utf-8")
            recording = bundled_calls() / "c01-shipping-doubt.ogg"
            told = subprocess.run(
                [sys.executable, program, recording, str(TICKET), "A017", "2026-11-21T09:13:05+08:00"],
                env=os.environ | {"QAREPORT_URL": desk.address, "QAREPORT_TOKEN": token},
                capture_output=True, text=True, timeout=scaled(240), check=False,
            )  # fmt: skip
            assert told.stdout == "done c01-shipping-doubt\n", told.stderr + desk.log.read_text("utf-8")
            wait_for(lambda: zammad.articles, what="the note in the ticket")
        assert "规则/logistics.shipping-doubt" in zammad.tags[TICKET]
        assert "https://qa.example.com/calls/c01-shipping-doubt" in zammad.articles[0]["body"]
        status = cli.main(["daily", "--date", "2026-11-21", "--send", "--out", str(tmp_path / "out"), *where])
        assert status == 0, capsys.readouterr()
        ((kind, message),) = robots.taken
        assert kind == "dingtalk"
        assert "1通" in message["markdown"]["title"]
        assert "(https://qa.example.com/reports/day/2026-11-21)" in message["markdown"]["text"]


def _answers(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/healthz", trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False
