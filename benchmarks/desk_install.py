"""Install the wheel where nothing else is and nothing can be fetched, and open the demo's desk there (A20)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
EXTRAS: Final = "engine,desk"
#: In seconds from the start of `serve --demo` until /readyz says ready.
READY_S: Final = 40.0
#: A network namespace of its own: nothing but loopback, also for whoever is not root.
_ALONE: Final = (
    shutil.which("unshare") or "unshare",
    "--map-root-user",
    "--net",
    "sh",
    "-c",
    'ip link set lo up && exec "$@"',
    "sh",
)
#: Run by the Python of the new environment: opens the demo, waits until it is ready, looks at its processes.
_OPEN: Final = """
import json, os, signal, subprocess, sys, time, urllib.error, urllib.request
from pathlib import Path
began = time.monotonic()
serve = subprocess.Popen([sys.argv[1], "serve", "--demo", "--port", "18710", "--live-port", "18711"], stdout=subprocess.DEVNULL)
told, opener = {}, urllib.request.build_opener(urllib.request.ProxyHandler({}))
while time.monotonic() - began < 240 and serve.poll() is None and told.get("engine") != "ready":
    try:
        told = json.load(opener.open("http://127.0.0.1:18710/readyz", timeout=5))
    except urllib.error.HTTPError as error:
        told.setdefault("answers_s", round(time.monotonic() - began, 1))
        told |= {"starting": json.load(error).get("code")}
    except OSError:
        pass
    time.sleep(0.1)
ready_s = time.monotonic() - began
processes = {}
for child in Path(f"/proc/{serve.pid}/task/{serve.pid}/children").read_text().split():
    name = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\\0")[-2].decode()
    maps = Path(f"/proc/{child}/maps").read_text()
    processes[name] = {"torch": "/torch/" in maps, "mb": round(int(Path(f"/proc/{child}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20)}
try:
    opener.open("https://pypi.org/", timeout=5)
    network = True
except OSError:
    network = False
serve.send_signal(signal.SIGTERM)
status = serve.wait(15)
print(json.dumps({"ready_s": round(ready_s, 1), "told": told, "processes": processes, "network": network, "status": status}))
"""  # noqa: E501 - a program


def open_installed() -> dict[str, Any]:
    """Build the wheel, install it without a network into a new environment, and open the demo there.

    What it needs is fetched before, as a wheelhouse is carried to a machine without a network.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheels, venv = folder / "wheels", folder / "venv"
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
        _run([*pip, "wheel", "--no-deps", "--wheel-dir", str(wheels), str(ROOT)])
        (wheel,) = wheels.glob("qareport-*.whl")
        wanted = f"{wheel}[{EXTRAS}]"
        constraints = ["--constraint", str(ROOT / "constraints.txt")]
        _run([*pip, "wheel", *constraints, "--wheel-dir", str(wheels), wanted])  # some have no wheel: it is built here
        _run([sys.executable, "-m", "venv", str(venv)])
        began = time.monotonic()
        install = ["-m", "pip", "install", "--quiet", "--no-index", "--find-links", str(wheels), wanted]
        _run([*_ALONE, str(venv / "bin" / "python"), *install])
        install_s = time.monotonic() - began
        done = _run(
            [*_ALONE, str(venv / "bin" / "python"), "-c", _OPEN, str(venv / "bin" / "qareport")],
            cwd=folder, env=_plain_environment(venv),
        )  # fmt: skip
        seen = json.loads(done)
        size_mb = sum(path.stat().st_size for path in wheels.iterdir()) >> 20
    web = seen["processes"]["web"]
    meets = seen["ready_s"] <= READY_S and not web["torch"] and not seen["network"] and seen["status"] == 0
    return {
        "wheelhouse_mb": size_mb, "install_s": round(install_s), "node": False, **seen, "bar_s": READY_S,
        "load_average": round(os.getloadavg()[0], 1), "meets": meets,
    }  # fmt: skip


def _plain_environment(venv: Path) -> dict[str, str]:
    """Return an environment in which no Node and nothing of this one is found."""
    programs = venv.parent / "programs"
    programs.mkdir()
    for name in ("sh", "ip", "env"):
        if (found := shutil.which(name)) is not None:
            (programs / name).symlink_to(found)
    return {"PATH": f"{venv / 'bin'}:{programs}", "HOME": str(venv.parent), "LANG": "C.UTF-8"}


def _run(command: list[str], *, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:8])}…: {done.stderr[-2000:]}")
    return done.stdout
