"""`qareport serve --demo`: opens by itself, survives its worker, ends when it is told to."""

from __future__ import annotations

import os
import signal
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import httpx2

from tests.support.patience import scaled, wait_for
from tests.support.serving import Serving, serving

#: The first calls take long to be heard.
wait = partial(wait_for, seconds=240, every_s=0.5)


def test_the_demo_opens_loses_no_upload_with_its_worker_and_ends_when_told(tmp_path: Path) -> None:
    with serving("--demo", cwd=tmp_path) as desk:
        wait(lambda: _is_ready(desk), what="/readyz")
        with closing(desk.browser("admin")) as admin:
            assert admin.get("/calls").status_code == 200
            assert "torch" not in Path(f"/proc/{desk.child('web')}/maps").read_text("utf-8")
            for page in ("/review", "/rules/service.yaml", "/heat", "/reports"):  # read the rule book and the reader
                assert admin.get(page).status_code == 200
            assert _held_mb(desk.child("web")) <= 200

            upload = _wait_for_upload_in_work(admin)
            worker = desk.child("worker")
            os.kill(worker, signal.SIGKILL)
            assert admin.get("/calls").status_code == 200
            wait(lambda: desk.child("worker") != worker, what="another worker")
            path = f"/api/v1/uploads/{upload}"
            wait(lambda: admin.get(path).json()["state"] == "done", what="the upload that the worker had in work")
            assert admin.get(f"/calls/{admin.get(path).json()['call_id']}").status_code == 200

            began = time.monotonic()
            desk.process.terminate()
            desk.process.wait(timeout=scaled(10))
            assert time.monotonic() - began <= scaled(10)
    assert (tmp_path / "out/desk/qareport.db").is_file()


def _is_ready(desk: Serving) -> bool:
    try:
        return httpx2.get(f"{desk.address}/readyz", trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False


def _wait_for_upload_in_work(admin: httpx2.Client) -> int:
    """Return the upload that is being heard: whichever it is, as a fast machine is past the first ones by now.

    Asks for one after the other, less often than the API's limit of 50 requests in 5 seconds.
    """
    upload = 1

    def look() -> int | None:
        nonlocal upload
        state = admin.get(f"/api/v1/uploads/{upload}").json().get("state")
        upload += state == "done"
        return upload if state in ("hearing", "judging") else None

    return wait(look, what="an upload in work", every_s=0.15)


def _held_mb(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text("ascii").splitlines()
    return int(next(line.split()[1] for line in status if line.startswith("VmRSS"))) / 1024
