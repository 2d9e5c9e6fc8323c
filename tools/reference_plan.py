"""Copy the figures of benchmarks/results that `qareport plan` multiplies, and write what it prints into docs/guide.

`make reference` does both; tests compare the figures with the results, and the pages with what the program prints.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from qareport.cli.plan import plan_lines
from qareport.messages import speaking
from qareport.settings.bundled import bundled_figures
from qareport.workflows.capacity.plan import Demand, make_plan

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGES = {"en": ROOT / "docs" / "guide" / "scale.md", "zh": ROOT / "docs" / "guide" / "scale.zh-CN.md"}

_MILLION_PG, _MILLION_SQLITE = "postgresql 1000020", "sqlite 1000020"
#: By name: the file, what of it, and how that is said.
_MEASURED: Mapping[str, tuple[str, Callable[[Any], float], str]] = {
    "core_rate": (
        "engine.json",
        lambda data: data["end_to_end"]["ours"]["audio_seconds_a_second"] / data["threads"],
        "end_to_end.ours, a thread",
    ),
    "prepare_s": (
        "engine_stub.json",
        lambda data: sum(data["formats"]["wav"]["cpu_s_an_hour"][step] for step in ("decode", "cut", "launch")),
        "cpu_s_an_hour of WAV: decode, cut, launch",
    ),
    "analyse_ms": (
        "analysis.json",
        lambda data: 1000 * data["analyse_seconds_by_transcripts"]["3000"] / 3000,
        "analyse_seconds_by_transcripts",
    ),
    "mask_ms": (
        "analysis.json",
        lambda data: 1000 * data["mask_seconds_by_transcripts"]["3000"] / 3000,
        "mask_seconds_by_transcripts",
    ),
    "rules_ms": (
        "rules.json",
        lambda data: 1000 * data["judge_200_rules_seconds_by_calls"]["3000"]["cpu"] / 3000,
        "judge_200_rules_seconds_by_calls",
    ),
    "sqlite_ms": ("search.json", lambda data: data["runs"][_MILLION_SQLITE]["ms_to_put_a_call"], "ms_to_put_a_call"),
    "postgresql_ms": ("search.json", lambda data: data["runs"][_MILLION_PG]["ms_to_put_a_call"], "ms_to_put_a_call"),
    "documents_s": (
        "reports.json",
        lambda data: sum(data["three_minutes_processor_seconds"][name] for name in ("docx", "pdf")),
        "three_minutes_processor_seconds",
    ),
    "edition_s": (
        "daily.json",
        lambda data: data["one_day"]["processor_seconds"] / data["one_day"]["mails"],
        "one_day.processor_seconds, a mail",
    ),
    "sentences": (
        "search.json",
        lambda data: data["runs"][_MILLION_PG]["sentences"] / data["runs"][_MILLION_PG]["calls"],
        "sentences, a call",
    ),
    "searched": ("search.json", lambda data: data["runs"][_MILLION_PG]["sentences"], "sentences"),
    "search_ms": ("search.json", lambda data: data["runs"][_MILLION_PG]["slowest_ms"], "slowest_ms, PostgreSQL"),
}


def measured_figures() -> str:
    """Return the figures as they are shipped."""
    shipped = {}
    for name, (file, read, said) in _MEASURED.items():
        value = read(json.loads((RESULTS / file).read_text("utf-8")))
        shipped[name] = {"value": float(f"{value:.4g}"), "source": f"benchmarks/results/{file} ({said})"}
    return json.dumps(shipped, ensure_ascii=False, indent=1) + "\n"


def with_plans(page: str, language: str) -> str:
    """Put what the program prints now into the blocks of a page that follow its command."""

    def printed(match: re.Match[str]) -> str:
        with speaking(language):
            plan = make_plan(Demand(calls=int(match["calls"]), minutes=float(match["minutes"])))
            text = "\n".join(map(str, plan_lines(plan)))
        return f"{match['command']}```text\n{text}\n```"

    block = r"(?P<command>qareport plan --calls (?P<calls>\d+) --minutes (?P<minutes>\d+)\n```\n\n)```text\n.*?```"
    return re.sub(block, printed, page, flags=re.DOTALL)


def write() -> list[Path]:
    """Write the figures and the pages; returns their paths."""
    path = bundled_figures()
    path.write_text(measured_figures(), "utf-8")
    for language, page in PAGES.items():
        page.write_text(with_plans(page.read_text("utf-8"), language), "utf-8")
    return [path, *PAGES.values()]
