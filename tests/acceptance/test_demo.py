"""The demo, run as a user runs it: bundled calls, bundled model, real documents, compared with the scripted truth."""

from __future__ import annotations

import csv
import json
import re
import shutil
import statistics
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pdfplumber
import pytest
from docx import Document
from rapidfuzz.distance import Levenshtein

from qareport import privacy
from qareport.model import Agents, AuditEntry, QaFilter, QaKind, QaState
from qareport.store import Store
from qareport.workflows.export.qa import QA_FORMATS
from tests.support.command import DemoRun, run_qareport, start_qareport
from tests.support.paths import ROOT

CALLS = ROOT / "qareport" / "bundled" / "calls"


#: The call whose scripted pause is filled with music.
ON_HOLD = "C20261121-005"


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    """The script of every readable bundled call, by call id."""
    data = json.loads((CALLS / "truth.json").read_text(encoding="utf-8"))
    return {call["call_id"]: call for call in data["calls"]}


@pytest.fixture(scope="module")
def manifest() -> list[dict[str, str]]:
    """The rows of the bundled manifest."""
    with (CALLS / "manifest.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def reports(demo_run: DemoRun, truth: dict[str, Any]) -> dict[str, Any]:
    """The report JSON of every order, as `--format json` writes it, by order id."""
    orders = sorted({call["order_id"] for call in truth.values()})
    ran = run_qareport(
        ["report", *orders, "--format", "json", "--store", demo_run.store, "--out", "json"], cwd=demo_run.cwd
    )
    assert ran.status == 0, ran.stderr
    return {order: json.loads((demo_run.cwd / "json" / f"{order}.json").read_text("utf-8")) for order in orders}


@pytest.fixture(scope="module")
def heard(demo_run: DemoRun, reports: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The segments heard in each call, by call id, with nothing masked."""
    config = demo_run.cwd / "unmasked"
    shutil.copytree(ROOT / "config", config)
    settings = (config / "qareport.yaml").read_text("utf-8")
    (config / "qareport.yaml").write_text(settings.replace("  enabled: true", "  enabled: false"), "utf-8")
    arguments = ["--format", "json", "--store", demo_run.store, "--out", "plain", "--config", config]
    ran = run_qareport(["report", *reports, *arguments], cwd=demo_run.cwd)
    assert ran.status == 0, ran.stderr
    plain = [json.loads((demo_run.cwd / "plain" / f"{order}.json").read_text("utf-8")) for order in reports]
    return {call["call_id"]: call["segments"] for report in plain for call in report["calls"]}


def bare(text: str) -> str:
    """Text without punctuation and spaces, in lower case: what a character error rate compares."""
    return re.sub(r"[\W_]+", "", text).lower()


def test_every_readable_order_gets_a_word_and_a_pdf_document(demo_run: DemoRun, truth: dict[str, Any]) -> None:
    orders = {call["order_id"] for call in truth.values()}
    for suffix in ("docx", "pdf"):
        assert {path.stem for path in (demo_run.out / "reports").glob(f"*.{suffix}")} == orders


def test_the_broken_recording_is_listed_with_its_reason_and_stops_nothing(
    demo_run: DemoRun, truth: dict[str, Any], manifest: list[dict[str, str]]
) -> None:
    broken = [row["call_id"] for row in manifest if row["call_id"] not in truth]
    assert len(broken) == 1
    assert "Calls failed: 1" in demo_run.ran.stdout
    assert re.search(rf"  {broken[0]}: .{{10,}} \[decode\]", demo_run.ran.stdout)
    assert f"Calls done:   {len(truth)}\n" in demo_run.ran.stdout


def test_output_in_a_pipe_is_quiet_and_names_where_the_files_are(demo_run: DemoRun) -> None:
    assert len(demo_run.ran.stderr.splitlines()) <= 1, demo_run.ran.stderr
    assert re.search(r"Audio: +0\.\d\d h, transcribed at \d+ × real time", demo_run.ran.stdout)
    assert "out/reports" in demo_run.ran.stdout
    page, day = re.findall(r"^  (out/\S+)   ", demo_run.ran.stdout.partition("Open first:")[2], re.MULTILINE)
    assert "<audio" in (demo_run.cwd / page).read_text("utf-8")
    assert (demo_run.cwd / day).read_bytes().startswith(b"%PDF")


def test_a_second_demo_repeats_no_finished_work(demo_run: DemoRun, truth: dict[str, Any]) -> None:
    before = {path: path.stat().st_mtime_ns for path in (demo_run.out / "reports").iterdir()}
    again = start_qareport(["-v", "demo", "--out", "out"], cwd=demo_run.cwd)
    assert again.status == 0
    assert f"Calls done:   {len(truth)} ({len(truth)} already transcribed)" in again.stdout
    assert f"Documents:    0 written, {len(before)} already up to date" in again.stdout
    assert {path: path.stat().st_mtime_ns for path in (demo_run.out / "reports").iterdir()} == before


def test_the_bundled_calls_are_understood_within_four_percent_of_their_characters(
    heard: dict[str, list[dict[str, Any]]], truth: dict[str, Any]
) -> None:
    errors = characters = 0
    for call_id, call in truth.items():
        mono = any(segment["role_source"] != "channel" for segment in heard[call_id])
        for roles in [{"agent", "customer", "unknown"}] if mono else [{"agent"}, {"customer"}]:
            expected = bare("".join(turn["text"] for turn in call["turns"] if turn["role"] in roles))
            transcribed = bare("".join(segment["text"] for segment in heard[call_id] if segment["role"] in roles))
            errors += Levenshtein.distance(expected, transcribed)
            characters += len(expected)
    assert characters > 3000
    assert errors / characters <= 0.04


def test_the_emotion_of_at_least_85_percent_of_the_segments_is_the_scripted_one(
    heard: dict[str, list[dict[str, Any]]], truth: dict[str, Any]
) -> None:
    right: Counter[bool] = Counter()
    for call_id, call in truth.items():
        for segment in heard[call_id]:
            turn = max(call["turns"], key=lambda turn: overlap(segment, turn))
            if overlap(segment, turn) > 0:
                right[segment["emotion"] == turn["emotion"]] += 1
    assert right.total() > 200
    assert right[True] / right.total() >= 0.85


def overlap(segment: dict[str, Any], turn: dict[str, Any]) -> int:
    """Milliseconds that a segment and a scripted turn share, none when their speakers are known to differ."""
    if segment["role"] not in (turn["role"], "unknown"):
        return 0
    return min(segment["end_ms"], turn["end_ms"]) - max(segment["start_ms"], turn["start_ms"])


def test_scripted_pauses_are_found_in_the_sound_with_their_edges(
    reports: dict[str, Any], truth: dict[str, Any]
) -> None:
    compare_stretches(
        {call_id: call["pauses"] if call_id != ON_HOLD else [] for call_id, call in truth.items()},
        {
            call_id: [silence for silence in call["silences"] if silence["after"] and silence["before"]]
            for call_id, call in of(reports)
        },
        at_least=15,
    )


def test_music_while_the_customer_holds_is_no_silence(reports: dict[str, Any], truth: dict[str, Any]) -> None:
    call = dict(of(reports))[ON_HOLD]
    ((start, end),) = truth[ON_HOLD]["pauses"]
    assert [silence for silence in call["silences"] if silence["start_ms"] < end and silence["end_ms"] > start] == []
    (hold,) = call["metrics"]["holds"]
    assert hold["music"]
    assert abs(hold["start_ms"] - start) <= 500
    assert abs(hold["end_ms"] - end) <= 500


def test_scripted_overlaps_are_found_in_the_sound_with_their_edges(
    reports: dict[str, Any], truth: dict[str, Any]
) -> None:
    compare_stretches(
        {call_id: call["overlaps"] for call_id, call in truth.items()},
        {call_id: call["interruptions"] for call_id, call in of(reports)},
        at_least=2,
    )


def of(reports: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The calls of all reports, by their ids."""
    return [(call["call_id"], call) for report in reports.values() for call in report["calls"]]


def compare_stretches(truth: dict[str, Any], found: dict[str, list[dict[str, Any]]], *, at_least: int) -> None:
    """Hold stretches of time to the script: F1 0.95 or more, and the edges within 100 ms (median)."""
    hits, edges = 0, []
    for call_id, stretches in truth.items():
        left = [(span["start_ms"], span["end_ms"]) for span in found[call_id]]
        for start, end in stretches:
            near = [span for span in left if min(span[1], end) - max(span[0], start) > (end - start) / 2]
            if near:
                left.remove(near[0])
                hits += 1
                edges += [abs(near[0][0] - start), abs(near[0][1] - end)]
    expected, told = (sum(map(len, spans.values())) for spans in (truth, found))
    assert expected >= at_least
    assert 2 * hits / (expected + told) >= 0.95
    assert statistics.median(edges) <= 100


def test_the_moments_that_the_product_promises_are_found_in_the_call_about_a_held_back_order(
    reports: dict[str, Any],
) -> None:
    calls = [call for report in reports.values() for call in report["calls"]]
    call = next(call for call in calls if call["call_id"] == "C20261120-001")
    kinds = defaultdict(list)
    for moment in call["moments"]:
        kinds[moment["kind"]].append(moment)
    assert any(moment["topic"] and "发货" in moment["quote"] for moment in kinds["topic_mention"])
    accusation = next(segment for segment in call["segments"] if "压单" in segment["text"])
    assert accusation["emotion"] == "ANGRY"
    anger = next(moment for moment in kinds["emotion"] if "ANGRY" in moment["tags"])
    assert anger["at_ms"] <= accusation["start_ms"] < anger["end_ms"]
    assert len(kinds["silence"]) >= 1
    assert any(finding["rule_id"] == "logistics.shipping-doubt" for finding in call["findings"])
    states = [state["state"] for state in call["trajectory"] if state["role"] == "customer"]
    assert {"SILENCE", "ANGRY"} <= set(states)


def test_every_key_moment_stands_in_both_documents_with_its_second_and_its_words(
    demo_run: DemoRun, reports: dict[str, Any]
) -> None:
    for order, report in reports.items():
        with pdfplumber.open(demo_run.out / "reports" / f"{order}.pdf") as pdf:
            printed = bare("".join(page.extract_text() for page in pdf.pages))
        word = bare(docx_text(demo_run.out / "reports" / f"{order}.docx"))
        for call in report["calls"]:
            # What a call is about stands at its head, too.
            telling = [m for m in call["moments"] if m["salience"] > 0 and m["kind"] != "topic_mention"]
            shown = [moment for moment in call["moments"] if f"第{moment['at_ms'] // 1000}秒" in word]
            told = [*shown, *call["findings"]]
            assert len(told) >= min(5, len(telling))
            for moment in shown:
                assert f"第{moment['at_ms'] // 1000}秒" in printed
                assert bare(moment["quote"]) in word
                assert bare(moment["quote"]) in printed


def docx_text(path: Path) -> str:
    """All text of a Word document in reading order, tables included."""
    return "".join(node.text or "" for node in Document(str(path)).element.body.iter() if node.tag.endswith("}t"))


def test_the_pages_have_a_header_page_numbers_and_no_missing_glyph(demo_run: DemoRun) -> None:
    for path in (demo_run.out / "reports").glob("*.pdf"):
        with pdfplumber.open(path) as pdf:
            for number, page in enumerate(pdf.pages, start=1):
                text = page.extract_text()
                assert len(bare(text)) > 40, f"{path.name} page {number} is nearly empty"
                assert path.stem in text
                assert re.search(rf"{number}\s*/\s*{len(pdf.pages)}", text), f"{path.name} page {number} has no number"
                assert not {"□", "�"} & set(text)


def test_a_report_is_written_without_loading_a_model(demo_run: DemoRun, truth: dict[str, Any]) -> None:
    order = next(iter(truth.values()))["order_id"]
    code = (
        "import sys; from qareport.cli import main; status = main(sys.argv[1:]);"
        "print('LOADED', sorted({'torch', 'funasr', 'silero_vad'} & set(sys.modules))); sys.exit(status)"
    )
    ran = run_python(code, ["report", order, "--store", demo_run.store, "--out", "again"], demo_run.cwd)
    assert "LOADED []" in ran
    assert f"again/{order}.pdf" in ran


def run_python(code: str, arguments: list[str], cwd: Path) -> str:
    """Run Python code in a process of its own and return what it printed."""
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout


def test_the_report_json_follows_the_contract(reports: dict[str, Any]) -> None:
    for order, report in reports.items():
        assert (report["schema_version"], report["order_id"]) == (1, order)
        assert {"qareport", "model", "rules_sha256", "audio_sha256"} <= set(report["provenance"])
        assert report["provenance"]["model"].startswith("demo")
        for call in report["calls"]:
            assert {"metrics", "trajectory", "moments", "findings", "score", "risk"} <= set(call)
            assert call["risk"] in ("low", "medium", "high")
            unscored = "not_scored_speakers" in [note["code"] for note in call["notes"]]
            assert call["score"] is None if unscored else 0 <= call["score"] <= 100


def test_an_order_with_two_calls_is_one_report_of_both(reports: dict[str, Any]) -> None:
    assert max(len(report["calls"]) for report in reports.values()) == 2


def test_customer_numbers_leave_the_store_masked_only(
    demo_run: DemoRun, reports: dict[str, Any], manifest: list[dict[str, str]]
) -> None:
    numbers = {row["customer_phone"] for row in manifest if row["customer_phone"]}
    assert numbers
    everything = json.dumps(reports) + "".join(docx_text(path) for path in (demo_run.out / "reports").glob("*.docx"))
    assert not [number for number in numbers if number in everything]


def test_what_the_bundled_calls_teach_leaves_in_each_format_approved_masked_and_with_a_call_that_exists(
    demo_run: DemoRun, tmp_path: Path
) -> None:
    shutil.copyfile(demo_run.store.removeprefix("sqlite:///"), tmp_path / "q.db")
    url = f"sqlite:///{tmp_path / 'q.db'}"
    assert run_qareport(["qa", "mine", "--store", url], cwd=tmp_path).status == 0
    at = datetime(2026, 11, 30, 8, tzinfo=UTC)
    with Store(url) as store:
        pairs = list(store.qa_pairs.list_all(QaFilter(), Agents()))
        for pair in pairs:
            entry = AuditEntry(at=at, actor="li", actor_kind="person", action="qa.approved")
            store.qa_pairs.decide(pair, QaState.APPROVED, entry, at=at, user_id=None)
        assert all(store.results.get(pair.call_id) for pair in pairs)
    assert {pair.kind for pair in pairs} >= {QaKind.ANSWER, QaKind.PREFERENCE}
    for format, kind in QA_FORMATS.items():
        ran = run_qareport(
            ["export", "qa", "--format", format, "-o", f"qa.{kind.suffix}", "--store", url], cwd=tmp_path
        )
        assert ran.status == 0, ran.stderr
        text = (tmp_path / f"qa.{kind.suffix}").read_text("utf-8-sig")
        rows = csv.DictReader(text.splitlines()) if kind.suffix == "csv" else _json_rows(text, kind.suffix)
        # Digits of a content's hash can look like a telephone.
        strings = [text for row in rows for text in _strings(row) if not re.fullmatch("[0-9a-f]{64}", text)]
        assert strings
        assert [value for value in strings if privacy.find(value)] == []


def _json_rows(text: str, suffix: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()] if suffix == "jsonl" else list(json.loads(text))


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _strings(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _strings(inner)]
    return [value] if isinstance(value, str) else []
