"""A run on a Ray cluster, as a user starts it: the same reports as here, also where a process is killed on the way."""

from __future__ import annotations

import csv
import sys
import threading
from pathlib import Path

import pytest

from qareport import cli, settings
from qareport.store import Store
from qareport.workflows.workspace import Workspace
from tests.support.command import Ran, run_qareport, start_qareport
from tests.support.ray_cluster import LocalCluster, kill_at_work

NOWHERE = "ray://127.0.0.1:9"
#: Two calls of an order, a call with both speakers on one channel, and a recording that is broken.
WANTED = ("c10a-first-call.ogg", "c10b-second-call.ogg", "c12-cantonese.ogg", "c18-broken.ogg")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rows of a few bundled calls, with the paths of their recordings."""
    calls = settings.bundled_calls()
    with (calls / "manifest.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["audio"] in WANTED]
    path = tmp_path_factory.mktemp("manifest") / "calls.csv"
    with path.open("w", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(row | {"audio": str(calls / row["audio"])} for row in rows)
    return path


def run(folder: Path, manifest: Path, *more: str) -> Ran:
    folder.mkdir()
    command = start_qareport if "--on" in more else run_qareport
    return command(["run", "--manifest", manifest, "--model", "demo", "--format", "json,docx", *more], cwd=folder)


def documents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "out" / "reports").iterdir())}


def transcripts(store_url: str) -> dict[str, object]:
    with Store(store_url) as store:
        return {
            call_id: store.results.get(call_id)
            for call_id in ("C20261120-010", "C20261120-011")
            if store.calls.has_result(call_id)
        }


def counts(ran: Ran) -> list[str]:
    """What a run says of itself, without its speed."""
    return [line.partition(", transcribed at")[0] for line in ran.stdout.splitlines()]


def test_the_reports_are_those_of_a_local_run_although_a_process_is_killed_and_the_store_is_postgresql(
    ray_cluster: LocalCluster, manifest: Path, postgres_url: str, tmp_path: Path
) -> None:
    here = run(tmp_path / "here", manifest, "--store", "sqlite:///store.db")
    killer = threading.Thread(target=kill_at_work)
    killer.start()
    there = run(tmp_path / "there", manifest, "--store", postgres_url, "--on", ray_cluster.client)
    killer.join()
    assert there.stderr == here.stderr
    assert counts(there) == counts(here)
    assert (here.status, there.status) == (1, 1)
    assert documents(tmp_path / "there") == documents(tmp_path / "here")
    assert len(documents(tmp_path / "here")) == 4
    stored = transcripts(f"sqlite:///{tmp_path / 'here' / 'store.db'}")
    assert stored
    assert transcripts(postgres_url) == stored
    again = run_qareport(
        [
            "run",
            "--manifest",
            manifest,
            "--model",
            "demo",
            "--format",
            "json",
            "--store",
            postgres_url,
            "--on",
            NOWHERE,
        ],
        cwd=tmp_path,
    )
    assert "(3 already transcribed)" in again.stdout, "what is done needs no cluster"


def test_a_cluster_that_does_not_answer_is_named_at_once(manifest: Path, tmp_path: Path) -> None:
    ran = run(tmp_path / "here", manifest, "--on", NOWHERE)
    assert ran.status == 2
    assert ran.stderr.startswith(
        "qareport: ray://127.0.0.1:9: the Ray cluster cannot be reached: Connection refused; check that its head node"
    )


def test_without_ray_the_extra_to_install_is_named(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ray.py").write_text("raise ImportError('No module named ray')")
    monkeypatch.setenv("PYTHONPATH", ":".join([str(tmp_path), *sys.path]))
    ran = run(tmp_path / "here", manifest, "--on", "ray")
    assert ran.status == 2
    assert "ray is not installed (No module named ray); pip install 'qareport[ray]'" in ran.stderr


@pytest.mark.parametrize("place", ["spark", "ray://", "ray://host", "ray://u:p@host:1", "ray:/host:1"])
def test_a_place_that_is_none_is_refused_with_what_may_be_written(
    place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["run", "calls", "--on", place]) == 2
    assert "expected here, ray, or the address of a cluster such as ray://10.0.0.5:10001" in capsys.readouterr().err


def test_the_settings_choose_the_place_and_the_command_line_overrides_it(tmp_path: Path) -> None:
    (tmp_path / "qareport.yaml").write_text("engine: {on: 'ray://10.0.0.5:10001'}\n", "utf-8")
    places = [None, "ray"]
    chosen = [Workspace.open(config=tmp_path, model="demo", on=place).load_transcriber() for place in places]
    assert [getattr(transcriber, "on", "") for transcriber in chosen] == ["ray://10.0.0.5:10001", "ray"]
