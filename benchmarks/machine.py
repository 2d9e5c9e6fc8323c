"""The machine that a result was measured on: what it is, and what its processes have used of it."""

from __future__ import annotations

import contextlib
import os
import platform
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import text

from qareport.store import Store


def describe() -> dict[str, str | int]:
    """Return processor, usable cores, memory, Python and the versions of the packages that decide speed."""
    cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    models = [line.split(":", 1)[1].strip() for line in cpuinfo.splitlines() if line.startswith("model name")]
    pages, page_size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(pages * page_size / 2**30),
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "funasr", "weasyprint", "docxtpl")},
    }


def processor_s(process: int) -> float:
    """Return the processor time that a process has used."""
    return _processor_s(_facts(process)[11:13])


def family_s(process: int) -> float:
    """Return the processor time that a process and its children have used, those that have ended among them."""
    running = Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()
    total = _processor_s(_facts(process)[11:15])
    for child in running:
        with contextlib.suppress(OSError):  # it has just ended
            total += processor_s(int(child))
    return total


def server_of(store: Store) -> int | None:
    """Return the process of a store's PostgreSQL server, which runs on this machine; None: it is SQLite."""
    if store.database.is_sqlite:
        return None
    with store.database.connect() as connection:
        return int(_facts(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())[1])


def _facts(process: int) -> list[str]:
    """Return what the system says of a process, from its state on (proc(5))."""
    return Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()


def _processor_s(ticks: list[str]) -> float:
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
